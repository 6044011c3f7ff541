//! The entries of a range that a query leaves, one by one as they are read.

mod counted;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use spoor_storage::{Result, Table, TimeRange};

use super::ast::{LabelFormat, LogQuery, Picked, Stage};
use super::condition::{Condition, condition, needs_fields};
use super::fields::Fields;
use super::pipeline::Entry;
use super::rows::{LEVEL, Needed, RowPlan, Rows, SERVICE};
pub(crate) use counted::{By, Lines, Part};

use crate::failure::from_datafusion;
use crate::listing::in_range;
use crate::session::QuerySession;

/// What has been read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Processed {
    /// Rows that the condition left.
    pub(crate) lines: u64,
    /// Their bytes, where lines were read.
    pub(crate) bytes: u64,
}

/// A query over one range, ready to be read.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    session: &'a QuerySession,
    query: &'a LogQuery,
    pub(crate) condition: Condition,
    /// Without the filters that the condition has decided.
    stages: Vec<&'a Stage>,
    plan: RowPlan,
}

/// What whoever reads needs of an entry.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Which labels at the end of the pipeline.
    pub(crate) labels: Needed,
    pub(crate) line: bool,
}

impl Wanted {
    pub(crate) fn all() -> Self {
        Self {
            labels: Needed::All,
            line: true,
        }
    }
}

impl<'a> Scan<'a> {
    /// `range` is what the attributes that there are are looked up for.
    pub(crate) fn new(
        session: &'a QuerySession,
        query: &'a LogQuery,
        range: TimeRange,
        wanted: &Wanted,
    ) -> Self {
        session.note_skipped(Table::Logs, range);
        let of_attributes = needs_fields(query)
            || matches!(&wanted.labels, Needed::Names(_) if wanted.labels.has_attributes());
        let fields = if of_attributes {
            Fields::of(session, range)
        } else {
            Fields::unknown()
        };
        let condition = condition(query, &fields);
        let stages: Vec<&Stage> = query
            .stages
            .iter()
            .filter(|stage| !(condition.exact && is_filter(stage)))
            .collect();
        let needed = needed(query, &stages, &wanted.labels, condition.exact);
        let line = wanted.line || stages.iter().any(|stage| reads_line(stage));
        Self {
            session,
            query,
            plan: RowPlan::new(needed, line, &fields),
            condition,
            stages,
        }
    }

    /// Calls `each` with every entry of `range` that is left and its record's number; in no order.
    pub(crate) async fn each(
        &self,
        range: TimeRange,
        mut each: impl FnMut(Entry<'_>, i64) -> Result<()>,
    ) -> Result<Processed> {
        let mut processed = Processed::default();
        let frame = self
            .session
            .table(Table::Logs)
            .await?
            .filter(in_range("time", range).and(self.condition.expr.clone()))
            .and_then(|frame| frame.select(self.plan.select()))
            .map_err(from_datafusion)?;
        let mut batches = self.session.stream(frame).await?;
        while let Some(batch) = self.session.next(&mut batches).await? {
            let rows = Rows::open(&self.plan, &batch)?;
            processed.lines += rows.len() as u64;
            for row in 0..rows.len() {
                let mut entry = rows.entry(row);
                processed.bytes += entry.line.len() as u64;
                if self.passes(&mut entry) {
                    each(entry, rows.record_id(row))?;
                }
            }
        }
        Ok(processed)
    }

    /// Whether an entry is left.
    pub(crate) fn passes(&self, entry: &mut Entry<'_>) -> bool {
        let selected = self.condition.exact
            || self
                .query
                .matchers
                .iter()
                .all(|matcher| matcher.test.holds(entry.labels.value(&matcher.name)));
        selected && self.stages.iter().all(|stage| entry.passes_stage(stage))
    }
}

fn is_filter(stage: &Stage) -> bool {
    matches!(stage, Stage::Line(_) | Stage::Filter(_))
}

/// Whether a stage looks at the line.
fn reads_line(stage: &Stage) -> bool {
    !matches!(
        stage,
        Stage::Filter(_) | Stage::Drop(_) | Stage::Keep(_) | Stage::Decolorize
    )
}

/// The labels of the record that the stages and the end of the pipeline need.
fn needed(query: &LogQuery, stages: &[&Stage], wanted: &Needed, exact: bool) -> Needed {
    let Needed::Names(wanted) = wanted else {
        return Needed::All;
    };
    let mut names: Vec<String> = wanted.iter().cloned().collect();
    if !exact {
        names.extend(query.matchers.iter().map(|matcher| matcher.name.clone()));
    }
    for stage in stages {
        match stage {
            Stage::Filter(filter) => {
                filter.names(&mut |name| names.push(name.to_owned()));
            }
            Stage::LineFormat(template) => match template.labels() {
                Some(of) => names.extend(of.into_iter().map(str::to_owned)),
                None => return Needed::All,
            },
            Stage::LabelFormat(given) => {
                for (name, format) in given {
                    names.push(name.clone());
                    match format {
                        LabelFormat::Rename(of) => names.push(of.clone()),
                        LabelFormat::Template(template) => match template.labels() {
                            Some(of) => names.extend(of.into_iter().map(str::to_owned)),
                            None => return Needed::All,
                        },
                    }
                }
            }
            Stage::Drop(picked) | Stage::Keep(picked) => {
                names.extend(picked.iter().map(|Picked { name, .. }| name.clone()));
            }
            _ => {}
        }
    }
    Needed::names(names)
}

/// The labels of streams.
pub(crate) fn stream_labels(session: &QuerySession, range: TimeRange) -> Vec<String> {
    let fields = Fields::of(session, range);
    let known = super::rows::stream_labels();
    known
        .filter(|name| name == SERVICE || name == LEVEL || fields.in_resource(name))
        .collect()
}

/// Memory of the query for what is kept while it is read.
#[derive(Debug)]
pub(crate) struct Budget(MemoryReservation);

impl Budget {
    pub(crate) fn of(session: &QuerySession, what: &str) -> Self {
        let pool = &session.context().runtime_env().memory_pool;
        Self(MemoryConsumer::new(what).register(pool))
    }

    /// Errors if the query has no more.
    pub(crate) fn grow(&self, bytes: usize) -> Result<()> {
        self.0.try_grow(bytes).map_err(from_datafusion)
    }

    pub(crate) fn shrink(&self, bytes: usize) {
        self.0.shrink(bytes.min(self.0.size()));
    }
}

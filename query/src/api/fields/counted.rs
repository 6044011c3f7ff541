//! The values of a field with their numbers of rows, counted exactly.
//!
//! ```text
//!  files that lie in the range as a whole ─► counted once each, then from memory ─┐
//!  files at the ends of the range, buffer ─► read ────────────────────────────────┴─► added up
//! ```
//! Where a file has more values than are worth keeping, everything is read in one go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{col, starts_with};
use futures::{StreamExt, TryStreamExt};
use spoor_storage::{DataFile, FacetCache, FileCounts, Result, Table, TimeRange};

use super::query_name;
use crate::failure::from_datafusion;
use crate::language::{field_text, level_rank_expr};
use crate::listing::in_range;
use crate::session::QuerySession;
use crate::table::Part;

/// Values of the part that is read are added up here as long as they are no more.
const MAX_READ_VALUES: usize = 100_000;

/// What is counted.
#[derive(Debug)]
pub(super) struct Counting<'a> {
    session: &'a QuerySession,
    table: Table,
    range: TimeRange,
    name: &'a str,
    value: Expr,
    is_level: bool,
}

/// Values with their numbers of rows.
type Counts = HashMap<Box<str>, u64>;

impl<'a> Counting<'a> {
    pub(super) fn new(
        session: &'a QuerySession,
        table: Table,
        range: TimeRange,
        name: &'a str,
    ) -> Result<Self> {
        let is_level = table == Table::Logs && matches!(name, "level" | "severity");
        Ok(Self {
            session,
            table,
            range,
            name,
            value: if is_level {
                level_rank_expr().map_err(from_datafusion)?
            } else {
                field_text(name, table)
            },
            is_level,
        })
    }

    /// Whether values are ranks of levels, as text.
    pub(super) fn is_level(&self) -> bool {
        self.is_level
    }

    /// The `most` most frequent values that begin with `prefix`, ties by value.
    pub(super) async fn top(&self, prefix: &str, most: usize) -> Result<Vec<(Box<str>, u64)>> {
        let Some(counts) = self.added_up(prefix).await? else {
            return self.read_all(prefix, most).await;
        };
        let mut values: Vec<(Box<str>, u64)> = counts.into_iter().collect();
        // There are few ranks, and all have one digit.
        values.retain(|(value, _)| self.is_level || value.starts_with(prefix));
        values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        values.truncate(most);
        Ok(values)
    }

    /// `None` if there are too many values for that.
    async fn added_up(&self, prefix: &str) -> Result<Option<Counts>> {
        let snapshot = self.session.snapshot();
        let files = snapshot.files(self.session.tenant(), self.table, self.range);
        let whole: Vec<Arc<DataFile>> = files
            .into_iter()
            .filter(|file| {
                self.range.start_ns <= file.min_time_ns && file.max_time_ns < self.range.end_ns
            })
            .collect();
        let mut counts = Counts::new();
        let mut unknown = Vec::new();
        for file in &whole {
            match self.session.facets().get(file, self.name) {
                Some(FileCounts::Counted(values)) => add(&mut counts, &values),
                Some(FileCounts::TooMany) => return Ok(None),
                None => unknown.push(Arc::clone(file)),
            }
        }
        if let Some(file) = unknown.iter().find(|file| self.has_too_many(file)) {
            let facets = self.session.facets();
            facets.keep(file, self.name, FileCounts::TooMany);
            return Ok(None);
        }
        let mut counted = futures::stream::iter(unknown)
            .map(|file| self.of_file(file))
            .buffer_unordered(self.session.options().parallelism.max(1));
        while let Some(of_file) = counted.try_next().await? {
            match of_file {
                FileCounts::Counted(values) => add(&mut counts, &values),
                FileCounts::TooMany => return Ok(None),
            }
        }
        drop(counted);
        let ids: HashSet<_> = whole.iter().map(|file| file.id).collect();
        let rest = self
            .rows(Part::WithoutFiles(Arc::new(ids)), prefix)?
            .limit(0, Some(MAX_READ_VALUES + 1))
            .map_err(from_datafusion)?;
        let rest = values_of(&self.session.collect(rest).await?)?;
        if rest.len() > MAX_READ_VALUES {
            return Ok(None);
        }
        add(&mut counts, &rest);
        Ok(Some(counts))
    }

    /// Whether the statistics of a file say that it has more values than are kept.
    fn has_too_many(&self, file: &DataFile) -> bool {
        file.fields.fields.iter().any(|(name, field)| {
            field.distinct > FacetCache::MAX_VALUES as u64
                && (name == self.name || query_name(name, self.table) == self.name)
        })
    }

    /// Counts all visible rows of a file, and keeps what comes out.
    async fn of_file(&self, file: Arc<DataFile>) -> Result<FileCounts> {
        let before = self.session.notes();
        let frame = self
            .rows(Part::OnlyFile(file.id), "")?
            .limit(0, Some(FacetCache::MAX_VALUES + 1))
            .map_err(from_datafusion)?;
        let values = values_of(&self.session.collect(frame).await?)?;
        let bytes: usize = values.iter().map(|(value, _)| value.len()).sum();
        let counts = if values.len() > FacetCache::MAX_VALUES || bytes > FacetCache::MAX_VALUE_BYTES
        {
            FileCounts::TooMany
        } else {
            FileCounts::Counted(values.into())
        };
        // A file that could not be read looks like one without rows.
        if self.session.notes() == before {
            let facets = self.session.facets();
            facets.keep(&file, self.name, counts.clone());
        }
        Ok(counts)
    }

    /// Everything in one go; only what is shown leaves the engine.
    async fn read_all(&self, prefix: &str, most: usize) -> Result<Vec<(Box<str>, u64)>> {
        let frame = self
            .rows(Part::All, prefix)?
            .sort(vec![
                col("rows").sort(false, false),
                col("value").sort(true, false),
            ])
            .and_then(|frame| frame.limit(0, Some(most)))
            .map_err(from_datafusion)?;
        values_of(&self.session.collect(frame).await?)
    }

    /// Values and numbers of rows of a part of the snapshot.
    fn rows(&self, part: Part, prefix: &str) -> Result<DataFrame> {
        let mut filter =
            in_range(self.table.time_column(), self.range).and(self.value.clone().is_not_null());
        if !self.is_level && !prefix.is_empty() {
            filter = filter.and(starts_with(self.value.clone(), lit(prefix)));
        }
        self.session
            .part_of(self.table, part)?
            .filter(filter)
            .and_then(|frame| {
                frame.aggregate(
                    vec![self.value.clone().alias("value")],
                    vec![count(lit(1)).alias("rows")],
                )
            })
            .map_err(from_datafusion)
    }
}

fn add(counts: &mut Counts, values: &[(Box<str>, u64)]) {
    for (value, rows) in values {
        if let Some(count) = counts.get_mut(value) {
            *count += rows;
        } else {
            counts.insert(value.clone(), *rows);
        }
    }
}

fn values_of(batches: &[RecordBatch]) -> Result<Vec<(Box<str>, u64)>> {
    let mut values = Vec::new();
    for batch in batches {
        let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
        let texts = texts.as_string::<i32>().iter();
        let rows = batch.column(1).as_primitive::<Int64Type>().values();
        values.extend(
            texts
                .zip(rows)
                .map(|(text, rows)| (text.unwrap_or_default().into(), rows.unsigned_abs())),
        );
    }
    Ok(values)
}

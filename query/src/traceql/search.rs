//! A page of traces for which a query leaves spans, newest first.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::Expr;
use spoor_storage::{Error, ErrorKind, Result, SpanId, Table, TimeRange, TraceId};

use super::ast::{Field, Intrinsic, Query, Stage, Target};
use super::condition::{Arrays, condition, requirements};
use super::evaluate::{Spanset, evaluate};
use super::load::{
    Candidate, MAX_CANDIDATES, Wanted, candidates, candidates_frame, candidates_of, columns_of,
    load,
};
use super::tree::TraceTree;
use super::value::Value;
use crate::failure::from_datafusion;
use crate::functions::{TraceSet, TraceSetBuilder};
use crate::listing::Slices;
use crate::parameters;
use crate::session::QuerySession;
use crate::trace::Place;

/// At most so many spansets of a trace are shown.
const MAX_SPANSETS: usize = 100;

/// Traces that are read together; row filters are put to Parquet for so many.
const TRACES_AT_ONCE: usize = 64;

/// A search for traces.
#[derive(Debug)]
pub(crate) struct TraceqlSearch<'q> {
    pub(crate) query: &'q Query,
    /// Where a span that is found must start, for its trace to be found.
    pub(crate) range: TimeRange,
    /// At most so many traces.
    pub(crate) limit: usize,
    /// At most so many spans shown of each spanset.
    pub(crate) spans_per_set: usize,
    /// Only traces after this one in the order.
    pub(crate) after: Option<Place>,
    /// What else one of the spans in the range must meet.
    pub(crate) condition: Option<Expr>,
}

/// A page of found traces.
#[derive(Debug)]
pub(crate) struct FoundTraces {
    /// The one with the newest found span first.
    pub(crate) traces: Vec<FoundTrace>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<Place>,
    /// Traces that were read for it.
    pub(crate) inspected: usize,
}

/// A trace with the spans that were found in it.
#[derive(Debug)]
pub(crate) struct FoundTrace {
    pub(crate) id: TraceId,
    /// The start of the newest span that was found.
    pub(crate) newest_ns: i64,
    /// Spans in any of its spansets.
    pub(crate) matched: usize,
    /// The first 100 of them.
    pub(crate) spansets: Vec<FoundSpanset>,
}

/// Spans that were found together.
#[derive(Debug)]
pub(crate) struct FoundSpanset {
    /// How many; not all are shown.
    pub(crate) matched: usize,
    /// What they were grouped by, and their aggregates.
    pub(crate) values: Vec<(String, Value<'static>)>,
    /// The first ones by start.
    pub(crate) spans: Vec<FoundSpan>,
}

/// A span that was found.
#[derive(Debug)]
pub(crate) struct FoundSpan {
    pub(crate) span_id: SpanId,
    pub(crate) start_ns: i64,
    pub(crate) duration_ns: i64,
    pub(crate) name: String,
    pub(crate) service_name: String,
    /// Fields that the query names, as far as the span has them.
    pub(crate) fields: Vec<(Field, Value<'static>)>,
}

/// In the order of answers: newest first, then by id.
type Order = (std::cmp::Reverse<i64>, TraceId);

/// Finds traces. Candidates come newest first, and none of the rest can be newer than the next
/// one: so a page is full as soon as its last trace is newer than that.
pub(crate) async fn find(
    session: &QuerySession,
    search: &TraceqlSearch<'_>,
) -> Result<FoundTraces> {
    session.note_skipped(Table::Spans, search.range);
    let stages = finding(search.query)?;
    let wanted = &wanted(session, stages, search.range, search.condition.clone());
    let mut slices = slices(session, wanted);
    let mut page = Page {
        search,
        stages,
        shown: shown_fields(stages),
        columns: columns_of(search.query.fields()),
        after: search.after.as_ref().map(order_of).transpose()?,
        found: BTreeMap::new(),
    };
    let mut seen: HashSet<TraceId> = HashSet::new();
    let mut too_many = false;
    let mut next_ns = slices.next_ns();
    while !too_many && next_ns.is_some_and(|newest_ns| !page.is_full(newest_ns)) {
        let next = slices.next_planned(|slice| async move {
            let candidates = candidates_frame(session, &wanted.within(slice)).await?;
            session.planned(candidates).await
        });
        let Some((_, planned)) = next.await? else {
            break;
        };
        let mut candidates = candidates_of(&session.run(planned).await?)?;
        // Those of newer slices were looked at.
        candidates.retain(|candidate| !seen.contains(&candidate.id));
        let most = MAX_CANDIDATES.saturating_sub(seen.len());
        too_many = candidates.len() > most;
        candidates.truncate(most);
        let (before, mut at) = (page.found.len(), 0);
        while at < candidates.len() && !page.is_full(candidates[at].newest_ns) {
            let end = (at + TRACES_AT_ONCE).min(candidates.len());
            page.add(session, &candidates[at..end]).await?;
            seen.extend(candidates[at..end].iter().map(|candidate| candidate.id));
            at = end;
        }
        if at < candidates.len() {
            // Full.
            too_many = false;
            break;
        }
        slices.found(page.found.len().saturating_sub(before), page.missing());
        next_ns = slices.next_ns();
    }
    if too_many {
        session.note_incomplete(format!(
            "more than {MAX_CANDIDATES} traces may match; only the newest were looked at"
        ));
    }
    Ok(finish(page.found, search.limit, seen.len()))
}

/// The time in which candidates are looked for, newest first. What some span must meet wherever it is would be looked for
/// again for each slice: then there is one.
fn slices(session: &QuerySession, wanted: &Wanted) -> Slices {
    if wanted.requirements.is_empty() {
        let slices = Slices::new(session, Table::Spans, wanted.range, parameters::Order::Desc);
        match &wanted.condition {
            Some(condition) => slices.of_rows_that(Table::Spans, condition),
            None => slices,
        }
    } else {
        Slices::whole(wanted.range)
    }
}

/// A page while it is filled.
struct Page<'s, 'q> {
    search: &'s TraceqlSearch<'q>,
    stages: &'q [Stage],
    shown: Vec<&'q Field>,
    columns: Vec<&'static str>,
    after: Option<Order>,
    found: BTreeMap<Order, FoundTrace>,
}

impl Page<'_, '_> {
    /// Looks at traces, and keeps those that are found as long as they are among the first.
    async fn add(&mut self, session: &QuerySession, candidates: &[Candidate]) -> Result<()> {
        let ids: Vec<TraceId> = candidates.iter().map(|candidate| candidate.id).collect();
        for (id, trace) in load(session, &self.columns, &ids).await? {
            let tree = TraceTree::new(&trace);
            let spansets = evaluate(self.stages, &tree);
            if let Some(newest_ns) = newest_in(&tree, &spansets, self.search.range) {
                let order = (std::cmp::Reverse(newest_ns), id);
                if self.after.is_none_or(|after| order > after) {
                    let spans = self.search.spans_per_set;
                    let found = show(&tree, newest_ns, spansets, &self.shown, spans);
                    self.found.insert(order, found);
                }
            }
        }
        // One more than is shown tells whether there is a next page.
        while self.found.len() > self.search.limit + 1 {
            self.found.pop_last();
        }
        Ok(())
    }

    /// How many are missing.
    fn missing(&self) -> usize {
        (self.search.limit + 1).saturating_sub(self.found.len())
    }

    /// Whether no trace of which the newest span is not newer than this can be on it.
    fn is_full(&self, newest_ns: i64) -> bool {
        let last = self.found.last_key_value();
        self.missing() == 0 && last.is_some_and(|((last, _), _)| last.0 > newest_ns)
    }
}

/// Plans to look for the traces that may be found. Which spans of them are read is known once they are.
pub(crate) async fn plan(session: &QuerySession, search: &TraceqlSearch<'_>) -> Result<()> {
    let stages = finding(search.query)?;
    let wanted = wanted(session, stages, search.range, search.condition.clone());
    let frame = candidates_frame(session, &wanted).await?;
    session.planned(frame).await.map(drop)
}

/// All traces of which the query leaves a span, among those that one span of theirs meets the
/// condition. Errors with [`ErrorKind::TooLarge`] if too many may be.
pub(crate) async fn find_all(
    session: &QuerySession,
    query: &Query,
    condition: Option<Expr>,
) -> Result<Arc<TraceSet>> {
    let stages = finding(query)?;
    let wanted = wanted(session, stages, TimeRange::ALL, condition);
    let candidates = candidates(session, &wanted).await?;
    if candidates.len() > MAX_CANDIDATES {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("more than {MAX_CANDIDATES} traces may match the TraceQL query"),
        )
        .with_hint("narrow it, or the `query` of the logs or its time range"));
    }
    let columns = columns_of(query.fields());
    let pool = &session.context().runtime_env().memory_pool;
    let mut found = TraceSetBuilder::new(MemoryConsumer::new("set of traces").register(pool));
    for some in candidates.chunks(TRACES_AT_ONCE) {
        let ids: Vec<TraceId> = some.iter().map(|candidate| candidate.id).collect();
        for (id, trace) in load(session, &columns, &ids).await? {
            let spansets = evaluate(stages, &TraceTree::new(&trace));
            if spansets.iter().any(|set| !set.spans.is_empty()) {
                found.insert(id).map_err(from_datafusion)?;
            }
        }
    }
    Ok(found.finish())
}

/// The stages of a query that finds traces.
fn finding(query: &Query) -> Result<&[Stage]> {
    if query.metrics.is_some() {
        return Err(
            Error::invalid("the query counts over time and finds no traces").with_hint(
                "leave out the function of time, or ask `/tempo/api/metrics/query_range`",
            ),
        );
    }
    Ok(&query.stages)
}

fn wanted(
    session: &QuerySession,
    stages: &[Stage],
    range: TimeRange,
    more: Option<Expr>,
) -> Wanted {
    let arrays = Arrays::of(session);
    Wanted {
        condition: condition(stages, &arrays)
            .into_iter()
            .chain(more)
            .reduce(Expr::and),
        range,
        requirements: requirements(stages, &arrays),
    }
}

fn order_of(place: &Place) -> Result<Order> {
    Ok((std::cmp::Reverse(place.newest_ns), place.trace_id.parse()?))
}

fn finish(page: BTreeMap<Order, FoundTrace>, limit: usize, inspected: usize) -> FoundTraces {
    let mut traces: Vec<FoundTrace> = page.into_values().collect();
    let more = traces.len() > limit;
    traces.truncate(limit);
    let last = traces.last().filter(|_| more);
    let next = last.map(|last| Place {
        newest_ns: last.newest_ns,
        trace_id: last.id.to_string(),
    });
    FoundTraces {
        traces,
        next,
        inspected,
    }
}

/// The start of the newest span that is found and starts in `range`.
fn newest_in(tree: &TraceTree<'_>, spansets: &[Spanset], range: TimeRange) -> Option<i64> {
    let starts = spansets
        .iter()
        .flat_map(|set| &set.spans)
        .map(|&span| tree.start_ns(span));
    let in_range = |start: &i64| {
        range.start_ns <= *start && (*start < range.end_ns || range.end_ns == i64::MAX)
    };
    starts.filter(in_range).max()
}

/// The fields of `select` and of the filters, each once.
fn shown_fields(stages: &[Stage]) -> Vec<&Field> {
    let mut found: Vec<&Field> = Vec::new();
    for stage in stages {
        stage.fields(&mut |field| {
            let is_shown = !field.of_parent
                && !matches!(
                    field.target,
                    Target::Intrinsic(Intrinsic::TraceId | Intrinsic::SpanId)
                );
            if is_shown && !found.contains(&field) {
                found.push(field);
            }
        });
    }
    found
}

fn show(
    tree: &TraceTree<'_>,
    newest_ns: i64,
    spansets: Vec<Spanset>,
    fields: &[&Field],
    spans_per_set: usize,
) -> FoundTrace {
    let mut matched: Vec<usize> = spansets.iter().flat_map(|set| set.spans.clone()).collect();
    matched.sort_unstable();
    matched.dedup();
    let spansets = spansets.into_iter().take(MAX_SPANSETS).map(|set| {
        let mut spans = set.spans;
        spans.sort_by_key(|&span| tree.start_ns(span));
        FoundSpanset {
            matched: spans.len(),
            values: set.values,
            spans: spans
                .into_iter()
                .take(spans_per_set)
                .map(|span| show_span(tree, span, fields))
                .collect(),
        }
    });
    FoundTrace {
        id: tree.id(),
        newest_ns,
        matched: matched.len(),
        spansets: spansets.collect(),
    }
}

fn show_span(tree: &TraceTree<'_>, span: usize, fields: &[&Field]) -> FoundSpan {
    let row = tree.span(span);
    let values = fields.iter().filter_map(|field| {
        let value = tree.field(field, span).into_owned();
        (!value.is_nil()).then(|| ((*field).clone(), value))
    });
    FoundSpan {
        span_id: SpanId(row.columns.span_id(row.row)),
        start_ns: row.columns.start_ns(row.row),
        duration_ns: row.columns.duration_ns(row.row),
        name: row.columns.name(row.row).to_owned(),
        service_name: row.columns.service_name(row.row).to_owned(),
        fields: values.collect(),
    }
}

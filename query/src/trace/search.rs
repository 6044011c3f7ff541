//! Which traces have a span that matches, newest match first.
//!
//! ```text
//!  slices of time, newest first ─► traces by their newest match in one ─► without those of newer slices
//!      until there are enough                                        └─► on further pages: nor of pages before
//! ```
//! A trace's newest match is in the newest slice in which it has one, so the traces of the newest slices are the first of
//! all.

mod few;

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use serde::{Deserialize, Serialize};
use spoor_storage::{Result, Table, TimeRange, TraceId};

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;

use crate::failure::from_datafusion;
use crate::functions::{TraceSet, TraceSetBuilder};
use crate::listing::{Patience, Slices};
use crate::otlp::{nanoseconds, strings};
use crate::parameters::Order;
use crate::session::QuerySession;

/// A search for traces.
#[derive(Debug)]
pub(crate) struct TraceSearch {
    /// What one span of the trace must meet.
    pub(crate) condition: Expr,
    /// Where that span must start.
    pub(crate) range: TimeRange,
    /// At most so many traces.
    pub(crate) limit: usize,
    /// Only traces after this one in the order.
    pub(crate) after: Option<Place>,
    /// How long more traces are looked for when there are some.
    pub(crate) patience: Patience,
}

/// A place in the order of found traces: by the newest matching span, newest first, then by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) newest_ns: i64,
    pub(crate) trace_id: String,
}

/// A page of found traces.
#[derive(Debug)]
pub(crate) struct Found {
    /// In order.
    pub(crate) ids: Vec<TraceId>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<Place>,
    /// What comes from there on was not looked at, because patience ended.
    pub(crate) partial: bool,
}

/// What a slice has.
struct InSlice {
    /// Traces that neither a newer slice nor a page before has.
    found: Vec<Place>,
    /// It may have others beside.
    is_cut: bool,
}

impl Place {
    /// The place after which come all traces of which the newest match is at an instant, or before, and no others.
    fn before(newest_ns: i64) -> Self {
        Self {
            newest_ns,
            // No trace has it.
            trace_id: TraceId([0; 16]).to_string(),
        }
    }
}

impl TraceSearch {
    /// The range without what is newer than the page.
    fn range_left(&self) -> TimeRange {
        match &self.after {
            None => self.range,
            Some(after) => TimeRange {
                end_ns: self.range.end_ns.min(after.newest_ns.saturating_add(1)),
                ..self.range
            },
        }
    }

    /// Spans that match and start in `range`.
    async fn matches_in(&self, session: &QuerySession, range: TimeRange) -> Result<DataFrame> {
        let condition = self.condition.clone();
        let condition = match time_condition("start_time", range) {
            Some(time) => condition.and(time),
            None => condition,
        };
        let spans = session.table(Table::Spans).await?;
        spans.filter(condition).map_err(from_datafusion)
    }

    /// Those of the traces that have no match before the page's place: others were on one before.
    async fn not_before(
        &self,
        session: &QuerySession,
        mut found: Vec<Place>,
    ) -> Result<Vec<Place>> {
        let Some(after) = &self.after else {
            return Ok(found);
        };
        let before = TimeRange {
            start_ns: after.newest_ns,
            ..self.range
        };
        if found.is_empty() || before.start_ns >= before.end_ns {
            return Ok(found);
        }
        let ids = found.iter().map(|place| lit(place.trace_id.as_str()));
        let of_these = col("trace_id").in_list(ids.collect(), false);
        // At the instant of the place itself those come later that have a larger id.
        let is_newer = col("start_time").not_eq(instant(after.newest_ns));
        let comes_before = is_newer.or(col("trace_id").lt_eq(lit(after.trace_id.as_str())));
        let frame = self
            .matches_in(session, before)
            .await?
            .filter(of_these.and(comes_before))
            .and_then(|frame| frame.select_columns(&["trace_id"])?.distinct())
            .map_err(from_datafusion)?;
        let mut shown: HashSet<String> = HashSet::new();
        for batch in session.collect(frame).await? {
            let ids = strings(batch.column(0))?;
            shown.extend(ids.iter().flatten().map(str::to_owned));
        }
        found.retain(|place| !shown.contains(&place.trace_id));
        Ok(found)
    }

    /// The page of which these are the first places.
    fn page(&self, mut places: Vec<Place>) -> Result<Found> {
        let more = places.len() > self.limit;
        places.truncate(self.limit);
        Ok(Found {
            ids: places
                .iter()
                .map(|place| place.trace_id.parse())
                .collect::<Result<_>>()?,
            next: if more { places.pop() } else { None },
            partial: false,
        })
    }

    /// What a span must meet to match, its time included.
    pub(crate) fn whole_condition(&self) -> Expr {
        match time_condition("start_time", self.range) {
            Some(time) => self.condition.clone().and(time),
            None => self.condition.clone(),
        }
    }
}

/// The condition that `column` is in `range`, unless everything is.
pub(crate) fn time_condition(column: &str, range: TimeRange) -> Option<Expr> {
    let start = (range.start_ns != i64::MIN).then(|| col(column).gt_eq(instant(range.start_ns)));
    let end = (range.end_ns != i64::MAX).then(|| col(column).lt(instant(range.end_ns)));
    match (start, end) {
        (Some(start), Some(end)) => Some(start.and(end)),
        (start, end) => start.or(end),
    }
}

fn instant(time_ns: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(
        Some(time_ns),
        Some("UTC".into()),
    ))
}

/// Finds traces. Only ids and times are held, and only those of one page leave the engine.
pub(crate) async fn find_traces(session: &QuerySession, search: &TraceSearch) -> Result<Found> {
    session.note_skipped(Table::Spans, search.range);
    // One more tells whether there is a next page.
    let most = search.limit.saturating_add(1);
    if let Some(found) = few::find_few(session, search, most).await? {
        return Ok(found);
    }
    let mut slices = Slices::new(session, Table::Spans, search.range_left(), Order::Desc)
        .of_rows_that(Table::Spans, &search.condition);
    let mut seen: HashSet<String> = HashSet::new();
    let mut places: Vec<Place> = Vec::new();
    let mut left = None;
    while places.len() < most {
        let rest = slices.next_ns();
        let step = next_slice(session, search, &mut slices, &mut seen);
        let Some(step) = search.patience.step(!places.is_empty(), step).await? else {
            left = rest.map(Place::before);
            break;
        };
        let Some(InSlice { found, is_cut }) = step else {
            break;
        };
        if is_cut && places.len() + found.len() < most {
            // Of this slice others come into question, and it is not known which.
            let newest = newest_in(session, search, search.range, most).await?;
            places = places_of(&session.collect(newest).await?)?;
            break;
        }
        let missing = most.saturating_sub(places.len() + found.len());
        slices.found(found.len(), missing);
        places.extend(found);
    }
    let partial = left.is_some();
    let page = search.page(places)?;
    Ok(Found {
        next: page.next.or(left),
        partial,
        ..page
    })
}

/// The traces of the next slice; `None` after the last.
async fn next_slice(
    session: &QuerySession,
    search: &TraceSearch,
    slices: &mut Slices,
    seen: &mut HashSet<String>,
) -> Result<Option<InSlice>> {
    // One more than is shown, as those that were seen may be among them.
    let asked = search.limit.saturating_add(1).saturating_add(seen.len());
    let next = slices.next_planned(|slice| async move {
        let newest = newest_in(session, search, slice, asked).await?;
        session.planned(newest).await
    });
    let Some((_, newest)) = next.await? else {
        return Ok(None);
    };
    let mut found = places_of(&session.run(newest).await?)?;
    let is_cut = found.len() >= asked;
    found.retain(|place| seen.insert(place.trace_id.clone()));
    let found = search.not_before(session, found).await?;
    Ok(Some(InSlice { found, is_cut }))
}

/// The first `most` traces with a match in `range`, by the newest that they have there, after the place where the page begins.
async fn newest_in(
    session: &QuerySession,
    search: &TraceSearch,
    range: TimeRange,
    most: usize,
) -> Result<DataFrame> {
    let newest = "newest";
    let mut frame = search
        .matches_in(session, range)
        .await?
        .aggregate(
            vec![col("trace_id")],
            vec![max(col("start_time")).alias(newest)],
        )
        .map_err(from_datafusion)?;
    if let Some(after) = &search.after {
        let same = col(newest).eq(instant(after.newest_ns));
        let beyond = same.and(col("trace_id").gt(lit(after.trace_id.as_str())));
        frame = frame
            .filter(col(newest).lt(instant(after.newest_ns)).or(beyond))
            .map_err(from_datafusion)?;
    }
    frame
        .sort(vec![
            col(newest).sort(false, false),
            col("trace_id").sort(true, false),
        ])
        .and_then(|frame| frame.limit(0, Some(most)))
        .map_err(from_datafusion)
}

fn places_of(batches: &[RecordBatch]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for batch in batches {
        let (ids, times) = (strings(batch.column(0))?, nanoseconds(batch.column(1))?);
        for row in 0..ids.len() {
            places.push(Place {
                newest_ns: times.value(row),
                trace_id: ids.value(row).to_owned(),
            });
        }
    }
    Ok(places)
}

/// The traces that have a row of `table` that meets the condition, at any time; `None` if they are
/// more than `most`, of which not all are looked for then. Errors when the query has not the memory
/// for them.
pub(crate) async fn traces_where(
    session: &QuerySession,
    table: Table,
    condition: Expr,
    most: usize,
) -> Result<Option<Arc<TraceSet>>> {
    let frame = session
        .table(table)
        .await?
        .filter(condition.and(col("trace_id").is_not_null()))
        .and_then(|frame| frame.select_columns(&["trace_id"]))
        .map_err(from_datafusion)?;
    let pool = &session.context().runtime_env().memory_pool;
    let mut found = TraceSetBuilder::new(MemoryConsumer::new("set of traces").register(pool));
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        for id in strings(batch.column(0))?.iter().flatten() {
            found.insert(id.parse()?).map_err(from_datafusion)?;
            if found.len() > most {
                return Ok(None);
            }
        }
    }
    Ok(Some(found.finish()))
}

#[cfg(test)]
mod tests;

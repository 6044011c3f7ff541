//! Which traces have a span that matches, newest match first.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use serde::{Deserialize, Serialize};
use spoor_storage::{Result, Table, TimeRange, TraceId};

use arrow::array::Array as _;

use crate::failure::from_datafusion;
use crate::functions::{TraceSet, TraceSetBuilder};
use crate::otlp::{nanoseconds, strings};
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
}

impl TraceSearch {
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
    let newest = "newest";
    let mut frame = session
        .table(Table::Spans)
        .await?
        .filter(search.whole_condition())
        .and_then(|frame| {
            frame.aggregate(
                vec![col("trace_id")],
                vec![max(col("start_time")).alias(newest)],
            )
        })
        .map_err(from_datafusion)?;
    if let Some(after) = &search.after {
        let same = col(newest).eq(instant(after.newest_ns));
        let beyond = same.and(col("trace_id").gt(lit(after.trace_id.as_str())));
        frame = frame
            .filter(col(newest).lt(instant(after.newest_ns)).or(beyond))
            .map_err(from_datafusion)?;
    }
    let frame = frame
        .sort(vec![
            col(newest).sort(false, false),
            col("trace_id").sort(true, false),
        ])
        // One more tells whether there is a next page.
        .and_then(|frame| frame.limit(0, Some(search.limit + 1)))
        .map_err(from_datafusion)?;
    let mut places = Vec::with_capacity(search.limit + 1);
    for batch in session.collect(frame).await? {
        let (ids, times) = (strings(batch.column(0))?, nanoseconds(batch.column(1))?);
        for row in 0..ids.len() {
            let trace_id = ids.value(row).to_owned();
            places.push(Place {
                newest_ns: times.value(row),
                trace_id,
            });
        }
    }
    let more = places.len() > search.limit;
    places.truncate(search.limit);
    Ok(Found {
        ids: places
            .iter()
            .map(|place| place.trace_id.parse())
            .collect::<Result<_>>()?,
        next: if more { places.pop() } else { None },
    })
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

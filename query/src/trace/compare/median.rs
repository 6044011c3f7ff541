//! The trace in the middle of its operation: what a trace is like when nothing is special.

use datafusion::prelude::{col, lit};
use spoor_storage::{Error, ErrorKind, Result, Table, TimeRange, TraceId};

use super::Side;
use crate::failure::from_datafusion;
use crate::otlp::{SpanRef, integers, strings};
use crate::session::QuerySession;
use crate::trace::api::unless_missing;
use crate::trace::load::load_trace;
use crate::trace::search::time_condition;
use crate::trace::summary::summarize;

/// How far from the trace, before and after it, others are looked for.
const WINDOW_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// Of more traces the newest are taken.
const MAX_TRACES: usize = 10_000;

/// So many of the traces around the median are looked at whole: what happens after the root has
/// ended may have taken far longer than it usually does.
const NEAREST: usize = 9;

/// How a median was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Median {
    /// Among how many traces.
    pub(super) trace_count: usize,
    /// The median duration of their root spans.
    pub(super) root_duration_ns: i64,
}

/// The trace with about the median duration of the root spans that do the same as that of `side`
/// and did not fail, within a day of it: of those nearest to the median, the one in the middle by
/// the duration of all of the trace. Errors if there is no other.
pub(super) async fn of_operation(session: &QuerySession, side: &Side) -> Result<Side> {
    let root = side
        .root()
        .ok_or_else(|| Error::internal("a trace without spans was compared"))?;
    let SpanRef { columns, row } = side.trace.span(root);
    let start_ns = columns.start_ns(row);
    let around = TimeRange {
        start_ns: start_ns.saturating_sub(WINDOW_NS),
        end_ns: start_ns.saturating_add(WINDOW_NS),
    };
    let mut same = col("service_name")
        .eq(lit(columns.service_name(row)))
        .and(col("name").eq(lit(columns.name(row))))
        .and(col("kind").eq(lit(columns.kind(row))))
        .and(col("status_code").not_eq(lit("ERROR")));
    if side.nodes[root].parent_span_id.is_none() {
        same = same.and(col("parent_span_id").is_null());
    }
    if let Some(time) = time_condition("start_time", around) {
        same = same.and(time);
    }
    let frame = session
        .table(Table::Spans)
        .await?
        .filter(same)
        .and_then(|frame| {
            frame.sort(vec![
                col("start_time").sort(false, false),
                col("trace_id").sort(true, false),
            ])
        })
        .and_then(|frame| frame.limit(0, Some(MAX_TRACES)))
        .and_then(|frame| frame.select_columns(&["trace_id", "duration_ns"]))
        .map_err(from_datafusion)?;
    let mut others: Vec<(i64, TraceId)> = Vec::new();
    for batch in session.collect(frame).await? {
        let (ids, durations) = (strings(batch.column(0))?, integers(batch.column(1))?);
        for at in 0..batch.num_rows() {
            let id: TraceId = ids.value(at).parse()?;
            if id != side.trace_id {
                others.push((durations.value(at), id));
            }
        }
    }
    others.sort_unstable();
    let Some((root_duration_ns, _)) = others.get(middle(others.len())).copied() else {
        let error = alone(columns.service_name(row), columns.name(row));
        return Err(unless_missing(session, error));
    };
    let id = in_the_middle(session, nearest(&others)).await?;
    let trace = load_trace(session, id)
        .await?
        .ok_or_else(|| Error::internal(format!("trace `{id}` was found and is not there")))?;
    let median = Median {
        trace_count: others.len(),
        root_duration_ns,
    };
    Ok(Side::new(id, trace, Some(median)))
}

/// The lower one of two.
fn middle(len: usize) -> usize {
    len.saturating_sub(1) / 2
}

/// Those around the middle.
fn nearest(sorted: &[(i64, TraceId)]) -> Vec<TraceId> {
    let from = middle(sorted.len()).saturating_sub(NEAREST / 2);
    let near = sorted.iter().skip(from).take(NEAREST);
    near.map(|(_, id)| *id).collect()
}

/// The one with the median duration, of all its spans.
async fn in_the_middle(session: &QuerySession, ids: Vec<TraceId>) -> Result<TraceId> {
    let summaries = summarize(session, &ids, lit(true)).await?;
    let mut whole: Vec<(i64, TraceId)> = summaries
        .into_iter()
        .map(|(id, summary)| (summary.end_ns.saturating_sub(summary.start_ns), id))
        .collect();
    whole.sort_unstable();
    whole
        .get(middle(whole.len()))
        .map(|(_, id)| *id)
        .ok_or_else(|| Error::internal("traces were found and are not there"))
}

fn alone(service: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!(
            "no other trace of `{service}` `{name}` without an error is within a day of this one"
        ),
    )
    .with_hint("name the trace to compare with")
}

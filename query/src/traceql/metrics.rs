//! Numbers over time of the spans that a query leaves.
//!
//! Where each span can be judged by itself they are streamed, and no trace is put together; where
//! the tree or the trace matters, whole traces are read. Spans that were sent twice count once
//! only in whole traces: a stream does not remember them.

use std::ops::Range;

use spoor_storage::{Error, ErrorKind, Result, TimeRange, TraceId};

use super::ast::{
    Comparison, Field, FieldExpr, Intrinsic, Metrics, Query, SpansetExpr, Stage, Target,
};
use super::condition::{Arrays, condition, requirements};
use super::evaluate::evaluate;
use super::field::{is_true, own_value};
use super::load::{
    MAX_CANDIDATES, Wanted, candidates, columns_of, field_columns, load, spans_where,
};
use super::tree::TraceTree;
use super::value::Value;
use crate::failure::from_datafusion;
use crate::otlp::{SpanColumns, SpanRef};
use crate::session::QuerySession;
use crate::trace::time_condition;

mod compare;
mod exemplars;
mod quantile;
mod series;

pub(crate) use exemplars::{Exemplar, MAX_EXEMPLARS};
pub(crate) use series::Series;
use series::SeriesSet;

/// Traces that are read together.
const TRACES_AT_ONCE: usize = 64;

/// One answer has at most so many instants.
const MAX_POINTS: i64 = 11_000;

/// Equal intervals of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intervals {
    pub(crate) start_ns: i64,
    pub(crate) step_ns: i64,
    pub(crate) count: usize,
}

impl Intervals {
    /// Those that touch the range; they start at multiples of `step_ns`.
    pub(crate) fn aligned(range: &Range<i64>, step_ns: i64) -> Result<Self> {
        if step_ns <= 0 {
            return Err(Error::invalid("`step` must be longer than nothing"));
        }
        let start_ns = range.start.div_euclid(step_ns).saturating_mul(step_ns);
        let length = range.end.saturating_sub(start_ns).max(1);
        let count = length.saturating_sub(1) / step_ns + 1;
        if count > MAX_POINTS {
            return Err(Error::invalid(format!(
                "the range has {count} steps; one answer has at most {MAX_POINTS}"
            ))
            .with_hint("make `step` longer or the range shorter"));
        }
        Ok(Self {
            start_ns,
            step_ns,
            count: usize::try_from(count).unwrap_or(1),
        })
    }

    /// The range as one interval.
    pub(crate) fn whole(range: &Range<i64>) -> Self {
        Self {
            start_ns: range.start,
            step_ns: range.end.saturating_sub(range.start).max(1),
            count: 1,
        }
    }

    fn range(&self) -> TimeRange {
        let length = self
            .step_ns
            .saturating_mul(i64::try_from(self.count).unwrap_or(i64::MAX));
        TimeRange {
            start_ns: self.start_ns,
            end_ns: self.start_ns.saturating_add(length),
        }
    }

    /// Which interval an instant is in.
    fn of(&self, time_ns: i64) -> Option<usize> {
        let offset = time_ns.checked_sub(self.start_ns)?;
        let place = usize::try_from(offset.div_euclid(self.step_ns)).ok()?;
        (place < self.count).then_some(place)
    }
}

/// The series of a metrics query, with so many traces to look at; at most [`MAX_EXEMPLARS`]. Errors if
/// there are too many series, and if it is no such query.
pub(crate) async fn metrics(
    session: &QuerySession,
    query: &Query,
    intervals: &Intervals,
    exemplars: usize,
) -> Result<Vec<Series>> {
    let Some(metrics) = &query.metrics else {
        return Err(Error::invalid("the query counts nothing over time")
            .with_hint("end it with `| rate()` or another function of time"));
    };
    let mut series = SeriesSet::new(metrics, intervals, exemplars.min(MAX_EXEMPLARS));
    let streams = streams_whole(query) && metrics_fields(metrics).iter().all(|field| is_own(field));
    if streams {
        stream(session, query, metrics, intervals, &mut series).await?;
    } else {
        whole_traces(session, query, metrics, intervals, &mut series).await?;
    }
    Ok(series.finish())
}

// === span by span ===

/// Whether all stages judge each span by itself.
pub(super) fn streams_whole(query: &Query) -> bool {
    query.stages.iter().all(stage_streams)
}

fn metrics_fields(metrics: &Metrics) -> Vec<&Field> {
    let mut found = Vec::new();
    metrics.fields(&mut |field| found.push(field));
    found
}

/// Whether a span has the field by itself.
fn is_own(field: &Field) -> bool {
    !field.of_parent
        && match &field.target {
            Target::Attribute { .. } => true,
            Target::Intrinsic(intrinsic) => !matches!(
                intrinsic,
                Intrinsic::ChildCount
                    | Intrinsic::NestedSetLeft
                    | Intrinsic::NestedSetRight
                    | Intrinsic::NestedSetParent
                    | Intrinsic::TraceDuration
                    | Intrinsic::RootName
                    | Intrinsic::RootServiceName
            ),
        }
}

fn stage_streams(stage: &Stage) -> bool {
    match stage {
        Stage::Spans(SpansetExpr::Filter(filter)) => streams(filter),
        Stage::Select(_) => true,
        _ => false,
    }
}

fn streams(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Literal(_) => true,
        FieldExpr::Field(field) => is_own(field),
        FieldExpr::Not(inner) | FieldExpr::Negative(inner) => streams(inner),
        FieldExpr::Match { subject, .. } => streams(subject),
        FieldExpr::Compare { op, left, right } => {
            asks_for_roots(*op, left, right) || (streams(left) && streams(right))
        }
        FieldExpr::And(left, right)
        | FieldExpr::Or(left, right)
        | FieldExpr::Arithmetic { left, right, .. } => streams(left) && streams(right),
    }
}

/// `nestedSetParent < 0` and its like, which are the same for all numbers from 0: only spans that
/// name no parent have a smaller one.
fn asks_for_roots(op: Comparison, left: &FieldExpr, right: &FieldExpr) -> bool {
    let (FieldExpr::Field(field), FieldExpr::Literal(Value::Int(number))) = (left, right) else {
        return false;
    };
    *field == Field::intrinsic(Intrinsic::NestedSetParent)
        && match op {
            Comparison::Less | Comparison::GreaterOrEqual => *number <= 0,
            _ => *number < 0,
        }
}

/// The value of a field of which [`streams`] says that the span itself has it.
pub(super) fn own<'a>(field: &Field, span: SpanRef<'a>) -> Value<'a> {
    own_value(&field.target, span).unwrap_or_else(|| {
        let is_root = span.columns.parent_span_id(span.row).is_none();
        Value::Int(if is_root { -1 } else { 0 })
    })
}

async fn stream(
    session: &QuerySession,
    query: &Query,
    metrics: &Metrics,
    intervals: &Intervals,
    series: &mut SeriesSet<'_>,
) -> Result<()> {
    let condition = condition(&query.stages, &Arrays::of(session));
    let time = time_condition("start_time", intervals.range());
    let condition = match (condition, time) {
        (Some(condition), Some(time)) => Some(condition.and(time)),
        (condition, time) => condition.or(time),
    };
    let mut columns = vec!["start_time"];
    for field in query.fields() {
        field_columns(field, &mut columns);
    }
    compare::columns(metrics, &mut columns);
    // Ids are long and no two are alike: they are read only where they are shown.
    if series.shows_traces() && !columns.contains(&"trace_id") {
        columns.push("trace_id");
    }
    let frame = spans_where(session, condition)
        .await?
        .select_columns(&columns)
        .map_err(from_datafusion)?;
    let mut batches = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut batches).await? {
        let columns = SpanColumns::open_part(&batch)?;
        for row in 0..columns.len() {
            let span = SpanRef {
                columns: &columns,
                row,
            };
            let Some(interval) = intervals.of(columns.start_ns(row)) else {
                continue;
            };
            let lookup = |field: &Field| own(field, span);
            if query.stages.iter().all(|stage| keeps(stage, &lookup)) {
                series.add(interval, span, &lookup)?;
            }
        }
    }
    Ok(())
}

pub(super) fn keeps<'a>(stage: &'a Stage, lookup: &impl Fn(&'a Field) -> Value<'a>) -> bool {
    match stage {
        Stage::Spans(SpansetExpr::Filter(filter)) => is_true(filter, lookup),
        _ => true,
    }
}

// === trace by trace ===

async fn whole_traces(
    session: &QuerySession,
    query: &Query,
    metrics: &Metrics,
    intervals: &Intervals,
    series: &mut SeriesSet<'_>,
) -> Result<()> {
    let arrays = Arrays::of(session);
    let wanted = Wanted {
        condition: condition(&query.stages, &arrays),
        range: intervals.range(),
        requirements: requirements(&query.stages, &arrays),
    };
    let candidates = candidates(session, &wanted).await?;
    if candidates.len() > MAX_CANDIDATES {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("more than {MAX_CANDIDATES} traces would have to be read"),
        )
        .with_hint("narrow the time range or add a filter"));
    }
    let mut columns = columns_of(query.fields());
    compare::columns(metrics, &mut columns);
    for part in candidates.chunks(TRACES_AT_ONCE) {
        let ids: Vec<TraceId> = part.iter().map(|candidate| candidate.id).collect();
        for trace in load(session, &columns, &ids).await?.values() {
            let tree = TraceTree::new(trace);
            let mut spans: Vec<usize> = evaluate(&query.stages, &tree)
                .into_iter()
                .flat_map(|set| set.spans)
                .collect();
            spans.sort_unstable();
            spans.dedup();
            for span in spans {
                if let Some(interval) = intervals.of(tree.start_ns(span)) {
                    let lookup = |field: &Field| tree.field(field, span);
                    series.add(interval, tree.span(span), &lookup)?;
                }
            }
        }
    }
    Ok(())
}

//! `/api/dependencies`: who called whom, and how often.
//!
//! Spans are read sorted by trace (the sort spills to disk), so that one trace at a time is held.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use axum::extract::{Query, State};
use axum::response::Response;
use datafusion::prelude::col;
use spoor_storage::{Result, SpanId, Table, TimeRange};

use super::answer::{JaegerError, answer};
use super::parameters::Given;
use crate::api::ApiState;
use crate::failure::from_datafusion;
use crate::otlp::{integers, nanoseconds, strings};
use crate::parameters::now_ns;
use crate::services::graph::{Edge, EdgeCounter};
use crate::services::in_range;
use crate::session::QuerySession;
use crate::trace::assemble::{Side, SpanNode};

/// A caller may have started so much before the range that the call is in.
const CALLER_MARGIN_NS: i64 = 3_600_000_000_000;
/// A caller's clock may be so much ahead of the called's.
const CLOCK_SKEW_NS: i64 = 60_000_000_000;
/// A longer trace is counted in parts, and calls between the parts are missed.
const MAX_SPANS_AT_ONCE: usize = 500_000;
const MAX_EDGES: usize = 100_000;

/// `GET /jaeger/api/dependencies?endTs=&lookback=&service=`
pub(super) async fn dependencies(
    State(state): State<ApiState>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    let given = Given(given);
    let range = given.dependency_range(now_ns())?;
    let session = state.begin().await?;
    let mut edges = count_calls(&session, range).await?;
    if let Some(service) = given.one("service") {
        edges.retain(|edge| &*edge.from == service || &*edge.to == service);
    }
    Ok(answer(&session.outcome(), &[], |json| {
        json.begin_array();
        for edge in &edges {
            json.begin_object();
            json.key("parent");
            json.string(&edge.from);
            json.key("child");
            json.string(&edge.to);
            json.key("callCount");
            json.int(edge.calls);
            json.end_object();
        }
        json.end_array();
        edges.len()
    }))
}

/// The calls whose called span starts in `range`.
async fn count_calls(session: &QuerySession, range: TimeRange) -> Result<Vec<Edge>> {
    let read = TimeRange {
        start_ns: range.start_ns.saturating_sub(CALLER_MARGIN_NS),
        end_ns: range.end_ns.saturating_add(CLOCK_SKEW_NS),
    };
    let frame = in_range(session.table(Table::Spans).await?, Table::Spans, read)?
        .select_columns(&TraceCalls::COLUMNS)
        .and_then(|frame| frame.sort(vec![col("trace_id").sort(true, false)]))
        .map_err(from_datafusion)?;
    let mut calls = TraceCalls {
        range,
        ..TraceCalls::new()
    };
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        calls.add(&batch)?;
    }
    calls.end_trace();
    if calls.split_traces > 0 {
        session.note_incomplete(format!(
            "{} traces have more than {MAX_SPANS_AT_ONCE} spans; some of their calls are missed",
            calls.split_traces
        ));
    }
    if calls.edges.len() >= MAX_EDGES {
        session.note_incomplete(format!("there are more than {MAX_EDGES} edges"));
    }
    Ok(calls.edges.finish())
}

/// Counts calls of spans that come sorted by trace.
struct TraceCalls {
    range: TimeRange,
    trace_id: String,
    spans: Vec<SpanNode>,
    services: Vec<Arc<str>>,
    known_services: HashSet<Arc<str>>,
    edges: EdgeCounter,
    split_traces: usize,
}

impl TraceCalls {
    const COLUMNS: [&str; 7] = [
        "trace_id",
        "span_id",
        "parent_span_id",
        "kind",
        "service_name",
        "start_time",
        "duration_ns",
    ];

    fn new() -> Self {
        Self {
            range: TimeRange::ALL,
            trace_id: String::new(),
            spans: Vec::new(),
            services: Vec::new(),
            known_services: HashSet::new(),
            edges: EdgeCounter::default(),
            split_traces: 0,
        }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let (traces, ids) = (strings(batch.column(0))?, strings(batch.column(1))?);
        let (parents, kinds) = (strings(batch.column(2))?, strings(batch.column(3))?);
        let (services, starts) = (strings(batch.column(4))?, nanoseconds(batch.column(5))?);
        let durations = integers(batch.column(6))?;
        for row in 0..batch.num_rows() {
            if traces.value(row) != self.trace_id {
                self.end_trace();
                traces.value(row).clone_into(&mut self.trace_id);
            } else if self.spans.len() >= MAX_SPANS_AT_ONCE {
                self.split_traces += 1;
                self.end_trace();
            }
            let parent = parents
                .is_valid(row)
                .then(|| parents.value(row).parse::<SpanId>());
            self.spans.push(SpanNode {
                span_id: ids.value(row).parse()?,
                parent_span_id: parent.transpose()?,
                side: Side::of_kind(kinds.value(row)),
                start_ns: starts.value(row),
                duration_ns: durations.value(row),
                error: false,
            });
            let service = self.intern(services.value(row));
            self.services.push(service);
        }
        Ok(())
    }

    fn intern(&mut self, service: &str) -> Arc<str> {
        if let Some(known) = self.known_services.get(service) {
            return Arc::clone(known);
        }
        let new: Arc<str> = service.into();
        // Names past the bound are still right, only not shared.
        if self.known_services.len() < MAX_EDGES {
            self.known_services.insert(Arc::clone(&new));
        }
        new
    }

    /// Counts the calls of the trace that is complete now.
    fn end_trace(&mut self) {
        let mut seen = HashSet::with_capacity(self.spans.len());
        let retried: Vec<bool> = self
            .spans
            .iter()
            .zip(&self.services)
            .map(|(span, service)| {
                let ids = (span.span_id, span.parent_span_id, span.side);
                !seen.insert((ids, span.start_ns, span.duration_ns, service))
            })
            .collect();
        if self.edges.len() < MAX_EDGES {
            let range = self.range;
            self.edges.add(&self.spans, &self.services, |called| {
                let start_ns = self.spans[called].start_ns;
                !retried[called] && range.overlaps(start_ns, start_ns)
            });
        }
        self.spans.clear();
        self.services.clear();
    }
}

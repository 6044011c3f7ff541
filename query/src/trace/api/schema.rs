//! What a list of traces and one trace look like.
#![expect(dead_code, reason = "documentation: the answers are written by hand")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::Answer;
use crate::openapi::words::{Cursor, RootSpan, SpanIdText, TraceIdText, UnixNano};
use crate::otlp::TracesData;
pub(super) use crate::otlp::traces_example as otlp_example;
use crate::trace::timeline::TimelineJson;
pub(super) use crate::trace::timeline::example as timeline_example;

/// A trace in one of its two forms.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum OneTrace {
    Otlp(TracesData),
    Timeline(Box<TimelineAnswer>),
}

type TimelineAnswer = Answer<TimelineJson>;

/// A page of traces.
#[derive(ToSchema)]
#[schema(as = Traces)]
pub(super) struct Page {
    traces: Vec<TraceSummary>,
    /// Null on the last page.
    #[schema(required)]
    next_cursor: Option<Cursor>,
    /// Only where `patience_ms` was over before the page was full: it goes on at `next_cursor`.
    #[schema(nullable = false)]
    partial: Option<bool>,
}

/// A trace, all of its spans at any time. Spans that are the same in everything are retries and count once.
#[derive(ToSchema)]
struct TraceSummary {
    trace_id: TraceIdText,
    start_time_unix_nano: UnixNano,
    duration_ns: i64,
    /// The earliest span without a parent.
    #[schema(required)]
    root: Option<RootSpan>,
    span_count: i64,
    error_count: i64,
    /// Spans that match; with `traceql`, those that the query leaves.
    matched_spans: i64,
    /// The one with the most spans first.
    services: Vec<TraceService>,
    /// With `traceql` only: the first 100.
    #[schema(nullable = false)]
    span_sets: Option<Vec<SpanSet>>,
}

/// A service of a trace.
#[derive(ToSchema)]
struct TraceService {
    service_name: String,
    span_count: i64,
    error_count: i64,
}

/// Spans that a TraceQL query leaves together.
#[derive(ToSchema)]
struct SpanSet {
    matched_spans: u64,
    /// Of `by` and of aggregates, as they are written in the query. Durations are nanoseconds.
    #[schema(examples(json!({"by(name)": "GET /", "count()": 2})))]
    values: BTreeMap<String, Value>,
    /// The first `spans_per_set` by start.
    spans: Vec<SetSpan>,
}

/// A span of a set.
#[derive(ToSchema)]
struct SetSpan {
    span_id: SpanIdText,
    service_name: String,
    name: String,
    start_time_unix_nano: UnixNano,
    duration_ns: i64,
    /// Those that the query names. Durations are nanoseconds.
    #[schema(examples(json!({"status": "error"})))]
    fields: BTreeMap<String, Value>,
}

pub(super) fn example() -> Value {
    json!({
        "traces": [{
            "trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "start_time_unix_nano": "1674982096546346267", "duration_ns": 120_000_000,
            "root": {"service_name": "shop", "name": "POST /pay", "kind": "SERVER", "status_code": "UNSET"},
            "span_count": 41, "error_count": 0, "matched_spans": 3,
            "services": [{"service_name": "cart", "span_count": 41, "error_count": 0}],
        }],
        "next_cursor": null,
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

//! What an assembled trace looks like.
#![expect(dead_code, reason = "documentation: the answer is written by hand")]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{
    Attributes, BytesIn, Level, RecordIdText, Scope, SpanIdText, SpanKind, StatusCode, TraceIdText,
    UnixNano,
};

/// A trace as a tree, depth first. Offsets are from its start.
#[derive(ToSchema)]
#[schema(as = Timeline)]
pub(in crate::trace) struct TimelineJson {
    trace_id: TraceIdText,
    start_time_unix_nano: UnixNano,
    duration_ns: i64,
    span_count: u64,
    error_count: u64,
    /// Levels of the tree.
    depth: u64,
    log_count: u64,
    /// The one with the most self time first.
    services: Vec<TimelineService>,
    warnings: Vec<Warning>,
    /// The deepest failing span that explains the failure.
    #[schema(required)]
    error_origin: Option<ErrorOrigin>,
    clock_skew: Vec<ClockSkewJson>,
    /// Three or more children of one span with the same service, name and kind (the 1,000 largest groups).
    similar_siblings: Vec<SimilarSiblings>,
    /// With `include=linked_from` only: spans of other traces that link to this one, at most 200, at any time.
    #[schema(nullable = false)]
    linked_from: Option<Vec<LinkedFromJson>>,
    spans: Vec<TimelineSpan>,
}

/// A service of the trace.
#[derive(ToSchema)]
pub(in crate::trace) struct TimelineService {
    service_name: String,
    span_count: u64,
    error_count: u64,
    self_time_ns: i64,
    critical_time_ns: i64,
}

/// What is odd about the trace.
#[derive(ToSchema)]
pub(in crate::trace) struct Warning {
    kind: WarningKind,
    message: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum WarningKind {
    MissingParent,
    ParentCycle,
    SeveralRoots,
    NegativeDuration,
    DuplicateSpans,
}

/// From the failing root (or, if no root failed, the topmost failing span that ended last) down, each time to the failing span
/// below that ended last.
#[derive(ToSchema)]
pub(in crate::trace) struct ErrorOrigin {
    span_index: u64,
    span_id: SpanIdText,
    service_name: String,
    name: String,
    #[schema(required)]
    status_message: Option<String>,
    root_failed: bool,
    /// Indexes of the spans on the way down.
    path: Vec<u64>,
    #[schema(required)]
    exception: Option<OriginException>,
    /// The last 20 records of the origin.
    logs: Vec<OriginLogJson>,
}

/// The last exception of the origin.
#[derive(ToSchema)]
struct OriginException {
    #[schema(required, rename = "type")]
    kind: Option<String>,
    #[schema(required)]
    message: Option<String>,
    frames: Vec<String>,
}

/// A record of the origin.
#[derive(ToSchema)]
#[schema(as = OriginLog)]
struct OriginLogJson {
    id: RecordIdText,
    time_unix_nano: UnixNano,
    level: Level,
    #[schema(required)]
    body: Option<String>,
}

/// How far the clocks of two services are apart, by the calls between them.
#[derive(ToSchema)]
#[schema(as = ClockSkew)]
pub(in crate::trace) struct ClockSkewJson {
    caller: String,
    called: String,
    /// What to add to the times of the called one.
    skew_ns: i64,
    calls: u64,
    contradictory: bool,
}

/// Siblings that do the same.
#[derive(ToSchema)]
struct SimilarSiblings {
    #[schema(required)]
    parent_index: Option<u64>,
    first_index: u64,
    longest_index: u64,
    service_name: String,
    name: String,
    kind: SpanKind,
    span_count: u64,
    error_count: u64,
    /// Summed.
    duration_ns: i64,
}

/// A span of another trace that links to one of this.
#[derive(ToSchema)]
#[schema(as = LinkedFrom)]
struct LinkedFromJson {
    trace_id: TraceIdText,
    span_id: SpanIdText,
    to_span_id: SpanIdText,
    service_name: String,
    name: String,
    start_time_unix_nano: UnixNano,
}

/// A span of the tree.
#[derive(ToSchema)]
struct TimelineSpan {
    span_id: SpanIdText,
    #[schema(required)]
    parent_span_id: Option<SpanIdText>,
    #[schema(required)]
    parent_index: Option<u64>,
    depth: u64,
    child_count: u64,
    descendant_count: u64,
    /// It names a parent that is not here.
    missing_parent: bool,
    service_name: String,
    name: String,
    kind: SpanKind,
    start_offset_ns: i64,
    duration_ns: i64,
    self_time_ns: i64,
    /// The time in which the span by itself kept the trace from ending.
    critical_time_ns: i64,
    /// What to add to the span's times to have them on the clock of its root.
    skew_ns: i64,
    adjusted_start_offset_ns: i64,
    /// With `include=percentiles` only.
    percentile: Option<Percentile>,
    status_code: StatusCode,
    #[schema(required)]
    status_message: Option<String>,
    /// A span below it failed.
    error_below: bool,
    /// As it was sent, if it was.
    #[schema(nullable = false)]
    trace_state: Option<String>,
    attributes: Attributes,
    #[schema(nullable = false)]
    bytes_in_attributes: Option<BytesIn>,
    resource: Attributes,
    #[schema(nullable = false)]
    bytes_in_resource: Option<BytesIn>,
    scope: Scope,
    events: Vec<TimelineEvent>,
    links: Vec<TimelineLink>,
    log_count: u64,
}

/// How many percent of the spans of its operation, from a day before to a day after the trace, in whole hours, take no longer.
#[derive(ToSchema)]
struct Percentile {
    percent: f64,
    among: u64,
    exact: bool,
}

/// Something that happened in a span.
#[derive(ToSchema)]
pub(in crate::trace) struct TimelineEvent {
    time_unix_nano: UnixNano,
    offset_ns: i64,
    name: String,
    attributes: Attributes,
    #[schema(nullable = false)]
    bytes_in_attributes: Option<BytesIn>,
}

/// A reference to another span.
#[derive(ToSchema)]
pub(in crate::trace) struct TimelineLink {
    trace_id: TraceIdText,
    span_id: SpanIdText,
    attributes: Attributes,
    #[schema(nullable = false)]
    bytes_in_attributes: Option<BytesIn>,
}

pub(in crate::trace) fn example() -> Value {
    json!({
        "trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "start_time_unix_nano": "1674982096546346267", "duration_ns": 1000,
        "span_count": 1, "error_count": 1, "depth": 1, "log_count": 1,
        "services": [{"service_name": "db", "span_count": 1, "error_count": 1, "self_time_ns": 1000, "critical_time_ns": 1000}],
        "warnings": [{"kind": "missing_parent", "message": "1 span named a parent that is not here"}],
        "error_origin": {
            "span_index": 0, "span_id": "a3f5e0b1c2d4f607", "service_name": "db", "name": "lock", "status_message": null,
            "root_failed": true, "path": [0], "exception": {"type": "x.Lock", "message": "row 7 is locked", "frames": ["db.Row.lock"]},
            "logs": [{"id": "16777216", "time_unix_nano": "1674982096546346300", "level": "error", "body": "row 7 is locked"}],
        },
        "clock_skew": [{"caller": "shop", "called": "db", "skew_ns": -5_000_000, "calls": 2, "contradictory": false}],
        "similar_siblings": [],
        "spans": [{
            "span_id": "a3f5e0b1c2d4f607", "parent_span_id": "00f067aa0ba902b7", "parent_index": null, "depth": 0, "child_count": 0,
            "descendant_count": 0, "missing_parent": true, "service_name": "db", "name": "lock", "kind": "SERVER",
            "start_offset_ns": 0, "duration_ns": 1000, "status_code": "ERROR", "status_message": null,
            "attributes": {"db.system.name": "postgresql"}, "resource": {"host.name": "node-9"},
            "scope": {"name": null, "version": null, "attributes": {}},
            "events": [{"time_unix_nano": "1674982096546346279", "offset_ns": 12, "name": "exception", "attributes": {"exception.type": "x.Lock"}}],
            "links": [], "self_time_ns": 1000, "critical_time_ns": 1000, "skew_ns": 0, "adjusted_start_offset_ns": 0,
            "error_below": false, "log_count": 1,
        }],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

//! What a window of a tree looks like.
#![expect(dead_code, reason = "documentation: the answer is written by hand")]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{
    Attributes, BytesIn, Scope, SpanIdText, SpanKind, StatusCode, TraceIdText, UnixNano,
};
use crate::trace::timeline::{
    ClockSkewJson, ErrorOrigin, TimelineEvent, TimelineLink, TimelineService, Warning,
};

/// A window of the tree of a trace. Offsets are from the start of the trace.
#[derive(ToSchema)]
#[schema(as = TimelineWindow)]
pub(super) struct WindowJson {
    trace_id: TraceIdText,
    start_time_unix_nano: UnixNano,
    duration_ns: i64,
    /// Of the whole trace.
    span_count: u64,
    error_count: u64,
    depth: u64,
    window: WindowCounts,
    /// What to pass as `after` for the next rows, if one level alone has more than `limit`.
    #[schema(required)]
    next_after: Option<u64>,
    /// Spans that are in the window, and those above them, depth first.
    rows: Vec<WindowRow>,
    /// With `include=analysis` only, as all that follows: the 1,000 with the most self time.
    #[schema(nullable = false)]
    services: Option<Vec<TimelineService>>,
    #[schema(nullable = false)]
    service_count: Option<u64>,
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
    /// At most 1,000.
    #[schema(nullable = false)]
    clock_skew: Option<Vec<ClockSkewJson>>,
    #[schema(nullable = false)]
    adjusted: Option<AdjustedExtent>,
    /// The deepest failing span that explains the failure; null if none failed.
    error_origin: Option<ErrorOrigin>,
}

/// The spans in the window, shown or not.
#[derive(ToSchema)]
struct WindowCounts {
    span_count: u64,
    error_count: u64,
    depth: u64,
}

/// A span.
#[derive(ToSchema)]
struct WindowRow {
    span_index: u64,
    span_id: SpanIdText,
    #[schema(required)]
    parent_index: Option<u64>,
    depth: u64,
    service_name: String,
    name: String,
    kind: SpanKind,
    start_offset_ns: i64,
    duration_ns: i64,
    self_time_ns: i64,
    /// The time in which it by itself kept the trace from ending.
    critical_time_ns: i64,
    /// When that was: the first 200 parts; none of a row that stands for several spans.
    critical_parts: Vec<CriticalPartJson>,
    /// What to add to its times to have them on the clock of its root.
    skew_ns: i64,
    adjusted_start_offset_ns: i64,
    error: bool,
    /// A span below it failed.
    error_below: bool,
    /// It names a parent that is not here.
    missing_parent: bool,
    /// How many other spans of the trace have its id.
    same_id_count: u64,
    child_count: u64,
    descendant_count: u64,
    /// The spans that it stands for, with `similar=together`; then `span_id` and `span_index` are those of the first, and times
    /// and counts are of all together.
    #[schema(required)]
    similar: Option<SimilarRow>,
    /// Descendants that are no rows and that no row stands for.
    #[schema(nullable = false)]
    hidden_span_count: Option<u64>,
    #[schema(nullable = false)]
    hidden_error_count: Option<u64>,
    /// With `query` only: whether it matches, or stands for a span that does. Others are above one.
    #[schema(nullable = false)]
    matched: Option<bool>,
}

/// A part of the critical path, as sent.
#[derive(ToSchema)]
#[schema(as = CriticalPart)]
struct CriticalPartJson {
    from_offset_ns: i64,
    to_offset_ns: i64,
}

/// Spans of a group together.
#[derive(ToSchema)]
struct SimilarRow {
    span_count: u64,
    error_count: u64,
    longest_index: u64,
    /// Summed.
    duration_ns: i64,
    duration_min_ns: i64,
    /// The one in the middle; of two the shorter.
    duration_median_ns: i64,
    duration_max_ns: i64,
}

/// The trace with each span on the clock of its root.
#[derive(ToSchema)]
struct AdjustedExtent {
    start_offset_ns: i64,
    duration_ns: i64,
}

/// Where in a tree spans are.
#[derive(ToSchema)]
#[schema(as = TimelineFound)]
pub(super) struct FoundJson {
    trace_id: TraceIdText,
    /// Of the whole trace.
    span_count: u64,
    /// All that match.
    matched_spans: u64,
    /// How many of them come before the first that is told.
    #[schema(required)]
    matched_before: Option<u64>,
    /// Their `span_index`.
    matches: Vec<u64>,
    /// The rows from the root to the first of them, at most the lowest 10,000.
    path: Vec<WindowRow>,
    /// With `include=rows` only: the rows of the first 100 of `matches`.
    #[schema(nullable = false)]
    rows: Option<Vec<WindowRow>>,
    /// With `include=span` only: all that is stored of the first of `matches`, null without one.
    span: Option<FoundSpan>,
}

/// A span with its attributes, as a timeline has it.
#[derive(ToSchema)]
struct FoundSpan {
    span_id: SpanIdText,
    service_name: String,
    name: String,
    kind: SpanKind,
    start_offset_ns: i64,
    duration_ns: i64,
    status_code: StatusCode,
    #[schema(required)]
    status_message: Option<String>,
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
}

pub(super) fn found_example() -> Value {
    let window = example();
    json!({
        "trace_id": window["trace_id"], "span_count": 1_000_000, "matched_spans": 3, "matched_before": 0, "matches": [0, 12, 40_000],
        "path": window["rows"],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

pub(super) fn example() -> Value {
    json!({
        "trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "start_time_unix_nano": "1674982096546346267", "duration_ns": 1000,
        "span_count": 1_000_000, "error_count": 3, "depth": 12,
        "window": {"span_count": 5000, "error_count": 1, "depth": 3}, "next_after": 499,
        "rows": [{
            "span_index": 0, "span_id": "a3f5e0b1c2d4f607", "parent_index": null, "depth": 0, "service_name": "shop", "name": "POST /pay",
            "kind": "SERVER", "start_offset_ns": 0, "duration_ns": 1000, "self_time_ns": 900,
            "critical_time_ns": 800, "critical_parts": [{"from_offset_ns": 200, "to_offset_ns": 1000}], "skew_ns": 0, "adjusted_start_offset_ns": 0, "error": false, "error_below": true,
            "missing_parent": false, "same_id_count": 0, "child_count": 2, "descendant_count": 999_999, "similar": null, "hidden_span_count": 999_900, "hidden_error_count": 3,
        }],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

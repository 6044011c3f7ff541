//! What a window of a tree looks like.
#![expect(dead_code, reason = "documentation: the answer is written by hand")]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{SpanIdText, SpanKind, TraceIdText, UnixNano};

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
    error: bool,
    /// A span below it failed.
    error_below: bool,
    /// It names a parent that is not here.
    missing_parent: bool,
    child_count: u64,
    descendant_count: u64,
    /// Descendants that are no rows.
    hidden_span_count: u64,
    hidden_error_count: u64,
}

pub(super) fn example() -> Value {
    json!({
        "trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "start_time_unix_nano": "1674982096546346267", "duration_ns": 1000,
        "span_count": 1_000_000, "error_count": 3, "depth": 12,
        "window": {"span_count": 5000, "error_count": 1, "depth": 3}, "next_after": 499,
        "rows": [{
            "span_index": 0, "span_id": "a3f5e0b1c2d4f607", "parent_index": null, "depth": 0, "service_name": "shop", "name": "POST /pay",
            "kind": "SERVER", "start_offset_ns": 0, "duration_ns": 1000, "self_time_ns": 900, "error": false, "error_below": true,
            "missing_parent": false, "child_count": 2, "descendant_count": 999_999, "hidden_span_count": 999_900, "hidden_error_count": 3,
        }],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

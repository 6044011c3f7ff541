//! What a comparison looks like.
#![expect(dead_code, reason = "documentation: the answer is written by hand")]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{RootSpan, SpanIdText, SpanKind, TraceIdText, UnixNano};

/// Two traces laid over each other.
#[derive(ToSchema)]
pub(super) struct TraceComparison {
    left: ComparedTrace,
    right: ComparedTrace,
    /// The one with the largest difference in self time first.
    services: Vec<ComparedService>,
    /// Depth first, siblings by start; at most 10,000.
    groups: Vec<ComparedGroup>,
}

/// One of the traces.
#[derive(ToSchema)]
struct ComparedTrace {
    trace_id: TraceIdText,
    start_time_unix_nano: UnixNano,
    duration_ns: i64,
    span_count: u64,
    error_count: u64,
    #[schema(required)]
    root: Option<RootSpan>,
    /// How it was chosen, if it was asked for as `median`.
    #[schema(required)]
    median: Option<MedianJson>,
}

/// The traces of an operation, among which one was chosen.
#[derive(ToSchema)]
#[schema(as = Median)]
struct MedianJson {
    trace_count: u64,
    root_duration_ns: i64,
}

/// A service on both sides.
#[derive(ToSchema)]
struct ComparedService {
    service_name: String,
    left: SpanSums,
    right: SpanSums,
}

/// Spans added up.
#[derive(ToSchema)]
struct SpanSums {
    span_count: u64,
    error_count: u64,
    duration_ns: i64,
    self_time_ns: i64,
}

/// All spans of the same service, name and kind whose callers are of one group.
#[derive(ToSchema)]
struct ComparedGroup {
    #[schema(required)]
    parent_index: Option<u64>,
    depth: u64,
    service_name: String,
    name: String,
    kind: SpanKind,
    #[schema(required)]
    left: Option<GroupSide>,
    #[schema(required)]
    right: Option<GroupSide>,
    /// Those of span, resource (`resource.…`) and `status_message` whose values differ between the sides: of the first 64 spans a
    /// side, at most 60.
    attributes: Vec<AttributeDifference>,
}

/// One side of a group.
#[derive(ToSchema)]
struct GroupSide {
    span_count: u64,
    error_count: u64,
    duration_ns: i64,
    self_time_ns: i64,
    /// Of the first, from the start of the trace.
    start_offset_ns: i64,
    /// When any of them ran, as sent: at most 50 pieces, of more the last goes to the end.
    parts: Vec<PartJson>,
    longest: LongestSpan,
}

/// A time in which spans ran, from the start of the trace.
#[derive(ToSchema)]
#[schema(as = ComparedPart)]
struct PartJson {
    from_offset_ns: i64,
    to_offset_ns: i64,
}

/// The longest span of a group.
#[derive(ToSchema)]
struct LongestSpan {
    span_id: SpanIdText,
    duration_ns: i64,
}

/// An attribute whose values differ: at most 4 of each side, cut at 1,000 bytes.
#[derive(ToSchema)]
struct AttributeDifference {
    key: String,
    left: Vec<Value>,
    right: Vec<Value>,
}

pub(super) fn example() -> Value {
    let side = |id: &str, duration_ns: i64| {
        json!({
            "trace_id": id, "start_time_unix_nano": "1674982096546346267", "duration_ns": duration_ns, "span_count": 2, "error_count": 0,
            "root": {"service_name": "shop", "name": "POST /pay", "kind": "SERVER", "status_code": "UNSET"}, "median": null,
        })
    };
    json!({
        "left": side("fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", 100), "right": side("4bf92f3577b34da6a3ce929d0e0e4736", 140),
        "services": [{
            "service_name": "shop",
            "left": {"span_count": 2, "error_count": 0, "duration_ns": 105, "self_time_ns": 100},
            "right": {"span_count": 2, "error_count": 0, "duration_ns": 185, "self_time_ns": 140},
        }],
        "groups": [{
            "parent_index": null, "depth": 0, "service_name": "shop", "name": "POST /pay", "kind": "SERVER",
            "left": {
                "span_count": 1, "error_count": 0, "duration_ns": 100, "self_time_ns": 95, "start_offset_ns": 0,
                "parts": [{"from_offset_ns": 0, "to_offset_ns": 100}],
                "longest": {"span_id": "a3f5e0b1c2d4f607", "duration_ns": 100},
            },
            "right": null,
            "attributes": [{"key": "db.statement", "left": ["SELECT 1"], "right": ["SELECT 2", "SELECT 3"]}],
        }],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

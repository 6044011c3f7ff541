//! What the answers about services look like.
#![expect(dead_code, reason = "documentation: the answers are written by hand")]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{SpanKind, TraceIdText, UnixNano};
use crate::services::peer::NodeKind;

/// Services and their operations.
#[derive(ToSchema)]
pub(in crate::services) struct Services {
    /// By name.
    services: Vec<ServiceJson>,
}

/// A service.
#[derive(ToSchema)]
#[schema(as = Service)]
struct ServiceJson {
    service_name: String,
    span_count: u64,
    error_count: u64,
    log_count: u64,
    /// The one with the most spans first; at most 5,000 are told apart.
    operations: Vec<OperationJson>,
}

/// An operation of a service.
#[derive(ToSchema)]
#[schema(as = Operation)]
struct OperationJson {
    name: String,
    kind: SpanKind,
    span_count: u64,
    error_count: u64,
    /// By nearest rank, exact for up to 4,096 spans and within 0.4 % for more.
    p50_ns: i64,
    p95_ns: i64,
}

pub(super) fn services_example() -> Value {
    json!({
        "services": [{
            "service_name": "cart", "span_count": 10, "error_count": 1, "log_count": 4,
            "operations": [{"name": "GET /", "kind": "SERVER", "span_count": 10, "error_count": 1, "p50_ns": 1_200_000, "p95_ns": 9_400_000}],
        }],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// Who calls whom.
#[derive(ToSchema)]
pub(in crate::services) struct ServiceGraph {
    nodes: Vec<GraphNode>,
    /// The shortest first: every one of up to 8 services, at most 200.
    cycles: Vec<Cycle>,
    more_cycles: bool,
    /// All sets of services that can reach each other.
    cyclic_components: Vec<Vec<String>>,
    /// Where the first bucket begins; with `buckets` only.
    #[schema(nullable = false)]
    start_unix_nano: Option<UnixNano>,
    /// How long a bucket is, in nanoseconds; with `buckets` only.
    #[schema(nullable = false)]
    bucket_ns: Option<i64>,
    edges: Vec<GraphEdge>,
}

/// A service, or what services call that sends no spans itself.
#[derive(ToSchema)]
struct GraphNode {
    name: String,
    kind: NodeKind,
    /// Which database or messaging system.
    #[schema(required)]
    system: Option<String>,
    /// Of a service: its `service.namespace`, and without one its `k8s.namespace.name`.
    #[schema(required)]
    namespace: Option<String>,
}

/// Services that call each other in a circle.
#[derive(ToSchema)]
struct Cycle {
    name: String,
    edges: Vec<CycleEdge>,
    /// How many calls closed the cycle within one trace; where it is 0, the calls are those of different requests.
    round_count: u64,
    sample_trace_ids: Vec<TraceIdText>,
}

/// One of the calls of a cycle.
#[derive(ToSchema)]
struct CycleEdge {
    from: String,
    to: String,
    calls: u64,
}

/// Calls from one node to another.
#[derive(ToSchema)]
struct GraphEdge {
    from: String,
    from_kind: NodeKind,
    to: String,
    to_kind: NodeKind,
    /// Whether only the caller tells of it; then the figures are the caller's.
    inferred: bool,
    calls: u64,
    error_count: u64,
    p50_ns: i64,
    p95_ns: i64,
    p99_ns: i64,
    sample_trace_ids: Vec<TraceIdText>,
    /// Calls by bucket; with `buckets` only.
    #[schema(nullable = false)]
    call_counts: Option<Vec<u64>>,
    #[schema(nullable = false)]
    error_counts: Option<Vec<u64>>,
    /// Null where a bucket has no call.
    #[schema(nullable = false)]
    p95s_ns: Option<Vec<Option<i64>>>,
}

pub(in crate::services) fn graph_example() -> Value {
    json!({
        "nodes": [
            {"name": "pay", "kind": "service", "system": null, "namespace": "money"},
            {"name": "shop", "kind": "service", "system": null, "namespace": null},
        ],
        "cycles": [{
            "name": "pay → shop → pay", "round_count": 2, "sample_trace_ids": ["fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e"],
            "edges": [{"from": "pay", "to": "shop", "calls": 2}, {"from": "shop", "to": "pay", "calls": 2}],
        }],
        "more_cycles": false, "cyclic_components": [["pay", "shop"]],
        "start_unix_nano": "1674979200000000000", "bucket_ns": 60_000_000_000_i64,
        "edges": [{
            "from": "shop", "from_kind": "service", "to": "pay", "to_kind": "service", "inferred": false, "calls": 2, "error_count": 0,
            "p50_ns": 1_200_000, "p95_ns": 9_400_000, "p99_ns": 9_400_000, "sample_trace_ids": ["fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e"],
            "call_counts": [0, 2], "error_counts": [0, 0], "p95s_ns": [null, 9_400_000],
        }],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// Rate, errors and duration over time.
#[derive(ToSchema)]
pub(in crate::services) struct SpanHistogram {
    start_unix_nano: UnixNano,
    end_unix_nano: UnixNano,
    /// How long a bucket is, in nanoseconds; 0 if nothing matches.
    bucket_ns: i64,
    /// One, or with `by` the most frequent values and `(other)`.
    series: Vec<SpanSeries>,
    total: u64,
}

/// Spans of one value by bucket.
#[derive(ToSchema)]
struct SpanSeries {
    /// Null without `by`; `(none)` for spans without the field.
    #[schema(required)]
    name: Option<String>,
    span_count: Vec<u64>,
    error_count: Vec<u64>,
    /// By nearest rank, exact for up to 256 spans of a bucket and within 0.4 % for more; null for an empty bucket.
    p50_ns: Vec<Option<i64>>,
    p95_ns: Vec<Option<i64>>,
    p99_ns: Vec<Option<i64>>,
}

pub(in crate::services) fn histogram_example() -> Value {
    json!({
        "start_unix_nano": "1674979200000000000", "end_unix_nano": "1674979320000000000", "bucket_ns": 60_000_000_000_i64,
        "series": [{
            "name": "checkout", "span_count": [3, 0], "error_count": [1, 0],
            "p50_ns": [1_200_000, null], "p95_ns": [9_400_000, null], "p99_ns": [9_400_000, null],
        }],
        "total": 3,
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

//! OTLP JSON as this API writes it. Fields that have their default value are left out.
#![expect(dead_code, reason = "documentation: OTLP JSON is written by hand")]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{SpanIdText, TraceIdText, UnixNano};

/// OTLP's `TracesData`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct TracesData {
    resource_spans: Vec<ResourceSpans>,
}

/// Spans of one resource.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ResourceSpans {
    resource: OtlpResource,
    scope_spans: Vec<ScopeSpans>,
    #[schema(nullable = false)]
    schema_url: Option<String>,
}

/// What sent them.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OtlpResource {
    #[schema(nullable = false)]
    attributes: Option<Vec<KeyValue>>,
    #[schema(nullable = false)]
    dropped_attributes_count: Option<u32>,
}

/// Spans of one scope.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ScopeSpans {
    scope: InstrumentationScope,
    spans: Vec<OtlpSpan>,
    #[schema(nullable = false)]
    schema_url: Option<String>,
}

/// The instrumentation scope.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct InstrumentationScope {
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    version: Option<String>,
    #[schema(nullable = false)]
    attributes: Option<Vec<KeyValue>>,
    #[schema(nullable = false)]
    dropped_attributes_count: Option<u32>,
}

/// OTLP's `Span`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OtlpSpan {
    trace_id: TraceIdText,
    span_id: SpanIdText,
    #[schema(nullable = false)]
    trace_state: Option<String>,
    #[schema(nullable = false)]
    parent_span_id: Option<SpanIdText>,
    #[schema(nullable = false)]
    flags: Option<u32>,
    #[schema(nullable = false)]
    name: Option<String>,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    #[schema(nullable = false)]
    kind: Option<i32>,
    start_time_unix_nano: UnixNano,
    end_time_unix_nano: UnixNano,
    #[schema(nullable = false)]
    attributes: Option<Vec<KeyValue>>,
    #[schema(nullable = false)]
    dropped_attributes_count: Option<u32>,
    #[schema(nullable = false)]
    events: Option<Vec<OtlpEvent>>,
    #[schema(nullable = false)]
    dropped_events_count: Option<u32>,
    #[schema(nullable = false)]
    links: Option<Vec<OtlpLink>>,
    #[schema(nullable = false)]
    dropped_links_count: Option<u32>,
    status: OtlpStatus,
}

/// Something that happened in a span.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OtlpEvent {
    time_unix_nano: UnixNano,
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    attributes: Option<Vec<KeyValue>>,
    #[schema(nullable = false)]
    dropped_attributes_count: Option<u32>,
}

/// A reference to another span.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OtlpLink {
    trace_id: TraceIdText,
    span_id: SpanIdText,
    #[schema(nullable = false)]
    trace_state: Option<String>,
    #[schema(nullable = false)]
    attributes: Option<Vec<KeyValue>>,
    #[schema(nullable = false)]
    dropped_attributes_count: Option<u32>,
    #[schema(nullable = false)]
    flags: Option<u32>,
}

/// How a span ended.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OtlpStatus {
    #[schema(nullable = false)]
    message: Option<String>,
    /// 1 ok, 2 error.
    #[schema(nullable = false)]
    code: Option<i32>,
}

/// An attribute.
#[derive(ToSchema)]
struct KeyValue {
    key: String,
    value: AnyValue,
}

/// One of these, or none for an empty value.
#[derive(ToSchema)]
struct AnyValue {
    #[schema(rename = "stringValue", nullable = false)]
    string: Option<String>,
    #[schema(rename = "boolValue", nullable = false)]
    bool: Option<bool>,
    /// In decimal.
    #[schema(rename = "intValue", nullable = false, pattern = "^-?[0-9]+$")]
    int: Option<String>,
    #[schema(rename = "doubleValue", nullable = false)]
    double: Option<Double>,
    /// Base64.
    #[schema(rename = "bytesValue", nullable = false)]
    bytes: Option<String>,
    #[schema(rename = "arrayValue", nullable = false)]
    array: Option<ArrayValue>,
    #[schema(rename = "kvlistValue", nullable = false)]
    kvlist: Option<KeyValueList>,
}

/// A number, or `NaN`, `Infinity`, `-Infinity` as a string.
#[derive(ToSchema)]
#[serde(untagged)]
enum Double {
    Number(f64),
    Text(String),
}

/// OTLP's `ArrayValue`.
#[derive(ToSchema)]
struct ArrayValue {
    #[schema(nullable = false, no_recursion)]
    values: Option<Vec<AnyValue>>,
}

/// OTLP's `KeyValueList`.
#[derive(ToSchema)]
struct KeyValueList {
    #[schema(nullable = false, no_recursion)]
    values: Option<Vec<KeyValue>>,
}

pub(crate) fn traces_example() -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
        "scopeSpans": [{
            "scope": {"name": "io.opentelemetry.tomcat-10.0", "version": "2.1.0"},
            "spans": [{
                "traceId": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "spanId": "a3f5e0b1c2d4f607", "name": "GET /cart/{id}", "kind": 2,
                "startTimeUnixNano": "1674982096546346267", "endTimeUnixNano": "1674982096547546267",
                "attributes": [{"key": "http.response.status_code", "value": {"intValue": "200"}}], "status": {},
            }],
        }],
    }]})
}

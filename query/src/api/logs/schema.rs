//! What a log record looks like in answers.
#![expect(
    dead_code,
    reason = "documentation: records are written column by column"
)]

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{
    Attributes, BytesIn, Instant, Level, RecordIdText, Scope, SpanIdText, TraceIdText, UnixNano,
    ValueType,
};

/// A log record.
#[derive(ToSchema)]
pub(crate) struct LogRecord {
    id: RecordIdText,
    time: Instant,
    time_unix_nano: UnixNano,
    /// When the collector saw it, if that was said.
    #[schema(required)]
    observed_time_unix_nano: Option<UnixNano>,
    severity_number: i32,
    #[schema(required)]
    severity_text: Option<String>,
    level: Level,
    #[schema(required)]
    service_name: Option<String>,
    /// As text: base64 if `body_type` is `bytes`; that of a structured body is its JSON.
    #[schema(required)]
    body: Option<String>,
    body_type: ValueType,
    #[schema(required)]
    event_name: Option<String>,
    #[schema(required)]
    trace_id: Option<TraceIdText>,
    #[schema(required)]
    span_id: Option<SpanIdText>,
    attributes: Attributes,
    #[schema(nullable = false)]
    bytes_in_attributes: Option<BytesIn>,
    /// The fields of a structured body.
    body_fields: Attributes,
    #[schema(nullable = false)]
    bytes_in_body_fields: Option<BytesIn>,
    /// Attributes of what sent it.
    resource: Attributes,
    #[schema(nullable = false)]
    bytes_in_resource: Option<BytesIn>,
    scope: Scope,
}

pub(super) fn record() -> Value {
    json!({
        "id": "16777216", "time": "2023-01-29T08:48:16.546346267Z", "time_unix_nano": "1674982096546346267",
        "observed_time_unix_nano": null, "severity_number": 9, "severity_text": "INFO", "level": "info",
        "service_name": "ts-order-service", "body": "order 17 paid", "body_type": "string", "event_name": null,
        "trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "span_id": "a3f5e0b1c2d4f607",
        "attributes": {"order.id": 17}, "body_fields": {}, "resource": {"host.name": "node-9"},
        "scope": {"name": null, "version": null, "attributes": {}},
    })
}

pub(super) fn example() -> Value {
    json!({
        "logs": [record()], "next_cursor": null,
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

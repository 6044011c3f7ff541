//! What many parameters and answers have in common. Values of these types are never made: they say what texts look like.
#![expect(
    dead_code,
    reason = "documentation: other types are written in their place"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A query in the search language. Words are joined by AND; `OR`, `NOT`/`-`, parentheses; `"a phrase"`, `time*`, `timeuot~2`,
/// `service:checkout`, `http.route:/api/*`, `duration>250ms`, `path:~"^/api"`, `has:exception.type`; `trace:(…)` and `logs:(…)` find rows whose
/// trace has a span or a log record that matches. Empty finds everything.
#[derive(ToSchema)]
#[schema(examples("service:checkout level>=error \"connection refused\""))]
pub(crate) struct SearchQuery(String);

/// `next_cursor` of the page before, unchanged, with the same other parameters.
#[derive(ToSchema)]
pub(crate) struct Cursor(String);

/// Which table.
#[derive(ToSchema)]
#[schema(as = Table, rename_all = "lowercase")]
pub(crate) enum TableName {
    Spans,
    Logs,
}

/// Nanoseconds since the Unix epoch, in decimal.
#[derive(ToSchema)]
#[schema(pattern = "^-?[0-9]+$", examples("1674982096546346267"))]
pub(crate) struct UnixNano(String);

/// An instant as RFC 3339 in UTC, with nanoseconds.
#[derive(ToSchema)]
#[schema(format = DateTime, examples("2023-01-29T08:48:16.546346267Z"))]
pub(crate) struct Instant(String);

/// Id of a trace: 32 lower-case hex digits.
#[derive(ToSchema)]
#[schema(as = TraceId, pattern = "^[0-9a-f]{32}$", examples("fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e"))]
pub(crate) struct TraceIdText(String);

/// Id of a span: 16 lower-case hex digits.
#[derive(ToSchema)]
#[schema(as = SpanId, pattern = "^[0-9a-f]{16}$", examples("a3f5e0b1c2d4f607"))]
pub(crate) struct SpanIdText(String);

/// Number of a record, in decimal; larger for what came later.
#[derive(ToSchema)]
#[schema(as = RecordId, pattern = "^[0-9]+$", examples("16777216"))]
pub(crate) struct RecordIdText(String);

/// How grave a record is: by `severity_number` or, if that is 0, by the text.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
    Unset,
}

/// What a span is to its callers: `UNSPECIFIED`, `INTERNAL`, `SERVER`, `CLIENT`, `PRODUCER`, `CONSUMER`, or the number that was sent
/// where OTLP has no name for it.
#[derive(ToSchema)]
#[schema(
    pattern = "^(UNSPECIFIED|INTERNAL|SERVER|CLIENT|PRODUCER|CONSUMER|-?[0-9]+)$",
    examples("SERVER")
)]
pub(crate) struct SpanKind(String);

/// How a span ended: `UNSET`, `OK`, `ERROR`, or the number that was sent where OTLP has no name for it.
#[derive(ToSchema)]
#[schema(pattern = "^(UNSET|OK|ERROR|-?[0-9]+)$", examples("ERROR"))]
pub(crate) struct StatusCode(String);

/// Type of an attribute's value.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum ValueType {
    String,
    Bool,
    Int,
    Double,
    Bytes,
    Array,
    Kvlist,
    Empty,
}

/// What kind of error: 400 `invalid`, 401 `unauthenticated`, 403 `forbidden`, 404 `not_found`, 409 `conflict` and `cancelled`, 413 `too_large`,
/// 415 `unsupported`, 421 `unknown_host` (the name in `Host` is not one of this server), 429 `busy`, 500 `corrupt` and `internal`,
/// 503 `unavailable`, 504 `timeout`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    Cancelled,
    TooLarge,
    Unsupported,
    UnknownHost,
    Busy,
    Corrupt,
    Internal,
    Unavailable,
    Timeout,
}

/// Attributes in the order they were sent. Integers beyond 2^53 are strings, bytes are base64; which are, the field `bytes_in_…` beside them
/// says, if some are.
#[derive(ToSchema)]
#[schema(examples(json!({"http.route": "/cart/{id}", "http.response.status_code": 503})))]
pub(crate) struct Attributes(BTreeMap<String, Value>);

/// Which values beside it are bytes, by key: `true`, or of an array or object that has some in it the same by place or key.
#[derive(ToSchema)]
#[schema(examples(json!({"tls.certificate": true, "chunks": {"0": true}})))]
pub(crate) struct BytesIn(BTreeMap<String, Value>);

/// The instrumentation scope.
#[derive(ToSchema)]
pub(crate) struct Scope {
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    version: Option<String>,
    attributes: Attributes,
    #[schema(nullable = false)]
    bytes_in_attributes: Option<BytesIn>,
}

/// The earliest span without a parent.
#[derive(ToSchema)]
pub(crate) struct RootSpan {
    service_name: String,
    name: String,
    kind: SpanKind,
    status_code: StatusCode,
}

//! Jaeger's envelope: `{"data", "total", "limit", "offset", "errors"}`, for answers and errors.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use spoor_storage::{Error, ErrorKind, TraceId};

use crate::language::SyntaxError;
use crate::otlp::JsonWriter;
use crate::session::Outcome;
use crate::trace::{json_response, write_outcome};

/// An error on its way to a Jaeger client.
#[derive(Debug)]
pub(super) struct JaegerError(Error);

impl From<Error> for JaegerError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<SyntaxError> for JaegerError {
    fn from(error: SyntaxError) -> Self {
        Self(error.into())
    }
}

impl From<crate::ApiError> for JaegerError {
    fn from(error: crate::ApiError) -> Self {
        let inner = error.error();
        let copy = Error::new(inner.kind(), inner.to_string());
        Self(match inner.retry_after() {
            Some(after) => copy.with_retry_after(after),
            None => copy,
        })
    }
}

impl IntoResponse for JaegerError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal) {
            tracing::error!(%error, "query failed");
        }
        let status = error.kind().http_status();
        let mut json = JsonWriter::new();
        json.begin_object();
        json.key("data");
        json.null();
        write_counts(&mut json, 0);
        json.key("errors");
        json.begin_array();
        json.begin_object();
        json.key("code");
        json.int(status);
        json.key("msg");
        json.string(&error.to_string());
        json.end_object();
        json.end_array();
        json.end_object();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = (status, [(CONTENT_TYPE, "application/json")], json.finish());
        match error.retry_after() {
            Some(after) => {
                let seconds = after.as_secs().max(1).to_string();
                ([(RETRY_AFTER, seconds)], body).into_response()
            }
            None => body.into_response(),
        }
    }
}

/// An answer: `write` writes the value of `data` and returns how many items it has.
pub(super) fn answer(
    outcome: &Outcome,
    not_found: &[TraceId],
    write: impl FnOnce(&mut JsonWriter) -> usize,
) -> Response {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("data");
    let total = write(&mut json);
    write_counts(&mut json, total);
    json.key("errors");
    if not_found.is_empty() {
        json.null();
    } else {
        json.begin_array();
        for id in not_found {
            json.begin_object();
            json.key("msg");
            json.string("trace not found");
            json.key("traceID");
            json.hex(&id.0);
            json.end_object();
        }
        json.end_array();
    }
    write_outcome(&mut json, outcome);
    json.end_object();
    json_response(json.finish())
}

fn write_counts(json: &mut JsonWriter, total: usize) {
    json.key("total");
    json.count(total);
    json.key("limit");
    json.int(0);
    json.key("offset");
    json.int(0);
}

//! Jaeger's envelope: `{"data", "total", "limit", "offset", "errors"}`, for answers and errors.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use spoor_storage::{Error, ErrorKind, TraceId};

use crate::api::BrokenData;
use crate::otlp::JsonWriter;
use crate::session::Outcome;
use crate::trace::{json_response, write_outcome};

/// An error on its way to a Jaeger client.
#[derive(Debug)]
pub(super) enum JaegerError {
    Refused(Error),
    NotImplemented(&'static str),
}

impl JaegerError {
    pub(super) fn not_implemented(message: &'static str) -> Self {
        Self::NotImplemented(message)
    }
}

impl From<Error> for JaegerError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<crate::ApiError> for JaegerError {
    fn from(error: crate::ApiError) -> Self {
        Self::Refused(error.into_inner())
    }
}

impl IntoResponse for JaegerError {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Refused(error) => error,
            Self::NotImplemented(message) => {
                let status = StatusCode::NOT_IMPLEMENTED;
                return error_response(status, None, enveloped(status, message));
            }
        };
        respond(&error, enveloped)
    }
}

/// An error with the body that `write` makes of its status and message; the caller's request is
/// asked once more if broken data is behind it.
pub(super) fn respond(error: &Error, write: impl Fn(StatusCode, &str) -> Vec<u8>) -> Response {
    if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal) {
        tracing::error!(%error, "query failed");
    }
    let status = StatusCode::from_u16(error.kind().http_status())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = write(status, &error.to_string());
    let mut response = error_response(status, error.retry_after(), body);
    if error.kind() == ErrorKind::Corrupt {
        response.extensions_mut().insert(BrokenData);
    }
    response
}

fn error_response(status: StatusCode, after: Option<Duration>, body: Vec<u8>) -> Response {
    let body = (status, [(CONTENT_TYPE, "application/json")], body);
    match after {
        Some(after) => {
            let seconds = after.as_secs().max(1).to_string();
            ([(RETRY_AFTER, seconds)], body).into_response()
        }
        None => body.into_response(),
    }
}

fn enveloped(status: StatusCode, message: &str) -> Vec<u8> {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("data");
    json.null();
    write_counts(&mut json, 0);
    json.key("errors");
    json.begin_array();
    json.begin_object();
    json.key("code");
    json.int(status.as_u16());
    json.key("msg");
    json.string(message);
    json.end_object();
    json.end_array();
    json.end_object();
    json.finish()
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
        json.list(not_found, |json, id| {
            json.begin_object();
            json.key("msg");
            json.string("trace not found");
            json.key("traceID");
            json.hex(&id.0);
            json.end_object();
        });
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

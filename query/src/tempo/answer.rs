//! Errors as Tempo tells them, a text with the status, and values as OTLP JSON has them.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use spoor_storage::{Error, ErrorKind};

use crate::api::BrokenData;
use crate::language::SyntaxError;
use crate::otlp::JsonWriter;
use crate::traceql::value::Value;

/// An error on its way to a client of Tempo or Loki, which tell it the same way.
#[derive(Debug)]
pub(crate) struct TempoError(Error);

impl From<Error> for TempoError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<SyntaxError> for TempoError {
    fn from(error: SyntaxError) -> Self {
        Self(error.into())
    }
}

impl From<crate::ApiError> for TempoError {
    fn from(error: crate::ApiError) -> Self {
        let inner = error.error();
        let mut copy = Error::new(inner.kind(), inner.to_string());
        if let Some(hint) = inner.hint() {
            copy = copy.with_hint(hint);
        }
        Self(match inner.retry_after() {
            Some(after) => copy.with_retry_after(after),
            None => copy,
        })
    }
}

impl IntoResponse for TempoError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal) {
            tracing::error!(%error, "query failed");
        }
        let status = StatusCode::from_u16(error.kind().http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = match error.hint() {
            Some(hint) => format!("{error}: {hint}"),
            None => error.to_string(),
        };
        let body = (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text);
        let mut response = match error.retry_after() {
            Some(after) => {
                let seconds = after.as_secs().max(1).to_string();
                ([(RETRY_AFTER, seconds)], body).into_response()
            }
            None => body.into_response(),
        };
        if error.kind() == ErrorKind::Corrupt {
            response.extensions_mut().insert(BrokenData);
        }
        response
    }
}

/// `{"key": …, "value": {"stringValue": …}}`
pub(super) fn write_attribute(json: &mut JsonWriter, key: &str, value: &Value<'_>) {
    json.begin_object();
    json.key("key");
    json.string(key);
    json.key("value");
    write_any_value(json, value);
    json.end_object();
}

/// Statuses, kinds and durations are texts, as Tempo writes them.
fn write_any_value(json: &mut JsonWriter, value: &Value<'_>) {
    json.begin_object();
    match value {
        Value::Bool(value) => {
            json.key("boolValue");
            json.bool(*value);
        }
        Value::Int(value) => {
            json.key("intValue");
            json.int_string(*value);
        }
        Value::Float(value) => {
            json.key("doubleValue");
            json.double(*value);
        }
        Value::List(members) => {
            json.key("arrayValue");
            json.begin_object();
            json.key("values");
            json.list(members, |json, member| write_any_value(json, member));
            json.end_object();
        }
        other => {
            json.key("stringValue");
            json.string(&other.shown());
        }
    }
    json.end_object();
}

//! Errors as the API tells them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use spoor_storage::{Error, ErrorKind};
use utoipa::ToSchema;

use crate::language::SyntaxError;
use crate::openapi::words::ErrorCode;

/// Marks a response that failed for broken files; they have been set aside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BrokenData;

/// An error as answers tell it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    error: ErrorJson,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
struct ErrorJson {
    /// What kind of error it is, for programs.
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    /// What was wrong, for people.
    message: String,
    /// What to do next.
    #[schema(required)]
    hint: Option<String>,
    /// The offset in characters into the query where it went wrong: into the parameter that the error is about.
    #[schema(required)]
    position: Option<usize>,
}

/// An error on its way to the client: an [`ErrorBody`] with the matching status.
#[derive(Debug)]
pub struct ApiError {
    error: Error,
    position: Option<usize>,
}

impl ApiError {
    /// With the offset in characters into the query where it went wrong.
    pub fn at(error: Error, position: usize) -> Self {
        Self {
            error,
            position: Some(position),
        }
    }

    /// The error itself.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The error, without where it went wrong.
    pub fn into_inner(self) -> Error {
        self.error
    }

    /// Where in the query it went wrong, in characters.
    pub fn position(&self) -> Option<usize> {
        self.position
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.error.kind().http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self {
            error,
            position: None,
        }
    }
}

impl From<SyntaxError> for ApiError {
    fn from(error: SyntaxError) -> Self {
        let inner = Error::invalid(error.message);
        let inner = match error.hint {
            Some(hint) => inner.with_hint(hint),
            None => inner,
        };
        Self::at(inner, error.position)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self.error.kind() {
            ErrorKind::Corrupt | ErrorKind::Internal => {
                tracing::error!(error = %self.error, "query failed");
            }
            kind => tracing::debug!(error = %self.error, kind = kind.label(), "query refused"),
        }
        let corrupt = self.error.kind() == ErrorKind::Corrupt;
        let body = ErrorBody {
            error: ErrorJson {
                code: self.error.kind().label(),
                message: self.error.to_string(),
                hint: self.error.hint().map(str::to_owned),
                position: self.position,
            },
        };
        let mut response = (self.status(), Json(body)).into_response();
        if corrupt {
            response.extensions_mut().insert(BrokenData);
        }
        if let Some(after) = self.error.retry_after() {
            let seconds = after.as_secs().max(1);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn says_code_position_and_when_to_retry() {
        let response =
            ApiError::at(Error::invalid("bad word").with_hint("drop it"), 7).into_response();
        assert_eq!(response.status(), 400);
        let body = axum::body::to_bytes(response.into_body(), 1 << 16)
            .await
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            json,
            json!({"error": {"code": "invalid", "message": "bad word", "hint": "drop it", "position": 7}})
        );
        let busy = Error::new(ErrorKind::Busy, "full").with_retry_after(Duration::from_millis(10));
        let response = ApiError::from(busy).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}

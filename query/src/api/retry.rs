//! A query that meets a broken file is asked once more: the session has set the file aside, so the
//! second answer leaves it out and says `complete: false` with the hour. What has been streamed to
//! the client already cannot be taken back; such an answer ends with the error.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use spoor_storage::{Error, ErrorKind};

use super::ApiError;
use super::error::BrokenData;

/// Bodies of queries; axum takes no more anyway.
const MAX_BODY_BYTES: usize = 2 << 20;

pub(super) async fn once_without_broken_files(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = if parts.method == Method::GET {
        bytes::Bytes::new()
    } else {
        match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
            Ok(body) => body,
            Err(error) => {
                let error = Error::new(
                    ErrorKind::TooLarge,
                    format!("the body is not readable: {error}"),
                );
                return ApiError::from(error).into_response();
            }
        }
    };
    let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let response = next
        .clone()
        .run(Request::from_parts(parts, Body::from(body)))
        .await;
    if response.extensions().get::<BrokenData>().is_some() {
        return next.run(again).await;
    }
    response
}

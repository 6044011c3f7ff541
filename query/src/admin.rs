//! What changes stored data: deletions, redactions, retention rules, pinned traces.
//!
//! Two routers, because the server asks for different credentials: [`routes`] only tells,
//! [`admin_router`] changes. Which records a query chooses is found here; storage does the rest.

mod choose;
mod delete;
mod reports;
mod retention;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::routing::{get, post, put};
use http::request::Parts;
use serde::de::DeserializeOwned;
use spoor_storage::{Error, ErrorKind, Result};

use crate::api::{ApiError, ApiState};
use crate::engine::QueryEngine;

/// The largest body these requests have: a policy of many rules.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Who makes a request, as far as the server knows; it puts this into the request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Caller(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// The routes that tell what was deleted and what is kept.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/deletions", get(reports::list))
        .route("/api/v1/deletions/{id}", get(reports::one))
        .route("/api/v1/retention", get(retention::policy))
        .route("/api/v1/pins", get(retention::pins))
}

/// The routes that change stored data, without authentication. They belong on the same paths as
/// [`crate::router`] and behind stricter credentials.
pub fn admin_router(engine: QueryEngine) -> Router {
    Router::new()
        .route("/api/v1/delete", post(delete::delete))
        .route("/api/v1/redact", post(delete::redact))
        .route("/api/v1/retention", put(retention::set_policy))
        .route(
            "/api/v1/pins/{trace_id}",
            post(retention::pin).delete(retention::unpin),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(ApiState { engine })
}

/// The JSON body of a request; `hint` says what it should be.
fn json_of<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    hint: &str,
) -> Result<T, ApiError> {
    let body = body.map_err(|error| Error::new(ErrorKind::TooLarge, error.body_text()))?;
    let parsed = serde_json::from_slice(&body).map_err(|error| {
        Error::invalid(format!("the body is not the JSON expected: {error}")).with_hint(hint)
    })?;
    Ok(parsed)
}

#[cfg(test)]
mod tests;

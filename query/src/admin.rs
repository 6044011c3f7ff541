//! What changes stored data: deletions, redactions, retention rules, pinned traces.
//!
//! Two routers, because the server asks for different credentials: [`routes`] only tells,
//! [`admin_router`] changes. Which records a query chooses is found here; storage does the rest.

mod choose;
mod delete;
mod reports;
mod retention;
mod schema;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::middleware::from_fn;
use http::request::Parts;
use serde::de::DeserializeOwned;
use spoor_storage::{Error, ErrorKind, Result};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{ApiError, remember, stopping_router};
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
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(reports::list))
        .routes(routes!(reports::one))
        .routes(routes!(retention::policy))
        .routes(routes!(retention::pins))
}

/// The routes that change stored data, with their part of the OpenAPI document.
pub(crate) fn changing_routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(delete::delete))
        .routes(routes!(delete::redact))
        .routes(routes!(retention::set_policy))
        .routes(routes!(retention::pin, retention::unpin))
}

/// The routes that change stored data, without authentication. They belong on the same paths as
/// [`crate::router`] and behind stricter credentials.
pub fn admin_router(engine: QueryEngine) -> Router {
    changing_router(engine.clone()).merge(stopping_router(engine))
}

/// [`admin_router`] but for [`stopping_router`].
pub(crate) fn changing_router(engine: QueryEngine) -> Router {
    Router::from(changing_routes())
        .layer(from_fn(remember))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(engine)
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

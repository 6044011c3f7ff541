//! The HTTP API: `/api/v1/…`, `/jaeger/…`, `/tempo/…` and `/loki/…`, as `docs/api.md` describes it.
//!
//! Who may call it is the server's affair. A client that hangs up drops the handler's future, and
//! with it the query.

mod error;
mod fields;
mod histogram;
mod logs;
mod request;
mod retry;
mod sql;
mod tail;

use axum::Router;
use axum::routing::{get, post};
use serde::Serialize;
use spoor_storage::TenantId;

pub use error::ApiError;
pub(crate) use error::BrokenData;
pub(crate) use histogram::Buckets;
pub(crate) use request::JsonBody;
pub use request::{Parameters, optional};

use crate::engine::QueryEngine;
use crate::services;
use crate::session::{Outcome, QuerySession};
use crate::trace;

/// What every handler gets: `State<ApiState>`.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// Starts queries.
    pub engine: QueryEngine,
}

impl ApiState {
    /// Starts a query of the caller's tenant; there is one tenant so far.
    pub async fn begin(&self) -> Result<QuerySession, ApiError> {
        Ok(self.engine.begin(&TenantId::default()).await?)
    }
}

/// An answer with what it says about itself.
#[derive(Debug, Serialize)]
pub struct Answer<T> {
    #[serde(flatten)]
    content: T,
    #[serde(flatten)]
    outcome: Outcome,
}

impl<T> Answer<T> {
    /// Takes the outcome now: the content must be final.
    pub fn new(session: &QuerySession, content: T) -> Self {
        Self {
            content,
            outcome: session.outcome(),
        }
    }
}

/// The routes `/api/v1/*`, `/jaeger/*`, `/tempo/*` and `/loki/*`, without authentication.
pub fn router(engine: QueryEngine) -> Router {
    Router::new()
        .route("/api/v1/logs", get(logs::logs))
        .route("/api/v1/logs/tail", get(tail::tail))
        .route("/api/v1/logs/histogram", get(histogram::histogram))
        .route("/api/v1/fields", get(fields::fields))
        .route("/api/v1/fields/{name}/values", get(fields::values))
        .route("/api/v1/sql", post(sql::sql))
        .merge(trace::routes())
        .merge(services::routes())
        .merge(crate::patterns::routes())
        .merge(crate::exceptions::routes())
        .merge(crate::failures::routes())
        .merge(crate::difference::routes())
        .merge(crate::searches::routes())
        .merge(crate::admin::routes())
        .merge(crate::jaeger::routes())
        .merge(crate::tempo::routes())
        .merge(crate::loki::routes())
        .with_state(ApiState { engine })
        .layer(axum::middleware::from_fn(retry::once_without_broken_files))
}

#[cfg(test)]
mod tests;

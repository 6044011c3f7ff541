//! The HTTP API: `/api/v1/…` and `/jaeger/…`, as `docs/api.md` describes it.
//!
//! Who may call it is the server's affair. A client that hangs up drops the handler's future, and
//! with it the query.

mod error;

use axum::Router;
use spoor_storage::TenantId;

pub use error::ApiError;

use crate::engine::QueryEngine;
use crate::session::QuerySession;

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

/// The routes `/api/v1/*` and `/jaeger/*`, without authentication.
pub fn router(engine: QueryEngine) -> Router {
    let state = ApiState { engine };
    Router::new().with_state(state)
}

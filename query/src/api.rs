//! The HTTP API: `/api/v1/…`, `/jaeger/…`, `/tempo/…` and `/loki/…`, as `docs/api.md` describes it.
//!
//! Who may call it is the server's affair. A client that hangs up drops the handler's future, and
//! with it the query.

mod asked;
mod error;
mod explain;
mod export;
mod fields;
mod histogram;
mod logs;
mod queries;
mod request;
mod retry;
mod sql;
mod stream;
mod tail;
mod tenant;

use std::borrow::Cow;

use axum::Router;
use serde::Serialize;
use spoor_storage::TenantId;
use utoipa::openapi::schema::{AllOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use asked::remember;
pub(crate) use error::BrokenData;
pub use error::{ApiError, ErrorBody};
pub(crate) use fields::query_name;
pub(crate) use histogram::Buckets;
pub(crate) use logs::{LogsAnswer, Page as LogPage};
pub(crate) use request::JsonBody;
pub use request::{Parameters, optional};
pub(crate) use tail::{Follower, Look};

use crate::engine::QueryEngine;
use crate::services;
use crate::session::{Outcome, QuerySession};
use crate::trace;

/// What every handler gets.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// Starts queries.
    pub engine: QueryEngine,
    /// Whose data the request is about.
    pub tenant: TenantId,
}

impl ApiState {
    /// Starts a query of the request's tenant.
    pub async fn begin(&self) -> Result<QuerySession, ApiError> {
        Ok(self.engine.begin(&self.tenant).await?)
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

/// Named as the content is: it is what a client asked for.
impl<T: ToSchema> PartialSchema for Answer<T> {
    fn schema() -> RefOr<Schema> {
        let outcome = Ref::from_schema_name(Outcome::name());
        let all = match T::schema() {
            RefOr::T(Schema::AllOf(mut all)) => {
                all.items.push(outcome.into());
                all
            }
            content => AllOfBuilder::new().item(content).item(outcome).build(),
        };
        RefOr::T(Schema::AllOf(all))
    }
}

impl<T: ToSchema> ToSchema for Answer<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((Outcome::name().into_owned(), Outcome::schema()));
    }
}

/// The route that stops a query, which an administrator may.
pub(crate) fn stopping_routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default().routes(routes!(queries::stop))
}

/// The route that lists queries.
pub(crate) fn listing_routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default().routes(routes!(queries::list))
}

/// The routes `/api/v1/*` that read, with their part of the OpenAPI document.
pub(crate) fn native_routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(logs::logs))
        .routes(routes!(tail::tail))
        .routes(routes!(histogram::histogram))
        .routes(routes!(fields::fields))
        .routes(routes!(fields::values))
        .routes(routes!(sql::sql))
        .routes(routes!(export::logs))
        .routes(routes!(export::spans))
        .routes(routes!(explain::explain))
        .merge(trace::routes())
        .merge(services::routes())
        .merge(crate::patterns::routes())
        .merge(crate::exceptions::routes())
        .merge(crate::failures::routes())
        .merge(crate::difference::routes())
        .merge(crate::searches::routes())
        .merge(crate::tenants::routes())
        .merge(crate::admin::routes())
}

/// The routes `/api/v1/*`, `/jaeger/*`, `/tempo/*` and `/loki/*`, without authentication.
pub fn router(engine: QueryEngine) -> Router {
    asking_router(engine.clone()).merge(listing_router(engine))
}

/// [`router`] but for what must be answered however busy queries keep the machine.
pub(crate) fn asking_router(engine: QueryEngine) -> Router {
    Router::from(native_routes())
        .merge(crate::jaeger::routes())
        .merge(crate::tempo::routes())
        .merge(crate::loki::routes())
        .with_state(engine)
        .layer(axum::middleware::from_fn(remember))
        .layer(axum::middleware::from_fn(retry::once_without_broken_files))
}

/// Which queries there are.
pub(crate) fn listing_router(engine: QueryEngine) -> Router {
    Router::from(listing_routes()).with_state(engine)
}

/// Stops a query, which an administrator may.
pub(crate) fn stopping_router(engine: QueryEngine) -> Router {
    Router::from(stopping_routes()).with_state(engine)
}

#[cfg(test)]
mod tests;

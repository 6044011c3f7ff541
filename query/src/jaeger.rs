//! The query API of Jaeger, as its UI and Grafana's Jaeger data source call it, under `/jaeger`.
//!
//! What differs from Jaeger: without `start` and `lookback` all time is searched, tags are not
//! looked up in events, and answers also say whether they are complete.

mod answer;
mod conditions;
mod dependencies;
mod names;
mod parameters;
mod search;
mod trace;

use axum::Router;
use axum::routing::get;

use crate::api::ApiState;

/// The routes of this module.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/jaeger/api/services", get(names::services))
        .route(
            "/jaeger/api/services/{service}/operations",
            get(names::operations_of),
        )
        .route("/jaeger/api/operations", get(names::operations))
        .route("/jaeger/api/traces", get(search::traces))
        .route("/jaeger/api/traces/{trace_id}", get(search::trace))
        .route("/jaeger/api/dependencies", get(dependencies::dependencies))
}

#[cfg(test)]
mod tests;

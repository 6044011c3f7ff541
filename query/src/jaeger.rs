//! The query API of Jaeger, as its UI and Grafana's Jaeger data source call it, under `/jaeger`:
//! `/api/…` with traces in Jaeger's own JSON, and `/api/v3/…` with traces as OTLP JSON.
//!
//! What differs from Jaeger: without `start` and `lookback` all time is searched, tags are not
//! looked up in events, and answers also say whether they are complete.

mod answer;
mod conditions;
mod dependencies;
mod metrics;
mod names;
mod parameters;
mod search;
mod trace;
mod v3;

use axum::Router;
use axum::routing::{get, post};

use self::answer::JaegerError;
use crate::QueryEngine;

/// The routes of this module.
pub(crate) fn routes() -> Router<QueryEngine> {
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
        .route("/jaeger/api/metrics/latencies", get(metrics::latencies))
        .route("/jaeger/api/metrics/calls", get(metrics::calls))
        .route("/jaeger/api/metrics/errors", get(metrics::errors))
        .route("/jaeger/api/metrics/minstep", get(metrics::min_step))
        .route("/jaeger/api/archive/{trace_id}", post(archive))
        .route("/jaeger/api/transform", post(transform))
        .merge(v3::routes())
}

/// There is no second storage to copy a trace to.
async fn archive() -> JaegerError {
    JaegerError::not_implemented(
        "there is no archive storage: to keep a trace beyond the retention, pin it with \
         POST /api/v1/pins/{trace_id}, which needs an admin token",
    )
}

/// What comes in as OTLP is stored first: nothing here reads it for display only.
async fn transform() -> JaegerError {
    JaegerError::not_implemented(
        "OTLP is not converted without being stored: send it to /v1/traces and ask for the trace",
    )
}

#[cfg(test)]
mod tests;

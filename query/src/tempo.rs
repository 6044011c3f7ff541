//! The query API of Grafana Tempo, as Grafana's Tempo data source calls it, under `/tempo`.
//!
//! What differs from Tempo: without `start` and `end` all time is searched, answers are the most
//! recent ones and the same every time, and they also say whether they are complete.

mod answer;
mod metrics;
mod search;
mod tags;
mod traces;

pub(crate) use answer::TempoError;

use axum::Json;
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::QueryEngine;

/// The version of Tempo whose API this follows: Grafana asks what it may use.
const API_OF_TEMPO: &str = "2.8.0";

/// The routes of this module.
pub(crate) fn routes() -> Router<QueryEngine> {
    Router::new()
        .route("/tempo/api/search", get(search::search))
        .route("/tempo/api/traces/{trace_id}", get(traces::trace))
        .route("/tempo/api/v2/traces/{trace_id}", get(traces::trace_v2))
        .route("/tempo/api/search/tags", get(tags::tags))
        .route("/tempo/api/v2/search/tags", get(tags::tags_v2))
        .route("/tempo/api/search/tag/{tag}/values", get(tags::values))
        .route(
            "/tempo/api/v2/search/tag/{tag}/values",
            get(tags::values_v2),
        )
        .route("/tempo/api/metrics/query_range", get(metrics::query_range))
        .route("/tempo/api/metrics/query", get(metrics::query))
        .route("/tempo/api/echo", get(|| async { "echo" }))
        .route("/tempo/api/status/buildinfo", get(build_info))
}

async fn build_info() -> Json<Value> {
    Json(json!({
        "version": API_OF_TEMPO,
        "revision": format!("spoor-{}", env!("CARGO_PKG_VERSION")),
        "branch": "", "buildDate": "", "buildUser": "", "goVersion": "",
    }))
}

#[cfg(test)]
mod tests;

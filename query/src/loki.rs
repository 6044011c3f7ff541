//! The query API of Grafana Loki, as Grafana's Loki data source calls it, under `/loki/api/v1`.
//!
//! A data source whose address ends with `/loki`, as those of Tempo and Jaeger end with their names,
//! finds the same. What differs from Loki is in `docs/logql.md`.

mod answer;
mod detected;
mod index;
mod labels;
mod patterns;
mod query;
mod request;
mod tail;

use axum::Json;
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use spoor_storage::{Error, Result};

use crate::QueryEngine;
use crate::api::ApiState;
use crate::logql::ast::Expr;
use crate::logql::rows;
use answer::LokiError;
use request::Given;

/// The version of Loki whose API this follows: Grafana asks what it may use.
const API_OF_LOKI: &str = "3.4.0";

/// The routes of this module.
pub(crate) fn routes() -> Router<QueryEngine> {
    ["/loki/api/v1", "/loki/loki/api/v1"]
        .into_iter()
        .fold(Router::new(), |router, prefix| router.nest(prefix, api()))
        .route("/loki/ready", get(|| async { "ready\n" }))
}

fn api() -> Router<QueryEngine> {
    Router::new()
        .route("/query", get(query::query).post(query::query))
        .route(
            "/query_range",
            get(query::query_range).post(query::query_range),
        )
        .route("/labels", get(labels::labels).post(labels::labels))
        .route("/label", get(labels::labels).post(labels::labels))
        .route(
            "/label/{name}/values",
            get(labels::values).post(labels::values),
        )
        .route("/series", get(labels::series).post(labels::series))
        .route("/index/stats", get(index::stats).post(index::stats))
        .route("/index/volume", get(index::volume).post(index::volume))
        .route(
            "/index/volume_range",
            get(index::volume_range).post(index::volume_range),
        )
        .route(
            "/detected_labels",
            get(detected::labels).post(detected::labels),
        )
        .route(
            "/detected_fields",
            get(detected::fields).post(detected::fields),
        )
        .route(
            "/detected_field/{name}/values",
            get(detected::values).post(detected::values),
        )
        .route(
            "/patterns",
            get(patterns::patterns).post(patterns::patterns),
        )
        .route("/tail", get(tail::tail))
        .route("/drilldown-limits", get(drilldown_limits))
        .route("/format_query", get(format_query).post(format_query))
        .route("/status/buildinfo", get(build_info))
}

/// A query, or what Loki says of one that cannot be read: line and column, both from 1.
fn parsed(text: &str) -> Result<Expr> {
    crate::logql::parse(text).map_err(|error| {
        let before: Vec<char> = text.chars().take(error.position).collect();
        let line = before.iter().filter(|c| **c == '\n').count() + 1;
        let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
        let message = format!(
            "parse error at line {line}, col {column}: {}",
            error.message
        );
        match error.hint {
            Some(hint) => Error::invalid(message).with_hint(hint),
            None => Error::invalid(message),
        }
    })
}

async fn format_query(given: Given) -> Result<Json<Value>, LokiError> {
    let text = parsed(given.required("query")?)?.to_string();
    Ok(Json(json!({"status": "success", "data": text})))
}

/// What Grafana's Logs Drilldown asks before it shows anything.
async fn drilldown_limits(state: ApiState) -> Json<Value> {
    let timeout_s = state.engine.options().timeout.as_secs();
    Json(json!({
        "limits": {
            "discover_log_levels": true,
            "discover_service_name": ["service_name"],
            "log_level_fields": [rows::LEVEL, rows::DETECTED_LEVEL],
            "max_entries_limit_per_query": query::MAX_LIMIT,
            "query_timeout": format!("{timeout_s}s"),
            "retention_period": "0s",
            "volume_enabled": true,
        },
        "pattern_ingester_enabled": true,
        "version": API_OF_LOKI,
    }))
}

async fn build_info() -> Json<Value> {
    Json(json!({
        "version": API_OF_LOKI,
        "revision": format!("spoor-{}", env!("CARGO_PKG_VERSION")),
        "branch": "", "buildDate": "", "buildUser": "", "goVersion": "",
    }))
}

#[cfg(test)]
mod tests;

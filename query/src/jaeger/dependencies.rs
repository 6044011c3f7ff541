//! `/api/dependencies`: who called whom, and how often.

use axum::extract::Query;
use axum::response::Response;
use spoor_storage::{Result, TimeRange};

use super::answer::{JaegerError, answer};
use super::parameters::Given;
use crate::api::ApiState;
use crate::otlp::JsonWriter;
use crate::parameters::now_ns;
use crate::services::graph::{Edge, EdgeCounter};
use crate::services::{Beside, each_trace};
use crate::session::QuerySession;

const MAX_EDGES: usize = 100_000;

/// `GET /jaeger/api/dependencies?endTs=&lookback=&service=`
pub(super) async fn dependencies(
    state: ApiState,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    let given = Given(given);
    let range = given.dependency_range(now_ns())?;
    let session = state.begin().await?;
    let mut edges = count_calls(&session, range).await?;
    if let Some(service) = given.one("service") {
        edges.retain(|edge| &*edge.from == service || &*edge.to == service);
    }
    Ok(answer(&session.outcome(), &[], |json| {
        write_calls(json, &edges, JsonWriter::int);
        edges.len()
    }))
}

/// `[{"parent", "child", "callCount"}]`, the count as `write_count` writes it.
pub(super) fn write_calls(
    json: &mut JsonWriter,
    edges: &[Edge],
    write_count: impl Fn(&mut JsonWriter, u64),
) {
    json.list(edges, |json, edge| {
        json.begin_object();
        json.key("parent");
        json.string(&edge.from);
        json.key("child");
        json.string(&edge.to);
        json.key("callCount");
        write_count(json, edge.calls);
        json.end_object();
    });
}

/// The calls whose called span starts in `range`.
pub(super) async fn count_calls(session: &QuerySession, range: TimeRange) -> Result<Vec<Edge>> {
    let mut edges = EdgeCounter::default();
    each_trace(session, range, Beside::Nothing, |trace| {
        if edges.len() < MAX_EDGES {
            edges.add(&trace.spans, &trace.services, |called| {
                trace.counted[called]
            });
        }
    })
    .await?;
    if edges.len() >= MAX_EDGES {
        session.note_incomplete(format!("there are more than {MAX_EDGES} edges"));
    }
    Ok(edges.finish())
}

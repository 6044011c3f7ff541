//! Version 3 of Jaeger's query API, as its gateway serves it over HTTP: `{"result": TracesData}`
//! with traces as OTLP JSON, and errors as `{"error": {"httpCode", "message"}}`.
//!
//! What differs from Jaeger: traces come as they were sent, with and without `raw_traces`; a trace
//! is found whole at any time; a result comes in one piece.

mod parameters;

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use spoor_storage::{Error, ErrorKind, TraceId};

use self::parameters::GivenV3;
use super::answer::respond;
use super::{dependencies, names, search};
use crate::QueryEngine;
use crate::api::ApiState;
use crate::otlp::{JsonWriter, write_resource_spans_items};
use crate::session::QuerySession;
use crate::trace::{json_response, load_traces, trace_id_of, write_outcome};

/// The parameters of a request as they were given.
type Pairs = Query<Vec<(String, String)>>;

/// An error on its way to a client of this version.
#[derive(Debug)]
struct GatewayError(Error);

impl From<Error> for GatewayError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<crate::ApiError> for GatewayError {
    fn from(error: crate::ApiError) -> Self {
        Self(error.into_inner())
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        respond(&self.0, |status: StatusCode, message| {
            let mut json = JsonWriter::new();
            json.begin_object();
            json.key("error");
            json.begin_object();
            json.key("httpCode");
            json.int(status.as_u16());
            json.key("message");
            json.string(message);
            json.end_object();
            json.end_object();
            json.finish()
        })
    }
}

/// The routes of this version.
pub(super) fn routes() -> Router<QueryEngine> {
    Router::new()
        .route("/jaeger/api/v3/services", get(services))
        .route("/jaeger/api/v3/operations", get(operations))
        .route("/jaeger/api/v3/traces", get(traces))
        .route("/jaeger/api/v3/traces/{trace_id}", get(trace))
        .route("/jaeger/api/v3/dependencies", get(calls))
}

/// `GET /jaeger/api/v3/services`
async fn services(state: ApiState) -> Result<Response, GatewayError> {
    let session = state.begin().await?;
    let found = names::service_names(&session).await?;
    Ok(answer(&session, "services", |json| {
        names::write_names(json, &found);
    }))
}

/// `GET /jaeger/api/v3/operations?service=&span_kind=`
async fn operations(state: ApiState, Query(given): Pairs) -> Result<Response, GatewayError> {
    let given = GivenV3::new(given);
    let (service, kind) = (given.service()?, given.one("span_kind"));
    let session = state.begin().await?;
    let found = names::operations_with_kind(&session, service, kind).await?;
    Ok(answer(&session, "operations", |json| {
        names::write_operations(json, &found);
    }))
}

/// `GET /jaeger/api/v3/traces?query.service_name=&query.operation_name=&query.attributes=&…`
async fn traces(state: ApiState, Query(given): Pairs) -> Result<Response, GatewayError> {
    let query = GivenV3::new(given).trace_query()?;
    let session = state.begin().await?;
    let ids = search::find(&session, &query).await?;
    whole_traces(&session, &ids).await
}

/// `GET /jaeger/api/v3/traces/{trace_id}?start_time=&end_time=&raw_traces=`
async fn trace(
    state: ApiState,
    Path(trace_id): Path<String>,
    Query(given): Pairs,
) -> Result<Response, GatewayError> {
    GivenV3::new(given).check_trace_hints()?;
    let id = trace_id_of(&trace_id)?;
    let session = state.begin().await?;
    whole_traces(&session, &[id]).await
}

/// `GET /jaeger/api/v3/dependencies?start_time=&end_time=`
async fn calls(state: ApiState, Query(given): Pairs) -> Result<Response, GatewayError> {
    let range = GivenV3::new(given).dependency_range()?;
    let session = state.begin().await?;
    let edges = dependencies::count_calls(&session, range).await?;
    Ok(answer(&session, "dependencies", |json| {
        // 64 bits are a string in the JSON of protobuf.
        dependencies::write_calls(json, &edges, JsonWriter::int_string);
    }))
}

/// The spans of a trace come one after the other.
async fn whole_traces(session: &QuerySession, ids: &[TraceId]) -> Result<Response, GatewayError> {
    let loaded = load_traces(session, ids).await?;
    // What cannot be read may be there: then the answer says what is missing.
    if loaded.is_empty() && session.outcome().complete {
        return Err(Error::new(ErrorKind::NotFound, "No traces found").into());
    }
    Ok(answer(session, "result", |json| {
        json.begin_object();
        json.key("resourceSpans");
        json.list(ids.iter().filter_map(|id| loaded.get(id)), |json, trace| {
            write_resource_spans_items(json, trace.spans());
        });
        json.end_object();
    }))
}

/// `{key: …}` and what every answer says of itself.
fn answer(session: &QuerySession, key: &str, write: impl FnOnce(&mut JsonWriter)) -> Response {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key(key);
    write(&mut json);
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    json_response(json.finish())
}

#[cfg(test)]
mod tests;

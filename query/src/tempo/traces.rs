//! `/tempo/api/traces/{id}` and `/tempo/api/v2/traces/{id}`: OTLP, as JSON or protobuf.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use super::answer::TempoError;
use crate::api::ApiState;
use crate::otlp::{JsonWriter, write_protobuf_bytes, write_resource_spans, write_traces_protobuf};
use crate::trace::{LoadedTrace, json_response, load_whole, trace_id_of, write_outcome};

const PROTOBUF: &str = "application/protobuf";

/// `GET /tempo/api/traces/{trace_id}`
pub(super) async fn trace(
    state: ApiState,
    Path(trace_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, TempoError> {
    let session = state.begin().await?;
    let trace = load_whole(&session, trace_id_of(&trace_id)?).await?;
    if wants_protobuf(&headers) {
        return Ok(protobuf(write_traces_protobuf(trace.spans())));
    }
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("batches");
    write_resource_spans(&mut json, trace.spans());
    json.end_object();
    Ok(json_response(json.finish()))
}

/// `GET /tempo/api/v2/traces/{trace_id}`
pub(super) async fn trace_v2(
    state: ApiState,
    Path(trace_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, TempoError> {
    let session = state.begin().await?;
    let trace = load_whole(&session, trace_id_of(&trace_id)?).await?;
    if wants_protobuf(&headers) {
        return Ok(protobuf(wrapped(&trace)));
    }
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("trace");
    json.begin_object();
    json.key("resourceSpans");
    write_resource_spans(&mut json, trace.spans());
    json.end_object();
    json.key("metrics");
    json.begin_object();
    json.end_object();
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    Ok(json_response(json.finish()))
}

/// A message whose field 1 is the trace.
fn wrapped(trace: &LoadedTrace) -> Vec<u8> {
    let mut out = Vec::new();
    write_protobuf_bytes(&mut out, 1, &write_traces_protobuf(trace.spans()));
    out
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|accept| accept.contains(PROTOBUF))
}

fn protobuf(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, PROTOBUF)], body).into_response()
}

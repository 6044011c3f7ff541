//! `/api/traces`: whole traces, found or by id.

use axum::extract::{Path, Query};
use axum::response::Response;
use spoor_storage::{Error, ErrorKind, Result, TraceId};

use super::answer::{JaegerError, answer};
use super::conditions::condition;
use super::parameters::{Given, TraceQuery};
use super::trace::write_trace;
use crate::api::ApiState;
use crate::listing::Patience;
use crate::parameters::now_ns;
use crate::session::QuerySession;
use crate::trace::{TraceSearch, find_traces, load_traces, trace_id_of};

/// `GET /jaeger/api/traces`
pub(super) async fn traces(
    state: ApiState,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    let query = Given(given).trace_query(now_ns())?;
    let session = state.begin().await?;
    if !query.trace_ids.is_empty() {
        return whole_traces(&session, &query.trace_ids).await;
    }
    let ids = find(&session, &query).await?;
    whole_traces(&session, &ids).await
}

/// The ids of the traces that a query finds, the one with the newest matching span first.
pub(super) async fn find(session: &QuerySession, query: &TraceQuery) -> Result<Vec<TraceId>> {
    let search = TraceSearch {
        condition: condition(query),
        range: query.range,
        limit: query.limit,
        after: None,
        patience: Patience::default(),
    };
    Ok(find_traces(session, &search).await?.ids)
}

/// `GET /jaeger/api/traces/{trace_id}`
pub(super) async fn trace(
    state: ApiState,
    Path(trace_id): Path<String>,
) -> Result<Response, JaegerError> {
    let id = trace_id_of(&trace_id)?;
    let session = state.begin().await?;
    let loaded = load_traces(&session, &[id]).await?;
    // What cannot be read may be there: then the answer says what is missing.
    if loaded.is_empty() && session.outcome().complete {
        return Err(Error::new(ErrorKind::NotFound, "trace not found").into());
    }
    Ok(answer(&session.outcome(), &[], |json| {
        json.list(loaded.values(), |json, trace| {
            write_trace(json, id, trace, &session.outcome());
        });
        loaded.len()
    }))
}

async fn whole_traces(session: &QuerySession, ids: &[TraceId]) -> Result<Response, JaegerError> {
    let loaded = load_traces(session, ids).await?;
    let outcome = session.outcome();
    let not_found: Vec<TraceId> = ids
        .iter()
        .copied()
        .filter(|id| !loaded.contains_key(id))
        .collect();
    Ok(answer(&outcome, &not_found, |json| {
        json.list(ids, |json, id| {
            if let Some(trace) = loaded.get(id) {
                write_trace(json, *id, trace, &outcome);
            }
        });
        loaded.len()
    }))
}

//! `GET /api/v1/logs/tail`: records that match, as they come in, as server-sent events.
//!
//! ```text
//!  commit ─► arrivals ─► at most every 250 ms: rows of the snapshot after the last mark ─► events
//!            (a number)   (buffer, and files made since)      filtered like any search
//! ```
//! The order is that of arrival (`record_id`), which is total: an event's id says where to go on
//! after a lost connection, and nothing in between is lost or comes twice. Nothing is queued for a
//! client: what it does not take in time it is told the number of. A tail costs a query for
//! every look, and nothing while nothing arrives.

mod mark;
mod watch;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use spoor_storage::{Result, Table};

use super::request::{Parameters, optional};
use super::{ApiError, ApiState};
use crate::language;
use crate::parameters;
use mark::Mark;
use watch::Watch;

/// Records a second that are told one by one.
const DEFAULT_RATE: usize = 500;
const MAX_RATE: usize = 5_000;
/// Proxies close connections on which nothing comes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Debug, Deserialize)]
pub(super) struct TailParameters {
    #[serde(default)]
    query: String,
    #[serde(default, deserialize_with = "optional")]
    limit: Option<usize>,
    /// As the header `Last-Event-ID`, for clients that cannot send it.
    #[serde(default, deserialize_with = "optional")]
    after: Option<Mark>,
}

pub(super) async fn tail(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<TailParameters>,
) -> Result<Response, ApiError> {
    let query = language::parse(&parameters.query)?;
    let filter = language::to_expr(&query, Table::Logs)?;
    let rate = parameters::limit(parameters.limit, DEFAULT_RATE, MAX_RATE)?;
    let after = match headers.get(LAST_EVENT_ID) {
        Some(id) => Some(Mark::of_header(id)?),
        None => parameters.after,
    };
    let place = state.engine.tail_place()?;
    let watch = Watch::new(state.engine, place, filter, rate, after);
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<Event, Infallible>(event), watch))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    // nginx would hold events back until its buffer is full.
    let unbuffered = HeaderValue::from_static("no");
    response
        .headers_mut()
        .insert("x-accel-buffering", unbuffered);
    Ok(response)
}

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

mod follow;
mod mark;
mod watch;

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use spoor_storage::{Result, Table};

use super::request::{Parameters, optional};
use super::{ApiError, ApiState};
use crate::language;
use crate::openapi::ReadErrors;
use crate::parameters::{QueryParameter, limit};
pub(crate) use follow::{Follower, Look};
use mark::Mark;
use watch::Watch;

/// Records a second that are told one by one.
const DEFAULT_RATE: usize = 500;
const MAX_RATE: usize = 5_000;
/// Proxies close connections on which nothing comes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TailParameters {
    /// Records a second that are told; of more the newest.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 5_000, default = 500)]
    limit: Option<usize>,
    /// As the header `Last-Event-ID`, for clients that cannot send it.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<String>, pattern = "^[0-9]+[.][0-9]+$")]
    after: Option<Mark>,
}

const EXAMPLE: &str = "\
event: ready\nid: 16777215.1674982096000\ndata: {}\n\n\
event: log\nid: 16777216.1674982096000\ndata: {\"id\": \"16777216\", …}\n\n\
event: dropped\nid: 16777300.1674982096000\ndata: {\"count\": 875}\n\n\
event: mark\nid: 33554431.1674982096250\ndata: {}\n\n";

fn example() -> &'static str {
    EXAMPLE
}

/// Log records that match, as they come in.
///
/// Server-sent events, in the order of arrival. It begins now, or after the event whose id comes in the header
/// `Last-Event-ID` (or the parameter `after`): then nothing is lost in between and nothing comes twice, also across
/// restarts. The data of a `log` is a `LogRecord`. A `mark` follows each look at what arrived, also if nothing matched.
/// `dropped` says how many records were too many to tell, `{"count": 875}`, with `null` for the number when a client
/// comes back after more than an hour or to another data directory. `error` (an `ErrorBody`) is the last event of a
/// tail that cannot go on. Comments keep the connection open. At most 32 tails are open (429 beyond), and all end when
/// the server stops.
#[utoipa::path(
    get, path = "/api/v1/logs/tail", tag = "Logs", operation_id = "logs_tail",
    params(QueryParameter, TailParameters, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses(
        (status = 200, description = "Events, without end.", body = String, content_type = "text/event-stream", example = example),
        ReadErrors,
    ),
)]
pub(super) async fn tail(
    state: ApiState,
    headers: HeaderMap,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(parameters): Parameters<TailParameters>,
) -> Result<Response, ApiError> {
    let query = language::parse(&which.query)?;
    language::to_expr(&query, Table::Logs)?;
    let rate = limit(parameters.limit, DEFAULT_RATE, MAX_RATE)?;
    let after = match headers.get(LAST_EVENT_ID) {
        Some(id) => Some(Mark::of_header(id)?),
        None => parameters.after,
    };
    let place = state.engine.tail_place(&state.tenant)?;
    let watch = Watch::new(state.engine, place, query, rate, after);
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

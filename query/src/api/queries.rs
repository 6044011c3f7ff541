//! `/api/v1/queries`: what waits and runs now, and stopping it.

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use serde::Serialize;
use serde_json::{Value, json};
use spoor_storage::{Error, ErrorKind};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{ApiError, ApiState};
use crate::QueryOptions;
use crate::admin::Caller;
use crate::engine::{Entry, SlowQuery};
use crate::openapi::{AdminErrors, NotFound, Unauthenticated, words};
use crate::parameters::{format_time, now_ns};

/// What waits and runs, and how much may.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueryList {
    /// Of the tenant, newest first, live tails too.
    queries: Vec<RunningQuery>,
    /// Of all tenants, as the other numbers: they share the places.
    running: usize,
    waiting: usize,
    /// Live tails that are open.
    tails: usize,
    max_concurrent: usize,
    max_waiting: usize,
    max_tails: usize,
    /// Those of the tenant among the last 100 queries that took a second or longer and are over, since the start of the process, the last first.
    slow: Vec<SlowQueryJson>,
}

/// A query that took long.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SlowQuery)]
struct SlowQueryJson {
    id: String,
    kind: String,
    /// As it was written, cut at 2 KiB; of a request without one its address.
    query: String,
    #[schema(required)]
    client: Option<String>,
    #[schema(required)]
    caller: Option<String>,
    #[schema(value_type = words::Instant)]
    began_time: String,
    /// Waiting and being answered included.
    elapsed_ms: u64,
    rows_read: u64,
    bytes_read: u64,
}

impl SlowQueryJson {
    fn of(query: &SlowQuery) -> Self {
        Self {
            id: query.id.clone(),
            kind: query.asked.kind.to_string(),
            query: query.asked.text.clone(),
            client: query.asked.address.map(|address| address.to_string()),
            caller: query.asked.caller.clone(),
            began_time: format_time(query.began_ns),
            elapsed_ms: u64::try_from(query.took.as_millis()).unwrap_or(u64::MAX),
            rows_read: query.rows_read,
            bytes_read: query.bytes_read,
        }
    }
}

/// A query, or an open live tail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunningQuery {
    id: String,
    /// The route.
    #[schema(examples("/api/v1/sql"))]
    kind: String,
    /// The query as it was written, cut at 2 KiB; of a request without one its address.
    query: String,
    tenant: String,
    /// The address of the client, if it is known.
    #[schema(required)]
    client: Option<String>,
    /// Which token it has, if it has one.
    #[schema(required)]
    caller: Option<String>,
    #[schema(value_type = words::Instant)]
    began_time: String,
    elapsed_ms: u64,
    #[schema(value_type = QueryState)]
    state: &'static str,
    /// Rows read of files that were opened so far and of memory.
    rows_read: u64,
    /// Rows that are to be read as far as that is planned, those read included.
    rows_planned: u64,
    /// As `scanned_bytes` of answers, so far.
    bytes_read: u64,
    memory_bytes: usize,
    max_memory_bytes: usize,
    /// When it ends with an error if it is not done; null for a live tail.
    #[schema(value_type = Option<words::Instant>, required)]
    deadline: Option<String>,
}

/// `waiting` for a turn, or `running`.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "documentation: words are written in its place")]
enum QueryState {
    Waiting,
    Running,
}

impl RunningQuery {
    fn of(entry: &Entry, options: &QueryOptions) -> Self {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        Self {
            id: entry.id.clone(),
            kind: entry.asked.kind.to_string(),
            query: entry.asked.text.clone(),
            tenant: entry.tenant.to_string(),
            client: entry.asked.address.map(|address| address.to_string()),
            caller: entry.asked.caller.clone(),
            began_time: format_time(entry.began_ns),
            elapsed_ms: u64::try_from(entry.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            state: if entry.waits() { "waiting" } else { "running" },
            rows_read: entry.read.rows(),
            rows_planned: entry.read.planned_rows(),
            bytes_read: entry.read.bytes(),
            memory_bytes: entry.memory_bytes(),
            max_memory_bytes: options.memory_bytes,
            deadline: entry
                .deadline
                .map(|deadline| format_time(after(left(deadline)))),
        }
    }
}

fn after(left: Duration) -> i64 {
    now_ns().saturating_add(i64::try_from(left.as_nanos()).unwrap_or(i64::MAX))
}

/// What waits and runs now.
///
/// Whichever API it came by, and open live tails.
#[utoipa::path(
    get, path = "/api/v1/queries", tag = "Running queries", operation_id = "queries",
    responses((status = 200, description = "What waits and runs.", body = QueryList, example = list_example), Unauthenticated),
)]
pub(super) async fn list(state: ApiState) -> Json<QueryList> {
    let (mut entries, options) = (state.engine.entries(), state.engine.options());
    let (tails, queries): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.is_tail());
    let waiting = queries.iter().filter(|entry| entry.waits()).count();
    let (running, tails) = (queries.len() - waiting, tails.len());
    entries.retain(|entry| entry.tenant == state.tenant);
    Json(QueryList {
        running,
        waiting,
        tails,
        max_concurrent: options.max_concurrent,
        max_waiting: options.max_waiting,
        max_tails: options.max_tails,
        slow: state
            .engine
            .slow()
            .iter()
            .filter(|query| query.tenant == state.tenant)
            .map(|query| SlowQueryJson::of(query))
            .collect(),
        queries: entries
            .iter()
            .map(|entry| RunningQuery::of(entry, options))
            .collect(),
    })
}

/// Stops a query.
///
/// Waiting or running; its client is told 409 `cancelled`, and an answer that has begun is broken off.
#[utoipa::path(
    delete, path = "/api/v1/queries/{id}", tag = "Running queries", operation_id = "stop_query",
    params(("id" = String, Path, description = "Of the list.", example = "188b1cc05c8a71f400000007")),
    responses((status = 200, description = "What it had come to.", body = RunningQuery, example = query_example), AdminErrors, NotFound),
    security((), ("admin_token" = [])),
)]
pub(super) async fn stop(
    state: ApiState,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<RunningQuery>, ApiError> {
    let mut entries = state.engine.entries();
    entries.retain(|entry| entry.id == id && entry.tenant == state.tenant);
    let entry = entries.pop().ok_or_else(|| {
        let message = format!("there is no query `{id}`, or none any more");
        let hint = "GET /api/v1/queries lists those that run";
        Error::new(ErrorKind::NotFound, message).with_hint(hint)
    })?;
    let by = caller.0.unwrap_or_else(|| "somebody".to_owned());
    tracing::info!(query = id, by, "a query is stopped");
    entry.stop(by);
    Ok(Json(RunningQuery::of(&entry, state.engine.options())))
}

fn list_example() -> Value {
    json!({
        "queries": [query_example()], "running": 1, "waiting": 0, "tails": 0,
        "max_concurrent": 8, "max_waiting": 64, "max_tails": 32,
        "slow": [{
            "id": "188b1cc05c8a71f400000003", "kind": "/api/v1/sql", "query": "SELECT count(*) FROM spans", "client": "10.0.0.7", "caller": null,
            "began_time": "2023-01-29T08:40:16.546346267Z", "elapsed_ms": 4200, "rows_read": 9_000_000, "bytes_read": 70_000_000,
        }],
    })
}

fn query_example() -> Value {
    json!({
        "id": "188b1cc05c8a71f400000007", "kind": "/api/v1/sql", "query": "SELECT count(*) FROM logs", "tenant": "default",
        "client": "10.0.0.7", "caller": null, "began_time": "2023-01-29T08:48:16.546346267Z", "elapsed_ms": 1200,
        "state": "running", "rows_read": 1000, "rows_planned": 4000, "bytes_read": 70_000, "memory_bytes": 4096, "max_memory_bytes": 536_870_912,
        "deadline": "2023-01-29T08:49:16.546346267Z",
    })
}

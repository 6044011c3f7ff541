//! `GET /api/v1/explain`: what a search reads, and why.

use axum::Json;
use axum::extract::State;
use datafusion::logical_expr::Expr;
use serde::{Deserialize, Serialize};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, Table, TimeRange};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState};
use crate::explain::Scan;
use crate::failure::from_datafusion;
use crate::language;
use crate::listing::{Listing, in_range};
use crate::openapi::ReadErrors;
use crate::openapi::words::{SearchQuery, TableName};
use crate::parameters::{self, Order, TimeParameter};
use crate::session::QuerySession;
use crate::trace::{TraceSearch, find_traces};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainParameters {
    /// `logs`, unless said otherwise, or `spans`.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<TableName>)]
    table: Option<Table>,
    /// Which rows are searched.
    #[serde(default)]
    #[param(value_type = SearchQuery)]
    query: String,
    /// The first instant.
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    /// The instant after the last.
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
    /// Whether the search is run, as the first page of the list of logs or of traces is made.
    #[serde(default, deserialize_with = "optional")]
    analyze: Option<bool>,
    /// With `analyze`: how many records or traces the page has.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
}

/// What is read for a search.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explained)]
pub(super) struct Explained {
    /// In the order in which they were planned: first those of `trace:(…)` and `logs:(…)`.
    scans: Vec<Scan>,
}

type ExplainedAnswer = Answer<Explained>;

fn example() -> serde_json::Value {
    let step = |step: &str, files: u64, rows: u64, bytes: u64, detail: &str| {
        serde_json::json!({
            "step": step, "files": files, "row_groups": null, "pages": null, "rows": rows, "bytes": bytes,
            "read_bytes": null, "elapsed_ns": null, "detail": detail,
        })
    };
    serde_json::json!({
        "scans": [{"table": "logs", "ran": false, "steps": [
            step("snapshot", 40, 400_000, 40_000_000, ""),
            step("time", 8, 80_000, 8_000_000, "from 2023-01-29T08:00:00.000000000Z"),
            step("services", 3, 30_000, 3_000_000, "service_name is `checkout`"),
        ]}],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// What a search reads, and why.
///
/// Of each scan the steps, with the files, rows and bytes that are left after each: time range, services, index, what is deleted, row groups
/// and pages of Parquet, rows in memory. Without `analyze` the search is only planned, for all rows that match; what is measured then is null.
#[utoipa::path(
    get, path = "/api/v1/explain", tag = "Running queries", operation_id = "explain",
    params(ExplainParameters),
    responses((status = 200, description = "The scans.", body = ExplainedAnswer, example = example), ReadErrors),
)]
pub(super) async fn explain(
    State(state): State<ApiState>,
    Parameters(given): Parameters<ExplainParameters>,
) -> Result<Json<ExplainedAnswer>, ApiError> {
    let table = given.table.unwrap_or(Table::Logs);
    let query = language::parse(&given.query)?;
    language::check(&query, table)?;
    let range = parameters::time_range(given.start, given.end)?;
    let limit = parameters::limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let session = state.begin().await?;
    session.explain();
    let filter = language::condition(&session, &query, table, range).await?;
    match (given.analyze.unwrap_or(false), table) {
        (false, _) => plan(&session, table, range, filter).await?,
        (true, Table::Logs) => {
            let listing = Listing {
                session: &session,
                table,
                range,
                order: Order::Desc,
                filter,
                after: None,
            };
            listing.first(limit).await?;
        }
        (true, Table::Spans) => {
            let search = TraceSearch {
                condition: filter,
                range,
                limit,
                after: None,
            };
            find_traces(&session, &search).await?;
        }
    }
    session.note_skipped(table, range);
    let scans = session.scans().unwrap_or_default();
    Ok(Json(Answer::new(&session, Explained { scans })))
}

/// Plans to read where all rows are that match.
async fn plan(session: &QuerySession, table: Table, range: TimeRange, filter: Expr) -> Result<()> {
    let time = table.time_column();
    let rows = session.table(table).await?;
    let rows = rows
        .filter(in_range(time, range).and(filter))
        .and_then(|rows| rows.select_columns(&[time, RECORD_ID]))
        .map_err(from_datafusion)?;
    session.only_plan(rows).await
}

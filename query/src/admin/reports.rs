//! `GET /api/v1/deletions` and `GET /api/v1/deletions/{id}`: what was asked for, and how far it is.

use axum::Json;
use axum::extract::Path;
use serde::{Deserialize, Serialize};
use spoor_storage::{DeletionId, DeletionKind, DeletionReport, Result, Table};
use utoipa::ToSchema;

use super::schema;
use crate::api::{ApiError, ApiState, Parameters, optional};
use crate::openapi::words::{Instant, TableName};
use crate::openapi::{NotFound, ReadErrors};
use crate::parameters::{format_time, limit};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// What was asked for, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deletion)]
pub(super) struct ReportJson {
    id: String,
    #[schema(value_type = schema::DeletionKind)]
    kind: DeletionKind,
    #[schema(value_type = schema::DeletionState)]
    state: &'static str,
    #[schema(value_type = TableName)]
    table: Table,
    /// In the search language, or the rule.
    query: String,
    #[schema(value_type = Option<Instant>, required)]
    start: Option<String>,
    #[schema(value_type = Option<Instant>, required)]
    end: Option<String>,
    /// Those that were redacted.
    fields: Vec<String>,
    #[schema(required)]
    asked_by: Option<String>,
    #[schema(value_type = Instant)]
    asked_time: String,
    rows: u64,
    /// Rows that match and stay, because their trace is pinned.
    pinned_rows: u64,
    files: u64,
    /// What is still on disk.
    rows_left: u64,
    files_left: u64,
    bytes_left: u64,
    /// By when the bytes are removed.
    #[schema(value_type = Instant)]
    deadline: String,
    #[schema(value_type = Option<Instant>, required)]
    done_time: Option<String>,
}

/// Reports, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deletions {
    deletions: Vec<ReportJson>,
}

pub(super) fn report_json(report: &DeletionReport) -> ReportJson {
    let deletion = &report.deletion;
    ReportJson {
        id: deletion.id.to_string(),
        kind: deletion.kind,
        state: deletion.state.word(),
        table: deletion.table,
        query: deletion.query.clone(),
        start: deletion.start_ns.map(format_time),
        end: deletion.end_ns.map(format_time),
        fields: deletion.fields.clone(),
        asked_by: deletion.asked_by.clone(),
        asked_time: format_time(deletion.asked_ns),
        rows: deletion.rows,
        pinned_rows: deletion.pinned_rows,
        files: deletion.files,
        rows_left: report.rows_left,
        files_left: report.files_left,
        bytes_left: report.bytes_left,
        deadline: format_time(deletion.deadline_ns),
        done_time: deletion.done_ns.map(format_time),
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// How many, the newest ones.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    #[serde(default, deserialize_with = "optional")]
    limit: Option<usize>,
}

/// What was deleted and redacted.
///
/// By request and by retention rules, and how far it is.
#[utoipa::path(
    get, path = "/api/v1/deletions", tag = "Deleting", operation_id = "deletions",
    params(ListParameters),
    responses((status = 200, description = "Reports.", body = Deletions, example = schema::reports_example), ReadErrors),
)]
pub(super) async fn list(
    state: ApiState,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<Deletions>, ApiError> {
    let most = limit(parameters.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let reports = state
        .engine
        .storage()
        .deletions(&state.tenant, most)
        .await?;
    Ok(Json(Deletions {
        deletions: reports.iter().map(report_json).collect(),
    }))
}

/// How far a deletion is.
#[utoipa::path(
    get, path = "/api/v1/deletions/{id}", tag = "Deleting", operation_id = "deletion",
    params(("id" = String, Path, description = "`deletion_id` of the answer to the request.", example = "01900000-0000-7000-8000-000000000001")),
    responses((status = 200, description = "Its report.", body = ReportJson, example = schema::report_example), ReadErrors, NotFound),
)]
pub(super) async fn one(
    state: ApiState,
    Path(id): Path<String>,
) -> Result<Json<ReportJson>, ApiError> {
    let id: DeletionId = id.parse()?;
    let report = state.engine.storage().deletion(&state.tenant, id).await?;
    Ok(Json(report_json(&report)))
}

//! `GET /api/v1/deletions` and `GET /api/v1/deletions/{id}`: what was asked for, and how far it is.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spoor_storage::{DeletionId, DeletionKind, DeletionReport, Result, Table};

use crate::api::{ApiError, ApiState, Parameters, optional};
use crate::parameters::{format_time, limit};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// A deletion as answers tell it.
#[derive(Debug, Serialize)]
pub(super) struct ReportJson {
    id: String,
    kind: DeletionKind,
    state: &'static str,
    table: Table,
    query: String,
    start: Option<String>,
    end: Option<String>,
    fields: Vec<String>,
    asked_by: Option<String>,
    asked_time: String,
    rows: u64,
    pinned_rows: u64,
    files: u64,
    rows_left: u64,
    files_left: u64,
    bytes_left: u64,
    deadline: String,
    done_time: Option<String>,
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

#[derive(Debug, Deserialize)]
pub(super) struct ListParameters {
    #[serde(default, deserialize_with = "optional")]
    limit: Option<usize>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<Value>, ApiError> {
    let most = limit(parameters.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let reports = state.engine.storage().deletions(most).await?;
    let reports: Vec<_> = reports.iter().map(report_json).collect();
    Ok(Json(json!({ "deletions": reports })))
}

pub(super) async fn one(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<ReportJson>, ApiError> {
    let id: DeletionId = id.parse()?;
    let report = state.engine.storage().deletion(id).await?;
    Ok(Json(report_json(&report)))
}

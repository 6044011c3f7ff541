//! `POST /api/v1/delete` and `POST /api/v1/redact`.
//!
//! Who deletes says how many rows that is, as a dry run has told: a query that means more than was
//! thought then changes nothing.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use spoor_storage::{DeletionPreview, DeletionRequest, Error, Redaction, Result, Table};
use utoipa::ToSchema;

use super::choose::choose;
use super::reports::{ReportJson, report_json};
use super::{Caller, json_of, schema};
use crate::api::{ApiError, ApiState};
use crate::language;
use crate::openapi::words::{SearchQuery, TableName};
use crate::openapi::{AdminErrors, Conflict};
use crate::parameters::{TimeParameter, time_range};

const DELETE_HINT: &str =
    "send {\"table\": \"logs\", \"query\": \"…\", \"start\": …, \"end\": …, \"dry_run\": true}";
const REDACT_HINT: &str =
    "send {\"table\": \"logs\", \"query\": \"…\", \"fields\": [\"user.email\"], \"dry_run\": true}";
/// What stands in the place of a redacted value.
const REPLACEMENT: &str = "[redacted]";

/// Which records.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteBody {
    #[schema(value_type = TableName)]
    table: Table,
    /// May be empty if `start` and `end` are both given.
    #[serde(default)]
    #[schema(value_type = SearchQuery)]
    query: String,
    #[serde(default, deserialize_with = "time")]
    start: Option<TimeParameter>,
    #[serde(default, deserialize_with = "time")]
    end: Option<TimeParameter>,
    /// Changes nothing and says how many rows match.
    #[serde(default)]
    dry_run: bool,
    /// In the place of `dry_run`: how many rows are meant. 409 and nothing is changed if more match by then.
    confirm: Option<u64>,
    /// Redaction only: an attribute of one scope (`attributes.…`, `resource.…`, `scope.…`, `body.…`), a bare key (every scope,
    /// events and links), `body`, `name`, `status_message` or `event_name`.
    fields: Option<Vec<String>>,
    /// Redaction only: what stands in the place of a value; `[redacted]`, unless said otherwise.
    replacement: Option<String>,
}

/// A time as a text or a number.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeParameter>, D::Error> {
    use serde::de::Error as _;
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => return Err(D::Error::custom(format!("`{other}` is not a time"))),
    };
    let read: Result<TimeParameter> = text.parse();
    // The hint of the answer says what a whole request looks like.
    read.map(Some).map_err(|error| match error.hint() {
        Some(hint) => D::Error::custom(format!("{error}: {hint},")),
        None => D::Error::custom(error),
    })
}

/// What matches, or what was changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deleted)]
pub(super) struct DeleteAnswer {
    dry_run: bool,
    rows: u64,
    /// Rows that match and stay, because their trace is pinned.
    pinned_rows: u64,
    files: u64,
    /// Null for a dry run.
    #[schema(required)]
    deletion_id: Option<String>,
    #[schema(required)]
    deletion: Option<ReportJson>,
    complete: bool,
    incomplete_reasons: Vec<String>,
}

/// Deletes records.
///
/// First with `dry_run`; then with `confirm` and the number of rows that it told. No query sees them from the answer
/// on; their bytes are removed by the deadline of the report. Rows that a retention rule hides are deleted too.
#[utoipa::path(
    post, path = "/api/v1/delete", tag = "Deleting", operation_id = "delete",
    request_body(content = DeleteBody, example = json!({"table": "logs", "query": "service:cart password", "start": "-7d", "end": "now", "dry_run": true})),
    responses((status = 200, description = "What matches, or what was deleted.", body = DeleteAnswer, example = schema::deleted_example), AdminErrors, Conflict),
    security((), ("admin_token" = [])),
)]
pub(super) async fn delete(
    state: ApiState,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<DeleteAnswer>, ApiError> {
    let body: DeleteBody = json_of(body, DELETE_HINT)?;
    if body.fields.is_some() || body.replacement.is_some() {
        let error = Error::invalid("deletions take whole records, not `fields`");
        return Err(error
            .with_hint("POST /api/v1/redact replaces values")
            .into());
    }
    run(&state, caller, body, None).await
}

/// Replaces values in records.
///
/// As deleting. If a field of a structured body is named, the whole body is replaced. Records of pinned traces are
/// redacted as well.
#[utoipa::path(
    post, path = "/api/v1/redact", tag = "Deleting", operation_id = "redact",
    request_body(content = DeleteBody, example = json!({"table": "logs", "query": "has:user.email", "fields": ["user.email", "body"], "replacement": "[redacted]", "dry_run": true})),
    responses((status = 200, description = "What matches, or what was redacted.", body = DeleteAnswer, example = schema::deleted_example), AdminErrors, Conflict),
    security((), ("admin_token" = [])),
)]
pub(super) async fn redact(
    state: ApiState,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<DeleteAnswer>, ApiError> {
    let body: DeleteBody = json_of(body, REDACT_HINT)?;
    let replacement = body.replacement.as_deref().unwrap_or(REPLACEMENT);
    let fields = body.fields.clone().unwrap_or_default();
    let redaction = Redaction::new(body.table, fields, replacement.to_owned())?;
    run(&state, caller, body, Some(redaction)).await
}

async fn run(
    state: &ApiState,
    caller: Caller,
    body: DeleteBody,
    redaction: Option<Redaction>,
) -> Result<Json<DeleteAnswer>, ApiError> {
    let storage = state.engine.storage();
    let query = language::parse(&body.query)?;
    if query.is_everything() && (body.start.is_none() || body.end.is_none()) {
        let error = Error::invalid("this means every record there is");
        return Err(error
            .with_hint("give a `query`, or both `start` and `end`")
            .into());
    }
    language::check(&query, body.table)?;
    let range = time_range(body.start, body.end)?;
    let tenant = state.tenant.clone();
    let snapshot = storage.snapshot_with_undoable();
    let chosen = choose(&state.engine, &snapshot, &tenant, body.table, range, &query).await?;
    drop(snapshot);
    let request = DeletionRequest {
        tenant,
        table: body.table,
        query: body.query,
        start_ns: body.start.map(|time| time.0),
        end_ns: body.end.map(|time| time.0),
        asked_by: caller.0,
        records: chosen.records,
    };
    let mut answer = DeleteAnswer {
        dry_run: body.dry_run,
        rows: 0,
        pinned_rows: 0,
        files: 0,
        deletion_id: None,
        deletion: None,
        complete: chosen.incomplete_reasons.is_empty(),
        incomplete_reasons: chosen.incomplete_reasons,
    };
    if body.dry_run || body.confirm.is_none() {
        let preview = storage
            .preview_deletion(request, redaction.is_some())
            .await?;
        let DeletionPreview {
            rows,
            pinned_rows,
            files,
        } = preview;
        if !body.dry_run {
            let error = Error::invalid(format!("{rows} rows match and nothing was changed"));
            let hint = format!("if that is what you mean, send `\"confirm\": {rows}` with it");
            return Err(error.with_hint(hint).into());
        }
        (answer.rows, answer.pinned_rows, answer.files) = (rows, pinned_rows, files);
        return Ok(Json(answer));
    }
    let at_most = body.confirm.unwrap_or(0);
    let deletion = match redaction {
        None => storage.delete(request, at_most).await?,
        Some(redaction) => storage.redact(request, redaction, at_most).await?,
    };
    answer.rows = deletion.rows;
    answer.pinned_rows = deletion.pinned_rows;
    answer.files = deletion.files;
    answer.deletion_id = Some(deletion.id.to_string());
    answer.deletion = Some(report_json(
        &storage.deletion(&state.tenant, deletion.id).await?,
    ));
    Ok(Json(answer))
}

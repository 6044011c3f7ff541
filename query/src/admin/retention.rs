//! `/api/v1/retention` and `/api/v1/pins`: what is kept, and how long.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spoor_storage::{
    Pin, Result, Retention, RetentionPolicy, RetentionPreview, RetentionRule, RulePreview,
    TenantId, TraceId,
};

use super::reports::{ReportJson, report_json};
use super::{Caller, json_of};
use crate::api::{ApiError, ApiState};
use crate::parameters::{format_time, now_ns};
use crate::trace::trace_id_of;

const POLICY_HINT: &str =
    "send {\"rules\": [{\"table\": \"logs\", \"severity_below\": \"warn\", \"keep\": \"7d\"}]}";
const PIN_HINT: &str = "send {\"note\": \"why it is to stay\"}";
/// A note is for people.
const MAX_NOTE_BYTES: usize = 1000;

/// The policy in force and what it hides.
#[derive(Debug, Serialize)]
pub(super) struct RetentionJson {
    #[serde(flatten)]
    policy: RetentionPolicy,
    version: u64,
    set_in: Option<String>,
    changed_time: Option<String>,
    changed_by: Option<String>,
    total_bytes: u64,
    hidden: Vec<HiddenJson>,
}

#[derive(Debug, Serialize)]
struct HiddenJson {
    #[serde(flatten)]
    report: ReportJson,
    purge_time: String,
}

/// A policy, as it is put in force.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyBody {
    rules: Vec<RetentionRule>,
    max_total_bytes: Option<u64>,
    dry_run: bool,
}

fn retention_json(retention: &Retention) -> RetentionJson {
    let record = &retention.record;
    RetentionJson {
        policy: record.policy.clone(),
        version: record.version,
        set_in: retention.set_in.clone(),
        changed_time: record.changed_ns.map(format_time),
        changed_by: record.changed_by.clone(),
        total_bytes: retention.total_bytes,
        hidden: retention
            .hidden
            .iter()
            .map(|hidden| HiddenJson {
                report: report_json(&hidden.report),
                purge_time: format_time(hidden.purge_ns),
            })
            .collect(),
    }
}

pub(super) async fn policy(State(state): State<ApiState>) -> Json<RetentionJson> {
    Json(retention_json(&state.engine.storage().retention()))
}

pub(super) async fn set_policy(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let body: PolicyBody = json_of(body, POLICY_HINT)?;
    let policy = RetentionPolicy {
        rules: body.rules,
        max_total_bytes: body.max_total_bytes,
    };
    let storage = state.engine.storage();
    if body.dry_run {
        let preview = storage.preview_retention(policy.clone()).await?;
        return Ok(Json(preview_json(&policy, &preview)).into_response());
    }
    let retention = storage.set_retention(policy, caller.0).await?;
    Ok(Json(retention_json(&retention)).into_response())
}

/// What each rule would do, and all of them together.
fn preview_json(policy: &RetentionPolicy, preview: &RetentionPreview) -> Value {
    let of = |what: Value, would: &RulePreview| json!({"rule": what, "rows": would.rows, "bytes": would.bytes, "files": would.files});
    let named = policy.rules.iter().map(|rule| json!(rule));
    let by_size = policy
        .max_total_bytes
        .map(|most| json!({"max_total_bytes": most}));
    let rules: Vec<_> = named
        .chain(by_size)
        .zip(&preview.rules)
        .map(|(what, would)| of(what, would))
        .collect();
    json!({
        "dry_run": true,
        "rules": rules,
        "rows": preview.rules.iter().map(|rule| rule.rows).sum::<u64>(),
        "bytes": preview.rules.iter().map(|rule| rule.bytes).sum::<u64>(),
        "restored_rows": preview.restored_rows,
        "complete": preview.incomplete_reasons.is_empty(),
        "incomplete_reasons": preview.incomplete_reasons,
    })
}

fn pin_json(trace: TraceId, pin: &Pin) -> Value {
    json!({
        "trace_id": trace.to_string(),
        "pinned_time": format_time(pin.pinned_ns),
        "pinned_by": pin.pinned_by,
        "note": pin.note,
    })
}

pub(super) async fn pins(State(state): State<ApiState>) -> Json<Value> {
    let pins = state.engine.storage().pins(&TenantId::default());
    let pins: Vec<_> = pins
        .iter()
        .map(|(trace, pin)| pin_json(*trace, pin))
        .collect();
    Json(json!({ "pins": pins }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinBody {
    #[serde(default)]
    note: String,
}

pub(super) async fn pin(
    State(state): State<ApiState>,
    Path(trace_id): Path<String>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let trace = trace_id_of(&trace_id)?;
    let mut body: PinBody = json_of(body, PIN_HINT)?;
    if body.note.len() > MAX_NOTE_BYTES {
        body.note = body.note.chars().take(MAX_NOTE_BYTES / 4).collect();
    }
    let pin = Pin {
        pinned_ns: now_ns(),
        pinned_by: caller.0,
        note: body.note,
    };
    let answer = pin_json(trace, &pin);
    let storage = state.engine.storage();
    storage.pin(&TenantId::default(), trace, pin).await?;
    Ok(Json(answer))
}

pub(super) async fn unpin(
    State(state): State<ApiState>,
    Path(trace_id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let trace = trace_id_of(&trace_id)?;
    let storage = state.engine.storage();
    storage.unpin(&TenantId::default(), trace).await?;
    Ok(Json(json!({ "trace_id": trace.to_string() })))
}

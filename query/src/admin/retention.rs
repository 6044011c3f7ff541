//! `/api/v1/retention` and `/api/v1/pins`: what is kept, and how long.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spoor_storage::{
    Pin, Result, Retention, RetentionPolicy, RetentionPreview, RetentionRule, RulePreview,
    TenantId, TraceId,
};
use utoipa::ToSchema;

use super::reports::{ReportJson, report_json};
use super::{Caller, json_of, schema};
use crate::api::{ApiError, ApiState};
use crate::openapi::words::{Instant, TraceIdText};
use crate::openapi::{AdminErrors, Conflict, NotFound, ReadErrors};
use crate::parameters::{format_time, now_ns};
use crate::trace::trace_id_of;

const POLICY_HINT: &str =
    "send {\"rules\": [{\"table\": \"logs\", \"severity_below\": \"warn\", \"keep\": \"7d\"}]}";
const PIN_HINT: &str = "send {\"note\": \"why it is to stay\"}";
/// A note is for people.
const MAX_NOTE_BYTES: usize = 1000;

/// The policy in force and what it hides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Retention)]
pub(super) struct RetentionJson {
    #[serde(flatten)]
    #[schema(value_type = schema::RetentionPolicy)]
    policy: RetentionPolicy,
    /// How often it was changed.
    version: u64,
    /// The settings file, if the rules are written there; then they cannot be changed here.
    #[schema(required)]
    set_in: Option<String>,
    #[schema(value_type = Option<Instant>, required)]
    changed_time: Option<String>,
    #[schema(required)]
    changed_by: Option<String>,
    /// Rules that an earlier version took and that mean nothing to this one.
    problems: Vec<ProblemJson>,
    /// Of all files of all tenants: the policy is one for all.
    total_bytes: u64,
    /// What can come back of the tenant's rows if the rules are changed.
    hidden: Vec<HiddenJson>,
}

/// A rule by which nothing expires, because it means nothing. Rows that it may be about are kept as long as it says, and
/// as long as the rule after it says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionProblem)]
struct ProblemJson {
    /// Which one, from 1.
    rule: usize,
    /// What is wrong with it.
    message: String,
    /// What to do about it.
    #[schema(required)]
    hint: Option<String>,
}

/// Rows that a rule hides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HiddenRows)]
struct HiddenJson {
    #[serde(flatten)]
    report: ReportJson,
    /// Until then they can come back.
    #[schema(value_type = Instant)]
    purge_time: String,
}

/// A policy, as it is put in force.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PolicyBody {
    #[schema(value_type = Vec<schema::RetentionRule>)]
    rules: Vec<RetentionRule>,
    /// Over this many bytes of files, the oldest hours expire, whatever the rules say.
    max_total_bytes: Option<u64>,
    /// Changes nothing and says what the policy would let expire now.
    dry_run: bool,
}

pub(super) fn retention_json(retention: &Retention, tenant: &TenantId) -> RetentionJson {
    let record = &retention.record;
    RetentionJson {
        policy: record.policy.clone(),
        version: record.version,
        set_in: retention.set_in.clone(),
        changed_time: record.changed_ns.map(format_time),
        changed_by: record.changed_by.clone(),
        problems: retention
            .problems
            .iter()
            .map(|problem| ProblemJson {
                rule: problem.rule,
                message: problem.message.clone(),
                hint: problem.hint.clone(),
            })
            .collect(),
        total_bytes: retention.total_bytes,
        hidden: retention
            .hidden
            .iter()
            .filter(|hidden| hidden.report.deletion.tenant == *tenant)
            .map(|hidden| HiddenJson {
                report: report_json(&hidden.report),
                purge_time: format_time(hidden.purge_ns),
            })
            .collect(),
    }
}

/// What is kept, and how long.
#[utoipa::path(
    get, path = "/api/v1/retention", tag = "Retention", operation_id = "retention",
    responses((status = 200, description = "The policy in force and what it hides.", body = RetentionJson, example = schema::retention_example), ReadErrors),
)]
pub(super) async fn policy(state: ApiState) -> Json<RetentionJson> {
    Json(retention_json(
        &state.engine.storage().retention(),
        &state.tenant,
    ))
}

/// Changes what is kept, and how long.
///
/// With `dry_run` nothing is changed. 409 if the rules are written in the settings file.
#[utoipa::path(
    put, path = "/api/v1/retention", tag = "Retention", operation_id = "set_retention",
    request_body(content = PolicyBody, example = json!({"rules": [{"table": "spans", "keep": "30d"}], "max_total_bytes": null, "dry_run": true})),
    responses(
        (status = 200, description = "The policy in force; with `dry_run` what it would do.", body = schema::PolicyAnswer, examples(
            ("in force" = (summary = "Put in force", value = json!(schema::retention_example()))),
            ("dry run" = (summary = "With dry_run", value = json!(schema::preview_example()))),
        )),
        AdminErrors, Conflict,
    ),
    security((), ("admin_token" = [])),
)]
pub(super) async fn set_policy(
    state: ApiState,
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
    Ok(Json(retention_json(&retention, &state.tenant)).into_response())
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

/// Traces that are kept whatever the rules say.
#[utoipa::path(
    get, path = "/api/v1/pins", tag = "Retention", operation_id = "pins",
    responses((status = 200, description = "Pinned traces.", body = schema::Pins, example = schema::pins_example), ReadErrors),
)]
pub(super) async fn pins(state: ApiState) -> Json<Value> {
    let pins = state.engine.storage().pins(&state.tenant);
    let pins: Vec<_> = pins
        .iter()
        .map(|(trace, pin)| pin_json(*trace, pin))
        .collect();
    Json(json!({ "pins": pins }))
}

/// Why a trace is kept.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PinBody {
    /// For people; cut if it is over 1,000 bytes.
    #[serde(default)]
    note: String,
}

/// Keeps a trace, also one that is still to come.
#[utoipa::path(
    post, path = "/api/v1/pins/{trace_id}", tag = "Retention", operation_id = "pin",
    params(("trace_id" = TraceIdText, Path, description = "In either case.")),
    request_body(content = PinBody, example = json!({"note": "why it is to stay"})),
    responses((status = 200, description = "It is pinned.", body = schema::PinJson, example = schema::pin_example), AdminErrors),
    security((), ("admin_token" = [])),
)]
pub(super) async fn pin(
    state: ApiState,
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
    storage.pin(&state.tenant, trace, pin).await?;
    Ok(Json(answer))
}

/// Keeps a trace no longer.
#[utoipa::path(
    delete, path = "/api/v1/pins/{trace_id}", tag = "Retention", operation_id = "unpin",
    params(("trace_id" = TraceIdText, Path, description = "In either case.")),
    responses((status = 200, description = "It is not pinned any more.", body = schema::Unpinned, example = json!({"trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e"})), AdminErrors, NotFound),
    security((), ("admin_token" = [])),
)]
pub(super) async fn unpin(
    state: ApiState,
    Path(trace_id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let trace = trace_id_of(&trace_id)?;
    let storage = state.engine.storage();
    storage.unpin(&state.tenant, trace).await?;
    Ok(Json(json!({ "trace_id": trace.to_string() })))
}

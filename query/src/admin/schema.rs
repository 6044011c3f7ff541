//! What requests and answers about retention look like where storage's types are in them.
#![expect(
    dead_code,
    reason = "documentation: storage's types are written in their place"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::openapi::words::{Instant, Level, SearchQuery, StatusCode, TableName, TraceIdText};

/// How rows come to be deleted.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum DeletionKind {
    Delete,
    Redact,
    /// By a rule; `query` is the rule.
    Retention,
}

/// How far a deletion is: `hidden` (no query sees the rows, their bytes are there), `purging` (bytes are being removed), `done` or
/// `undone`.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum DeletionState {
    Hidden,
    Purging,
    Done,
    Undone,
}

/// Rows of one table that meet every condition given, and how long they are kept. The first rule that a row meets decides; without one it
/// stays.
#[derive(ToSchema)]
pub(super) struct RetentionRule {
    table: TableName,
    #[schema(nullable = false)]
    service: Option<String>,
    /// Logs: of a level below this one.
    #[schema(nullable = false)]
    severity_below: Option<Level>,
    /// Logs: of this level or one above.
    #[schema(nullable = false)]
    severity_at_least: Option<Level>,
    /// Spans: with this status.
    #[schema(nullable = false)]
    status: Option<StatusCode>,
    /// With these values, compared as text, in any scope.
    #[schema(nullable = false)]
    attributes: Option<BTreeMap<String, String>>,
    #[schema(nullable = false)]
    query: Option<SearchQuery>,
    /// A number with `s m h d w`, or `forever`.
    #[schema(examples("30d", "forever"))]
    keep: String,
}

/// What is kept, and how long.
#[derive(ToSchema)]
pub(super) struct RetentionPolicy {
    rules: Vec<RetentionRule>,
    /// Over this many bytes of files, the oldest hours expire, whatever the rules say.
    #[schema(required)]
    max_total_bytes: Option<u64>,
}

/// What rules would do to what is visible.
#[derive(ToSchema)]
pub(super) struct RetentionPreview {
    dry_run: bool,
    /// In their order, last `max_total_bytes`.
    rules: Vec<RulePreview>,
    rows: u64,
    bytes: u64,
    /// Hidden rows that would come back.
    restored_rows: u64,
    complete: bool,
    incomplete_reasons: Vec<String>,
}

/// What one rule would let expire now.
#[derive(ToSchema)]
struct RulePreview {
    rule: RuleOrSize,
    rows: u64,
    bytes: u64,
    files: u64,
}

/// A rule, or the bound on bytes.
#[derive(ToSchema)]
#[serde(untagged)]
enum RuleOrSize {
    Rule(RetentionRule),
    Size(SizeRule),
}

/// The bound on bytes.
#[derive(ToSchema)]
struct SizeRule {
    max_total_bytes: u64,
}

/// What a `PUT` is answered with: the policy in force, or with `dry_run` what it would do.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum PolicyAnswer {
    InForce(super::retention::RetentionJson),
    Preview(RetentionPreview),
}

/// Traces that are kept.
#[derive(ToSchema)]
pub(super) struct Pins {
    /// At most 10,000.
    pins: Vec<PinJson>,
}

/// A trace that is kept.
#[derive(ToSchema)]
#[schema(as = Pin)]
pub(super) struct PinJson {
    trace_id: TraceIdText,
    pinned_time: Instant,
    #[schema(required)]
    pinned_by: Option<String>,
    note: String,
}

/// A trace that is not kept any more.
#[derive(ToSchema)]
pub(super) struct Unpinned {
    trace_id: TraceIdText,
}

pub(super) fn report_example() -> Value {
    json!({
        "id": "01900000-0000-7000-8000-000000000001", "kind": "delete", "state": "hidden", "table": "logs",
        "query": "service:cart password", "start": "2023-01-29T00:00:00.000000000Z", "end": null, "fields": [],
        "asked_by": "admin token 1", "asked_time": "2023-01-30T09:00:00.000000000Z", "rows": 429, "pinned_rows": 1, "files": 12,
        "rows_left": 17, "files_left": 2, "bytes_left": 3041, "deadline": "2023-01-31T09:00:00.000000000Z", "done_time": null,
    })
}

pub(super) fn reports_example() -> Value {
    json!({"deletions": [report_example()]})
}

pub(super) fn deleted_example() -> Value {
    json!({
        "dry_run": true, "rows": 429, "pinned_rows": 1, "files": 12, "deletion_id": null, "deletion": null,
        "complete": true, "incomplete_reasons": [],
    })
}

pub(super) fn retention_example() -> Value {
    json!({
        "rules": [
            {"table": "logs", "severity_below": "info", "attributes": {"http.route": "/healthz"}, "keep": "12h"},
            {"table": "spans", "keep": "30d"},
        ],
        "max_total_bytes": 500_000_000_000_u64, "version": 3, "set_in": null, "changed_time": "2023-01-30T09:00:00.000000000Z",
        "changed_by": "admin token 1", "problems": [], "total_bytes": 123_456_789, "hidden": [],
    })
}

pub(super) fn preview_example() -> Value {
    json!({
        "dry_run": true, "rules": [{"rule": {"table": "spans", "keep": "30d"}, "rows": 1000, "bytes": 70_000, "files": 3}],
        "rows": 1000, "bytes": 70_000, "restored_rows": 0, "complete": true, "incomplete_reasons": [],
    })
}

pub(super) fn pin_example() -> Value {
    json!({
        "trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "pinned_time": "2023-01-30T09:00:00.000000000Z",
        "pinned_by": "admin token 1", "note": "why it is to stay",
    })
}

pub(super) fn pins_example() -> Value {
    json!({"pins": [pin_example()]})
}

//! `GET /api/v1/failures`.

use axum::Json;
use datafusion::prelude::{col, lit};
use serde::Serialize;
use spoor_storage::{Result, Table};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::group::{Group, GroupKey, Groups};
use crate::QueryEngine;
use crate::api::{Answer, ApiError, ApiState, Parameters};
use crate::language::{self, Query};
use crate::openapi::ReadErrors;
use crate::openapi::words::{Instant, SpanIdText, SpanKind, TraceIdText};
use crate::parameters::{
    PeriodBounds, PeriodParameters, Periods, QueryParameter, RangeParameters, format_time,
};
use crate::session::QuerySession;
use crate::traceql::{ALWAYS_READ, Wanted, candidates, load};

/// Of more failing traces the newest are looked at.
const MAX_TRACES: usize = 20_000;
/// Traces read at a time.
const AT_ONCE: usize = 500;
/// Root operations shown of a group.
const MAX_ROOTS: usize = 10;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default().routes(routes!(failures))
}

/// Failing traces grouped by where they break.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failures)]
struct Content {
    /// The most frequent first.
    failures: Vec<GroupJson>,
    group_count: usize,
    /// Null without a baseline.
    #[schema(required)]
    new_count: Option<usize>,
    total: u64,
    /// In the baseline, also of groups that have none since; 0 without one.
    baseline_total: u64,
    #[serde(flatten)]
    periods: PeriodBounds,
}

/// Failures of one origin: service, operation, and exception or status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailureGroup)]
struct GroupJson {
    service_name: String,
    name: String,
    #[schema(value_type = SpanKind)]
    kind: String,
    #[schema(required)]
    exception_type: Option<String>,
    /// Of the exception or status, or else a status code (`error.type`, `http.response.status_code`, …); what varies is masked.
    #[schema(required)]
    message: Option<String>,
    count: u64,
    root_failed_count: u64,
    /// Whether the baseline has none; null without a baseline.
    #[schema(required)]
    new: Option<bool>,
    #[schema(required)]
    baseline_count: Option<u64>,
    #[schema(value_type = Instant)]
    first_seen: String,
    #[schema(value_type = Instant)]
    last_seen: String,
    /// The first ten.
    root_operations: Vec<RootOperation>,
    samples: Vec<SampleJson>,
}

/// How many of the traces begin with one operation.
#[derive(Debug, Serialize, ToSchema)]
struct RootOperation {
    service_name: String,
    name: String,
    count: u64,
}

/// One failure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailureSample)]
struct SampleJson {
    #[schema(value_type = TraceIdText)]
    trace_id: String,
    /// Of the origin.
    #[schema(value_type = SpanIdText)]
    span_id: String,
    /// Services from the topmost failing span down.
    path: Vec<String>,
}

type FailuresAnswer = Answer<Content>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "failures": [{
            "service_name": "db", "name": "lock", "kind": "SERVER", "exception_type": "x.Lock", "message": "row <num> is locked",
            "count": 4, "root_failed_count": 4, "new": false, "baseline_count": 2,
            "first_seen": "2023-01-29T08:00:20.000000000Z", "last_seen": "2023-01-29T08:00:27.000000000Z",
            "root_operations": [{"service_name": "shop", "name": "POST /pay", "count": 4}],
            "samples": [{"trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "span_id": "a3f5e0b1c2d4f607", "path": ["shop", "db"]}],
        }],
        "group_count": 1, "new_count": 0, "total": 4, "baseline_total": 2,
        "baseline_start_unix_nano": "1674979210000000000", "baseline_data_start_unix_nano": "1674979210000000000", "since_unix_nano": "1674979220000000000",
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// Failing traces by where they break.
///
/// Those with a failed span that matches in the range, by service, operation and exception or status of their
/// `error_origin` (see the timeline of a trace). A trace counts once, when its origin starts. The newest 20,000
/// failing traces are looked at. More than 2,000 groups become coarser: without the message, the type, the operation.
#[utoipa::path(
    get, path = "/api/v1/failures", tag = "Failures", operation_id = "failures",
    params(QueryParameter, RangeParameters, PeriodParameters),
    responses((status = 200, description = "Groups.", body = FailuresAnswer, example = example), ReadErrors),
)]
async fn failures(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<PeriodParameters>,
) -> Result<Json<FailuresAnswer>, ApiError> {
    let query = which.of(Table::Spans)?;
    let limit = given.limit()?;
    let periods = given.periods(when.range()?)?;
    let session = state.begin().await?;
    session.note_skipped(Table::Spans, periods.all);
    let (found, baseline_total) = groups(&session, &query, periods).await?;
    let has_baseline = periods.since_ns.is_some();
    let is_new = |(_, group): &&(GroupKey, Group)| group.tally.baseline_count == 0;
    let content = Content {
        group_count: found.len(),
        new_count: has_baseline.then(|| found.iter().filter(is_new).count()),
        total: found.iter().map(|(_, group)| group.tally.count).sum(),
        baseline_total,
        periods: periods.bounds(&session, &[Table::Spans]),
        failures: found
            .into_iter()
            .take(limit)
            .filter_map(|(key, group)| group_json(key, group, has_baseline))
            .collect(),
    };
    Ok(Json(Answer::new(&session, content)))
}

/// Groups of the traces with a failed span that matches in the range, and how many are in the baseline.
async fn groups(
    session: &QuerySession,
    query: &Query,
    periods: Periods,
) -> Result<(Vec<(GroupKey, Group)>, u64)> {
    let failed = col("status_code").eq(lit("ERROR"));
    let matching = language::condition(session, query, Table::Spans, periods.all).await?;
    let wanted = Wanted {
        condition: Some(failed.and(matching)),
        range: periods.all,
        requirements: Vec::new(),
    };
    let mut found = candidates(session, &wanted).await?;
    if found.len() > MAX_TRACES {
        session.note_incomplete(format!(
            "there are more than {MAX_TRACES} failing traces; the oldest are left out"
        ));
        found.truncate(MAX_TRACES);
    }
    let mut columns = ALWAYS_READ.to_vec();
    columns.extend(["status_message", "events", "attributes", "attribute_types"]);
    let mut groups = Groups::new(periods);
    for part in found.chunks(AT_ONCE) {
        let ids: Vec<_> = part.iter().map(|candidate| candidate.id).collect();
        let traces = load(session, &columns, &ids).await?;
        for id in ids {
            if let Some(trace) = traces.get(&id) {
                groups.add(id, trace);
            }
        }
    }
    if groups.are_coarse() {
        session.note_incomplete(
            "there are too many kinds of failures: groups are coarser than they are",
        );
    }
    Ok(groups.finish())
}

fn group_json(key: GroupKey, group: Group, has_baseline: bool) -> Option<GroupJson> {
    let (first, last) = (group.tally.first?, group.tally.last?);
    let mut roots: Vec<RootOperation> = group
        .roots
        .into_iter()
        .map(|((service_name, name), count)| RootOperation {
            service_name,
            name,
            count,
        })
        .collect();
    // Stable: equally frequent ones stay in the order of their names.
    roots.sort_by_key(|root| std::cmp::Reverse(root.count));
    roots.truncate(MAX_ROOTS);
    Some(GroupJson {
        service_name: key.service_name,
        name: key.name,
        kind: key.kind,
        exception_type: key.exception_type,
        message: key.message,
        count: group.tally.count,
        root_failed_count: group.root_failed_count,
        new: has_baseline.then_some(group.tally.baseline_count == 0),
        baseline_count: has_baseline.then_some(group.tally.baseline_count),
        first_seen: format_time(first.time_ns),
        last_seen: format_time(last.time_ns),
        root_operations: roots,
        samples: group
            .samples
            .into_iter()
            .map(|sample| SampleJson {
                trace_id: sample.trace_id.to_string(),
                span_id: hex::encode(sample.span_id),
                path: sample.path,
            })
            .collect(),
    })
}

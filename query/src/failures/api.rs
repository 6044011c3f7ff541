//! `GET /api/v1/failures`.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use datafusion::prelude::{col, lit};
use serde::Serialize;
use spoor_storage::{Result, Table};

use super::group::{Group, GroupKey, Groups};
use crate::api::{Answer, ApiError, ApiState, Parameters};
use crate::language::{self, Query};
use crate::parameters::{PeriodBounds, PeriodParameters, Periods, format_time};
use crate::session::QuerySession;
use crate::traceql::{ALWAYS_READ, Wanted, candidates, load};

/// Of more failing traces the newest are looked at.
const MAX_TRACES: usize = 20_000;
/// Traces read at a time.
const AT_ONCE: usize = 500;
/// Root operations shown of a group.
const MAX_ROOTS: usize = 10;

/// The routes of this module.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new().route("/api/v1/failures", get(failures))
}

#[derive(Debug, Serialize)]
struct Content {
    failures: Vec<GroupJson>,
    group_count: usize,
    new_count: Option<usize>,
    total: u64,
    #[serde(flatten)]
    periods: PeriodBounds,
}

#[derive(Debug, Serialize)]
struct GroupJson {
    service_name: String,
    name: String,
    kind: String,
    exception_type: Option<String>,
    message: Option<String>,
    count: u64,
    root_failed_count: u64,
    new: Option<bool>,
    baseline_count: Option<u64>,
    first_seen: String,
    last_seen: String,
    root_operations: Vec<RootOperation>,
    samples: Vec<SampleJson>,
}

#[derive(Debug, Serialize)]
struct RootOperation {
    service_name: String,
    name: String,
    count: u64,
}

#[derive(Debug, Serialize)]
struct SampleJson {
    trace_id: String,
    span_id: String,
    path: Vec<String>,
}

async fn failures(
    State(state): State<ApiState>,
    Parameters(given): Parameters<PeriodParameters>,
) -> Result<Json<Answer<Content>>, ApiError> {
    let query = language::parse(&given.query)?;
    language::check(&query, Table::Spans)?;
    let limit = given.limit()?;
    let periods = given.periods()?;
    let session = state.begin().await?;
    session.note_skipped(Table::Spans, periods.all);
    let found = groups(&session, &query, periods).await?;
    let has_baseline = periods.since_ns.is_some();
    let is_new = |(_, group): &&(GroupKey, Group)| group.tally.baseline_count == 0;
    let content = Content {
        group_count: found.len(),
        new_count: has_baseline.then(|| found.iter().filter(is_new).count()),
        total: found.iter().map(|(_, group)| group.tally.count).sum(),
        periods: periods.bounds(),
        failures: found
            .into_iter()
            .take(limit)
            .filter_map(|(key, group)| group_json(key, group, has_baseline))
            .collect(),
    };
    Ok(Json(Answer::new(&session, content)))
}

/// Groups of the traces with a failed span that matches in the range.
async fn groups(
    session: &QuerySession,
    query: &Query,
    periods: Periods,
) -> Result<Vec<(GroupKey, Group)>> {
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
    if groups.without_group > 0 {
        session.note_incomplete(format!(
            "there are too many kinds of failures; {} are not counted",
            groups.without_group
        ));
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

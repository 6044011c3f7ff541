//! `GET /api/v1/exceptions`.

use axum::Json;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use serde::Serialize;
use spoor_storage::{Result, Table, TimeRange};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::counted::ExceptionCount;
use super::group::{Found, Group, GroupKey, Groups};
use super::rows::{each_exception, exprs};
use super::{MESSAGE, TYPE};
use crate::QueryEngine;
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters};
use crate::by_file::{ByFile, Matching};
use crate::failure::from_datafusion;
use crate::language::{self, Query};
use crate::openapi::ReadErrors;
use crate::openapi::words::{Instant, RecordIdText, SpanIdText, TraceIdText, UnixNano};
use crate::parameters::{
    PeriodBounds, PeriodBuckets, PeriodParameters, Periods, QueryParameter, RangeParameters,
    format_time,
};
use crate::patterns::{ServiceCount, Services};
use crate::session::QuerySession;

/// Frames, services and operations shown of a group.
const MAX_FRAMES: usize = 8;
const MAX_NAMES: usize = 10;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default().routes(routes!(exceptions))
}

/// Exceptions grouped by type and stack.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exceptions)]
struct Content {
    /// The most frequent first.
    exceptions: Vec<GroupJson>,
    group_count: usize,
    /// Null without a baseline.
    #[schema(required)]
    new_count: Option<usize>,
    total: u64,
    /// In the baseline, also of groups that have none since; 0 without one.
    baseline_total: u64,
    /// Where the first bucket begins.
    #[schema(value_type = UnixNano)]
    start_unix_nano: String,
    /// How long a bucket is, in nanoseconds; 0 if there are none.
    bucket_ns: i64,
    #[serde(flatten)]
    periods: PeriodBounds,
}

/// Exceptions of one type and stack.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExceptionGroup)]
struct GroupJson {
    #[serde(rename = "type")]
    #[schema(required)]
    kind: Option<String>,
    /// As a template, where what varies is masked.
    #[schema(required)]
    message: Option<String>,
    /// The innermost 8, without line numbers and with generated names masked.
    frames: Vec<String>,
    frame_count: usize,
    count: u64,
    span_count: u64,
    log_count: u64,
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
    services: Vec<ServiceCount>,
    /// The first ten.
    operations: Vec<OperationCount>,
    /// By time, in buckets.
    counts: Vec<u64>,
    #[schema(value_type = Option<TraceIdText>, required)]
    sample_trace_id: Option<String>,
    #[schema(value_type = Option<SpanIdText>, required)]
    sample_span_id: Option<String>,
    #[schema(value_type = Option<RecordIdText>, required)]
    sample_log_id: Option<String>,
}

/// How many are of one operation.
#[derive(Debug, Serialize, ToSchema)]
struct OperationCount {
    service_name: String,
    name: String,
    count: u64,
}

type ExceptionsAnswer = Answer<Content>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "exceptions": [{
            "type": "x.Refused", "message": "order <num> refused", "frames": ["shop.Bank.pay", "shop.Cart.run"], "frame_count": 2,
            "count": 7, "span_count": 7, "log_count": 0, "new": false, "baseline_count": 6,
            "first_seen": "2023-01-29T08:00:20.000000000Z", "last_seen": "2023-01-29T08:00:27.000000000Z",
            "services": [{"service_name": "pay", "count": 7}],
            "operations": [{"service_name": "pay", "name": "POST /pay", "count": 7}], "counts": [3, 4],
            "sample_trace_id": "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e", "sample_span_id": "a3f5e0b1c2d4f607", "sample_log_id": null,
        }],
        "group_count": 1, "new_count": 0, "total": 7, "baseline_total": 6, "start_unix_nano": "1674979220000000000", "bucket_ns": 5_000_000_000_i64,
        "baseline_start_unix_nano": "1674979210000000000", "baseline_data_start_unix_nano": "1674979210000000000", "since_unix_nano": "1674979220000000000",
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// Exceptions by type and stack.
///
/// Those of spans (events named `exception`) and of logs (attributes `exception.*`) that match. Stacks of Java, .NET,
/// JavaScript, Python, Go, Ruby, PHP and Rust are read; without a stack the message decides, as a template. An
/// exception of a span counts when the span starts. Where there are more than 5,000 groups, all become coarser (by the
/// top frame, then by the type), with `"complete": false`.
#[utoipa::path(
    get, path = "/api/v1/exceptions", tag = "Failures", operation_id = "exceptions",
    params(QueryParameter, RangeParameters, PeriodParameters, PeriodBuckets),
    responses((status = 200, description = "Groups.", body = ExceptionsAnswer, example = example), ReadErrors),
)]
async fn exceptions(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<PeriodParameters>,
    Parameters(over_time): Parameters<PeriodBuckets>,
) -> Result<Json<ExceptionsAnswer>, ApiError> {
    let query = language::parse(&which.query)?;
    // Errors of the query come before any work.
    for table in Table::ALL {
        language::check(&query, table)?;
    }
    let (limit, most) = (given.limit()?, over_time.buckets()?);
    let periods = given.periods(when.range()?)?;
    let session = state.begin().await?;
    let work = Work::new(&session, &query, periods).await?;
    let buckets = work.buckets(most).await?;
    let groups = match work.count(buckets).await? {
        Some(groups) => groups,
        None => work.read(buckets).await?,
    };
    if groups.are_coarse() {
        session.note_incomplete(
            "there are too many kinds of exceptions: groups are coarser than they are",
        );
    }
    let Found {
        groups: found,
        services,
        baseline_total,
    } = groups.finish();
    if services.are_too_many() {
        session.note_incomplete("there are too many services; the rest is counted as `(other)`");
    }
    let has_baseline = periods.since_ns.is_some();
    let is_new = |(_, group): &&(GroupKey, Group)| group.tally.baseline_count == 0;
    let content = Content {
        group_count: found.len(),
        new_count: has_baseline.then(|| found.iter().filter(is_new).count()),
        total: found.iter().map(|(_, group)| group.tally.count).sum(),
        baseline_total,
        start_unix_nano: buckets.map_or(0, |buckets| buckets.start_ns).to_string(),
        bucket_ns: buckets.map_or(0, |buckets| buckets.width_ns),
        periods: periods.bounds(&session, &Table::ALL),
        exceptions: found
            .into_iter()
            .take(limit)
            .filter_map(|(key, group)| group_json(key, group, &services, has_baseline))
            .collect(),
    };
    Ok(Json(Answer::new(&session, content)))
}

struct Work<'a> {
    session: &'a QuerySession,
    periods: Periods,
    /// Spans and logs that match; of logs, those that say something of an exception.
    matching: [Matching<'a>; 2],
}

impl<'a> Work<'a> {
    async fn new(session: &'a QuerySession, query: &Query, periods: Periods) -> Result<Self> {
        let matching = |table| Matching::of(session, query, table, periods.all);
        let with_exception = language::parse(&format!("has:{TYPE} OR has:{MESSAGE}"))?;
        let with_exception = language::to_expr(&with_exception, Table::Logs)?;
        let mut logs = matching(Table::Logs).await?;
        logs.filter = logs.filter.and(with_exception);
        Ok(Self {
            session,
            periods,
            matching: [matching(Table::Spans).await?, logs],
        })
    }

    /// The rows of each table in a range.
    fn rows(&self, range: TimeRange, buckets: Option<Buckets>) -> impl Iterator<Item = ByFile<'_>> {
        let both = self.matching.iter();
        both.map(move |matching| matching.rows(range, buckets))
    }

    /// Over the range, or over the spans and logs that match where it is open.
    async fn buckets(&self, most: usize) -> Result<Option<Buckets>> {
        let mut both: Option<Buckets> = None;
        for matching in &self.matching {
            let found = matching.buckets(self.periods.current(), most).await?;
            both = match (both, found) {
                (Some(one), Some(other)) => {
                    let range = TimeRange {
                        start_ns: one.start_ns.min(other.start_ns),
                        end_ns: one.end_ns().max(other.end_ns()),
                    };
                    Some(Buckets::over(range, most)?)
                }
                (one, other) => one.or(other),
            };
        }
        Ok(both)
    }

    fn reservation(&self) -> MemoryReservation {
        let pool = &self.session.context().runtime_env().memory_pool;
        MemoryConsumer::new("exceptions").register(pool)
    }

    /// The groups, from what is known of files; `None` if that is too much.
    async fn count(&self, buckets: Option<Buckets>) -> Result<Option<Groups>> {
        let mut groups = Groups::new(self.periods, buckets);
        let reservation = self.reservation();
        for part in self.periods.parts(buckets) {
            for rows in self.rows(part.range, part.counted_in) {
                let count = ExceptionCount {
                    table: rows.table,
                    buckets: part.counted_in,
                };
                let Some(cells) = rows.cells(&count).await? else {
                    return Ok(None);
                };
                for (key, counted) in cells.into_values() {
                    if let Some(key) = GroupKey::of_text(&key) {
                        groups.add_counted(key, counted, part.shown_in);
                    }
                }
                reservation
                    .try_resize(groups.bytes())
                    .map_err(from_datafusion)?;
            }
        }
        Ok(Some(groups))
    }

    /// The groups, from every row that matches.
    async fn read(&self, buckets: Option<Buckets>) -> Result<Groups> {
        let mut groups = Groups::new(self.periods, buckets);
        let reservation = self.reservation();
        for rows in self.rows(self.periods.all, None) {
            let frame = rows.all_rows()?.select(exprs(rows.table));
            let mut stream = self.session.stream(frame.map_err(from_datafusion)?).await?;
            while let Some(batch) = self.session.next(&mut stream).await? {
                each_exception(rows.table, &batch, |_, exception, origin| {
                    groups.add(exception, origin);
                })?;
                reservation
                    .try_resize(groups.bytes())
                    .map_err(from_datafusion)?;
            }
        }
        Ok(groups)
    }
}

fn group_json(
    key: GroupKey,
    group: Group,
    services: &Services,
    has_baseline: bool,
) -> Option<GroupJson> {
    let (first, last) = (group.tally.first?, group.tally.last?);
    let message = group.message().map(str::to_owned);
    let mut operations: Vec<OperationCount> = group
        .operations
        .into_iter()
        .map(|((service_name, name), count)| OperationCount {
            service_name,
            name,
            count,
        })
        .collect();
    // Stable: equally frequent ones stay in the order of their names.
    operations.sort_by_key(|operation| std::cmp::Reverse(operation.count));
    operations.truncate(MAX_NAMES);
    let (frame_count, mut frames) = (key.frames.len(), key.frames);
    frames.truncate(MAX_FRAMES);
    Some(GroupJson {
        kind: key.kind,
        message,
        frames,
        frame_count,
        count: group.tally.count,
        span_count: group.span_count,
        log_count: group.log_count,
        new: has_baseline.then_some(group.tally.baseline_count == 0),
        baseline_count: has_baseline.then_some(group.tally.baseline_count),
        first_seen: format_time(first.time_ns),
        last_seen: format_time(last.time_ns),
        services: services.top(&group.tally, MAX_NAMES).0,
        operations,
        counts: group.tally.counts,
        sample_trace_id: group.span.map(|(_, trace, _)| hex::encode(trace)),
        sample_span_id: group.span.map(|(_, _, span)| hex::encode(span)),
        sample_log_id: group.log.map(|place| place.record_id.to_string()),
    })
}

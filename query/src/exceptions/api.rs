//! `GET /api/v1/exceptions`.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::prelude::col;
use serde::Serialize;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Result, Table, TimeRange};

use super::group::{Group, GroupKey, Groups, Origin, Source};
use super::{EVENT, Exception, MESSAGE, STACK, TYPE};
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters};
use crate::failure::from_datafusion;
use crate::language::{self, Query, field_text};
use crate::listing::{RowPlace, in_range};
use crate::otlp::{SpanColumns, integers, nanoseconds, optional_text, strings};
use crate::parameters::{PeriodBounds, PeriodParameters, Periods, format_time};
use crate::patterns::{ServiceCount, Services};
use crate::session::QuerySession;

/// Frames, services and operations shown of a group.
const MAX_FRAMES: usize = 8;
const MAX_NAMES: usize = 10;

/// The routes of this module.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new().route("/api/v1/exceptions", get(exceptions))
}

#[derive(Debug, Serialize)]
struct Content {
    exceptions: Vec<GroupJson>,
    group_count: usize,
    new_count: Option<usize>,
    total: u64,
    start_unix_nano: String,
    bucket_ns: i64,
    #[serde(flatten)]
    periods: PeriodBounds,
}

#[derive(Debug, Serialize)]
struct GroupJson {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
    frames: Vec<String>,
    frame_count: usize,
    count: u64,
    span_count: u64,
    log_count: u64,
    new: Option<bool>,
    baseline_count: Option<u64>,
    first_seen: String,
    last_seen: String,
    services: Vec<ServiceCount>,
    operations: Vec<OperationCount>,
    counts: Vec<u64>,
    sample_trace_id: Option<String>,
    sample_span_id: Option<String>,
    sample_log_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct OperationCount {
    service_name: String,
    name: String,
    count: u64,
}

async fn exceptions(
    State(state): State<ApiState>,
    Parameters(given): Parameters<PeriodParameters>,
) -> Result<Json<Answer<Content>>, ApiError> {
    let query = language::parse(&given.query)?;
    // Errors of the query come before any work.
    for table in Table::ALL {
        language::check(&query, table)?;
    }
    let (limit, most) = (given.limit()?, given.buckets()?);
    let periods = given.periods()?;
    let session = state.begin().await?;
    let work = Work {
        session: &session,
        query,
        periods,
    };
    let buckets = work.buckets(most).await?;
    let mut groups = Groups::new(periods, buckets);
    work.add_spans(&mut groups).await?;
    work.add_logs(&mut groups).await?;
    if groups.without_group > 0 {
        session.note_incomplete(format!(
            "there are too many kinds of exceptions; {} are not counted",
            groups.without_group
        ));
    }
    let found = groups.finish();
    let has_baseline = periods.since_ns.is_some();
    let is_new = |(_, group): &&(GroupKey, Group)| group.tally.baseline_count == 0;
    let content = Content {
        group_count: found.len(),
        new_count: has_baseline.then(|| found.iter().filter(is_new).count()),
        total: found.iter().map(|(_, group)| group.tally.count).sum(),
        start_unix_nano: buckets.map_or(0, |buckets| buckets.start_ns).to_string(),
        bucket_ns: buckets.map_or(0, |buckets| buckets.width_ns),
        periods: periods.bounds(),
        exceptions: found
            .into_iter()
            .take(limit)
            .filter_map(|(key, group)| group_json(key, group, &groups.services, has_baseline))
            .collect(),
    };
    Ok(Json(Answer::new(&session, content)))
}

struct Work<'a> {
    session: &'a QuerySession,
    query: Query,
    periods: Periods,
}

impl Work<'_> {
    async fn matching(&self, table: Table, range: TimeRange) -> Result<DataFrame> {
        let condition = language::condition(self.session, &self.query, table, range).await?;
        let frame = self.session.table(table).await?;
        self.session.note_skipped(table, range);
        frame
            .filter(in_range(table.time_column(), range).and(condition))
            .map_err(from_datafusion)
    }

    /// Logs that say something of an exception.
    async fn logs(&self, range: TimeRange) -> Result<DataFrame> {
        let with_exception = language::parse(&format!("has:{TYPE} OR has:{MESSAGE}"))?;
        let condition = language::to_expr(&with_exception, Table::Logs)?;
        let frame = self.matching(Table::Logs, range).await?;
        frame.filter(condition).map_err(from_datafusion)
    }

    /// Over the range, or over the spans and logs that match where it is open.
    async fn buckets(&self, most: usize) -> Result<Option<Buckets>> {
        let range = self.periods.current();
        let (session, logs, spans) = (
            self.session,
            self.logs(range),
            self.matching(Table::Spans, range),
        );
        let logs = Buckets::over_matching(session, logs, "time", range, most).await?;
        let spans = Buckets::over_matching(session, spans, "start_time", range, most).await?;
        match (logs, spans) {
            (Some(logs), Some(spans)) => {
                let both = TimeRange {
                    start_ns: logs.start_ns.min(spans.start_ns),
                    end_ns: logs.end_ns().max(spans.end_ns()),
                };
                Buckets::over(both, most).map(Some)
            }
            (one, other) => Ok(one.or(other)),
        }
    }

    async fn add_spans(&self, groups: &mut Groups) -> Result<()> {
        let columns = [
            "trace_id",
            "span_id",
            "service_name",
            "name",
            "start_time",
            "events",
            RECORD_ID,
        ];
        let frame = self.matching(Table::Spans, self.periods.all).await?;
        let frame = frame.select_columns(&columns).map_err(from_datafusion)?;
        let pool = &self.session.context().runtime_env().memory_pool;
        let reservation = MemoryConsumer::new("exceptions").register(pool);
        let mut stream = self.session.stream(frame).await?;
        while let Some(batch) = self.session.next(&mut stream).await? {
            let spans = SpanColumns::open_part(&batch)?;
            for row in 0..spans.len() {
                for event in spans.events(row).filter(|event| event.name == EVENT) {
                    let origin = Origin {
                        place: RowPlace {
                            time_ns: spans.start_ns(row),
                            record_id: spans.record_id(row),
                        },
                        service: spans.service_name(row),
                        source: Source::Span {
                            name: spans.name(row),
                            trace_id: spans.trace_id(row),
                            span_id: spans.span_id(row),
                        },
                    };
                    groups.add(Exception::of(event.attributes), origin);
                }
            }
            reservation
                .try_resize(groups.bytes())
                .map_err(from_datafusion)?;
        }
        Ok(())
    }

    async fn add_logs(&self, groups: &mut Groups) -> Result<()> {
        let mut columns = vec![col("time"), col(RECORD_ID), col("service_name")];
        for field in [TYPE, MESSAGE, STACK] {
            columns.push(field_text(field, Table::Logs).alias(field));
        }
        let frame = self.logs(self.periods.all).await?;
        let frame = frame.select(columns).map_err(from_datafusion)?;
        let mut stream = self.session.stream(frame).await?;
        while let Some(batch) = self.session.next(&mut stream).await? {
            let (times, ids) = (nanoseconds(batch.column(0))?, integers(batch.column(1))?);
            let services = strings(batch.column(2))?;
            let (kinds, messages) = (strings(batch.column(3))?, strings(batch.column(4))?);
            let stacks = strings(batch.column(5))?;
            for row in 0..batch.num_rows() {
                let exception = Exception {
                    kind: optional_text(&kinds, row),
                    message: optional_text(&messages, row),
                    stack: optional_text(&stacks, row),
                };
                let origin = Origin {
                    place: RowPlace {
                        time_ns: times.value(row),
                        record_id: ids.value(row),
                    },
                    service: services.value(row),
                    source: Source::Log,
                };
                groups.add(exception, origin);
            }
        }
        Ok(())
    }
}

fn group_json(
    key: GroupKey,
    group: Group,
    services: &Services,
    has_baseline: bool,
) -> Option<GroupJson> {
    let (first, last) = (group.tally.first?, group.tally.last?);
    let mut operations: Vec<OperationCount> = group
        .operations
        .iter()
        .map(|((service, name), count)| OperationCount {
            service_name: services.name(*service).to_owned(),
            name: name.clone(),
            count: *count,
        })
        .collect();
    operations.sort_by(|a, b| {
        let names =
            |operation: &OperationCount| (operation.service_name.clone(), operation.name.clone());
        b.count.cmp(&a.count).then_with(|| names(a).cmp(&names(b)))
    });
    operations.truncate(MAX_NAMES);
    let message = group.message().map(str::to_owned);
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
        services: services.top(&group.tally, MAX_NAMES),
        operations,
        counts: group.tally.counts,
        sample_trace_id: group.span.map(|(_, trace, _)| hex::encode(trace)),
        sample_span_id: group.span.map(|(_, _, span)| hex::encode(span)),
        sample_log_id: group.log.map(|place| place.record_id.to_string()),
    })
}

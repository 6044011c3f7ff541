//! `/api/metrics/…`: rate, errors and duration by service or operation, as the Monitor tab of Jaeger's UI
//! shows them. They are counted from spans when they are asked for, which are read once; only where there are more
//! operations than an answer has are they counted before.

mod parameters;

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::lit;
use datafusion::prelude::col;
use spoor_storage::{Result, Table};

use self::parameters::MetricsQuery;
use super::answer::{JaegerError, answer};
use super::parameters::Given;
use crate::api::ApiState;
use crate::failure::from_datafusion;
use crate::listing::in_range;
use crate::otlp::{JsonWriter, integers, nanoseconds, strings};
use crate::parameters::now_ns;
use crate::services::{Figure, MovingSeries};
use crate::session::QuerySession;
use crate::trace::{json_response, write_outcome};

/// An answer has at most so many points, of all series together.
const MAX_POINTS: usize = 300_000;

/// By service and operation; where operations are not told apart their name is empty.
type Series = BTreeMap<String, BTreeMap<String, MovingSeries>>;

/// `GET /jaeger/api/metrics/latencies`
pub(super) async fn latencies(
    state: ApiState,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    let given = Given(given);
    let quantile = given.quantile()?;
    family(&state, &given, Figure::Latency { quantile }).await
}

/// `GET /jaeger/api/metrics/calls`
pub(super) async fn calls(
    state: ApiState,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    family(&state, &Given(given), Figure::CallRate).await
}

/// `GET /jaeger/api/metrics/errors`
pub(super) async fn errors(
    state: ApiState,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, JaegerError> {
    family(&state, &Given(given), Figure::ErrorRatio).await
}

/// `GET /jaeger/api/metrics/minstep`: in milliseconds, as all times here.
pub(super) async fn min_step(state: ApiState) -> Result<Response, JaegerError> {
    let session = state.begin().await?;
    Ok(answer(&session.outcome(), &[], |json| {
        json.int(1);
        0
    }))
}

async fn family(state: &ApiState, given: &Given, figure: Figure) -> Result<Response, JaegerError> {
    let query = given.metrics_query(now_ns())?;
    let session = state.begin().await?;
    session.note_skipped(Table::Spans, query.moving.range());
    let work = Work {
        session: &session,
        query: &query,
        figure,
    };
    let series = work.series().await?;
    let mut json = JsonWriter::new();
    json.begin_object();
    write_head(&mut json, &query, figure);
    json.key("metrics");
    json.begin_array();
    for (service, operations) in &series {
        for (operation, series) in operations {
            write_series(&mut json, (service, operation), &work, series);
            // Each is as much work as its windows have durations.
            tokio::task::yield_now().await;
        }
    }
    json.end_array();
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    Ok(json_response(json.finish()))
}

/// What becomes of spans whose series is not there yet.
#[derive(Debug, Clone, Copy)]
enum Others {
    /// It begins; so many may.
    Begin {
        most: usize,
    },
    LeftOut,
}

struct Work<'a> {
    session: &'a QuerySession,
    query: &'a MetricsQuery,
    figure: Figure,
}

impl Work<'_> {
    async fn matching(&self) -> Result<DataFrame> {
        let texts = |texts: &[String]| texts.iter().map(|text| lit(text.as_str())).collect();
        let services = col("service_name").in_list(texts(&self.query.services), false);
        let kinds = col("kind").in_list(texts(&self.query.kinds), false);
        let range = in_range("start_time", self.query.moving.range());
        self.session
            .table(Table::Spans)
            .await?
            .filter(range.and(services).and(kinds))
            .map_err(from_datafusion)
    }

    /// The series that an answer has: if they are too many, those with the most spans.
    async fn series(&self) -> Result<Series> {
        let most = (MAX_POINTS / self.query.moving.count.max(1)).max(1);
        if let Some(series) = self.read(Series::new(), Others::Begin { most }).await? {
            return Ok(series);
        }
        self.session.note_incomplete(format!(
            "there are more than {MAX_POINTS} points: only the {most} most frequent operations are shown"
        ));
        let most_frequent = self.most_frequent(most).await?;
        let series = self.read(most_frequent, Others::LeftOut).await?;
        Ok(series.unwrap_or_default())
    }

    /// Adds every span to its series; `None` if there are too many of them.
    async fn read(&self, mut series: Series, others: Others) -> Result<Option<Series>> {
        let mut columns = vec![
            col("service_name"),
            col("start_time"),
            col("duration_ns"),
            col("status_code"),
        ];
        columns.extend(self.query.by_operation.then(|| col("name")));
        let spans = self.matching().await?;
        let spans = spans.select(columns).map_err(from_datafusion)?;
        let pool = &self.session.context().runtime_env().memory_pool;
        let reservation = MemoryConsumer::new("metrics of services").register(pool);
        let mut begun = 0;
        let mut stream = self.session.stream(spans).await?;
        while let Some(batch) = self.session.next(&mut stream).await? {
            let services = strings(batch.column(0))?;
            let (times, durations) = (nanoseconds(batch.column(1))?, integers(batch.column(2))?);
            let codes = strings(batch.column(3))?;
            let names = batch.columns().get(4).map(strings).transpose()?;
            for row in 0..batch.num_rows() {
                let service = services.value(row);
                let name = names.as_ref().map_or("", |names| names.value(row));
                let known = series.get_mut(service).and_then(|of| of.get_mut(name));
                let one = match (known, others) {
                    (Some(known), _) => known,
                    (None, Others::LeftOut) => continue,
                    (None, Others::Begin { most }) if begun == most => return Ok(None),
                    (None, Others::Begin { .. }) => {
                        begun += 1;
                        let of_service = series.entry(service.to_owned()).or_default();
                        of_service.entry(name.to_owned()).or_default()
                    }
                };
                let failed = codes.value(row) == "ERROR";
                let span = (times.value(row), durations.value(row), failed);
                one.add(self.query.moving, self.figure, span);
            }
            let all = series.values().flat_map(BTreeMap::values);
            let bytes = all.map(MovingSeries::bytes).sum();
            reservation.try_resize(bytes).map_err(from_datafusion)?;
        }
        Ok(Some(series))
    }

    /// The series with the most spans, without spans.
    async fn most_frequent(&self, most: usize) -> Result<Series> {
        let mut by = vec![col("service_name")];
        by.extend(self.query.by_operation.then(|| col("name")));
        let mut order = vec![col("spans").sort(false, false)];
        order.extend(by.iter().map(|by| by.clone().sort(true, false)));
        let frame = self.matching().await?;
        let frame = frame
            .aggregate(by, vec![count(lit(1)).alias("spans")])
            .and_then(|frame| frame.sort(order))
            .and_then(|frame| frame.limit(0, Some(most)))
            .map_err(from_datafusion)?;
        let mut series = Series::new();
        for batch in self.session.collect(frame).await? {
            let services = strings(batch.column(0))?;
            let names = self.query.by_operation.then(|| strings(batch.column(1)));
            let names = names.transpose()?;
            for row in 0..batch.num_rows() {
                let name = names.as_ref().map_or("", |names| names.value(row));
                let operations = series.entry(services.value(row).to_owned()).or_default();
                operations.insert(name.to_owned(), MovingSeries::default());
            }
        }
        Ok(series)
    }
}

/// Name, type and what it is, in Jaeger's words.
fn write_head(json: &mut JsonWriter, query: &MetricsQuery, figure: Figure) {
    let (name, help) = match figure {
        Figure::CallRate => ("call_rate", "calls/sec".to_owned()),
        Figure::ErrorRatio => (
            "error_rate",
            "error rate, computed as a fraction of errors/sec over calls/sec".to_owned(),
        ),
        Figure::Latency { quantile } => ("latencies", format!("{quantile:.2}th quantile latency")),
    };
    let (of, by) = if query.by_operation {
        ("service_operation", "service & operation")
    } else {
        ("service", "service")
    };
    json.key("name");
    json.string(&format!("{of}_{name}"));
    json.key("type");
    json.string("GAUGE");
    json.key("help");
    json.string(&format!("{help}, grouped by {by}"));
}

fn write_series(
    json: &mut JsonWriter,
    (service, operation): (&str, &str),
    work: &Work<'_>,
    series: &MovingSeries,
) {
    let moving = work.query.moving;
    let label = |json: &mut JsonWriter, name: &str, value: &str| {
        json.begin_object();
        json.key("name");
        json.string(name);
        json.key("value");
        json.string(value);
        json.end_object();
    };
    json.begin_object();
    json.key("labels");
    json.begin_array();
    if work.query.by_operation {
        label(json, "operation", operation);
    }
    label(json, "service_name", service);
    json.end_array();
    json.key("metricPoints");
    json.list(
        series.values(moving, work.figure).into_iter().enumerate(),
        |json, (at, value)| {
            json.begin_object();
            json.key("gaugeValue");
            json.begin_object();
            json.key("doubleValue");
            json.double(value);
            json.end_object();
            json.key("timestamp");
            let instant = DateTime::<Utc>::from_timestamp_nanos(moving.instant_ns(at));
            json.string(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            json.end_object();
        },
    );
    json.end_object();
}

#[cfg(test)]
mod tests;

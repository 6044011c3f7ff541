//! `GET /api/v1/logs/histogram`: matching log records over time, by level or any field.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use axum::Json;
use axum::extract::State;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, in_list, lit, when};
use datafusion::prelude::{coalesce, col};
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, Table, TimeRange};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState};
use crate::failure::from_datafusion;
use crate::language::{self, field_text, level_name, level_rank_expr};
use crate::listing::in_range;
use crate::openapi::ReadErrors;
use crate::openapi::words::{SearchQuery, UnixNano};
use crate::parameters::{self, TimeParameter};
use crate::session::QuerySession;

mod matched;
mod width;

pub(crate) use width::Buckets;

const DEFAULT_BUCKETS: usize = 60;
const MAX_BUCKETS: usize = 1_000;

/// Series of one histogram; the rest is summed.
const MAX_SERIES: usize = 10;

/// The series of all values that have none of their own, and of rows without a value.
const OTHER: &str = "(other)";
const NONE: &str = "(none)";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistogramParameters {
    /// Which records.
    #[serde(default)]
    #[param(value_type = SearchQuery)]
    query: String,
    /// The first instant; without it, that of the first record that matches.
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    /// The instant after the last; without it, that of the last record that matches.
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
    /// How many buckets there may be.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 60)]
    buckets: Option<usize>,
    /// What makes a series: `level`, `service_name` or any field. At most 10 series, the rest summed as `(other)`.
    #[serde(default, deserialize_with = "optional")]
    #[param(default = "level", example = "service_name")]
    by: Option<String>,
}

/// Counts over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogHistogram)]
pub(super) struct Histogram {
    #[schema(value_type = UnixNano)]
    start_unix_nano: String,
    #[schema(value_type = UnixNano)]
    end_unix_nano: String,
    /// How long a bucket is, in nanoseconds; 0 if nothing matches.
    bucket_ns: i64,
    /// Levels in order of severity, values by count. Records without the field are the series `(none)`.
    series: Vec<Series>,
    total: i64,
}

/// One level or value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogSeries)]
struct Series {
    name: String,
    /// By bucket.
    counts: Vec<i64>,
}

type HistogramAnswer = Answer<Histogram>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "start_unix_nano": "1674982080000000000", "end_unix_nano": "1674982200000000000", "bucket_ns": 60_000_000_000_i64,
        "series": [{"name": "info", "counts": [0, 3]}], "total": 3,
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// Log records over time, by level or any field.
///
/// Bucket widths are round (1, 2, 5, 10, 15, 30 × unit) and buckets start at multiples of them, so the first one may
/// begin before `start`; records before `start` are not in it.
#[utoipa::path(
    get, path = "/api/v1/logs/histogram", tag = "Logs", operation_id = "logs_histogram",
    params(HistogramParameters),
    responses((status = 200, description = "Counts by bucket.", body = HistogramAnswer, example = example), ReadErrors),
)]
pub(super) async fn histogram(
    State(state): State<ApiState>,
    Parameters(parameters): Parameters<HistogramParameters>,
) -> Result<Json<HistogramAnswer>, ApiError> {
    let query = language::parse(&parameters.query)?;
    language::check(&query, Table::Logs)?;
    let range = parameters::time_range(parameters.start, parameters.end)?;
    let buckets = parameters
        .buckets
        .map_or(Ok(DEFAULT_BUCKETS), check_buckets)?;
    let by = parameters.by.as_deref().unwrap_or("level");
    let session = state.begin().await?;
    session.note_skipped(Table::Logs, range);
    let work = Work {
        session: &session,
        range,
        filter: language::condition(&session, &query, Table::Logs, range).await?,
    };
    let histogram = match work.buckets(buckets).await? {
        Some(buckets) => work.histogram(buckets, by).await?,
        None => Histogram {
            start_unix_nano: known(range.start_ns, 0),
            end_unix_nano: known(range.end_ns, 0),
            bucket_ns: 0,
            series: Vec::new(),
            total: 0,
        },
    };
    Ok(Json(Answer::new(&session, histogram)))
}

fn check_buckets(given: usize) -> Result<usize> {
    if (1..=MAX_BUCKETS).contains(&given) {
        Ok(given)
    } else {
        Err(Error::invalid(format!(
            "`buckets` is {given}; it can be 1 to {MAX_BUCKETS}"
        )))
    }
}

/// A bound that was given; an unbounded end of nothing is where time starts.
fn known(bound_ns: i64, otherwise: i64) -> String {
    match bound_ns {
        i64::MIN | i64::MAX => otherwise.to_string(),
        given => given.to_string(),
    }
}

struct Work<'a> {
    session: &'a QuerySession,
    range: TimeRange,
    filter: Expr,
}

impl Work<'_> {
    async fn matching(&self, range: TimeRange) -> Result<DataFrame> {
        self.session
            .table(Table::Logs)
            .await?
            .filter(in_range("time", range).and(self.filter.clone()))
            .map_err(from_datafusion)
    }

    async fn buckets(&self, most: usize) -> Result<Option<Buckets>> {
        Buckets::over_matching(
            self.session,
            self.matching(self.range),
            "time",
            self.range,
            most,
        )
        .await
    }

    async fn histogram(&self, buckets: Buckets, by: &str) -> Result<Histogram> {
        let counted = if matches!(by, "level" | "severity") {
            self.by_level(buckets).await?
        } else {
            self.by_field(buckets, by).await?
        };
        let total = counted.iter().flat_map(|series| &series.counts).sum();
        Ok(Histogram {
            start_unix_nano: buckets.start_ns.to_string(),
            end_unix_nano: buckets.end_ns().to_string(),
            bucket_ns: buckets.width_ns,
            series: counted,
            total,
        })
    }

    /// Series from `trace` up to `fatal`, `unset` first.
    async fn by_level(&self, buckets: Buckets) -> Result<Vec<Series>> {
        let rank = level_rank_expr().map_err(from_datafusion)?;
        let counts = self.counts(buckets, rank).await?;
        let mut ranked: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (value, bucket, rows) in counts {
            let rank = value.parse().unwrap_or(0);
            add(ranked.entry(rank).or_default(), buckets, bucket, rows);
        }
        Ok(ranked
            .into_iter()
            .map(|(rank, counts)| Series {
                name: level_name(rank).to_owned(),
                counts,
            })
            .collect())
    }

    /// Series of the most frequent values, most frequent first, then the rest together.
    async fn by_field(&self, buckets: Buckets, by: &str) -> Result<Vec<Series>> {
        let value = coalesce(vec![field_text(by, Table::Logs), lit(NONE)]);
        let top = self.top(buckets.range(self.range), value.clone()).await?;
        if top.is_empty() {
            return Ok(Vec::new());
        }
        let known = top.iter().map(|value| lit(value.as_str())).collect();
        let named = when(in_list(value.clone(), known, false), value)
            .otherwise(lit(OTHER))
            .map_err(from_datafusion)?;
        let mut by_value: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (value, bucket, rows) in self.counts(buckets, named).await? {
            add(by_value.entry(value).or_default(), buckets, bucket, rows);
        }
        let mut series: Vec<Series> = top
            .iter()
            .filter_map(|name| {
                Some(Series {
                    name: name.clone(),
                    counts: by_value.remove(name)?,
                })
            })
            .collect();
        series.extend(
            by_value
                .into_iter()
                .map(|(name, counts)| Series { name, counts }),
        );
        Ok(series)
    }

    /// The most frequent values; one less than there may be series, to leave room for the rest.
    async fn top(&self, range: TimeRange, value: Expr) -> Result<Vec<String>> {
        let frame = self
            .matching(range)
            .await?
            .aggregate(
                vec![value.alias("value")],
                vec![count(lit(1)).alias("rows")],
            )
            .and_then(|frame| {
                frame.sort(vec![
                    col("rows").sort(false, false),
                    col("value").sort(true, false),
                ])
            })
            .and_then(|frame| frame.limit(0, Some(MAX_SERIES - 1)))
            .map_err(from_datafusion)?;
        let mut values = Vec::new();
        for batch in self.session.collect(frame).await? {
            let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
            values.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(values)
    }

    /// Rows by value (as text) and bucket.
    async fn counts(&self, buckets: Buckets, value: Expr) -> Result<Vec<(String, i64, i64)>> {
        let time = cast(col("time"), DataType::Int64);
        let bucket = (time - lit(buckets.start_ns)) / lit(buckets.width_ns);
        let frame = self
            .matching(buckets.range(self.range))
            .await?
            .aggregate(
                vec![value.alias("value"), bucket.alias("bucket")],
                vec![count(lit(1)).alias("rows")],
            )
            .map_err(from_datafusion)?;
        let mut counts = Vec::new();
        for batch in self.session.collect(frame).await? {
            // Ranks of levels become text as well.
            let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
            let values = texts.as_string::<i32>().iter();
            let bucket_numbers = batch.column(1).as_primitive::<Int64Type>().values();
            let rows = batch.column(2).as_primitive::<Int64Type>().values();
            counts.extend(values.zip(bucket_numbers.iter().zip(rows)).map(
                |(value, (bucket, rows))| (value.unwrap_or_default().to_owned(), *bucket, *rows),
            ));
        }
        Ok(counts)
    }
}

fn add(counts: &mut Vec<i64>, buckets: Buckets, bucket: i64, rows: i64) {
    counts.resize(buckets.count, 0);
    if let Some(count) = usize::try_from(bucket)
        .ok()
        .and_then(|at| counts.get_mut(at))
    {
        *count += rows;
    }
}

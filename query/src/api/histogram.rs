//! `GET /api/v1/logs/histogram`: matching log records over time, by level or any field.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use datafusion::logical_expr::Expr;
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, Table, TimeRange};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState};
use crate::by_file::{ByFile, Cells, RowCount};
use crate::language::{self, level_name};
use crate::openapi::ReadErrors;
use crate::openapi::words::{SearchQuery, UnixNano};
use crate::parameters::{self, TimeParameter};
use crate::session::QuerySession;

mod matched;
mod width;

pub(crate) use width::Buckets;

const DEFAULT_BUCKETS: usize = 60;
const MAX_BUCKETS: usize = 1_000;

/// Series of one histogram, the rest summed, unless the request says otherwise.
const DEFAULT_SERIES: usize = 10;
const MAX_SERIES: usize = 1_000;
/// Numbers of one answer.
const MAX_COUNTS: usize = 100_000;

/// The series of all values that have none of their own.
const OTHER: &str = "(other)";

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
    /// What makes a series: `level`, `service_name` or any field.
    #[serde(default, deserialize_with = "optional")]
    #[param(default = "level", example = "service_name")]
    by: Option<String>,
    /// How many series there may be, the rest summed as `(other)`; by `level` there are all. With `buckets` at most 100,000 numbers.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 2, maximum = 1_000, default = 10)]
    limit: Option<usize>,
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
    let most = check_series(parameters.limit.unwrap_or(DEFAULT_SERIES), buckets)?;
    let session = state.begin().await?;
    session.note_skipped(Table::Logs, range);
    let work = Work {
        session: &session,
        range,
        filter: language::condition(&session, &query, Table::Logs, range).await?,
    };
    let buckets = work.buckets(buckets).await?;
    let series = match buckets {
        Some(buckets) => work.series(buckets, by, most).await?,
        None => Vec::new(),
    };
    let (start_ns, end_ns, bucket_ns) = Buckets::bounds(buckets, range);
    let histogram = Histogram {
        start_unix_nano: start_ns.to_string(),
        end_unix_nano: end_ns.to_string(),
        bucket_ns,
        total: series.iter().flat_map(|series| &series.counts).sum(),
        series,
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

fn check_series(given: usize, buckets: usize) -> Result<usize> {
    if !(2..=MAX_SERIES).contains(&given) {
        return Err(Error::invalid(format!(
            "`limit` is {given}; it can be 2 to {MAX_SERIES}"
        )));
    }
    if given * buckets > MAX_COUNTS {
        return Err(Error::invalid(format!(
            "{given} series of {buckets} buckets are more than {MAX_COUNTS} numbers"
        ))
        .with_hint("ask for fewer buckets, or with a smaller `limit`"));
    }
    Ok(given)
}

struct Work<'a> {
    session: &'a QuerySession,
    range: TimeRange,
    filter: Expr,
}

impl Work<'_> {
    /// Rows in a range, to be counted in buckets.
    fn rows(&self, range: TimeRange, buckets: Option<Buckets>) -> ByFile<'_> {
        ByFile {
            session: self.session,
            table: Table::Logs,
            range,
            filter: self.filter.clone(),
            buckets,
        }
    }

    async fn buckets(&self, most: usize) -> Result<Option<Buckets>> {
        Buckets::over_counted(&self.rows(self.range, None), most).await
    }

    async fn series(&self, buckets: Buckets, by: &str, most: usize) -> Result<Vec<Series>> {
        let rows = self.rows(buckets.range(self.range), Some(buckets));
        let count = RowCount::by(Table::Logs, by, Some(buckets))?;
        Ok(if count.is_level() {
            by_level(rows.cells_or_all(&count).await?, buckets)
        } else if let Some(cells) = rows.cells(&count).await? {
            let top = cells.top(most - 1);
            by_value(cells, &top, buckets)
        } else {
            let top = count.most_frequent(&rows, None, most - 1).await?;
            let top: Vec<Box<str>> = top.into_iter().map(|(value, _)| value).collect();
            let named = count.only(&top, OTHER)?;
            by_value(rows.of_all(&named).await?, &top, buckets)
        })
    }
}

/// Series from `trace` up to `fatal`, `unset` first.
fn by_level(cells: Cells<u64>, buckets: Buckets) -> Vec<Series> {
    let ranked: BTreeMap<i32, Vec<i64>> = cells
        .into_values()
        .map(|(rank, counts)| (rank.parse().unwrap_or(0), in_order(&counts, buckets)))
        .collect();
    ranked
        .into_iter()
        .map(|(rank, counts)| Series {
            name: level_name(rank).to_owned(),
            counts,
        })
        .collect()
}

/// Series of the values `top` in their order, then the rest together.
fn by_value(cells: Cells<u64>, top: &[Box<str>], buckets: Buckets) -> Vec<Series> {
    let named = cells.only(top, OTHER).into_iter();
    named
        .map(|(name, counts)| Series {
            name: name.into(),
            counts: in_order(&counts, buckets),
        })
        .collect()
}

fn in_order(counts: &BTreeMap<i64, u64>, buckets: Buckets) -> Vec<i64> {
    let mut in_order = vec![0; buckets.count];
    for (bucket, rows) in counts {
        if let Some(at) = buckets.place(*bucket) {
            in_order[at] = rows.cast_signed();
        }
    }
    in_order
}

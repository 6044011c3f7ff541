//! `GET /api/v1/logs/histogram`: matching log records over time, by level or any field.

use std::collections::BTreeMap;

use axum::Json;
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, Table};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState};
use crate::by_file::{ByFile, Cells, Matching, OTHER, RowCount};
use crate::language::level_name;
use crate::openapi::ReadErrors;
use crate::openapi::words::UnixNano;
use crate::parameters::{QueryParameter, RangeParameters, allowed, most_buckets};

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

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistogramParameters {
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
    params(QueryParameter, RangeParameters, HistogramParameters),
    responses((status = 200, description = "Counts by bucket.", body = HistogramAnswer, example = example), ReadErrors),
)]
pub(super) async fn histogram(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<HistogramParameters>,
) -> Result<Json<HistogramAnswer>, ApiError> {
    let query = which.of(Table::Logs)?;
    let range = when.range()?;
    let buckets = most_buckets(given.buckets, DEFAULT_BUCKETS, MAX_BUCKETS)?;
    let by = given.by.as_deref().unwrap_or("level");
    let most = given.series(buckets)?;
    let session = state.begin().await?;
    let logs = Matching::of(&session, &query, Table::Logs, range).await?;
    let buckets = logs.buckets(range, buckets).await?;
    let series = match buckets {
        Some(buckets) => {
            let rows = logs.rows(buckets.range(range), Some(buckets));
            series_of(&rows, buckets, (by, most)).await?
        }
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

impl HistogramParameters {
    /// How many series there may be of so many buckets. Errors if that is too much.
    fn series(&self, buckets: usize) -> Result<usize> {
        let series = allowed("limit", self.limit, DEFAULT_SERIES, 2..=MAX_SERIES)?;
        if series * buckets > MAX_COUNTS {
            return Err(Error::invalid(format!(
                "{series} series of {buckets} buckets are more than {MAX_COUNTS} numbers"
            ))
            .with_hint("ask for fewer buckets, or with a smaller `limit`"));
        }
        Ok(series)
    }
}

async fn series_of(
    rows: &ByFile<'_>,
    buckets: Buckets,
    (by, most): (&str, usize),
) -> Result<Vec<Series>> {
    let count = RowCount::by(Table::Logs, by, Some(buckets))?;
    Ok(if count.is_level() {
        by_level(rows.cells_or_all(&count).await?, buckets)
    } else if let Some(cells) = rows.cells(&count).await? {
        let top = cells.top(most - 1);
        by_value(cells, &top, buckets)
    } else {
        let top = count.most_frequent(rows, None, most - 1).await?;
        let top: Vec<Box<str>> = top.into_iter().map(|(value, _)| value).collect();
        let named = count.only(&top, OTHER)?;
        by_value(rows.of_all(&named).await?, &top, buckets)
    })
}

/// Series from `trace` up to `fatal`, `unset` first.
fn by_level(cells: Cells<u64>, buckets: Buckets) -> Vec<Series> {
    let ranked: BTreeMap<i32, Vec<i64>> = cells
        .into_values()
        .map(|(rank, counts)| (rank.parse().unwrap_or(0), in_order(counts, buckets)))
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
            counts: in_order(counts, buckets),
        })
        .collect()
}

fn in_order(counts: BTreeMap<i64, u64>, buckets: Buckets) -> Vec<i64> {
    let in_order = buckets.in_order(counts).into_iter();
    in_order.map(u64::cast_signed).collect()
}

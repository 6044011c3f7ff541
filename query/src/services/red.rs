//! `GET /api/v1/spans/histogram`: rate, errors and duration of matching spans over time.
//!
//! One pass over three columns (four with `by`) of the files that were not counted before. Durations are
//! counted in buckets of their own, so that memory is bounded by series and buckets and not by spans;
//! they are exact for few spans. Those of files are put together as if each span had been added.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use axum::response::Response;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use serde::Deserialize;
use spoor_storage::{DataFile, Error, Result, Table, TimeRange};

use super::api::schema;
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters, optional};
use crate::by_file::{ByFile, Count, Matching, OTHER, Places, RowCount, Sorted};
use crate::failure::from_datafusion;
use crate::openapi::ReadErrors;
use crate::otlp::{JsonWriter, integers, strings};
use crate::parameters::{QueryParameter, RangeParameters, limit, most_buckets};
use crate::trace::{json_response, write_outcome};

const DEFAULT_BUCKETS: usize = 60;
const MAX_BUCKETS: usize = 300;
const DEFAULT_SERIES: usize = 10;
const MAX_SERIES: usize = 50;
/// Series times buckets.
const MAX_CELLS: usize = 3_000;
/// Durations that a cell keeps one by one.
const EXACT: usize = 256;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Given {
    /// How many buckets there may be; with `by`, series × buckets ≤ 3,000.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 300, default = 60)]
    buckets: Option<usize>,
    /// Any field: one series for each of its most frequent values.
    #[serde(default, deserialize_with = "optional")]
    #[param(example = "service_name")]
    by: Option<String>,
    /// How many values have a series; the rest is `(other)`.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 50, default = 10)]
    limit: Option<usize>,
}

type HistogramAnswer = Answer<schema::SpanHistogram>;

/// The spans of one series that start in one bucket.
type Figures = super::figures::Figures<EXACT>;

/// One series.
#[derive(Debug)]
struct Series {
    name: Option<String>,
    cells: Vec<Figures>,
}

/// Rate, errors and duration of the spans that match, by the time they start.
///
/// Buckets are those of the histogram of logs.
#[utoipa::path(
    get, path = "/api/v1/spans/histogram", tag = "Services", operation_id = "spans_histogram",
    params(QueryParameter, RangeParameters, Given),
    responses((status = 200, description = "Figures by bucket.", body = HistogramAnswer, example = schema::histogram_example), ReadErrors),
)]
pub(super) async fn histogram(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<Given>,
) -> Result<Response, ApiError> {
    let query = which.of(Table::Spans)?;
    let most = most_buckets(given.buckets, DEFAULT_BUCKETS, MAX_BUCKETS)?;
    let series = limit(given.limit, DEFAULT_SERIES, MAX_SERIES)?;
    if given.by.is_some() && series * most > MAX_CELLS {
        return Err(Error::invalid(format!(
            "{series} series of {most} buckets are more than {MAX_CELLS} places"
        ))
        .with_hint("ask for fewer `buckets` or a smaller `limit`")
        .into());
    }
    let range = when.range()?;
    let session = state.begin().await?;
    let spans = Matching::of(&session, &query, Table::Spans, range).await?;
    let buckets = spans.buckets(range, most).await?;
    let found = match buckets {
        Some(buckets) => {
            let rows = spans.rows(buckets.range(range), Some(buckets));
            series_of(&rows, buckets, (given.by.as_deref(), series)).await?
        }
        None => Vec::new(),
    };
    let mut json = JsonWriter::new();
    json.begin_object();
    write_bounds(&mut json, buckets, range);
    write_series(&mut json, found);
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    Ok(json_response(json.finish()))
}

/// The one with the most spans first, the rest together at the end.
async fn series_of(
    rows: &ByFile<'_>,
    buckets: Buckets,
    (by, most): (Option<&str>, usize),
) -> Result<Vec<Series>> {
    let Some(by) = by else {
        let spans = Spans { by: None, buckets };
        let all = rows.cells_or_all(&spans).await?.into_values().next();
        let all = all.map_or_else(BTreeMap::new, |(_, cells)| cells);
        return Ok(vec![Series {
            name: None,
            cells: buckets.in_order(all),
        }]);
    };
    let by = RowCount::by(Table::Spans, by, Some(buckets))?;
    let spans = |by| Spans {
        by: Some(by),
        buckets,
    };
    let named = if let Some(cells) = rows.cells(&spans(&by)).await? {
        let top = cells.top(most);
        cells.only(&top, OTHER)
    } else {
        let top = by.most_frequent(rows, None, most).await?;
        let top: Vec<Box<str>> = top.into_iter().map(|(value, _)| value).collect();
        let known = by.only(&top, OTHER)?;
        rows.of_all(&spans(&known)).await?.only(&top, OTHER)
    };
    let named = named.into_iter().map(|(name, cells)| Series {
        name: Some(name.into()),
        cells: buckets.in_order(cells),
    });
    Ok(named.collect())
}

/// Counts spans, their errors and durations.
#[derive(Debug)]
struct Spans<'a> {
    by: Option<&'a RowCount<'a>>,
    buckets: Buckets,
}

impl Count for Spans<'_> {
    type Cell = Figures;

    const WHAT: &'static str = "spans, errors and durations";

    fn by(&self) -> Option<&Expr> {
        self.by?.by()
    }

    fn values(&self, file: &DataFile) -> u64 {
        self.by.map_or(1, |by| by.values(file))
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut columns = Places::columns(Table::Spans, Some(self.buckets));
        columns.extend([col("duration_ns"), col("status_code")]);
        columns.extend(self.by().cloned());
        rows.select(columns).map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Figures>) -> Result<()> {
        let places = Places::open(batch)?;
        let (durations, codes) = (integers(batch.column(2))?, strings(batch.column(3))?);
        let values = batch.columns().get(4).map(strings).transpose()?;
        for row in 0..batch.num_rows() {
            let value = values.as_ref().map_or("", |values| values.value(row));
            let figures = sorted.cell(places.of(row), value);
            figures.add_span(codes.value(row) == "ERROR", durations.value(row));
        }
        Ok(())
    }
}

fn write_bounds(json: &mut JsonWriter, buckets: Option<Buckets>, range: TimeRange) {
    let (start_ns, end_ns, width_ns) = Buckets::bounds(buckets, range);
    json.key("start_unix_nano");
    json.int_string(start_ns);
    json.key("end_unix_nano");
    json.int_string(end_ns);
    json.key("bucket_ns");
    json.int(width_ns);
}

fn write_series(json: &mut JsonWriter, found: Vec<Series>) {
    let mut total = 0;
    json.key("series");
    json.begin_array();
    for mut series in found {
        total += series.cells.iter().map(Figures::span_count).sum::<u64>();
        json.begin_object();
        json.key("name");
        json.optional_string(series.name.as_deref());
        json.key("span_count");
        json.list(&series.cells, |json, cell| {
            json.int(cell.span_count());
        });
        json.key("error_count");
        json.list(&series.cells, |json, cell| {
            json.int(cell.error_count);
        });
        let percentiles: Vec<Option<[i64; 3]>> = series
            .cells
            .iter_mut()
            .map(|cell| (cell.span_count() > 0).then(|| cell.durations.percentiles([50, 95, 99])))
            .collect();
        for (at, key) in ["p50_ns", "p95_ns", "p99_ns"].into_iter().enumerate() {
            json.key(key);
            json.list(&percentiles, |json, cell| match cell {
                Some(percentiles) => json.int(percentiles[at]),
                None => json.null(),
            });
        }
        json.end_object();
    }
    json.end_array();
    json.key("total");
    json.int(total);
}

#[cfg(test)]
pub(super) mod tests;

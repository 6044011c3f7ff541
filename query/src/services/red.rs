//! `GET /api/v1/spans/histogram`: rate, errors and duration of matching spans over time.
//!
//! One pass over three columns (four with `by`). Durations are counted in buckets of their own, so
//! that memory is bounded by series and buckets and not by spans; they are exact for few spans.

use std::collections::HashMap;

use arrow::array::StringArray;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use axum::extract::State;
use axum::response::Response;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::prelude::{coalesce, col};
use serde::Deserialize;
use spoor_storage::{Error, Result, Table, TimeRange};

use super::api::schema;
use super::quantile::Durations;
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters, optional};
use crate::failure::from_datafusion;
use crate::language::{self, field_text};
use crate::openapi::ReadErrors;
use crate::openapi::words::SearchQuery;
use crate::otlp::{JsonWriter, integers, nanoseconds, strings};
use crate::parameters::{self, TimeParameter};
use crate::session::QuerySession;
use crate::trace::{json_response, time_condition, write_outcome};

const DEFAULT_BUCKETS: usize = 60;
const MAX_BUCKETS: usize = 300;
const DEFAULT_SERIES: usize = 10;
const MAX_SERIES: usize = 50;
/// Series times buckets.
const MAX_CELLS: usize = 3_000;
/// Durations that a cell keeps one by one; of more it counts in steps of 0.8 %, told within half a step.
const EXACT: usize = 256;

/// All values that have no series of their own, and spans without a value.
const OTHER: &str = "(other)";
const NONE: &str = "(none)";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Given {
    /// Which spans.
    #[serde(default)]
    #[param(value_type = SearchQuery)]
    query: String,
    /// The first instant, of the start of a span.
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    /// The instant after the last.
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
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

/// One series.
#[derive(Debug)]
struct Series {
    name: Option<String>,
    cells: Vec<Cell>,
}

/// The spans of one series that start in one bucket.
#[derive(Debug, Clone)]
struct Cell {
    error_count: u64,
    durations: Durations,
}

struct Work<'a> {
    session: &'a QuerySession,
    filter: Expr,
    range: TimeRange,
    by: Option<Expr>,
}

/// Rate, errors and duration of the spans that match, by the time they start.
///
/// Buckets are those of the histogram of logs.
#[utoipa::path(
    get, path = "/api/v1/spans/histogram", tag = "Services", operation_id = "spans_histogram",
    params(Given),
    responses((status = 200, description = "Figures by bucket.", body = HistogramAnswer, example = schema::histogram_example), ReadErrors),
)]
pub(super) async fn histogram(
    State(state): State<ApiState>,
    Parameters(given): Parameters<Given>,
) -> Result<Response, ApiError> {
    let query = language::parse(&given.query)?;
    language::check(&query, Table::Spans)?;
    let most = parameters::limit(given.buckets, DEFAULT_BUCKETS, MAX_BUCKETS)
        .map_err(|_| Error::invalid(format!("`buckets` can be 1 to {MAX_BUCKETS}")))?;
    let series = parameters::limit(given.limit, DEFAULT_SERIES, MAX_SERIES)?;
    if given.by.is_some() && series * most > MAX_CELLS {
        return Err(Error::invalid(format!(
            "{series} series of {most} buckets are more than {MAX_CELLS} places"
        ))
        .with_hint("ask for fewer `buckets` or a smaller `limit`")
        .into());
    }
    let range = parameters::time_range(given.start, given.end)?;
    let session = state.begin().await?;
    session.note_skipped(Table::Spans, range);
    let value = |field: &String| coalesce(vec![field_text(field, Table::Spans), lit(NONE)]);
    let work = Work {
        session: &session,
        filter: language::condition(&session, &query, Table::Spans, range).await?,
        range,
        by: given.by.as_ref().map(value),
    };
    let buckets = work.buckets(most).await?;
    let found = match buckets {
        Some(buckets) => work.series(buckets, series).await?,
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

impl Work<'_> {
    async fn matching(&self, range: TimeRange) -> Result<DataFrame> {
        let wanted = match time_condition("start_time", range) {
            Some(time) => self.filter.clone().and(time),
            None => self.filter.clone(),
        };
        self.session
            .table(Table::Spans)
            .await?
            .filter(wanted)
            .map_err(from_datafusion)
    }

    async fn buckets(&self, most: usize) -> Result<Option<Buckets>> {
        Buckets::over_matching(
            self.session,
            self.matching(self.range),
            "start_time",
            self.range,
            most,
        )
        .await
    }

    /// The one with the most spans first, the rest together at the end.
    async fn series(&self, buckets: Buckets, most: usize) -> Result<Vec<Series>> {
        let range = buckets.range(self.range);
        let names = match &self.by {
            None => vec![None],
            Some(by) => {
                let top = self.top(range, by.clone(), most).await?;
                top.into_iter().map(Some).collect()
            }
        };
        let cells = || vec![Cell::default(); buckets.count];
        let mut series: Vec<Series> = names
            .into_iter()
            .map(|name| Series {
                name,
                cells: cells(),
            })
            .collect();
        let mut columns = vec![col("start_time"), col("duration_ns"), col("status_code")];
        columns.extend(self.by.clone().map(|by| by.alias("value")));
        let frame = self
            .matching(range)
            .await?
            .select(columns)
            .map_err(from_datafusion)?;
        let place_of: HashMap<String, usize> = series
            .iter()
            .enumerate()
            .filter_map(|(at, series)| Some((series.name.clone()?, at)))
            .collect();
        let mut stream = self.session.stream(frame).await?;
        let mut other = None;
        while let Some(batch) = self.session.next(&mut stream).await? {
            let values = values(&batch)?;
            let place = |row: usize| match &values {
                None => Some(0),
                Some(values) => place_of.get(values.value(row)).copied(),
            };
            let (times, durations) = (nanoseconds(batch.column(0))?, integers(batch.column(1))?);
            let codes = strings(batch.column(2))?;
            for row in 0..batch.num_rows() {
                let cells = match place(row) {
                    Some(place) => series.get_mut(place).map(|series| &mut series.cells),
                    None => Some(other.get_or_insert_with(cells)),
                };
                let at = usize::try_from((times.value(row) - buckets.start_ns) / buckets.width_ns);
                let cell = cells.zip(at.ok()).and_then(|(cells, at)| cells.get_mut(at));
                if let Some(cell) = cell {
                    cell.error_count += u64::from(codes.value(row) == "ERROR");
                    cell.durations.add(durations.value(row));
                }
            }
        }
        series.extend(other.map(|cells| Series {
            name: Some(OTHER.to_owned()),
            cells,
        }));
        Ok(series)
    }

    async fn top(&self, range: TimeRange, by: Expr, most: usize) -> Result<Vec<String>> {
        let by = cast(by, DataType::Utf8);
        let frame = self
            .matching(range)
            .await?
            .aggregate(vec![by.alias("value")], vec![count(lit(1)).alias("spans")])
            .and_then(|frame| {
                frame.sort(vec![
                    col("spans").sort(false, false),
                    col("value").sort(true, false),
                ])
            })
            .and_then(|frame| frame.limit(0, Some(most)))
            .map_err(from_datafusion)?;
        let mut names = Vec::new();
        for batch in self.session.collect(frame).await? {
            let values = strings(batch.column(0))?;
            names.extend(values.iter().flatten().map(str::to_owned));
        }
        Ok(names)
    }
}

fn values(batch: &RecordBatch) -> Result<Option<StringArray>> {
    batch
        .columns()
        .get(3)
        .map(|column| strings(&arrow::compute::cast(column, &DataType::Utf8)?))
        .transpose()
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            error_count: 0,
            durations: Durations::exact_up_to(EXACT),
        }
    }
}

fn write_bounds(json: &mut JsonWriter, buckets: Option<Buckets>, range: TimeRange) {
    let known = |bound_ns: i64| match bound_ns {
        i64::MIN | i64::MAX => 0,
        given => given,
    };
    let (start_ns, end_ns, width_ns) = match buckets {
        Some(buckets) => (buckets.start_ns, buckets.end_ns(), buckets.width_ns),
        None => (known(range.start_ns), known(range.end_ns), 0),
    };
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
        total += series
            .cells
            .iter()
            .map(|cell| cell.durations.count())
            .sum::<u64>();
        json.begin_object();
        json.key("name");
        json.optional_string(series.name.as_deref());
        json.key("span_count");
        write_list(json, &series.cells, |json, cell| {
            json.int(cell.durations.count());
        });
        json.key("error_count");
        write_list(json, &series.cells, |json, cell| {
            json.int(cell.error_count);
        });
        let percentiles: Vec<Option<[i64; 3]>> = series
            .cells
            .iter_mut()
            .map(|cell| {
                (cell.durations.count() > 0).then(|| cell.durations.percentiles([50, 95, 99]))
            })
            .collect();
        for (at, key) in ["p50_ns", "p95_ns", "p99_ns"].into_iter().enumerate() {
            json.key(key);
            write_list(json, &percentiles, |json, cell| match cell {
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

fn write_list<T>(json: &mut JsonWriter, cells: &[T], write: impl Fn(&mut JsonWriter, &T)) {
    json.begin_array();
    for cell in cells {
        write(json, cell);
    }
    json.end_array();
}

#[cfg(test)]
mod tests;

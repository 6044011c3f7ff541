//! `GET /api/v1/spans/heatmap`: matching spans by time and duration.
//!
//! One pass over three columns of the files that were not counted before.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use axum::Json;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use serde::{Deserialize, Serialize};
use spoor_storage::{DataFile, Result, Table};
use utoipa::ToSchema;

use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters, optional};
use crate::by_file::{Cell, Cells, Count, Matching, Places, Sorted};
use crate::failure::from_datafusion;
use crate::openapi::ReadErrors;
use crate::openapi::words::UnixNano;
use crate::otlp::{integers, strings};
use crate::parameters::{QueryParameter, RangeParameters, most_buckets};

const DEFAULT_BUCKETS: usize = 60;
const MAX_BUCKETS: usize = 300;

/// Where bands of durations begin, in nanoseconds: 1, 2, 5 × a power of ten, so that their limits can be
/// written in a query as they are. The first has all that is shorter than a microsecond, the last all from
/// 1,000 s on.
const BAND_STARTS: [i64; 29] = {
    let mut starts = [0; 29];
    let mut power = 1_000;
    let mut at = 1;
    while at < 28 {
        starts[at] = power;
        starts[at + 1] = 2 * power;
        starts[at + 2] = 5 * power;
        power *= 10;
        at += 3;
    }
    starts[28] = power;
    starts
};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Given {
    /// How many buckets of time there may be.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 300, default = 60)]
    buckets: Option<usize>,
}

/// Spans by time and duration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpanHeatmap)]
pub(super) struct Heatmap {
    #[schema(value_type = UnixNano)]
    start_unix_nano: String,
    #[schema(value_type = UnixNano)]
    end_unix_nano: String,
    /// How long a bucket is, in nanoseconds; 0 if nothing matches.
    bucket_ns: i64,
    /// Those that have spans, the shortest durations first.
    bands: Vec<Band>,
    total: u64,
}

/// Spans whose durations are about the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeatmapBand)]
struct Band {
    /// The shortest duration: 1, 2 or 5 × a power of ten from 1,000 (a microsecond) on, or 0.
    min_ns: i64,
    /// What they are shorter than; null from 1,000 s on.
    #[schema(required)]
    max_ns: Option<i64>,
    /// By bucket.
    span_count: Vec<u64>,
    /// Those of them that failed.
    error_count: Vec<u64>,
}

type HeatmapAnswer = Answer<Heatmap>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "start_unix_nano": "1674979200000000000", "end_unix_nano": "1674979320000000000", "bucket_ns": 60_000_000_000_i64,
        "bands": [
            {"min_ns": 1_000_000, "max_ns": 2_000_000, "span_count": [3, 1], "error_count": [0, 0]},
            {"min_ns": 1_000_000_000_000_i64, "max_ns": null, "span_count": [0, 1], "error_count": [0, 1]},
        ],
        "total": 5,
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// Spans that match by the time they start and by their duration.
///
/// Buckets of time are those of the histogram. Bands of durations are log-scaled, three for each power of ten.
#[utoipa::path(
    get, path = "/api/v1/spans/heatmap", tag = "Services", operation_id = "spans_heatmap",
    params(QueryParameter, RangeParameters, Given),
    responses((status = 200, description = "Spans and errors by band and bucket.", body = HeatmapAnswer, example = example), ReadErrors),
)]
pub(super) async fn heatmap(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<Given>,
) -> Result<Json<HeatmapAnswer>, ApiError> {
    let query = which.of(Table::Spans)?;
    let most = most_buckets(given.buckets, DEFAULT_BUCKETS, MAX_BUCKETS)?;
    let range = when.range()?;
    let session = state.begin().await?;
    let spans = Matching::of(&session, &query, Table::Spans, range).await?;
    let buckets = spans.buckets(range, most).await?;
    let bands = match buckets {
        Some(buckets) => {
            let rows = spans.rows(buckets.range(range), Some(buckets));
            let cells = rows.cells_or_all(&BandCount::new(buckets)).await?;
            bands_of(cells, buckets)
        }
        None => Vec::new(),
    };
    let (start_ns, end_ns, bucket_ns) = Buckets::bounds(buckets, range);
    let heatmap = Heatmap {
        start_unix_nano: start_ns.to_string(),
        end_unix_nano: end_ns.to_string(),
        bucket_ns,
        total: bands.iter().flat_map(|band| &band.span_count).sum(),
        bands,
    };
    Ok(Json(Answer::new(&session, heatmap)))
}

fn bands_of(cells: Cells<Failing>, buckets: Buckets) -> Vec<Band> {
    let mut bands: BTreeMap<usize, Band> = BTreeMap::new();
    for (number, by_time) in cells.into_values() {
        let at = number.parse().unwrap_or(0);
        let band = bands.entry(at).or_insert_with(|| Band {
            min_ns: BAND_STARTS.get(at).copied().unwrap_or(0),
            max_ns: BAND_STARTS.get(at + 1).copied(),
            span_count: vec![0; buckets.count],
            error_count: vec![0; buckets.count],
        });
        for (bucket, cell) in by_time {
            if let Some(at) = buckets.place(bucket) {
                band.span_count[at] = cell.spans;
                band.error_count[at] = cell.errors;
            }
        }
    }
    bands.into_values().collect()
}

/// Spans of a cell, and those of them that failed.
#[derive(Debug, Clone, Copy, Default)]
struct Failing {
    spans: u64,
    errors: u64,
}

impl Cell for Failing {
    type Kept = Self;

    fn add(&mut self, other: &Self) {
        self.spans += other.spans;
        self.errors += other.errors;
    }

    fn kept(&self) -> Self {
        *self
    }

    fn add_kept(&mut self, kept: &Self) {
        self.add(kept);
    }

    fn rows(&self) -> u64 {
        self.spans
    }
}

/// Counts spans by the number of their band.
#[derive(Debug)]
struct BandCount {
    buckets: Buckets,
    names: Vec<String>,
}

impl BandCount {
    fn new(buckets: Buckets) -> Self {
        Self {
            buckets,
            names: (0..BAND_STARTS.len())
                .map(|band| band.to_string())
                .collect(),
        }
    }
}

impl Count for BandCount {
    type Cell = Failing;

    const WHAT: &'static str = "spans and errors by duration";

    fn by(&self) -> Option<&Expr> {
        None
    }

    fn values(&self, _: &DataFile) -> u64 {
        /// Of a file's bands few are far from the others.
        const USUAL_BANDS: u64 = 12;
        USUAL_BANDS
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut columns = Places::columns(Table::Spans, Some(self.buckets));
        columns.extend([col("duration_ns"), col("status_code")]);
        rows.select(columns).map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Failing>) -> Result<()> {
        let places = Places::open(batch)?;
        let (durations, codes) = (integers(batch.column(2))?, strings(batch.column(3))?);
        for row in 0..batch.num_rows() {
            let band = band_of(durations.value(row));
            let cell = sorted.cell(places.of(row), &self.names[band]);
            cell.spans += 1;
            cell.errors += u64::from(codes.value(row) == "ERROR");
        }
        Ok(())
    }
}

/// The number of the band of a duration; one below zero, which clocks make, is in the first.
fn band_of(duration_ns: i64) -> usize {
    let bands = BAND_STARTS.partition_point(|start| *start <= duration_ns);
    bands.saturating_sub(1)
}

#[cfg(test)]
mod tests;

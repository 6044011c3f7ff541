//! `GET /api/v1/logs/patterns`.

use axum::Json;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use serde::Serialize;
use spoor_storage::{Result, Table};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cluster::{Pattern, patterns_of};
use super::counted::{RecordColumns, ShapeCount};
use super::search::query_of;
use super::shape::Coarseness;
use super::table::ShapeTable;
use super::tally::{ServiceCount, Services, Tally};
use crate::QueryEngine;
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters};
use crate::by_file::Matching;
use crate::failure::from_datafusion;
use crate::openapi::ReadErrors;
use crate::openapi::words::{Instant, RecordIdText, SearchQuery, UnixNano};
use crate::parameters::{
    PeriodBounds, PeriodBuckets, PeriodParameters, Periods, QueryParameter, RangeParameters,
    format_time,
};
use crate::session::QuerySession;

/// Services named of one pattern.
const MAX_SERVICES: usize = 10;
/// Levels in order of severity.
const LEVELS: [&str; 7] = ["trace", "debug", "info", "warn", "error", "fatal", "unset"];

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default().routes(routes!(patterns))
}

/// The formats that the matching texts come from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogPatterns)]
struct Content {
    /// The most frequent first.
    patterns: Vec<PatternJson>,
    pattern_count: usize,
    /// Null without a baseline.
    #[schema(required)]
    new_count: Option<usize>,
    /// Records of patterns that are not shown.
    other_count: u64,
    total: u64,
    baseline_total: u64,
    /// Where the first bucket begins.
    #[schema(value_type = UnixNano)]
    start_unix_nano: String,
    /// How long a bucket is, in nanoseconds; 0 if nothing matches.
    bucket_ns: i64,
    #[serde(flatten)]
    periods: PeriodBounds,
}

/// One format.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogPattern)]
struct PatternJson {
    /// With the placeholders `<num>` (also with a unit), `<id>`, `<ip>`, `<time>`, `<url>`, `<path>`, `<list>` and `<*>`, any word.
    template: String,
    /// Has the phrases that all records of the pattern have; it may find others.
    #[schema(value_type = SearchQuery)]
    query: String,
    count: u64,
    /// Of all that match, 0 to 1.
    share: f64,
    /// Whether the baseline has none; null without a baseline.
    #[schema(required)]
    new: Option<bool>,
    #[schema(required)]
    baseline_count: Option<u64>,
    #[schema(value_type = Instant)]
    first_seen: String,
    #[schema(value_type = Instant)]
    last_seen: String,
    /// Records by level.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    levels: serde_json::Map<String, serde_json::Value>,
    /// The first ten.
    services: Vec<ServiceCount>,
    service_count: usize,
    /// By time, in buckets.
    counts: Vec<u64>,
    /// The newest record: `GET /api/v1/logs?query=record_id:<id>`.
    #[schema(value_type = RecordIdText)]
    sample_id: String,
    #[schema(value_type = UnixNano)]
    sample_time_unix_nano: String,
}

type PatternsAnswer = Answer<Content>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "patterns": [{
            "template": "order <num> of <*> paid in <num>", "query": "\"order\" \"of\" \"paid in\"", "count": 20, "share": 0.77,
            "new": false, "baseline_count": 20, "first_seen": "2023-01-29T08:00:20.000000000Z",
            "last_seen": "2023-01-29T08:01:50.000000000Z", "levels": {"info": 20},
            "services": [{"service_name": "checkout", "count": 15}, {"service_name": "cart", "count": 5}], "service_count": 2,
            "counts": [12, 8], "sample_id": "16777216", "sample_time_unix_nano": "1674979310000000000",
        }],
        "pattern_count": 3, "new_count": 2, "other_count": 6, "total": 26, "baseline_total": 20,
        "start_unix_nano": "1674979200000000000", "bucket_ns": 60_000_000_000_i64,
        "baseline_start_unix_nano": "1674979080000000000", "baseline_data_start_unix_nano": "1674979080000000000", "since_unix_nano": "1674979200000000000",
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// The formats that the matching texts come from.
///
/// Every record is in one pattern; counts and shares are exact. Records without text are the pattern `""`. Texts are
/// looked at up to 1,024 bytes. With more than 10,000 different texts (numbers and the like masked) patterns become
/// coarser, the same for the same records, with `"complete": false`.
#[utoipa::path(
    get, path = "/api/v1/logs/patterns", tag = "Logs", operation_id = "logs_patterns",
    params(QueryParameter, RangeParameters, PeriodParameters, PeriodBuckets),
    responses((status = 200, description = "Patterns.", body = PatternsAnswer, example = example), ReadErrors),
)]
async fn patterns(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<PeriodParameters>,
    Parameters(over_time): Parameters<PeriodBuckets>,
) -> Result<Json<PatternsAnswer>, ApiError> {
    let query = which.of(Table::Logs)?;
    let (limit, most) = (given.limit()?, over_time.buckets()?);
    let periods = given.periods(when.range()?)?;
    let session = state.begin().await?;
    let work = Work {
        session: &session,
        logs: Matching::of(&session, &query, Table::Logs, periods.all).await?,
        periods,
    };
    let found = work.patterns(most, limit).await?;
    Ok(Json(Answer::new(&session, found)))
}

struct Work<'a> {
    session: &'a QuerySession,
    logs: Matching<'a>,
    periods: Periods,
}

impl Work<'_> {
    async fn patterns(&self, most: usize, limit: usize) -> Result<Content> {
        let current = self.periods.current();
        let buckets = self.logs.buckets(current, most).await?;
        let mut services = Services::default();
        let shapes = self.shapes(buckets, &mut services).await?;
        let patterns = patterns_of(&shapes);
        let sum = |count: fn(&Tally) -> u64| -> u64 {
            patterns.iter().map(|pattern| count(&pattern.tally)).sum()
        };
        let total = sum(|tally| tally.count);
        let present = || patterns.iter().filter(|pattern| pattern.tally.count > 0);
        let is_new = |pattern: &&Pattern| pattern.tally.baseline_count == 0;
        let writer = PatternWriter {
            services: &services,
            has_baseline: self.periods.since_ns.is_some(),
            total,
        };
        let shown: Vec<PatternJson> = present()
            .take(limit)
            .filter_map(|pattern| writer.json(pattern))
            .collect();
        Ok(Content {
            pattern_count: present().count(),
            new_count: writer
                .has_baseline
                .then(|| present().filter(is_new).count()),
            other_count: total - shown.iter().map(|pattern| pattern.count).sum::<u64>(),
            patterns: shown,
            total,
            baseline_total: sum(|tally| tally.baseline_count),
            start_unix_nano: buckets.map_or(0, |buckets| buckets.start_ns).to_string(),
            bucket_ns: buckets.map_or(0, |buckets| buckets.width_ns),
            periods: self.periods.bounds(self.session, &[Table::Logs]),
        })
    }

    /// The shapes of the texts that match.
    async fn shapes(
        &self,
        buckets: Option<Buckets>,
        services: &mut Services,
    ) -> Result<Vec<(super::shape::Shape, Tally)>> {
        let pool = &self.session.context().runtime_env().memory_pool;
        let reservation = MemoryConsumer::new("log patterns").register(pool);
        let table = match self.counted(buckets, services, &reservation).await? {
            Some(table) => table,
            None => self.read(buckets, services, &reservation).await?,
        };
        if table.level() > Coarseness::Words {
            self.session.note_incomplete(
                "there are too many different texts: patterns are coarser than the texts are",
            );
        }
        if services.are_too_many() {
            self.session
                .note_incomplete("there are too many services; the rest is counted as `(other)`");
        }
        Ok(table.finish())
    }

    /// From what is known of files, so that the text of a record is read once; `None` if that is too much.
    async fn counted(
        &self,
        buckets: Option<Buckets>,
        services: &mut Services,
        reservation: &MemoryReservation,
    ) -> Result<Option<ShapeTable>> {
        let mut table = ShapeTable::new(self.periods, buckets);
        for part in self.periods.parts(buckets) {
            let buckets = part.counted_in;
            let rows = self.logs.rows(part.range, buckets);
            let Some(cells) = rows.cells(&ShapeCount { buckets }).await? else {
                return Ok(None);
            };
            for (shape, counted) in cells.into_values() {
                let mut tally = Tally::default();
                tally.take(counted, part.shown_in, services);
                table.add_counted(&shape, &tally);
            }
            reservation
                .try_resize(table.bytes())
                .map_err(from_datafusion)?;
        }
        Ok(Some(table))
    }

    /// Reads the text of every record that matches once.
    async fn read(
        &self,
        buckets: Option<Buckets>,
        services: &mut Services,
        reservation: &MemoryReservation,
    ) -> Result<ShapeTable> {
        let rows = self.logs.rows(self.periods.all, None).all_rows()?;
        let frame = rows
            .select_columns(&RecordColumns::NAMES)
            .map_err(from_datafusion)?;
        let mut table = ShapeTable::new(self.periods, buckets);
        let mut stream = self.session.stream(frame).await?;
        while let Some(batch) = self.session.next(&mut stream).await? {
            let records = RecordColumns::open(&batch, 0)?;
            for row in 0..batch.num_rows() {
                let service = services.known(records.service(row));
                table.add(records.text(row), records.record(row, service));
            }
            reservation
                .try_resize(table.bytes())
                .map_err(from_datafusion)?;
        }
        Ok(table)
    }
}

struct PatternWriter<'a> {
    services: &'a Services,
    has_baseline: bool,
    total: u64,
}

impl PatternWriter<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a share is a rounded number")]
    fn json(&self, Pattern { shape, tally }: &Pattern) -> Option<PatternJson> {
        let (first, last) = (tally.first?, tally.last?);
        let (services, service_count) = self.services.top(tally, MAX_SERVICES);
        Some(PatternJson {
            template: shape.template(),
            query: query_of(shape),
            count: tally.count,
            share: tally.count as f64 / self.total.max(1) as f64,
            new: self.has_baseline.then_some(tally.baseline_count == 0),
            baseline_count: self.has_baseline.then_some(tally.baseline_count),
            first_seen: format_time(first.time_ns),
            last_seen: format_time(last.time_ns),
            levels: LEVELS
                .iter()
                .filter_map(|level| Some(((*level).to_owned(), (*tally.levels.get(level)?).into())))
                .collect(),
            services,
            service_count,
            counts: tally.counts.clone(),
            sample_id: last.record_id.to_string(),
            sample_time_unix_nano: last.time_ns.to_string(),
        })
    }
}

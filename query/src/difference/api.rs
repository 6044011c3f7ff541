//! `GET /api/v1/spans/difference` and `GET /api/v1/logs/difference`.

use axum::Json;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::{Expr, lit, not, when};
use datafusion::prelude::{coalesce, col};
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, Table, TimeRange};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::count::{Counts, Difference};
use super::score::share;
use crate::QueryEngine;
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::failure::from_datafusion;
use crate::language::{self, level_name, level_rank_expr};
use crate::listing::in_range;
use crate::openapi::ReadErrors;
use crate::openapi::words::SearchQuery;
use crate::parameters::{QueryParameter, RangeParameters, TimeParameter, limit, time_range};
use crate::session::QuerySession;
use crate::table::map_columns;

const DEFAULT_LIMIT: usize = 30;
const MAX_LIMIT: usize = 500;
/// Columns compared beside attributes.
const SPAN_COLUMNS: &[&str] = &[
    "service_name",
    "name",
    "kind",
    "status_code",
    "status_message",
    "scope_name",
];
const LOG_COLUMNS: &[&str] = &["service_name", "event_name", "scope_name"];

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(spans))
        .routes(routes!(logs))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Given {
    /// The rows that those of `query` are compared with; without it all others of the range.
    #[param(value_type = Option<SearchQuery>)]
    baseline: Option<String>,
    /// Where the baseline begins. With this or the next, it is of that period, and matches `query` if there is no `baseline`.
    #[serde(default, deserialize_with = "optional")]
    baseline_start: Option<TimeParameter>,
    /// Where the baseline ends.
    #[serde(default, deserialize_with = "optional")]
    baseline_end: Option<TimeParameter>,
    /// How many values are shown.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 500, default = 30)]
    limit: Option<usize>,
}

/// What the rows of a selection have in common that others have not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Differences)]
struct Content {
    /// Rows.
    selection_count: u64,
    baseline_count: u64,
    /// The largest score first.
    differences: Vec<DifferenceJson>,
    /// Fields that were not compared: they have more than 1,000 values or long ones.
    left_out_fields: Vec<String>,
}

/// A value that is surely more frequent in the selection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
struct DifferenceJson {
    field: String,
    /// Null stands for rows without the field.
    #[schema(required)]
    value: Option<String>,
    /// Rows of the selection that have it.
    selection_count: u64,
    baseline_count: u64,
    /// 0 to 1.
    selection_share: f64,
    baseline_share: f64,
    /// One share by the other; null if no other row has the value.
    #[schema(required)]
    lift: Option<f64>,
    /// The least by which the two shares differ at 99.9 % confidence, 0 to 1.
    score: f64,
    /// What finds such rows; null if the value cannot be written in a query.
    #[schema(value_type = Option<SearchQuery>, required)]
    query: Option<String>,
}

type DifferenceAnswer = Answer<Content>;

fn example() -> serde_json::Value {
    serde_json::json!({
        "selection_count": 100, "baseline_count": 300,
        "differences": [{
            "field": "resource.host.name", "value": "node-9", "selection_count": 90, "baseline_count": 3, "selection_share": 0.9,
            "baseline_share": 0.01, "lift": 90.0, "score": 0.76, "query": "resource.host.name:\"node-9\"",
        }],
        "left_out_fields": ["attributes.request"],
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// The parameters of a request.
type Asked = (
    Parameters<QueryParameter>,
    Parameters<RangeParameters>,
    Parameters<Given>,
);

/// Which rows are on each side; true for a row of it.
struct Sides {
    selection: Expr,
    baseline: Expr,
}

/// What sets some spans apart.
///
/// Values that are surely more frequent among the spans that match `query` in the range. Attributes of all scopes,
/// service, name, kind and status are compared.
#[utoipa::path(
    get, path = "/api/v1/spans/difference", tag = "Failures", operation_id = "spans_difference",
    params(QueryParameter, RangeParameters, Given),
    responses((status = 200, description = "Values.", body = DifferenceAnswer, example = example), ReadErrors),
)]
async fn spans(state: ApiState, asked: Asked) -> Result<Json<DifferenceAnswer>, ApiError> {
    difference(&state, asked, Table::Spans).await
}

/// What sets some log records apart.
///
/// Values that are surely more frequent among the records that match `query` in the range. Attributes of all scopes,
/// service, event name and level are compared.
#[utoipa::path(
    get, path = "/api/v1/logs/difference", tag = "Failures", operation_id = "logs_difference",
    params(QueryParameter, RangeParameters, Given),
    responses((status = 200, description = "Values.", body = DifferenceAnswer, example = example), ReadErrors),
)]
async fn logs(state: ApiState, asked: Asked) -> Result<Json<DifferenceAnswer>, ApiError> {
    difference(&state, asked, Table::Logs).await
}

async fn difference(
    state: &ApiState,
    (Parameters(which), Parameters(when), Parameters(given)): Asked,
    table: Table,
) -> Result<Json<DifferenceAnswer>, ApiError> {
    let limit = limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let asked = (&*which.query, when.range()?, &given);
    let session = state.begin().await?;
    let sides = Sides::of(&session, asked, table).await?;
    session.note_skipped(table, TimeRange::ALL);
    let counts = count(&session, table, sides).await?;
    if counts.lacks_fields {
        session.note_incomplete("there are too many fields; some are not compared");
    }
    let [selection, baseline] = counts.rows;
    let (found, left_out_fields) = counts.differences(limit);
    let content = Content {
        selection_count: selection,
        baseline_count: baseline,
        differences: found
            .into_iter()
            .map(|found| json(found, selection, baseline))
            .collect(),
        left_out_fields,
    };
    Ok(Json(Answer::new(&session, content)))
}

impl Sides {
    async fn of(
        session: &QuerySession,
        (query, range, given): (&str, TimeRange, &Given),
        table: Table,
    ) -> Result<Self> {
        let time = table.time_column();
        let matching = async |text: &str, range: TimeRange| {
            language::condition(session, &language::parse(text)?, table, range).await
        };
        let selected = matching(query, range).await?;
        let selection = in_range(time, range).and(selected.clone());
        let other_time = given.baseline_start.is_some() || given.baseline_end.is_some();
        let range = if other_time {
            time_range(given.baseline_start, given.baseline_end)
                .map_err(|_| Error::invalid("`baseline_end` is before `baseline_start`"))?
        } else {
            range
        };
        let baseline = match &given.baseline {
            Some(text) => matching(text, range).await?,
            None if other_time => matching(query, range).await?,
            None if language::parse(query)?.is_everything() => {
                return Err(Error::invalid("there is nothing to compare with").with_hint(
                    "give a `query` for the selection, or a `baseline`, or `baseline_start` and `baseline_end`",
                ));
            }
            // Null where a field is not there, and then the row is not selected.
            None => not(coalesce(vec![selected, lit(false)])),
        };
        Ok(Self {
            selection,
            baseline: in_range(time, range).and(baseline),
        })
    }
}

async fn count(session: &QuerySession, table: Table, sides: Sides) -> Result<Counts> {
    let side = |condition: Expr, name: &str| {
        let condition = when(condition, lit(true)).otherwise(lit(false));
        Ok::<Expr, Error>(condition.map_err(from_datafusion)?.alias(name))
    };
    let mut columns = vec![
        side(sides.selection.clone(), "in_selection")?,
        side(sides.baseline.clone(), "in_baseline")?,
    ];
    match table {
        Table::Spans => columns.extend(SPAN_COLUMNS.iter().map(|name| col(*name))),
        Table::Logs => {
            columns.extend(LOG_COLUMNS.iter().map(|name| col(*name)));
            columns.push(level()?.alias("level"));
        }
    }
    columns.extend(map_columns(table).map(col));
    let frame = session
        .table(table)
        .await?
        .filter(sides.selection.or(sides.baseline))
        .and_then(|frame| frame.select(columns))
        .map_err(from_datafusion)?;
    let pool = &session.context().runtime_env().memory_pool;
    let reservation = MemoryConsumer::new("values of both sides").register(pool);
    let mut counts = Counts::default();
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        counts.add(&batch)?;
        reservation
            .try_resize(counts.bytes())
            .map_err(from_datafusion)?;
    }
    Ok(counts)
}

/// The name of a record's level.
fn level() -> Result<Expr> {
    let rank = level_rank_expr().map_err(from_datafusion)?;
    let mut names = when(rank.clone().eq(lit(1_i32)), lit(level_name(1)));
    for other in 2..=6 {
        names = names.when(rank.clone().eq(lit(other)), lit(level_name(other)));
    }
    names.otherwise(lit(level_name(0))).map_err(from_datafusion)
}

fn json(found: Difference, selection: u64, baseline: u64) -> DifferenceJson {
    let [selected, other] = found.rows;
    let (selection_share, baseline_share) = (share(selected, selection), share(other, baseline));
    DifferenceJson {
        query: match &found.value {
            None => Some(format!("NOT has:{}", found.field)),
            // What cannot be quoted is not written as a query.
            Some(value) if value.contains(['"', '\\']) || value.is_empty() => None,
            Some(value) => Some(format!("{}:\"{value}\"", found.field)),
        },
        field: found.field,
        value: found.value,
        selection_count: selected,
        baseline_count: other,
        selection_share,
        baseline_share,
        lift: (other > 0).then(|| selection_share / baseline_share),
        score: found.score,
    }
}

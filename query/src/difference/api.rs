//! `GET /api/v1/spans/difference` and `GET /api/v1/logs/difference`.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::{Expr, lit, not, when};
use datafusion::prelude::{coalesce, col};
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, Table, TimeRange};

use super::count::{Counts, Difference};
use super::score::share;
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::failure::from_datafusion;
use crate::language::{self, level_name, level_rank_expr};
use crate::listing::in_range;
use crate::parameters::{self, TimeParameter, time_range};
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
pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/spans/difference", get(spans))
        .route("/api/v1/logs/difference", get(logs))
}

#[derive(Debug, Deserialize)]
struct Given {
    #[serde(default)]
    query: String,
    baseline: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    start: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    end: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    baseline_start: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    baseline_end: Option<TimeParameter>,
    #[serde(default, deserialize_with = "optional")]
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Content {
    selection_count: u64,
    baseline_count: u64,
    differences: Vec<DifferenceJson>,
    left_out_fields: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DifferenceJson {
    field: String,
    value: Option<String>,
    selection_count: u64,
    baseline_count: u64,
    selection_share: f64,
    baseline_share: f64,
    lift: Option<f64>,
    score: f64,
    query: Option<String>,
}

/// Which rows are on each side; true for a row of it.
struct Sides {
    selection: Expr,
    baseline: Expr,
}

async fn spans(
    state: State<ApiState>,
    given: Parameters<Given>,
) -> Result<Json<Answer<Content>>, ApiError> {
    difference(state, given, Table::Spans).await
}

async fn logs(
    state: State<ApiState>,
    given: Parameters<Given>,
) -> Result<Json<Answer<Content>>, ApiError> {
    difference(state, given, Table::Logs).await
}

async fn difference(
    State(state): State<ApiState>,
    Parameters(given): Parameters<Given>,
    table: Table,
) -> Result<Json<Answer<Content>>, ApiError> {
    let limit = parameters::limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let session = state.begin().await?;
    let sides = Sides::of(&session, &given, table).await?;
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
    async fn of(session: &QuerySession, given: &Given, table: Table) -> Result<Self> {
        let time = table.time_column();
        let matching = async |text: &str, range: TimeRange| {
            language::condition(session, &language::parse(text)?, table, range).await
        };
        let range = time_range(given.start, given.end)?;
        let selected = matching(&given.query, range).await?;
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
            None if other_time => matching(&given.query, range).await?,
            None if language::parse(&given.query)?.is_everything() => {
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

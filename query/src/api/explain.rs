//! `GET /api/v1/explain`: what a search reads, and why.

use axum::Json;
use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;
use serde::{Deserialize, Serialize};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, Result, Table, TimeRange, TraceId};
use utoipa::ToSchema;

use super::request::{Parameters, optional};
use super::{Answer, ApiError, ApiState, logs};
use crate::explain::Scan;
use crate::failure::from_datafusion;
use crate::language;
use crate::listing::{Listing, Patience, in_range};
use crate::openapi::ReadErrors;
use crate::openapi::words::{SearchQuery, TableName};
use crate::parameters::{Order, QueryParameter, RangeParameters, limit};
use crate::session::QuerySession;
use crate::trace::{TraceSearch, find_traces, summarize};
use crate::traceql::{self, TraceqlSearch};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainParameters {
    /// `logs`, unless said otherwise, or `spans`; with `traceql` it is `spans` unless said otherwise.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<TableName>)]
    table: Option<Table>,
    /// What is searched is traces for which this TraceQL query leaves a span, or (`table` is `logs`) the records of them.
    #[param(example = "{ status = error }")]
    traceql: Option<String>,
    /// With `traceql`: what a log record of the trace must match.
    #[param(value_type = Option<SearchQuery>)]
    logs: Option<String>,
    /// Whether the search is run, as the first page of the list of logs or of traces is made.
    #[serde(default, deserialize_with = "optional")]
    analyze: Option<bool>,
    /// With `analyze`: how many records or traces the page has.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
}

/// What is read for a search.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explained)]
pub(super) struct Explained {
    /// In the order in which they were planned: first those of `trace:(…)` and `logs:(…)`.
    scans: Vec<Scan>,
    limits: Limits,
}

/// What one query may take, whatever it asks for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueryLimits)]
struct Limits {
    /// How long it may take, waiting included; then it is answered 504.
    timeout_ms: u64,
    /// Working memory; a query that needs more is answered 413.
    memory_bytes: usize,
}

type ExplainedAnswer = Answer<Explained>;

fn example() -> serde_json::Value {
    let step = |step: &str, files: u64, rows: u64, bytes: u64, detail: &str| {
        serde_json::json!({
            "step": step, "files": files, "row_groups": null, "pages": null, "rows": rows, "bytes": bytes,
            "read_bytes": null, "elapsed_ns": null, "detail": detail,
        })
    };
    serde_json::json!({
        "scans": [{"table": "logs", "ran": false, "steps": [
            step("snapshot", 40, 400_000, 40_000_000, ""),
            step("time", 8, 80_000, 8_000_000, "from 2023-01-29T08:00:00.000000000Z"),
            step("services", 3, 30_000, 3_000_000, "service_name is `checkout`"),
        ]}],
        "limits": {"timeout_ms": 60_000, "memory_bytes": 536_870_912},
        "complete": true, "incomplete_reasons": [], "elapsed_ms": 3, "snapshot": 17, "scanned_bytes": 70_000,
    })
}

/// What a search reads, and why.
///
/// Of each scan the steps, with the files, rows and bytes that are left after each: time range, services, index, what is deleted, row groups
/// and pages of Parquet, rows in memory. Without `analyze` the search is only planned, for all rows that match; what is measured then is null.
/// Of a TraceQL query it is planned how traces are found that may match; what is read of them is known once they are.
#[utoipa::path(
    get, path = "/api/v1/explain", tag = "Running queries", operation_id = "explain",
    params(QueryParameter, RangeParameters, ExplainParameters),
    responses((status = 200, description = "The scans.", body = ExplainedAnswer, example = example), ReadErrors),
)]
pub(super) async fn explain(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<ExplainParameters>,
) -> Result<Json<ExplainedAnswer>, ApiError> {
    let sought = Sought::of(&which, &given)?;
    let asked = Asked {
        range: when.range()?,
        limit: limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
        analyze: given.analyze.unwrap_or(false),
    };
    let session = state.begin().await?;
    session.explain();
    match &sought {
        Sought::Logs { query, of_traces } => {
            let filter = logs::condition(&session, query, of_traces.as_ref(), asked.range).await?;
            explain_logs(&session, &asked, filter).await?;
        }
        Sought::Spans(query) => {
            let filter = language::condition(&session, query, Table::Spans, asked.range).await?;
            explain_spans(&session, &asked, filter).await?;
        }
        Sought::Traces(traceql) => explain_traceql(&session, &asked, traceql).await?,
    }
    session.note_skipped(sought.table(), asked.range);
    let scans = session.scans().unwrap_or_default();
    let options = session.options();
    let limits = Limits {
        timeout_ms: u64::try_from(options.timeout.as_millis()).unwrap_or(u64::MAX),
        memory_bytes: options.memory_bytes,
    };
    Ok(Json(Answer::new(&session, Explained { scans, limits })))
}

/// What is searched.
enum Sought {
    /// Log records; of traces that a TraceQL query leaves, if there is one.
    Logs {
        query: language::Query,
        of_traces: Option<traceql::Query>,
    },
    /// Traces by a span that matches.
    Spans(language::Query),
    /// Traces by a TraceQL query.
    Traces(traceql::Asked),
}

/// Where, and how much of it.
struct Asked {
    range: TimeRange,
    limit: usize,
    analyze: bool,
}

impl Sought {
    fn of(which: &QueryParameter, given: &ExplainParameters) -> Result<Self, ApiError> {
        let (traceql, logs) = (given.traceql.as_deref(), given.logs.as_deref());
        let usual = match traceql {
            Some(_) => Table::Spans,
            None => Table::Logs,
        };
        let table = given.table.unwrap_or(usual);
        if table == Table::Spans
            && let Some(asked) = traceql::Asked::of(traceql, &which.query, logs)?
        {
            return Ok(Self::Traces(asked));
        }
        let query = which.of(table)?;
        match table {
            Table::Spans => Ok(Self::Spans(query)),
            Table::Logs if logs.is_some() => {
                let error = Error::invalid("`logs` is for a search of traces, and this is of logs");
                Err(error
                    .with_hint("write it in `query`, or `table=spans`")
                    .into())
            }
            Table::Logs => Ok(Self::Logs {
                query,
                of_traces: traceql.map(traceql::parse).transpose()?,
            }),
        }
    }

    fn table(&self) -> Table {
        match self {
            Self::Logs { .. } => Table::Logs,
            Self::Spans(_) | Self::Traces(_) => Table::Spans,
        }
    }
}

async fn explain_logs(session: &QuerySession, asked: &Asked, filter: Expr) -> Result<()> {
    if !asked.analyze {
        return plan(session, Table::Logs, asked.range, filter).await;
    }
    let listing = Listing {
        session,
        table: Table::Logs,
        range: asked.range,
        order: Order::Desc,
        filter,
        after: None,
    };
    // One more than is shown, as the list does it.
    listing.first(asked.limit + 1).await?;
    Ok(())
}

async fn explain_spans(session: &QuerySession, asked: &Asked, filter: Expr) -> Result<()> {
    if !asked.analyze {
        return plan(session, Table::Spans, asked.range, filter).await;
    }
    let search = TraceSearch {
        condition: filter,
        range: asked.range,
        limit: asked.limit,
        after: None,
        patience: Patience::default(),
    };
    let found = find_traces(session, &search).await?;
    summarize(session, &found.ids, search.whole_condition()).await?;
    Ok(())
}

async fn explain_traceql(
    session: &QuerySession,
    asked: &Asked,
    traceql: &traceql::Asked,
) -> Result<()> {
    let search = TraceqlSearch {
        query: &traceql.query,
        range: asked.range,
        limit: asked.limit,
        spans_per_set: 1,
        after: None,
        condition: traceql.condition(session, asked.range).await?,
    };
    if !asked.analyze {
        return traceql::plan(session, &search).await;
    }
    let found = traceql::find(session, &search).await?;
    let ids: Vec<TraceId> = found.traces.iter().map(|trace| trace.id).collect();
    summarize(session, &ids, lit(true)).await?;
    Ok(())
}

/// Plans to read where all rows are that match.
async fn plan(session: &QuerySession, table: Table, range: TimeRange, filter: Expr) -> Result<()> {
    let time = table.time_column();
    let rows = session.table(table).await?;
    let rows = rows
        .filter(in_range(time, range).and(filter))
        .and_then(|rows| rows.select_columns(&[time, RECORD_ID]))
        .map_err(from_datafusion)?;
    session.planned(rows).await.map(drop)
}

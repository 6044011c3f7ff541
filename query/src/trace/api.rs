//! `GET /api/v1/traces` and `GET /api/v1/traces/{trace_id}`.

use arrow::record_batch::RecordBatch;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{col, lit};
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind, Result, Table, TimeRange, TraceId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::assemble::assemble;
use super::compare;
use super::load::{LoadedTrace, MAX_SPANS, load_trace, trace_id_of};
use super::search::{Place, TraceSearch, find_traces};
use super::summary::summarize;
use super::timeline::{Analysis, Include, LogCounts, Timeline};
use super::window;
use crate::QueryEngine;
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::failure::from_datafusion;
use crate::language;
use crate::listing::Patience;
use crate::openapi::words::{Cursor, SearchQuery, TraceIdText};
use crate::openapi::{NotFound, ReadErrors};
use crate::otlp::{integers, strings, write_traces_data};
use crate::parameters::{
    Order, QueryParameter, RangeParameters, allowed, decode_cursor, included, limit,
};
use crate::session::{Outcome, QuerySession};
use crate::traceql::{self, TraceqlSearch};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1_000;
/// Spans shown of a spanset.
const DEFAULT_SPANS: usize = 3;
const MAX_SPANS_SHOWN: usize = 100;

mod page;
mod schema;

pub(crate) use page::{TracePage, write_page};

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<QueryEngine> {
    OpenApiRouter::default()
        .routes(routes!(search))
        .routes(routes!(compare::compare))
        .routes(routes!(one_trace))
        .routes(routes!(window::api::timeline))
        .routes(routes!(window::find::find))
        .routes(routes!(window::logs::logs))
}

/// An answer that is JSON already.
pub(crate) fn json_response(json: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OneTrace {
    /// `otlp`, unless said otherwise, or `timeline`: the assembled tree.
    #[param(inline)]
    view: Option<View>,
    /// Adds to the tree what takes reading other traces: `percentiles`, `linked_from`, or both with a comma between.
    #[serde(default)]
    #[param(example = "percentiles,linked_from")]
    include: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum View {
    Otlp,
    Timeline,
}

/// A trace, as it came in or as a tree.
///
/// As OTLP JSON it is exactly what came in, with spans in the order of arrival, grouped by identical resource and scope,
/// retries once; an error if a part of it cannot be read now (503) or if it has more than 200,000 spans (413).
/// As a timeline more than 200,000 spans are cut off, with `"complete": false`. There a client and a server span that
/// share one id (Zipkin) are two spans: the server half is the child of the client half and takes the children.
#[utoipa::path(
    get, path = "/api/v1/traces/{trace_id}", tag = "Traces", operation_id = "trace",
    params(("trace_id" = TraceIdText, Path, description = "In either case."), OneTrace),
    responses(
        (status = 200, description = "The trace.", body = schema::OneTrace, examples(
            ("otlp" = (summary = "As it came in", value = json!(schema::otlp_example()))),
            ("timeline" = (summary = "view=timeline", value = json!(schema::timeline_example()))),
        )),
        ReadErrors, NotFound,
    ),
)]
async fn one_trace(
    state: ApiState,
    Path(trace_id): Path<String>,
    Parameters(given): Parameters<OneTrace>,
) -> Result<Response, ApiError> {
    let id = trace_id_of(&trace_id)?;
    let view = given.view.unwrap_or(View::Otlp);
    let [percentiles, linked_from] = included(&given.include, ["percentiles", "linked_from"])?;
    let include = Include {
        percentiles,
        linked_from,
    };
    let session = state.begin().await?;
    if view == View::Otlp {
        // `TracesData` has no place for more, so what is missing is an error here.
        let trace = load_whole(&session, id).await?;
        return Ok(json_response(write_traces_data(trace.spans())));
    }
    let trace = load_trace(&session, id)
        .await?
        .ok_or_else(|| not_found(&session, id))?;
    let logs = count_logs(&session, id).await?;
    let nodes = trace.nodes();
    let tree = assemble(&nodes);
    let analysis = Analysis::of(&session, id, &trace, &nodes, &tree, include).await?;
    let timeline = Timeline {
        trace_id: id,
        trace: &trace,
        nodes: &nodes,
        tree: &tree,
        logs: &logs,
        analysis: &analysis,
    };
    Ok(json_response(timeline.write(&session.outcome())))
}

/// A trace that is there and can be read whole, or the error that says why not.
pub(crate) async fn load_whole(session: &QuerySession, id: TraceId) -> Result<LoadedTrace> {
    let trace = load_trace(session, id)
        .await?
        .ok_or_else(|| not_found(session, id))?;
    let outcome = session.outcome();
    if outcome.complete {
        Ok(trace)
    } else {
        Err(incomplete(id, &trace, &outcome))
    }
}

/// No span of the trace is stored, as far as can be read.
pub(super) fn not_found(session: &QuerySession, id: TraceId) -> Error {
    let error = Error::new(
        ErrorKind::NotFound,
        format!("no span of trace `{id}` is stored"),
    );
    let error = error
        .with_hint("check the id; its spans may not have been sent yet, or may be past retention");
    unless_missing(session, error)
}

/// The error that something is not there, unless it may be in what cannot be read: then that it cannot be known.
pub(super) fn unless_missing(session: &QuerySession, not_there: Error) -> Error {
    let outcome = session.outcome();
    if outcome.complete {
        return not_there;
    }
    let reasons = outcome.incomplete_reasons.join("; ");
    let message = format!(
        "{} in what can be read, and not all can be: {reasons}",
        not_there.message()
    );
    Error::new(ErrorKind::Unavailable, message).with_hint(
        "`spoor check` says what is broken, and `spoor check --repair` what can be saved of it",
    )
}

/// Why a trace cannot be given whole: because it never can, or because of what is wrong now.
fn incomplete(id: TraceId, trace: &LoadedTrace, outcome: &Outcome) -> Error {
    let kind = match trace.len() + trace.collapsed {
        MAX_SPANS.. => ErrorKind::TooLarge,
        _ => ErrorKind::Unavailable,
    };
    let reasons = outcome.incomplete_reasons.join("; ");
    Error::new(
        kind,
        format!("trace `{id}` cannot be given whole: {reasons}"),
    )
    .with_hint("`?view=timeline` shows the part that can be read")
}

async fn count_logs(session: &QuerySession, id: TraceId) -> Result<LogCounts> {
    let of_trace = col("trace_id").eq(lit(id.to_string()));
    let few = session.few(Table::Logs, &of_trace, (Order::Desc, usize::MAX));
    if let Some(few) = few.await? {
        return counts_of(&few.columns(&["span_id"]).await?);
    }
    let frame = session
        .table(Table::Logs)
        .await?
        .filter(of_trace)
        .and_then(|frame| {
            frame.aggregate(vec![col("span_id")], vec![count(lit(1_i64)).alias("logs")])
        })
        .map_err(from_datafusion)?;
    let mut counts = LogCounts::default();
    for batch in session.collect(frame).await? {
        let (spans, logs) = (strings(batch.column(0))?, integers(batch.column(1))?);
        for row in 0..batch.num_rows() {
            let number = logs.value(row).cast_unsigned();
            counts.total += number;
            // A log may belong to the trace and to no span.
            if let Ok(span) = spans.value(row).parse() {
                counts.of_span.insert(span, number);
            }
        }
    }
    Ok(counts)
}

/// As [`count_logs`], of the ids of their spans.
fn counts_of(logs: &[RecordBatch]) -> Result<LogCounts> {
    let mut counts = LogCounts::default();
    for batch in logs {
        for span in &strings(batch.column(0))? {
            counts.total += 1;
            if let Some(Ok(span)) = span.map(str::parse) {
                *counts.of_span.entry(span).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// In the place of `query`: traces for which this TraceQL query leaves a span.
    #[param(example = "{ resource.service.name = \"cart\" && status = error } | count() > 2")]
    traceql: Option<String>,
    /// With `traceql`: what a log record of the trace must match.
    #[param(value_type = Option<SearchQuery>)]
    logs: Option<String>,
    /// With `traceql`: how many spans of a spanset are shown.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 100, default = 3)]
    spans_per_set: Option<usize>,
    /// How many traces a page has.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 20)]
    limit: Option<usize>,
    /// Where to go on.
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
    /// How long to wait, once there are some traces, for those that are missing; not with `traceql`. By then the answer may be `partial`.
    #[serde(default, deserialize_with = "optional")]
    patience_ms: Option<u64>,
}

type TracesAnswer = Answer<schema::Page>;

impl Search {
    fn after(&self) -> Result<Option<Place>> {
        self.cursor.as_deref().map(decode_cursor).transpose()
    }
}

/// Traces with a span that matches.
///
/// The newest match first. With `traceql`, traces for which the query leaves a span that starts in the range.
#[utoipa::path(
    get, path = "/api/v1/traces", tag = "Traces", operation_id = "traces",
    params(QueryParameter, RangeParameters, Search),
    responses((status = 200, description = "A page of traces.", body = TracesAnswer, example = schema::example), ReadErrors),
)]
async fn search(
    state: ApiState,
    Parameters(which): Parameters<QueryParameter>,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<Search>,
) -> Result<Response, ApiError> {
    let range = when.range()?;
    let (traceql, logs) = (given.traceql.as_deref(), given.logs.as_deref());
    if let Some(asked) = traceql::Asked::of(traceql, &which.query, logs)? {
        if given.patience_ms.is_some() {
            let error = Error::invalid("`patience_ms` is for a `query`, and this is `traceql`");
            return Err(error.with_hint("leave it out").into());
        }
        return search_traceql(&state, &asked, range, &given).await;
    }
    let query = which.of(Table::Spans)?;
    let limit = limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = given.after()?;
    let session = state.begin().await?;
    let search = TraceSearch {
        condition: language::condition(&session, &query, Table::Spans, range).await?,
        range,
        limit,
        after,
        patience: Patience::of(given.patience_ms),
    };
    let found = find_traces(&session, &search).await?;
    let summaries = summarize(&session, &found.ids, search.whole_condition()).await?;
    let page = TracePage {
        ids: &found.ids,
        summaries: &summaries,
        next: found.next.as_ref(),
        partial: found.partial,
    };
    Ok(write_page(&session, &page, |_, _| {})?)
}

/// As [`search`], with the conditions in TraceQL.
async fn search_traceql(
    state: &ApiState,
    asked: &traceql::Asked,
    range: TimeRange,
    given: &Search,
) -> Result<Response, ApiError> {
    let mut wanted = TraceqlSearch {
        query: &asked.query,
        range,
        limit: limit(given.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
        spans_per_set: allowed(
            "spans_per_set",
            given.spans_per_set,
            DEFAULT_SPANS,
            1..=MAX_SPANS_SHOWN,
        )?,
        after: given.after()?,
        condition: None,
    };
    let session = state.begin().await?;
    wanted.condition = asked.condition(&session, wanted.range).await?;
    Ok(traceql::answer(&session, &wanted).await?)
}

//! `GET /api/v1/traces/{trace_id}/timeline/find`: where in the tree spans are.

use axum::extract::Path;
use axum::response::Response;
use datafusion::prelude::{col, lit};
use serde::Deserialize;
use spoor_storage::{Error, Result, SpanId, Table, TimeRange, TraceId};

use super::load::{COLUMNS, SlimRow, slim_rows};
use super::request::{GroupParameters, check_place, stored_trace};
use super::rows::{Clock, Window};
use super::schema;
use super::stored::StoredSpan;
use super::whole::WholeTrace;
use super::write::{optional_count, write_path, write_rows};
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::failure::from_datafusion;
use crate::language;
use crate::openapi::words::{SearchQuery, SpanIdText, TraceIdText};
use crate::openapi::{NotFound, ReadErrors};
use crate::otlp::JsonWriter;
use crate::parameters::{included, limit};
use crate::session::{Outcome, QuerySession};
use crate::trace::api::json_response;
use crate::trace::load::trace_id_of;
use crate::trace::write_outcome;

const DEFAULT_MATCHES: usize = 1_000;
const MAX_MATCHES: usize = 10_000;
/// Rows of a path; of a deeper one the lowest.
const MAX_PATH: usize = 10_000;
/// Rows of matches, if they are asked for.
const MAX_MATCH_ROWS: usize = 100;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::trace) struct Given {
    /// Finds the spans with this id; two halves of a call may share it.
    #[param(value_type = Option<SpanIdText>)]
    span_id: Option<String>,
    /// Finds the span at this place; without this and the others the first one.
    #[serde(default, deserialize_with = "optional")]
    span_index: Option<usize>,
    /// Finds the spans that match.
    #[param(value_type = Option<SearchQuery>)]
    query: Option<String>,
    /// Only those after this place, in the order of the tree.
    #[serde(default, deserialize_with = "optional")]
    after: Option<usize>,
    /// Only those before this place, the nearest first.
    #[serde(default, deserialize_with = "optional")]
    before: Option<usize>,
    /// How many of them are told.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<usize>,
    /// `rows` adds the rows of the first 100 that are told, `span` all that is stored of the first of them.
    #[serde(default)]
    #[param(example = "span")]
    include: String,
}

/// What is looked for.
enum Wanted {
    Id(SpanId),
    Place(usize),
    Matching(language::Query),
}

impl Given {
    fn wanted(&self) -> Result<Wanted, ApiError> {
        match (&self.span_id, self.span_index, &self.query) {
            (Some(id), None, None) => {
                let id = id.parse::<SpanId>();
                let hint = "a span id is 16 hexadecimal digits";
                Ok(Wanted::Id(id.map_err(|error| error.with_hint(hint))?))
            }
            (None, place, None) => Ok(Wanted::Place(place.unwrap_or_default())),
            (None, None, Some(text)) => {
                let query = language::parse(text)?;
                language::check(&query, Table::Spans)?;
                Ok(Wanted::Matching(query))
            }
            _ => {
                let what = "only one of `span_id`, `span_index` and `query` can say what to find";
                Err(Error::invalid(what)
                    .with_hint("leave the others out")
                    .into())
            }
        }
    }

    /// The matches that are asked for, of all of them.
    fn page(&self, places: &[usize], most: usize) -> Vec<usize> {
        if let Some(before) = self.before {
            let end = places.partition_point(|place| *place < before);
            return places[..end].iter().rev().take(most).copied().collect();
        }
        let start = self
            .after
            .map_or(0, |after| places.partition_point(|place| *place <= after));
        places[start..].iter().take(most).copied().collect()
    }
}

type FoundAnswerJson = Answer<schema::FoundJson>;

/// Where in the tree of a trace spans are.
///
/// By id, by place or by a search; of the first of those that are told also the way to it.
#[utoipa::path(
    get, path = "/api/v1/traces/{trace_id}/timeline/find", tag = "Traces", operation_id = "trace_timeline_find",
    params(("trace_id" = TraceIdText, Path, description = "In either case."), Given, GroupParameters),
    responses((status = 200, description = "Places.", body = FoundAnswerJson, example = schema::found_example), ReadErrors, NotFound),
)]
pub(in crate::trace) async fn find(
    state: ApiState,
    Path(trace_id): Path<String>,
    Parameters(given): Parameters<Given>,
    Parameters(groups): Parameters<GroupParameters>,
) -> Result<Response, ApiError> {
    let id = trace_id_of(&trace_id)?;
    let most = limit(given.limit, DEFAULT_MATCHES, MAX_MATCHES)?;
    let wanted = given.wanted()?;
    let [rows, span] = included(&given.include, ["rows", "span"])?;
    if given.after.is_some() && given.before.is_some() {
        let error = Error::invalid("`after` and `before` cannot be given both");
        return Err(error.with_hint("leave one of them out").into());
    }
    let window = Window {
        similar: groups.open()?,
        ..Window::of_all(Clock::Raw)
    };
    let session = state.begin().await?;
    let trace = stored_trace(&session, id).await?;
    let places = match wanted {
        Wanted::Id(span) => trace.places_of(span).collect(),
        Wanted::Place(place) => {
            check_place(&trace, "span_index", place)?;
            vec![place]
        }
        Wanted::Matching(query) => matching(&session, id, &trace, &query).await?,
    };
    let told = given.page(&places, most);
    let rows = rows.then(|| &told[..told.len().min(MAX_MATCH_ROWS)]);
    let stored = match told.first().filter(|_| span) {
        Some(first) => StoredSpan::of(&session, id, &trace, *first).await?,
        None => None,
    };
    let found = Found {
        places: &places,
        told: &told,
        rows,
        tells_span: span,
        span: stored,
    };
    let answer = found.write(id, &trace, &window, &session.outcome());
    Ok(json_response(answer))
}

/// The places of the spans that match, ascending.
async fn matching(
    session: &QuerySession,
    id: TraceId,
    trace: &WholeTrace,
    query: &language::Query,
) -> Result<Vec<usize>, ApiError> {
    let condition = language::condition(session, query, Table::Spans, TimeRange::ALL).await?;
    let frame = session
        .table(Table::Spans)
        .await?
        .filter(col("trace_id").eq(lit(id.to_string())))
        .and_then(|frame| frame.filter(condition))
        .and_then(|frame| frame.select_columns(&COLUMNS))
        .map_err(from_datafusion)?;
    let mut matches = vec![false; trace.spans.len()];
    let mut stream = session.stream(frame).await?;
    while let Some(batch) = session.next(&mut stream).await? {
        slim_rows(&batch, |row| {
            for place in trace.places_of(row.node.span_id) {
                matches[place] |= is_row(trace, place, &row);
            }
            Ok(())
        })?;
    }
    let places = (0..matches.len()).filter(|place| matches[*place]);
    Ok(places.collect())
}

/// Whether a row of the table is the span at a place: the two halves of a call may share an id.
fn is_row(trace: &WholeTrace, place: usize, row: &SlimRow<'_>) -> bool {
    let span = &trace.spans[place];
    span.start_ns == row.node.start_ns
        && span.duration_ns == row.node.duration_ns
        && span.error == row.node.error
        && trace.is_operation(span, row.operation)
}

/// What was found.
struct Found<'a> {
    /// All of them, ascending.
    places: &'a [usize],
    /// Those that are told.
    told: &'a [usize],
    /// Those of which the rows are told too, if any are.
    rows: Option<&'a [usize]>,
    /// Whether all that is stored of the first is told, and what it is.
    tells_span: bool,
    span: Option<StoredSpan>,
}

impl Found<'_> {
    fn write(
        &self,
        id: TraceId,
        trace: &WholeTrace,
        window: &Window,
        outcome: &Outcome,
    ) -> Vec<u8> {
        let first = self.told.first().copied();
        let before = first.map(|first| self.places.partition_point(|place| *place < first));
        let mut json = JsonWriter::new();
        json.begin_object();
        json.key("trace_id");
        json.hex(&id.0);
        json.key("span_count");
        json.count(trace.spans.len());
        json.key("matched_spans");
        json.count(self.places.len());
        json.key("matched_before");
        optional_count(&mut json, before);
        json.key("matches");
        json.list(self.told, |json, place| json.count(*place));
        json.key("path");
        write_path(&mut json, trace, window, first, MAX_PATH);
        if let Some(rows) = self.rows {
            json.key("rows");
            write_rows(&mut json, trace, rows);
        }
        if self.tells_span {
            json.key("span");
            match &self.span {
                Some(span) => span.write(&mut json, trace),
                None => json.null(),
            }
        }
        write_outcome(&mut json, outcome);
        json.end_object();
        json.finish()
    }
}

//! `GET /api/v1/traces/{trace_id}/timeline/find`: where in the tree spans are.

use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use spoor_storage::{Error, SpanId, TraceId};

use super::matching::{matching, search_of};
use super::request::{GroupParameters, check_place, stored_trace};
use super::rows::{Clock, Window};
use super::schema;
use super::stored::StoredSpan;
use super::whole::WholeTrace;
use super::write::{optional_count, write_path, write_rows};
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::language;
use crate::openapi::words::{SearchQuery, SpanIdText, TraceIdText};
use crate::openapi::{NotFound, ReadErrors};
use crate::otlp::JsonWriter;
use crate::parameters::{included, limit};
use crate::session::Outcome;
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
            (None, None, Some(text)) => Ok(Wanted::Matching(search_of(text)?)),
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
        Wanted::Matching(query) => {
            let matches = matching(&session, id, &trace, &query).await?;
            (0..matches.len()).filter(|place| matches[*place]).collect()
        }
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

//! `GET /api/v1/traces/{trace_id}/timeline`.

use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use spoor_storage::{Error, Result};
use utoipa::ToSchema;

use super::matching::{matching, search_of};
use super::request::{GroupParameters, check_place, stored_trace};
use super::rows::{Clock, Window, WindowRows};
use super::schema;
use super::told::Told;
use super::write::Answer as Written;
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::openapi::words::{SearchQuery, TraceIdText};
use crate::openapi::{NotFound, ReadErrors};
use crate::parameters::{included, limit};
use crate::trace::api::json_response;
use crate::trace::load::trace_id_of;

const DEFAULT_ROWS: usize = 500;
const MAX_ROWS: usize = 5_000;
const DEFAULT_DEPTH: usize = 50;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::trace) struct Given {
    /// Where the window begins, from the start of the trace.
    #[serde(default, deserialize_with = "optional")]
    from_ns: Option<i64>,
    /// Where it ends.
    #[serde(default, deserialize_with = "optional")]
    to_ns: Option<i64>,
    /// How many levels are shown at most.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, default = 50)]
    depth: Option<usize>,
    /// How many rows: as many levels are shown as have no more together.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 5_000, default = 500)]
    limit: Option<usize>,
    /// Narrows to the span of this `span_index` and what is below it.
    #[serde(default, deserialize_with = "optional")]
    under: Option<usize>,
    /// Goes on after this row; `next_after` of the answer before.
    #[serde(default, deserialize_with = "optional")]
    after: Option<usize>,
    /// Only spans that match are in the window. Similar siblings of which only some match, or have some below them that do, are
    /// rows of their own.
    #[param(value_type = Option<SearchQuery>)]
    query: Option<String>,
    /// Whether the window is of times as they were sent, or of those adjusted to the clock of the root.
    #[serde(default)]
    #[param(inline)]
    clock: ClockName,
    /// `analysis` adds what the answer says of the whole trace.
    #[serde(default)]
    #[param(example = "analysis")]
    include: String,
}

/// Whose clock the window is looked at by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ClockName {
    #[default]
    Raw,
    Adjusted,
}

impl Given {
    /// What is looked at. Errors if a parameter says nothing that can be.
    fn window(&self, groups: &GroupParameters) -> Result<Window> {
        if self.depth == Some(0) {
            return Err(Error::invalid(
                "`depth` is 0; it is how many levels are shown",
            ));
        }
        if matches!((self.from_ns, self.to_ns), (Some(from), Some(to)) if from > to) {
            return Err(Error::invalid("`to_ns` is before `from_ns`").with_hint("swap them"));
        }
        Ok(Window {
            from_ns: self.from_ns.unwrap_or(i64::MIN),
            to_ns: self.to_ns.unwrap_or(i64::MAX),
            clock: match self.clock {
                ClockName::Raw => Clock::Raw,
                ClockName::Adjusted => Clock::Adjusted,
            },
            under: self.under,
            after: self.after,
            depth: self.depth.unwrap_or(DEFAULT_DEPTH),
            limit: limit(self.limit, DEFAULT_ROWS, MAX_ROWS)?,
            similar: groups.open()?,
            only: None,
        })
    }
}

type WindowAnswerJson = Answer<schema::WindowJson>;

/// A window of the tree of a trace.
///
/// For traces of up to a million spans: the spans that are in the window, and those above them, without attributes. The
/// trace is kept in memory for the next window and is always as new as the newest span.
#[utoipa::path(
    get, path = "/api/v1/traces/{trace_id}/timeline", tag = "Traces", operation_id = "trace_timeline",
    params(("trace_id" = TraceIdText, Path, description = "In either case."), Given, GroupParameters),
    responses((status = 200, description = "Rows.", body = WindowAnswerJson, example = schema::example), ReadErrors, NotFound),
)]
pub(in crate::trace) async fn timeline(
    state: ApiState,
    Path(trace_id): Path<String>,
    Parameters(given): Parameters<Given>,
    Parameters(groups): Parameters<GroupParameters>,
) -> Result<Response, ApiError> {
    let id = trace_id_of(&trace_id)?;
    let mut window = given.window(&groups)?;
    let [analysis] = included(&given.include, ["analysis"])?;
    let wanted = given.query.as_deref().map(search_of).transpose()?;
    let session = state.begin().await?;
    let trace = stored_trace(&session, id).await?;
    if let Some(under) = window.under {
        check_place(&trace, "under", under)?;
    }
    // Given from the start of the trace; an end that is not given stays open.
    let start_ns = trace.extent.start_ns;
    if given.from_ns.is_some() {
        window.from_ns = window.from_ns.saturating_add(start_ns);
    }
    if given.to_ns.is_some() {
        window.to_ns = window.to_ns.saturating_add(start_ns);
    }
    if let Some(wanted) = &wanted {
        window.only = Some(matching(&session, id, &trace, wanted).await?);
    }
    let told = if analysis {
        Some(Told::of(&session, id, &trace).await?)
    } else {
        None
    };
    let rows = WindowRows::of(&trace, &window);
    let answer = Written {
        id,
        trace: &trace,
        told: told.as_ref(),
    };
    Ok(json_response(answer.write(&rows, &session.outcome())))
}

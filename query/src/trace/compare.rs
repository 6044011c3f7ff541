//! `GET /api/v1/traces/compare`: two traces laid over each other.
//!
//! ```text
//!  left  ─ assemble ─┐
//!                    ├─ align ─► groups: same service, operation and kind on the same path
//!  right ─ assemble ─┘
//! ```
//! A trace has no names for its spans that another would share but what they do and who called
//! them; so spans are compared in groups of the same path. Siblings that do the same are one group:
//! a loop of 40 queries against one of 3 is a difference in number, not 37 spans without a partner.

mod align;
mod attributes;
mod median;
mod schema;
mod write;

use axum::response::Response;
use serde::Deserialize;
use spoor_storage::{Error, Result, TraceId};

use super::api::{json_response, not_found};
use super::assemble::{SpanNode, Tree, assemble};
use super::load::{LoadedTrace, load_traces, trace_id_of};
use crate::api::{Answer, ApiError, ApiState, Parameters};
use crate::openapi::{NotFound, ReadErrors};
use crate::otlp::SpanRef;
use crate::session::QuerySession;
use median::Median;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Given {
    /// A trace id, or `median`: a trace as they usually are.
    #[serde(default)]
    #[param(required, example = "fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e")]
    left: String,
    /// As `left`; one of the two is a trace id.
    #[serde(default)]
    #[param(required, example = "median")]
    right: String,
}

type ComparisonAnswer = Answer<schema::TraceComparison>;

/// What a side is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Trace(TraceId),
    /// The trace in the middle of those of the other side's operation.
    Median,
}

/// One trace with its tree.
#[derive(Debug)]
struct Side {
    trace_id: TraceId,
    trace: LoadedTrace,
    nodes: Vec<SpanNode>,
    tree: Tree,
    start_ns: i64,
    /// How it was chosen, if nobody named it.
    median: Option<Median>,
}

/// Two traces laid over each other.
///
/// For `median`: among the traces that have the same root operation (service, name, kind), whose root did not fail, and that
/// start within a day of the other side (the newest 10,000), the nine around the median duration of the root are
/// taken, and of these the one in the middle by the duration of the whole trace. 404 if there is none.
#[utoipa::path(
    get, path = "/api/v1/traces/compare", tag = "Traces", operation_id = "traces_compare",
    params(Given),
    responses((status = 200, description = "Both sides.", body = ComparisonAnswer, example = schema::example), ReadErrors, NotFound),
)]
pub(super) async fn compare(
    state: ApiState,
    Parameters(given): Parameters<Given>,
) -> Result<Response, ApiError> {
    let wanted = wanted(&given)?;
    let session = state.begin().await?;
    let [left, right] = sides(&session, wanted).await?;
    let aligned = align::align(&left, &right);
    if aligned.left_out > 0 {
        session.note_incomplete(format!(
            "there are more than {} groups of spans; {} spans are left out",
            align::MAX_GROUPS,
            aligned.left_out
        ));
    }
    let json = write::write(&left, &right, &aligned, &session.outcome());
    Ok(json_response(json))
}

fn wanted(given: &Given) -> Result<[Wanted; 2]> {
    let side = |name: &str, text: &str| match text {
        "" => Err(Error::invalid(format!("`{name}` is missing"))
            .with_hint("give a trace id, or `median` for one of the two sides")),
        "median" => Ok(Wanted::Median),
        id => trace_id_of(id).map(Wanted::Trace),
    };
    let both = [side("left", &given.left)?, side("right", &given.right)?];
    if both == [Wanted::Median; 2] {
        return Err(Error::invalid("both sides are `median`")
            .with_hint("one side must be a trace: the median is that of its operation"));
    }
    Ok(both)
}

async fn sides(session: &QuerySession, wanted: [Wanted; 2]) -> Result<[Side; 2]> {
    let mut ids: Vec<TraceId> = wanted
        .iter()
        .filter_map(|side| match side {
            Wanted::Trace(id) => Some(*id),
            Wanted::Median => None,
        })
        .collect();
    ids.dedup();
    let mut loaded = load_traces(session, &ids).await?;
    let mut side_of = |id: TraceId, last: bool| {
        let trace = if last {
            loaded.remove(&id)
        } else {
            loaded.get(&id).cloned()
        };
        trace
            .map(|trace| Side::new(id, trace, None))
            .ok_or_else(|| not_found(session, id))
    };
    Ok(match wanted {
        [Wanted::Trace(left), Wanted::Trace(right)] => {
            [side_of(left, false)?, side_of(right, true)?]
        }
        [Wanted::Trace(left), _] => {
            let left = side_of(left, true)?;
            let right = median::of_operation(session, &left).await?;
            [left, right]
        }
        [_, Wanted::Trace(right)] => {
            let right = side_of(right, true)?;
            [median::of_operation(session, &right).await?, right]
        }
        [Wanted::Median, Wanted::Median] => {
            return Err(Error::internal("neither side of a comparison is a trace"));
        }
    })
}

// === impl Side ===

impl Side {
    fn new(trace_id: TraceId, trace: LoadedTrace, median: Option<Median>) -> Self {
        let nodes = trace.nodes();
        let tree = assemble(&nodes);
        Self {
            trace_id,
            start_ns: nodes
                .iter()
                .map(|node| node.start_ns)
                .min()
                .unwrap_or_default(),
            trace,
            nodes,
            tree,
            median,
        }
    }

    fn duration_ns(&self) -> i64 {
        let end_ns = self
            .nodes
            .iter()
            .map(|node| node.end_ns().max(node.start_ns))
            .max();
        end_ns.map_or(0, |end_ns| end_ns.saturating_sub(self.start_ns))
    }

    /// The earliest span without a parent, or else the earliest of those whose parent is missing;
    /// as its index among the spans.
    fn root(&self) -> Option<usize> {
        let roots = || self.tree.order.iter().filter(|placed| placed.depth == 0);
        roots()
            .find(|placed| !placed.missing_parent)
            .or_else(|| roots().next())
            .map(|placed| placed.span)
    }

    /// The span at a place of the tree.
    fn placed_span(&self, place: usize) -> SpanRef<'_> {
        self.trace.span(self.tree.order[place].span)
    }
}

#[cfg(test)]
mod tests;

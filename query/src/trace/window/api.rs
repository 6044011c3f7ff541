//! `GET /api/v1/traces/{trace_id}/timeline`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use spoor_storage::{Error, Result, TraceId};

use super::load::{SlimTrace, load_slim};
use super::{Window, WindowRows, schema};
use crate::api::{Answer, ApiError, ApiState, Parameters, optional};
use crate::openapi::words::TraceIdText;
use crate::openapi::{NotFound, ReadErrors};
use crate::otlp::JsonWriter;
use crate::parameters::limit;
use crate::session::Outcome;
use crate::trace::api::{json_response, not_found};
use crate::trace::assemble::{SpanNode, Tree, assemble};
use crate::trace::load::trace_id_of;
use crate::trace::write_outcome;

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
}

type WindowAnswerJson = Answer<schema::WindowJson>;

/// A window of the tree of a trace.
///
/// For traces of up to a million spans: the spans that are in the window, and those above them, without attributes.
#[utoipa::path(
    get, path = "/api/v1/traces/{trace_id}/timeline", tag = "Traces", operation_id = "trace_timeline",
    params(("trace_id" = TraceIdText, Path, description = "In either case."), Given),
    responses((status = 200, description = "Rows.", body = WindowAnswerJson, example = schema::example), ReadErrors, NotFound),
)]
pub(in crate::trace) async fn timeline(
    State(state): State<ApiState>,
    Path(trace_id): Path<String>,
    Parameters(given): Parameters<Given>,
) -> Result<Response, ApiError> {
    let id = trace_id_of(&trace_id)?;
    let rows = limit(given.limit, DEFAULT_ROWS, MAX_ROWS)?;
    if given.depth == Some(0) {
        return Err(Error::invalid("`depth` is 0; it is how many levels are shown").into());
    }
    if matches!((given.from_ns, given.to_ns), (Some(from), Some(to)) if from > to) {
        return Err(Error::invalid("`to_ns` is before `from_ns`")
            .with_hint("swap them")
            .into());
    }
    let session = state.begin().await?;
    let trace = load_slim(&session, id).await?;
    if trace.nodes.is_empty() {
        return Err(not_found(id).into());
    }
    let tree = assemble(&trace.nodes);
    if let Some(under) = given.under.filter(|under| *under >= tree.order.len()) {
        let error = Error::invalid(format!("the trace has no span at `under` {under}"));
        let hint = format!("it has {} spans, counted from 0", tree.order.len());
        return Err(error.with_hint(hint).into());
    }
    let start_ns = trace
        .nodes
        .iter()
        .map(|node| node.start_ns)
        .min()
        .unwrap_or_default();
    let window = Window {
        from_ns: given
            .from_ns
            .map_or(i64::MIN, |from| start_ns.saturating_add(from)),
        to_ns: given
            .to_ns
            .map_or(i64::MAX, |to| start_ns.saturating_add(to)),
        under: given.under,
        after: given.after,
        depth: given.depth.unwrap_or(DEFAULT_DEPTH),
        limit: rows,
    };
    let answer = WindowAnswer {
        id,
        trace: &trace,
        tree: &tree,
        start_ns,
    };
    let rows = WindowRows::of(&trace.nodes, &tree, window);
    Ok(json_response(answer.write(&rows, &session.outcome())))
}

/// What a window is written from.
pub(super) struct WindowAnswer<'a> {
    pub(super) id: TraceId,
    pub(super) trace: &'a SlimTrace,
    pub(super) tree: &'a Tree,
    pub(super) start_ns: i64,
}

impl WindowAnswer<'_> {
    pub(super) fn write(&self, found: &WindowRows, outcome: &Outcome) -> Vec<u8> {
        let nodes = &self.trace.nodes;
        let ends = nodes.iter().map(|node| node.end_ns().max(node.start_ns));
        let end_ns = ends.max().unwrap_or(self.start_ns);
        let levels = self.tree.order.iter().map(|placed| placed.depth + 1).max();
        let mut json = JsonWriter::with_capacity(found.rows.len() * 400);
        json.begin_object();
        json.key("trace_id");
        json.hex(&self.id.0);
        json.key("start_time_unix_nano");
        json.int_string(self.start_ns);
        json.key("duration_ns");
        json.int(end_ns.saturating_sub(self.start_ns));
        json.key("span_count");
        json.count(nodes.len());
        json.key("error_count");
        json.count(nodes.iter().filter(|node| node.error).count());
        json.key("depth");
        json.count(levels.unwrap_or_default());
        json.key("window");
        json.begin_object();
        json.key("span_count");
        json.count(found.span_count);
        json.key("error_count");
        json.count(found.error_count);
        json.key("depth");
        json.count(found.depth);
        json.end_object();
        json.key("next_after");
        match found.next_after {
            Some(after) => json.count(after),
            None => json.null(),
        }
        json.key("rows");
        json.begin_array();
        for row in &found.rows {
            json.begin_object();
            self.write_span(&mut json, row.place);
            json.key("hidden_span_count");
            json.count(row.hidden_spans);
            json.key("hidden_error_count");
            json.count(row.hidden_errors);
            json.end_object();
        }
        json.end_array();
        write_outcome(&mut json, outcome);
        json.end_object();
        json.finish()
    }

    fn write_span(&self, json: &mut JsonWriter, place: usize) {
        let placed = &self.tree.order[place];
        let node: &SpanNode = &self.trace.nodes[placed.span];
        let operation = self.trace.operation_of[placed.span] as usize;
        json.key("span_index");
        json.count(place);
        json.key("span_id");
        json.hex(&node.span_id.0);
        json.key("parent_index");
        match placed.parent {
            Some(parent) => json.count(parent),
            None => json.null(),
        }
        json.key("depth");
        json.count(placed.depth);
        let names = ["service_name", "name", "kind"];
        for (key, text) in names.into_iter().zip(&self.trace.operations[operation]) {
            json.key(key);
            json.string(text);
        }
        json.key("start_offset_ns");
        json.int(node.start_ns.saturating_sub(self.start_ns));
        json.key("duration_ns");
        json.int(node.duration_ns);
        json.key("self_time_ns");
        json.int(placed.self_time_ns);
        json.key("error");
        json.bool(node.error);
        json.key("error_below");
        json.bool(placed.error_below);
        json.key("missing_parent");
        json.bool(placed.missing_parent);
        json.key("child_count");
        json.count(placed.child_count);
        json.key("descendant_count");
        json.count(placed.descendant_count);
    }
}

//! Traces: their tree, their search, their summaries.
//!
//! A trace is read whole by its id, wherever its spans are; retries of the same span are shown
//! once. Summaries of a page of traces are added up by the engine and never hold their spans.

mod api;
pub mod assemble;
mod compare;
mod critical;
mod linked;
mod load;
mod origin;
mod overview;
mod percentile;
mod search;
mod similar;
mod skew;
mod summary;
mod timeline;
mod window;

pub(crate) use api::{TracePage, json_response, load_whole, routes, write_page};
pub(crate) use load::{LoadedTrace, MAX_SPANS, load_traces, trace_id_of};
pub(crate) use origin::{Origin, error_origin};
pub(crate) use search::{Place, TraceSearch, find_traces, time_condition, traces_where};
pub(crate) use summary::{TraceSummary, summarize};
pub(crate) use window::TraceCache;

use crate::otlp::JsonWriter;
use crate::session::Outcome;

/// The fields that every answer ends with.
pub(crate) fn write_outcome(json: &mut JsonWriter, outcome: &Outcome) {
    json.key("complete");
    json.bool(outcome.complete);
    json.key("incomplete_reasons");
    json.list(&outcome.incomplete_reasons, |json, reason| {
        json.string(reason);
    });
    json.key("elapsed_ms");
    json.int(outcome.elapsed_ms);
    json.key("snapshot");
    json.int(outcome.snapshot);
    json.key("scanned_bytes");
    json.int(outcome.scanned_bytes);
}

#[cfg(test)]
pub(crate) mod tests;

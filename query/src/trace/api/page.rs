//! A page of a list of traces, as JSON.

use std::collections::HashMap;

use axum::response::Response;
use spoor_storage::{Result, TraceId};

use super::json_response;
use crate::otlp::JsonWriter;
use crate::parameters::encode_cursor;
use crate::session::QuerySession;
use crate::trace::search::Place;
use crate::trace::summary::TraceSummary;
use crate::trace::write_outcome;

/// A page of a list of traces.
pub(crate) struct TracePage<'a> {
    /// In order.
    pub(crate) ids: &'a [TraceId],
    pub(crate) summaries: &'a HashMap<TraceId, TraceSummary>,
    pub(crate) next: Option<&'a Place>,
    /// It is not full, and goes on there.
    pub(crate) partial: bool,
}

/// The answer with a page of traces; `more` adds fields to the trace at a place of the page.
pub(crate) fn write_page(
    session: &QuerySession,
    page: &TracePage<'_>,
    more: impl Fn(&mut JsonWriter, usize),
) -> Result<Response> {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("traces");
    json.list(page.ids.iter().enumerate(), |json, (at, id)| {
        if let Some(summary) = page.summaries.get(id) {
            json.begin_object();
            write_summary(json, *id, summary);
            more(json, at);
            json.end_object();
        }
    });
    let cursor = page.next.map(encode_cursor).transpose()?;
    json.key("next_cursor");
    json.optional_string(cursor.as_deref());
    if page.partial {
        json.key("partial");
        json.bool(true);
    }
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    Ok(json_response(json.finish()))
}

fn write_summary(json: &mut JsonWriter, id: TraceId, summary: &TraceSummary) {
    json.key("trace_id");
    json.hex(&id.0);
    json.key("start_time_unix_nano");
    json.int_string(summary.start_ns);
    json.key("duration_ns");
    json.int(summary.end_ns.saturating_sub(summary.start_ns));
    json.key("root");
    match &summary.root {
        Some(root) => {
            json.begin_object();
            let texts = [
                ("service_name", &root.service_name),
                ("name", &root.name),
                ("kind", &root.kind),
                ("status_code", &root.status_code),
            ];
            for (key, text) in texts {
                json.key(key);
                json.string(text);
            }
            json.end_object();
        }
        None => json.null(),
    }
    json.key("span_count");
    json.int(summary.span_count);
    json.key("error_count");
    json.int(summary.error_count);
    json.key("matched_spans");
    json.int(summary.matched_spans);
    json.key("services");
    json.list(&summary.services, |json, service| {
        json.begin_object();
        json.key("service_name");
        json.string(&service.service_name);
        json.key("span_count");
        json.int(service.span_count);
        json.key("error_count");
        json.int(service.error_count);
        json.end_object();
    });
}

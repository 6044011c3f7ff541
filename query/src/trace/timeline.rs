//! `?view=timeline`: the assembled tree as JSON, depth first.

mod analysis;
mod schema;

pub(super) use analysis::{Analysis, Include};
pub(super) use schema::{
    ClockSkewJson, ErrorOrigin, TimelineEvent, TimelineJson, TimelineLink, TimelineService,
    Warning, example,
};

use std::collections::HashMap;

use spoor_storage::{SpanId, TraceId};

use super::assemble::{Placed, SpanNode, Tree};
use super::load::LoadedTrace;
use super::overview::{Extent, ServiceTotal, warnings_of, write_services, write_warnings};
use super::write_outcome;
use crate::otlp::{JsonWriter, SpanRef, write_plain_attributes};
use crate::session::Outcome;

/// How many logs a trace has.
#[derive(Debug, Default)]
pub(super) struct LogCounts {
    /// With or without a span.
    pub(super) total: u64,
    /// By span id.
    pub(super) of_span: HashMap<SpanId, u64>,
}

/// Everything that the timeline of a trace is written from.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pub(super) trace_id: TraceId,
    pub(super) trace: &'a LoadedTrace,
    pub(super) nodes: &'a [SpanNode],
    pub(super) tree: &'a Tree,
    pub(super) logs: &'a LogCounts,
    pub(super) analysis: &'a Analysis<'a>,
}

impl Timeline<'_> {
    pub(super) fn write(&self, outcome: &Outcome) -> Vec<u8> {
        let extent = Extent::of_nodes(self.nodes);
        let levels = self.tree.order.iter().map(|placed| placed.depth + 1).max();
        let mut json = JsonWriter::with_capacity(self.nodes.len() * 512);
        json.begin_object();
        json.key("trace_id");
        json.hex(&self.trace_id.0);
        json.key("start_time_unix_nano");
        json.int_string(extent.start_ns);
        json.key("duration_ns");
        json.int(extent.duration_ns());
        json.key("span_count");
        json.count(self.nodes.len());
        json.key("error_count");
        json.count(self.nodes.iter().filter(|node| node.error).count());
        json.key("depth");
        json.count(levels.unwrap_or_default());
        json.key("log_count");
        json.int(self.logs.total);
        self.write_services(&mut json);
        let warnings = warnings_of(self.nodes, self.tree, self.trace.collapsed);
        write_warnings(&mut json, &warnings);
        self.analysis.write_trace(&mut json, self.trace, self.tree);
        self.write_spans(&mut json, extent.start_ns);
        write_outcome(&mut json, outcome);
        json.end_object();
        json.finish()
    }

    fn write_services(&self, json: &mut JsonWriter) {
        let spans = self.tree.order.iter().enumerate().map(|(place, placed)| {
            let SpanRef { columns, row } = self.trace.span(placed.span);
            let error = self.nodes[placed.span].error;
            let critical_ns = self.analysis.critical_ns[place];
            let total = ServiceTotal::of(error, placed.self_time_ns, critical_ns);
            (columns.service_name(row), total)
        });
        write_services(json, ServiceTotal::sum(spans).into_iter());
    }

    fn write_spans(&self, json: &mut JsonWriter, trace_start_ns: i64) {
        let mut seen = SharedJson::default();
        json.key("spans");
        json.list(
            self.tree.order.iter().enumerate(),
            |json, (place, placed)| {
                json.begin_object();
                self.write_place(json, placed);
                write_span(
                    json,
                    self.trace.span(placed.span),
                    trace_start_ns,
                    &mut seen,
                );
                json.key("self_time_ns");
                json.int(placed.self_time_ns);
                let offset_ns = self.nodes[placed.span]
                    .start_ns
                    .saturating_sub(trace_start_ns);
                let span = self.trace.span(placed.span);
                self.analysis.write_span(json, place, offset_ns, span);
                json.key("error_below");
                json.bool(placed.error_below);
                json.key("log_count");
                let span_id = self.nodes[placed.span].span_id;
                json.int(self.logs.of_span.get(&span_id).copied().unwrap_or_default());
                json.end_object();
            },
        );
    }

    fn write_place(&self, json: &mut JsonWriter, placed: &Placed) {
        let node = &self.nodes[placed.span];
        json.key("span_id");
        json.hex(&node.span_id.0);
        json.key("parent_span_id");
        match node.parent_span_id {
            Some(parent) => json.hex(&parent.0),
            None => json.null(),
        }
        json.key("parent_index");
        match placed.parent {
            Some(parent) => json.count(parent),
            None => json.null(),
        }
        json.key("depth");
        json.count(placed.depth);
        json.key("child_count");
        json.count(placed.child_count);
        json.key("descendant_count");
        json.count(placed.descendant_count);
        json.key("missing_parent");
        json.bool(placed.missing_parent);
    }
}

/// The fields of resources and scopes, of which a trace has few and every span repeats one.
#[derive(Debug, Default)]
struct SharedJson {
    written: HashMap<Vec<u8>, Vec<u8>>,
    key: Vec<u8>,
}

impl SharedJson {
    fn resource(&mut self, json: &mut JsonWriter, span: SpanRef<'_>) {
        self.key.clear();
        self.key.push(b'r');
        span.resource_fingerprint(&mut self.key);
        self.write(json, |json| {
            write_plain_attributes(json, "resource", span.columns.resource(span.row));
        });
    }

    fn scope(&mut self, json: &mut JsonWriter, span: SpanRef<'_>) {
        self.key.clear();
        self.key.push(b's');
        span.scope_fingerprint(&mut self.key);
        self.write(json, |json| {
            let scope = span.columns.scope(span.row);
            json.key("scope");
            json.begin_object();
            json.key("name");
            json.optional_string(scope.name);
            json.key("version");
            json.optional_string(scope.version);
            write_plain_attributes(json, "attributes", span.columns.scope_attributes(span.row));
            json.end_object();
        });
    }

    fn write(&mut self, json: &mut JsonWriter, write: impl FnOnce(&mut JsonWriter)) {
        if let Some(written) = self.written.get(&self.key) {
            json.raw_bytes(written);
            return;
        }
        let mut own = JsonWriter::new();
        write(&mut own);
        let own = own.finish();
        json.raw_bytes(&own);
        self.written.insert(self.key.clone(), own);
    }
}

/// One span by itself, without its place in a tree: an object.
pub(super) fn write_stored_span(json: &mut JsonWriter, span: SpanRef<'_>, trace_start_ns: i64) {
    json.begin_object();
    json.key("span_id");
    json.hex(&span.columns.span_id(span.row));
    write_span(json, span, trace_start_ns, &mut SharedJson::default());
    json.end_object();
}

fn write_span(
    json: &mut JsonWriter,
    span: SpanRef<'_>,
    trace_start_ns: i64,
    seen: &mut SharedJson,
) {
    let SpanRef { columns, row } = span;
    json.key("service_name");
    json.string(columns.service_name(row));
    json.key("name");
    json.string(columns.name(row));
    json.key("kind");
    json.string(columns.kind(row));
    json.key("start_offset_ns");
    json.int(columns.start_ns(row).saturating_sub(trace_start_ns));
    json.key("duration_ns");
    json.int(columns.duration_ns(row));
    json.key("status_code");
    json.string(columns.status_code(row));
    json.key("status_message");
    json.optional_string(columns.status_message(row));
    if let Some(state) = columns.trace_state(row) {
        json.key("trace_state");
        json.string(state);
    }
    write_plain_attributes(json, "attributes", columns.attributes(row));
    seen.resource(json, span);
    seen.scope(json, span);
    json.key("events");
    json.list(columns.events(row), |json, event| {
        json.begin_object();
        json.key("time_unix_nano");
        json.int_string(event.time_ns);
        json.key("offset_ns");
        json.int(event.time_ns.saturating_sub(trace_start_ns));
        json.key("name");
        json.string(event.name);
        write_plain_attributes(json, "attributes", event.attributes);
        json.end_object();
    });
    json.key("links");
    json.list(columns.links(row), |json, link| {
        json.begin_object();
        json.key("trace_id");
        json.hex(&link.trace_id);
        json.key("span_id");
        json.hex(&link.span_id);
        write_plain_attributes(json, "attributes", link.attributes);
        json.end_object();
    });
}

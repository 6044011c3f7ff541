//! A trace as Jaeger writes it: times in microseconds, resources as processes, the parent and
//! links as references, what OTLP has fields for as tags.

use std::collections::{BTreeMap, HashMap, HashSet};

use spoor_storage::{SpanId, TraceId};

use crate::otlp::{Attributes, JsonWriter, SpanRef, write_typed_attributes};
use crate::session::Outcome;
use crate::trace::LoadedTrace;
use crate::trace::assemble::{Side, SpanNode, callers};

/// Jaeger's word for OTLP's word of a kind: lower-case, nothing for unspecified.
pub(super) fn kind_word(kind: &str) -> String {
    if kind == "UNSPECIFIED" {
        String::new()
    } else {
        kind.to_lowercase()
    }
}

/// Writes one element of `data`.
pub(super) fn write_trace(
    json: &mut JsonWriter,
    id: TraceId,
    trace: &LoadedTrace,
    outcome: &Outcome,
) {
    let nodes = trace.nodes();
    let ids = unique_ids(&nodes);
    let parents = callers(&nodes);
    let mut processes = Processes::default();
    json.begin_object();
    json.key("traceID");
    json.hex(&id.0);
    json.key("spans");
    json.list(trace.spans().enumerate(), |json, (index, span)| {
        let parent = match parents[index] {
            Some(parent) => Some(ids[parent]),
            None => nodes[index].parent_span_id,
        };
        json.begin_object();
        json.key("traceID");
        json.hex(&id.0);
        json.key("spanID");
        json.hex(&ids[index].0);
        write_span(json, id, span, parent);
        json.key("processID");
        json.string(&processes.id_of(span));
        json.key("warnings");
        write_warnings(json, span.columns.duration_ns(span.row));
        json.end_object();
    });
    json.key("processes");
    processes.write(json);
    json.key("warnings");
    if outcome.complete {
        json.null();
    } else {
        json.list(&outcome.incomplete_reasons, |json, reason| {
            json.string(reason);
        });
    }
    json.end_object();
}

/// Jaeger's UI needs ids to be unique in a trace. Of spans that share one, the client half (else
/// the first) keeps it; each other gets the next free number.
fn unique_ids(nodes: &[SpanNode]) -> Vec<SpanId> {
    let mut holders: HashMap<SpanId, usize> = HashMap::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let holder = holders.entry(node.span_id).or_insert(index);
        if node.side == Side::Client && nodes[*holder].side != Side::Client {
            *holder = index;
        }
    }
    let mut used: HashSet<SpanId> = holders.keys().copied().collect();
    let mut last_given: HashMap<SpanId, SpanId> = HashMap::new();
    let mut unique = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        if holders.get(&node.span_id) == Some(&index) {
            unique.push(node.span_id);
            continue;
        }
        // Going on from the last number given keeps this linear when many share one id.
        let last = last_given.entry(node.span_id).or_insert(node.span_id);
        let mut free = next_id(*last);
        while !used.insert(free) {
            free = next_id(free);
        }
        *last = free;
        unique.push(free);
    }
    unique
}

/// The next number; 0 is no id.
fn next_id(id: SpanId) -> SpanId {
    SpanId(
        u64::from_be_bytes(id.0)
            .wrapping_add(1)
            .max(1)
            .to_be_bytes(),
    )
}

fn write_span(json: &mut JsonWriter, trace: TraceId, span: SpanRef<'_>, parent: Option<SpanId>) {
    let SpanRef { columns, row } = span;
    json.key("flags");
    // The lower byte is W3C's; the rest is OTLP's own.
    json.int(columns.flags(row) & 0xff);
    json.key("operationName");
    json.string(columns.name(row));
    json.key("references");
    json.begin_array();
    if let Some(parent) = parent {
        write_reference(json, "CHILD_OF", &trace.0, &parent.0);
    }
    for link in columns.links(row) {
        let child = link
            .attributes
            .iter()
            .any(|entry| entry.key == "opentracing.ref_type" && entry.text == Some("child_of"));
        let kind = if child { "CHILD_OF" } else { "FOLLOWS_FROM" };
        write_reference(json, kind, &link.trace_id, &link.span_id);
    }
    json.end_array();
    json.key("startTime");
    json.int(columns.start_ns(row).div_euclid(1_000));
    json.key("duration");
    json.int(columns.duration_ns(row).max(0) / 1_000);
    json.key("tags");
    write_tags(json, span);
    json.key("logs");
    json.list(columns.events(row), |json, event| {
        json.begin_object();
        json.key("timestamp");
        json.int(event.time_ns.div_euclid(1_000));
        json.key("fields");
        json.begin_array();
        if !event.name.is_empty() && !has(event.attributes, "event") {
            write_text_tag(json, "event", event.name);
        }
        write_typed_attributes(json, event.attributes.iter());
        json.end_array();
        json.end_object();
    });
}

fn write_reference(json: &mut JsonWriter, kind: &str, trace_id: &[u8], span_id: &[u8]) {
    json.begin_object();
    json.key("refType");
    json.string(kind);
    json.key("traceID");
    json.hex(trace_id);
    json.key("spanID");
    json.hex(span_id);
    json.end_object();
}

/// The attributes, then what OTLP has fields for, unless an attribute has the name already.
fn write_tags(json: &mut JsonWriter, span: SpanRef<'_>) {
    let SpanRef { columns, row } = span;
    let attributes = columns.attributes(row);
    let scope = columns.scope(row);
    let kind = kind_word(columns.kind(row));
    let code = Some(columns.status_code(row)).filter(|code| *code != "UNSET");
    json.begin_array();
    write_typed_attributes(json, attributes.iter());
    let made = [
        ("otel.scope.name", scope.name),
        ("otel.scope.version", scope.version),
        ("span.kind", Some(kind.as_str())),
        ("otel.status_code", code),
        ("otel.status_description", columns.status_message(row)),
        ("w3c.tracestate", columns.trace_state(row)),
    ];
    for (key, text) in made {
        if let Some(text) = text.filter(|text| !text.is_empty() && !has(attributes, key)) {
            write_text_tag(json, key, text);
        }
    }
    // Jaeger's UI marks a span by this tag if it is true; a text of the sender's own stays beside it.
    let is_marked = attributes
        .iter()
        .any(|attribute| attribute.key == "error" && attribute.text == Some("true"));
    if code == Some("ERROR") && !is_marked {
        json.begin_object();
        json.key("key");
        json.string("error");
        json.key("type");
        json.string("bool");
        json.key("value");
        json.bool(true);
        json.end_object();
    }
    json.end_array();
}

fn has(attributes: Attributes<'_>, key: &str) -> bool {
    attributes.iter().any(|attribute| attribute.key == key)
}

fn write_text_tag(json: &mut JsonWriter, key: &str, value: &str) {
    json.begin_object();
    json.key("key");
    json.string(key);
    json.key("type");
    json.string("string");
    json.key("value");
    json.string(value);
    json.end_object();
}

/// Jaeger has no durations below zero.
fn write_warnings(json: &mut JsonWriter, duration_ns: i64) {
    if duration_ns >= 0 {
        json.null();
        return;
    }
    json.begin_array();
    json.string(&format!(
        "the span ends before it starts: its duration is {duration_ns} ns"
    ));
    json.end_array();
}

/// Resources as `p1`, `p2`, … in the order met.
#[derive(Default)]
struct Processes<'a> {
    by_resource: HashMap<Vec<u8>, usize>,
    first: BTreeMap<usize, SpanRef<'a>>,
}

impl<'a> Processes<'a> {
    fn id_of(&mut self, span: SpanRef<'a>) -> String {
        let mut key = Vec::new();
        span.resource_fingerprint(&mut key);
        let next = self.by_resource.len() + 1;
        let number = *self.by_resource.entry(key).or_insert(next);
        self.first.entry(number).or_insert(span);
        format!("p{number}")
    }

    fn write(&self, json: &mut JsonWriter) {
        json.begin_object();
        for (number, SpanRef { columns, row }) in &self.first {
            json.key(&format!("p{number}"));
            json.begin_object();
            json.key("serviceName");
            json.string(columns.service_name(*row));
            json.key("tags");
            json.begin_array();
            let tags = columns.resource(*row).iter();
            write_typed_attributes(json, tags.filter(|tag| tag.key != "service.name"));
            json.end_array();
            json.end_object();
        }
        json.end_object();
    }
}

#[cfg(test)]
mod tests;

//! `TracesData` from rows.

use std::collections::HashMap;

use super::columns::{SpanColumns, optional};
use super::json::JsonWriter;
use super::value::write_otlp_attributes;

/// A row of some opened batch.
#[derive(Debug, Clone, Copy)]
pub struct SpanRef<'a> {
    /// The batch.
    pub columns: &'a SpanColumns,
    /// The row in it.
    pub row: usize,
}

/// Rows of one scope of one resource.
pub(super) struct ScopeGroup<'a> {
    pub(super) first: SpanRef<'a>,
    pub(super) spans: Vec<SpanRef<'a>>,
}

/// Scopes of one resource.
pub(super) struct ResourceGroup<'a> {
    pub(super) first: SpanRef<'a>,
    pub(super) scopes: Vec<ScopeGroup<'a>>,
    by_scope: HashMap<Vec<u8>, usize>,
}

/// `{"resourceSpans": […]}` with the spans in the order given, grouped by identical resources and
/// in those by identical scopes, each where it came first. Fields that have their default value
/// are left out, as proto3 JSON does.
pub fn write_traces_data<'a>(spans: impl IntoIterator<Item = SpanRef<'a>>) -> Vec<u8> {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("resourceSpans");
    write_resource_spans(&mut json, spans);
    json.end_object();
    json.finish()
}

/// The list that is the value of `resourceSpans`.
pub(crate) fn write_resource_spans<'a>(
    json: &mut JsonWriter,
    spans: impl IntoIterator<Item = SpanRef<'a>>,
) {
    json.begin_array();
    write_resource_spans_items(json, spans);
    json.end_array();
}

/// The items of that list: what several traces add to one after the other.
pub(crate) fn write_resource_spans_items<'a>(
    json: &mut JsonWriter,
    spans: impl IntoIterator<Item = SpanRef<'a>>,
) {
    for resource in group(spans) {
        json.begin_object();
        write_resource(json, resource.first);
        json.key("scopeSpans");
        json.list(resource.scopes, |json, scope| {
            json.begin_object();
            write_scope(json, scope.first);
            json.key("spans");
            json.list(scope.spans, |json, span| write_span(json, span));
            schema_url(
                json,
                optional(&scope.first.columns.scope_schema_url, scope.first.row),
            );
            json.end_object();
        });
        let first = resource.first;
        schema_url(
            json,
            optional(&first.columns.resource_schema_url, first.row),
        );
        json.end_object();
    }
}

/// Bytes that are equal for spans that are the same in everything that was sent, resource and
/// scope included: what a retried request sends again.
pub fn span_identity(span: SpanRef<'_>) -> Vec<u8> {
    let mut identity = Vec::new();
    span.resource_fingerprint(&mut identity);
    span.scope_fingerprint(&mut identity);
    let mut json = JsonWriter::new();
    write_span(&mut json, span);
    identity.extend_from_slice(&json.finish());
    identity
}

pub(super) fn group<'a>(spans: impl IntoIterator<Item = SpanRef<'a>>) -> Vec<ResourceGroup<'a>> {
    let mut groups: Vec<ResourceGroup<'a>> = Vec::new();
    let mut by_resource: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut fingerprint = Vec::new();
    for span in spans {
        fingerprint.clear();
        span.resource_fingerprint(&mut fingerprint);
        let place = if let Some(&place) = by_resource.get(&fingerprint) {
            place
        } else {
            by_resource.insert(fingerprint.clone(), groups.len());
            groups.push(ResourceGroup {
                first: span,
                scopes: Vec::new(),
                by_scope: HashMap::new(),
            });
            groups.len() - 1
        };
        let resource = &mut groups[place];
        fingerprint.clear();
        span.scope_fingerprint(&mut fingerprint);
        if let Some(&place) = resource.by_scope.get(&fingerprint) {
            resource.scopes[place].spans.push(span);
        } else {
            resource
                .by_scope
                .insert(fingerprint.clone(), resource.scopes.len());
            resource.scopes.push(ScopeGroup {
                first: span,
                spans: vec![span],
            });
        }
    }
    groups
}

impl SpanRef<'_> {
    /// Appends bytes that tell resources apart.
    pub(crate) fn resource_fingerprint(self, out: &mut Vec<u8>) {
        let Self { columns, row } = self;
        columns.resource(row).fingerprint(out);
        out.extend_from_slice(
            &columns
                .resource_dropped_attributes_count
                .value(row)
                .to_le_bytes(),
        );
        text_fingerprint(optional(&columns.resource_schema_url, row), out);
    }

    /// Appends bytes that tell scopes apart.
    pub(crate) fn scope_fingerprint(self, out: &mut Vec<u8>) {
        let Self { columns, row } = self;
        text_fingerprint(optional(&columns.scope_name, row), out);
        text_fingerprint(optional(&columns.scope_version, row), out);
        columns.scope_attributes(row).fingerprint(out);
        out.extend_from_slice(
            &columns
                .scope_dropped_attributes_count
                .value(row)
                .to_le_bytes(),
        );
        text_fingerprint(optional(&columns.scope_schema_url, row), out);
    }
}

/// Absent and empty are the same in OTLP.
fn text_fingerprint(text: Option<&str>, out: &mut Vec<u8>) {
    let text = text.unwrap_or_default();
    out.extend_from_slice(&text.len().to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn write_resource(json: &mut JsonWriter, first: SpanRef<'_>) {
    let SpanRef { columns, row } = first;
    json.key("resource");
    json.begin_object();
    let attributes = columns.resource(row);
    if !attributes.is_empty() {
        json.key("attributes");
        write_otlp_attributes(json, attributes);
    }
    count(
        json,
        "droppedAttributesCount",
        columns.resource_dropped_attributes_count.value(row),
    );
    json.end_object();
}

fn write_scope(json: &mut JsonWriter, first: SpanRef<'_>) {
    let SpanRef { columns, row } = first;
    json.key("scope");
    json.begin_object();
    text(json, "name", optional(&columns.scope_name, row));
    text(json, "version", optional(&columns.scope_version, row));
    let attributes = columns.scope_attributes(row);
    if !attributes.is_empty() {
        json.key("attributes");
        write_otlp_attributes(json, attributes);
    }
    count(
        json,
        "droppedAttributesCount",
        columns.scope_dropped_attributes_count.value(row),
    );
    json.end_object();
}

fn schema_url(json: &mut JsonWriter, url: Option<&str>) {
    text(json, "schemaUrl", url);
}

fn write_span(json: &mut JsonWriter, span: SpanRef<'_>) {
    let SpanRef { columns, row } = span;
    json.begin_object();
    json.key("traceId");
    json.hex(&columns.trace_id(row));
    json.key("spanId");
    json.hex(&columns.span_id(row));
    text(json, "traceState", columns.trace_state(row));
    if let Some(parent) = columns.parent_span_id(row) {
        json.key("parentSpanId");
        json.hex(&parent);
    }
    count(json, "flags", columns.flags(row));
    text(json, "name", Some(columns.name(row)));
    enumeration(json, "kind", kind_number(columns.kind(row)));
    write_times(json, columns.start_ns(row), columns.duration_ns(row));
    let attributes = columns.attributes(row);
    if !attributes.is_empty() {
        json.key("attributes");
        write_otlp_attributes(json, attributes);
    }
    count(
        json,
        "droppedAttributesCount",
        columns.dropped_attributes_count.value(row),
    );
    write_events(json, span);
    count(
        json,
        "droppedEventsCount",
        columns.dropped_events_count.value(row),
    );
    write_links(json, span);
    count(
        json,
        "droppedLinksCount",
        columns.dropped_links_count.value(row),
    );
    json.key("status");
    json.begin_object();
    text(json, "message", columns.status_message(row));
    enumeration(json, "code", status_number(columns.status_code(row)));
    json.end_object();
    json.end_object();
}

/// The end is the start and the duration added up as they were taken apart: modulo 2^64.
fn write_times(json: &mut JsonWriter, start_ns: i64, duration_ns: i64) {
    json.key("startTimeUnixNano");
    json.int_string(start_ns.cast_unsigned());
    json.key("endTimeUnixNano");
    json.int_string(start_ns.wrapping_add(duration_ns).cast_unsigned());
}

fn write_events(json: &mut JsonWriter, span: SpanRef<'_>) {
    let events = span.columns.events(span.row);
    if events.len() == 0 {
        return;
    }
    json.key("events");
    json.list(events, |json, event| {
        json.begin_object();
        json.key("timeUnixNano");
        json.int_string(event.time_ns.cast_unsigned());
        text(json, "name", Some(event.name));
        if !event.attributes.is_empty() {
            json.key("attributes");
            write_otlp_attributes(json, event.attributes);
        }
        count(
            json,
            "droppedAttributesCount",
            event.dropped_attributes_count,
        );
        json.end_object();
    });
}

fn write_links(json: &mut JsonWriter, span: SpanRef<'_>) {
    let links = span.columns.links(span.row);
    if links.len() == 0 {
        return;
    }
    json.key("links");
    json.list(links, |json, link| {
        json.begin_object();
        json.key("traceId");
        json.hex(&link.trace_id);
        json.key("spanId");
        json.hex(&link.span_id);
        text(json, "traceState", link.trace_state);
        if !link.attributes.is_empty() {
            json.key("attributes");
            write_otlp_attributes(json, link.attributes);
        }
        count(
            json,
            "droppedAttributesCount",
            link.dropped_attributes_count,
        );
        count(json, "flags", link.flags);
        json.end_object();
    });
}

fn text(json: &mut JsonWriter, key: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        json.key(key);
        json.string(value);
    }
}

fn count(json: &mut JsonWriter, key: &str, value: u32) {
    if value != 0 {
        json.key(key);
        json.int(value);
    }
}

fn enumeration(json: &mut JsonWriter, key: &str, value: i32) {
    if value != 0 {
        json.key(key);
        json.int(value);
    }
}

/// Words are OTLP's without prefix; values that OTLP does not name are kept as numbers.
pub(super) fn kind_number(word: &str) -> i32 {
    match word {
        "UNSPECIFIED" => 0,
        "INTERNAL" => 1,
        "SERVER" => 2,
        "CLIENT" => 3,
        "PRODUCER" => 4,
        "CONSUMER" => 5,
        other => other.parse().unwrap_or_default(),
    }
}

pub(super) fn status_number(word: &str) -> i32 {
    match word {
        "UNSET" => 0,
        "OK" => 1,
        "ERROR" => 2,
        other => other.parse().unwrap_or_default(),
    }
}

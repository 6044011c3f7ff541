//! `TracesData` as protobuf, from rows: the same as [`super::write`] writes as JSON.
//!
//! ```text
//!  message = { tag · value }      tag = varint (field number << 3 | type)
//!  type 0: varint   1: 8 bytes   2: varint length · bytes   5: 4 bytes     (little endian)
//! ```
//! Fields that have their default value are left out. The numbers are those of OTLP's `.proto` files.

use serde_json::Value;
use spoor_storage::ValueType;

use super::columns::{Attribute, Attributes, Event, Link, optional};
use super::write::{ScopeGroup, SpanRef, group, kind_number, status_number};

type Message = Vec<u8>;

/// `resource_spans` is field 1, as in `TracesData`.
pub fn write_traces_protobuf<'a>(spans: impl IntoIterator<Item = SpanRef<'a>>) -> Vec<u8> {
    let mut out = Message::new();
    for resource in group(spans) {
        let SpanRef { columns, row } = resource.first;
        let mut resource_spans = Message::new();
        let mut inner = Message::new();
        attributes(&mut inner, 1, columns.resource(row));
        count(
            &mut inner,
            2,
            columns.resource_dropped_attributes_count.value(row),
        );
        bytes(&mut resource_spans, 1, &inner);
        for scope in &resource.scopes {
            bytes(&mut resource_spans, 2, &scope_spans(scope));
        }
        text(
            &mut resource_spans,
            3,
            optional(&columns.resource_schema_url, row),
        );
        bytes(&mut out, 1, &resource_spans);
    }
    out
}

fn scope_spans(scope: &ScopeGroup<'_>) -> Message {
    let SpanRef { columns, row } = scope.first;
    let mut inner = Message::new();
    text(&mut inner, 1, optional(&columns.scope_name, row));
    text(&mut inner, 2, optional(&columns.scope_version, row));
    attributes(&mut inner, 3, columns.scope_attributes(row));
    count(
        &mut inner,
        4,
        columns.scope_dropped_attributes_count.value(row),
    );
    let mut out = Message::new();
    bytes(&mut out, 1, &inner);
    for span in &scope.spans {
        bytes(&mut out, 2, &span_message(*span));
    }
    text(&mut out, 3, optional(&columns.scope_schema_url, row));
    out
}

fn span_message(span: SpanRef<'_>) -> Message {
    let SpanRef { columns, row } = span;
    let mut out = Message::new();
    bytes(&mut out, 1, &columns.trace_id(row));
    bytes(&mut out, 2, &columns.span_id(row));
    text(&mut out, 3, columns.trace_state(row));
    if let Some(parent) = columns.parent_span_id(row) {
        bytes(&mut out, 4, &parent);
    }
    text(&mut out, 5, Some(columns.name(row)));
    enumeration(&mut out, 6, kind_number(columns.kind(row)));
    let (start, duration) = (columns.start_ns(row), columns.duration_ns(row));
    fixed64(&mut out, 7, start.cast_unsigned());
    fixed64(&mut out, 8, start.wrapping_add(duration).cast_unsigned());
    attributes(&mut out, 9, columns.attributes(row));
    count(&mut out, 10, columns.dropped_attributes_count.value(row));
    for event in columns.events(row) {
        bytes(&mut out, 11, &event_message(event));
    }
    count(&mut out, 12, columns.dropped_events_count.value(row));
    for link in columns.links(row) {
        bytes(&mut out, 13, &link_message(link));
    }
    count(&mut out, 14, columns.dropped_links_count.value(row));
    let mut status = Message::new();
    text(&mut status, 2, columns.status_message(row));
    enumeration(&mut status, 3, status_number(columns.status_code(row)));
    bytes(&mut out, 15, &status);
    fixed32(&mut out, 16, columns.flags(row));
    out
}

fn event_message(event: Event<'_>) -> Message {
    let mut out = Message::new();
    fixed64(&mut out, 1, event.time_ns.cast_unsigned());
    text(&mut out, 2, Some(event.name));
    attributes(&mut out, 3, event.attributes);
    count(&mut out, 4, event.dropped_attributes_count);
    out
}

fn link_message(link: Link<'_>) -> Message {
    let mut out = Message::new();
    bytes(&mut out, 1, &link.trace_id);
    bytes(&mut out, 2, &link.span_id);
    text(&mut out, 3, link.trace_state);
    attributes(&mut out, 4, link.attributes);
    count(&mut out, 5, link.dropped_attributes_count);
    fixed32(&mut out, 6, link.flags);
    out
}

fn attributes(out: &mut Message, field: u32, attributes: Attributes<'_>) {
    for attribute in attributes.iter() {
        bytes(out, field, &key_value(attribute.key, &any_value(attribute)));
    }
}

fn key_value(key: &str, value: &[u8]) -> Message {
    let mut out = Message::new();
    text(&mut out, 1, Some(key));
    bytes(&mut out, 2, value);
    out
}

/// An `AnyValue` is a choice: its case is written even where the value is the default.
fn any_value(attribute: Attribute<'_>) -> Message {
    let mut out = Message::new();
    let Some(value) = attribute.text else {
        return out;
    };
    match attribute.value_type {
        ValueType::Empty => {}
        ValueType::Bool => varint_field(&mut out, 2, u64::from(value == "true")),
        ValueType::Int => int_value(&mut out, value.parse().unwrap_or_default()),
        ValueType::Double => double_value(&mut out, value.parse().unwrap_or_default()),
        ValueType::String => bytes(&mut out, 1, value.as_bytes()),
        ValueType::Bytes => bytes(&mut out, 7, &base64_bytes(value)),
        ValueType::Array => bytes(&mut out, 5, &nested(value, members)),
        ValueType::KeyValueList => bytes(&mut out, 6, &nested(value, entries)),
    }
    out
}

/// Nested no deeper than serde_json reads.
fn nested(json: &str, write: fn(&Value) -> Message) -> Message {
    let parsed = serde_json::from_str(json).unwrap_or_default();
    write(&parsed)
}

fn values(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// OTLP JSON's `ArrayValue`.
fn members(list: &Value) -> Message {
    let mut out = Message::new();
    for member in values(list) {
        bytes(&mut out, 1, &json_value(member));
    }
    out
}

/// OTLP JSON's `KeyValueList`.
fn entries(list: &Value) -> Message {
    let mut out = Message::new();
    for entry in values(list) {
        let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
        let value = json_value(entry.get("value").unwrap_or(&Value::Null));
        bytes(&mut out, 1, &key_value(key, &value));
    }
    out
}

/// OTLP JSON's `AnyValue`.
fn json_value(any: &Value) -> Message {
    let mut out = Message::new();
    let Some((case, value)) = any.as_object().and_then(|cases| cases.iter().next()) else {
        return out;
    };
    let word = value.as_str();
    match case.as_str() {
        "stringValue" => bytes(&mut out, 1, word.unwrap_or_default().as_bytes()),
        "boolValue" => varint_field(&mut out, 2, u64::from(value.as_bool() == Some(true))),
        "intValue" => {
            let number = value.as_i64().or_else(|| word?.parse().ok());
            int_value(&mut out, number.unwrap_or_default());
        }
        "doubleValue" => {
            let number = value.as_f64().or_else(|| word?.parse().ok());
            double_value(&mut out, number.unwrap_or_default());
        }
        "arrayValue" => bytes(&mut out, 5, &members(value)),
        "kvlistValue" => bytes(&mut out, 6, &entries(value)),
        "bytesValue" => bytes(&mut out, 7, &base64_bytes(word.unwrap_or_default())),
        _ => {}
    }
    out
}

fn base64_bytes(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap_or_default()
}

// === the wire format ===

fn varint(out: &mut Message, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

fn tag(out: &mut Message, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

fn varint_field(out: &mut Message, field: u32, value: u64) {
    tag(out, field, 0);
    varint(out, value);
}

/// A text, a nested message, or bytes.
pub(crate) fn bytes(out: &mut Message, field: u32, value: &[u8]) {
    tag(out, field, 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn text(out: &mut Message, field: u32, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        bytes(out, field, value.as_bytes());
    }
}

fn count(out: &mut Message, field: u32, value: u32) {
    if value != 0 {
        varint_field(out, field, u64::from(value));
    }
}

fn enumeration(out: &mut Message, field: u32, value: i32) {
    if value != 0 {
        varint_field(out, field, i64::from(value).cast_unsigned());
    }
}

fn fixed64(out: &mut Message, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, 1);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn fixed32(out: &mut Message, field: u32, value: u32) {
    if value != 0 {
        tag(out, field, 5);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn int_value(out: &mut Message, value: i64) {
    varint_field(out, 3, value.cast_unsigned());
}

fn double_value(out: &mut Message, value: f64) {
    tag(out, 4, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

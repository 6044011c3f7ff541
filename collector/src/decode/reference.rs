//! The decoding rules once more, over `prost` messages and without care for speed: what the wire
//! walker must agree with.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray, MapBuilder, MapFieldNames,
    StringArray, StringBuilder, StructArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use serde_json::json;
use spoor_storage::Table;
use spoor_storage::model::schema::{decoded_schema_of, event_fields, link_fields};

type Entry = (String, Option<String>, char);

#[derive(Clone)]
struct Shared {
    resource: Resource,
    resource_url: String,
    scope: InstrumentationScope,
    scope_url: String,
}

/// The rows of a trace request whose spans are all valid.
pub(super) fn spans(request: &ExportTraceServiceRequest, received_time_ns: i64) -> RecordBatch {
    let mut rows: Vec<(Shared, Span)> = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            let shared = Shared {
                resource: resource.resource.clone().unwrap_or_default(),
                resource_url: resource.schema_url.clone(),
                scope: scope.scope.clone().unwrap_or_default(),
                scope_url: scope.schema_url.clone(),
            };
            rows.extend(
                scope
                    .spans
                    .iter()
                    .map(|span| (shared.clone(), span.clone())),
            );
        }
    }
    let spans: Vec<&Span> = rows.iter().map(|(_, span)| span).collect();
    let mut columns: Vec<ArrayRef> = vec![
        ids::<16>(spans.iter().map(|span| Some(span.trace_id.clone()))),
        ids::<8>(spans.iter().map(|span| Some(span.span_id.clone()))),
        ids::<8>(spans.iter().map(|span| id(&span.parent_span_id, 8))),
        optional_texts(spans.iter().map(|span| span.trace_state.clone())),
        u32s(spans.iter().map(|span| span.flags)),
        texts(spans.iter().map(|span| span.name.clone())),
        texts(spans.iter().map(|span| {
            let words = [
                "UNSPECIFIED",
                "INTERNAL",
                "SERVER",
                "CLIENT",
                "PRODUCER",
                "CONSUMER",
            ];
            word(&words, span.kind)
        })),
        times(
            spans
                .iter()
                .map(|span| Some(span.start_time_unix_nano.cast_signed())),
        ),
        Arc::new(Int64Array::from_iter_values(spans.iter().map(|span| {
            span.end_time_unix_nano.cast_signed() - span.start_time_unix_nano.cast_signed()
        }))),
        texts(spans.iter().map(|span| {
            let code = span.status.as_ref().map_or(0, |status| status.code);
            word(&["UNSET", "OK", "ERROR"], code)
        })),
        optional_texts(
            spans
                .iter()
                .map(|span| span.status.clone().unwrap_or_default().message),
        ),
        events(
            spans
                .iter()
                .map(|span| (span.start_time_unix_nano, span.events.clone())),
        ),
        links(spans.iter().map(|span| span.links.clone())),
        u32s(spans.iter().map(|span| span.dropped_events_count)),
        u32s(spans.iter().map(|span| span.dropped_links_count)),
    ];
    let attributes = spans
        .iter()
        .map(|span| (span.dropped_attributes_count, &span.attributes));
    let shared: Vec<_> = rows.iter().map(|(shared, _)| shared.clone()).collect();
    tail(
        &mut columns,
        &shared,
        attributes.collect(),
        received_time_ns,
    );
    RecordBatch::try_new(decoded_schema_of(Table::Spans), columns).unwrap()
}

/// The rows of a logs request; bodies are not opened.
pub(super) fn logs(request: &ExportLogsServiceRequest, received_time_ns: i64) -> RecordBatch {
    let mut rows: Vec<(Shared, LogRecord)> = Vec::new();
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            let shared = Shared {
                resource: resource.resource.clone().unwrap_or_default(),
                resource_url: resource.schema_url.clone(),
                scope: scope.scope.clone().unwrap_or_default(),
                scope_url: scope.schema_url.clone(),
            };
            rows.extend(
                scope
                    .log_records
                    .iter()
                    .map(|log| (shared.clone(), log.clone())),
            );
        }
    }
    let logs: Vec<&LogRecord> = rows.iter().map(|(_, log)| log).collect();
    let fits = |time: u64| i64::try_from(time).ok().filter(|time| *time > 0);
    let bodies = logs.iter().map(|log| match &log.body {
        None => (None, String::new()),
        Some(body) => {
            let (text, letter) = plain_text(body);
            (text, letter.to_string())
        }
    });
    let (bodies, body_types): (Vec<_>, Vec<_>) = bodies.unzip();
    let mut columns: Vec<ArrayRef> = vec![
        times(logs.iter().map(|log| {
            let observed = fits(log.observed_time_unix_nano);
            Some(
                fits(log.time_unix_nano)
                    .or(observed)
                    .unwrap_or(received_time_ns),
            )
        })),
        times(logs.iter().map(|log| fits(log.observed_time_unix_nano))),
        Arc::new(
            logs.iter()
                .map(|log| {
                    fits(log.time_unix_nano)
                        .is_none()
                        .then_some(log.time_unix_nano)
                })
                .collect::<UInt64Array>(),
        ),
        Arc::new(Int32Array::from_iter_values(
            logs.iter().map(|log| log.severity_number),
        )),
        optional_texts(logs.iter().map(|log| log.severity_text.clone())),
        Arc::new(StringArray::from(bodies)),
        texts(body_types.into_iter()),
    ];
    let (fields, types) = map(&vec![Vec::new(); logs.len()]);
    columns.extend([fields, types]);
    columns.push(optional_texts(
        logs.iter().map(|log| log.event_name.clone()),
    ));
    columns.push(ids::<16>(logs.iter().map(|log| id(&log.trace_id, 16))));
    columns.push(ids::<8>(logs.iter().map(|log| id(&log.span_id, 8))));
    columns.push(u32s(logs.iter().map(|log| log.flags)));
    let attributes = logs
        .iter()
        .map(|log| (log.dropped_attributes_count, &log.attributes));
    let shared: Vec<_> = rows.iter().map(|(shared, _)| shared.clone()).collect();
    tail(
        &mut columns,
        &shared,
        attributes.collect(),
        received_time_ns,
    );
    RecordBatch::try_new(decoded_schema_of(Table::Logs), columns).unwrap()
}

fn tail(
    columns: &mut Vec<ArrayRef>,
    shared: &[Shared],
    attributes: Vec<(u32, &Vec<KeyValue>)>,
    received_time_ns: i64,
) {
    let resources = || shared.iter().map(|shared| &shared.resource);
    let scopes = || shared.iter().map(|shared| &shared.scope);
    let maps = |all: Vec<&Vec<KeyValue>>| {
        let rows: Vec<Vec<Entry>> = all.into_iter().map(|row| entries(row)).collect();
        let (map, types) = map(&rows);
        [map, types]
    };
    columns.push(texts(resources().map(|resource| {
        let entries = entries(&resource.attributes);
        let name = entries
            .into_iter()
            .find(|(key, text, _)| key == "service.name" && text.is_some());
        match name {
            Some((_, Some(text), _)) if !text.is_empty() => text,
            _ => "unknown_service".to_owned(),
        }
    })));
    columns.push(optional_texts(scopes().map(|scope| scope.name.clone())));
    columns.push(optional_texts(scopes().map(|scope| scope.version.clone())));
    columns.push(u32s(attributes.iter().map(|(dropped, _)| *dropped)));
    columns.push(times(shared.iter().map(|_| Some(received_time_ns))));
    columns.extend(maps(attributes.into_iter().map(|(_, row)| row).collect()));
    columns.extend(maps(
        resources().map(|resource| &resource.attributes).collect(),
    ));
    columns.push(u32s(
        resources().map(|resource| resource.dropped_attributes_count),
    ));
    columns.push(optional_texts(
        shared.iter().map(|shared| shared.resource_url.clone()),
    ));
    columns.extend(maps(scopes().map(|scope| &scope.attributes).collect()));
    columns.push(u32s(scopes().map(|scope| scope.dropped_attributes_count)));
    columns.push(optional_texts(
        shared.iter().map(|shared| shared.scope_url.clone()),
    ));
}

fn id(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    (bytes.len() == length && bytes.iter().any(|byte| *byte != 0)).then(|| bytes.to_vec())
}

fn ids<const N: i32>(ids: impl Iterator<Item = Option<Vec<u8>>>) -> ArrayRef {
    Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(ids, N).unwrap())
}

fn texts(texts: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

fn optional_texts(texts: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(
        texts
            .map(|text| (!text.is_empty()).then_some(text))
            .collect::<StringArray>(),
    )
}

fn u32s(numbers: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(numbers))
}

fn times(times: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(
        times
            .collect::<TimestampNanosecondArray>()
            .with_timezone("UTC"),
    )
}

fn word(words: &[&str], number: i32) -> String {
    let known = usize::try_from(number)
        .ok()
        .and_then(|index| words.get(index));
    known.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

fn entries(attributes: &[KeyValue]) -> Vec<Entry> {
    let entry = |attribute: &KeyValue| {
        let (text, letter) = otlp_text(&attribute.value.clone().unwrap_or_default());
        (attribute.key.clone(), text, letter)
    };
    attributes.iter().map(entry).collect()
}

fn map(rows: &[Vec<Entry>]) -> (ArrayRef, ArrayRef) {
    let names = MapFieldNames {
        entry: "entries".to_owned(),
        key: "keys".to_owned(),
        value: "values".to_owned(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
        .with_values_field(Field::new("values", DataType::Utf8, true));
    for row in rows {
        for (key, text, _) in row {
            builder.keys().append_value(key);
            builder.values().append_option(text.as_ref());
        }
        builder.append(true).unwrap();
    }
    let types = rows
        .iter()
        .map(|row| row.iter().map(|(_, _, letter)| *letter).collect());
    (Arc::new(builder.finish()), texts(types))
}

fn list(fields: arrow::datatypes::Fields, columns: Vec<ArrayRef>, lengths: Vec<usize>) -> ArrayRef {
    let items = StructArray::try_new(fields.clone(), columns, None).unwrap();
    let item = Arc::new(Field::new("item", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Arc::new(ListArray::try_new(item, offsets, Arc::new(items), None).unwrap())
}

fn events(rows: impl Iterator<Item = (u64, Vec<Event>)>) -> ArrayRef {
    let rows: Vec<_> = rows.collect();
    let lengths = rows.iter().map(|(_, events)| events.len()).collect();
    let all: Vec<(u64, Event)> = rows
        .into_iter()
        .flat_map(|(start, events)| events.into_iter().map(move |event| (start, event)))
        .collect();
    let time = |(start, event): &(u64, Event)| {
        Some(i64::try_from(event.time_unix_nano).unwrap_or(start.cast_signed()))
    };
    let attributes: Vec<_> = all
        .iter()
        .map(|(_, event)| entries(&event.attributes))
        .collect();
    let (map, types) = map(&attributes);
    let columns = vec![
        times(all.iter().map(time)),
        texts(all.iter().map(|(_, event)| event.name.clone())),
        map,
        types,
        u32s(all.iter().map(|(_, event)| event.dropped_attributes_count)),
    ];
    list(event_fields(), columns, lengths)
}

fn links(rows: impl Iterator<Item = Vec<Link>>) -> ArrayRef {
    let rows: Vec<_> = rows.collect();
    let lengths = rows.iter().map(Vec::len).collect();
    let all: Vec<Link> = rows.into_iter().flatten().collect();
    let sized = |id: &[u8], length: usize| {
        Some(if id.len() == length {
            id.to_vec()
        } else {
            vec![0; length]
        })
    };
    let attributes: Vec<_> = all.iter().map(|link| entries(&link.attributes)).collect();
    let (map, types) = map(&attributes);
    let columns = vec![
        ids::<16>(all.iter().map(|link| sized(&link.trace_id, 16))),
        ids::<8>(all.iter().map(|link| sized(&link.span_id, 8))),
        optional_texts(all.iter().map(|link| link.trace_state.clone())),
        u32s(all.iter().map(|link| link.flags)),
        map,
        types,
        u32s(all.iter().map(|link| link.dropped_attributes_count)),
    ];
    list(link_fields(), columns, lengths)
}

fn base64_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn double_text(value: f64) -> String {
    let mut out = Vec::new();
    super::any_value::push_double(&mut out, value);
    String::from_utf8(out).unwrap()
}

fn otlp_text(value: &AnyValue) -> (Option<String>, char) {
    match &value.value {
        Some(Value::ArrayValue(_)) => (Some(otlp_json(value)["arrayValue"].to_string()), 'a'),
        Some(Value::KvlistValue(_)) => (Some(otlp_json(value)["kvlistValue"].to_string()), 'm'),
        _ => scalar_text(value),
    }
}

fn plain_text(value: &AnyValue) -> (Option<String>, char) {
    match &value.value {
        Some(Value::ArrayValue(_)) => (Some(plain_json(value)), 'a'),
        Some(Value::KvlistValue(_)) => (Some(plain_json(value)), 'm'),
        _ => scalar_text(value),
    }
}

fn scalar_text(value: &AnyValue) -> (Option<String>, char) {
    match &value.value {
        Some(Value::StringValue(text)) => (Some(text.clone()), 's'),
        Some(Value::BoolValue(value)) => (Some(value.to_string()), 'b'),
        Some(Value::IntValue(value)) => (Some(value.to_string()), 'i'),
        Some(Value::DoubleValue(value)) => (Some(double_text(*value)), 'd'),
        Some(Value::BytesValue(bytes)) => (Some(base64_text(bytes)), 'x'),
        _ => (None, 'n'),
    }
}

fn otlp_json(value: &AnyValue) -> serde_json::Value {
    match &value.value {
        Some(Value::StringValue(text)) => json!({ "stringValue": text }),
        Some(Value::BoolValue(value)) => json!({ "boolValue": value }),
        Some(Value::IntValue(value)) => json!({ "intValue": value.to_string() }),
        Some(Value::DoubleValue(value)) if !value.is_finite() => {
            json!({ "doubleValue": double_text(*value) })
        }
        Some(Value::DoubleValue(value)) => json!({ "doubleValue": value }),
        Some(Value::BytesValue(bytes)) => json!({ "bytesValue": base64_text(bytes) }),
        Some(Value::ArrayValue(array)) => {
            let values: Vec<_> = array.values.iter().map(otlp_json).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Some(Value::KvlistValue(list)) => {
            let entry = |entry: &KeyValue| {
                let value = otlp_json(&entry.value.clone().unwrap_or_default());
                json!({ "key": entry.key, "value": value })
            };
            let values: Vec<_> = list.values.iter().map(entry).collect();
            json!({ "kvlistValue": { "values": values } })
        }
        _ => json!({}),
    }
}

fn plain_json(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => json!(text).to_string(),
        Some(Value::DoubleValue(value)) if !value.is_finite() => {
            json!(double_text(*value)).to_string()
        }
        Some(Value::DoubleValue(value)) => json!(value).to_string(),
        Some(Value::BytesValue(bytes)) => json!(base64_text(bytes)).to_string(),
        Some(Value::ArrayValue(array)) => {
            let values: Vec<_> = array.values.iter().map(plain_json).collect();
            format!("[{}]", values.join(","))
        }
        Some(Value::KvlistValue(list)) => {
            // Not a `serde_json` object: keys may be there twice.
            let entry = |entry: &KeyValue| {
                let value = plain_json(&entry.value.clone().unwrap_or_default());
                format!("{}:{value}", json!(entry.key))
            };
            let values: Vec<_> = list.values.iter().map(entry).collect();
            format!("{{{}}}", values.join(","))
        }
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        _ => "null".to_owned(),
    }
}

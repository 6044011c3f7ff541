//! Batches for tests, read from OTLP JSON in the plainest way there is.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, ListArray, MapArray, StringArray, StructArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Fields};
use arrow::record_batch::RecordBatch;
use serde_json::{Value, json};
use spoor_storage::model::schema::{event_fields, link_fields, map_type, spans_schema};

type Entry = (String, Option<String>, char);

/// A span with its surroundings, as JSON.
struct Row<'a> {
    resource: &'a Value,
    resource_url: &'a Value,
    scope: &'a Value,
    scope_url: &'a Value,
    span: &'a Value,
}

/// The rows of one `TracesData`, as the table `spans` stores them; record ids count from
/// `first_record`.
pub(crate) fn batch_of(data: &Value, first_record: i64) -> RecordBatch {
    let rows = rows_of(data);
    let text = |get: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<StringArray>())
    };
    let count = |get: &dyn Fn(&Row) -> u32| -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<UInt32Array>())
    };
    let number = |get: &dyn Fn(&Row) -> i64| -> Int64Array { rows.iter().map(get).collect() };
    let maps =
        |get: &dyn Fn(&Row) -> Vec<Entry>| map_array(&rows.iter().map(get).collect::<Vec<_>>());
    let start = number(&|row| nanos(&row.span["startTimeUnixNano"]));
    let duration =
        number(&|row| nanos(&row.span["endTimeUnixNano"]) - nanos(&row.span["startTimeUnixNano"]));
    let (attributes, attribute_types) = maps(&|row| entries(row.span));
    let (resource, resource_types) = maps(&|row| entries(row.resource));
    let (scope, scope_types) = maps(&|row| entries(row.scope));
    let received: ArrayRef = times(vec![0; rows.len()]);
    let columns: Vec<ArrayRef> = vec![
        ids(16, rows.iter().map(|row| row.span["traceId"].as_str())),
        ids(8, rows.iter().map(|row| row.span["spanId"].as_str())),
        ids(8, rows.iter().map(|row| row.span["parentSpanId"].as_str())),
        text(&|row| filled(&row.span["traceState"])),
        count(&|row| small(&row.span["flags"])),
        text(&|row| Some(row.span["name"].as_str().unwrap_or_default().to_owned())),
        text(&|row| Some(kind_word(&row.span["kind"]))),
        times(start.values().to_vec()),
        Arc::new(duration),
        text(&|row| Some(status_word(&row.span["status"]["code"]))),
        text(&|row| filled(&row.span["status"]["message"])),
        events(&rows),
        links(&rows),
        count(&|row| small(&row.span["droppedEventsCount"])),
        count(&|row| small(&row.span["droppedLinksCount"])),
        text(&|row| Some(service_name(row.resource))),
        text(&|row| filled(&row.scope["name"])),
        text(&|row| filled(&row.scope["version"])),
        count(&|row| small(&row.span["droppedAttributesCount"])),
        received,
        attributes,
        attribute_types,
        resource,
        resource_types,
        count(&|row| small(&row.resource["droppedAttributesCount"])),
        text(&|row| filled(row.resource_url)),
        scope,
        scope_types,
        count(&|row| small(&row.scope["droppedAttributesCount"])),
        text(&|row| filled(row.scope_url)),
        Arc::new((first_record..).take(rows.len()).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(spans_schema(), columns).unwrap()
}

fn rows_of(data: &Value) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for resource_spans in list(&data["resourceSpans"]) {
        for scope_spans in list(&resource_spans["scopeSpans"]) {
            for span in list(&scope_spans["spans"]) {
                rows.push(Row {
                    resource: &resource_spans["resource"],
                    resource_url: &resource_spans["schemaUrl"],
                    scope: &scope_spans["scope"],
                    scope_url: &scope_spans["schemaUrl"],
                    span,
                });
            }
        }
    }
    rows
}

/// One span that has every field, with every type of value.
pub(crate) fn everything() -> Value {
    let nested = json!({"values": [{"stringValue": "a"}, {"intValue": "9007199254740993"}, {},
        {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": false}}]}}]});
    let attributes = json!([
        {"key": "zz", "value": {"stringValue": "last key first \"quoted\"\n"}},
        {"key": "empty", "value": {"stringValue": ""}},
        {"key": "nothing", "value": {}},
        {"key": "yes", "value": {"boolValue": true}},
        {"key": "no", "value": {"boolValue": false}},
        {"key": "int", "value": {"intValue": "-9223372036854775808"}},
        {"key": "double", "value": {"doubleValue": 0.1}},
        {"key": "whole", "value": {"doubleValue": 1.0}},
        {"key": "huge", "value": {"doubleValue": 1e300}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": nested}},
        {"key": "map", "value": {"kvlistValue": {"values": [
            {"key": "b", "value": {"doubleValue": 2.5}}, {"key": "a", "value": {"arrayValue": {"values": []}}}]}}},
        {"key": "aa", "value": {"stringValue": "twice"}},
        {"key": "aa", "value": {"intValue": "2"}}]);
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "host.cpus", "value": {"intValue": "8"}}], "droppedAttributesCount": 1},
        "scopeSpans": [{
            "scope": {"name": "lib", "version": "1.2", "attributes": attributes, "droppedAttributesCount": 2},
            "spans": [{
                "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
                "traceState": "a=b,c=d", "parentSpanId": "eee19b7ec3c1b173", "flags": 257,
                "name": "GET /", "kind": 2,
                "startTimeUnixNano": "1544712660000000001", "endTimeUnixNano": "1544712661000000000",
                "attributes": attributes, "droppedAttributesCount": 3,
                "events": [
                    {"timeUnixNano": "1544712660500000000", "name": "exception", "attributes": attributes, "droppedAttributesCount": 4},
                    {"timeUnixNano": "1544712660400000000", "name": "earlier, but second"}],
                "droppedEventsCount": 5,
                "links": [
                    {"traceId": "11111111111111111111111111111111", "spanId": "2222222222222222",
                     "traceState": "x=y", "attributes": attributes, "droppedAttributesCount": 6, "flags": 1},
                    {"traceId": "33333333333333333333333333333333", "spanId": "4444444444444444"}],
                "droppedLinksCount": 7,
                "status": {"message": "failed", "code": 2}}],
            "schemaUrl": "https://opentelemetry.io/schemas/1.1.0"}],
        "schemaUrl": "https://opentelemetry.io/schemas/1.0.0"}]})
}

/// The lines of a gzipped file of the test data, parsed.
pub(crate) fn lines_of(file: &str) -> Vec<Value> {
    use std::io::{BufRead, BufReader};
    let path = format!(
        "{}/../tests/data/otlp/{file}.jsonl.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    BufReader::new(flate2::read::GzDecoder::new(file))
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

/// `expected.json` of the test data.
pub(crate) fn expected() -> Value {
    let path = format!("{}/../tests/data/expected.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn nanos(value: &Value) -> i64 {
    let number = value
        .as_str()
        .map_or(value.as_u64(), |text| text.parse().ok());
    number.unwrap_or_default().cast_signed()
}

fn small(value: &Value) -> u32 {
    value.as_u64().unwrap_or_default().try_into().unwrap()
}

fn filled(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn kind_word(kind: &Value) -> String {
    let words = [
        "UNSPECIFIED",
        "INTERNAL",
        "SERVER",
        "CLIENT",
        "PRODUCER",
        "CONSUMER",
    ];
    word(&words, kind)
}

fn status_word(code: &Value) -> String {
    word(&["UNSET", "OK", "ERROR"], code)
}

fn word(words: &[&str], number: &Value) -> String {
    let number = number.as_u64().unwrap_or_default();
    let known = usize::try_from(number)
        .ok()
        .and_then(|number| words.get(number));
    known.map_or(number.to_string(), |word| (*word).to_owned())
}

fn service_name(resource: &Value) -> String {
    let found = entries(resource)
        .into_iter()
        .find(|(key, ..)| key == "service.name");
    found
        .and_then(|(_, text, _)| text)
        .unwrap_or_else(|| "unknown_service".to_owned())
}

fn entries(owner: &Value) -> Vec<Entry> {
    list(&owner["attributes"])
        .iter()
        .map(|entry| {
            let (text, letter) = any_text(&entry["value"]);
            (
                entry["key"].as_str().unwrap_or_default().to_owned(),
                text,
                letter,
            )
        })
        .collect()
}

fn any_text(any: &Value) -> (Option<String>, char) {
    let Some((case, value)) = any.as_object().and_then(|cases| cases.iter().next()) else {
        return (None, 'n');
    };
    let plain = match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) if case == "doubleValue" => {
            let mut text = Vec::new();
            spoor_storage::model::write_double(&mut text, number);
            String::from_utf8(text).unwrap()
        }
        _ => value.to_string(),
    };
    let letter = match case.as_str() {
        "stringValue" => 's',
        "boolValue" => 'b',
        "intValue" => 'i',
        "doubleValue" => 'd',
        "bytesValue" => 'x',
        "arrayValue" => 'a',
        "kvlistValue" => 'm',
        other => panic!("unknown value case {other}"),
    };
    (Some(plain), letter)
}

fn offsets(lengths: impl Iterator<Item = usize>) -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths(lengths)
}

fn map_array(rows: &[Vec<Entry>]) -> (ArrayRef, ArrayRef) {
    let DataType::Map(field, sorted) = map_type() else {
        unreachable!()
    };
    let DataType::Struct(fields) = field.data_type() else {
        unreachable!()
    };
    let keys: StringArray = rows.iter().flatten().map(|(key, ..)| Some(key)).collect();
    let values: StringArray = rows
        .iter()
        .flatten()
        .map(|(_, text, _)| text.as_ref())
        .collect();
    let entries = StructArray::new(fields.clone(), vec![Arc::new(keys), Arc::new(values)], None);
    let lengths = offsets(rows.iter().map(Vec::len));
    let map = MapArray::new(Arc::clone(&field), lengths, entries, None, sorted);
    let letters =
        |row: &Vec<Entry>| Some(row.iter().map(|(.., letter)| letter).collect::<String>());
    let types: StringArray = rows.iter().map(letters).collect();
    (Arc::new(map), Arc::new(types))
}

fn times(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC"))
}

fn ids<'a>(size: i32, ids: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let bytes = ids.map(|id| {
        id.filter(|id| !id.is_empty())
            .map(|id| hex::decode(id).unwrap())
    });
    Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, size).unwrap())
}

fn list_array(fields: Fields, lengths: Vec<usize>, columns: Vec<ArrayRef>) -> ArrayRef {
    let items = StructArray::new(fields.clone(), columns, None);
    let field = arrow::datatypes::Field::new("item", DataType::Struct(fields), false);
    Arc::new(ListArray::new(
        Arc::new(field),
        offsets(lengths.into_iter()),
        Arc::new(items),
        None,
    ))
}

fn events(rows: &[Row<'_>]) -> ArrayRef {
    let lengths = rows
        .iter()
        .map(|row| list(&row.span["events"]).len())
        .collect();
    let all: Vec<&Value> = rows
        .iter()
        .flat_map(|row| list(&row.span["events"]))
        .collect();
    let names: StringArray = all
        .iter()
        .map(|event| event["name"].as_str().or(Some("")))
        .collect();
    let (map, types) = map_array(&all.iter().map(|event| entries(event)).collect::<Vec<_>>());
    let dropped: UInt32Array = all
        .iter()
        .map(|event| small(&event["droppedAttributesCount"]))
        .collect();
    let time = times(
        all.iter()
            .map(|event| nanos(&event["timeUnixNano"]))
            .collect(),
    );
    let columns = vec![time, Arc::new(names), map, types, Arc::new(dropped)];
    list_array(event_fields(), lengths, columns)
}

fn links(rows: &[Row<'_>]) -> ArrayRef {
    let lengths = rows
        .iter()
        .map(|row| list(&row.span["links"]).len())
        .collect();
    let all: Vec<&Value> = rows
        .iter()
        .flat_map(|row| list(&row.span["links"]))
        .collect();
    let states: StringArray = all.iter().map(|link| filled(&link["traceState"])).collect();
    let flags: UInt32Array = all.iter().map(|link| small(&link["flags"])).collect();
    let (map, types) = map_array(&all.iter().map(|link| entries(link)).collect::<Vec<_>>());
    let dropped: UInt32Array = all
        .iter()
        .map(|link| small(&link["droppedAttributesCount"]))
        .collect();
    let columns = vec![
        ids(16, all.iter().map(|link| link["traceId"].as_str())),
        ids(8, all.iter().map(|link| link["spanId"].as_str())),
        Arc::new(states),
        Arc::new(flags),
        map,
        types,
        Arc::new(dropped),
    ];
    list_array(link_fields(), lengths, columns)
}

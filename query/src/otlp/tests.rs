use serde_json::{Value, json};

use super::sample::{batch_of, everything, lines_of, list};
use super::*;

fn written(data: &Value) -> Value {
    let columns = SpanColumns::open(&batch_of(data, 0)).unwrap();
    let rows = (0..columns.len()).map(|row| SpanRef {
        columns: &columns,
        row,
    });
    serde_json::from_slice(&write_traces_data(rows)).unwrap()
}

/// Without fields that have their default value, and with `flags` and ids in one way of writing:
/// what OTLP calls the same.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), normal(value)))
            .filter(|(key, value)| {
                if value.is_null() {
                    return false;
                }
                // In a value even the default says which case is set.
                let default = value.as_str() == Some("")
                    || value.as_u64() == Some(0)
                    || *value == json!({})
                    || *value == json!([]);
                !default || key.ends_with("Value") || key == "value"
            })
            .map(|(key, value)| match (key.as_str(), &value) {
                ("traceId" | "spanId" | "parentSpanId", Value::String(id)) => {
                    let id = json!(id.to_lowercase());
                    (key, id)
                }
                _ => (key, value),
            })
            .collect(),
        Value::Array(items) => items.iter().map(normal).collect(),
        other => other.clone(),
    }
}

/// Each span with its resource and scope around it, in order.
fn flat(data: &Value) -> Vec<String> {
    let mut spans = Vec::new();
    for resource in list(&data["resourceSpans"]) {
        for scope in list(&resource["scopeSpans"]) {
            for span in list(&scope["spans"]) {
                let parts = json!({
                    "resource": resource["resource"], "resourceUrl": resource["schemaUrl"],
                    "scope": scope["scope"], "scopeUrl": scope["schemaUrl"], "span": span});
                spans.push(normal(&sorted(&parts)).to_string());
            }
        }
    }
    spans.sort();
    spans
}

/// Object keys in one order; lists as they are.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            fields.into_iter().collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_field_and_type_comes_back_as_it_was() {
    let data = everything();
    assert_eq!(written(&data), data);
}

#[test]
fn odd_times_kinds_and_codes_come_back() {
    let span = |start: &str, end: &str, kind: u32, code: u32| {
        json!({"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002",
            "startTimeUnixNano": start, "endTimeUnixNano": end, "kind": kind, "status": {"code": code}})
    };
    let spans = json!([
        span("1544712661000000000", "0", 9, 0),
        span("0", "0", 1, 7),
        span("1544712661000000000", "1544712660000000000", 5, 1)
    ]);
    let data = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    assert_eq!(flat(&written(&data)), flat(&data));
}

#[test]
fn spans_are_grouped_by_what_is_identical() {
    let service = |name: &str| json!({"attributes": [{"key": "service.name", "value": {"stringValue": name}}]});
    let span = |id: &str| {
        json!({"traceId": "00000000000000000000000000000001", "spanId": id,
            "startTimeUnixNano": "5", "endTimeUnixNano": "7"})
    };
    let group = |resource: &Value, scope: &str, id: &str| json!({"resource": resource, "scopeSpans": [{"scope": {"name": scope}, "spans": [span(id)]}]});
    let (a, b) = (service("a"), service("b"));
    // The same text as another type is another resource.
    let c = json!({"attributes": [{"key": "service.name", "value": {"bytesValue": "a"}}]});
    let data = json!({"resourceSpans": [
        group(&a, "x", "0000000000000001"), group(&b, "x", "0000000000000002"),
        group(&a, "y", "0000000000000003"), group(&a, "x", "0000000000000004"),
        group(&c, "x", "0000000000000005")]});
    let out = written(&data);
    assert_eq!(flat(&out), flat(&data));
    let shape: Vec<Vec<usize>> = list(&out["resourceSpans"])
        .iter()
        .map(|resource| {
            list(&resource["scopeSpans"])
                .iter()
                .map(|scope| list(&scope["spans"]).len())
                .collect()
        })
        .collect();
    assert_eq!(shape, [vec![2, 1], vec![1], vec![1]]);
}

#[test]
fn real_traces_come_back_as_they_were() {
    let files = ["zipkin-traces", "jaegerui-traces", "opbeans-node-traces"];
    let mut spans = 0;
    for file in files {
        for line in lines_of(file) {
            let (sent, stored) = (flat(&line), flat(&written(&line)));
            assert_eq!(sent, stored, "{file}");
            spans += sent.len();
        }
    }
    assert_eq!(spans, 252 + 29 + 1_844);
}

#[test]
fn plain_values_keep_what_json_can() {
    let columns = SpanColumns::open(&batch_of(&everything(), 0)).unwrap();
    let mut json = JsonWriter::new();
    json.begin_object();
    write_plain_attributes(&mut json, "attributes", columns.attributes(0));
    json.end_object();
    let text = String::from_utf8(json.finish()).unwrap();
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["bytes_in_attributes"], json!({"bytes": true}));
    let plain = &object["attributes"];
    assert_eq!(plain["int"], "-9223372036854775808");
    assert_eq!(plain["nothing"], Value::Null);
    assert_eq!(plain["no"], false);
    assert_eq!(plain["bytes"], "AP8=");
    assert_eq!(plain["nan"], "NaN");
    assert_eq!(
        plain["list"],
        json!(["a", "9007199254740993", null, {"k": false}])
    );
    assert_eq!(plain["map"], json!({"b": 2.5, "a": []}));
    assert_eq!(plain["aa"], "twice", "the first of two");
    assert!(
        text.starts_with(r#"{"attributes":{"zz":"#),
        "the order is the sender's: {text}"
    );
}

#[test]
fn identity_tells_retries_from_other_spans() {
    let data = everything();
    let mut other = data.clone();
    other["resourceSpans"][0]["resource"]["attributes"][1]["value"]["intValue"] = json!("9");
    let identity = |data: &Value, record: i64| {
        let columns = SpanColumns::open(&batch_of(data, record)).unwrap();
        span_identity(SpanRef {
            columns: &columns,
            row: 0,
        })
    };
    assert_eq!(
        identity(&data, 1),
        identity(&data, 2),
        "the record's number is not content"
    );
    assert_ne!(identity(&data, 1), identity(&other, 1));
}

use serde_json::{Value, json};

use super::*;
use crate::otlp::sample::{batch_of, list};
use crate::trace::LoadedTrace;

fn written(data: &Value) -> Value {
    let traces = LoadedTrace::split(&[batch_of(data, 0)]).unwrap();
    assert_eq!(traces.len(), 1);
    let (id, trace) = traces.into_iter().next().unwrap();
    let outcome = Outcome {
        complete: true,
        incomplete_reasons: Vec::new(),
        elapsed_ms: 0,
        scanned_bytes: 0,
        snapshot: 0,
    };
    let mut json = JsonWriter::new();
    write_trace(&mut json, id, &trace, &outcome);
    serde_json::from_slice(&json.finish()).unwrap()
}

fn tag(span: &Value, key: &str) -> Value {
    list(&span["tags"])
        .iter()
        .find(|tag| tag["key"] == key)
        .map_or(Value::Null, |tag| json!([tag["type"], tag["value"]]))
}

#[test]
fn a_span_reads_as_jaeger_writes_it() {
    let trace = written(&crate::otlp::sample::everything());
    assert_eq!(trace["traceID"], "5b8efff798038103d269b633813fc60c");
    assert_eq!(
        trace["processes"],
        json!({"p1": {"serviceName": "shop",
            "tags": [{"key": "host.cpus", "type": "int64", "value": 8}]}})
    );
    let span = &trace["spans"][0];
    assert_eq!(span["spanID"], "eee19b7ec3c1b174");
    assert_eq!(span["operationName"], "GET /");
    assert_eq!(span["startTime"], 1_544_712_660_000_000_u64);
    assert_eq!(span["duration"], 999_999);
    assert_eq!(span["processID"], "p1");
    assert_eq!(span["flags"], 1);
    assert_eq!(
        span["references"],
        json!([
            {"refType": "CHILD_OF", "traceID": trace["traceID"], "spanID": "eee19b7ec3c1b173"},
            {"refType": "FOLLOWS_FROM", "traceID": "11111111111111111111111111111111", "spanID": "2222222222222222"},
            {"refType": "FOLLOWS_FROM", "traceID": "33333333333333333333333333333333", "spanID": "4444444444444444"}])
    );
    for (key, expected) in [
        ("yes", json!(["bool", true])),
        ("int", json!(["int64", "-9223372036854775808"])),
        ("double", json!(["float64", 0.1])),
        ("bytes", json!(["binary", "AP8="])),
        (
            "list",
            json!(["string", r#"["a","9007199254740993",null,{"k":false}]"#]),
        ),
        ("nothing", json!(["string", ""])),
        ("span.kind", json!(["string", "server"])),
        ("error", json!(["bool", true])),
        ("otel.status_code", json!(["string", "ERROR"])),
        ("otel.status_description", json!(["string", "failed"])),
        ("otel.scope.name", json!(["string", "lib"])),
        ("otel.scope.version", json!(["string", "1.2"])),
        ("w3c.tracestate", json!(["string", "a=b,c=d"])),
    ] {
        assert_eq!(tag(span, key), expected, "{key}");
    }
    let log = &span["logs"][0];
    assert_eq!(log["timestamp"], 1_544_712_660_500_000_u64);
    assert_eq!(
        log["fields"][0],
        json!({"key": "event", "type": "string", "value": "exception"})
    );
}

#[test]
fn a_span_that_failed_is_marked_also_beside_a_text_of_its_own() {
    let span = |id: &str, key: &str, value: Value| {
        json!({"traceId": "0000000000000000000000000000000a", "spanId": id, "name": "x", "kind": 1,
            "startTimeUnixNano": "1000", "endTimeUnixNano": "2000", "status": {"code": 2},
            "attributes": [{"key": key, "value": value}]})
    };
    let trace = written(&json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        span("0000000000000001", "error", json!({"stringValue": "no such user"})),
        span("0000000000000002", "error", json!({"boolValue": true})),
        span("0000000000000003", "error", json!({"stringValue": "true"})),
        span("0000000000000004", "other", json!({"boolValue": true}))]}]}]}));
    for (place, expected) in [
        vec![json!("no such user"), json!(true)],
        vec![json!(true)],
        vec![json!("true")],
        vec![json!(true)],
    ]
    .into_iter()
    .enumerate()
    {
        let tags = list(&trace["spans"][place]["tags"]).iter();
        let said: Vec<Value> = tags
            .filter(|tag| tag["key"] == "error")
            .map(|tag| tag["value"].clone())
            .collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn zipkin_halves_get_ids_of_their_own() {
    let span = |id: &str, parent: &str, kind: u32, start: &str| {
        json!({"traceId": "0000000000000000000000000000000a", "spanId": id, "parentSpanId": parent,
            "kind": kind, "name": "x", "startTimeUnixNano": start, "endTimeUnixNano": start})
    };
    let (one, two) = ("0000000000000001", "0000000000000002");
    let trace = written(&json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        span(one, "", 2, "1000"), span(two, one, 2, "3000"), span(two, one, 3, "2000"),
        span("0000000000000003", two, 1, "4000"), span("0000000000000005", "00000000000000ff", 1, "5000")]}]}]}));
    let shape: Vec<(&str, Option<&str>)> = list(&trace["spans"])
        .iter()
        .map(|span| {
            (
                span["spanID"].as_str().unwrap(),
                span["references"][0]["spanID"].as_str(),
            )
        })
        .collect();
    // The server half takes the next free number, and its child follows it.
    let four = "0000000000000004";
    assert_eq!(
        shape,
        [
            (one, None),
            (four, Some(two)),
            (two, Some(one)),
            ("0000000000000003", Some(four)),
            ("0000000000000005", Some("00000000000000ff")),
        ]
    );
}

#[test]
fn a_negative_duration_is_a_warning() {
    let trace = written(&json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0000000000000000000000000000000a", "spanId": "0000000000000001",
        "startTimeUnixNano": "9000", "endTimeUnixNano": "4000"}]}]}]}));
    let span = &trace["spans"][0];
    assert_eq!(span["duration"], 0);
    assert_eq!(
        span["warnings"][0],
        "the span ends before it starts: its duration is -5000 ns"
    );
    assert_eq!(tag(span, "span.kind"), Value::Null, "unspecified");
}

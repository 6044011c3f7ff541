use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use spoor_storage::ErrorKind;

use super::*;
use crate::sample_data;

fn traces(json: &str) -> ExportTraceServiceRequest {
    let bytes = to_protobuf(Signal::Traces, json.as_bytes()).unwrap();
    ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap()
}

fn logs(json: &[u8]) -> ExportLogsServiceRequest {
    let bytes = to_protobuf(Signal::Logs, json).unwrap();
    ExportLogsServiceRequest::decode(bytes.as_slice()).unwrap()
}

fn one_span(fields: &str) -> Span {
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    traces(&json).resource_spans[0].scope_spans[0].spans[0].clone()
}

#[test]
fn the_example_trace_of_the_specification_is_read() {
    let json = sample_data::untouched("otlp-example-trace.json");
    let request = traces(std::str::from_utf8(&json).unwrap());
    let resource = &request.resource_spans[0];
    assert_eq!(
        resource.resource.as_ref().unwrap().attributes[0].key,
        "service.name"
    );
    let scope = resource.scope_spans[0].scope.as_ref().unwrap();
    assert_eq!(
        (scope.name.as_str(), scope.version.as_str()),
        ("my.library", "1.0.0")
    );
    let span = &resource.scope_spans[0].spans[0];
    assert_eq!(
        hex::encode(&span.trace_id),
        "5b8efff798038103d269b633813fc60c"
    );
    assert_eq!(hex::encode(&span.span_id), "eee19b7ec3c1b174");
    assert_eq!(hex::encode(&span.parent_span_id), "eee19b7ec3c1b173");
    assert_eq!(span.name, "I'm a server span");
    assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_000);
    assert_eq!(span.kind, 2);
    assert_eq!(span.attributes[0].key, "my.span.attr");
}

#[test]
fn the_example_logs_and_events_of_the_specification_are_read() {
    let request = logs(&sample_data::untouched("otlp-example-logs.json"));
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.severity_number, 10);
    assert_eq!(record.severity_text, "Information");
    let values: Vec<_> = record
        .attributes
        .iter()
        .map(|attribute| attribute.value.clone().unwrap().value.unwrap())
        .collect();
    assert_eq!(values[1], Value::BoolValue(true));
    assert_eq!(values[2], Value::IntValue(10));
    assert_eq!(values[3], Value::DoubleValue(637.704));
    assert!(matches!(&values[4], Value::ArrayValue(array) if array.values.len() == 2));
    assert!(matches!(&values[5], Value::KvlistValue(list) if list.values[0].key == "some.map.key"));
    let request = logs(&sample_data::untouched("otlp-example-events.json"));
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.event_name, "browser.page_view");
    let body = record.body.clone().unwrap().value.unwrap();
    assert!(matches!(body, Value::KvlistValue(list) if list.values.len() == 4));
}

#[test]
fn metrics_and_the_other_signal_are_told_so() {
    let metrics = sample_data::untouched("otlp-example-metrics.json");
    let error = to_protobuf(Signal::Traces, &metrics).unwrap_err();
    assert!(error.message().contains("not metrics"), "{error}");
    let error = to_protobuf(Signal::Traces, br#"{"resourceLogs":[]}"#).unwrap_err();
    assert!(error.hint().unwrap().contains("/v1/logs"), "{error:?}");
    let error = to_protobuf(Signal::Logs, br#"{"resourceSpans":[]}"#).unwrap_err();
    assert!(error.hint().unwrap().contains("/v1/traces"), "{error:?}");
    assert!(to_protobuf(Signal::Logs, b"{}").unwrap().is_empty());
}

#[test]
fn numbers_and_names_are_read_in_every_spelling() {
    let span = one_span(
        r#""startTimeUnixNano":1544712660000000000,"endTimeUnixNano":"1544712661000000000",
           "kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":null},
           "flags":"257","droppedEventsCount":3.0,"unknown":{"a":[1,{}]}"#,
    );
    assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_000);
    assert_eq!(span.end_time_unix_nano, 1_544_712_661_000_000_000);
    assert_eq!(
        (span.kind, span.flags, span.dropped_events_count),
        (3, 257, 3)
    );
    assert_eq!(span.status.unwrap().code, 2);
    let span = one_span(
        r#""start_time_unix_nano":"5","parent_span_id":"EEE19B7EC3C1B173","trace_state":"a=b",
           "kind":9,"status":{"code":2},"links":[{"trace_id":"5b8efff798038103d269b633813fc60c"}],
           "events":[{"time_unix_nano":7,"name":"e\n","attributes":null}]"#,
    );
    assert_eq!(span.start_time_unix_nano, 5);
    assert_eq!(span.parent_span_id.len(), 8);
    assert_eq!((span.trace_state.as_str(), span.kind), ("a=b", 9));
    assert_eq!(span.links[0].trace_id.len(), 16);
    assert_eq!(
        (span.events[0].time_unix_nano, span.events[0].name.as_str()),
        (7, "e\n")
    );
}

#[test]
fn values_keep_their_type_even_if_they_are_empty() {
    let value = |json: &str| {
        let span = one_span(&format!(r#""attributes":[{{"key":"k","value":{json}}}]"#));
        span.attributes[0]
            .value
            .clone()
            .and_then(|value| value.value)
    };
    assert_eq!(
        value(r#"{"stringValue":""}"#),
        Some(Value::StringValue(String::new()))
    );
    assert_eq!(value(r#"{"intValue":"0"}"#), Some(Value::IntValue(0)));
    assert_eq!(value(r#"{"intValue":-3}"#), Some(Value::IntValue(-3)));
    assert_eq!(
        value(r#"{"boolValue":false}"#),
        Some(Value::BoolValue(false))
    );
    assert_eq!(
        value(r#"{"doubleValue":"Infinity"}"#),
        Some(Value::DoubleValue(f64::INFINITY))
    );
    assert_eq!(value(r#"{"doubleValue":0}"#), Some(Value::DoubleValue(0.0)));
    assert_eq!(
        value(r#"{"bytesValue":"AQI="}"#),
        Some(Value::BytesValue(vec![1, 2]))
    );
    assert_eq!(
        value(r#"{"bytesValue":"_w"}"#),
        Some(Value::BytesValue(vec![0xff]))
    );
    assert!(matches!(
        value(r#"{"arrayValue":{}}"#),
        Some(Value::ArrayValue(_))
    ));
    assert!(matches!(
        value(r#"{"kvlistValue":{"values":null}}"#),
        Some(Value::KvlistValue(_))
    ));
    assert_eq!(value("{}"), None);
    assert_eq!(value(r#"{"stringValue":null}"#), None);
    assert_eq!(value("null"), None);
}

#[test]
fn ids_that_are_not_hex_get_a_length_that_no_id_has() {
    let span = one_span(r#""traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"xyz","parentSpanId":"""#);
    assert_eq!(
        (
            span.trace_id.len(),
            span.span_id.len(),
            span.parent_span_id.len()
        ),
        (1, 1, 0)
    );
}

#[test]
fn wrong_json_is_invalid_and_named_with_its_place() {
    for json in [
        "",
        "[]",
        "nonsense",
        r#"{"resourceSpans":{}}"#,
        r#"{"resourceSpans":[1]}"#,
        r#"{"resourceSpans":[]} tail"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_ODD"}]}]}]}"#,
        &format!("{{\"resourceSpans\":{}", "[".repeat(100_000)),
    ] {
        let error = to_protobuf(Signal::Traces, json.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("at line"), "{error}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert!(to_protobuf(Signal::Traces, b"\xef\xbb\xbf{\"resourceSpans\":[]}").is_ok());
}

//! OTLP JSON into the protobuf messages of `opentelemetry-proto`, by hand: what gRPC is fed with
//! must not come out of the decoder that is under test.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event};
use serde_json::Value;

pub(crate) fn traces(json: &str) -> ExportTraceServiceRequest {
    let json: Value = serde_json::from_str(json).unwrap();
    ExportTraceServiceRequest {
        resource_spans: list(&json["resourceSpans"], resource_spans),
    }
}

pub(crate) fn logs(json: &str) -> ExportLogsServiceRequest {
    let json: Value = serde_json::from_str(json).unwrap();
    ExportLogsServiceRequest {
        resource_logs: list(&json["resourceLogs"], resource_logs),
    }
}

fn list<T>(json: &Value, one: fn(&Value) -> T) -> Vec<T> {
    json.as_array()
        .map(|items| items.iter().map(one).collect())
        .unwrap_or_default()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// Numbers come as numbers or, when they have 64 bits, as strings.
fn unsigned(json: &Value) -> u64 {
    match json {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_u64().unwrap_or_default(),
    }
}

fn small(json: &Value) -> i32 {
    i32::try_from(unsigned(json)).unwrap()
}

fn id(json: &Value) -> Vec<u8> {
    let text = json.as_str().unwrap_or_default();
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn resource_spans(json: &Value) -> ResourceSpans {
    ResourceSpans {
        resource: Some(resource(&json["resource"])),
        scope_spans: list(&json["scopeSpans"], |json| ScopeSpans {
            scope: Some(scope(&json["scope"])),
            spans: list(&json["spans"], span),
            schema_url: text(&json["schemaUrl"]),
        }),
        schema_url: text(&json["schemaUrl"]),
    }
}

fn resource_logs(json: &Value) -> ResourceLogs {
    ResourceLogs {
        resource: Some(resource(&json["resource"])),
        scope_logs: list(&json["scopeLogs"], |json| ScopeLogs {
            scope: Some(scope(&json["scope"])),
            log_records: list(&json["logRecords"], record),
            schema_url: text(&json["schemaUrl"]),
        }),
        schema_url: text(&json["schemaUrl"]),
    }
}

fn resource(json: &Value) -> Resource {
    Resource {
        attributes: list(&json["attributes"], attribute),
        ..Resource::default()
    }
}

fn scope(json: &Value) -> InstrumentationScope {
    InstrumentationScope {
        name: text(&json["name"]),
        version: text(&json["version"]),
        attributes: list(&json["attributes"], attribute),
        ..InstrumentationScope::default()
    }
}

fn span(json: &Value) -> Span {
    assert!(
        json.get("links").is_none(),
        "the recorded data has no links; convert them too"
    );
    Span {
        trace_id: id(&json["traceId"]),
        span_id: id(&json["spanId"]),
        parent_span_id: id(&json["parentSpanId"]),
        name: text(&json["name"]),
        kind: small(&json["kind"]),
        start_time_unix_nano: unsigned(&json["startTimeUnixNano"]),
        end_time_unix_nano: unsigned(&json["endTimeUnixNano"]),
        attributes: list(&json["attributes"], attribute),
        events: list(&json["events"], |json| Event {
            time_unix_nano: unsigned(&json["timeUnixNano"]),
            name: text(&json["name"]),
            attributes: list(&json["attributes"], attribute),
            ..Event::default()
        }),
        status: json.get("status").map(|status| Status {
            code: small(&status["code"]),
            message: text(&status["message"]),
        }),
        ..Span::default()
    }
}

fn record(json: &Value) -> LogRecord {
    LogRecord {
        time_unix_nano: unsigned(&json["timeUnixNano"]),
        observed_time_unix_nano: unsigned(&json["observedTimeUnixNano"]),
        severity_number: small(&json["severityNumber"]),
        severity_text: text(&json["severityText"]),
        body: json.get("body").map(value),
        attributes: list(&json["attributes"], attribute),
        flags: u32::try_from(unsigned(&json["flags"])).unwrap(),
        trace_id: id(&json["traceId"]),
        span_id: id(&json["spanId"]),
        event_name: text(&json["eventName"]),
        ..LogRecord::default()
    }
}

fn attribute(json: &Value) -> KeyValue {
    KeyValue {
        key: text(&json["key"]),
        value: json.get("value").map(value),
        ..KeyValue::default()
    }
}

fn value(json: &Value) -> AnyValue {
    let (case, inner) = json.as_object().unwrap().iter().next().unwrap();
    let value = match case.as_str() {
        "stringValue" => any_value::Value::StringValue(text(inner)),
        "boolValue" => any_value::Value::BoolValue(inner.as_bool().unwrap()),
        "intValue" => any_value::Value::IntValue(match inner {
            Value::String(text) => text.parse().unwrap(),
            other => other.as_i64().unwrap(),
        }),
        "doubleValue" => any_value::Value::DoubleValue(inner.as_f64().unwrap()),
        "arrayValue" => any_value::Value::ArrayValue(ArrayValue {
            values: list(&inner["values"], value),
        }),
        "kvlistValue" => any_value::Value::KvlistValue(KeyValueList {
            values: list(&inner["values"], attribute),
        }),
        other => panic!("`{other}` is not in the recorded data; convert it too"),
    };
    AnyValue { value: Some(value) }
}

//! What is sent: the recorded telemetry of `tests/data`, and small made-up requests.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use serde_json::Value;

use crate::otlp::Signal;

pub(crate) mod convert;

/// `tests/data/<name>`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data")).join(name)
}

/// The figures computed from the original sources.
pub(crate) fn expected() -> Value {
    let text = std::fs::read_to_string(path("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every file of recorded requests, in a fixed order.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(path("otlp"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".jsonl.gz"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 10, "the recorded files: {files:?}");
    files
}

/// The requests of one file, as OTLP JSON, one a line.
pub(crate) fn lines(file: &Path) -> (Signal, Vec<String>) {
    let signal = if file.to_string_lossy().contains("-traces") {
        Signal::Traces
    } else {
        Signal::Logs
    };
    let reader = BufReader::new(GzDecoder::new(std::fs::File::open(file).unwrap()));
    (signal, reader.lines().map(Result::unwrap).collect())
}

/// A whole file of `tests/data` as text.
pub(crate) fn text(name: &str) -> String {
    let bytes = std::fs::read(path(name)).unwrap();
    if Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "gz")
    {
        let mut text = String::new();
        GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        text
    } else {
        String::from_utf8(bytes).unwrap()
    }
}

/// A point in time that made-up records use: 2024-05-01T12:00:00Z, in nanoseconds.
pub(crate) const T0: u64 = 1_714_564_800_000_000_000;

pub(crate) fn text_value(text: &str) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::StringValue(text.to_owned())),
    }
}

pub(crate) fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

pub(crate) fn text_attribute(key: &str, value: &str) -> KeyValue {
    attribute(key, text_value(value))
}

pub(crate) fn int_attribute(key: &str, value: i64) -> KeyValue {
    attribute(
        key,
        AnyValue {
            value: Some(any_value::Value::IntValue(value)),
        },
    )
}

/// A span that is fine: the test then breaks what it wants broken.
pub(crate) fn span(trace: u128, span: u64) -> Span {
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: span.to_be_bytes().to_vec(),
        name: "work".to_owned(),
        kind: 2,
        start_time_unix_nano: T0,
        end_time_unix_nano: T0 + 1_000_000,
        ..Span::default()
    }
}

/// A log record that is fine.
pub(crate) fn record(body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: T0,
        observed_time_unix_nano: T0 + 1,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: Some(text_value(body)),
        ..LogRecord::default()
    }
}

fn resource(service: &str) -> Resource {
    Resource {
        attributes: vec![text_attribute("service.name", service)],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "spoor.e2e".to_owned(),
        version: "1".to_owned(),
        ..InstrumentationScope::default()
    }
}

/// A request with spans of one service.
pub(crate) fn spans_of(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// A request with log records of one service.
pub(crate) fn logs_of(service: &str, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource(service)),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::*;

/// A record with what was found out beside it.
#[derive(Debug)]
struct Found {
    service: Option<String>,
    scope: Option<String>,
    record: LogRecord,
}

impl Found {
    fn body(&self) -> &str {
        match &self.record.body.as_ref().unwrap().value {
            Some(Any::StringValue(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn attribute(&self, key: &str) -> Option<Any> {
        let found = self
            .record
            .attributes
            .iter()
            .find(|attribute| attribute.key == key)?;
        found.value.clone()?.value
    }

    fn keys(&self) -> Vec<&str> {
        self.record
            .attributes
            .iter()
            .map(|attribute| attribute.key.as_str())
            .collect()
    }
}

fn read(body: &str) -> Vec<Found> {
    read_with(body, &JsonLinesDefaults::default())
}

fn read_with(body: &str, defaults: &JsonLinesDefaults) -> Vec<Found> {
    let bytes = to_protobuf(body.as_bytes(), defaults);
    let request = ExportLogsServiceRequest::decode(bytes.as_slice()).unwrap();
    let mut found = Vec::new();
    for resource in request.resource_logs {
        let service = resource.resource.map(|resource| {
            match resource.attributes[0].value.clone().unwrap().value {
                Some(Any::StringValue(text)) => text,
                other => panic!("{other:?}"),
            }
        });
        for scope in resource.scope_logs {
            let name = scope.scope.map(|scope| scope.name);
            found.extend(scope.log_records.into_iter().map(|record| Found {
                service: service.clone(),
                scope: name.clone(),
                record,
            }));
        }
    }
    found
}

fn one(line: &str) -> Found {
    let mut found = read(line);
    assert_eq!(found.len(), 1, "{line}");
    found.remove(0)
}

#[expect(clippy::unnecessary_wraps, reason = "as attributes are compared")]
fn text(value: &str) -> Option<Any> {
    Some(Any::StringValue(value.to_owned()))
}

const TIME: u64 = 1_674_982_096_546_000_000;

#[test]
fn elastic_common_schema() {
    let nested = r#"{"@timestamp":"2023-01-29T08:48:16.546Z","log":{"level":"warn","logger":"a.B"},"message":"m","service":{"name":"shop","version":"2"},"trace":{"id":"5b8efff798038103d269b633813fc60c"},"span":{"id":"eee19b7ec3c1b174"},"ecs":{"version":"1.6"},"http":{"response":{"status_code":500}}}"#;
    let dotted = r#"{"@timestamp":"2023-01-29T08:48:16.546Z","log.level":"warn","log.logger":"a.B","message":"m","service.name":"shop","service.version":"2","trace.id":"5B8EFFF798038103D269B633813FC60C","span.id":"eee19b7ec3c1b174","ecs.version":"1.6","http.response.status_code":500}"#;
    for line in [nested, dotted] {
        let found = one(line);
        assert_eq!(found.record.time_unix_nano, TIME);
        assert_eq!(found.record.severity_number, 13);
        assert_eq!(found.record.severity_text, "warn");
        assert_eq!(found.body(), "m");
        assert_eq!(found.service.as_deref(), Some("shop"));
        assert_eq!(found.scope.as_deref(), Some("a.B"));
        assert_eq!(
            hex::encode(&found.record.trace_id),
            "5b8efff798038103d269b633813fc60c"
        );
        assert_eq!(hex::encode(&found.record.span_id), "eee19b7ec3c1b174");
        assert_eq!(
            found.keys(),
            [
                "service.version",
                "ecs.version",
                "http.response.status_code"
            ]
        );
        assert_eq!(
            found.attribute("http.response.status_code"),
            Some(Any::IntValue(500))
        );
    }
}

#[test]
fn bunyan_and_pino() {
    let found = one(
        r#"{"name":"shop","hostname":"h","pid":1,"level":50,"msg":"no","time":"2023-01-29T08:48:16.546Z","v":0}"#,
    );
    assert_eq!(found.service.as_deref(), Some("shop"));
    assert_eq!(
        (found.record.severity_number, found.record.time_unix_nano),
        (17, TIME)
    );
    assert_eq!(found.keys(), ["hostname", "pid", "v"]);
    let found = one(
        r#"{"level":30,"time":1674982096546,"pid":1,"hostname":"h","msg":"hi","req":{"id":7}}"#,
    );
    assert_eq!((found.body(), found.record.time_unix_nano), ("hi", TIME));
    assert_eq!(found.record.severity_text, "INFO");
    assert_eq!(found.attribute("req.id"), Some(Any::IntValue(7)));
    assert_eq!(found.service, None);
}

#[test]
fn zap_and_slog() {
    let found = one(
        r#"{"level":"info","ts":1674982096.546,"logger":"http","caller":"main.go:7","msg":"up","elapsed":0.25}"#,
    );
    assert_eq!((found.body(), found.record.time_unix_nano), ("up", TIME));
    assert_eq!(found.scope.as_deref(), Some("http"));
    assert_eq!(found.attribute("elapsed"), Some(Any::DoubleValue(0.25)));
    let found =
        one(r#"{"time":"2023-01-29T09:48:16.546+01:00","level":"INFO+2","msg":"x","name":"n"}"#);
    assert_eq!(
        (found.record.severity_number, found.record.time_unix_nano),
        (11, TIME)
    );
    assert_eq!(
        found.attribute("name"),
        text("n"),
        "a name is a service in bunyan only"
    );
}

#[test]
fn log4j_and_logback() {
    let found = one(
        r#"{"instant":{"epochSecond":1674982096,"nanoOfSecond":546000000},"thread":"main","level":"ERROR","loggerName":"com.example.Shop","message":"failed","thrown":{"name":"java.lang.Error"},"contextMap":{"traceId":"5b8efff798038103d269b633813fc60c"}}"#,
    );
    assert_eq!(
        (found.record.time_unix_nano, found.record.severity_number),
        (TIME, 17)
    );
    assert_eq!(found.scope.as_deref(), Some("com.example.Shop"));
    assert_eq!(found.record.trace_id.len(), 16);
    assert_eq!(found.keys(), ["thread", "thrown.name"]);
    let found = one(
        r#"{"@timestamp":"2023-01-29T08:48:16.546Z","@version":"1","message":"m","logger_name":"a.B","level":"INFO","level_value":20000}"#,
    );
    assert_eq!((found.body(), found.scope.as_deref()), ("m", Some("a.B")));
    assert_eq!(found.keys(), ["@version", "level_value"]);
}

#[test]
fn docker_lines_are_unwrapped() {
    let plain = one(r#"{"log":"hello\n","stream":"stderr","time":"2023-01-29T08:48:16.546Z"}"#);
    assert_eq!((plain.body(), plain.record.time_unix_nano), ("hello", TIME));
    assert_eq!(plain.attribute("stream"), text("stderr"));
    let inner = one(
        r#"{"log":"{\"level\":\"error\",\"msg\":\"in\",\"k\":1}\n","stream":"stdout","time":"2023-01-29T08:48:16.546Z"}"#,
    );
    assert_eq!((inner.body(), inner.record.time_unix_nano), ("in", TIME));
    assert_eq!(inner.record.severity_number, 17);
    assert_eq!(inner.keys(), ["k", "stream"]);
}

#[test]
fn lines_that_are_not_json_are_records_too() {
    let body = "plain words\r\n\n{\"broken\": \n[1,2]\n\"quoted\"\n   indented";
    let found = read(body);
    let bodies: Vec<_> = found.iter().map(Found::body).collect();
    assert_eq!(
        bodies,
        [
            "plain words",
            "{\"broken\":",
            "[1,2]",
            "\"quoted\"",
            "   indented"
        ]
    );
    assert!(found.iter().all(|found| found.record.time_unix_nano == 0));
    assert!(read("").is_empty());
    assert!(read("\n \n").is_empty());
}

#[test]
fn an_object_without_a_message_keeps_its_line() {
    let line = r#"{"level":"info","user":{"id":7},"tags":["a",null],"big":18446744073709551615}"#;
    let found = one(line);
    assert_eq!(found.body(), line);
    assert_eq!(found.keys(), ["user.id", "tags", "big"]);
    assert_eq!(found.attribute("big"), text("18446744073709551615"));
    assert!(
        matches!(found.attribute("tags"), Some(Any::ArrayValue(array)) if array.values.len() == 2)
    );
}

#[test]
fn what_makes_no_sense_under_a_known_key_stays_an_attribute() {
    let found =
        one(r#"{"message":"m","time":"soon","level":"gold","trace_id":"12","service":7,"n":null}"#);
    assert_eq!(found.keys(), ["time", "level", "trace_id", "service", "n"]);
    assert_eq!(found.record.severity_number, 0);
    assert_eq!(found.attribute("n"), None);
}

#[test]
fn records_are_grouped_by_service_and_scope_in_their_order() {
    let defaults = JsonLinesDefaults {
        service_name: Some("default".to_owned()),
    };
    let body = r#"{"msg":"1","service":"a"}
{"msg":"2"}
{"msg":"3","service":"a"}
{"msg":"4","service":"a","logger":"l"}"#;
    let found = read_with(body, &defaults);
    let seen: Vec<_> = found
        .iter()
        .map(|found| {
            (
                found.service.as_deref().unwrap(),
                found.scope.as_deref(),
                found.body(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("a", None, "1"),
            ("a", None, "3"),
            ("default", None, "2"),
            ("a", Some("l"), "4")
        ]
    );
    let many: Vec<String> = (0..3000)
        .map(|i| format!(r#"{{"msg":"m","service":"s{i}"}}"#))
        .collect();
    assert_eq!(read(&many.join("\n")).len(), 3000);
}

#[test]
fn arrays_and_pretty_printed_objects_are_understood() {
    let bodies = |body: &str| -> Vec<String> {
        read(body)
            .iter()
            .map(|found| found.body().to_owned())
            .collect()
    };
    assert_eq!(
        bodies(r#" [{"msg":"a"}, {"msg":"b"}, "text"] "#),
        ["a", "b", "text"]
    );
    assert_eq!(
        bodies("{\n  \"msg\": \"a\"\n}\n{\n  \"msg\": \"b\"\n}\n"),
        ["a", "b"]
    );
    assert_eq!(
        bodies("[1, {\"msg\""),
        ["[1, {\"msg\""],
        "not an array after all"
    );
}

#[test]
fn a_huge_line_and_deep_objects_are_kept() {
    let huge = format!(r#"{{"msg":"{}"}}"#, "x".repeat(MAX_JSON_LINE_BYTES));
    assert_eq!(one(&huge).body(), huge);
    let deep = format!(
        r#"{{"msg":"m","a":{}1{}}}"#,
        r#"{"b":"#.repeat(60),
        "}".repeat(60)
    );
    let found = one(&deep);
    assert_eq!(found.body(), "m");
    let key = found.keys()[0].to_owned();
    assert_eq!(key.split('.').count(), MAX_OPEN_DEPTH);
    assert!(matches!(found.attribute(&key), Some(Any::KvlistValue(_))));
    let too_deep_for_json = format!("{}1{}", r#"{"b":"#.repeat(500), "}".repeat(500));
    assert_eq!(one(&too_deep_for_json).body(), too_deep_for_json);
}

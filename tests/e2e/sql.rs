//! SQL over HTTP: names, types and forms of the answer, what is refused, and that OTLP out is
//! OTLP in.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Status, span};
use serde_json::{Value, json};

use crate::data::{attribute, int_attribute, logs_of, record, span, spans_of, text_attribute};
use crate::harness::{Home, Server};
use crate::{data, otlp};

fn value(value: any_value::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// One span with everything a span can have.
fn rich_span() -> opentelemetry_proto::tonic::trace::v1::Span {
    let nested = value(any_value::Value::KvlistValue(KeyValueList {
        values: vec![int_attribute("a", 1), text_attribute("b", "two")],
    }));
    let list = value(any_value::Value::ArrayValue(ArrayValue {
        values: vec![data::text_value("x"), data::text_value("y")],
    }));
    let mut span = span(0x00ab_cdef, 7);
    span.parent_span_id = 9_u64.to_be_bytes().to_vec();
    "vendor=1".clone_into(&mut span.trace_state);
    span.flags = 0x101;
    span.kind = 3;
    "GET /cart, \"quoted\"\nnext line".clone_into(&mut span.name);
    span.end_time_unix_nano = span.start_time_unix_nano + 2_500_000;
    span.attributes = vec![
        text_attribute("http.route", "/cart/{id}"),
        int_attribute("http.response.status_code", 503),
        int_attribute("big", i64::MAX),
        attribute("ratio", value(any_value::Value::DoubleValue(0.1))),
        attribute("retry", value(any_value::Value::BoolValue(true))),
        attribute("raw", bytes()),
        attribute("list", list),
        attribute("nested", nested),
        attribute("empty", AnyValue::default()),
        text_attribute("http.route", "a second time"),
    ];
    span.dropped_attributes_count = 4;
    span.events = vec![span::Event {
        time_unix_nano: span.start_time_unix_nano + 3,
        name: "exception".to_owned(),
        attributes: vec![text_attribute("exception.type", "Timeout")],
        dropped_attributes_count: 1,
    }];
    span.dropped_events_count = 2;
    span.links = vec![span::Link {
        trace_id: 5_u128.to_be_bytes().to_vec(),
        span_id: 6_u64.to_be_bytes().to_vec(),
        trace_state: "l=1".to_owned(),
        attributes: vec![int_attribute("order", 3)],
        dropped_attributes_count: 5,
        flags: 1,
    }];
    span.dropped_links_count = 3;
    span.status = Some(Status {
        code: 2,
        message: "upstream timed out".to_owned(),
    });
    span
}

async fn server_with_data(home: &Home) -> Server {
    let server = home.serve().await;
    server
        .otlp()
        .export_spans(&spans_of("shop", vec![rich_span()]))
        .await;
    let mut record = record("payment failed: card \"1234\", retry");
    record.trace_id = 0x00ab_cdef_u128.to_be_bytes().to_vec();
    record.span_id = 7_u64.to_be_bytes().to_vec();
    record.attributes = vec![int_attribute("attempt", 2)];
    server
        .otlp()
        .export_logs(&logs_of("shop", vec![record]))
        .await;
    server
}

fn bytes() -> AnyValue {
    value(any_value::Value::BytesValue(vec![0, 255, 16]))
}

/// A record whose body is bytes.
fn of_bytes() -> LogRecord {
    let parts = value(any_value::Value::ArrayValue(ArrayValue {
        values: vec![value(any_value::Value::IntValue(1)), bytes()],
    }));
    let mut record = record("");
    record.time_unix_nano += 1;
    record.body = Some(bytes());
    record.attributes = vec![text_attribute("text", "AP8Q"), attribute("parts", parts)];
    record
}

/// A record whose body has bytes in it.
fn with_bytes() -> LogRecord {
    let list = |values| value(any_value::Value::KvlistValue(KeyValueList { values }));
    let inner = list(vec![attribute("raw", bytes())]);
    let mut record = record("");
    record.time_unix_nano += 2;
    record.body = Some(list(vec![
        text_attribute("text", "AP8Q"),
        attribute("in", inner),
    ]));
    record
}

/// From the buffer and from files alike.
async fn in_both_places(check: AsyncCheck) {
    let home = Home::new();
    let server = server_with_data(&home).await;
    check(server.api()).await;
    server.stop().await;
    let server = home.serve().await;
    check(server.api()).await;
}

type AsyncCheck = fn(crate::api::Api) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[tokio::test(flavor = "multi_thread")]
async fn otlp_out_is_otlp_in() {
    in_both_places(|api| {
        Box::pin(async move {
            let trace = api.get(&format!("/api/v1/traces/{:032x}", 0x00ab_cdef), &[]).await;
            let sent = rich_span();
            let got = &trace["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
            let start = sent.start_time_unix_nano;
            let expected = json!({
                "traceId": "00000000000000000000000000abcdef",
                "spanId": "0000000000000007",
                "parentSpanId": "0000000000000009",
                "traceState": "vendor=1",
                "flags": 0x101,
                "name": sent.name,
                "kind": 3,
                "startTimeUnixNano": start.to_string(),
                "endTimeUnixNano": (start + 2_500_000).to_string(),
                "attributes": [
                    {"key": "http.route", "value": {"stringValue": "/cart/{id}"}},
                    {"key": "http.response.status_code", "value": {"intValue": "503"}},
                    {"key": "big", "value": {"intValue": "9223372036854775807"}},
                    {"key": "ratio", "value": {"doubleValue": 0.1}},
                    {"key": "retry", "value": {"boolValue": true}},
                    {"key": "raw", "value": {"bytesValue": "AP8Q"}},
                    {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"stringValue": "y"}]}}},
                    {"key": "nested", "value": {"kvlistValue": {"values": [
                        {"key": "a", "value": {"intValue": "1"}},
                        {"key": "b", "value": {"stringValue": "two"}},
                    ]}}},
                    {"key": "empty", "value": {}},
                    {"key": "http.route", "value": {"stringValue": "a second time"}},
                ],
                "droppedAttributesCount": 4,
                "events": [{
                    "timeUnixNano": (start + 3).to_string(),
                    "name": "exception",
                    "attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}],
                    "droppedAttributesCount": 1,
                }],
                "droppedEventsCount": 2,
                "links": [{
                    "traceId": "00000000000000000000000000000005",
                    "spanId": "0000000000000006",
                    "traceState": "l=1",
                    "attributes": [{"key": "order", "value": {"intValue": "3"}}],
                    "droppedAttributesCount": 5,
                    "flags": 1,
                }],
                "droppedLinksCount": 3,
                "status": {"code": 2, "message": "upstream timed out"},
            });
            for (key, value) in expected.as_object().unwrap() {
                assert_eq!(&got[key], value, "{key}");
            }
            assert_eq!(trace["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"], "spoor.e2e");
            let resource = &trace["resourceSpans"][0]["resource"]["attributes"][0];
            assert_eq!(resource, &json!({"key": "service.name", "value": {"stringValue": "shop"}}));
        })
    })
    .await;
}

/// A base64 text and bytes look alike in JSON; the answer tells them apart.
#[tokio::test(flavor = "multi_thread")]
async fn answers_say_which_values_are_bytes() {
    let home = Home::new();
    let server = server_with_data(&home).await;
    let records = logs_of("shop", vec![of_bytes(), with_bytes()]);
    server.otlp().export_logs(&records).await;
    assert_bytes_are_told(&server.api()).await;
    server.stop().await;
    let server = home.serve().await;
    assert_bytes_are_told(&server.api()).await;
}

async fn assert_bytes_are_told(api: &crate::api::Api) {
    let trace = api.timeline(&format!("{:032x}", 0x00ab_cdef)).await;
    let span = &trace["spans"][0];
    assert_eq!(span["attributes"]["raw"], "AP8Q");
    assert_eq!(span["bytes_in_attributes"], json!({"raw": true}));
    assert_eq!(span.get("bytes_in_resource"), None);
    let logs = api.get("/api/v1/logs", &[("order", "asc")]).await;
    let logs = logs["logs"].as_array().unwrap();
    assert_eq!(logs[0].get("bytes_in_attributes"), None);
    assert_eq!(logs[1]["body"], "AP8Q");
    assert_eq!(logs[1]["body_type"], "bytes");
    let shown = json!({"text": "AP8Q", "parts": [1, "AP8Q"]});
    assert_eq!(logs[1]["attributes"], shown);
    assert_eq!(
        logs[1]["bytes_in_attributes"],
        json!({"parts": {"1": true}})
    );
    assert_eq!(logs[2]["body_type"], "kvlist");
    let shown = json!({"text": "AP8Q", "in.raw": "AP8Q"});
    assert_eq!(logs[2]["body_fields"], shown);
    assert_eq!(logs[2]["bytes_in_body_fields"], json!({"in.raw": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_have_the_documented_names_and_words() {
    in_both_places(|api| {
        Box::pin(async move {
            let rows = api
                .sql(
                    "SELECT trace_id, span_id, parent_span_id, trace_state, flags, service_name, name, \
                     kind, duration_ns, status_code, status_message, scope_name, scope_version, \
                     dropped_attributes_count, dropped_events_count, dropped_links_count, \
                     CAST(start_time AS BIGINT), received_time IS NOT NULL, \
                     \"attributes.http.route\", attr('http.response.status_code'), \"resource.service.name\" \
                     FROM spans",
                )
                .await;
            let sent = rich_span();
            let expected = json!([
                "00000000000000000000000000abcdef", "0000000000000007", "0000000000000009",
                "vendor=1", 0x101, "shop", sent.name, "CLIENT", 2_500_000, "ERROR",
                "upstream timed out", "spoor.e2e", "1", 4, 2, 3
            ]);
            assert_eq!(Value::from(rows[0][..16].to_vec()), expected);
            assert_eq!(crate::api::number(&rows[0][16]).cast_unsigned(), data::T0);
            assert_eq!(rows[0][17], true);
            assert_eq!(rows[0][19].as_str().map_or_else(|| rows[0][19].to_string(), str::to_owned), "503");
            assert_eq!(rows[0][20], "shop");
            let rows = api
                .sql(
                    "SELECT CAST(time AS BIGINT), CAST(observed_time AS BIGINT), severity_number, severity_text, \
                     body, event_name, trace_id, span_id, flags, service_name, \"attributes.attempt\" FROM logs",
                )
                .await;
            assert_eq!(crate::api::number(&rows[0][0]).cast_unsigned(), data::T0);
            assert_eq!(crate::api::number(&rows[0][1]).cast_unsigned(), data::T0 + 1);
            let expected = json!([
                9, "INFO", "payment failed: card \"1234\", retry", null,
                "00000000000000000000000000abcdef", "0000000000000007", 0, "shop"
            ]);
            assert_eq!(Value::from(rows[0][2..10].to_vec()), expected);
            assert_eq!(crate::api::number(&rows[0][10]), 2);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_as_json_ndjson_and_csv() {
    let home = Home::new();
    let server = server_with_data(&home).await;
    let api = server.api();
    let query = "SELECT name, duration_ns, status_message, 'a,b' AS comma, CAST(NULL AS VARCHAR) AS nothing, \
                 9223372036854775807 AS big FROM spans";
    let answer = api.try_sql(query, "application/json").await;
    assert!(answer.content_type.starts_with(otlp::JSON));
    let json = answer.json();
    let names: Vec<&str> = json["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "name",
            "duration_ns",
            "status_message",
            "comma",
            "nothing",
            "big"
        ]
    );
    assert!(
        json["columns"]
            .as_array()
            .unwrap()
            .iter()
            .all(|column| column["type"].is_string())
    );
    let name = "GET /cart, \"quoted\"\nnext line";
    assert_eq!(
        json["rows"],
        json!([[
            name,
            2_500_000,
            "upstream timed out",
            "a,b",
            null,
            "9223372036854775807"
        ]])
    );
    assert_eq!(json["complete"], true);

    let answer = api.try_sql(query, "application/x-ndjson").await;
    assert!(
        answer.content_type.starts_with("application/x-ndjson"),
        "{}",
        answer.content_type
    );
    let lines: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["name"], name);
    assert_eq!(lines[0]["comma"], "a,b");

    let answer = api.try_sql(query, "text/csv").await;
    assert!(
        answer.content_type.starts_with("text/csv"),
        "{}",
        answer.content_type
    );
    let (header, row) = answer.text.split_once('\n').unwrap();
    assert_eq!(
        header.trim_end(),
        "name,duration_ns,status_message,comma,nothing,big"
    );
    let expected = "\"GET /cart, \"\"quoted\"\"\nnext line\",2500000,upstream timed out,\"a,b\",,9223372036854775807";
    assert_eq!(row.trim_end(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rows_are_an_answer_in_every_form() {
    let home = Home::new();
    let server = server_with_data(&home).await;
    let api = server.api();
    let none = "SELECT name FROM spans WHERE name = 'nothing like it'";
    assert_eq!(
        api.try_sql(none, "application/json").await.json()["rows"],
        json!([])
    );
    assert_eq!(
        api.try_sql(none, "application/x-ndjson").await.text.trim(),
        ""
    );
    assert_eq!(api.try_sql(none, "text/csv").await.text.trim(), "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reading_is_allowed() {
    let home = Home::new();
    let server = server_with_data(&home).await;
    let api = server.api();
    let file = home.path("written.csv");
    let copy = format!("COPY spans TO '{}'", file.display());
    let external = format!(
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{}'",
        data::path("README.md").display()
    );
    let from_file = format!("SELECT * FROM '{}'", data::path("README.md").display());
    let refused = [
        "DROP TABLE spans",
        "DELETE FROM spans",
        "INSERT INTO logs SELECT * FROM logs",
        "UPDATE spans SET name = 'x'",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
        "EXPLAIN DROP TABLE spans",
        copy.as_str(),
        external.as_str(),
        from_file.as_str(),
        "SELECT FROM WHERE",
        "SELECT no_such_column FROM spans",
        "SELECT * FROM no_such_table",
        "SELECT no_such_function(name) FROM spans",
        "",
    ];
    for query in refused {
        let answer = api.try_sql(query, "application/json").await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "invalid", "{query}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{query}");
    }
    assert!(!file.try_exists().unwrap(), "nothing is written");
    assert_eq!(
        api.sql_number("SELECT count(*) FROM spans").await,
        1,
        "all is as before"
    );
    assert!(
        !api.sql("EXPLAIN SELECT count(*) FROM spans")
            .await
            .is_empty()
    );
}

/// Limits that a test can reach.
const TIGHT: [&str; 8] = [
    "--query-memory-bytes",
    "32MiB",
    "--query-spill-bytes",
    "16MiB",
    "--query-timeout",
    "4s",
    "--query-max-rows",
    "20",
];

#[tokio::test(flavor = "multi_thread")]
async fn queries_over_a_limit_say_so_and_the_server_goes_on() {
    let home = Home::new();
    let server = home.serve_with(&TIGHT).await;
    let api = server.api();
    let spans = (0..3000).map(|number| span(number + 1, 1)).collect();
    server.otlp().export_spans(&spans_of("many", spans)).await;

    let pairs = "spans a CROSS JOIN spans b";
    let memory = format!(
        "SELECT count(DISTINCT concat(a.trace_id, b.trace_id, repeat('x', 200))) FROM {pairs}"
    );
    let answer = api.try_sql(&memory, otlp::JSON).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert_eq!(answer.json()["error"]["code"], "too_large");

    let time = format!(
        "SELECT count(*) FROM {pairs} CROSS JOIN spans c WHERE a.name || b.name || c.name = 'x'"
    );
    let answer = api.try_sql(&time, otlp::JSON).await;
    assert_eq!(answer.status, 504, "{}", answer.text);
    assert_eq!(answer.json()["error"]["code"], "timeout");

    let rows = api.try_sql("SELECT trace_id FROM spans", otlp::JSON).await;
    assert_eq!(rows.status, 200, "{}", rows.text);
    let rows = rows.json();
    assert_eq!(rows["rows"].as_array().unwrap().len(), 20);
    assert_eq!(rows["complete"], false, "it says that there is more");
    assert!(!rows["incomplete_reasons"].as_array().unwrap().is_empty());

    assert_eq!(api.sql_number("SELECT count(*) FROM spans").await, 3000);
}

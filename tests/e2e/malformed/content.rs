//! Requests that are well formed, but what they say is odd.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value};
use prost::Message;
use serde_json::{Value, json};

use super::{assert_error, assert_goes_on};
use crate::api::number;
use crate::data::{self, T0, attribute, int_attribute, record, span, text_attribute};
use crate::harness::Home;
use crate::otlp::{JSON, Reply, Signal};

/// Beyond signed 64-bit nanoseconds.
const TOO_LATE: u64 = 1 << 63;

/// How many records were rejected, and why.
fn rejected(reply: &Reply, signal: Signal) -> (i64, String) {
    match signal {
        Signal::Traces => {
            let partial = reply.traces().partial_success.unwrap_or_default();
            (partial.rejected_spans, partial.error_message)
        }
        Signal::Logs => {
            let partial = reply.logs().partial_success.unwrap_or_default();
            (partial.rejected_log_records, partial.error_message)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_attributes_on_a_span_come_back() {
    let home = Home::new();
    let mut server = home.serve().await;
    let mut wide = span(1, 1);
    wide.attributes = (0..10_000)
        .map(|n| int_attribute(&format!("key.{n}"), i64::from(n)))
        .collect();
    server
        .otlp()
        .export_spans(&data::spans_of("wide", vec![wide]))
        .await;
    for _ in 0..2 {
        let api = server.api();
        let timeline = api.timeline(&format!("{:032x}", 1)).await;
        let attributes = timeline["spans"][0]["attributes"].as_object().unwrap();
        assert_eq!(attributes.len(), 10_000);
        let right = attributes.iter().all(|(key, value)| {
            key.strip_prefix("key.").unwrap().parse::<i64>().unwrap() == number(value)
        });
        assert!(right, "every value is with its key");
        let query = "SELECT count(*) FROM spans WHERE \"attributes.key.9999\" = 9999";
        assert_eq!(api.sql_number(query).await, 1);
        assert_goes_on(&mut server).await;
        server.stop().await;
        server = home.serve().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_in_one_value_comes_back() {
    let home = Home::new();
    let mut server = home.serve().await;
    let long = "0123456789abcdef".repeat(1 << 16);
    let mut fat = span(2, 1);
    fat.attributes = vec![text_attribute("long", &long)];
    server
        .otlp()
        .export_spans(&data::spans_of("fat", vec![fat]))
        .await;
    let word = format!("needle {long}");
    server
        .otlp()
        .export_logs(&data::logs_of("fat", vec![record(&word)]))
        .await;
    for _ in 0..2 {
        let api = server.api();
        let timeline = api.timeline(&format!("{:032x}", 2)).await;
        assert!(
            timeline["spans"][0]["attributes"]["long"] == long.as_str(),
            "the value is changed"
        );
        let found = api.get("/api/v1/logs", &[("query", "needle")]).await;
        assert!(
            found["logs"][0]["body"] == word.as_str(),
            "the body is changed"
        );
        assert_goes_on(&mut server).await;
        server.stop().await;
        server = home.serve().await;
    }
}

/// One bad string must not cost the batch: the bytes become U+FFFD, all records are kept.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8_is_replaced_and_the_batch_kept() {
    let home = Home::new();
    let mut server = home.serve().await;
    let marker = "XXXX";
    let records = vec![
        record("first utf"),
        record(&format!("second utf {marker} end")),
        record("third utf"),
    ];
    let mut bytes = data::logs_of("utf", records).encode_to_vec();
    let at = bytes
        .windows(4)
        .position(|window| window == marker.as_bytes())
        .unwrap();
    bytes[at..at + 4].copy_from_slice(&[0xFF, 0xFE, 0xC3, 0x28]);
    let reply = server.otlp().post_protobuf(Signal::Logs, bytes).await;
    assert_eq!(rejected(&reply, Signal::Logs).0, 0);
    let found = server.api().get("/api/v1/logs", &[("query", "utf")]).await;
    assert_eq!(found["logs"].as_array().unwrap().len(), 3);
    let found = server
        .api()
        .get("/api/v1/logs", &[("query", "second")])
        .await;
    let body = found["logs"][0]["body"].as_str().unwrap();
    assert!(
        body.starts_with("second utf \u{FFFD}") && body.ends_with(" end"),
        "{body:?}"
    );

    let mut odd = span(3, 1);
    odd.name = marker.to_owned();
    let mut bytes = data::spans_of("utf", vec![odd, span(3, 2)]).encode_to_vec();
    let at = bytes
        .windows(4)
        .position(|window| window == marker.as_bytes())
        .unwrap();
    bytes[at] = 0x80;
    let reply = server.otlp().post_protobuf(Signal::Traces, bytes).await;
    assert_eq!(rejected(&reply, Signal::Traces).0, 0);
    let timeline = server.api().timeline(&format!("{:032x}", 3)).await;
    assert_eq!(timeline["span_count"], 2);
    assert!(timeline["spans"].to_string().contains("\u{FFFD}XXX"));
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_without_ids_are_rejected_one_by_one() {
    let home = Home::new();
    let mut server = home.serve().await;
    let mut spans = vec![span(4, 1)];
    for (trace_id, span_id) in [
        (vec![0; 16], vec![1; 8]),
        (vec![1; 16], vec![0; 8]),
        (vec![], vec![1; 8]),
        (vec![1; 16], vec![]),
        (vec![1; 5], vec![1; 8]),
        (vec![1; 16], vec![1; 9]),
    ] {
        let mut bad = span(4, 9);
        (bad.trace_id, bad.span_id) = (trace_id, span_id);
        spans.push(bad);
    }
    spans.push(span(4, 2));
    let request = data::spans_of("ids", spans);
    let reply = server
        .otlp()
        .post_protobuf(Signal::Traces, request.encode_to_vec())
        .await;
    let (count, why) = rejected(&reply, Signal::Traces);
    assert_eq!(count, 6, "{why}");
    assert!(
        why.contains("trace") && why.contains("span"),
        "it says which ids: {why}"
    );
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM spans").await,
        2
    );

    // A zero parent is no parent.
    let mut root = span(5, 1);
    root.parent_span_id = vec![0; 8];
    server
        .otlp()
        .export_spans(&data::spans_of("ids", vec![root]))
        .await;
    let timeline = server.api().timeline(&format!("{:032x}", 5)).await;
    assert_eq!(timeline["spans"][0]["parent_span_id"], Value::Null);
    assert_eq!(timeline["spans"][0]["missing_parent"], false);

    // Logs need no ids: zero ones are none.
    let mut log = record("no ids");
    (log.trace_id, log.span_id) = (vec![0; 16], vec![0; 8]);
    server
        .otlp()
        .export_logs(&data::logs_of("ids", vec![log]))
        .await;
    let found = server
        .api()
        .get("/api/v1/logs", &[("query", "\"no ids\"")])
        .await;
    assert_eq!(found["logs"][0]["trace_id"], Value::Null);
    assert_eq!(found["logs"][0]["span_id"], Value::Null);
    let metrics = server.api().try_get("/metrics", &[]).await.text;
    assert!(
        metrics.contains("invalid_trace_id") && metrics.contains("invalid_span_id"),
        "{metrics}"
    );
    assert_goes_on(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_at_the_ends_of_time() {
    let home = Home::new();
    let mut server = home.serve().await;
    let with = |id: u64, start: u64, end: u64| {
        let mut span = span(6, id);
        (span.start_time_unix_nano, span.end_time_unix_nano) = (start, end);
        span
    };
    let spans = vec![
        with(1, 0, 0),
        with(2, TOO_LATE, TOO_LATE + 5),
        with(3, T0, TOO_LATE),
        with(4, T0, u64::MAX),
        // Clock errors are data: it ends before it starts.
        with(5, T0, T0 - 1_000),
        with(6, TOO_LATE - 1, TOO_LATE - 1),
    ];
    let request = data::spans_of("time", spans);
    let reply = server
        .otlp()
        .post_protobuf(Signal::Traces, request.encode_to_vec())
        .await;
    let (count, why) = rejected(&reply, Signal::Traces);
    assert_eq!(count, 3, "{why}");
    assert!(why.contains("time"), "{why}");
    let rows = server
        .api()
        .sql("SELECT span_id, CAST(start_time AS BIGINT), duration_ns FROM spans ORDER BY span_id")
        .await;
    let got: Vec<(i64, i64)> = rows
        .iter()
        .map(|row| (number(&row[1]), number(&row[2])))
        .collect();
    assert_eq!(got, [(0, 0), (T0.cast_signed(), -1_000), (i64::MAX, 0)]);
    let timeline = server.api().timeline(&format!("{:032x}", 6)).await;
    assert_eq!(timeline["span_count"], 3);
    // The far ends are found by time as well, and do not break a histogram.
    let found = server
        .api()
        .get("/api/v1/traces", &[("end", "1970-01-02T00:00:00Z")])
        .await;
    assert_eq!(found["traces"].as_array().unwrap().len(), 1, "{found}");
    assert_goes_on(&mut server).await;
    server.stop().await;
    let mut server = home.serve().await;
    assert_eq!(
        server.api().sql_number("SELECT count(*) FROM spans").await,
        3
    );
    assert_goes_on(&mut server).await;
}

/// A log is kept whatever its clock says: under its observed time, else under that of arrival.
#[tokio::test(flavor = "multi_thread")]
async fn logs_at_the_ends_of_time() {
    let home = Home::new();
    let mut server = home.serve().await;
    let with = |body: &str, time: u64, observed: u64| {
        let mut record = record(body);
        (record.time_unix_nano, record.observed_time_unix_nano) = (time, observed);
        record
    };
    let records = vec![
        with("zero observed", 0, T0 + 7),
        with("late observed", TOO_LATE, T0 + 8),
        with("last observed", u64::MAX, T0 + 9),
        with("zero arrived", 0, 0),
        with("late arrived", TOO_LATE, TOO_LATE),
    ];
    let before = server.api().sql("SELECT CAST(now() AS BIGINT)").await;
    server
        .otlp()
        .export_logs(&data::logs_of("time", records))
        .await;
    let api = server.api();
    let at = async |body: &str| -> i64 {
        let query = format!("\"{body}\"");
        let found = api.get("/api/v1/logs", &[("query", query.as_str())]).await;
        number(&found["logs"][0]["time_unix_nano"])
    };
    for (body, offset) in [
        ("zero observed", 7),
        ("late observed", 8),
        ("last observed", 9),
    ] {
        assert_eq!(at(body).await, (T0 + offset).cast_signed(), "{body}");
    }
    for body in ["zero arrived", "late arrived"] {
        assert!(
            at(body).await >= number(&before[0][0]),
            "{body} has the time of its arrival"
        );
    }
    let found = api
        .get("/api/v1/logs", &[("query", "\"zero arrived\"")])
        .await;
    assert_eq!(found["logs"][0]["observed_time_unix_nano"], Value::Null);
    assert_goes_on(&mut server).await;
}

/// An attribute value inside a value inside a value …
fn nested(depth: usize) -> AnyValue {
    let mut value = data::text_value("core");
    for _ in 0..depth {
        let list = ArrayValue {
            values: vec![value],
        };
        value = AnyValue {
            value: Some(any_value::Value::ArrayValue(list)),
        };
    }
    value
}

/// Encoded by hand from the inside out: a library would overflow its stack.
fn deeply_nested_record(depth: usize) -> Vec<u8> {
    fn wrapped(tag: u8, inner: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        bytes.extend_from_slice(inner);
        bytes
    }
    // AnyValue.string_value = 1, AnyValue.array_value = 5, ArrayValue.values = 1.
    let mut value = wrapped(0x0A, b"core");
    for _ in 0..depth {
        value = wrapped(0x2A, &wrapped(0x0A, &value));
    }
    // LogRecord.body = 5; ScopeLogs.log_records, ResourceLogs.scope_logs = 2; request = 1.
    let record = wrapped(0x2A, &value);
    wrapped(0x0A, &wrapped(0x12, &wrapped(0x12, &record)))
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting_is_kept_to_a_limit_and_rejected_beyond() {
    let home = Home::new();
    let mut server = home.serve().await;
    let otlp = server.otlp();
    let mut fine = span(7, 1);
    fine.attributes = vec![attribute("nested", nested(20))];
    otlp.export_spans(&data::spans_of("deep", vec![fine])).await;
    let timeline = server.api().timeline(&format!("{:032x}", 7)).await;
    let mut value = &timeline["spans"][0]["attributes"]["nested"];
    for _ in 0..20 {
        value = &value[0];
    }
    assert_eq!(value, "core");

    for depth in [200, 20_000] {
        let reply = otlp
            .post_protobuf(Signal::Logs, deeply_nested_record(depth))
            .await;
        match reply.status.as_u16() {
            200 => {
                let (count, why) = rejected(&reply, Signal::Logs);
                assert_eq!(count, 1, "{depth}: {why}");
                assert!(
                    why.contains("nest") || why.contains("deep"),
                    "{depth}: {why}"
                );
            }
            status => assert_error(&reply, status, 3, crate::otlp::PROTOBUF, "deep nesting"),
        }
        let open = "{\"arrayValue\":{\"values\":[".repeat(depth);
        let close = "]}}".repeat(depth);
        let body = format!(
            "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{open}{{\"stringValue\":\"core\"}}{close}}}]}}]}}]}}"
        );
        let reply = otlp.post_json(Signal::Logs, &body).await;
        if reply.status == 200 {
            let answer: Value = serde_json::from_slice(&reply.body).unwrap();
            let count = &answer["partialSuccess"]["rejectedLogRecords"];
            assert!(count == "1" || count == 1, "{depth}: {answer}");
        } else {
            assert_error(&reply, 400, 3, JSON, "deep JSON");
        }
        assert_eq!(
            server.api().sql_number("SELECT count(*) FROM logs").await,
            0
        );
    }
    // A body that is itself deep JSON is text like any other.
    let text = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    otlp.export_logs(&data::logs_of("deep", vec![record(&text)]))
        .await;
    let object = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    otlp.export_logs(&data::logs_of("deep", vec![record(&object)]))
        .await;
    let found = server
        .api()
        .get(
            "/api/v1/logs",
            &[("query", "service:deep"), ("order", "asc")],
        )
        .await;
    let bodies: Vec<&str> = found["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log["body"].as_str().unwrap())
        .collect();
    assert!(bodies == [text, object], "the bodies are kept as they came");
    assert_goes_on(&mut server).await;
}

/// Queries that are hostile, too.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_queries_are_answered() {
    let home = Home::new();
    let mut server = home.serve().await;
    let api = server.api();
    let deep = format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000));
    let nots = "NOT ".repeat(5_000) + "a";
    let wide = vec!["a"; 3_000].join(" OR ");
    for query in [
        deep.as_str(),
        &nots,
        &wide,
        "*",
        "a:*b*c*d*e*f*g*",
        "\u{0}",
        "💥:\"💥\"",
        "-",
        "\"\"",
    ] {
        let answer = api.try_get("/api/v1/logs", &[("query", query)]).await;
        let status = answer.status.as_u16();
        let shown: String = query.chars().take(30).collect();
        assert!(
            [200, 400, 413, 414, 431].contains(&status),
            "{shown}: {status} {}",
            answer.text
        );
    }
    let deep = format!("SELECT {}1{}", "(".repeat(3_000), ")".repeat(3_000));
    let sum = format!("SELECT {}", vec!["1"; 100_000].join("+"));
    for query in [deep, sum] {
        let answer = api.try_sql(&query, JSON).await;
        assert!(
            [200, 400, 413].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
    }
    let unknown = api
        .try_get("/api/v1/logs", &[("query", "a"), ("nonsense", "1")])
        .await;
    assert!([200, 400].contains(&unknown.status.as_u16()));
    assert_goes_on(&mut server).await;
    let ok = api.get("/api/v1/logs", &[("query", "stillworking")]).await;
    assert_eq!(ok["logs"].as_array().unwrap().len(), 1);
    assert_eq!(ok["next_cursor"], json!(null));
}

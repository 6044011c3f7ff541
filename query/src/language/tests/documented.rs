//! The examples of docs/query-language.md, on the records that it names.

use serde_json::{Value, json};

use crate::testing::{House, Log, SECOND, T0, documented};
use crate::trace::tests::append;

fn log(at: i64, service: &'static str, severity_number: i32, body: &str) -> Log {
    let mut log = Log::at(T0 + at * SECOND, body);
    log.service = service;
    log.severity_number = severity_number;
    log
}

fn of_trace(mut log: Log, trace: u128) -> Log {
    log.trace_id = Some(trace.to_be_bytes());
    log
}

fn span(service: &str, kind: u8, status: u8, millis: i64, (trace, id): (u8, u8)) -> Value {
    let name = if kind == 3 { "charge" } else { "POST /api/pay" };
    json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": name, "kind": kind,
            "status": {"code": status}, "startTimeUnixNano": T0.to_string(),
            "endTimeUnixNano": (T0 + millis * 1_000_000).to_string()}]}]})
}

async fn house() -> House {
    let house = House::new().await;
    let first = log(
        1,
        "checkout",
        17,
        "connection refused by payment after 250 ms",
    )
    .with("http.route", "/api/pay", 's')
    .with("http.response.status_code", 502, 'i')
    .with("http.response.body.size", 20_480, 'i')
    .with("user.id", "u1", 's');
    let second = log(2, "checkout", 9, "order 17 paid")
        .with("http.route", "/api/pay", 's')
        .with("http.status_code", 200, 'i')
        .with("http.response.body.size", 512, 'i');
    let third = log(3, "cart", 13, "Timeout while reading semicomplete.com")
        .with("retry", true, 'b')
        .with("path", "/api/v1/items", 's');
    let mut fourth = log(4, "cart", 9, r#"{"event":"started","port":8080}"#);
    fourth.body_fields = vec![
        ("event", "started".into(), 's'),
        ("port", "8080".into(), 'i'),
    ];
    let mut fifth = log(5, "payment", 5, "retry of order 17").with("trace", "x-7", 's');
    fifth.resource = vec![("host.name", "node-9".into(), 's')];
    let logs = [
        of_trace(first, 0xa1),
        of_trace(second, 0xa2),
        third,
        fourth,
        of_trace(fifth, 0xa1),
    ];
    house.append(&logs).await;
    let spans = [
        span("checkout", 2, 2, 300, (0xa1, 1)),
        span("payment", 3, 1, 12, (0xa1, 2)),
        span("checkout", 2, 0, 40, (0xa2, 3)),
    ];
    append(&house, &json!({ "resourceSpans": spans })).await;
    house
}

/// The numbers of the logs that a query finds, or `none`.
async fn logs_of(house: &House, query: &str) -> String {
    let answer = house
        .get("/api/v1/logs", &[("query", query), ("order", "asc")])
        .await;
    let number = |log: &Value| {
        let time: i64 = log["time_unix_nano"].as_str().unwrap().parse().unwrap();
        ((time - T0) / SECOND).to_string()
    };
    let found: Vec<String> = answer["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(number)
        .collect();
    if found.is_empty() {
        "none".to_owned()
    } else {
        found.join(" ")
    }
}

/// The traces that a query finds, without the zeros before.
async fn traces_of(house: &House, query: &str) -> String {
    let answer = house.get("/api/v1/traces", &[("query", query)]).await;
    let id = |trace: &Value| {
        trace["trace_id"]
            .as_str()
            .unwrap()
            .trim_start_matches('0')
            .to_owned()
    };
    let mut found: Vec<String> = answer["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(id)
        .collect();
    found.sort_unstable();
    found.join(" ")
}

#[tokio::test]
async fn every_example_of_the_document_finds_what_it_says() {
    let house = house().await;
    let examples = documented("query-language");
    for when in ["in the buffer", "in files"] {
        let mut tried = 0;
        for example in &examples {
            let Some((query, expected)) = example.split_once(" → ") else {
                continue;
            };
            tried += 1;
            let found = if expected.starts_with('a') {
                traces_of(&house, query).await
            } else {
                logs_of(&house, query).await
            };
            assert_eq!(found, expected, "{when}: {query}");
        }
        assert!(tried > 50, "{tried}");
        house.storage.flush().await.unwrap();
    }
}

#[tokio::test]
async fn every_error_of_the_document_is_where_it_says_and_has_a_suggestion() {
    let house = house().await;
    let mut tried = 0;
    for example in documented("query-language") {
        let Some((query, expected)) = example.split_once(" ✗ ") else {
            continue;
        };
        tried += 1;
        let (position, part) = expected.split_once(' ').unwrap_or((expected, ""));
        let (status, body) = house.try_get("/api/v1/logs", &[("query", query)]).await;
        let error = &body["error"];
        assert_eq!(status, 400, "{query}: {body}");
        assert_eq!(error["position"].to_string(), position, "{query}: {body}");
        assert!(
            error["message"].as_str().unwrap().contains(part),
            "{query}: {body}"
        );
        assert!(error["hint"].is_string(), "{query}: {body}");
    }
    assert!(tried > 15, "{tried}");
}

//! The shape of answers: pages without gaps or overlaps, errors with a position, Jaeger's forms.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::number;
use crate::data;
use crate::harness::{Home, Server};

const LOGS: u64 = 500;
const TRACES: u64 = 90;

/// Many records with the same time: only a total order pages through them.
async fn server_with_ties(home: &Home) -> Server {
    let server = home.serve_with(&["--flush-interval", "150ms"]).await;
    let otlp = server.otlp();
    for batch in 0..10 {
        let records = (0..LOGS / 10).map(|place| {
            let mut record = data::record(&format!("tie {batch} {place}"));
            record.time_unix_nano = data::T0 + (place % 3) * 1_000;
            record.severity_number = [5, 9, 13, 17][(place % 4) as usize];
            record.attributes = vec![data::int_attribute(
                "n",
                (batch * 1000 + place).cast_signed(),
            )];
            record
        });
        otlp.export_logs(&data::logs_of("ties", records.collect()))
            .await;
        let spans = (0..TRACES / 10).flat_map(|place| {
            let trace = u128::from(batch * 1000 + place) + 1;
            (1..=3).map(move |id| {
                let mut span = data::span(trace, id);
                span.parent_span_id = if id == 1 {
                    vec![]
                } else {
                    1_u64.to_be_bytes().to_vec()
                };
                span.start_time_unix_nano = data::T0 + (place % 2) * 1_000;
                span.end_time_unix_nano = span.start_time_unix_nano + id * 1_000;
                span
            })
        });
        otlp.export_spans(&data::spans_of("ties", spans.collect()))
            .await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_logs_neither_overlap_nor_leave_gaps() {
    let home = Home::new();
    let server = server_with_ties(&home).await;
    let api = server.api();
    for order in ["asc", "desc"] {
        for limit in ["1", "60", "499", "500", "10000"] {
            // One record a page is slow; a part of the records shows the same.
            let query = if limit == "1" { "tie n:<15" } else { "tie" };
            let parameters = [("query", query), ("limit", limit), ("order", order)];
            let pages = api.pages("/api/v1/logs", "logs", &parameters).await;
            let size: usize = limit.parse().unwrap();
            assert!(pages.iter().all(|page| page.len() <= size));
            let full = pages.iter().rev().skip(1).all(|page| page.len() == size);
            assert!(full, "only the last page may be short");
            let logs: Vec<&Value> = pages.iter().flatten().collect();
            let expected = if limit == "1" { 15 } else { LOGS as usize };
            let bodies: BTreeSet<&str> = logs
                .iter()
                .map(|log| log["body"].as_str().unwrap())
                .collect();
            let ids: BTreeSet<&str> = logs.iter().map(|log| log["id"].as_str().unwrap()).collect();
            assert_eq!(
                (logs.len(), bodies.len(), ids.len()),
                (expected, expected, expected),
                "{order} {limit}"
            );
            let times: Vec<i64> = logs
                .iter()
                .map(|log| number(&log["time_unix_nano"]))
                .collect();
            assert!(times.is_sorted_by(|a, b| if order == "asc" { a <= b } else { a >= b }));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_traces_neither_overlap_nor_leave_gaps() {
    let home = Home::new();
    let server = server_with_ties(&home).await;
    let api = server.api();
    for limit in ["8", "89", "90", "1000"] {
        let pages = api
            .pages("/api/v1/traces", "traces", &[("limit", limit)])
            .await;
        let traces: Vec<&Value> = pages.iter().flatten().collect();
        let ids: BTreeSet<&str> = traces
            .iter()
            .map(|trace| trace["trace_id"].as_str().unwrap())
            .collect();
        assert_eq!(
            (traces.len() as u64, ids.len() as u64),
            (TRACES, TRACES),
            "{limit}"
        );
        for trace in traces {
            assert_eq!(number(&trace["span_count"]), 3);
            assert_eq!(number(&trace["matched_spans"]), 3);
            assert_eq!(number(&trace["duration_ns"]), 3_000);
            assert_eq!(trace["root"]["service_name"], "ties");
        }
    }
}

/// Records that arrive while somebody pages do not shift the pages.
#[tokio::test(flavor = "multi_thread")]
async fn pages_stand_still_while_data_comes_in() {
    let home = Home::new();
    let server = server_with_ties(&home).await;
    let (api, otlp) = (server.api(), server.otlp());
    let mut seen = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut parameters = vec![("query", "tie"), ("limit", "60"), ("order", "desc")];
        if let Some(cursor) = &cursor {
            parameters.push(("cursor", cursor));
        }
        let page = api.get("/api/v1/logs", &parameters).await;
        for log in page["logs"].as_array().unwrap() {
            assert!(
                seen.insert(log["id"].as_str().unwrap().to_owned()),
                "seen twice: {log}"
            );
        }
        let mut newer = data::record("tie newer");
        newer.time_unix_nano = data::T0 + 1_000_000_000;
        otlp.export_logs(&data::logs_of("ties", vec![newer])).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(seen.len() as u64, LOGS);
}

/// A path and its parameters.
type Question = (&'static str, &'static [(&'static str, &'static str)]);
/// The same with the status and the code of the error.
type Refusal = (
    &'static str,
    &'static [(&'static str, &'static str)],
    u16,
    &'static str,
);

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong_and_where() {
    let home = Home::new();
    let server = server_with_ties(&home).await;
    let api = server.api();
    let cases: &[Question] = &[
        ("/api/v1/logs", &[("query", "(tie")]),
        ("/api/v1/logs", &[("query", "tie OR")]),
        ("/api/v1/logs", &[("query", "body:\"open")]),
        ("/api/v1/traces", &[("query", "duration>soon")]),
        ("/api/v1/traces", &[("query", "tie )")]),
        ("/api/v1/logs/histogram", &[("query", "(tie")]),
    ];
    for (path, parameters) in cases {
        let answer = api.try_get(path, parameters).await;
        assert_eq!(answer.status, 400, "{parameters:?}: {}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "invalid");
        let position = error["position"]
            .as_u64()
            .unwrap_or_else(|| panic!("no position: {error}"));
        assert!(
            position as usize <= parameters[0].1.chars().count(),
            "{parameters:?}: {error}"
        );
    }
    let cases: &[Refusal] = &[
        ("/api/v1/logs", &[("limit", "10001")], 400, "invalid"),
        ("/api/v1/logs", &[("limit", "many")], 400, "invalid"),
        ("/api/v1/logs", &[("order", "sideways")], 400, "invalid"),
        (
            "/api/v1/logs",
            &[("start", "yesterday-ish")],
            400,
            "invalid",
        ),
        (
            "/api/v1/logs",
            &[("cursor", "not a cursor")],
            400,
            "invalid",
        ),
        ("/api/v1/traces", &[("cursor", "%%%")], 400, "invalid"),
        ("/api/v1/traces/xyz", &[], 400, "invalid"),
        (
            "/api/v1/traces/00000000000000000000000000000000",
            &[],
            400,
            "invalid",
        ),
        (
            "/api/v1/traces/0000000000000000000000000000ffff",
            &[],
            404,
            "not_found",
        ),
        (
            "/api/v1/fields/service_name/values",
            &[("table", "metrics")],
            400,
            "invalid",
        ),
        ("/api/v1/no-such-thing", &[], 404, "not_found"),
    ];
    for (path, parameters, status, code) in cases {
        let answer = api.try_get(path, parameters).await;
        assert_eq!(
            answer.status.as_u16(),
            *status,
            "{path} {parameters:?}: {}",
            answer.text
        );
        let error = &answer.json()["error"];
        assert_eq!(error["code"], *code, "{path} {parameters:?}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
}

/// Every form of a time means the same instant; the start belongs to a range, the end does not.
#[tokio::test(flavor = "multi_thread")]
async fn times_are_read_in_every_documented_form() {
    let home = Home::new();
    let server = home.serve().await;
    let api = server.api();
    let mut records = Vec::new();
    for second in 0..3 {
        let mut record = data::record("clock");
        record.time_unix_nano = data::T0 + second * 1_000_000_000;
        records.push(record);
    }
    server
        .otlp()
        .export_logs(&data::logs_of("clock", records))
        .await;
    let from = [
        "2024-05-01T12:00:01Z",
        "1714564801",
        "1714564801000",
        "1714564801000000",
        "1714564801000000000",
        "2024-05-01T14:00:01+02:00",
    ];
    let to = [
        "2024-05-01T12:00:02Z",
        "1714564802",
        "1714564802000",
        "1714564802000000",
        "1714564802000000000",
        "2024-05-01T12:00:02.000Z",
    ];
    for (start, end) in from.iter().zip(to) {
        let found = api
            .get("/api/v1/logs", &[("start", *start), ("end", end)])
            .await;
        let times: Vec<&str> = found["logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|log| log["time"].as_str().unwrap())
            .collect();
        assert_eq!(times, ["2024-05-01T12:00:01.000000000Z"], "{start} {end}");
    }
    for start in ["now-1h", "-15m", "now"] {
        let found = api.get("/api/v1/logs", &[("start", start)]).await;
        assert_eq!(found["logs"], serde_json::json!([]), "{start}");
    }
    let found = api.get("/api/v1/logs", &[("end", "now")]).await;
    assert_eq!(found["logs"].as_array().unwrap().len(), 3);
}

/// What Jaeger's UI and Grafana's data source read.
#[tokio::test(flavor = "multi_thread")]
async fn jaeger_forms_are_as_its_ui_reads_them() {
    let home = Home::new();
    let server = server_with_ties(&home).await;
    let api = server.api();
    let services = api.get("/jaeger/api/services", &[]).await;
    assert_eq!(services["data"], serde_json::json!(["ties"]));
    let operations = api.get("/jaeger/api/services/ties/operations", &[]).await;
    assert_eq!(operations["data"], serde_json::json!(["work"]));
    let operations = api
        .get("/jaeger/api/operations", &[("service", "ties")])
        .await;
    assert_eq!(operations["data"][0]["name"], "work");

    let start = (data::T0 / 1_000 - 1_000_000).to_string();
    let end = (data::T0 / 1_000 + 1_000_000).to_string();
    let parameters = [
        ("service", "ties"),
        ("start", start.as_str()),
        ("end", end.as_str()),
        ("limit", "20"),
    ];
    let found = api.get("/jaeger/api/traces", &parameters).await;
    let traces = found["data"].as_array().unwrap();
    assert_eq!(traces.len(), 20);
    for trace in traces {
        let spans = trace["spans"].as_array().unwrap();
        assert_eq!(spans.len(), 3);
        for span in spans {
            assert_eq!(span["traceID"], trace["traceID"]);
            assert_eq!(span["operationName"], "work");
            assert!(
                trace["processes"][span["processID"].as_str().unwrap()]["serviceName"] == "ties"
            );
            let started = span["startTime"].as_u64().unwrap();
            assert!(
                (0..=1).contains(&(started - data::T0 / 1_000)),
                "microseconds: {started}"
            );
            assert!(
                (1..=3).contains(&span["duration"].as_u64().unwrap()),
                "microseconds"
            );
        }
        let children = spans.iter().filter(|span| {
            span["references"]
                .as_array()
                .unwrap()
                .iter()
                .any(|r| r["refType"] == "CHILD_OF")
        });
        assert_eq!(children.count(), 2);
    }
    let id = traces[0]["traceID"].as_str().unwrap();
    let one = api.get(&format!("/jaeger/api/traces/{id}"), &[]).await;
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    let unknown = api
        .try_get("/jaeger/api/traces/0000000000000000000000000000ffff", &[])
        .await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["errors"][0]["code"], 404);
}

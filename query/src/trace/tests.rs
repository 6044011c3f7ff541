//! The trace endpoints over a real storage, with real traces in files and in the buffer.

use std::sync::Arc;

use arrow::array::FixedSizeBinaryArray;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use serde_json::{Value, json};
use spoor_storage::{Ingest, Table};

use crate::otlp::sample::{batch_of, everything, expected, lines_of, list};
use crate::testing::{self, House, Log, T0};

/// Stores the spans of one `TracesData`.
pub(crate) async fn append(house: &House, data: &Value) {
    let stored = batch_of(data, 0);
    // Storage gives the record id itself.
    let decoded: Vec<usize> = (0..stored.num_columns() - 1).collect();
    ingest(house, Table::Spans, stored.project(&decoded).unwrap()).await;
}

async fn ingest(house: &House, table: Table, batch: RecordBatch) {
    let ingest = Ingest {
        tenant: house.tenant.clone(),
        table,
        received_time_ns: T0,
        payload: Bytes::from_static(b"payload"),
        batch,
    };
    house.storage.append(ingest).await.unwrap();
}

/// The Zipkin traces: the first lines in files, the rest in the buffer.
pub(crate) async fn zipkin() -> House {
    let house = House::new().await;
    let lines = lines_of("zipkin-traces");
    let (first, second) = lines.split_at(lines.len() / 2);
    for line in first {
        append(&house, line).await;
    }
    house.storage.flush().await.unwrap();
    for line in second {
        append(&house, line).await;
    }
    house
}

const EVERYTHING: &str = "/api/v1/traces/5B8EFFF798038103D269B633813FC60C";

#[tokio::test]
async fn a_trace_comes_back_as_it_was_sent_from_buffer_and_from_files() {
    let house = House::new().await;
    append(&house, &everything()).await;
    assert_eq!(house.get(EVERYTHING, &[]).await, everything());
    house.storage.flush().await.unwrap();
    assert_eq!(
        house.get(EVERYTHING, &[("view", "otlp")]).await,
        everything()
    );
}

#[tokio::test]
async fn a_search_can_be_for_spans_without_a_value() {
    let house = House::new().await;
    append(&house, &everything()).await;
    for when in ["in the buffer", "in a file"] {
        for query in ["NOT no.such.key:x", "-http.route:x OR status_message:x"] {
            let found = house.get("/api/v1/traces", &[("query", query)]).await;
            assert_eq!(found["traces"][0]["matched_spans"], 1, "{when}: {query}");
        }
        house.storage.flush().await.unwrap();
    }
}

#[tokio::test]
async fn a_retried_request_shows_its_spans_once() {
    let house = House::new().await;
    append(&house, &everything()).await;
    house.storage.flush().await.unwrap();
    append(&house, &everything()).await;
    assert_eq!(house.get(EVERYTHING, &[]).await, everything());
    let timeline = house.get(EVERYTHING, &[("view", "timeline")]).await;
    assert_eq!(timeline["span_count"], 1);
    assert_eq!(timeline["spans"][0]["trace_state"], "a=b,c=d");
    let kinds: Vec<&Value> = list(&timeline["warnings"])
        .iter()
        .map(|w| &w["kind"])
        .collect();
    assert_eq!(kinds, ["missing_parent", "duplicate_spans"]);
    let found = house.get("/api/v1/traces", &[]).await;
    assert_eq!(found["traces"][0]["span_count"], 1);
    assert_eq!(found["traces"][0]["matched_spans"], 1);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart_from_what_is_no_id() {
    let house = House::new().await;
    let (status, body) = house
        .try_get("/api/v1/traces/00000000000000000000000000000bad", &[])
        .await;
    assert_eq!(
        (status.as_u16(), &body["error"]["code"]),
        (404, &json!("not_found"))
    );
    assert!(body["error"]["hint"].is_string());
    for (path, parameters) in [
        ("/api/v1/traces/xyz", ("view", "otlp")),
        (
            "/api/v1/traces/00000000000000000000000000000000",
            ("view", "otlp"),
        ),
        ("/api/v1/traces/a1", ("view", "flamegraph")),
        ("/api/v1/traces", ("cursor", "e30")),
        ("/api/v1/traces", ("limit", "0")),
        ("/api/v1/traces", ("limit", "1001")),
        ("/api/v1/traces", ("start", "yesterday")),
        ("/api/v1/traces", ("query", "(open")),
    ] {
        let (status, body) = house.try_get(path, &[parameters]).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid")),
            "{path} {parameters:?}"
        );
    }
    assert_eq!(house.get("/api/v1/traces", &[]).await["traces"], json!([]));
}

#[tokio::test]
async fn a_trace_that_may_be_in_a_broken_file_is_not_told_to_be_nowhere() {
    let id = EVERYTHING.rsplit('/').next().unwrap();
    let timeline = format!("{EVERYTHING}/timeline");
    let tempo = format!("/tempo/api/traces/{id}");
    for (path, parameters) in [
        (EVERYTHING, vec![]),
        (EVERYTHING, vec![("view", "timeline")]),
        (timeline.as_str(), vec![]),
        (
            "/api/v1/traces/compare",
            vec![("left", id), ("right", "median")],
        ),
    ] {
        let house = House::new().await;
        append(&house, &everything()).await;
        house.storage.flush().await.unwrap();
        house.break_pages(Table::Spans);
        for _ in 0..2 {
            let (status, body) = house.try_get(path, &parameters).await;
            let error = &body["error"];
            assert_eq!(status, 503, "{path}: {body}");
            assert_eq!(error["code"], "unavailable");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&id.to_lowercase()), "{message}");
            assert!(message.contains("spans of 20"), "{message}");
        }
        let (status, _) = house.try_get_text(&tempo, &[]).await;
        assert_eq!(status, 503, "a file is missing for all who ask");
        let jaeger = house.get(&format!("/jaeger/api/traces/{id}"), &[]).await;
        assert_eq!(
            (&jaeger["complete"], &jaeger["data"]),
            (&json!(false), &json!([]))
        );
    }
}

/// A client span, its server half without the root that they name, and a failed child.
fn small_trace() -> Value {
    let span = |id: u8, parent: u8, kind: u32, start: i64, end: i64, code: u32| {
        json!({"traceId": "000000000000000000000000000000aa", "spanId": format!("{id:016x}"),
            "parentSpanId": format!("{parent:016x}"), "name": format!("n{id}"), "kind": kind,
            "startTimeUnixNano": (T0 + start).to_string(), "endTimeUnixNano": (T0 + end).to_string(),
            "status": {"code": code}})
    };
    let service = |name: &str, spans: Value| {
        json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]},
            "scopeSpans": [{"scope": {"name": "lib"}, "spans": spans}]})
    };
    json!({"resourceSpans": [
        service("shop", json!([span(1, 9, 3, 0, 100, 0)])),
        service("pay", json!([span(1, 9, 2, 10, 90, 0), span(2, 1, 1, 20, 50, 2)]))]})
}

/// Logs of the small trace: two of span 2, one of none.
async fn append_logs(house: &House) {
    let mut trace_id = [0; 16];
    trace_id[15] = 0xaa;
    let log = |n: i64| Log {
        trace_id: Some(trace_id),
        ..Log::at(T0 + n, "line")
    };
    let batch = testing::batch_of(&[log(1), log(2), log(3)]);
    let two: [u8; 8] = 2_u64.to_be_bytes();
    let ids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some(two), None, Some(two)].into_iter(),
        8,
    );
    let place = batch.schema().index_of("span_id").unwrap();
    let mut columns = batch.columns().to_vec();
    columns[place] = Arc::new(ids.unwrap());
    ingest(
        house,
        Table::Logs,
        RecordBatch::try_new(batch.schema(), columns).unwrap(),
    )
    .await;
}

#[tokio::test]
async fn the_timeline_is_the_tree_as_documented() {
    let house = House::new().await;
    append(&house, &small_trace()).await;
    append_logs(&house).await;
    let mut timeline = house
        .get("/api/v1/traces/aa", &[("view", "timeline")])
        .await;
    for varying in ["elapsed_ms", "snapshot", "scanned_bytes"] {
        assert!(
            timeline
                .as_object_mut()
                .unwrap()
                .remove(varying)
                .unwrap()
                .is_u64()
        );
    }
    let span = |id: u8, parent: u8, fields: Value| {
        let mut span = json!({"span_id": format!("{id:016x}"), "parent_span_id": format!("{parent:016x}"),
            "missing_parent": false, "status_code": "UNSET", "status_message": null,
            "name": format!("n{id}"), "attributes": {}, "events": [], "links": [], "log_count": 0,
            "scope": {"name": "lib", "version": null, "attributes": {}}});
        for (key, value) in fields.as_object().unwrap() {
            span[key] = value.clone();
        }
        // Nothing ran beside it, and clocks are right.
        span["critical_time_ns"] = span["self_time_ns"].clone();
        span["adjusted_start_offset_ns"] = span["start_offset_ns"].clone();
        span["skew_ns"] = json!(0);
        span
    };
    let pay = json!({"service.name": "pay"});
    let expected = json!({
        "trace_id": "000000000000000000000000000000aa", "start_time_unix_nano": T0.to_string(),
        "duration_ns": 100, "span_count": 3, "error_count": 1, "depth": 3, "log_count": 3,
        "services": [
            {"service_name": "pay", "span_count": 2, "error_count": 1, "self_time_ns": 80, "critical_time_ns": 80},
            {"service_name": "shop", "span_count": 1, "error_count": 0, "self_time_ns": 20, "critical_time_ns": 20}],
        "warnings": [{"kind": "missing_parent", "message": "1 span named a parent that is not here"}],
        "error_origin": {"span_index": 2, "span_id": "0000000000000002", "service_name": "pay", "name": "n2",
            "status_message": null, "root_failed": false, "path": [2], "exception": null, "logs": [
                {"id": "33554432", "time_unix_nano": (T0 + 1).to_string(), "level": "info", "body": "line"},
                {"id": "33554434", "time_unix_nano": (T0 + 3).to_string(), "level": "info", "body": "line"}]},
        "clock_skew": [], "similar_siblings": [],
        "spans": [
            span(1, 9, json!({"parent_index": null, "depth": 0, "child_count": 1, "descendant_count": 2,
                "missing_parent": true, "service_name": "shop", "kind": "CLIENT", "start_offset_ns": 0,
                "duration_ns": 100, "self_time_ns": 20, "error_below": true, "resource": {"service.name": "shop"}})),
            span(1, 9, json!({"parent_index": 0, "depth": 1, "child_count": 1, "descendant_count": 1,
                "service_name": "pay", "kind": "SERVER", "start_offset_ns": 10,
                "duration_ns": 80, "self_time_ns": 50, "error_below": true, "resource": pay})),
            span(2, 1, json!({"parent_index": 1, "depth": 2, "child_count": 0, "descendant_count": 0,
                "service_name": "pay", "kind": "INTERNAL", "start_offset_ns": 20, "duration_ns": 30,
                "self_time_ns": 30, "error_below": false, "status_code": "ERROR", "resource": pay, "log_count": 2}))],
        "complete": true, "incomplete_reasons": []});
    assert_eq!(timeline, expected);
}

#[tokio::test]
async fn events_links_and_values_are_in_the_timeline() {
    let house = House::new().await;
    append(&house, &everything()).await;
    let timeline = house.get(EVERYTHING, &[("view", "timeline")]).await;
    let span = &timeline["spans"][0];
    assert_eq!(span["status_message"], "failed");
    assert_eq!(span["attributes"]["map"], json!({"b": 2.5, "a": []}));
    assert_eq!(
        span["resource"],
        json!({"service.name": "shop", "host.cpus": 8})
    );
    assert_eq!(span["scope"]["version"], "1.2");
    assert_eq!(span["events"][1]["offset_ns"], 399_999_999);
    assert_eq!(span["events"][0]["attributes"]["aa"], "twice");
    assert_eq!(
        span["links"][0]["trace_id"],
        "11111111111111111111111111111111"
    );
    assert_eq!(span["links"][1]["attributes"], json!({}));
    for some in [span, &span["scope"], &span["events"][0], &span["links"][0]] {
        assert_eq!(some["bytes_in_attributes"], json!({"bytes": true}));
    }
    let none = [
        (span, "bytes_in_resource"),
        (&span["events"][1], "bytes_in_attributes"),
    ];
    for (object, field) in none {
        assert_eq!(object.get(field), None, "only where there are some");
    }
}

#[tokio::test]
async fn pages_of_traces_neither_overlap_nor_leave_gaps() {
    let house = zipkin().await;
    let all = house.get("/api/v1/traces", &[]).await;
    assert_eq!(all["next_cursor"], Value::Null);
    let all = list(&all["traces"]);
    assert_eq!(all.len(), 9);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = house
            .get("/api/v1/traces", &[("limit", "2"), ("cursor", &cursor)])
            .await;
        paged.extend(list(&page["traces"]).to_vec());
        match &page["next_cursor"] {
            Value::String(next) => next.clone_into(&mut cursor),
            _ => break,
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn traces_that_match_at_the_same_instant_are_ordered_by_id() {
    let house = House::new().await;
    for id in ["03", "01", "02"] {
        let data = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": format!("{id:0>32}"), "spanId": "0000000000000001",
            "startTimeUnixNano": "1000", "endTimeUnixNano": "1000"}]}]}]});
        append(&house, &data).await;
    }
    let first = house.get("/api/v1/traces", &[("limit", "2")]).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = house
        .get("/api/v1/traces", &[("limit", "2"), ("cursor", cursor)])
        .await;
    let ids: Vec<&str> = [&first, &second]
        .iter()
        .flat_map(|page| list(&page["traces"]))
        .map(|trace| trace["trace_id"].as_str().unwrap().trim_start_matches('0'))
        .collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

#[tokio::test]
async fn summaries_are_of_the_whole_trace() {
    let house = zipkin().await;
    // What is known of each trace; the search matches only a part of its spans.
    let found = house
        .get("/api/v1/traces", &[("query", "service:* -kind:CLIENT")])
        .await;
    let known = &expected()["zipkin"]["traces"]["sample_traces"];
    assert_eq!(
        list(&found["traces"]).len(),
        known.as_object().unwrap().len()
    );
    for trace in list(&found["traces"]) {
        let facts = &known[trace["trace_id"].as_str().unwrap()];
        assert_eq!(trace["span_count"], facts["spans"], "{trace}");
        assert_eq!(trace["error_count"], facts["error_spans"]);
        assert_eq!(trace["start_time_unix_nano"], facts["start_ns"].to_string());
        let end = facts["start_ns"].as_i64().unwrap() + trace["duration_ns"].as_i64().unwrap();
        assert_eq!(json!(end), facts["end_ns"]);
        let mut services: Vec<&str> = list(&trace["services"])
            .iter()
            .map(|s| s["service_name"].as_str().unwrap())
            .collect();
        services.sort_unstable();
        let named: Vec<&str> = list(&facts["services"])
            .iter()
            .map(|name| name.as_str().unwrap())
            .map(|name| {
                if name.is_empty() {
                    "unknown_service"
                } else {
                    name
                }
            })
            .collect();
        assert_eq!(services, named);
        let per_service: i64 = list(&trace["services"])
            .iter()
            .map(|s| s["span_count"].as_i64().unwrap())
            .sum();
        assert_eq!(json!(per_service), facts["spans"]);
        assert!(trace["matched_spans"].as_i64() <= trace["span_count"].as_i64());
    }
    let root = &house
        .get("/api/v1/traces", &[("query", "service:bootifulmeters")])
        .await["traces"][0]["root"];
    assert_eq!(
        (&root["service_name"], &root["name"]),
        (&json!("bootifulmeters"), &json!("http:/book"))
    );
}

#[tokio::test]
async fn traces_are_found_by_service_and_time() {
    let house = zipkin().await;
    let touching = &expected()["zipkin"]["traces"]["traces_touching_service"];
    for (service, count) in touching.as_object().unwrap() {
        let service = if service.is_empty() {
            "unknown_service"
        } else {
            service
        };
        let query = format!("service:\"{service}\"");
        let found = house.get("/api/v1/traces", &[("query", &query)]).await;
        assert_eq!(json!(list(&found["traces"]).len()), *count, "{service}");
    }
    // A range that holds one span of a trace finds it, and its summary is whole.
    let (start, end) = ("1470150004102000000", "1470150004168741000");
    let none = house
        .get("/api/v1/traces", &[("start", start), ("end", end)])
        .await;
    assert_eq!(none["traces"], json!([]), "no span starts there");
    let (start, end) = ("1470150004074202000", "1470150004074202001");
    let one = house
        .get("/api/v1/traces", &[("start", start), ("end", end)])
        .await;
    assert_eq!(
        one["traces"][0]["trace_id"],
        "00000000000000001e223ff1f80f1c69"
    );
    assert_eq!(
        (
            &one["traces"][0]["matched_spans"],
            &one["traces"][0]["span_count"]
        ),
        (&json!(1), &json!(4))
    );
}

#[tokio::test]
async fn services_count_what_the_sources_count() {
    let house = zipkin().await;
    append_logs(&house).await;
    let answer = house.get("/api/v1/services", &[]).await;
    let facts = &expected()["zipkin"]["traces"];
    let services = list(&answer["services"]);
    for (name, count) in facts["spans_per_service"].as_object().unwrap() {
        let name = if name.is_empty() {
            "unknown_service"
        } else {
            name
        };
        let service = services
            .iter()
            .find(|service| service["service_name"] == name)
            .unwrap();
        assert_eq!(service["span_count"], *count, "{name}");
        let errors = facts["error_spans_per_service"]
            .get(name)
            .unwrap_or(&json!(0))
            .clone();
        assert_eq!(service["error_count"], errors, "{name}");
    }
    let mut compared = 0;
    for top in list(&facts["top_operations"]) {
        let service = services
            .iter()
            .find(|s| s["service_name"] == top["service"])
            .unwrap();
        let same: Vec<&Value> = list(&service["operations"])
            .iter()
            .filter(|o| o["name"] == top["name"])
            .collect();
        // The sources do not tell kinds apart; compare where there is one.
        if let [operation] = same.as_slice() {
            assert_eq!(operation["span_count"], top["count"]);
            assert_eq!(operation["p50_ns"], top["p50_ns"]);
            assert_eq!(operation["p95_ns"], top["p95_ns"]);
            compared += 1;
        }
    }
    assert!(compared >= 5, "{compared}");
    let logs_only = services
        .iter()
        .find(|s| s["service_name"] == "checkout")
        .unwrap();
    assert_eq!(
        (&logs_only["log_count"], &logs_only["span_count"]),
        (&json!(3), &json!(0))
    );
    let later = house
        .get("/api/v1/services", &[("start", "2023-01-01")])
        .await;
    assert_eq!(list(&later["services"]).len(), 1, "only the logs");
}

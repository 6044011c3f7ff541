//! Traces that are kept are as new as the newest span, are loaded once, and have a bound.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use spoor_storage::{Ingest, Table, TenantId};

use super::*;
use crate::QueryOptions;
use crate::otlp::sample::batch_of;
use crate::testing::send;
use crate::trace::window::kept::whole_trace;

fn spans(trace: u64, numbers: std::ops::Range<i64>) -> Value {
    let span = |number: i64| {
        json!({"traceId": format!("{trace:032x}"), "spanId": format!("{number:016x}"),
            "parentSpanId": if number > 1 { format!("{:016x}", 1) } else { String::new() },
            "name": format!("step {}", number % 3), "kind": 2,
            "startTimeUnixNano": (T0 + number * 10).to_string(), "endTimeUnixNano": (T0 + number * 10 + 5).to_string()})
    };
    let resource =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    let spans: Vec<Value> = numbers.map(span).collect();
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})
}

fn path(trace: u64) -> String {
    format!("/api/v1/traces/{trace:032x}/timeline")
}

async fn span_count(house: &House, trace: u64) -> Option<u64> {
    let (status, answer) = house.try_get(&path(trace), &[("limit", "1")]).await;
    match status.as_u16() {
        200 => {
            assert_eq!(answer["complete"], true);
            Some(answer["span_count"].as_u64().unwrap())
        }
        404 => None,
        other => panic!("{other}: {answer}"),
    }
}

/// Hits, misses, evictions and bytes so far.
fn counted(house: &House) -> [u64; 4] {
    let mut registry = prometheus_client::registry::Registry::default();
    house.engine.register_metrics(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    ["hits_total", "misses_total", "evictions_total", "bytes"].map(|name| {
        let name = format!("spoor_query_trace_cache_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap().trim().parse().unwrap()
    })
}

#[tokio::test]
async fn the_next_window_is_answered_from_memory_until_a_span_comes() {
    let house = House::new().await;
    append(&house, &spans(1, 1..200)).await;
    assert_eq!(span_count(&house, 1).await, Some(199));
    assert_eq!(span_count(&house, 1).await, Some(199));
    assert_eq!(counted(&house)[..3], [1, 1, 0]);
    // Others come, rows move: nothing of this trace changes.
    append(&house, &spans(2, 1..10)).await;
    assert_eq!(span_count(&house, 1).await, Some(199));
    house.storage.flush().await.unwrap();
    assert_eq!(span_count(&house, 1).await, Some(199));
    append(&house, &spans(3, 1..10)).await;
    house.storage.flush().await.unwrap();
    assert_eq!(span_count(&house, 1).await, Some(199));
    assert_eq!(counted(&house)[..2], [4, 1]);
    // A late span: in the buffer, and written to a file before anybody asks.
    append(&house, &spans(1, 200..201)).await;
    assert_eq!(span_count(&house, 1).await, Some(200));
    append(&house, &spans(1, 201..203)).await;
    house.storage.flush().await.unwrap();
    assert_eq!(span_count(&house, 1).await, Some(202));
    assert_eq!(counted(&house)[..2], [4, 3]);
    // Sent again it is there once, whatever was kept.
    append(&house, &spans(1, 201..203)).await;
    assert_eq!(span_count(&house, 1).await, Some(202));
}

/// Changes stored spans, which must succeed.
async fn change(house: &House, path: &str, body: &Value) -> Value {
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let (status, _, answer) = send(&house.admin(), request).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn what_is_deleted_or_redacted_is_so_in_what_is_kept() {
    let house = House::new().await;
    append(&house, &spans(1, 1..100)).await;
    append(&house, &spans(2, 1..100)).await;
    house.storage.flush().await.unwrap();
    assert_eq!(span_count(&house, 1).await, Some(99));
    let query = |step: u32| format!("trace_id:{:032x} AND name:\"step {step}\"", 1);
    let body = json!({"table": "spans", "query": query(1), "confirm": 33});
    let told = change(&house, "/api/v1/delete", &body).await;
    assert_eq!(told["rows"], 33);
    assert_eq!(span_count(&house, 1).await, Some(66));
    assert_eq!(span_count(&house, 1).await, Some(66));
    assert_eq!(span_count(&house, 2).await, Some(99));
    let body = json!({"table": "spans", "query": query(2), "confirm": 33, "fields": ["name"], "replacement": "***"});
    change(&house, "/api/v1/redact", &body).await;
    let rows = house.get(&path(1), &[]).await;
    let redacted = list(&rows["rows"])
        .iter()
        .filter(|row| row["name"] == "***");
    assert_eq!(redacted.count(), 33);
}

#[tokio::test]
async fn tenants_have_traces_of_their_own() {
    let house = House::new().await;
    append(&house, &spans(1, 1..20)).await;
    let other = TenantId::new("other").unwrap();
    let stored = batch_of(&spans(1, 1..7), 0);
    let decoded: Vec<usize> = (0..stored.num_columns() - 1).collect();
    let ingest = Ingest {
        tenant: other.clone(),
        table: Table::Spans,
        received_time_ns: T0,
        payload: Bytes::from_static(b"payload"),
        batch: stored.project(&decoded).unwrap(),
    };
    house.storage.append(ingest).await.unwrap();
    let id = format!("{:032x}", 1).parse().unwrap();
    for (tenant, expected) in [
        (TenantId::default(), 19),
        (other, 6),
        (TenantId::default(), 19),
    ] {
        let session = house.engine.begin(&tenant).await.unwrap();
        let trace = whole_trace(&session, id).await.unwrap();
        assert_eq!(trace.spans.len(), expected);
    }
}

#[tokio::test]
async fn requests_that_come_at_once_load_it_once() {
    let house = House::new().await;
    append(&house, &spans(1, 1..5_000)).await;
    let requests = (0..8).map(|_| span_count(&house, 1));
    let counts = futures::future::join_all(requests).await;
    assert_eq!(counts, vec![Some(4_999); 8]);
    assert_eq!(counted(&house)[..2], [7, 1]);
    // One that nobody waits for any more leaves it to the next.
    append(&house, &spans(1, 5_000..5_001)).await;
    let uri = format!("{}?limit=1", path(1));
    let asked = house.ask(Request::get(uri).body(Body::empty()).unwrap());
    futures::future::select(asked, std::future::ready(())).await;
    assert_eq!(span_count(&house, 1).await, Some(5_000));
}

#[tokio::test]
async fn an_older_snapshot_has_no_later_span() {
    let house = House::new().await;
    append(&house, &spans(1, 1..20)).await;
    let id = format!("{:032x}", 1).parse().unwrap();
    let tenant = TenantId::default();
    let before = house.engine.begin(&tenant).await.unwrap();
    append(&house, &spans(1, 20..25)).await;
    let after = house.engine.begin(&tenant).await.unwrap();
    let new = whole_trace(&after, id).await.unwrap();
    let old = whole_trace(&before, id).await.unwrap();
    assert_eq!((new.spans.len(), old.spans.len()), (24, 19));
    let again = whole_trace(&after, id).await.unwrap();
    assert!(Arc::ptr_eq(&new, &again), "the newer one stays");
}

#[tokio::test]
async fn what_is_kept_has_a_bound() {
    let options = QueryOptions {
        trace_cache_bytes: 100_000,
        ..QueryOptions::default()
    };
    let house = House::with(options).await;
    for trace in 1..=20 {
        append(&house, &spans(trace, 1..200)).await;
        assert_eq!(span_count(&house, trace).await, Some(199));
        assert!(counted(&house)[3] <= 100_000);
    }
    let [hits, misses, evictions, bytes] = counted(&house);
    assert_eq!((hits, misses), (0, 20));
    assert!(evictions >= 10 && bytes > 0, "{evictions} {bytes}");
    // The last one is still there, the first one is not.
    assert_eq!(span_count(&house, 20).await, Some(199));
    assert_eq!(span_count(&house, 1).await, Some(199));
    assert_eq!(counted(&house)[..2], [1, 21]);
    // One that does not fit at all is answered all the same.
    append(&house, &spans(21, 1..2_000)).await;
    assert_eq!(span_count(&house, 21).await, Some(1_999));
    assert_eq!(span_count(&house, 21).await, Some(1_999));
    assert_eq!(counted(&house)[..2], [1, 23]);
}

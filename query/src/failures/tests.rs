//! Failures, and what the timeline says of one, over a real storage.

use serde_json::{Value, json};

use crate::otlp::sample::list;
use crate::testing::{House, Log, SECOND, T0};
use crate::trace::tests::append;

const PATH: &str = "/api/v1/failures";

/// A span of a trace: id, parent, service, kind, start and end in milliseconds, whether it failed.
type Given = (u64, u64, &'static str, u8, i64, i64, bool);

async fn send(house: &House, trace: u64, second: i64, spans: &[Given], why: &str) {
    for (id, parent, service, kind, start, end, failed) in spans {
        let at = |ms: i64| (T0 + second * SECOND + ms * 1_000_000).to_string();
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let events = match (failed, service) {
            (true, &"db") => json!([{"timeUnixNano": at(*end), "name": "exception", "attributes": [
                text("exception.type", "x.Lock"), text("exception.message", why),
                text("exception.stacktrace", "\tat db.Row.lock(Row.java:1)")]}]),
            _ => json!([]),
        };
        let parent = if *parent == 0 {
            String::new()
        } else {
            format!("{parent:016x}")
        };
        append(
            house,
            &json!({"resourceSpans": [{
                "resource": {"attributes": [text("service.name", service)]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "parentSpanId": parent,
                    "name": format!("do {service}"), "kind": kind,
                    "startTimeUnixNano": at(*start), "endTimeUnixNano": at(*end), "events": events,
                    "status": {"code": if *failed { 2 } else { 0 }}}]}]}]}),
        )
        .await;
    }
}

/// The shop tries the database twice, and fails with the second failure.
const FAILED: &[Given] = &[
    (1, 0, "shop", 2, 0, 100, true),
    (2, 1, "shop", 3, 10, 30, true),
    (3, 2, "db", 2, 12, 28, true),
    (4, 1, "shop", 3, 40, 80, true),
    (5, 4, "db", 2, 1_050, 1_070, true),
    (6, 1, "shop", 1, 85, 95, false),
];

async fn house() -> House {
    let house = House::new().await;
    for trace in 1..=4_u64 {
        let why = format!("row {trace} is locked");
        send(&house, trace, trace.cast_signed() * 10, FAILED, &why).await;
    }
    house.storage.flush().await.unwrap();
    let survived = [
        (1, 0, "shop", 2, 0, 100, false),
        (2, 1, "mail", 3, 10, 30, true),
    ];
    send(&house, 5, 35, &survived, "").await;
    send(&house, 6, 36, &[(1, 0, "shop", 2, 0, 100, false)], "").await;
    house
}

#[tokio::test]
async fn failing_traces_are_grouped_by_where_they_break() {
    let house = house().await;
    let found = house.get(PATH, &[]).await;
    assert_eq!(found["complete"], true);
    assert_eq!(
        (&found["total"], &found["group_count"]),
        (&json!(5), &json!(2))
    );
    let locked = &found["failures"][0];
    assert_eq!(
        [
            &locked["service_name"],
            &locked["name"],
            &locked["exception_type"],
            &locked["message"]
        ],
        ["db", "do db", "x.Lock", "row <num> is locked"]
    );
    assert_eq!(
        (&locked["count"], &locked["root_failed_count"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(
        locked["root_operations"],
        json!([{"service_name": "shop", "name": "do shop", "count": 4}])
    );
    assert_eq!(
        locked["samples"][0],
        json!({"trace_id": format!("{:032x}", 4), "span_id": format!("{:016x}", 5), "path": ["shop", "db"]})
    );
    let mail = &found["failures"][1];
    assert_eq!(
        (&mail["service_name"], &mail["root_failed_count"]),
        (&json!("mail"), &json!(0))
    );
    let since = (T0 + 33 * SECOND).to_string();
    let found = house.get(PATH, &[("since", &since)]).await;
    let new: Vec<(&Value, &Value)> = list(&found["failures"])
        .iter()
        .map(|group| (&group["service_name"], &group["new"]))
        .collect();
    assert_eq!(
        new,
        [
            (&json!("db"), &json!(false)),
            (&json!("mail"), &json!(true))
        ]
    );
    let baseline = list(&found["failures"]).iter();
    let baseline: u64 = baseline
        .map(|group| group["baseline_count"].as_u64().unwrap())
        .sum();
    assert!(baseline > 0);
    assert_eq!(found["baseline_total"], baseline, "both groups go on");
    let of_mail = house.get(PATH, &[("query", "service:mail")]).await;
    assert_eq!(of_mail["total"], 1);
    assert_eq!(house.try_get(PATH, &[("query", "duration>")]).await.0, 400);
}

#[tokio::test]
async fn the_timeline_says_where_it_broke_and_whose_clock_is_off() {
    let house = house().await;
    let mut log = Log::at(T0 + 11 * SECOND, "cannot lock");
    log.trace_id = Some(1_u128.to_be_bytes());
    house.append(&[log]).await;
    let path = format!("/api/v1/traces/{:032x}", 1);
    let include = [("view", "timeline"), ("include", "percentiles,linked_from")];
    let found = house.get(&path, &include).await;
    let origin = &found["error_origin"];
    assert_eq!(
        (&origin["service_name"], &origin["root_failed"]),
        (&json!("db"), &json!(true))
    );
    let spans = list(&found["spans"]);
    let ids: Vec<&str> = spans
        .iter()
        .map(|span| span["span_id"].as_str().unwrap())
        .collect();
    let place = |id: u64| {
        ids.iter()
            .position(|known| *known == format!("{id:016x}"))
            .unwrap()
    };
    assert_eq!(origin["path"], json!([place(1), place(4), place(5)]));
    assert_eq!(origin["exception"]["message"], "row 1 is locked");
    assert_eq!(origin["exception"]["frames"], json!(["db.Row.lock"]));
    // One call fits as it is, the other does not: clocks that are right for half of the calls are right.
    assert_eq!(found["clock_skew"], json!([]));
    assert_eq!(
        spans[place(5)]["adjusted_start_offset_ns"],
        spans[place(5)]["start_offset_ns"]
    );
    let critical: i64 = spans
        .iter()
        .map(|span| span["critical_time_ns"].as_i64().unwrap())
        .sum();
    assert_eq!(critical, 100_000_000);
    let by_service: i64 = list(&found["services"])
        .iter()
        .map(|service| service["critical_time_ns"].as_i64().unwrap())
        .sum();
    assert_eq!(by_service, critical);
    let percentile = &spans[place(1)]["percentile"];
    assert_eq!(
        percentile,
        &json!({"percent": 100.0, "among": 6, "exact": true})
    );
    assert_eq!(found["linked_from"], json!([]));
    let wrong = [("view", "timeline"), ("include", "everything")];
    assert_eq!(house.try_get(&path, &wrong).await.0, 400);
}

#[tokio::test]
async fn clocks_apart_links_from_elsewhere_and_similar_siblings_are_told() {
    let house = House::new().await;
    let spans: &[Given] = &[
        (1, 0, "shop", 2, 0, 100, false),
        (2, 1, "shop", 3, 10, 30, false),
        (3, 2, "db", 2, 5_015, 5_025, false),
        (4, 1, "shop", 3, 40, 60, false),
        (5, 4, "db", 2, 5_045, 5_055, false),
        (6, 1, "shop", 3, 70, 90, false),
    ];
    send(&house, 1, 0, spans, "").await;
    append(
        &house,
        &json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "mail"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": format!("{:032x}", 9), "spanId": format!("{:016x}", 8), "name": "take", "kind": 5,
                "startTimeUnixNano": (T0 + 3).to_string(), "endTimeUnixNano": (T0 + 4).to_string(),
                "links": [{"traceId": format!("{:032x}", 1), "spanId": format!("{:016x}", 4)}]}]}]}]}),
    )
    .await;
    let path = format!("/api/v1/traces/{:032x}", 1);
    let include = [("view", "timeline"), ("include", "linked_from")];
    let found = house.get(&path, &include).await;
    let skew = json!([{"caller": "shop", "called": "db", "skew_ns": -5_000_000_000_i64, "calls": 2, "contradictory": false}]);
    assert_eq!(found["clock_skew"], skew);
    let span = &found["spans"][2];
    assert_eq!(
        (&span["service_name"], &span["start_offset_ns"]),
        (&json!("db"), &json!(5_015_000_000_i64))
    );
    assert_eq!(
        (&span["skew_ns"], &span["adjusted_start_offset_ns"]),
        (&json!(-5_000_000_000_i64), &json!(15_000_000))
    );
    assert_eq!(
        found["linked_from"],
        json!([{"trace_id": format!("{:032x}", 9), "span_id": format!("{:016x}", 8), "to_span_id": format!("{:016x}", 4),
            "service_name": "mail", "name": "take", "start_time_unix_nano": (T0 + 3).to_string()}])
    );
    assert_eq!(
        found["similar_siblings"],
        json!([{"parent_index": 0, "first_index": 1, "longest_index": 1, "service_name": "shop", "name": "do shop",
            "kind": "CLIENT", "span_count": 3, "error_count": 0, "duration_ns": 60_000_000}])
    );
    assert!(found["error_origin"].is_null());
    assert!(found["spans"][0]["percentile"].is_null());
}

//! The endpoint over a real storage.

use serde_json::{Value, json};
use spoor_storage::{TenantId, TimeRange};

use crate::otlp::sample::list;
use crate::testing::{House, Log, SECOND, T0, delete_indexes};
use crate::trace::tests::append;

const PATH: &str = "/api/v1/services/changes";
/// The period begins this much after the baseline.
const LATER: i64 = 3_600 * SECOND;

/// A span: id, parent, service, start and end in milliseconds, whether it failed.
type Given = (u64, u64, &'static str, i64, i64, bool);

async fn send(house: &House, traces: std::ops::Range<u64>, shift: i64, spans: &[Given]) {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let mut resources = Vec::new();
    for trace in traces {
        for (id, parent, service, start, end, failed) in spans {
            // Never two of the same length.
            let at = |ms: &i64, more: u64| {
                let within = trace.cast_signed() * SECOND + ms * 1_000_000 + more.cast_signed();
                (T0 + shift + within).to_string()
            };
            let parent = if *parent == 0 {
                String::new()
            } else {
                format!("{parent:016x}")
            };
            resources.push(json!({
                "resource": {"attributes": [text("service.name", service)]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{:032x}", trace + 1 + shift.cast_unsigned()), "spanId": format!("{id:016x}"),
                    "parentSpanId": parent, "name": format!("do {service}"), "kind": 2,
                    "startTimeUnixNano": at(start, 0), "endTimeUnixNano": at(end, trace),
                    "status": {"code": if *failed { 2 } else { 0 }}}]}]}));
        }
    }
    append(house, &json!({"resourceSpans": resources})).await;
}

/// The shop calls stock and mail; stock calls the database.
const WELL: &[Given] = &[
    (1, 0, "shop", 0, 100, false),
    (2, 1, "stock", 10, 40, false),
    (3, 2, "db", 15, 20, false),
    (4, 1, "mail", 50, 60, false),
];
/// The database needs ten times as long, and everything above it waits.
const SLOW: &[Given] = &[
    (1, 0, "shop", 0, 145, false),
    (2, 1, "stock", 10, 85, false),
    (3, 2, "db", 15, 65, false),
    (4, 1, "mail", 95, 105, false),
];
/// The database fails, and stock and the shop with it; there is no mail.
const FAILED: &[Given] = &[
    (1, 0, "shop", 0, 100, true),
    (2, 1, "stock", 10, 40, true),
    (3, 2, "db", 15, 20, true),
];

async fn changes(house: &House, more: &[(&str, &str)]) -> Value {
    let (start, end) = ((T0 + LATER).to_string(), (T0 + 2 * LATER).to_string());
    let mut parameters = vec![("start", &*start), ("end", &*end)];
    parameters.extend(more);
    house.get(PATH, &parameters).await
}

/// Service, and the kinds of its evidence.
fn shown(found: &Value) -> Vec<(&str, Vec<&str>)> {
    list(&found["services"])
        .iter()
        .map(|service| {
            let kinds = list(&service["evidence"])
                .iter()
                .filter_map(|evidence| evidence["kind"].as_str())
                .collect();
            (service["service_name"].as_str().unwrap_or_default(), kinds)
        })
        .collect()
}

#[tokio::test]
async fn a_slow_service_is_named_and_not_those_who_wait_for_it() {
    let house = House::new().await;
    send(&house, 0..20, 0, WELL).await;
    house.storage.flush().await.unwrap();
    // Twice as much traffic is no change.
    send(&house, 0..40, LATER, SLOW).await;
    let found = changes(&house, &[]).await;
    assert_eq!(found["complete"], true);
    assert_eq!(shown(&found), [("db", vec!["slower"])]);
    assert_eq!(found["service_count"], 1);
    assert_eq!(
        (&found["trace_count"], &found["baseline_trace_count"]),
        (&json!(40), &json!(20))
    );
    assert_eq!(
        (&found["span_count"], &found["baseline_span_count"]),
        (&json!(160), &json!(80))
    );
    let evidence = &found["services"][0]["evidence"][0];
    assert_eq!(evidence["name"], "do db");
    assert_eq!(
        (&evidence["count"], &evidence["baseline_count"]),
        (&json!(40), &json!(20))
    );
    // The nearest rank of 40 and of 20 lengths.
    assert_eq!(
        (&evidence["p50_ns"], &evidence["baseline_p50_ns"]),
        (&json!(50_000_019), &json!(5_000_009))
    );
    assert_eq!(evidence["query"], "service:\"db\" name:\"do db\"");
    assert_eq!(evidence["sample_trace_id"], format!("{:032x}", 40 + LATER));
    assert_eq!(evidence["sample_span_id"], format!("{:016x}", 3));
    let query = evidence["query"].as_str().unwrap_or_default();
    let rows = house
        .get("/api/v1/traces", &[("query", query), ("limit", "100")])
        .await;
    assert_eq!(list(&rows["traces"]).len(), 60);
}

#[tokio::test]
async fn errors_count_where_nothing_below_has_trouble() {
    let house = House::new().await;
    send(&house, 0..20, 0, WELL).await;
    send(&house, 0..40, LATER, FAILED).await;
    let found = changes(&house, &[]).await;
    let names: Vec<&str> = shown(&found).into_iter().map(|(name, _)| name).collect();
    // Mail is silent; what stock and the shop hand on weighs a quarter, too little to be told.
    assert_eq!(names, ["db", "mail"]);
    let db = &found["services"][0];
    assert_eq!(db["below_share"], 0.0);
    assert_eq!(db["evidence"][0]["kind"], "errors");
    assert_eq!(
        (&db["evidence"][0]["count"], &db["evidence"][0]["total"]),
        (&json!(40), &json!(40))
    );
    assert_eq!(
        db["evidence"][0]["sample_trace_id"],
        format!("{:032x}", 40 + LATER)
    );
    let mail = &found["services"][1]["evidence"][0];
    assert_eq!(mail["kind"], "silent");
    assert_eq!(
        (&mail["count"], &mail["baseline_count"]),
        (&json!(0), &json!(20))
    );
    // The other way round mail appeared, and nothing else is worse.
    let baseline = [
        ("start", T0.to_string()),
        ("end", (T0 + LATER).to_string()),
        ("baseline_start", (T0 + LATER).to_string()),
        ("baseline_end", (T0 + 2 * LATER).to_string()),
    ];
    let baseline: Vec<(&str, &str)> = baseline
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let back = house.get(PATH, &baseline).await;
    let times =
        ["start", "end", "baseline_start", "baseline_end"].map(|time| format!("{time}_unix_nano"));
    for (time, (_, given)) in times.iter().zip(&baseline) {
        assert_eq!(back[time], *given);
    }
    assert_eq!(shown(&back), [("mail", vec!["appeared"])]);
}

#[tokio::test]
async fn new_errors_in_logs_count_for_the_lowest_service_that_has_them() {
    let house = House::new().await;
    send(&house, 0..20, 0, WELL).await;
    send(&house, 0..20, LATER, WELL).await;
    let log = |trace: u64, service, severity_number, body: &str| Log {
        service,
        severity_number,
        trace_id: Some(u128::from(trace + 1 + LATER.cast_unsigned()).to_be_bytes()),
        ..Log::at(T0 + LATER + trace.cast_signed() * SECOND, body)
    };
    let mut logs = Vec::new();
    for trace in 0..20 {
        logs.push(log(trace, "db", 17, &format!("row {trace} is locked")));
        logs.push(log(
            trace,
            "stock",
            17,
            &format!("order {trace} failed: locked"),
        ));
        logs.push(log(trace, "shop", 9, "a new format, and no error"));
    }
    house.append(&logs).await;
    let expect = async || {
        let found = changes(&house, &[]).await;
        assert_eq!(shown(&found), [("db", vec!["logs"])]);
        let evidence = &found["services"][0]["evidence"][0];
        assert_eq!(
            (&evidence["name"], &evidence["level"]),
            (&json!("row <num> is locked"), &json!("error"))
        );
        assert_eq!(
            (&evidence["count"], &evidence["baseline_count"]),
            (&json!(20), &json!(0))
        );
        let query = evidence["query"].as_str().unwrap_or_default();
        let rows = house
            .get("/api/v1/logs", &[("query", query), ("limit", "100")])
            .await;
        assert_eq!(list(&rows["logs"]).len(), 20, "{query}");
    };
    expect().await;
    house.storage.flush().await.unwrap();
    expect().await;
    let files = house
        .storage
        .snapshot()
        .files(
            &TenantId::default(),
            spoor_storage::Table::Logs,
            TimeRange::ALL,
        )
        .len();
    assert!(files > 0);
    delete_indexes(house.folder.path());
    expect().await;
}

#[tokio::test]
async fn a_service_that_only_logs_now_is_silent_once() {
    let house = House::new().await;
    send(&house, 0..20, 0, WELL).await;
    send(&house, 0..40, LATER, &WELL[..3]).await;
    let logs: Vec<Log> = (0..20_u64)
        .map(|trace| Log {
            service: "mail",
            severity_number: 17,
            trace_id: Some(u128::from(trace + 1 + LATER.cast_unsigned()).to_be_bytes()),
            ..Log::at(
                T0 + LATER + trace.cast_signed() * SECOND,
                "no server to send to",
            )
        })
        .collect();
    house.append(&logs).await;
    let found = changes(&house, &[]).await;
    let shown = shown(&found);
    let kinds = shown.iter().find(|(name, _)| *name == "mail").unwrap();
    let silent = kinds.1.iter().filter(|kind| **kind == "silent").count();
    assert_eq!(silent, 1, "{shown:?}");
}

#[tokio::test]
async fn what_cannot_be_compared_is_said() {
    let house = House::new().await;
    send(&house, 0..20, LATER, FAILED).await;
    let found = changes(&house, &[]).await;
    assert_eq!(found["services"], json!([]));
    assert_eq!(found["complete"], false);
    let reasons = found["incomplete_reasons"].to_string();
    assert!(reasons.contains("nothing in the baseline"), "{reasons}");
    for (parameters, expected) in [
        (&[][..], "`start` is missing"),
        (&[("start", "9"), ("end", "5")], "`end` is before `start`"),
        (
            &[("start", "9"), ("end", "12"), ("baseline_start", "10")],
            "the baseline ends before it begins",
        ),
        (&[("start", "9"), ("end", "12"), ("limit", "0")], "`limit`"),
    ] {
        let (status, body) = house.try_get(PATH, parameters).await;
        assert_eq!(status, 400, "{parameters:?}");
        assert!(
            body.to_string().contains(expected),
            "{parameters:?}: {body}"
        );
    }
}

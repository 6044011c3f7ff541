//! Two made traces that differ in every way the comparison tells.

use serde_json::{Value, json};

use crate::otlp::sample::list;
use crate::testing::{House, T0};
use crate::trace::tests::append;

/// `(id, parent, service, name, start, duration, error, attribute)`
type Row = (
    u8,
    u8,
    &'static str,
    &'static str,
    i64,
    i64,
    bool,
    &'static str,
);

fn trace(id: u8, start_ns: i64, rows: &[Row]) -> Value {
    let spans: Vec<Value> = rows
        .iter()
        .map(|&(span, parent, service, name, start, duration, error, value)| {
            let mut made = json!({"traceId": format!("{id:032x}"), "spanId": format!("{:016x}", u64::from(id) << 8 | u64::from(span)),
                "name": name, "kind": 2,
                "startTimeUnixNano": (start_ns + start).to_string(), "endTimeUnixNano": (start_ns + start + duration).to_string(),
                "attributes": [{"key": "step", "value": {"stringValue": value}}, {"key": "same", "value": {"intValue": "1"}}],
                "status": {"code": if error { 2 } else { 0 }}});
            if parent > 0 {
                made["parentSpanId"] = json!(format!("{:016x}", u64::from(id) << 8 | u64::from(parent)));
            }
            json!({"resource": {"attributes": [
                    {"key": "service.name", "value": {"stringValue": service}},
                    {"key": "service.version", "value": {"stringValue": format!("v{id}")}}]},
                "scopeSpans": [{"scope": {"name": "test"}, "spans": [made]}]})
        })
        .collect();
    json!({"resourceSpans": spans})
}

/// web → cart, and three queries where the other has one; the other calls `pay`, which fails.
async fn house() -> House {
    let house = House::new().await;
    let left = [
        (1, 0, "web", "GET /", 0, 100, false, "a"),
        (2, 1, "cart", "load", 10, 20, false, "x"),
        (3, 2, "cart", "query", 12, 5, false, "x"),
    ];
    let right = [
        (1, 0, "web", "GET /", 0, 300, false, "b"),
        (2, 1, "cart", "load", 10, 90, false, "x"),
        (3, 2, "cart", "query", 12, 5, false, "x"),
        (4, 2, "cart", "query", 20, 30, false, "x"),
        (5, 2, "cart", "query", 60, 35, false, "y"),
        (6, 1, "pay", "charge", 120, 150, true, "x"),
    ];
    append(&house, &trace(1, T0, &left)).await;
    house.storage.flush().await.unwrap();
    append(&house, &trace(2, T0 + 1_000, &right)).await;
    house
}

async fn compared(house: &House, left: &str, right: &str) -> Value {
    house
        .get(
            "/api/v1/traces/compare",
            &[("left", left), ("right", right)],
        )
        .await
}

#[tokio::test]
async fn spans_are_compared_by_what_they_do_and_who_called_them() {
    let house = house().await;
    let answer = compared(&house, "1", "2").await;
    assert_eq!(answer["complete"], true, "{answer}");
    let names: Vec<(&str, u64)> = list(&answer["groups"])
        .iter()
        .map(|group| {
            (
                group["name"].as_str().unwrap(),
                group["depth"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        names,
        [("GET /", 0), ("load", 1), ("query", 2), ("charge", 1)]
    );
    let parents: Vec<&Value> = list(&answer["groups"])
        .iter()
        .map(|group| &group["parent_index"])
        .collect();
    assert_eq!(parents, [&json!(null), &json!(0), &json!(1), &json!(0)]);
    let queries = &answer["groups"][2];
    assert_eq!(
        queries["left"],
        json!({"span_count": 1, "error_count": 0, "duration_ns": 5, "self_time_ns": 5,
            "start_offset_ns": 12, "parts": [{"from_offset_ns": 12, "to_offset_ns": 17}], "longest": {"span_id": "0000000000000103", "duration_ns": 5}})
    );
    assert_eq!(
        queries["right"],
        json!({"span_count": 3, "error_count": 0, "duration_ns": 70, "self_time_ns": 70,
            "start_offset_ns": 12, "parts": [{"from_offset_ns": 12, "to_offset_ns": 17}, {"from_offset_ns": 20, "to_offset_ns": 50},
                {"from_offset_ns": 60, "to_offset_ns": 95}], "longest": {"span_id": "0000000000000205", "duration_ns": 35}})
    );
    let charge = &answer["groups"][3];
    assert_eq!(
        (&charge["left"], &charge["right"]["error_count"]),
        (&json!(null), &json!(1))
    );
    assert_eq!(
        charge["attributes"],
        json!([]),
        "nothing to compare it with"
    );
}

#[tokio::test]
async fn only_what_differs_is_among_the_attributes() {
    let house = house().await;
    let answer = compared(&house, "1", "2").await;
    assert_eq!(
        answer["groups"][0]["attributes"],
        json!([{"key": "resource.service.version", "left": ["v1"], "right": ["v2"]},
            {"key": "step", "left": ["a"], "right": ["b"]}])
    );
    let queries = list(&answer["groups"][2]["attributes"]);
    assert_eq!(
        queries[1],
        json!({"key": "step", "left": ["x"], "right": ["x", "y"]})
    );
}

#[tokio::test]
async fn services_come_with_the_largest_difference_first() {
    let house = house().await;
    let answer = compared(&house, "1", "2").await;
    let services: Vec<(&str, i64, i64)> = list(&answer["services"])
        .iter()
        .map(|service| {
            let own = |side: &str| service[side]["self_time_ns"].as_i64().unwrap();
            (
                service["service_name"].as_str().unwrap(),
                own("left"),
                own("right"),
            )
        })
        .collect();
    assert_eq!(
        services,
        [("pay", 0, 150), ("cart", 20, 90), ("web", 80, 60)]
    );
    assert_eq!(answer["left"]["duration_ns"], 100);
    assert_eq!(answer["right"]["duration_ns"], 300);
    assert_eq!(answer["right"]["root"]["name"], "GET /");
    assert_eq!(answer["right"]["median"], json!(null));
}

#[tokio::test]
async fn a_trace_differs_from_itself_in_nothing() {
    let house = house().await;
    let answer = compared(&house, "2", "2").await;
    for group in list(&answer["groups"]) {
        assert_eq!(group["left"], group["right"]);
        assert_eq!(group["attributes"], json!([]));
    }
}

#[tokio::test]
async fn the_median_is_that_of_its_operation_without_failures() {
    let house = house().await;
    for (id, duration, error) in [
        (3, 150, false),
        (4, 130, false),
        (5, 120, false),
        (6, 10, true),
    ] {
        let rows = [(1, 0, "web", "GET /", 0, duration, error, "a")];
        append(&house, &trace(id, T0 + 10_000, &rows)).await;
    }
    // Another operation, and the same one on another day.
    append(
        &house,
        &trace(7, T0, &[(1, 0, "web", "GET /cart", 0, 1, false, "a")]),
    )
    .await;
    let days_later = T0 + 3 * 86_400 * 1_000_000_000;
    append(
        &house,
        &trace(8, days_later, &[(1, 0, "web", "GET /", 0, 1, false, "a")]),
    )
    .await;
    let answer = compared(&house, "median", "2").await;
    // 100, 120, 130, 150: the lower one of the two in the middle.
    assert_eq!(answer["left"]["trace_id"], format!("{:032x}", 5));
    assert_eq!(
        answer["left"]["median"],
        json!({"trace_count": 4, "root_duration_ns": 120})
    );
    // Its work in the background took long: not what the operation is like.
    let rows = [
        (1, 0, "web", "GET /", 0, 121, false, "a"),
        (2, 1, "worker", "later", 5_000, 900, false, "a"),
    ];
    append(&house, &trace(10, T0 + 20_000, &rows)).await;
    let still = compared(&house, "median", "2").await;
    assert_eq!(
        still["left"]["median"],
        json!({"trace_count": 5, "root_duration_ns": 121})
    );
    assert_eq!(still["left"]["trace_id"], format!("{:032x}", 4));
    let swapped = compared(&house, "2", "median").await;
    assert_eq!(swapped["right"], still["left"]);
}

#[tokio::test]
async fn what_cannot_be_compared_is_said() {
    let house = house().await;
    for (left, right, status, word) in [
        ("1", "99", 404, "no span of trace"),
        ("1", "", 400, "`right` is missing"),
        ("xyz", "1", 400, "TraceId"),
        ("median", "median", 400, "both sides"),
    ] {
        let (found, body) = house
            .try_get(
                "/api/v1/traces/compare",
                &[("left", left), ("right", right)],
            )
            .await;
        assert_eq!(found, status, "{left} {right}: {body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
    }
    append(
        &house,
        &trace(9, T0, &[(1, 0, "lone", "job", 0, 1, false, "a")]),
    )
    .await;
    let (status, body) = house
        .try_get(
            "/api/v1/traces/compare",
            &[("left", "median"), ("right", "9")],
        )
        .await;
    assert_eq!(
        (status.as_u16(), &body["error"]["code"]),
        (404, &json!("not_found"))
    );
}

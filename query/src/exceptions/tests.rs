//! The endpoint over a real storage, with spans and logs in files and in the buffer.

use serde_json::{Value, json};

use crate::otlp::sample::list;
use crate::testing::{House, Log, SECOND, T0};
use crate::trace::tests::append;

const PATH: &str = "/api/v1/exceptions";

fn exception(kind: &str, message: &str, stack: &str) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    json!({"timeUnixNano": T0.to_string(), "name": "exception", "attributes": [
        text("exception.type", kind), text("exception.message", message), text("exception.stacktrace", stack)]})
}

/// A span that starts after so many seconds.
fn span(number: u64, second: i64, service: &str, events: &[Value]) -> Value {
    let start = T0 + second * SECOND;
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"),
            "name": format!("POST /pay{}", number % 2), "kind": 2,
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 5).to_string(),
            "events": events}]}]}]})
}

const REFUSED: &str =
    "x.Refused: no\n\tat shop.Bank.pay(Bank.java:LINE)\n\tat shop.Cart.run(Cart.java:7)";

async fn house() -> House {
    let house = House::new().await;
    for number in 1..=6_u64 {
        let stack = REFUSED.replace("LINE", &number.to_string());
        let events = [exception(
            "x.Refused",
            &format!("order {number} refused"),
            &stack,
        )];
        append(
            &house,
            &span(number, number.cast_signed() * 10, "pay", &events),
        )
        .await;
    }
    append(
        &house,
        &span(
            7,
            65,
            "pay",
            &[exception(
                "x.Refused",
                "other way",
                "\tat shop.Else.run(E.java:1)",
            )],
        ),
    )
    .await;
    append(
        &house,
        &span(
            8,
            66,
            "pay",
            &[json!({"timeUnixNano": "1", "name": "retry"})],
        ),
    )
    .await;
    house.storage.flush().await.unwrap();
    let both = [
        exception("x.Refused", "order 9 refused", REFUSED),
        exception("ValueError", "bad 17", ""),
    ];
    append(&house, &span(9, 70, "cart", &both)).await;
    let mut log = Log::at(T0 + 71 * SECOND, "it failed")
        .with("exception.type", "ValueError", 's')
        .with("exception.message", "bad 18", 's');
    log.service = "cart";
    house
        .append(&[log, Log::at(T0 + 72 * SECOND, "fine")])
        .await;
    house
}

#[tokio::test]
async fn exceptions_are_grouped_by_type_and_stack_without_line_numbers() {
    let house = house().await;
    let found = house.get(PATH, &[]).await;
    assert_eq!(found["complete"], true);
    assert_eq!(
        (&found["total"], &found["group_count"]),
        (&json!(10), &json!(3))
    );
    let groups = list(&found["exceptions"]);
    let refused = &groups[0];
    assert_eq!(refused["type"], "x.Refused");
    assert_eq!(refused["message"], "order <num> refused");
    assert_eq!(refused["frames"], json!(["shop.Bank.pay", "shop.Cart.run"]));
    assert_eq!(
        (
            &refused["count"],
            &refused["span_count"],
            &refused["log_count"]
        ),
        (&json!(7), &json!(7), &json!(0))
    );
    assert_eq!(
        refused["services"],
        json!([{"service_name": "pay", "count": 6}, {"service_name": "cart", "count": 1}])
    );
    assert_eq!(
        refused["operations"][0],
        json!({"service_name": "pay", "name": "POST /pay0", "count": 3})
    );
    assert_eq!(refused["first_seen"], "2023-01-29T08:00:10.000000000Z");
    assert_eq!(refused["last_seen"], "2023-01-29T08:01:10.000000000Z");
    assert_eq!(
        (&refused["sample_trace_id"], &refused["sample_span_id"]),
        (&json!(format!("{:032x}", 9)), &json!(format!("{:016x}", 9)))
    );
    assert_eq!(refused["new"], Value::Null);
    let value = &groups[1];
    assert_eq!(
        (&value["type"], &value["message"], &value["count"]),
        (&json!("ValueError"), &json!("bad <num>"), &json!(2))
    );
    assert_eq!(
        (&value["span_count"], &value["log_count"]),
        (&json!(1), &json!(1))
    );
    let sample = format!("record_id:{}", value["sample_log_id"].as_str().unwrap());
    let sample = house.get("/api/v1/logs", &[("query", &sample)]).await;
    assert_eq!(sample["logs"][0]["body"], "it failed");
    let counted: u64 = list(&refused["counts"])
        .iter()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(counted, 7);
}

#[tokio::test]
async fn what_is_new_since_is_told_and_a_query_narrows() {
    let house = house().await;
    let since = (T0 + 62 * SECOND).to_string();
    let found = house.get(PATH, &[("since", &since)]).await;
    let new: Vec<(&str, &Value, &Value)> = list(&found["exceptions"])
        .iter()
        .map(|group| {
            (
                group["type"].as_str().unwrap(),
                &group["new"],
                &group["baseline_count"],
            )
        })
        .collect();
    assert_eq!(found["new_count"], 2);
    assert_eq!(found["baseline_total"], 6);
    assert_eq!(
        new,
        [
            ("ValueError", &json!(true), &json!(0)),
            ("x.Refused", &json!(false), &json!(6)),
            ("x.Refused", &json!(true), &json!(0)),
        ]
    );
    let cart = house
        .get(PATH, &[("query", "service:cart"), ("limit", "1")])
        .await;
    assert_eq!(
        (&cart["total"], &cart["group_count"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(list(&cart["exceptions"]).len(), 1);
    let none = house.get(PATH, &[("end", "2001-01-01T00:00:00Z")]).await;
    assert_eq!(
        (&none["total"], &none["exceptions"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(house.try_get(PATH, &[("query", "level:loud")]).await.0, 400);
}

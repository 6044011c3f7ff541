//! Rate, errors and durations over a real storage, in files and in the buffer.

use serde_json::{Value, json};

use crate::otlp::sample::list;
use crate::testing::{House, SECOND, T0};
use crate::trace::tests::append;

/// `(service, name, start in seconds, duration in ns, error)`
pub(crate) type Row = (&'static str, &'static str, i64, i64, bool);

pub(crate) fn spans(first: u64, rows: &[Row]) -> Value {
    let resource_spans: Vec<Value> = (first..)
        .zip(rows)
        .map(|(id, (service, name, start, duration, error))| {
            let start = T0 + start * SECOND;
            json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"scope": {"name": "test"}, "spans": [{
                    "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": name, "kind": 2,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + duration).to_string(),
                    "status": {"code": if *error { 2 } else { 0 }}}]}]})
        })
        .collect();
    json!({"resourceSpans": resource_spans})
}

/// Three spans in the first minute, none in the second, two in the third.
async fn house() -> House {
    let house = House::new().await;
    let files = [
        ("web", "GET /", 0, 10, false),
        ("web", "GET /", 1, 30, true),
        ("cart", "load", 59, 500, false),
    ];
    append(&house, &spans(1, &files)).await;
    house.storage.flush().await.unwrap();
    let buffer = [
        ("web", "GET /", 120, 20, false),
        ("web", "POST /", 179, 40, false),
    ];
    append(&house, &spans(10, &buffer)).await;
    house
}

async fn histogram(house: &House, parameters: &[(&str, &str)]) -> Value {
    house.get("/api/v1/spans/histogram", parameters).await
}

#[tokio::test]
async fn spans_errors_and_percentiles_are_told_by_bucket() {
    let house = house().await;
    let (start, end) = (T0.to_string(), (T0 + 180 * SECOND).to_string());
    let parameters = [("start", start.as_str()), ("end", &end), ("buckets", "3")];
    let answer = histogram(&house, &parameters).await;
    assert_eq!(answer["bucket_ns"], 60 * SECOND);
    assert_eq!(
        (&answer["start_unix_nano"], &answer["end_unix_nano"]),
        (&json!(start), &json!(end))
    );
    assert_eq!(
        (&answer["total"], &answer["complete"]),
        (&json!(5), &json!(true))
    );
    assert_eq!(
        answer["series"],
        json!([{"name": null, "span_count": [3, 0, 2], "error_count": [1, 0, 0],
            "p50_ns": [30, null, 20], "p95_ns": [500, null, 40], "p99_ns": [500, null, 40]}])
    );
}

#[tokio::test]
async fn series_of_a_field_come_with_the_most_spans_first_and_the_rest_together() {
    let house = house().await;
    let answer = histogram(&house, &[("by", "service_name"), ("buckets", "3")]).await;
    let named = |answer: &Value| -> Vec<(String, Value)> {
        list(&answer["series"])
            .iter()
            .map(|series| {
                (
                    series["name"].as_str().unwrap().to_owned(),
                    series["span_count"].clone(),
                )
            })
            .collect()
    };
    assert_eq!(
        named(&answer),
        [
            ("web".to_owned(), json!([2, 0, 2])),
            ("cart".to_owned(), json!([1, 0, 0]))
        ]
    );
    let answer = histogram(
        &house,
        &[("by", "service_name"), ("buckets", "3"), ("limit", "1")],
    )
    .await;
    assert_eq!(named(&answer)[1], ("(other)".to_owned(), json!([1, 0, 0])));
    assert_eq!(answer["total"], 5);
}

#[tokio::test]
async fn the_query_says_which_spans() {
    let house = house().await;
    for (query, total) in [
        ("service:web", 4),
        ("status:error", 1),
        ("duration>=500ns", 1),
        ("nothing", 0),
    ] {
        let answer = histogram(&house, &[("query", query)]).await;
        assert_eq!(answer["total"], total, "{query}");
    }
    let empty = histogram(&House::new().await, &[]).await;
    assert_eq!(
        (&empty["series"], &empty["bucket_ns"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn many_spans_of_a_bucket_are_told_within_a_percent() {
    let house = House::new().await;
    let rows: Vec<Row> = (1..=1_000)
        .map(|at| ("web", "GET /", 0, at * 1_000, false))
        .collect();
    append(&house, &spans(1, &rows)).await;
    let answer = histogram(&house, &[]).await;
    let first = &answer["series"][0];
    for (key, exact) in [
        ("p50_ns", 500_000.0),
        ("p95_ns", 950_000.0),
        ("p99_ns", 990_000.0),
    ] {
        let found = first[key][0].as_f64().unwrap();
        assert!((found - exact).abs() < exact * 0.01, "{key}: {found}");
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let house = House::new().await;
    for parameters in [
        vec![("buckets", "0")],
        vec![("buckets", "301")],
        vec![("by", "name"), ("buckets", "300"), ("limit", "11")],
        vec![("limit", "51")],
        vec![("query", "(")],
    ] {
        let (status, body) = house.try_get("/api/v1/spans/histogram", &parameters).await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid")),
            "{parameters:?}"
        );
    }
}

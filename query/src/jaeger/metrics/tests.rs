//! The Monitor tab's questions over a real storage, in files and in the buffer.

use serde_json::{Value, json};

use crate::otlp::sample::list;
use crate::testing::{House, SECOND, T0};
use crate::trace::tests::append;

/// `(service, operation, kind, start in seconds, duration in ms, error)`
type Row = (&'static str, &'static str, u8, i64, i64, bool);

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// Two steps of a minute; windows of two minutes.
const MINUTES: [(&str, &str); 3] = [
    ("lookback", "120000"),
    ("step", "60000"),
    ("ratePer", "120000"),
];

const FILES: [Row; 5] = [
    ("web", "GET /", SERVER, 1, 10, false),
    ("web", "GET /", SERVER, 60, 30, true),
    ("web", "POST /", SERVER, 61, 50, false),
    ("web", "call", CLIENT, 62, 1_000, true),
    ("cart", "load", SERVER, 100, 500, false),
];
const BUFFER: [Row; 3] = [
    ("web", "GET /", SERVER, 120, 20, false),
    ("web", "GET /", SERVER, 121, 40, true),
    ("web", "POST /", SERVER, 240, 60, false),
];

fn spans(first: u64, rows: &[Row]) -> Value {
    let resource_spans: Vec<Value> = (first..)
        .zip(rows)
        .map(|(id, (service, name, kind, start, duration, error))| {
            let start = T0 + start * SECOND;
            let end = start + duration * 1_000_000;
            json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": name, "kind": kind,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
                    "status": {"code": if *error { 2 } else { 0 }}}]}]})
        })
        .collect();
    json!({"resourceSpans": resource_spans})
}

async fn house() -> House {
    let house = House::new().await;
    append(&house, &spans(1, &FILES)).await;
    house.storage.flush().await.unwrap();
    append(&house, &spans(10, &BUFFER)).await;
    house
}

/// Asked at four minutes after the first span's.
async fn ask(house: &House, what: &str, more: &[(&str, &str)]) -> Value {
    let end = ((T0 + 240 * SECOND) / 1_000_000).to_string();
    let given = [&[("endTs", end.as_str())], &MINUTES[..], more].concat();
    house
        .get(&format!("/jaeger/api/metrics/{what}"), &given)
        .await
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

fn values(metric: &Value) -> Vec<Value> {
    let points = list(&metric["metricPoints"]).iter();
    points
        .map(|point| point["gaugeValue"]["doubleValue"].clone())
        .collect()
}

#[tokio::test]
async fn calls_have_the_shape_that_the_ui_reads() {
    let house = house().await;
    let answer = ask(&house, "calls", &[("service", "web")]).await;
    assert_eq!(
        (&answer["name"], &answer["type"], &answer["help"]),
        (
            &json!("service_call_rate"),
            &json!("GAUGE"),
            &json!("calls/sec, grouped by service")
        )
    );
    let metrics = list(&answer["metrics"]);
    assert_eq!(metrics.len(), 1);
    assert_eq!(
        metrics[0]["labels"],
        json!([{"name": "service_name", "value": "web"}])
    );
    assert_eq!(
        metrics[0]["metricPoints"][0],
        json!({"gaugeValue": {"doubleValue": 4.0 / 120.0}, "timestamp": "2023-01-29T08:02:00Z"}),
    );
    assert_eq!(list(&metrics[0]["metricPoints"]).len(), 3);
    assert_eq!(answer["complete"], true);
}

#[tokio::test]
async fn figures_are_those_of_a_naive_count() {
    let house = house().await;
    let rows: Vec<Row> = [&FILES[..], &BUFFER[..]].concat();
    for service in ["web", "cart"] {
        for kind in [SERVER, CLIENT] {
            let word = if kind == SERVER { "server" } else { "client" };
            let of_window = |minute: i64| {
                let (from, to) = (minute * 60 - 120, minute * 60);
                let mut found: Vec<Row> = rows
                    .iter()
                    .filter(|row| row.0 == service && row.2 == kind && row.3 > from && row.3 <= to)
                    .copied()
                    .collect();
                found.sort_by_key(|row| row.4);
                found
            };
            let windows = [2, 3, 4].map(of_window);
            let given = [("service", service), ("spanKind", word)];
            let calls = ask(&house, "calls", &given).await;
            let errors = ask(&house, "errors", &given).await;
            let median = [&given[..], &[("quantile", "0.5")]].concat();
            let latencies = ask(&house, "latencies", &median).await;
            if windows.iter().all(Vec::is_empty) {
                assert_eq!(calls["metrics"], json!([]), "{service} {word}");
                continue;
            }
            let expected = windows.each_ref().map(|found| float(found.len()) / 120.0);
            assert_eq!(values(&calls["metrics"][0]), expected, "{service} {word}");
            let of_some = |found: &Vec<Row>, figure: &dyn Fn(&Vec<Row>) -> f64| {
                if found.is_empty() {
                    json!("NaN")
                } else {
                    json!(figure(found))
                }
            };
            let ratio = |found: &Vec<Row>| {
                float(found.iter().filter(|row| row.5).count()) / float(found.len())
            };
            let expected = windows.each_ref().map(|found| of_some(found, &ratio));
            assert_eq!(values(&errors["metrics"][0]), expected, "{service} {word}");
            let middle = |found: &Vec<Row>| {
                float(usize::try_from(found[found.len().div_ceil(2) - 1].4).unwrap())
            };
            let expected = windows.each_ref().map(|found| of_some(found, &middle));
            assert_eq!(
                values(&latencies["metrics"][0]),
                expected,
                "{service} {word}"
            );
        }
    }
}

#[tokio::test]
async fn operations_and_services_are_told_apart() {
    let house = house().await;
    let given = [
        ("service", "web"),
        ("service", "cart"),
        ("groupByOperation", "true"),
        ("quantile", "0.95"),
    ];
    let answer = ask(&house, "latencies", &given).await;
    assert_eq!(answer["name"], "service_operation_latencies");
    assert_eq!(
        answer["help"],
        "0.95th quantile latency, grouped by service & operation"
    );
    let labels: Vec<&Value> = list(&answer["metrics"])
        .iter()
        .map(|metric| &metric["labels"])
        .collect();
    let of = |operation: &str, service: &str| json!([{"name": "operation", "value": operation}, {"name": "service_name", "value": service}]);
    assert_eq!(
        labels,
        [
            &of("load", "cart"),
            &of("GET /", "web"),
            &of("POST /", "web")
        ]
    );
    let get = values(&answer["metrics"][1]);
    assert_eq!(get, [json!(30.0), json!(40.0), json!(40.0)]);
    let errors = ask(&house, "errors", &given).await;
    assert_eq!(errors["name"], "service_operation_error_rate");
    let posted = values(&errors["metrics"][2]);
    assert_eq!(posted, [json!(0.0), json!(0.0), json!(0.0)]);
}

#[tokio::test]
async fn of_too_many_operations_the_most_frequent_are_shown() {
    const MANY: [&str; 30] = [
        "o00", "o01", "o02", "o03", "o04", "o05", "o06", "o07", "o08", "o09", "o10", "o11", "o12",
        "o13", "o14", "o15", "o16", "o17", "o18", "o19", "o20", "o21", "o22", "o23", "o24", "o25",
        "o26", "o27", "o28", "o29",
    ];
    let house = House::new().await;
    let once = MANY.map(|name| ("web", name, SERVER, 230, 10, false));
    append(&house, &spans(1, &once)).await;
    house.storage.flush().await.unwrap();
    // All but four of them once more.
    let again: Vec<Row> = once[4..].to_vec();
    append(&house, &spans(100, &again)).await;
    // 11,000 points each, so 27 series.
    let given = [
        ("service", "web"),
        ("groupByOperation", "true"),
        ("lookback", "10999"),
        ("step", "1"),
        ("ratePer", "1000"),
    ];
    let end = ((T0 + 240 * SECOND) / 1_000_000).to_string();
    let given = [&given[..], &[("endTs", end.as_str())]].concat();
    let answer = house.get("/jaeger/api/metrics/calls", &given).await;
    let shown: Vec<&str> = list(&answer["metrics"])
        .iter()
        .map(|metric| metric["labels"][0]["value"].as_str().unwrap())
        .collect();
    // Of the equally frequent ones the first by name.
    assert_eq!(shown, [&MANY[..1], &MANY[4..]].concat());
    let of_first = values(&answer["metrics"][0]);
    let of_second = values(&answer["metrics"][1]);
    assert_eq!(
        (&of_first[999], &of_second[999]),
        (&json!(1.0), &json!(2.0))
    );
    assert_eq!(answer["complete"], false);
    let reason = answer["incomplete_reasons"][0].as_str().unwrap();
    assert!(reason.contains("the 27 most frequent"), "{reason}");
}

#[tokio::test]
async fn the_least_step_and_errors_are_enveloped() {
    let house = house().await;
    let least = house.get("/jaeger/api/metrics/minstep", &[]).await;
    assert_eq!(
        (&least["data"], &least["errors"]),
        (&json!(1), &json!(null))
    );
    for (what, given) in [
        ("calls", vec![]),
        ("latencies", vec![("service", "web")]),
        ("errors", vec![("service", "web"), ("step", "0")]),
    ] {
        let path = format!("/jaeger/api/metrics/{what}");
        let (status, body) = house.try_get(&path, &given).await;
        assert_eq!(status, 400, "{what}");
        assert_eq!(body["errors"][0]["code"], 400, "{body}");
        assert_eq!(body["data"], json!(null));
    }
    let nobody = ask(&house, "calls", &[("service", "nobody")]).await;
    assert_eq!(nobody["metrics"], json!([]));
}

//! Windows say of a trace what its normal timeline says, and account for every span once.

use proptest::prelude::*;

use super::*;

/// A span of a random trace: parent by distance back, service, name, start, duration, whether it failed.
type Made = (usize, usize, usize, i64, i64, bool);

fn made() -> impl Strategy<Value = Vec<Made>> {
    let span = (
        1..6_usize,
        0..3_usize,
        0..2_usize,
        0..50_i64,
        -2..60_i64,
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(span, 1..60)
}

const SERVICES: [&str; 3] = ["shop", "cart", "db"];

/// As OTLP; spans without a parent before them are roots, the first ones name one that is not here.
fn traces_data(trace: u64, spans: &[Made]) -> Value {
    let span = |at: usize, (back, service, name, start, length, failed): &Made| {
        let parent = match at.checked_sub(*back) {
            Some(parent) => format!("{:016x}", parent + 1),
            None if *back == 5 => format!("{:016x}", 9_999),
            None => String::new(),
        };
        let start = T0 + start * 1_000;
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICES[*service]}}]},
            "scopeSpans": [{"spans": [{
                "traceId": format!("{trace:032x}"), "spanId": format!("{:016x}", at + 1), "parentSpanId": parent,
                "name": format!("step {name}"), "kind": if at.is_multiple_of(2) { 2 } else { 3 },
                "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + length).to_string(),
                "status": {"code": if *failed { 2 } else { 0 }, "message": if *failed { "no" } else { "" }},
            }]}],
        })
    };
    let spans = spans.iter().enumerate().map(|(at, made)| span(at, made));
    json!({"resourceSpans": spans.collect::<Vec<_>>()})
}

const OF_A_SPAN: [&str; 15] = [
    "span_id",
    "parent_index",
    "depth",
    "child_count",
    "descendant_count",
    "missing_parent",
    "service_name",
    "name",
    "kind",
    "start_offset_ns",
    "duration_ns",
    "self_time_ns",
    "critical_time_ns",
    "skew_ns",
    "adjusted_start_offset_ns",
];

const OF_A_TRACE: [&str; 9] = [
    "start_time_unix_nano",
    "duration_ns",
    "span_count",
    "error_count",
    "depth",
    "services",
    "warnings",
    "error_origin",
    "clock_skew",
];

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

async fn holds(house: &House, trace: u64) {
    let normal = format!("/api/v1/traces/{trace:032x}");
    let normal = house.get(&normal, &[("view", "timeline")]).await;
    let path = format!("/api/v1/traces/{trace:032x}/timeline");
    let whole = [
        ("limit", "5000"),
        ("depth", "5000"),
        ("include", "analysis"),
    ];
    let window = house.get(&path, &whole).await;
    for field in OF_A_TRACE {
        assert_eq!(window[field], normal[field], "{field}");
    }
    let (spans, rows) = (list(&normal["spans"]), list(&window["rows"]));
    assert_eq!(spans.len(), rows.len());
    for (place, (span, row)) in spans.iter().zip(rows).enumerate() {
        for field in OF_A_SPAN {
            assert_eq!(row[field], span[field], "{field} of {place}");
        }
        let parts = list(&row["critical_parts"]).iter();
        let offset = |part: &Value, field: &str| part[field].as_i64().unwrap();
        let in_parts =
            parts.map(|part| offset(part, "to_offset_ns") - offset(part, "from_offset_ns"));
        assert_eq!(row["critical_time_ns"], in_parts.sum::<i64>());
        assert_eq!(row["span_index"], place);
        assert_eq!(row["error"], span["status_code"] == "ERROR");
        assert_eq!(row["error_below"], span["error_below"]);
        let id = span["span_id"].as_str().unwrap();
        let found = house.get(&format!("{path}/find"), &[("span_id", id)]).await;
        assert_eq!(found["matches"], json!([place]));
        let last = list(&found["path"]).last().unwrap();
        assert_eq!(last["span_id"], span["span_id"]);
        assert_eq!(list(&found["path"]).len(), number(&span["depth"]) + 1);
    }
    let failed: Vec<usize> = (0..spans.len())
        .filter(|place| spans[*place]["status_code"] == "ERROR")
        .collect();
    let found = house
        .get(&format!("{path}/find"), &[("query", "status:error")])
        .await;
    assert_eq!(found["matches"], json!(failed));
    together(house, &path, &normal).await;
}

/// Groups are those of the normal timeline, and all spans are rows, stood for, or hidden below one of both.
async fn together(house: &House, path: &str, normal: &Value) {
    let whole = [
        ("limit", "5000"),
        ("depth", "5000"),
        ("similar", "together"),
    ];
    let folded = house.get(path, &whole).await;
    let rows = list(&folded["rows"]);
    let similar = list(&normal["similar_siblings"]);
    let mut accounted = 0;
    for row in rows {
        let of_row = &row["similar"];
        let stands_for = of_row["span_count"].as_u64().unwrap_or(1);
        // What is below a span that is shown is rows itself; only below a group nothing is.
        let below = if of_row.is_null() {
            json!(0)
        } else {
            row["hidden_span_count"].clone()
        };
        accounted += stands_for + below.as_u64().unwrap();
        if of_row.is_null() {
            continue;
        }
        assert_eq!(row["hidden_span_count"], row["descendant_count"]);
        let same = |group: &&Value| group["first_index"] == row["span_index"];
        let group = similar.iter().find(same).unwrap();
        for field in ["span_count", "error_count", "longest_index", "duration_ns"] {
            assert_eq!(of_row[field], group[field], "{field}");
        }
        let longest = &normal["spans"][number(&of_row["longest_index"])];
        let longest_ns = longest["duration_ns"].as_i64().unwrap().max(0);
        assert_eq!(of_row["duration_max_ns"], longest_ns);
    }
    assert_eq!(accounted, normal["span_count"].as_u64().unwrap());
    let expand: Vec<String> = similar
        .iter()
        .map(|group| group["first_index"].to_string())
        .collect();
    let open = expand.join(",");
    let open = house
        .get(path, &[&whole[..], &[("expand", open.as_str())]].concat())
        .await;
    assert_eq!(list(&open["rows"]).len(), list(&normal["spans"]).len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn a_window_says_what_the_normal_timeline_says(spans in made()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let house = House::new().await;
            let first = &spans[..spans.len() / 2];
            append(&house, &traces_data(1, first)).await;
            house.storage.flush().await.unwrap();
            // All of it, so that the first half comes twice.
            append(&house, &traces_data(1, &spans)).await;
            holds(&house, 1).await;
        });
    }
}

use std::collections::HashSet;

use serde_json::{Value, json};
use spoor_storage::SpanId;

use super::load::SlimTrace;
use super::rows::{Clock, Window, WindowRows};
use super::whole::WholeTrace;
use crate::otlp::sample::list;
use crate::testing::{House, T0};
use crate::trace::assemble::{Side, SpanNode};
use crate::trace::tests::append;

mod differential;
mod kept;
mod only;
mod stored;

/// Span `number` from 1, with its parent's number (0: none), from its number to `end`.
fn node(number: u64, parent: u64, end: i64) -> SpanNode {
    SpanNode {
        span_id: SpanId(number.to_be_bytes()),
        parent_span_id: (parent > 0).then(|| SpanId(parent.to_be_bytes())),
        side: Side::Other,
        start_ns: number.cast_signed(),
        duration_ns: end - number.cast_signed(),
        error: number.is_multiple_of(1_000),
    }
}

/// Of spans that all do the same.
fn trace_of(spans: Vec<SpanNode>) -> WholeTrace {
    WholeTrace::of(SlimTrace::of_nodes(spans, |_| ["shop", "step", "INTERNAL"]))
}

fn usual() -> Window {
    Window {
        depth: 50,
        limit: 500,
        ..Window::of_all(Clock::Raw)
    }
}

/// Every row with what hangs below it is all there is, once.
fn adds_up(trace: &WholeTrace, rows: &WindowRows) -> bool {
    let hidden: usize = rows.rows.first().map_or(0, |row| row.hidden_spans);
    rows.rows.len() + hidden == trace.spans.len() && rows.rows[0].hidden_errors <= trace.error_count
}

#[test]
fn a_million_spans_are_answered_by_level_and_by_window() {
    // A root with a hundred children, each with a hundred, each with about a hundred.
    let parent = |number: u64| {
        if number == 1 {
            0
        } else {
            (number - 2) / 100 + 1
        }
    };
    let spans: Vec<SpanNode> = (1..=1_000_000_u64)
        .map(|number| node(number, parent(number), 2_000_000))
        .collect();
    let trace = trace_of(spans);
    let rows = WindowRows::of(&trace, &usual());
    assert_eq!(
        (rows.rows.len(), rows.depth, rows.next_after),
        (101, 2, None)
    );
    assert_eq!((rows.span_count, rows.error_count), (1_000_000, 1_000));
    assert!(adds_up(&trace, &rows));
    assert_eq!(
        trace.spans.iter().map(|span| span.critical_ns).sum::<i64>(),
        1_999_999
    );
    assert_eq!(trace.services[0].1.span_count, 1_000_000);
    assert_eq!(trace.places_of(SpanId(1_000_u64.to_be_bytes())).count(), 1);
    let together = WindowRows::of(
        &trace,
        &Window {
            similar: Some(HashSet::new()),
            ..usual()
        },
    );
    // The root and the hundred below it.
    assert_eq!((together.rows.len(), together.next_after), (2, None));
    assert_eq!(together.rows[1].hidden_spans, 1_000_000 - 101);
    assert_eq!(trace.groups[0].count, 100);
    // What starts late is deep; the spans above it are shown with it.
    let late = WindowRows::of(
        &trace,
        &Window {
            from_ns: 0,
            to_ns: 50,
            ..usual()
        },
    );
    assert_eq!((late.span_count, late.rows.len()), (49, 49));
    let child = rows.rows[7].place;
    let below = WindowRows::of(
        &trace,
        &Window {
            under: Some(child),
            ..usual()
        },
    );
    assert_eq!(
        (below.rows.len(), below.depth, below.rows[0].place),
        (101, 2, child)
    );
    assert_eq!(
        below.rows[0].hidden_spans + 100,
        trace.spans[child].descendant_count as usize
    );
    let deep = WindowRows::of(
        &trace,
        &Window {
            limit: 5_000,
            under: Some(child),
            ..usual()
        },
    );
    assert_eq!(
        deep.rows.len() + deep.rows[0].hidden_spans,
        trace.spans[child].descendant_count as usize + 1
    );
}

#[test]
fn a_million_children_of_one_span_are_paged() {
    let spans: Vec<SpanNode> = (1..=1_000_000_u64)
        .map(|number| node(number, u64::from(number > 1), 2_000_000))
        .collect();
    let trace = trace_of(spans);
    let first = WindowRows::of(&trace, &usual());
    assert_eq!(
        (first.rows.len(), first.depth, first.next_after),
        (500, 2, Some(499))
    );
    assert_eq!(
        (first.rows[0].hidden_spans, first.rows[0].hidden_errors),
        (999_500, 1_000)
    );
    let second = WindowRows::of(
        &trace,
        &Window {
            after: Some(499),
            ..usual()
        },
    );
    assert_eq!((second.rows[0].place, second.rows.len()), (500, 500));
    let group = Window {
        similar: Some(HashSet::new()),
        ..usual()
    };
    let together = WindowRows::of(&trace, &group);
    assert_eq!((together.rows.len(), together.rows[0].hidden_spans), (2, 0));
    let similar = &trace.groups[together.rows[1].group.unwrap()];
    assert_eq!(
        (similar.count, similar.error_count, similar.first),
        (999_999, 1_000, 1)
    );
    assert_eq!(
        [similar.shortest_ns, similar.median_ns, similar.longest_ns],
        [1_000_000, 1_499_999, 1_999_998]
    );
    let open = Window {
        similar: Some(HashSet::from([1])),
        ..usual()
    };
    assert_eq!(WindowRows::of(&trace, &open), first);
    let last = WindowRows::of(
        &trace,
        &Window {
            after: Some(999_900),
            ..usual()
        },
    );
    assert_eq!((last.rows.len(), last.next_after), (99, None));
}

#[test]
fn a_chain_of_ten_thousand_is_shown_as_deep_as_asked() {
    let spans: Vec<SpanNode> = (1..=10_000_u64)
        .map(|number| node(number, number - 1, 30_000))
        .collect();
    let trace = trace_of(spans);
    let rows = WindowRows::of(&trace, &usual());
    assert_eq!((rows.rows.len(), rows.depth), (50, 50));
    assert_eq!(
        (rows.rows[49].hidden_spans, rows.rows[49].hidden_errors),
        (9_950, 10)
    );
    assert_eq!(rows.rows[0].hidden_spans, 9_950);
    let all = WindowRows::of(
        &trace,
        &Window {
            depth: 20_000,
            limit: 10_000,
            ..usual()
        },
    );
    assert_eq!((all.rows.len(), all.rows[0].hidden_spans), (10_000, 0));
    let deep = WindowRows::of(
        &trace,
        &Window {
            under: Some(9_000),
            depth: 3,
            ..usual()
        },
    );
    assert_eq!(
        deep.rows.iter().map(|row| row.place).collect::<Vec<_>>(),
        [9_000, 9_001, 9_002]
    );
    let origin = trace.origin.as_ref().unwrap();
    assert_eq!((origin.path.len(), origin.place()), (10, 9_999));
    assert_eq!(
        trace.spans.iter().map(|span| span.critical_ns).sum::<i64>(),
        29_999
    );
    assert_eq!((trace.groups.len(), trace.levels), (0, 10_000));
    assert_eq!(
        WindowRows::of(&trace_of(Vec::new()), &usual()),
        WindowRows::default()
    );
}

/// 3,000 spans below one, in files and in the buffer, some of them twice; and the address of its timeline.
async fn stored() -> (House, String) {
    let house = House::new().await;
    let span = |number: i64| {
        json!({"traceId": format!("{:032x}", 7), "spanId": format!("{number:016x}"),
            "parentSpanId": if number > 1 { format!("{:016x}", 1) } else { String::new() },
            "name": format!("step {}", number % 3), "kind": 2,
            "startTimeUnixNano": (T0 + number * 10).to_string(),
            "endTimeUnixNano": (T0 + if number == 1 { 90_000 } else { number * 10 + 5 }).to_string(),
            "status": {"code": if number == 1_500 { 2 } else { 0 }}})
    };
    let resource =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    let request = |from: i64, to: i64| {
        let spans: Vec<Value> = (from..to).map(span).collect();
        json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})
    };
    append(&house, &request(1, 1_000)).await;
    house.storage.flush().await.unwrap();
    append(&house, &request(1_000, 3_001)).await;
    // Sent again.
    append(&house, &request(2_900, 3_001)).await;
    let path = format!("/api/v1/traces/{:032x}/timeline", 7);
    (house, path)
}

#[tokio::test]
async fn a_window_of_a_stored_trace() {
    let (house, path) = stored().await;
    let found = house.get(&path, &[("limit", "100")]).await;
    assert_eq!(
        (&found["span_count"], &found["error_count"], &found["depth"]),
        (&json!(3_000), &json!(1), &json!(2))
    );
    assert_eq!(
        (list(&found["rows"]).len(), &found["next_after"]),
        (100, &json!(99))
    );
    assert_eq!(found["rows"][0]["hidden_span_count"], 2_900);
    assert_eq!(found["rows"][0]["hidden_error_count"], 1);
    let window = [("from_ns", "14986"), ("to_ns", "15005")];
    let found = house.get(&path, &window).await;
    let ids: Vec<&Value> = list(&found["rows"])
        .iter()
        .map(|row| &row["span_id"])
        .collect();
    let id = |number: u64| json!(format!("{number:016x}"));
    assert_eq!(
        ids,
        [&id(1), &id(1_500), &id(1_501)],
        "offsets count from the start of the trace"
    );
    assert_eq!(
        found["window"],
        json!({"span_count": 3, "error_count": 1, "depth": 2})
    );
    assert_eq!(
        (&found["rows"][1]["error"], &found["rows"][1]["name"]),
        (&json!(true), &json!("step 0"))
    );
    for wrong in [
        ("limit", "5001"),
        ("depth", "0"),
        ("under", "3000"),
        ("from_ns", "x"),
        ("similar", "maybe"),
        ("expand", "1,x"),
        ("clock", "wall"),
        ("include", "everything"),
    ] {
        assert_eq!(house.try_get(&path, &[wrong]).await.0, 400, "{wrong:?}");
    }
    let none = format!("/api/v1/traces/{:032x}/timeline", 8);
    assert_eq!(house.try_get(&none, &[]).await.0, 404);
}

#[tokio::test]
async fn the_rows_of_what_is_found_are_told_if_asked_for() {
    let (house, path) = stored().await;
    let rows = [("query", "step"), ("limit", "200"), ("include", "rows")];
    let found = house.get(&format!("{path}/find"), &rows).await;
    assert_eq!(
        (&found["matched_spans"], list(&found["matches"]).len()),
        (&json!(3_000), 200)
    );
    let told: Vec<&Value> = list(&found["rows"])
        .iter()
        .map(|row| &row["span_index"])
        .collect();
    assert_eq!(
        told,
        list(&found["matches"])[..100].iter().collect::<Vec<_>>()
    );
    assert_eq!(found["rows"][1]["name"], "step 2");
    let before = [("query", "status:error"), ("before", "3000")];
    let found = house.get(&format!("{path}/find"), &before).await;
    assert_eq!(found.get("rows"), None, "they were not asked for");
    let wrong = house
        .try_get(&format!("{path}/find"), &[("include", "x")])
        .await;
    assert_eq!(wrong.0, 400);
}

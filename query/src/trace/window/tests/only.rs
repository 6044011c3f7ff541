//! Windows of only those spans that match, and the logs of a part of a trace.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::testing::Log;

/// The places of the rows of a window of only some spans, and which of them match.
fn rows_of(trace: &WholeTrace, window: &Window) -> Vec<(usize, bool)> {
    let found = WindowRows::of(trace, window);
    assert_eq!(found.next_after, None);
    let row = |row: &super::super::rows::Row| (row.place, row.matched.unwrap());
    found.rows.iter().map(row).collect()
}

/// All rows of a tree in which only some spans are looked for.
fn only(places: &[usize], trace: &WholeTrace) -> Window {
    let has = |place: usize| places.contains(&place);
    Window {
        only: Some((0..trace.spans.len()).map(has).collect()),
        ..Window::of_all(Clock::Raw)
    }
}

#[test]
fn only_spans_that_match_and_those_above_them_are_rows() {
    // A root with three children with three each; all do the same.
    let parent = |number: u64| if number == 1 { 0 } else { (number - 2) / 3 + 1 };
    let spans = (1..=13_u64).map(|number| node(number, parent(number), 100));
    let trace = trace_of(spans.collect());
    let depths: Vec<u32> = trace.spans.iter().map(|span| span.depth).collect();
    assert_eq!(depths, [0, 1, 2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2]);
    assert_eq!(
        rows_of(&trace, &only(&[7, 9], &trace)),
        [(0, false), (5, false), (7, true), (9, true)]
    );
    assert_eq!(rows_of(&trace, &only(&[], &trace)), []);
    let together = |places: &[usize]| Window {
        similar: Some(HashSet::new()),
        ..only(places, &trace)
    };
    // One row for all of a group would hide which of them it is.
    assert_eq!(
        rows_of(&trace, &together(&[7])),
        [(0, false), (5, false), (7, true)]
    );
    // All of the first level lead to one, and stay together.
    assert_eq!(
        rows_of(&trace, &together(&[2, 6, 11])),
        [(0, false), (1, false)]
    );
    assert_eq!(
        rows_of(&trace, &together(&[0, 1, 5, 9])),
        [(0, true), (1, true)]
    );
    let below = Window {
        under: Some(5),
        ..only(&[7, 9], &trace)
    };
    assert_eq!(rows_of(&trace, &below), [(5, false), (7, true)]);
    // What matches at another time does not count.
    let late = Window {
        from_ns: 101,
        ..only(&[7], &trace)
    };
    assert_eq!(rows_of(&trace, &late), []);
}

#[test]
fn what_matches_among_many_siblings_comes_page_by_page() {
    let spans = (1..=41_u64).map(|number| node(number, u64::from(number > 1), 100));
    let trace = trace_of(spans.collect());
    let odd: Vec<usize> = (1..41).filter(|place| place % 2 == 1).collect();
    let mut window = Window {
        limit: 6,
        ..only(&odd, &trace)
    };
    let mut places = Vec::new();
    loop {
        let found = WindowRows::of(&trace, &window);
        places.extend(found.rows.iter().map(|row| row.place));
        window.after = found.next_after;
        if window.after.is_none() {
            break;
        }
    }
    assert_eq!(places, [vec![0], odd].concat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn rows_of_what_matches_are_those_with_a_match_at_or_below_them(
        made in prop::collection::vec((1..6_u64, any::<bool>()), 1..60),
    ) {
        let number = |at: usize| u64::try_from(at).unwrap() + 1;
        let parent = |at: usize, back: u64| number(at).saturating_sub(back);
        let nodes = made.iter().enumerate().map(|(at, (back, _))| node(number(at), parent(at, *back), 200));
        let trace = trace_of(nodes.collect());
        let id = |place: usize| u64::from_be_bytes(trace.spans[place].span_id.0);
        let wanted: Vec<bool> = (0..trace.spans.len()).map(|place| made[usize::try_from(id(place)).unwrap() - 1].1).collect();
        let window = Window { only: Some(wanted.clone()), ..Window::of_all(Clock::Raw) };
        let expected: Vec<(usize, bool)> = (0..wanted.len())
            .filter(|place| wanted[*place..trace.end_of(*place)].contains(&true))
            .map(|place| (place, wanted[place]))
            .collect();
        prop_assert_eq!(&rows_of(&trace, &window), &expected);
    }
}

#[tokio::test]
async fn a_window_of_what_a_search_finds() {
    let (house, path) = stored().await;
    let found = house.get(&path, &[("query", "status:error")]).await;
    let rows = |found: &Value| -> Vec<(Value, Value)> {
        let of = |row: &Value| (row["span_index"].clone(), row["matched"].clone());
        list(&found["rows"]).iter().map(of).collect()
    };
    let expected = [(json!(0), json!(false)), (json!(1_499), json!(true))];
    assert_eq!(rows(&found), expected);
    assert_eq!(
        (&found["window"]["span_count"], &found["span_count"]),
        (&json!(1), &json!(3_000))
    );
    let together = [("query", "status:error"), ("similar", "together")];
    assert_eq!(rows(&house.get(&path, &together).await), expected);
    let all = [("query", "step"), ("similar", "together")];
    let found = house.get(&path, &all).await;
    assert_eq!(list(&found["rows"]).len(), 4, "three groups below the root");
    let none = house.get(&path, &[("query", "name:nothing")]).await;
    assert_eq!(none["rows"], json!([]));
    let plain = house.get(&path, &[("limit", "2")]).await;
    assert_eq!(plain["rows"][0].get("matched"), None);
    let wrong = house.try_get(&path, &[("query", "status:(")]).await;
    assert_eq!(wrong.0, 400);
}

/// Log records of spans of the trace 7, by the number of the span; 0 is none.
async fn append_logs_of(house: &House, spans: &[u64]) {
    let log = |(at, span): (usize, &u64)| Log {
        trace_id: Some(7_u128.to_be_bytes()),
        span_id: (*span > 0).then_some(span.to_be_bytes()),
        ..Log::at(T0 + i64::try_from(at).unwrap(), format!("line {at}"))
    };
    let logs: Vec<Log> = spans.iter().enumerate().map(log).collect();
    house.append(&logs).await;
}

#[tokio::test]
async fn the_logs_of_a_trace_and_of_what_is_below_a_span() {
    let house = House::new().await;
    // A root with two children, of which the first has two.
    let span = |number: u64, parent: u64| {
        json!({"traceId": format!("{:032x}", 7), "spanId": format!("{number:016x}"), "name": "step",
            "parentSpanId": if parent > 0 { format!("{parent:016x}") } else { String::new() },
            "startTimeUnixNano": (T0 + number.cast_signed()).to_string(), "endTimeUnixNano": (T0 + 90).to_string()})
    };
    let spans = json!([span(1, 0), span(2, 1), span(3, 2), span(4, 2), span(5, 1)]);
    append(
        &house,
        &json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": spans}]}]}),
    )
    .await;
    append_logs_of(&house, &[1, 3, 5, 0, 2, 4, 9]).await;
    house.storage.flush().await.unwrap();
    append_logs_of(&house, &[4]).await;
    let path = format!("/api/v1/traces/{:032x}/timeline/logs", 7);
    let told = |page: &Value| -> Vec<String> {
        let of = |log: &Value| {
            log["span_id"]
                .as_str()
                .map_or(String::new(), |id| id.trim_start_matches('0').into())
        };
        list(&page["logs"]).iter().map(of).collect()
    };
    let all = house.get(&path, &[]).await;
    assert_eq!(told(&all), ["1", "4", "3", "5", "", "2", "4", "9"]);
    assert_eq!(all["next_cursor"], Value::Null);
    let below = house.get(&path, &[("under", "1")]).await;
    assert_eq!(told(&below), ["4", "3", "2", "4"]);
    let newest = [("under", "1"), ("order", "desc"), ("limit", "3")];
    let first = house.get(&path, &newest).await;
    assert_eq!(told(&first), ["4", "2", "3"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = [("under", "1"), ("order", "desc"), ("cursor", cursor)];
    assert_eq!(told(&house.get(&path, &rest).await), ["4"]);
    let leaf = house.get(&path, &[("under", "4")]).await;
    assert_eq!(told(&leaf), ["5"]);
    for wrong in [
        ("under", "5"),
        ("limit", "0"),
        ("cursor", "x"),
        ("order", "up"),
    ] {
        assert_eq!(house.try_get(&path, &[wrong]).await.0, 400, "{wrong:?}");
    }
    let none = format!("/api/v1/traces/{:032x}/timeline/logs", 8);
    assert_eq!(house.try_get(&none, &[]).await.0, 404);
}

#[test]
fn a_row_says_how_many_others_have_its_id() {
    let with_id = |id: u64, number: u64| SpanNode {
        span_id: SpanId(id.to_be_bytes()),
        ..node(number, u64::from(number > 1), 100)
    };
    let trace = trace_of(vec![
        with_id(1, 1),
        with_id(2, 2),
        with_id(3, 3),
        with_id(2, 4),
        with_id(2, 5),
    ]);
    let counts = trace
        .spans
        .iter()
        .map(|span| trace.same_id_count(span.span_id));
    assert_eq!(counts.collect::<Vec<_>>(), [0, 2, 0, 2, 2]);
    let id = SpanId(2_u64.to_be_bytes());
    let places: Vec<usize> = trace.places_of(id).collect();
    assert_eq!(places, [1, 3, 4]);
    assert!(trace.has_between(id, 2, 4) && trace.has_between(id, 4, 5));
    assert!(!trace.has_between(id, 2, 3) && !trace.has_between(SpanId([9; 8]), 0, 5));
}

//! Pages of traces are what the spans say, however time is cut into slices, with indexes and without.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use datafusion::logical_expr::{in_list, lit};
use datafusion::prelude::col;
use http::Request;
use serde_json::Value;
use spoor_storage::Table;

use crate::QueryOptions;
use crate::otlp::sample::list;
use crate::parameters::Order;
use crate::testing::rows::{Span, append_spans};
use crate::testing::{Dice, House, delete_indexes, send, uri};

const HOUR_MS: i64 = 3_600_000;

/// A span of a trace that starts so many milliseconds after the first instant.
fn span(trace: u128, start: i64) -> Span {
    Span {
        trace,
        id: start.unsigned_abs(),
        parent: None,
        service: "cart".to_owned(),
        name: "get".to_owned(),
        kind: "server".to_owned(),
        status: "unset".to_owned(),
        message: None,
        start,
        duration: 1,
        attributes: serde_json::Map::new(),
        resource: serde_json::Map::new(),
        scope: serde_json::Map::new(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// Spans of few traces, so that most traces match at several instants, some of them hours apart, many at the same.
fn spans(dice: &mut Dice) -> Vec<Span> {
    let random = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
    (0..300)
        .map(|at| {
            let trace = 1 + random(dice, 40);
            // Some traces are short and some as long as all.
            let start = match trace % 4 {
                0 => random(dice, 3) * HOUR_MS + random(dice, 60) * 1_000,
                _ => trace * 200_000 + random(dice, 5) * 1_000,
            };
            Span {
                id: at,
                service: ["cart", "checkout"][dice.below(2)].to_owned(),
                name: ["get", "put", "rare"][dice.below(40).min(2)].to_owned(),
                duration: random(dice, 100),
                ..span(u128::try_from(trace).unwrap(), start)
            }
        })
        .collect()
}

type Matches = fn(&Span) -> bool;

const QUERIES: [(&str, Matches); 5] = [
    ("", |_| true),
    ("service:cart", |span| span.service == "cart"),
    ("name:get duration>=50ms", |span| {
        span.name == "get" && span.duration >= 50
    }),
    ("put service:checkout", |span| {
        span.name == "put" && span.service == "checkout"
    }),
    ("service:nobody", |_| false),
];

/// The traces that are to be found, in order.
fn expected(spans: &[Span], matches: Matches, range: &std::ops::Range<i64>) -> Vec<String> {
    let mut newest: BTreeMap<u128, i64> = BTreeMap::new();
    for span in spans.iter().filter(|span| matches(span)) {
        if range.contains(&span.start_ns()) {
            let newest = newest.entry(span.trace).or_insert(i64::MIN);
            *newest = span.start_ns().max(*newest);
        }
    }
    let mut traces: Vec<(u128, i64)> = newest.into_iter().collect();
    traces.sort_by_key(|(trace, newest)| (std::cmp::Reverse(*newest), *trace));
    let id = |(trace, _)| format!("{trace:032x}");
    traces.into_iter().map(id).collect()
}

async fn page(router: &Router, parameters: &[(&str, &str)]) -> Value {
    let request = Request::get(uri("/api/v1/traces", parameters));
    let (status, _, body) = send(router, request.body(Body::empty()).unwrap()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{parameters:?}: {answer}");
    assert_eq!(answer["complete"], true, "{parameters:?}");
    answer
}

/// All pages of a search.
async fn found(router: &Router, parameters: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let asked = [parameters, &[("cursor", &cursor)]].concat();
        let answer = page(router, &asked).await;
        let ids = list(&answer["traces"]).iter();
        found.extend(ids.map(|trace| trace["trace_id"].as_str().unwrap().to_owned()));
        match &answer["next_cursor"] {
            Value::String(next) => next.clone_into(&mut cursor),
            _ => return found,
        }
    }
}

async fn as_expected(house: &House, spans: &[Span], when: &str) {
    let t0 = crate::testing::T0;
    let (start, end) = (t0 + HOUR_MS * 500_000, t0 + 2 * HOUR_MS * 1_000_000);
    let (from, to) = (start.to_string(), end.to_string());
    for first_slice_rows in [3, 40] {
        let router = house.limited(QueryOptions {
            first_slice_rows,
            ..QueryOptions::default()
        });
        for (query, matches) in QUERIES {
            for (limit, in_range) in [("5", true), ("9", false), ("100", true)] {
                let mut parameters = vec![("query", query), ("limit", limit)];
                let mut range = i64::MIN..i64::MAX;
                if in_range {
                    parameters.extend([("start", from.as_str()), ("end", to.as_str())]);
                    range = start..end;
                }
                let expected = expected(spans, matches, &range);
                // In the pieces that each slice is when nobody waits for the next one, too.
                for patience in ["", "0", "600000"] {
                    let asked = [&parameters[..], &[("patience_ms", patience)]].concat();
                    assert_eq!(
                        found(&router, &asked).await,
                        expected,
                        "{when}, slices of {first_slice_rows}: {asked:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn pages_are_the_same_whatever_the_slices_are_and_wherever_the_spans_are() {
    let spans = spans(&mut Dice(11));
    let house = House::indexed_from(1).await;
    for (at, part) in spans.chunks(60).enumerate() {
        append_spans(&house, part).await;
        if at < 3 {
            house.storage.flush().await.unwrap();
        }
    }
    as_expected(&house, &spans, "in both").await;
    house.storage.flush().await.unwrap();
    assert!(delete_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    as_expected(&house, &spans, "in files without indexes").await;
}

#[tokio::test]
async fn what_is_said_of_traces_is_the_same_with_a_plan_and_without() {
    let spans = spans(&mut Dice(12));
    let house = House::indexed_from(1).await;
    append_spans(&house, &spans[..200]).await;
    house.storage.flush().await.unwrap();
    // Some again: who did not see an answer sends once more.
    append_spans(&house, &spans[180..]).await;
    let with_a_plan = house.limited(QueryOptions {
        first_slice_rows: 1,
        ..QueryOptions::default()
    });
    let without = house.limited(QueryOptions::default());
    let session = house.engine.begin(&house.tenant).await.unwrap();
    let ids = (1..=40).map(|trace| lit(format!("{trace:032x}")));
    let all = in_list(col("trace_id"), ids.collect(), false);
    let few = session.few(Table::Spans, &all, (Order::Desc, usize::MAX));
    assert!(few.await.unwrap().is_some(), "no plan is needed");
    for (query, matches) in QUERIES {
        let asked = [("query", query), ("limit", "100")];
        let direct = page(&without, &asked).await;
        let traces = list(&direct["traces"]);
        assert_eq!(list(&page(&with_a_plan, &asked).await["traces"]), traces);
        let counts = traces.iter().map(|trace| trace["matched_spans"].as_u64());
        let matching = spans.iter().filter(|span| matches(span)).count() as u64;
        assert_eq!(counts.sum::<Option<u64>>(), Some(matching), "{query}");
    }
}

#[tokio::test]
async fn the_last_trace_of_a_page_does_not_come_again_for_an_older_match() {
    let spans = [
        span(1, 7_200_000),
        span(2, 7_200_000),
        span(3, 7_200_000),
        // Of the page before, of the place itself, and of one that is still to come.
        span(1, 3_600_000),
        span(2, 3_500_000),
        span(3, 3_400_000),
        span(4, 100_000),
    ];
    let house = House::indexed_from(1).await;
    append_spans(&house, &spans).await;
    let router = house.limited(QueryOptions {
        first_slice_rows: 1,
        ..QueryOptions::default()
    });
    let expected = expected(&spans, |_| true, &(i64::MIN..i64::MAX));
    assert_eq!(expected.len(), 4);
    for limit in ["1", "2", "3"] {
        let found = found(&router, &[("query", ""), ("limit", limit)]).await;
        assert_eq!(found, expected, "{limit} a page");
    }
}

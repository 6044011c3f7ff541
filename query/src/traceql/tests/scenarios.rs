//! Scenario files: spans, queries and the spans or series that they give.

use std::fmt::Write as _;

use super::sample::{Span, append, find};
use crate::testing::scenario::Scenario;
use crate::testing::{House, SECOND, T0};
use crate::traceql::parse;

async fn answer(house: &House, query: &str) -> String {
    if parse(query).unwrap().metrics.is_some() {
        return series(house, query).await;
    }
    let mut text = String::new();
    for (trace, sets) in find(house, query, &[]).await {
        writeln!(text, "trace {trace}: {}", sets.join(", ")).unwrap();
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    text
}

/// The series over the first four seconds, one a line, with a sample a second.
async fn series(house: &House, query: &str) -> String {
    let (start, end) = (T0.to_string(), (T0 + 4 * SECOND).to_string());
    let parameters = [
        ("q", query),
        ("start", &start),
        ("end", &end),
        ("step", "1s"),
    ];
    let answer = house
        .get("/tempo/api/metrics/query_range", &parameters)
        .await;
    assert_eq!(answer["complete"], true, "{query}: {answer}");
    let mut text = String::new();
    for series in answer["series"].as_array().unwrap() {
        write!(text, "{}", series["promLabels"].as_str().unwrap()).unwrap();
        for sample in series["samples"].as_array().unwrap() {
            let time: i64 = sample["timestampMs"].as_str().unwrap().parse().unwrap();
            write!(
                text,
                " {}s:{}",
                (time - T0 / 1_000_000) / 1_000,
                sample["value"]
            )
            .unwrap();
        }
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    text
}

async fn check(name: &str) {
    let mut scenario = Scenario::read(&format!("traceql/tests/{name}"));
    let house = House::new().await;
    // In files and in the buffer, and the spans of a trace in both.
    for (at, span) in scenario.records::<Span>(|_| true).iter().enumerate() {
        append(&house, std::slice::from_ref(span)).await;
        if at % 3 == 1 {
            house.storage.flush().await.unwrap();
        }
    }
    scenario.ask_everywhere(house, "in both", answer).await;
    scenario.finish();
}

#[tokio::test]
async fn a_shop_with_known_traces() {
    check("shop.txt").await;
}

#[tokio::test]
async fn series_of_known_spans() {
    check("metrics.txt").await;
}

#[tokio::test]
async fn trees_with_known_relations() {
    check("trees.txt").await;
}

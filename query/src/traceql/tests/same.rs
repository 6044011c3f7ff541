//! Series of spans as they come are the series of whole traces.

use serde_json::Value;

use super::differential::Dice;
use super::sample::{Span, append};
use crate::testing::{House, T0};
use crate::traceql::parse;

async fn series(house: &House, query: &str) -> Value {
    let hour = 3_600_000_000_000_i64;
    let (start, end) = ((T0 + hour / 2).to_string(), (T0 + 5 * hour).to_string());
    let parameters = [
        ("q", query),
        ("start", &start),
        ("end", &end),
        ("step", "30m"),
    ];
    let mut answer = house
        .get("/tempo/api/metrics/query_range", &parameters)
        .await;
    assert_eq!(answer["complete"], true, "{query}");
    answer["series"].take()
}

const FUNCTIONS: [&str; 6] = [
    "count_over_time() by (name, .u)",
    "rate() by (resource.service.name)",
    "max_over_time(span.k) by (event:name)",
    "quantile_over_time(duration, .5, .9) by (status)",
    "histogram_over_time(duration)",
    "compare({ status = error }, 3)",
];

#[tokio::test]
async fn a_stream_of_spans_counts_what_whole_traces_count() {
    let mut dice = Dice(5);
    let spans: Vec<Span> = (1..=20).flat_map(|trace| dice.trace(trace)).collect();
    let house = House::new().await;
    let (files, buffer) = spans.split_at(spans.len() / 2);
    append(&house, files).await;
    house.storage.flush().await.unwrap();
    append(&house, buffer).await;
    let mut found = 0;
    for round in 0..18 {
        let filter = loop {
            let filter = dice.filter();
            // What takes the trace cannot be streamed.
            if !["trace", "parent", "root", "child"]
                .iter()
                .any(|word| filter.contains(word))
            {
                break filter;
            }
        };
        let function = FUNCTIONS[round % FUNCTIONS.len()];
        let streamed = format!("{filter} | {function}");
        let whole = format!("({filter} || {{ false }}) | {function}");
        assert!(
            parse(&streamed).is_ok() && parse(&whole).is_ok(),
            "{streamed}"
        );
        let expected = series(&house, &whole).await;
        assert_eq!(series(&house, &streamed).await, expected, "{streamed}");
        found += expected.as_array().unwrap().len();
    }
    assert!(found > 20, "sameness of little says little: {found}");
}

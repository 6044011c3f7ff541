//! What a query finds among spans of tests.

use std::fmt::Write as _;

use serde_json::Value;

use crate::testing::House;
pub(super) use crate::testing::rows::{Event, MILLISECOND, Span, append_spans as append};

/// All traces that a query finds, in the order of the answer.
pub(super) async fn find(
    house: &House,
    query: &str,
    range: &[(&str, &str)],
) -> Vec<(u128, Vec<String>)> {
    let mut parameters = vec![
        ("traceql", query),
        ("limit", "1000"),
        ("spans_per_set", "100"),
    ];
    parameters.extend(range);
    let answer = house.get("/api/v1/traces", &parameters).await;
    assert_eq!(answer["complete"], true, "{query}: {answer}");
    assert_eq!(answer["next_cursor"], Value::Null);
    let traces = answer["traces"].as_array().unwrap();
    traces.iter().map(of_trace).collect()
}

pub(super) fn of_trace(trace: &Value) -> (u128, Vec<String>) {
    let id = u128::from_str_radix(trace["trace_id"].as_str().unwrap(), 16).unwrap();
    let sets = trace["span_sets"].as_array().unwrap();
    (id, sets.iter().map(of_set).collect())
}

fn of_set(set: &Value) -> String {
    let spans = set["spans"].as_array().unwrap();
    let mut ids: Vec<u64> = spans
        .iter()
        .map(|span| u64::from_str_radix(span["span_id"].as_str().unwrap(), 16).unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(set["matched_spans"], ids.len());
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let mut text = format!("[{}]", ids.join(" "));
    for (name, value) in set["values"].as_object().unwrap() {
        write!(text, " {name}={value}").unwrap();
    }
    text
}

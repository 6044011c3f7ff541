//! Answers of queries as text.

use std::fmt::Write as _;

use serde_json::Value;

pub(super) use crate::testing::rows::{Record, append_logs as append};
use crate::testing::{House, SECOND, T0};

/// The answer to a query over the first ten seconds, at each second.
pub(super) async fn ask(house: &House, query: &str) -> String {
    let (start, end) = (T0.to_string(), (T0 + 10 * SECOND).to_string());
    let parameters = [
        ("query", query),
        ("start", &start),
        ("end", &end),
        ("step", "1s"),
    ];
    let (status, body) = house
        .try_get_text("/loki/api/v1/query_range", &parameters)
        .await;
    if status != 200 {
        return format!("{status}: {body}\n");
    }
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    assert!(answer.get("warnings").is_none(), "{query}: {answer}");
    let text = match answer["data"]["resultType"].as_str() {
        Some("streams") => lines(&answer),
        _ => series(&answer),
    };
    if text.is_empty() {
        return "nothing\n".to_owned();
    }
    text
}

/// Labels as Prometheus writes them.
pub(super) fn labels(object: &Value) -> String {
    let mut labels: Vec<String> = object
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    labels.sort();
    format!("{{{}}}", labels.join(", "))
}

/// Entries in order of time, newest first: milliseconds, labels, line.
fn lines(answer: &Value) -> String {
    let mut found = Vec::new();
    for stream in answer["data"]["result"].as_array().unwrap() {
        let labels = labels(&stream["stream"]);
        for value in stream["values"].as_array().unwrap() {
            let time: i64 = value[0].as_str().unwrap().parse().unwrap();
            let line = value[1].as_str().unwrap();
            found.push(((T0 - time) / 1_000_000, labels.clone(), line.to_owned()));
        }
    }
    found.sort();
    let mut text = String::new();
    for (before, labels, line) in found {
        writeln!(text, "{} {labels} {line:?}", -before).unwrap();
    }
    text
}

/// A series a line: labels, then seconds with samples.
fn series(answer: &Value) -> String {
    let mut found = Vec::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        let mut text = labels(&series["metric"]);
        for value in series["values"].as_array().unwrap() {
            let at = value[0].as_f64().unwrap() - (T0 / SECOND) as f64;
            write!(text, " {at}s:{}", value[1].as_str().unwrap()).unwrap();
        }
        found.push(text);
    }
    found.sort();
    found
        .into_iter()
        .fold(String::new(), |text, line| text + &line + "\n")
}

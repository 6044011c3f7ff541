//! Log records for tests, as text, and answers as text.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::testing::{House, Log, SECOND, T0};

/// A record as tests write it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Milliseconds since `T0`.
    pub(super) at: i64,
    #[serde(default)]
    pub(super) service: String,
    #[serde(default)]
    pub(super) level: i32,
    pub(super) line: String,
    #[serde(default)]
    pub(super) trace: u8,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
    #[serde(default)]
    pub(super) resource: Map<String, Value>,
}

/// Tests are short.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn entries(object: &Map<String, Value>) -> Vec<(&'static str, String, char)> {
    let entry = |(key, value): (&String, &Value)| {
        let (text, letter) = match value {
            Value::String(text) => (text.clone(), 's'),
            Value::Bool(value) => (value.to_string(), 'b'),
            Value::Number(number) if number.is_i64() => (number.to_string(), 'i'),
            Value::Number(number) => (number.to_string(), 'd'),
            // A list of texts.
            Value::Array(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|member| format!("{{\"stringValue\":{member}}}"))
                    .collect();
                (format!("{{\"values\":[{}]}}", members.join(",")), 'a')
            }
            other => panic!("no attribute: {other}"),
        };
        (kept(key), text, letter)
    };
    object.iter().map(entry).collect()
}

pub(super) async fn append(house: &House, records: &[Record]) {
    let logs: Vec<Log> = records
        .iter()
        .map(|record| Log {
            service: kept(&record.service),
            severity_number: record.level,
            trace_id: (record.trace > 0).then_some([record.trace; 16]),
            attributes: entries(&record.attributes),
            resource: entries(&record.resource),
            ..Log::at(T0 + record.at * 1_000_000, record.line.clone())
        })
        .collect();
    house.append(&logs).await;
}

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

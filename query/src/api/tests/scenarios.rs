//! Scenario files for all that is not TraceQL or LogQL: searches, SQL, and answers of the API as
//! tables. Each is asked of records in the buffer, in files, and in files without indexes.
//!
//! | question | answer |
//! |---|---|
//! | `logs QUERY` | the milliseconds at which the records that are found were made |
//! | `spans QUERY` | the spans that are found, as trace.span, by their start |
//! | `GET /path?name=value&…` (nothing escaped) | its fields, lists of objects as tables |
//! | anything else is SQL | its rows |
//!
//! Times near those of the records are shown as milliseconds after the first one.

use std::fmt::Write as _;

use chrono::DateTime;
use serde_json::Value;

use crate::testing::rows::{MILLISECOND, Record, Span, append_logs, append_spans};
use crate::testing::scenario::Scenario;
use crate::testing::{House, SECOND, T0};

async fn answer(house: &House, question: &str) -> String {
    if let Some(query) = question.strip_prefix("logs ") {
        return logs(house, query).await;
    }
    if let Some(query) = question.strip_prefix("spans ") {
        return spans(house, query).await;
    }
    let (status, body) = match question.strip_prefix("GET ") {
        Some(address) => get(house, address).await,
        None => house.try_sql(question).await,
    };
    if status != 200 {
        return refused(&body);
    }
    match question.strip_prefix("GET ") {
        Some(_) => fields(&body),
        None => rows(&body),
    }
}

async fn get(house: &House, address: &str) -> (http::StatusCode, Value) {
    let (path, parameters) = address.split_once('?').unwrap_or((address, ""));
    // TraceQL has `&&`, with a blank or another one after it.
    let mut pairs: Vec<String> = Vec::new();
    for part in parameters.split('&') {
        match pairs.last_mut() {
            Some(last) if !part.starts_with(|c: char| c.is_ascii_lowercase()) => {
                last.push('&');
                last.push_str(part);
            }
            _ => pairs.push(part.to_owned()),
        }
    }
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .collect();
    house.try_get(path, &pairs).await
}

/// `at 5: what is wrong (what to do)`
fn refused(body: &Value) -> String {
    let error = &body["error"];
    let text = |value: &Value| value.as_str().unwrap_or("no hint").to_owned();
    let position = match error["position"].as_u64() {
        Some(position) => format!(" at {position}"),
        None => String::new(),
    };
    format!(
        "{}{position}: {} ({})\n",
        text(&error["code"]),
        text(&error["message"]),
        text(&error["hint"])
    )
}

fn listed(found: &[String]) -> String {
    if found.is_empty() {
        return "nothing\n".to_owned();
    }
    format!("{}\n", found.join(" "))
}

async fn logs(house: &House, query: &str) -> String {
    let parameters = [("query", query), ("limit", "1000"), ("order", "asc")];
    let (status, body) = house.try_get("/api/v1/logs", &parameters).await;
    if status != 200 {
        return refused(&body);
    }
    assert_eq!(body["complete"], true, "{query}");
    let at = |log: &Value| {
        let time: i64 = log["time_unix_nano"].as_str().unwrap().parse().unwrap();
        ((time - T0) / MILLISECOND).to_string()
    };
    let found: Vec<String> = body["logs"].as_array().unwrap().iter().map(at).collect();
    listed(&found)
}

async fn spans(house: &House, query: &str) -> String {
    let parameters = [("query", query), ("format", "ndjson"), ("order", "asc")];
    let (status, body) = house
        .try_get_text("/api/v1/spans/export", &parameters)
        .await;
    if status != 200 {
        return refused(&serde_json::from_str(&body).unwrap());
    }
    let id = |span: &Value, name: &str| {
        let text = span[name].as_str().unwrap();
        u128::from_str_radix(text, 16).unwrap()
    };
    let found: Vec<String> = body
        .lines()
        .map(|line| {
            let span: Value = serde_json::from_str(line).unwrap();
            format!("{}.{}", id(&span, "trace_id"), id(&span, "span_id"))
        })
        .collect();
    listed(&found)
}

fn rows(body: &Value) -> String {
    assert_eq!(body["complete"], true);
    let names = body["columns"].as_array().unwrap().iter();
    let names: Vec<String> = names.map(|column| cell(&column["name"])).collect();
    let rows = body["rows"].as_array().unwrap().iter();
    let rows = rows.map(|row| row.as_array().unwrap().iter().map(cell).collect());
    table("", &names, rows)
}

/// What is said of every answer, and of none the same.
const LEFT_OUT: [&str; 5] = [
    "complete",
    "incomplete_reasons",
    "elapsed_ms",
    "snapshot",
    "scanned_bytes",
];

fn fields(body: &Value) -> String {
    assert_ne!(body["complete"], false, "{body}");
    let mut text = String::new();
    for (name, value) in body.as_object().unwrap() {
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        match value.as_array().filter(|list| is_table(list)) {
            Some(list) => write!(text, "{name}:\n{}", objects(list)).unwrap(),
            None => writeln!(text, "{name}: {}", cell(value)).unwrap(),
        }
    }
    text
}

fn is_table(list: &[Value]) -> bool {
    list.first().is_some_and(Value::is_object)
}

fn objects(list: &[Value]) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in list
        .iter()
        .flat_map(|object| object.as_object().unwrap().keys())
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let rows = list
        .iter()
        .map(|object| names.iter().map(|name| cell(&object[name])).collect());
    table("  ", &names, rows)
}

fn table(before: &str, names: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("{before}{}\n", names.join(" | "));
    for row in rows {
        writeln!(text, "{before}{}", row.join(" | ")).unwrap();
    }
    text
}

fn cell(value: &Value) -> String {
    match relative(value.clone()) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The value with times near those of the records as milliseconds after the first one.
fn relative(value: Value) -> Value {
    match value {
        Value::Array(members) => Value::Array(members.into_iter().map(relative).collect()),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, relative(value)))
            .collect(),
        Value::String(text) => {
            let time = match text.parse::<i64>() {
                Ok(number) => Some(number),
                Err(_) => DateTime::parse_from_rfc3339(&text)
                    .ok()
                    .and_then(|time| time.timestamp_nanos_opt()),
            };
            let after = time.map(|time| time - T0);
            match after.filter(|after| after.abs() < 86_400 * SECOND) {
                Some(after) if after % MILLISECOND == 0 => {
                    Value::String(format!("{:+}ms", after / MILLISECOND))
                }
                Some(after) => Value::String(format!("{after:+}ns")),
                None => Value::String(text),
            }
        }
        other => other,
    }
}

async fn check(name: &str, least: usize) {
    let mut scenario = Scenario::read(&format!("api/tests/scenarios/{name}"));
    assert!(scenario.len() >= least, "{}", scenario.len());
    let is_span = |line: &str| line.contains("\"span\":");
    let house = House::new().await;
    append_logs(&house, &scenario.records::<Record>(|line| !is_span(line))).await;
    append_spans(&house, &scenario.records::<Span>(is_span)).await;
    scenario
        .ask_everywhere(house, "in the buffer", answer)
        .await;
    scenario.finish();
}

#[tokio::test]
async fn searches_of_known_records() {
    check("searches.txt", 120).await;
}

#[tokio::test]
async fn sql_of_known_records() {
    check("sql.txt", 60).await;
}

#[tokio::test]
async fn answers_about_known_records() {
    check("answers.txt", 40).await;
}

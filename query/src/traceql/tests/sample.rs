//! Spans for tests, written in one line of JSON each, and what a query finds among them.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::testing::{House, T0};

pub(super) const MILLISECOND: i64 = 1_000_000;

/// One span. Ids are small numbers; times are milliseconds after [`T0`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Span {
    pub(super) trace: u128,
    #[serde(rename = "span")]
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) service: String,
    pub(super) name: String,
    #[serde(default = "internal")]
    pub(super) kind: String,
    #[serde(default = "unset")]
    pub(super) status: String,
    pub(super) message: Option<String>,
    pub(super) start: i64,
    pub(super) duration: i64,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
    #[serde(default)]
    pub(super) resource: Map<String, Value>,
    #[serde(default)]
    pub(super) scope: Map<String, Value>,
    #[serde(default)]
    pub(super) events: Vec<Event>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Event {
    pub(super) name: String,
    /// Milliseconds after the span's start.
    pub(super) at: i64,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    pub(super) trace: u128,
    pub(super) span: u64,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
}

fn internal() -> String {
    "internal".to_owned()
}

fn unset() -> String {
    "unset".to_owned()
}

fn otlp_value(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Array(members) => {
            let members: Vec<Value> = members.iter().map(otlp_value).collect();
            json!({ "arrayValue": { "values": members } })
        }
        _ => json!({}),
    }
}

fn otlp_attributes(attributes: &Map<String, Value>) -> Vec<Value> {
    let entry = |(key, value): (&String, &Value)| json!({"key": key, "value": otlp_value(value)});
    attributes.iter().map(entry).collect()
}

fn place_of(words: &[&str], word: &str) -> usize {
    words.iter().position(|known| *known == word).unwrap()
}

impl Span {
    pub(super) fn start_ns(&self) -> i64 {
        T0 + self.start * MILLISECOND
    }

    pub(super) fn end_ns(&self) -> i64 {
        self.start_ns() + self.duration * MILLISECOND
    }

    /// As a `TracesData` of its own.
    fn otlp(&self) -> Value {
        let kinds = [
            "unspecified",
            "internal",
            "server",
            "client",
            "producer",
            "consumer",
        ];
        let mut resource = otlp_attributes(&self.resource);
        resource.push(json!({"key": "service.name", "value": {"stringValue": self.service}}));
        let events = self.events.iter().map(|event| {
            json!({"name": event.name, "attributes": otlp_attributes(&event.attributes),
                "timeUnixNano": (self.start_ns() + event.at * MILLISECOND).to_string()})
        });
        let links = self.links.iter().map(|link| {
            json!({"traceId": format!("{:032x}", link.trace), "spanId": format!("{:016x}", link.span),
                "attributes": otlp_attributes(&link.attributes)})
        });
        let mut span = json!({
            "traceId": format!("{:032x}", self.trace), "spanId": format!("{:016x}", self.id),
            "name": self.name, "kind": place_of(&kinds, &self.kind),
            "startTimeUnixNano": self.start_ns().to_string(),
            "endTimeUnixNano": self.end_ns().to_string(),
            "attributes": otlp_attributes(&self.attributes),
            "events": events.collect::<Vec<_>>(), "links": links.collect::<Vec<_>>(),
            "status": {"code": place_of(&["unset", "ok", "error"], &self.status),
                "message": self.message}});
        if let Some(parent) = self.parent {
            span["parentSpanId"] = json!(format!("{parent:016x}"));
        }
        json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{
            "scope": {"name": "lib", "version": "1", "attributes": otlp_attributes(&self.scope)},
            "spans": [span]}]}]})
    }
}

/// Stores spans in one request.
pub(super) async fn append(house: &House, spans: &[Span]) {
    let resources: Vec<Value> = spans
        .iter()
        .map(|span| span.otlp()["resourceSpans"][0].clone())
        .collect();
    crate::trace::tests::append(house, &json!({ "resourceSpans": resources })).await;
}

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

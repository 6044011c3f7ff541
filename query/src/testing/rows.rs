//! Spans and log records as tests write them, in a line of JSON each.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{House, Log, T0};

pub(crate) const MILLISECOND: i64 = 1_000_000;

/// One span. Ids are small numbers; times are milliseconds after [`T0`].
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Span {
    pub(crate) trace: u128,
    #[serde(rename = "span")]
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) service: String,
    pub(crate) name: String,
    #[serde(default = "internal")]
    pub(crate) kind: String,
    #[serde(default = "unset")]
    pub(crate) status: String,
    pub(crate) message: Option<String>,
    pub(crate) start: i64,
    pub(crate) duration: i64,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    #[serde(default)]
    pub(crate) resource: Map<String, Value>,
    #[serde(default)]
    pub(crate) scope: Map<String, Value>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    #[serde(default)]
    pub(crate) links: Vec<Link>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    pub(crate) name: String,
    /// Milliseconds after the span's start.
    pub(crate) at: i64,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Link {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
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
    pub(crate) fn start_ns(&self) -> i64 {
        T0 + self.start * MILLISECOND
    }

    pub(crate) fn end_ns(&self) -> i64 {
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
pub(crate) async fn append_spans(house: &House, spans: &[Span]) {
    let resources: Vec<Value> = spans
        .iter()
        .map(|span| span.otlp()["resourceSpans"][0].clone())
        .collect();
    crate::trace::tests::append(house, &json!({ "resourceSpans": resources })).await;
}

/// One log record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Milliseconds since [`T0`].
    pub(crate) at: i64,
    #[serde(default)]
    pub(crate) service: String,
    /// Its severity number.
    #[serde(default)]
    pub(crate) level: i32,
    pub(crate) severity: Option<String>,
    /// Its body; none if there is neither this nor `body`.
    pub(crate) line: Option<String>,
    /// A body that is an object.
    pub(crate) body: Option<Map<String, Value>>,
    pub(crate) event: Option<String>,
    #[serde(default)]
    pub(crate) trace: u128,
    #[serde(default)]
    pub(crate) span_id: u64,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    #[serde(default)]
    pub(crate) resource: Map<String, Value>,
    #[serde(default)]
    pub(crate) scope: Map<String, Value>,
}

/// Tests are short.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// Entries of a map: key, text and letter of the type.
type Entries = Vec<(&'static str, String, char)>;

fn entries(object: &Map<String, Value>) -> Entries {
    let entry = |(key, value): (&String, &Value)| {
        let (text, letter) = match value {
            Value::String(text) => (text.clone(), 's'),
            Value::Bool(value) => (value.to_string(), 'b'),
            Value::Number(number) if number.is_i64() => (number.to_string(), 'i'),
            Value::Number(number) => (number.to_string(), 'd'),
            Value::Array(members) => {
                let members: Vec<Value> = members.iter().map(otlp_value).collect();
                (json!({ "values": members }).to_string(), 'a')
            }
            Value::Object(members) => (
                json!({ "values": otlp_attributes(members) }).to_string(),
                'm',
            ),
            Value::Null => panic!("no attribute: {key}"),
        };
        (kept(key), text, letter)
    };
    object.iter().map(entry).collect()
}

/// Fields of a body: those of objects in objects are joined with dots.
fn body_fields(object: &Map<String, Value>) -> Entries {
    let mut flat = Map::new();
    open_fields(object, "", &mut flat);
    entries(&flat)
}

fn open_fields(object: &Map<String, Value>, before: &str, flat: &mut Map<String, Value>) {
    for (key, value) in object {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                open_fields(inner, &format!("{before}{key}."), flat);
            }
            _ => drop(flat.insert(format!("{before}{key}"), value.clone())),
        }
    }
}

impl Record {
    fn log(&self) -> Log {
        let object = self
            .body
            .as_ref()
            .map(|object| Value::Object(object.clone()).to_string());
        let keep = |text: &Option<String>| text.as_deref().map(kept);
        Log {
            body: self.line.clone().or(object),
            service: kept(&self.service),
            severity_number: self.level,
            severity_text: keep(&self.severity),
            event_name: keep(&self.event),
            trace_id: (self.trace > 0).then_some(self.trace.to_be_bytes()),
            span_id: (self.span_id > 0).then_some(self.span_id.to_be_bytes()),
            attributes: entries(&self.attributes),
            body_fields: self.body.as_ref().map(body_fields).unwrap_or_default(),
            resource: entries(&self.resource),
            scope: entries(&self.scope),
            ..Log::at(T0 + self.at * MILLISECOND, String::new())
        }
    }
}

/// Stores records in one request.
pub(crate) async fn append_logs(house: &House, records: &[Record]) {
    let logs: Vec<Log> = records.iter().map(Record::log).collect();
    house.append(&logs).await;
}

//! One line: which of its keys mean something, and the rest as attributes.

use serde_json::{Map, Value};
use spoor_storage::{SpanId, TraceId};

use super::MAX_OPEN_DEPTH;
use super::level::severity;
use super::time::{from_instant, unix_nano};
use super::value::{write_any_value, write_attribute};
use crate::proto_writer as wire;

const TIME: [&str; 10] = [
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "datetime",
    "date",
    "asctime",
    "@t",
    "timeMillis",
    "time_unix_nano",
];
const LEVEL: [&str; 9] = [
    "log.level",
    "level",
    "severity",
    "levelname",
    "lvl",
    "loglevel",
    "log_level",
    "severity_text",
    "@l",
];
const MESSAGE: [&str; 7] = ["message", "msg", "@m", "log", "body", "event", "@mt"];
const SERVICE: [&str; 4] = [
    "service.name",
    "service",
    "service_name",
    "resource.service.name",
];
const SCOPE: [&str; 5] = [
    "log.logger",
    "logger",
    "loggerName",
    "logger_name",
    "SourceContext",
];
const TRACE_ID: [&str; 12] = [
    "trace_id",
    "traceId",
    "trace.id",
    "traceid",
    "traceID",
    "TraceId",
    "otelTraceID",
    "@tr",
    "contextMap.trace_id",
    "contextMap.traceId",
    "mdc.trace_id",
    "mdc.traceId",
];
const SPAN_ID: [&str; 12] = [
    "span_id",
    "spanId",
    "span.id",
    "spanid",
    "spanID",
    "SpanId",
    "otelSpanID",
    "@sp",
    "contextMap.span_id",
    "contextMap.spanId",
    "mdc.span_id",
    "mdc.spanId",
];
const TRACE_FLAGS: [&str; 3] = ["trace_flags", "traceFlags", "contextMap.trace_flags"];

/// A log record in the making.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) service: Option<String>,
    pub(super) scope: Option<String>,
    time_unix_nano: u64,
    severity: (i32, String),
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
    flags: u32,
    body: Value,
    attributes: Vec<(String, Value)>,
}

impl Line {
    /// A line that is not JSON.
    pub(super) fn from_text(text: &str) -> Self {
        Self {
            body: Value::String(text.to_owned()),
            ..Self::default()
        }
    }

    /// A line that is a JSON object; `text` is the line itself.
    pub(super) fn from_object(object: Map<String, Value>, text: &str) -> Self {
        let mut fields = Fields(Vec::new());
        fields.add(None, object, 1);
        if let Some(line) = fields.docker_line() {
            return line;
        }
        let mut line = Self::default();
        line.take_known(&mut fields);
        line.body = fields
            .take(&MESSAGE, message)
            .unwrap_or_else(|| Value::String(text.to_owned()));
        line.attributes = fields.0;
        line
    }

    fn take_known(&mut self, fields: &mut Fields) {
        self.time_unix_nano = fields
            .take(&TIME, unix_nano)
            .or_else(|| fields.take_instant())
            .unwrap_or_default();
        let bunyan = fields.is_bunyan();
        self.severity = fields.take(&LEVEL, severity).unwrap_or_default();
        self.service = fields.take(&SERVICE, text_of);
        if bunyan && self.service.is_none() {
            self.service = fields.take(&["name"], text_of);
        }
        self.scope = fields.take(&SCOPE, text_of);
        self.trace_id = fields.take(&TRACE_ID, |value| hex_id(value, &[32, 16]));
        self.span_id = fields.take(&SPAN_ID, |value| hex_id(value, &[16]));
        self.flags = fields.take(&TRACE_FLAGS, trace_flags).unwrap_or_default();
    }

    /// Appends the fields of a `LogRecord`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        wire::fixed64(out, 1, self.time_unix_nano);
        wire::int32(out, 2, self.severity.0);
        wire::bytes(out, 3, self.severity.1.as_bytes());
        wire::message(out, 5, |out| write_any_value(out, &self.body, 1));
        for (key, value) in &self.attributes {
            write_attribute(out, 6, key, value);
        }
        wire::fixed32(out, 8, self.flags);
        wire::bytes(out, 9, self.trace_id.as_ref().map_or(&[], |id| &id.0));
        wire::bytes(out, 10, self.span_id.as_ref().map_or(&[], |id| &id.0));
    }
}

/// The keys and values of a line in their order, joined with dots.
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn add(&mut self, prefix: Option<&str>, object: Map<String, Value>, depth: usize) {
        for (key, value) in object {
            let path = match prefix {
                Some(prefix) => format!("{prefix}.{key}"),
                None => key,
            };
            match value {
                Value::Object(inner) if depth < MAX_OPEN_DEPTH && !inner.is_empty() => {
                    self.add(Some(&path), inner, depth + 1);
                }
                value => self.0.push((path, value)),
            }
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    fn remove(&mut self, key: &str) {
        if let Some(place) = self.0.iter().position(|(name, _)| name == key) {
            self.0.remove(place);
        }
    }

    /// Takes out the first of `keys` whose value `accept` understands.
    fn take<T>(&mut self, keys: &[&str], accept: impl Fn(&Value) -> Option<T>) -> Option<T> {
        for key in keys {
            if let Some(found) = self.get(key).and_then(&accept) {
                self.remove(key);
                return Some(found);
            }
        }
        None
    }

    fn take_instant(&mut self) -> Option<u64> {
        let (seconds, nanos) = ("instant.epochSecond", "instant.nanoOfSecond");
        let time = from_instant(self.get(seconds)?, self.get(nanos)?)?;
        self.remove(seconds);
        self.remove(nanos);
        Some(time)
    }

    /// Bunyan and pino write the program as `name`; elsewhere `name` can be anything.
    fn is_bunyan(&self) -> bool {
        self.get("pid").is_some()
            && self.get("hostname").is_some()
            && self.get("level").is_some_and(Value::is_number)
    }

    /// Docker's `json-file` driver wraps each line as `{"log":"…\n","stream":"stdout","time":"…"}`.
    /// The line inside is what counts; what Docker says fills in what it does not.
    fn docker_line(&mut self) -> Option<Line> {
        let time = unix_nano(self.get("time")?)?;
        self.get("stream")?.as_str()?;
        let log = self
            .get("log")?
            .as_str()?
            .trim_end_matches(['\r', '\n'])
            .to_owned();
        self.remove("log");
        self.remove("time");
        let inner = if log.trim_start().starts_with('{') {
            serde_json::from_str::<Map<String, Value>>(&log).ok()
        } else {
            None
        };
        let mut line = match inner {
            Some(object) if !object.contains_key("stream") => Line::from_object(object, &log),
            _ => Line::from_text(&log),
        };
        if line.time_unix_nano == 0 {
            line.time_unix_nano = time;
        }
        line.attributes.append(&mut self.0);
        Some(line)
    }
}

/// A message is text, or a scalar.
fn message(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        _ => None,
    }
}

fn text_of(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// An id as hex digits of one of these lengths; anything else stays an attribute.
fn hex_id<T: std::str::FromStr>(value: &Value, lengths: &[usize]) -> Option<T> {
    let text = value.as_str()?;
    lengths
        .contains(&text.len())
        .then(|| text.parse().ok())
        .flatten()
}

fn trace_flags(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        Value::String(text) if text.len() == 2 => u32::from_str_radix(text, 16).ok(),
        _ => None,
    }
}

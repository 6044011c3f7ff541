//! `POST /v1/logs/json`: one JSON object or one line of plain text per log record, to OTLP.
//!
//! Understands what Elastic Common Schema, Bunyan, pino, zap, slog, log4j's JSON layouts,
//! logstash-logback, structlog, Serilog and Docker's `json-file` driver write:
//!
//! | what | keys, the first that is there and makes sense |
//! |---|---|
//! | time | `@timestamp` `timestamp` `time` `ts` `datetime` `date` `asctime` `@t` `timeMillis` `instant.epochSecond` + `instant.nanoOfSecond` |
//! | level | `log.level` `level` `severity` `levelname` `lvl` `loglevel` `log_level` `severity_text` `@l` |
//! | message | `message` `msg` `@m` `log` `body` `event` `@mt` |
//! | service | `service.name` `service` `service_name` `resource.service.name`; `name` if it is Bunyan's or pino's |
//! | scope | `log.logger` `logger` `loggerName` `logger_name` `SourceContext` |
//! | ids | `trace_id` `traceId` `trace.id` … and the same for spans, as hex |
//!
//! Objects in objects are joined with dots before keys are looked up, so `{"log":{"level":…}}` and
//! `{"log.level":…}` are the same; beyond [`MAX_OPEN_DEPTH`] they stay key-value lists. All other
//! keys become attributes with their JSON types and in their order; arrays stay arrays; integers
//! over 64 bits become text. An object without a message keeps its whole line as the body.
//!
//! A line that is not a JSON object is a record too: its text is the body. So is a line of more
//! than [`MAX_JSON_LINE_BYTES`]. Nothing is rejected here. A body that is one JSON array of
//! objects, or pretty-printed objects, is understood as well.

mod level;
mod line;
mod time;
mod value;

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;

use self::line::Line;
use crate::proto_writer as wire;

/// Objects deeper than this are not joined with dots.
const MAX_OPEN_DEPTH: usize = 16;

/// Longer lines are kept as plain text: a tree of their values could take many times their size.
const MAX_JSON_LINE_BYTES: usize = 1 << 20;

/// Services and scopes that are collected side by side before they are written.
const MAX_GROUPS: usize = 1024;

/// What lines do not say themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonLinesDefaults {
    /// `service.name` of records that name no service.
    pub service_name: Option<String>,
}

/// The protobuf bytes of a logs request with a record for every line of `body`.
pub(crate) fn to_protobuf(body: &[u8], defaults: &JsonLinesDefaults) -> Vec<u8> {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii();
    let whole = match body.first() {
        Some(b'[') => read_array(body, defaults),
        Some(b'{') => read_pretty(body, defaults),
        _ => None,
    };
    whole.unwrap_or_else(|| read_lines(body, defaults)).finish()
}

fn read_lines(body: &[u8], defaults: &JsonLinesDefaults) -> Groups {
    let mut groups = Groups::default();
    for raw in body.split(|byte| *byte == b'\n') {
        let raw = raw.trim_ascii_end();
        if raw.is_empty() {
            continue;
        }
        let text = String::from_utf8_lossy(raw);
        let object = (raw.len() <= MAX_JSON_LINE_BYTES && text.trim_start().starts_with('{'))
            .then(|| serde_json::from_str::<Value>(&text).ok())
            .flatten();
        groups.add(&line_of(object, &text), defaults);
    }
    groups
}

fn line_of(value: Option<Value>, text: &str) -> Line {
    match value {
        Some(Value::Object(object)) => Line::from_object(object, text),
        _ => Line::from_text(text),
    }
}

/// Objects that stretch over several lines; `None` if the body is not that.
fn read_pretty(body: &[u8], defaults: &JsonLinesDefaults) -> Option<Groups> {
    let first_line = body.split(|byte| *byte == b'\n').next()?;
    let one_line = first_line.len() == body.len();
    if one_line
        || body.len() > MAX_JSON_LINE_BYTES
        || serde_json::from_slice::<serde::de::IgnoredAny>(first_line).is_ok()
    {
        return None;
    }
    let mut groups = Groups::default();
    for value in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
        let value = value.ok()?;
        let text = value.to_string();
        groups.add(&line_of(Some(value), &text), defaults);
    }
    Some(groups)
}

/// A JSON array of records; `None` if the body is not that.
fn read_array(body: &[u8], defaults: &JsonLinesDefaults) -> Option<Groups> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let groups = json.deserialize_seq(ArrayVisitor { defaults }).ok()?;
    json.end().ok()?;
    Some(groups)
}

/// Turns items into records one by one, so that only one is in memory as a tree.
struct ArrayVisitor<'a> {
    defaults: &'a JsonLinesDefaults,
}

impl<'de> Visitor<'de> for ArrayVisitor<'_> {
    type Value = Groups;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of log records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Groups, A::Error> {
        let mut groups = Groups::default();
        while let Some(value) = items.next_element::<Value>()? {
            let text = match &value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            groups.add(&line_of(Some(value), &text), self.defaults);
        }
        Ok(groups)
    }
}

/// Which resource and scope a record belongs to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
struct GroupKey {
    service: Option<String>,
    scope: Option<String>,
}

/// Records by service and scope, already as wire bytes, in their order.
#[derive(Debug, Default)]
struct Groups {
    written: Vec<u8>,
    places: HashMap<GroupKey, usize>,
    open: Vec<(GroupKey, Vec<u8>)>,
    scratch: Vec<u8>,
}

impl Groups {
    fn add(&mut self, line: &Line, defaults: &JsonLinesDefaults) {
        let key = GroupKey {
            service: line
                .service
                .clone()
                .or_else(|| defaults.service_name.clone()),
            scope: line.scope.clone(),
        };
        self.scratch.clear();
        line.write(&mut self.scratch);
        let place = self.place_of(key);
        if let Some((_, records)) = self.open.get_mut(place) {
            wire::bytes_always(records, 2, &self.scratch);
        }
    }

    fn place_of(&mut self, key: GroupKey) -> usize {
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        if self.open.len() >= MAX_GROUPS {
            self.write_open();
        }
        let place = self.open.len();
        self.open.push((key.clone(), Vec::new()));
        self.places.insert(key, place);
        place
    }

    /// Writes what is collected as one `ResourceLogs` per service and scope.
    fn write_open(&mut self) {
        self.places.clear();
        for (key, records) in self.open.drain(..) {
            let mut resource_logs = Vec::with_capacity(records.len() + 64);
            if let Some(service) = &key.service {
                let mut attribute = Vec::new();
                value::write_string_attribute(&mut attribute, 1, "service.name", service);
                wire::bytes_always(&mut resource_logs, 1, &attribute);
            }
            wire::message(&mut resource_logs, 2, |out| {
                if let Some(scope) = &key.scope {
                    wire::message(out, 1, |out| wire::bytes(out, 1, scope.as_bytes()));
                }
                out.extend_from_slice(&records);
            });
            wire::bytes_always(&mut self.written, 1, &resource_logs);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.write_open();
        self.written
    }
}

#[cfg(test)]
mod tests;

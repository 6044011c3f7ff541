//! `json`: fields of a JSON object as labels, `a.b` as `a_b`; lists have no label.

use serde_json::{Map, Value};

use crate::logql::labels::Labels;
use crate::logql::values::label_name;

/// Labels of one line.
const MAX_LABELS: usize = 1_000;

/// A way into JSON: `request.headers["User-Agent"]`, `servers[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Place(usize),
}

impl JsonPath {
    /// `None` if it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix("[\"") {
                let (key, after) = inside.split_once("\"]")?;
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            } else if let Some(inside) = rest.strip_prefix('[') {
                let (place, after) = inside.split_once(']')?;
                steps.push(Step::Place(place.trim().parse().ok()?));
                rest = after;
            } else {
                let name = match rest.strip_prefix('.') {
                    Some(name) if !steps.is_empty() => name,
                    Some(_) => return None,
                    None => rest,
                };
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (key, after) = name.split_at_checked(end)?;
                if key.is_empty() || key.contains(['"', ']']) {
                    return None;
                }
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            }
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    fn find<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v Value> {
        let (Step::Key(first), rest) = self.0.split_first()? else {
            return None;
        };
        rest.iter()
            .try_fold(object.get(first)?, |value, step| match step {
                Step::Key(key) => value.get(key),
                Step::Place(place) => value.get(place),
            })
    }
}

/// Sets the labels that a line has, or notes what is wrong with it.
pub(super) fn extract(line: &str, given: &[(String, String, JsonPath)], labels: &mut Labels<'_>) {
    let object = match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(object) => object,
        Err(error) => {
            labels.note_error("JSONParserErr", error.to_string());
            return;
        }
    };
    if given.is_empty() {
        for (_, name, value) in flattened(&object) {
            labels.extract(&name, value);
        }
        return;
    }
    for (name, _, path) in given {
        if let Some(value) = path.find(&object) {
            labels.extract(name, text_of(value));
        }
    }
}

/// All fields that are no lists: their path, the label they are read into, their text.
pub(crate) fn flattened(object: &Map<String, Value>) -> Vec<(Vec<&str>, String, String)> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    flatten(object, &mut path, &mut found);
    found
}

/// As deep as serde_json reads.
fn flatten<'v>(
    object: &'v Map<String, Value>,
    path: &mut Vec<&'v str>,
    found: &mut Vec<(Vec<&'v str>, String, String)>,
) {
    for (key, value) in object {
        if found.len() >= MAX_LABELS {
            return;
        }
        path.push(key);
        match value {
            Value::Object(inner) => flatten(inner, path, found),
            Value::Array(_) | Value::Null => {}
            value => {
                let name = label_name(&path.join("_")).into_owned();
                found.push((path.clone(), name, text_of(value)));
            }
        }
        path.pop();
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

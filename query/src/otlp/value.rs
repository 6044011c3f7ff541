//! Attribute values in the three forms of JSON that the APIs write.

use std::collections::HashSet;

use serde_json::{Map, Value};
use spoor_storage::ValueType;

use super::columns::{Attribute, Attributes};
use super::json::JsonWriter;
use crate::attributes::{bytes_beside, bytes_in_value, value_json};

/// Integers up to this size are the same number in JavaScript.
const MAX_SAFE_INTEGER: u64 = 1 << 53;

/// Whether a reader that has only 64-bit floats keeps `value` exactly.
pub fn is_safe_integer(value: i64) -> bool {
    value.unsigned_abs() <= MAX_SAFE_INTEGER
}

/// OTLP's list of `{"key", "value": {"stringValue": …}}`.
pub(super) fn write_otlp_attributes(json: &mut JsonWriter, attributes: Attributes<'_>) {
    json.list(attributes.iter(), |json, attribute| {
        json.begin_object();
        json.key("key");
        json.string(attribute.key);
        json.key("value");
        write_any_value(json, attribute);
        json.end_object();
    });
}

fn write_any_value(json: &mut JsonWriter, attribute: Attribute<'_>) {
    json.begin_object();
    if let Some(text) = attribute.text {
        match attribute.value_type {
            ValueType::String => {
                json.key("stringValue");
                json.string(text);
            }
            ValueType::Bool => {
                json.key("boolValue");
                json.bool(text == "true");
            }
            ValueType::Int => {
                json.key("intValue");
                json.string(text);
            }
            ValueType::Double => {
                json.key("doubleValue");
                write_double(json, text);
            }
            ValueType::Bytes => {
                json.key("bytesValue");
                json.string(text);
            }
            // Stored as OTLP JSON already.
            ValueType::Array => write_nested(json, "arrayValue", text),
            ValueType::KeyValueList => write_nested(json, "kvlistValue", text),
            ValueType::Empty => {}
        }
    }
    json.end_object();
}

fn write_nested(json: &mut JsonWriter, case: &str, text: &str) {
    json.key(case);
    // What is stored was checked when it was written; a text that cannot be an object would make
    // the whole answer unreadable, so it alone is left out.
    let whole = text.starts_with('{') && text.ends_with('}');
    json.raw(if whole { text } else { "{}" });
}

fn write_double(json: &mut JsonWriter, text: &str) {
    match text.parse::<f64>() {
        Ok(value) => json.double(value),
        Err(_) => json.string(text),
    }
}

/// The field `name` with a JSON object of plain values: integers beyond 2^53 are strings, bytes are base64; if some
/// are, a field beside it says which. Where a key was sent twice the first one is shown, as everywhere.
pub fn write_plain_attributes(json: &mut JsonWriter, name: &str, attributes: Attributes<'_>) {
    let mut seen = HashSet::with_capacity(attributes.len());
    let mut bytes = Map::new();
    json.key(name);
    json.begin_object();
    for attribute in attributes
        .iter()
        .filter(|attribute| seen.insert(attribute.key))
    {
        json.key(attribute.key);
        write_plain_value(json, attribute);
        if let Some(places) = bytes_in_value(attribute.text, attribute.value_type) {
            bytes.insert(attribute.key.to_owned(), places);
        }
    }
    json.end_object();
    if !bytes.is_empty() {
        json.key(&bytes_beside(name));
        json.raw(&Value::Object(bytes).to_string());
    }
}

/// One value of [`write_plain_attributes`].
pub fn write_plain_value(json: &mut JsonWriter, attribute: Attribute<'_>) {
    let Some(text) = attribute.text else {
        json.null();
        return;
    };
    match attribute.value_type {
        ValueType::String | ValueType::Bytes => json.string(text),
        ValueType::Bool => json.bool(text == "true"),
        ValueType::Int => match text.parse::<i64>() {
            Ok(value) if is_safe_integer(value) => json.int(value),
            _ => json.string(text),
        },
        ValueType::Double => write_double(json, text),
        ValueType::Array | ValueType::KeyValueList => {
            json.raw(&value_json(Some(text), attribute.value_type).to_string());
        }
        ValueType::Empty => json.null(),
    }
}

/// Jaeger's list of `{"key", "type", "value"}`; appends to an open array. Types are `string`,
/// `bool`, `int64`, `float64` and `binary`; nested values are JSON in a string.
pub fn write_typed_attributes<'a>(
    json: &mut JsonWriter,
    attributes: impl Iterator<Item = Attribute<'a>>,
) {
    for attribute in attributes {
        json.begin_object();
        json.key("key");
        json.string(attribute.key);
        json.key("type");
        json.string(match attribute.value_type {
            ValueType::Bool => "bool",
            ValueType::Int => "int64",
            ValueType::Double => "float64",
            ValueType::Bytes => "binary",
            ValueType::String | ValueType::Array | ValueType::KeyValueList | ValueType::Empty => {
                "string"
            }
        });
        json.key("value");
        match (attribute.value_type, attribute.text) {
            (ValueType::Array | ValueType::KeyValueList, Some(_)) => {
                let mut nested = JsonWriter::new();
                write_plain_value(&mut nested, attribute);
                json.string(&String::from_utf8_lossy(&nested.finish()));
            }
            (_, None) => json.string(""),
            _ => write_plain_value(json, attribute),
        }
        json.end_object();
    }
}

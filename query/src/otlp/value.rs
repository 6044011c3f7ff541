//! Attribute values in the three forms of JSON that the APIs write.

use serde_json::Value;
use spoor_storage::ValueType;

use super::columns::{Attribute, Attributes};
use super::json::JsonWriter;

/// The largest integer that every reader of JSON keeps exactly: 2^53 - 1.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Whether a reader that has only 64-bit floats keeps `value` exactly.
pub fn is_safe_integer(value: i64) -> bool {
    value.unsigned_abs() <= MAX_SAFE_INTEGER
}

/// OTLP's list of `{"key", "value": {"stringValue": …}}`.
pub(super) fn write_otlp_attributes(json: &mut JsonWriter, attributes: Attributes<'_>) {
    json.begin_array();
    for attribute in attributes.iter() {
        json.begin_object();
        json.key("key");
        json.string(attribute.key);
        json.key("value");
        write_any_value(json, attribute);
        json.end_object();
    }
    json.end_array();
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

/// A JSON object of plain values: integers beyond 2^53 are strings, bytes are base64.
pub fn write_plain_attributes(json: &mut JsonWriter, attributes: Attributes<'_>) {
    json.begin_object();
    for attribute in attributes.iter() {
        json.key(attribute.key);
        write_plain_value(json, attribute);
    }
    json.end_object();
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
        ValueType::Int => write_int(json, text),
        ValueType::Double => write_double(json, text),
        ValueType::Array | ValueType::KeyValueList => match serde_json::from_str::<Value>(text) {
            Ok(list) => {
                write_plain_nested(json, &list, attribute.value_type == ValueType::KeyValueList);
            }
            Err(_) => json.string(text),
        },
        ValueType::Empty => json.null(),
    }
}

fn write_int(json: &mut JsonWriter, text: &str) {
    match text.parse::<i64>() {
        Ok(value) if is_safe_integer(value) => json.int(value),
        _ => json.string(text),
    }
}

/// The plain form of an OTLP `ArrayValue` or, with `keyed`, `KeyValueList`. Recursion ends where
/// serde_json's does, at 128 levels of the OTLP form.
fn write_plain_nested(json: &mut JsonWriter, list: &Value, keyed: bool) {
    let items = list.get("values").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    if keyed {
        json.begin_object();
        for item in items {
            json.key(item.get("key").and_then(Value::as_str).unwrap_or_default());
            write_plain_any(json, item.get("value"));
        }
        json.end_object();
    } else {
        json.begin_array();
        for item in items {
            write_plain_any(json, Some(item));
        }
        json.end_array();
    }
}

fn write_plain_any(json: &mut JsonWriter, any: Option<&Value>) {
    let case = any.and_then(Value::as_object).and_then(|cases| cases.iter().next());
    let Some((case, value)) = case else {
        json.null();
        return;
    };
    match (case.as_str(), value) {
        ("intValue", Value::String(text)) => write_int(json, text),
        ("arrayValue", list) => write_plain_nested(json, list, false),
        ("kvlistValue", list) => write_plain_nested(json, list, true),
        (_, Value::String(text)) => json.string(text),
        (_, value) => json.raw(&value.to_string()),
    }
}

/// Jaeger's list of `{"key", "type", "value"}`; appends to an open array. Types are `string`,
/// `bool`, `int64`, `float64` and `binary`; nested values are JSON in a string.
pub fn write_typed_attributes(json: &mut JsonWriter, attributes: Attributes<'_>) {
    for attribute in attributes.iter() {
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

//! Attributes as the API shows them: plain JSON in the order in which they were sent.
//!
//! Integers beyond 2^53 are strings (JavaScript would round them), and so are `NaN` and infinities,
//! which JSON has no number for. Bytes are base64, and since a string can look like that, where they are is
//! told beside the attributes: [`bytes_in_value`].

use std::collections::HashSet;

use arrow::array::{Array, AsArray, MapArray, StringArray};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use spoor_storage::ValueType;

/// Integers up to this size are the same number in JavaScript.
const MAX_SAFE_INTEGER: u64 = 1 << 53;
/// How OTLP JSON says that a value is bytes.
const BYTES_CASE: &str = "bytesValue";

/// The attributes of a row, as [`attributes_json`] reads them.
#[derive(Debug, Default)]
pub struct PlainAttributes {
    /// Values by key.
    pub values: Map<String, Value>,
    /// Of each key whose value is bytes or has some in it, what [`bytes_in_value`] says.
    pub bytes: Map<String, Value>,
}

/// The attributes of `row` as a JSON object, typed by the letters of `types`. Where a key was
/// sent twice the first one is shown, as everywhere.
pub fn attributes_json(map: &MapArray, types: &StringArray, row: usize) -> PlainAttributes {
    let mut plain = PlainAttributes::default();
    if map.is_null(row) {
        return plain;
    }
    let entries = map.value(row);
    let (Some(keys), Some(values)) = (
        entries.column(0).as_string_opt::<i32>(),
        entries.column(1).as_string_opt::<i32>(),
    ) else {
        return plain;
    };
    let letters = if types.is_valid(row) {
        types.value(row).as_bytes()
    } else {
        &[]
    };
    for entry in 0..entries.len() {
        let kind = letters
            .get(entry)
            .and_then(|letter| ValueType::from_letter(*letter))
            .unwrap_or(ValueType::String);
        let text = values.is_valid(entry).then(|| values.value(entry));
        if let Entry::Vacant(place) = plain.values.entry(keys.value(entry)) {
            place.insert(value_json(text, kind));
            if let Some(bytes) = bytes_in_value(text, kind) {
                plain.bytes.insert(keys.value(entry).to_owned(), bytes);
            }
        }
    }
    plain
}

/// The field that says which of the attributes in the field `name` are bytes.
pub fn bytes_beside(name: &str) -> String {
    format!("bytes_in_{name}")
}

/// Where the plain JSON of a value has bytes: `true` if it is bytes, an object with the same of each place of an
/// array or key of a list that is or has some, `None` if there are none. No larger than the value itself.
pub fn bytes_in_value(text: Option<&str>, kind: ValueType) -> Option<Value> {
    match kind {
        ValueType::Bytes => text.map(|_| Value::Bool(true)),
        ValueType::Array | ValueType::KeyValueList => {
            // Most have none, and need not be parsed.
            let text = text.filter(|text| text.contains(BYTES_CASE))?;
            let nested = serde_json::from_str(text).ok()?;
            match kind {
                ValueType::Array => bytes_in_array(&nested),
                _ => bytes_in_list(&nested),
            }
        }
        _ => None,
    }
}

fn bytes_in_array(array: &Value) -> Option<Value> {
    let places = members(array)
        .enumerate()
        .filter_map(|(place, value)| Some((place.to_string(), bytes_in_any(value)?)));
    some_object(places.collect())
}

fn bytes_in_list(list: &Value) -> Option<Value> {
    let places = first_entries(list).filter_map(|(key, value)| {
        let bytes = bytes_in_any(value)?;
        Some((key.to_owned(), bytes))
    });
    some_object(places.collect())
}

fn bytes_in_any(value: &Value) -> Option<Value> {
    let (case, value) = value.as_object()?.iter().next()?;
    match case.as_str() {
        BYTES_CASE => Some(Value::Bool(true)),
        "arrayValue" => bytes_in_array(value),
        "kvlistValue" => bytes_in_list(value),
        _ => None,
    }
}

fn some_object(object: Map<String, Value>) -> Option<Value> {
    (!object.is_empty()).then_some(Value::Object(object))
}

/// One value as JSON. A text that is not of its type is shown as it is.
pub fn value_json(text: Option<&str>, kind: ValueType) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    let parsed =
        match kind {
            ValueType::Empty => Some(Value::Null),
            ValueType::String | ValueType::Bytes => None,
            ValueType::Bool => text.parse().ok().map(Value::Bool),
            ValueType::Int => text.parse().ok().map(integer_json),
            ValueType::Double => text.parse().ok().map(double_json),
            ValueType::Array | ValueType::KeyValueList => serde_json::from_str::<Value>(text)
                .ok()
                .map(|value| match kind {
                    ValueType::Array => array_json(&value),
                    _ => list_json(&value),
                }),
        };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A JSON number, or a string beyond 2^53.
pub fn integer_json(number: i64) -> Value {
    if number.unsigned_abs() <= MAX_SAFE_INTEGER {
        Value::Number(number.into())
    } else {
        Value::String(number.to_string())
    }
}

/// A JSON number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
pub fn double_json(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => Value::String("NaN".to_owned()),
        None if number > 0.0 => Value::String("Infinity".to_owned()),
        None => Value::String("-Infinity".to_owned()),
    }
}

/// OTLP JSON `ArrayValue` as a plain array.
fn array_json(array: &Value) -> Value {
    Value::Array(members(array).map(any_json).collect())
}

/// OTLP JSON `KeyValueList` as a plain object.
fn list_json(list: &Value) -> Value {
    let entries = first_entries(list).map(|(key, value)| (key.to_owned(), any_json(value)));
    Value::Object(entries.collect())
}

/// The entries that an object can have: where a key was sent twice the first one, as of attributes.
fn first_entries(list: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let mut seen = HashSet::new();
    members(list)
        .map(|entry| {
            let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
            (key, entry.get("value").unwrap_or(&Value::Null))
        })
        .filter(move |(key, _)| seen.insert(*key))
}

fn members(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// OTLP JSON `AnyValue` as plain JSON. Its depth is bounded by serde_json's.
fn any_json(value: &Value) -> Value {
    let Some((case, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    match case.as_str() {
        "intValue" => value
            .as_i64()
            .or_else(|| value.as_str()?.parse().ok())
            .map_or_else(|| value.clone(), integer_json),
        "arrayValue" => array_json(value),
        "kvlistValue" => list_json(value),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_their_own_json_types() {
        let cases = [
            ("x", ValueType::String, json!("x")),
            ("true", ValueType::Bool, json!(true)),
            ("-42", ValueType::Int, json!(-42)),
            (
                "9007199254740993",
                ValueType::Int,
                json!("9007199254740993"),
            ),
            ("0.5", ValueType::Double, json!(0.5)),
            ("NaN", ValueType::Double, json!("NaN")),
            ("-Infinity", ValueType::Double, json!("-Infinity")),
            ("AAE=", ValueType::Bytes, json!("AAE=")),
            (
                r#"{"values":[{"intValue":"1"},{"stringValue":"a"},{"arrayValue":{"values":[]}},{}]}"#,
                ValueType::Array,
                json!([1, "a", [], null]),
            ),
            (
                r#"{"values":[{"key":"k","value":{"boolValue":true}},{"key":"n"}]}"#,
                ValueType::KeyValueList,
                json!({"k": true, "n": null}),
            ),
            (
                r#"{"values":[{"key":"k","value":{"intValue":"1"}},{"key":"l"},{"key":"k","value":{"kvlistValue":{}}},
                    {"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"2"}},{"key":"k"}]}}}]}"#,
                ValueType::KeyValueList,
                json!({"k": 1, "l": null, "m": {"k": 2}}),
            ),
            ("not a number", ValueType::Int, json!("not a number")),
        ];
        for (text, kind, expected) in cases {
            assert_eq!(value_json(Some(text), kind), expected, "{text}");
        }
        assert_eq!(value_json(None, ValueType::Empty), Value::Null);
    }

    #[test]
    fn bytes_are_told_from_texts_that_look_like_them_at_any_depth() {
        let nested = r#"{"values":[{"stringValue":"AAE="},{"bytesValue":"AAE="},
            {"kvlistValue":{"values":[{"key":"raw","value":{"bytesValue":""}},{"key":"bytesValue","value":{"intValue":"1"}}]}},
            {"arrayValue":{"values":[{"stringValue":"bytesValue"}]}},{}]}"#;
        let twice = r#"{"values":[{"key":"k","value":{"bytesValue":"AA=="}},{"key":"k","value":{"stringValue":"AA=="}},
            {"key":"l","value":{"stringValue":""}},{"key":"l","value":{"bytesValue":"AA=="}}]}"#;
        let cases = [
            ("AAE=", ValueType::Bytes, Some(json!(true))),
            ("", ValueType::Bytes, Some(json!(true))),
            ("AAE=", ValueType::String, None),
            (nested, ValueType::String, None),
            (
                nested,
                ValueType::Array,
                Some(json!({"1": true, "2": {"raw": true}})),
            ),
            (twice, ValueType::KeyValueList, Some(json!({"k": true}))),
            (r#"{"values":[]}"#, ValueType::Array, None),
            (r#"{"bytesValue":"#, ValueType::Array, None),
        ];
        for (text, kind, expected) in cases {
            assert_eq!(bytes_in_value(Some(text), kind), expected, "{text}");
            if let Some(Value::Object(places)) = expected {
                let shown = value_json(Some(text), kind);
                for place in places.keys() {
                    assert!(shown.pointer(&format!("/{place}")).is_some(), "{place}");
                }
            }
        }
        assert_eq!(bytes_in_value(None, ValueType::Bytes), None);
    }
}

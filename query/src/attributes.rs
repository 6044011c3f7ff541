//! Attributes as the API shows them: plain JSON in the order in which they were sent.
//!
//! Integers beyond 2^53 are strings (JavaScript would round them), and so are `NaN` and infinities,
//! which JSON has no number for.

use arrow::array::{Array, AsArray, MapArray, StringArray};
use serde_json::{Map, Number, Value};
use spoor_storage::ValueType;

/// Integers up to this size are the same number in JavaScript.
const MAX_SAFE_INTEGER: u64 = 1 << 53;

/// The attributes of `row` as a JSON object, typed by the letters of `types`. Where a key was
/// sent twice the first one is shown, as everywhere.
pub fn attributes_json(map: &MapArray, types: &StringArray, row: usize) -> Value {
    let mut object = Map::new();
    if map.is_null(row) {
        return Value::Object(object);
    }
    let entries = map.value(row);
    let (Some(keys), Some(values)) = (
        entries.column(0).as_string_opt::<i32>(),
        entries.column(1).as_string_opt::<i32>(),
    ) else {
        return Value::Object(object);
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
        object
            .entry(keys.value(entry))
            .or_insert_with(|| value_json(text, kind));
    }
    Value::Object(object)
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
    let entries = members(list).map(|entry| {
        let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
        (
            key.to_owned(),
            any_json(entry.get("value").unwrap_or(&Value::Null)),
        )
    });
    Value::Object(entries.collect())
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
            ("not a number", ValueType::Int, json!("not a number")),
        ];
        for (text, kind, expected) in cases {
            assert_eq!(value_json(Some(text), kind), expected, "{text}");
        }
        assert_eq!(value_json(None, ValueType::Empty), Value::Null);
    }
}

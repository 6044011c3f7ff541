//! JSON values as OTLP values.

use serde_json::{Number, Value};

use crate::decode::MAX_VALUE_DEPTH;
use crate::proto_writer as wire;

/// Appends a `KeyValue` field with number `number`.
pub(super) fn write_attribute(out: &mut Vec<u8>, number: u32, key: &str, value: &Value) {
    wire::message(out, number, |out| {
        wire::bytes(out, 1, key.as_bytes());
        wire::message(out, 2, |out| write_any_value(out, value, 1));
    });
}

/// As [`write_attribute`], for a text.
pub(super) fn write_string_attribute(out: &mut Vec<u8>, number: u32, key: &str, value: &str) {
    wire::message(out, number, |out| {
        wire::bytes(out, 1, key.as_bytes());
        wire::message(out, 2, |out| wire::bytes_always(out, 1, value.as_bytes()));
    });
}

/// Appends the fields of an `AnyValue`. What lies too deep to be a value is its JSON text.
pub(super) fn write_any_value(out: &mut Vec<u8>, value: &Value, depth: u32) {
    match value {
        Value::Null => {}
        Value::Bool(value) => wire::varint_always(out, 2, u64::from(*value)),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => wire::bytes_always(out, 1, text.as_bytes()),
        Value::Array(_) | Value::Object(_) if depth >= MAX_VALUE_DEPTH => {
            wire::bytes_always(out, 1, value.to_string().as_bytes());
        }
        Value::Array(items) => wire::message(out, 5, |out| {
            for item in items {
                wire::message(out, 1, |out| write_any_value(out, item, depth + 1));
            }
        }),
        Value::Object(entries) => wire::message(out, 6, |out| {
            for (key, value) in entries {
                wire::message(out, 1, |out| {
                    wire::bytes(out, 1, key.as_bytes());
                    wire::message(out, 2, |out| write_any_value(out, value, depth + 1));
                });
            }
        }),
    }
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    if let Some(value) = number.as_i64() {
        wire::varint_always(out, 3, value.cast_unsigned());
    } else if number.is_u64() {
        wire::bytes_always(out, 1, number.to_string().as_bytes());
    } else if let Some(value) = number.as_f64() {
        wire::fixed64_always(out, 4, value.to_bits());
    }
}

//! Values of query results as JSON and CSV text, written into one buffer without values between.
//!
//! Times are RFC 3339 with nanoseconds, binary is lower-case hex, lists, structs and maps are
//! JSON, integers beyond 2^53 are strings in JSON.

use std::fmt::Write as _;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;

use crate::attributes::double_json;
use crate::parameters::format_time;

const MAX_SAFE_INTEGER: u64 = 1 << 53;

/// Appends the value at `row` as JSON.
pub(crate) fn write_json(out: &mut String, array: &dyn Array, row: usize) {
    if array.is_null(row) || matches!(array.data_type(), DataType::Null) {
        out.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::Boolean => {
            out.push_str(if array.as_boolean().value(row) {
                "true"
            } else {
                "false"
            });
        }
        DataType::Float32 => {
            write_float(
                out,
                f64::from(array.as_primitive::<Float32Type>().value(row)),
            );
        }
        DataType::Float64 => write_float(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Map(..) => write_map(out, array, row),
        DataType::Struct(fields) => {
            out.push('{');
            let columns = array.as_struct().columns();
            for (place, (field, column)) in fields.iter().zip(columns).enumerate() {
                separate(out, place);
                write_string(out, field.name());
                out.push(':');
                write_json(out, column, row);
            }
            out.push('}');
        }
        DataType::List(_) => write_list(out, &array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => write_list(out, &array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => write_list(out, &array.as_fixed_size_list().value(row)),
        kind => match integer(array, kind, row) {
            Some(number) if number.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER) => {
                push_fmt(out, format_args!("{number}"));
            }
            Some(number) => push_fmt(out, format_args!("\"{number}\"")),
            None => with_text(array, row, |text| write_string(out, text)),
        },
    }
}

/// Appends the value at `row` as a CSV field (RFC 4180); null is empty.
pub(crate) fn write_csv(out: &mut String, array: &dyn Array, row: usize) {
    if array.is_null(row) {
        return;
    }
    match array.data_type() {
        kind if kind.is_nested() => {
            let mut json = String::new();
            write_json(&mut json, array, row);
            write_csv_text(out, &json);
        }
        kind if kind.is_integer() => {
            if let Some(number) = integer(array, kind, row) {
                push_fmt(out, format_args!("{number}"));
            }
        }
        _ => with_text(array, row, |text| write_csv_text(out, text)),
    }
}

/// Appends a CSV field, in quotes if it must be.
pub(crate) fn write_csv_text(out: &mut String, text: &str) {
    if text.contains(['"', ',', '\n', '\r']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// Appends a JSON string.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        // Only ASCII is escaped, so both ends are at character borders.
        out.push_str(text.get(plain_from..at).unwrap_or_default());
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => push_fmt(out, format_args!("\\u{other:04x}")),
        }
        plain_from = at + 1;
    }
    out.push_str(text.get(plain_from..).unwrap_or_default());
    out.push('"');
}

fn separate(out: &mut String, place: usize) {
    if place > 0 {
        out.push(',');
    }
}

fn push_fmt(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail; the Result is only there for other writers.
    if out.write_fmt(text).is_err() {
        out.push('?');
    }
}

fn write_float(out: &mut String, number: f64) {
    push_fmt(out, format_args!("{}", double_json(number)));
}

fn write_list(out: &mut String, items: &dyn Array) {
    out.push('[');
    for item in 0..items.len() {
        separate(out, item);
        write_json(out, items, item);
    }
    out.push(']');
}

/// An object; of a key that is there twice the first is shown, as everywhere.
fn write_map(out: &mut String, array: &dyn Array, row: usize) {
    let entries = array.as_map().value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    out.push('{');
    let mut written = 0;
    for entry in 0..entries.len() {
        let twice = keys
            .as_string_opt::<i32>()
            .is_some_and(|keys| (0..entry).any(|before| keys.value(before) == keys.value(entry)));
        if twice {
            continue;
        }
        separate(out, written);
        with_text(keys, entry, |key| write_string(out, key));
        out.push(':');
        write_json(out, values, entry);
        written += 1;
    }
    out.push('}');
}

fn integer(array: &dyn Array, kind: &DataType, row: usize) -> Option<i128> {
    Some(match kind {
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        _ => return None,
    })
}

/// Calls `then` with the value as text.
fn with_text(array: &dyn Array, row: usize, then: impl FnOnce(&str)) {
    match array.data_type() {
        DataType::Utf8 => then(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => then(array.as_string::<i64>().value(row)),
        DataType::Utf8View => then(array.as_string_view().value(row)),
        DataType::Binary => then(&hex::encode(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => then(&hex::encode(array.as_binary::<i64>().value(row))),
        DataType::BinaryView => then(&hex::encode(array.as_binary_view().value(row))),
        DataType::FixedSizeBinary(_) => {
            then(&hex::encode(array.as_fixed_size_binary().value(row)));
        }
        DataType::Timestamp(unit, _) => match timestamp_ns(array, *unit, row) {
            Some(time_ns) => then(&format_time(time_ns)),
            // Beyond what 64 bits of nanoseconds hold.
            None => then(&array_value_to_string(array, row).unwrap_or_default()),
        },
        _ => then(&array_value_to_string(array, row).unwrap_or_default()),
    }
}

fn timestamp_ns(array: &dyn Array, unit: TimeUnit, row: usize) -> Option<i64> {
    match unit {
        TimeUnit::Nanosecond => Some(array.as_primitive::<TimestampNanosecondType>().value(row)),
        TimeUnit::Microsecond => array
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .checked_mul(1_000),
        TimeUnit::Millisecond => array
            .as_primitive::<TimestampMillisecondType>()
            .value(row)
            .checked_mul(1_000_000),
        TimeUnit::Second => array
            .as_primitive::<TimestampSecondType>()
            .value(row)
            .checked_mul(1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BinaryArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray,
    };

    use super::*;

    fn json(array: &dyn Array) -> String {
        let mut out = String::new();
        write_list(&mut out, array);
        out
    }

    #[test]
    fn json_values_read_back() {
        let text = "a\"b\\c\nd\u{1}ü";
        assert_eq!(
            serde_json::from_str::<Vec<String>>(&json(&StringArray::from(vec![text]))).unwrap(),
            [text]
        );
        assert_eq!(
            json(&Int64Array::from(vec![Some(1), None, Some(i64::MAX)])),
            "[1,null,\"9223372036854775807\"]"
        );
        assert_eq!(
            json(&Float64Array::from(vec![0.5, f64::NAN])),
            "[0.5,\"NaN\"]"
        );
        assert_eq!(
            json(&BinaryArray::from(vec![&[0xAB_u8, 1][..]])),
            "[\"ab01\"]"
        );
        assert_eq!(
            json(&TimestampNanosecondArray::from(vec![1])),
            "[\"1970-01-01T00:00:00.000000001Z\"]"
        );
    }

    #[test]
    fn csv_quotes_what_it_must() {
        let mut out = String::new();
        let texts = StringArray::from(vec!["plain", "a,b", "say \"hi\"\n"]);
        for row in 0..3 {
            write_csv(&mut out, &texts, row);
            out.push('|');
        }
        assert_eq!(out, "plain|\"a,b\"|\"say \"\"hi\"\"\n\"|");
    }
}

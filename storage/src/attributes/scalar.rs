//! Typed columns and the texts of the canonical form: only texts that come back the same are typed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use crate::error::{Error, Result};
use crate::model::{ValueType, write_double};

/// What a promoted column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// Strings.
    Text,
    /// Booleans.
    Bool,
    /// 64-bit integers.
    Int,
    /// 64-bit floats.
    Double,
}

impl ColumnKind {
    /// The kind of column for values of a type letter; `None` for types that stay in the map.
    pub(crate) fn of_letter(letter: u8) -> Option<Self> {
        match ValueType::from_letter(letter)? {
            ValueType::String => Some(Self::Text),
            ValueType::Bool => Some(Self::Bool),
            ValueType::Int => Some(Self::Int),
            ValueType::Double => Some(Self::Double),
            ValueType::Bytes | ValueType::Array | ValueType::KeyValueList | ValueType::Empty => {
                None
            }
        }
    }

    /// The kind of a column of an Arrow type.
    pub(crate) fn of_type(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 => Some(Self::Text),
            DataType::Boolean => Some(Self::Bool),
            DataType::Int64 => Some(Self::Int),
            DataType::Float64 => Some(Self::Double),
            _ => None,
        }
    }

    /// The letter of its values.
    pub(crate) fn letter(self) -> u8 {
        match self {
            Self::Text => ValueType::String as u8,
            Self::Bool => ValueType::Bool as u8,
            Self::Int => ValueType::Int as u8,
            Self::Double => ValueType::Double as u8,
        }
    }

    /// The Arrow type of its column.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Double => DataType::Float64,
        }
    }
}

/// The integer that has exactly this text.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let canonical = match digits {
        [] => false,
        [b'0'] => text.len() == 1,
        [first, ..] => matches!(first, b'1'..=b'9'),
    };
    if canonical { text.parse().ok() } else { None }
}

/// The boolean that has exactly this text.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The double that has exactly this text.
pub(super) fn parse_double(text: &str, scratch: &mut Vec<u8>) -> Option<f64> {
    let value = match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => text.parse().ok()?,
    };
    scratch.clear();
    write_double(scratch, value);
    (scratch.as_slice() == text.as_bytes()).then_some(value)
}

/// The texts of a promoted column, as the canonical form has them.
pub fn text_of(column: &ArrayRef) -> Result<ArrayRef> {
    match ColumnKind::of_type(column.data_type()) {
        Some(ColumnKind::Text) => Ok(Arc::clone(column)),
        Some(ColumnKind::Bool | ColumnKind::Int) => Ok(cast(column, &DataType::Utf8)?),
        Some(ColumnKind::Double) => Ok(Arc::new(double_texts(column))),
        None => Err(Error::internal(format!(
            "a column of {} has no attribute texts",
            column.data_type()
        ))),
    }
}

fn double_texts(column: &ArrayRef) -> StringArray {
    let doubles = column.as_primitive::<Float64Type>();
    let mut texts = StringBuilder::with_capacity(doubles.len(), doubles.len() * 8);
    let mut scratch = Vec::new();
    for value in doubles {
        let text = value.and_then(|value| {
            scratch.clear();
            write_double(&mut scratch, value);
            std::str::from_utf8(&scratch).ok()
        });
        texts.append_option(text);
    }
    texts.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_come_back_the_same_are_numbers() {
        for text in [
            "0",
            "7",
            "-7",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            assert_eq!(
                parse_int(text).map(|n| n.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "",
            "-",
            "-0",
            "+1",
            "01",
            "1.0",
            " 1",
            "9223372036854775808",
        ] {
            assert_eq!(parse_int(text), None, "{text}");
        }
        let mut scratch = Vec::new();
        for text in [
            "0",
            "-0",
            "0.5",
            "1e-7",
            "-1.5e300",
            "NaN",
            "Infinity",
            "-Infinity",
        ] {
            assert!(parse_double(text, &mut scratch).is_some(), "{text}");
        }
        for text in ["", "0.0", "0.50", "1e5", "inf", "nan", "infinity", "-NaN"] {
            assert!(parse_double(text, &mut scratch).is_none(), "{text}");
        }
        let zero = parse_double("-0", &mut scratch).unwrap();
        assert_eq!(zero.to_bits(), (-0.0_f64).to_bits());
    }
}

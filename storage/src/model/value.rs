//! Attribute values: text in a map, with one type letter an entry beside it.

use std::io::Write;

/// The OTLP `AnyValue` case of an attribute value, as one ASCII letter.
///
/// | letter | case | text in the map |
/// |---|---|---|
/// | `s` | string | itself |
/// | `b` | bool | `true`, `false` |
/// | `i` | int | decimal |
/// | `d` | double | shortest form that reads back the same; `NaN`, `Infinity`, `-Infinity` |
/// | `x` | bytes | base64 (RFC 4648, padded) |
/// | `a` | array | OTLP JSON of the `ArrayValue`: `{"values":[…]}` |
/// | `m` | key-value list | OTLP JSON of the `KeyValueList`: `{"values":[…]}` |
/// | `n` | empty | null |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// A string.
    String = b's',
    /// A boolean.
    Bool = b'b',
    /// A signed 64-bit integer.
    Int = b'i',
    /// A 64-bit float.
    Double = b'd',
    /// Bytes.
    Bytes = b'x',
    /// A list of values.
    Array = b'a',
    /// A list of key-value pairs.
    KeyValueList = b'm',
    /// No value at all.
    Empty = b'n',
}

impl ValueType {
    /// The type a letter stands for.
    pub fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b's' => Self::String,
            b'b' => Self::Bool,
            b'i' => Self::Int,
            b'd' => Self::Double,
            b'x' => Self::Bytes,
            b'a' => Self::Array,
            b'm' => Self::KeyValueList,
            b'n' => Self::Empty,
            _ => return None,
        })
    }

    /// Its letter.
    pub fn letter(self) -> char {
        char::from(self as u8)
    }

    /// Its word in the API: `string`, `bool`, `int`, `double`, `bytes`, `array`, `kvlist`, `empty`.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::KeyValueList => "kvlist",
            Self::Empty => "empty",
        }
    }
}

/// Appends the text of a double: the shortest digits that read back the same, with an exponent
/// where plain digits would be long.
pub fn write_double(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    let written = if value.is_nan() {
        out.write_all(b"NaN")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 {
            b"Infinity"
        } else {
            b"-Infinity"
        })
    } else if magnitude == 0.0 || (1e-5..1e16).contains(&magnitude) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
    debug_assert!(written.is_ok(), "writing to a `Vec` cannot fail");
}

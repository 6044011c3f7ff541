//! JSON scalars as protobuf's JSON mapping allows them; `null` is the default value everywhere.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Reads a type by a visitor that takes any scalar.
macro_rules! scalar {
    ($name:ty, $visitor:ident, $expecting:expr, $($method:item)*) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                source.deserialize_any($visitor)
            }
        }

        struct $visitor;

        impl<'de> Visitor<'de> for $visitor {
            type Value = $name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Self::Value::default())
            }

            $($method)*
        }
    };
}

/// A string, borrowed from the request if it has no escapes.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// Floats that are whole numbers count as integers up to here, where doubles get gaps.
const MAX_EXACT_DOUBLE: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
fn whole<E: Error>(value: f64) -> Result<i64, E> {
    if value.fract() == 0.0 && value.abs() <= MAX_EXACT_DOUBLE {
        Ok(value as i64)
    } else {
        Err(E::invalid_value(
            Unexpected::Float(value),
            &"a whole number",
        ))
    }
}

fn wrong<E: Error>(text: &str, expected: &str) -> E {
    E::invalid_value(Unexpected::Str(text), &expected)
}

/// `uint64`, `fixed64`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct U64(pub(super) u64);

scalar! { U64, U64Visitor, "an unsigned 64-bit integer, as a number or a string",
    fn visit_u64<E: Error>(self, value: u64) -> Result<U64, E> {
        Ok(U64(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<U64, E> {
        u64::try_from(value).map(U64).map_err(|_| {
            E::invalid_value(Unexpected::Signed(value), &self)
        })
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<U64, E> {
        self.visit_i64(whole(value)?)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<U64, E> {
        text.trim().parse().map(U64).map_err(|_| wrong(text, "an unsigned 64-bit integer"))
    }
}

/// `int64`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct I64(pub(super) i64);

scalar! { I64, I64Visitor, "a 64-bit integer, as a number or a string",
    fn visit_u64<E: Error>(self, value: u64) -> Result<I64, E> {
        i64::try_from(value).map(I64).map_err(|_| {
            E::invalid_value(Unexpected::Unsigned(value), &self)
        })
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<I64, E> {
        Ok(I64(value))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<I64, E> {
        whole(value).map(I64)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<I64, E> {
        text.trim().parse().map(I64).map_err(|_| wrong(text, "a 64-bit integer"))
    }
}

/// `uint32`, `fixed32`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct U32(pub(super) u32);

impl<'de> Deserialize<'de> for U32 {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let U64(value) = U64::deserialize(source)?;
        u32::try_from(value).map(Self).map_err(|_| {
            D::Error::invalid_value(Unexpected::Unsigned(value), &"an unsigned 32-bit integer")
        })
    }
}

/// `double`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct F64(pub(super) f64);

scalar! { F64, F64Visitor, "a number, or `NaN`, `Infinity` or `-Infinity`",
    fn visit_u64<E: Error>(self, value: u64) -> Result<F64, E> {
        Ok(F64(value as f64))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<F64, E> {
        Ok(F64(value as f64))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<F64, E> {
        Ok(F64(value))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<F64, E> {
        // Rust reads `NaN`, `Infinity` and `-Infinity` as protobuf writes them.
        text.trim().parse().map(F64).map_err(|_| wrong(text, "a number"))
    }
}

/// `bool`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Bool(pub(super) bool);

scalar! { Bool, BoolVisitor, "a boolean",
    fn visit_bool<E: Error>(self, value: bool) -> Result<Bool, E> {
        Ok(Bool(value))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Bool, E> {
        text.parse().map(Bool).map_err(|_| wrong(text, "a boolean"))
    }
}

/// `bytes`, as base64 of either alphabet, padded or not.
#[derive(Debug, Default)]
pub(super) struct Base64(pub(super) Vec<u8>);

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

scalar! { Base64, Base64Visitor, "bytes as base64",
    fn visit_str<E: Error>(self, text: &str) -> Result<Base64, E> {
        let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
        decoded.map(Base64).map_err(|_| wrong(text, "base64"))
    }
}

/// A trace or span id as hex. What is not hex, or too long, becomes one byte: no id has that
/// length, so the record is treated as one with a wrong id.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Id {
    bytes: [u8; 16],
    length: usize,
}

impl Id {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

const WRONG_ID: Id = Id {
    bytes: [0xff; 16],
    length: 1,
};

scalar! { Id, IdVisitor, "an id as hexadecimal digits",
    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        let mut id = Id { bytes: [0; 16], length: text.len() / 2 };
        let decoded = id.bytes.get_mut(..id.length).map(|room| hex::decode_to_slice(text, room));
        Ok(match decoded {
            Some(Ok(())) => id,
            _ => WRONG_ID,
        })
    }
}

/// An enum's number, from the number or the name.
macro_rules! json_enum {
    ($name:ident, $visitor:ident, $prefix:literal, [$($word:literal = $number:literal),* $(,)?]) => {
        #[doc = concat!("The number of a `", $prefix, "…` name.")]
        #[derive(Debug, Default, Clone, Copy)]
        pub(super) struct $name(pub(super) i32);

        scalar! { $name, $visitor, concat!("a number or a name that begins with `", $prefix, "`"),
            fn visit_i64<E: Error>(self, value: i64) -> Result<$name, E> {
                i32::try_from(value).map($name).map_err(|_| {
                    E::invalid_value(Unexpected::Signed(value), &self)
                })
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<$name, E> {
                self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<$name, E> {
                self.visit_i64(whole(value)?)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                match text.strip_prefix($prefix).unwrap_or(text) {
                    $($word => Ok($name($number)),)*
                    other => other.parse().map($name).map_err(|_| {
                        E::invalid_value(Unexpected::Str(text), &self)
                    }),
                }
            }
        }
    };
}

json_enum! { SpanKind, SpanKindVisitor, "SPAN_KIND_", [
    "UNSPECIFIED" = 0, "INTERNAL" = 1, "SERVER" = 2, "CLIENT" = 3, "PRODUCER" = 4, "CONSUMER" = 5,
]}

json_enum! { StatusCode, StatusCodeVisitor, "STATUS_CODE_", [
    "UNSET" = 0, "OK" = 1, "ERROR" = 2,
]}

json_enum! { SeverityNumber, SeverityNumberVisitor, "SEVERITY_NUMBER_", [
    "UNSPECIFIED" = 0,
    "TRACE" = 1, "TRACE2" = 2, "TRACE3" = 3, "TRACE4" = 4,
    "DEBUG" = 5, "DEBUG2" = 6, "DEBUG3" = 7, "DEBUG4" = 8,
    "INFO" = 9, "INFO2" = 10, "INFO3" = 11, "INFO4" = 12,
    "WARN" = 13, "WARN2" = 14, "WARN3" = 15, "WARN4" = 16,
    "ERROR" = 17, "ERROR2" = 18, "ERROR3" = 19, "ERROR4" = 20,
    "FATAL" = 21, "FATAL2" = 22, "FATAL3" = 23, "FATAL4" = 24,
]}

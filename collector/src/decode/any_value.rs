//! OTLP's `AnyValue` from the wire to text.
//!
//! Scalars become the text that [`spoor_storage::ValueType`] describes. Arrays and key-value lists
//! become JSON: OTLP's own mapping (`{"values":[{"intValue":"1"}]}`), which keeps every type, for
//! attributes; plain JSON (`{"a":1}`) for log bodies, which people read.
//!
//! What plain JSON cannot give back exactly: bytes inside it are base64 strings and `NaN`,
//! `Infinity` and `-Infinity` are strings. All else comes back as it was: integers are written
//! without and doubles always with a point or exponent, keys keep their order and duplicates.
//!
//! Of a `oneof` or value that is sent twice the last one counts; real encoders send one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::columns::{TextColumn, extend_lossy};
use super::wire::{Field, Reader, WireError};

/// How deep values may lie in values. Deeper ones get their record rejected. Such a value as OTLP
/// JSON is four JSON levels for each of these, and common JSON readers stop at 128.
pub(crate) const MAX_VALUE_DEPTH: u32 = 24;

/// What was noticed while a record was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Some text was not UTF-8 and was repaired.
    pub(crate) invalid_utf8: bool,
    /// A value lies deeper than [`MAX_VALUE_DEPTH`].
    pub(crate) too_deep: bool,
}

impl Notes {
    pub(crate) fn merge(&mut self, other: Self) {
        self.invalid_utf8 |= other.invalid_utf8;
        self.too_deep |= other.too_deep;
    }
}

/// Which JSON nested values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonStyle {
    /// OTLP's JSON mapping of the message.
    Otlp,
    /// What a person would write.
    Plain,
}

/// The `AnyValue` cases of OTLP by field number.
mod case {
    pub(super) const STRING: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const DOUBLE: u32 = 4;
    pub(super) const ARRAY: u32 = 5;
    pub(super) const KVLIST: u32 = 6;
    pub(super) const BYTES: u32 = 7;
}

type Result<T> = std::result::Result<T, WireError>;

/// The set case of an `AnyValue`; `None` if it holds none that we know.
#[inline]
pub(crate) fn set_case(mut value: Reader<'_>) -> Result<Option<Field<'_>>> {
    let mut last = None;
    while let Some(field) = value.next()? {
        if matches!(field.number, case::STRING..=case::BYTES) {
            last = Some(field);
        }
    }
    Ok(last)
}

/// Whether it is a key-value list, and then its message.
pub(crate) fn as_kvlist<'a>(field: &Field<'a>) -> Result<Option<Reader<'a>>> {
    if field.number == case::KVLIST {
        field.message().map(Some)
    } else {
        Ok(None)
    }
}

/// The text of a string value.
pub(crate) fn as_string<'a>(field: &Field<'a>) -> Result<Option<&'a [u8]>> {
    if field.number == case::STRING {
        field.bytes().map(Some)
    } else {
        Ok(None)
    }
}

/// Pushes the value as one text and returns its type letter.
#[inline]
pub(crate) fn push_value(
    out: &mut TextColumn,
    field: Option<Field<'_>>,
    style: JsonStyle,
    depth: u32,
    notes: &mut Notes,
) -> Result<u8> {
    let Some(field) = field else {
        out.push_null();
        return Ok(b'n');
    };
    let bytes = out.open_value();
    let letter = match field.number {
        case::STRING => {
            notes.invalid_utf8 |= extend_lossy(bytes, field.bytes()?);
            b's'
        }
        case::BOOL => {
            bytes.extend_from_slice(bool_text(&field)?);
            b'b'
        }
        case::INT => {
            push_int(bytes, field.varint()?.cast_signed());
            b'i'
        }
        case::DOUBLE => {
            push_double(bytes, f64::from_bits(field.fixed64()?));
            b'd'
        }
        case::ARRAY => {
            write_array(bytes, field.message()?, style, depth, notes)?;
            b'a'
        }
        case::KVLIST => {
            write_kvlist(bytes, field.message()?, style, depth, notes)?;
            b'm'
        }
        _ => {
            push_base64(bytes, field.bytes()?);
            b'x'
        }
    };
    out.end_value();
    Ok(letter)
}

fn bool_text(field: &Field<'_>) -> Result<&'static [u8]> {
    Ok(if field.varint()? != 0 {
        b"true"
    } else {
        b"false"
    })
}

#[inline]
pub(crate) fn push_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Shortest digits that read back the same, with an exponent where plain digits would be long.
pub(crate) fn push_double(out: &mut Vec<u8>, value: f64) {
    spoor_storage::model::write_double(out, value);
}

fn push_base64(out: &mut Vec<u8>, raw: &[u8]) {
    let start = out.len();
    out.resize(start + raw.len().div_ceil(3) * 4, 0);
    if let Some(room) = out.get_mut(start..) {
        let written = STANDARD.encode_slice(raw, room).unwrap_or(0);
        out.truncate(start + written);
    }
}

/// Writes `raw` as a JSON string; what is not UTF-8 becomes U+FFFD.
pub(crate) fn write_json_string(out: &mut Vec<u8>, raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    let written = serde_json::to_writer(out, text.as_ref());
    debug_assert!(written.is_ok(), "writing a string to a `Vec` cannot fail");
    matches!(text, std::borrow::Cow::Owned(_))
}

/// Finite doubles always get a point or an exponent, so that they can be told from integers.
pub(crate) fn write_json_double(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        let written = serde_json::to_writer(out, &value);
        debug_assert!(written.is_ok(), "writing a number to a `Vec` cannot fail");
    } else {
        out.push(b'"');
        push_double(out, value);
        out.push(b'"');
    }
}

/// The JSON of an array: of an `ArrayValue` message in OTLP's style, else `[…]`.
pub(crate) fn write_array(
    out: &mut Vec<u8>,
    mut array: Reader<'_>,
    style: JsonStyle,
    depth: u32,
    notes: &mut Notes,
) -> Result<()> {
    if depth >= MAX_VALUE_DEPTH {
        notes.too_deep = true;
    }
    if style == JsonStyle::Otlp {
        out.extend_from_slice(b"{\"values\":");
    }
    out.push(b'[');
    let mut first = true;
    while let Some(field) = array.next()? {
        if field.number != 1 || notes.too_deep {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        write_value(out, set_case(field.message()?)?, style, depth + 1, notes)?;
    }
    out.push(b']');
    if style == JsonStyle::Otlp {
        out.push(b'}');
    }
    Ok(())
}

/// The JSON of a key-value list: of a `KeyValueList` message in OTLP's style, else `{…}`.
pub(crate) fn write_kvlist(
    out: &mut Vec<u8>,
    mut list: Reader<'_>,
    style: JsonStyle,
    depth: u32,
    notes: &mut Notes,
) -> Result<()> {
    if depth >= MAX_VALUE_DEPTH {
        notes.too_deep = true;
    }
    out.extend_from_slice(match style {
        JsonStyle::Otlp => b"{\"values\":[",
        JsonStyle::Plain => b"{",
    });
    let mut first = true;
    while let Some(field) = list.next()? {
        if field.number != 1 || notes.too_deep {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let entry = KeyValue::read(field.message()?)?;
        if style == JsonStyle::Otlp {
            out.extend_from_slice(b"{\"key\":");
        }
        notes.invalid_utf8 |= write_json_string(out, entry.key);
        if style == JsonStyle::Plain {
            out.push(b':');
            write_value(out, entry.value, style, depth + 1, notes)?;
        } else {
            out.extend_from_slice(b",\"value\":");
            write_value(out, entry.value, style, depth + 1, notes)?;
            out.push(b'}');
        }
    }
    out.extend_from_slice(match style {
        JsonStyle::Otlp => b"]}",
        JsonStyle::Plain => b"}",
    });
    Ok(())
}

fn write_value(
    out: &mut Vec<u8>,
    field: Option<Field<'_>>,
    style: JsonStyle,
    depth: u32,
    notes: &mut Notes,
) -> Result<()> {
    match style {
        JsonStyle::Otlp => write_otlp_value(out, field, depth, notes),
        JsonStyle::Plain => write_plain_value(out, field, depth, notes),
    }
}

fn write_otlp_value(
    out: &mut Vec<u8>,
    field: Option<Field<'_>>,
    depth: u32,
    notes: &mut Notes,
) -> Result<()> {
    let Some(field) = field else {
        out.extend_from_slice(b"{}");
        return Ok(());
    };
    match field.number {
        case::STRING => {
            out.extend_from_slice(b"{\"stringValue\":");
            notes.invalid_utf8 |= write_json_string(out, field.bytes()?);
        }
        case::BOOL => {
            out.extend_from_slice(b"{\"boolValue\":");
            out.extend_from_slice(bool_text(&field)?);
        }
        case::INT => {
            out.extend_from_slice(b"{\"intValue\":\"");
            push_int(out, field.varint()?.cast_signed());
            out.push(b'"');
        }
        case::DOUBLE => {
            out.extend_from_slice(b"{\"doubleValue\":");
            write_json_double(out, f64::from_bits(field.fixed64()?));
        }
        case::ARRAY => {
            out.extend_from_slice(b"{\"arrayValue\":");
            write_array(out, field.message()?, JsonStyle::Otlp, depth, notes)?;
        }
        case::KVLIST => {
            out.extend_from_slice(b"{\"kvlistValue\":");
            write_kvlist(out, field.message()?, JsonStyle::Otlp, depth, notes)?;
        }
        _ => {
            out.extend_from_slice(b"{\"bytesValue\":\"");
            push_base64(out, field.bytes()?);
            out.push(b'"');
        }
    }
    out.push(b'}');
    Ok(())
}

fn write_plain_value(
    out: &mut Vec<u8>,
    field: Option<Field<'_>>,
    depth: u32,
    notes: &mut Notes,
) -> Result<()> {
    let Some(field) = field else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    match field.number {
        case::STRING => notes.invalid_utf8 |= write_json_string(out, field.bytes()?),
        case::BOOL => out.extend_from_slice(bool_text(&field)?),
        case::INT => push_int(out, field.varint()?.cast_signed()),
        case::DOUBLE => write_json_double(out, f64::from_bits(field.fixed64()?)),
        case::ARRAY => write_array(out, field.message()?, JsonStyle::Plain, depth, notes)?,
        case::KVLIST => write_kvlist(out, field.message()?, JsonStyle::Plain, depth, notes)?,
        _ => {
            out.push(b'"');
            push_base64(out, field.bytes()?);
            out.push(b'"');
        }
    }
    Ok(())
}

/// A `KeyValue` message: its key's bytes and the set case of its value.
#[derive(Debug)]
pub(crate) struct KeyValue<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<Field<'a>>,
}

impl<'a> KeyValue<'a> {
    #[inline]
    pub(crate) fn read(mut message: Reader<'a>) -> Result<Self> {
        let mut found = Self {
            key: &[],
            value: None,
        };
        while let Some(field) = message.next()? {
            match field.number {
                1 => found.key = field.bytes()?,
                2 => found.value = set_case(field.message()?)?,
                _ => {}
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_read_back_the_same_and_stay_short() {
        let shown = |value: f64| {
            let mut out = Vec::new();
            push_double(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(637.704), "637.704");
        assert_eq!(shown(2.0), "2");
        assert_eq!(shown(-0.0), "-0");
        assert_eq!(shown(f64::NAN), "NaN");
        assert_eq!(shown(f64::NEG_INFINITY), "-Infinity");
        for value in [
            f64::MAX,
            f64::MIN_POSITIVE,
            1e16,
            1e15,
            1e-5,
            9.9e-6,
            0.1 + 0.2,
        ] {
            assert_eq!(
                shown(value).parse::<f64>().unwrap().to_bits(),
                value.to_bits()
            );
            assert!(shown(value).len() < 26, "{}", shown(value));
        }
    }

    #[test]
    fn json_doubles_can_be_told_from_integers() {
        for (value, text) in [(2.0, "2.0"), (1e300, "1e+300"), (f64::NAN, "\"NaN\"")] {
            let mut out = Vec::new();
            write_json_double(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}

//! Opens a structured log body into fields: `{"http":{"status":500}}` has `http.status` = 500.
//!
//! Only objects are opened (JSON text that is one, or a key-value list); the body itself is kept
//! whole beside them. Fields of objects in objects are joined with dots. What is beyond
//! [`MAX_FIELDS`] or [`MAX_OPEN_DEPTH`] is in the body only, or one field of type `m`. Values have
//! the types of [`spoor_storage::ValueType`]; arrays are OTLP JSON; integers that do not fit 64
//! bits are kept as text, so that no digit is lost.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};

use super::any_value::{
    JsonStyle, KeyValue, MAX_VALUE_DEPTH, Notes, as_kvlist, push_double, push_int, push_value,
    write_json_double, write_json_string,
};
use super::columns::{MapColumn, extend_lossy};
use super::wire::{Reader, WireError};

/// A body gives at most this many fields.
pub(crate) const MAX_FIELDS: usize = 256;

/// Objects deeper than this are one field.
pub(crate) const MAX_OPEN_DEPTH: usize = 16;

/// Longer JSON texts stay closed: their fields could take many times their size.
const MAX_OPEN_BYTES: usize = 1 << 20;

/// Adds the fields of a key-value list to the open row.
pub(crate) fn open_kvlist(
    map: &mut MapColumn,
    list: Reader<'_>,
    notes: &mut Notes,
) -> Result<(), WireError> {
    let limit = map.entries() + MAX_FIELDS;
    open_kvlist_at(map, list, &mut Vec::new(), 1, limit, notes)
}

fn open_kvlist_at(
    map: &mut MapColumn,
    mut list: Reader<'_>,
    path: &mut Vec<u8>,
    depth: usize,
    limit: usize,
    notes: &mut Notes,
) -> Result<(), WireError> {
    while let Some(field) = list.next()? {
        if field.number != 1 || map.entries() >= limit {
            continue;
        }
        let entry = KeyValue::read(field.message()?)?;
        let parent = push_key(path, entry.key, notes);
        let inner = entry.value.as_ref().map_or(Ok(None), as_kvlist)?;
        if let Some(inner) = inner.filter(|inner| depth < MAX_OPEN_DEPTH && inner.len() > 0) {
            open_kvlist_at(map, inner, path, depth + 1, limit, notes)?;
        } else {
            map.keys.push_lossy(path);
            let letter = push_value(&mut map.values, entry.value, JsonStyle::Otlp, 1, notes)?;
            map.end_entry(letter);
        }
        path.truncate(parent);
    }
    Ok(())
}

/// Extends a path by one key; returns the length to cut it back to.
fn push_key(path: &mut Vec<u8>, key: &[u8], notes: &mut Notes) -> usize {
    let parent = path.len();
    if parent > 0 {
        path.push(b'.');
    }
    notes.invalid_utf8 |= extend_lossy(path, key);
    parent
}

/// Adds the fields of `text` to the open row if it is a JSON object; adds nothing otherwise.
pub(crate) fn open_json_text(map: &mut MapColumn, text: &[u8]) {
    let trimmed = text.trim_ascii();
    let object = trimmed.starts_with(b"{") && trimmed.ends_with(b"}");
    if !object || trimmed.len() > MAX_OPEN_BYTES {
        return;
    }
    let before = map.entries();
    let mut opener = Opener {
        map,
        path: Vec::new(),
        limit: before + MAX_FIELDS,
    };
    let mut json = serde_json::Deserializer::from_slice(trimmed);
    let opened = json
        .deserialize_map(ObjectVisitor {
            opener: &mut opener,
            depth: 1,
        })
        .and_then(|()| json.end());
    if opened.is_err() {
        map.truncate_entries(before);
    }
}

/// Where the fields of a JSON text go.
struct Opener<'a> {
    map: &'a mut MapColumn,
    path: Vec<u8>,
    limit: usize,
}

impl Opener<'_> {
    fn push(&mut self, letter: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.map.keys.push_lossy(&self.path);
        if letter == b'n' {
            self.map.values.push_null();
        } else {
            write(self.map.values.open_value());
            self.map.values.end_value();
        }
        self.map.end_entry(letter);
    }
}

/// Reads an object's entries as fields below the opener's path.
struct ObjectVisitor<'a, 'm> {
    opener: &'a mut Opener<'m>,
    depth: usize,
}

impl<'de> Visitor<'de> for ObjectVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut empty = true;
        while let Some(key) = entries.next_key_seed(KeySeed {
            path: &mut self.opener.path,
        })? {
            empty = false;
            if self.opener.map.entries() >= self.opener.limit {
                entries.next_value::<serde::de::IgnoredAny>()?;
            } else {
                let opener = &mut *self.opener;
                entries.next_value_seed(FieldSeed {
                    opener,
                    depth: self.depth,
                })?;
            }
            self.opener.path.truncate(key);
        }
        if empty && self.depth > 1 {
            self.opener
                .push(b'm', |out| out.extend_from_slice(b"{\"values\":[]}"));
        }
        Ok(())
    }
}

/// Appends a key to the path and gives the length to cut it back to.
struct KeySeed<'a> {
    path: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = usize;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<usize, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        Ok(push_key(self.path, key.as_bytes(), &mut Notes::default()))
    }
}

/// Reads one value as the field at the opener's path.
struct FieldSeed<'a, 'm> {
    opener: &'a mut Opener<'m>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.opener.push(b'n', |_| {});
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.opener.push(b'b', |out| out.extend_from_slice(text));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.opener.push(b'i', |out| push_int(out, value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        let letter = if i64::try_from(value).is_ok() {
            b'i'
        } else {
            b's'
        };
        let mut digits = itoa::Buffer::new();
        let text = digits.format(value);
        self.opener
            .push(letter, |out| out.extend_from_slice(text.as_bytes()));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.opener.push(b'd', |out| push_double(out, value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.opener
            .push(b's', |out| out.extend_from_slice(value.as_bytes()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        if self.depth < MAX_OPEN_DEPTH {
            return ObjectVisitor {
                opener: self.opener,
                depth: self.depth + 1,
            }
            .visit_map(entries);
        }
        let mut json = Vec::new();
        OtlpJson {
            out: &mut json,
            depth: 1,
            bare: true,
        }
        .visit_map(entries)?;
        self.opener.push(b'm', |out| out.extend_from_slice(&json));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        let mut json = Vec::new();
        OtlpJson {
            out: &mut json,
            depth: 1,
            bare: true,
        }
        .visit_seq(items)?;
        self.opener.push(b'a', |out| out.extend_from_slice(&json));
        Ok(())
    }
}

/// Writes a JSON value as OTLP JSON of an `AnyValue`, or of its `ArrayValue` or `KeyValueList`
/// alone if `bare`.
struct OtlpJson<'a> {
    out: &'a mut Vec<u8>,
    depth: u32,
    bare: bool,
}

impl OtlpJson<'_> {
    fn enter<E: serde::de::Error>(&mut self, case: &[u8]) -> Result<(), E> {
        if self.depth >= MAX_VALUE_DEPTH {
            return Err(E::custom("the value lies too deep"));
        }
        if !self.bare {
            self.out.extend_from_slice(case);
        }
        self.out.extend_from_slice(b"{\"values\":[");
        Ok(())
    }

    fn leave(self) {
        self.out
            .extend_from_slice(if self.bare { b"]}" } else { b"]}}" });
    }

    fn inner(&mut self) -> OtlpJson<'_> {
        OtlpJson {
            out: self.out,
            depth: self.depth + 1,
            bare: false,
        }
    }
}

impl<'de> DeserializeSeed<'de> for OtlpJson<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OtlpJson<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.out.extend_from_slice(b"{}");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        let text: &[u8] = if value {
            b"{\"boolValue\":true}"
        } else {
            b"{\"boolValue\":false}"
        };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.out.extend_from_slice(b"{\"intValue\":\"");
        push_int(self.out, value);
        self.out.extend_from_slice(b"\"}");
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => self.visit_str(itoa::Buffer::new().format(value)),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.out.extend_from_slice(b"{\"doubleValue\":");
        write_json_double(self.out, value);
        self.out.push(b'}');
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.out.extend_from_slice(b"{\"stringValue\":");
        write_json_string(self.out, value.as_bytes());
        self.out.push(b'}');
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.enter::<A::Error>(b"{\"arrayValue\":")?;
        let mut first = true;
        // The comma can only be written once it is known that an item follows.
        loop {
            let before = self.out.len();
            if !first {
                self.out.push(b',');
            }
            if items.next_element_seed(self.inner())?.is_none() {
                self.out.truncate(before);
                break;
            }
            first = false;
        }
        self.leave();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.enter::<A::Error>(b"{\"kvlistValue\":")?;
        let mut first = true;
        while let Some(key) = entries.next_key::<std::borrow::Cow<'_, str>>()? {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.out.extend_from_slice(b"{\"key\":");
            write_json_string(self.out, key.as_bytes());
            self.out.extend_from_slice(b",\"value\":");
            entries.next_value_seed(self.inner())?;
            self.out.push(b'}');
        }
        self.leave();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    fn fields_of(text: &str) -> Vec<(String, char, Option<String>)> {
        let mut map = MapColumn::new();
        open_json_text(&mut map, text.as_bytes());
        map.end_row();
        let (map, types) = map.finish().unwrap();
        let map = map.as_map();
        let keys = map.keys().as_string::<i32>().clone();
        let values = map.values().as_string::<i32>().clone();
        let types: Vec<char> = types.as_string::<i32>().value(0).chars().collect();
        assert_eq!(types.len(), keys.len());
        (0..keys.len())
            .map(|i| {
                let value = values.is_valid(i).then(|| values.value(i).to_owned());
                (keys.value(i).to_owned(), types[i], value)
            })
            .collect()
    }

    fn field(key: &str, letter: char, value: &str) -> (String, char, Option<String>) {
        (key.to_owned(), letter, Some(value.to_owned()))
    }

    #[test]
    fn objects_are_opened_with_dots_and_types() {
        let found = fields_of(
            r#" {"a":{"b":1,"c":{}},"d":1.5,"e":"x\ty","f":[1,{"g":null}],"a.b":true,"big":18446744073709551615} "#,
        );
        assert_eq!(
            found,
            [
                field("a.b", 'i', "1"),
                field("a.c", 'm', r#"{"values":[]}"#),
                field("d", 'd', "1.5"),
                field("e", 's', "x\ty"),
                field(
                    "f",
                    'a',
                    r#"{"values":[{"intValue":"1"},{"kvlistValue":{"values":[{"key":"g","value":{}}]}}]}"#
                ),
                field("a.b", 'b', "true"),
                field("big", 's', "18446744073709551615"),
            ]
        );
        assert_eq!(fields_of(r#"{"a":null}"#), [("a".to_owned(), 'n', None)]);
    }

    #[test]
    fn what_is_not_an_object_gives_no_fields() {
        for text in [
            "",
            "{",
            "{}",
            "[1]",
            "plain",
            r#"{"a":1"#,
            r#"{"a":1} tail}"#,
            "{'a':1}",
        ] {
            assert_eq!(fields_of(text), [], "{text}");
        }
    }

    #[test]
    fn the_number_and_depth_of_fields_are_bounded() {
        let wide: Vec<String> = (0..1000).map(|i| format!("\"k{i}\":{i}")).collect();
        assert_eq!(
            fields_of(&format!("{{{}}}", wide.join(","))).len(),
            MAX_FIELDS
        );
        let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let found = fields_of(&deep(20));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, vec!["a"; MAX_OPEN_DEPTH].join("."));
        assert_eq!(found[0].1, 'm');
        assert_eq!(
            fields_of(&deep(100)),
            [],
            "too deep to be a value: the body keeps it"
        );
        assert_eq!(fields_of(&deep(10_000)), []);
    }
}

//! Messages and lists of them as wire bytes, and the messages that both signals share.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::scalars::{Base64, Bool, F64, I64, Text, U32};
use crate::proto_writer as wire;

/// A message that has been read and can be written.
pub(super) trait Message {
    /// Appends its fields.
    fn write(&self, out: &mut Vec<u8>);
}

/// A repeated message field with number `N`, as wire bytes.
pub(super) struct Repeated<M, const N: u32> {
    bytes: Vec<u8>,
    of: PhantomData<fn() -> M>,
}

impl<M, const N: u32> Repeated<M, N> {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }
}

impl<M, const N: u32> Default for Repeated<M, N> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            of: PhantomData,
        }
    }
}

impl<'de, M: Message + Deserialize<'de>, const N: u32> Deserialize<'de> for Repeated<M, N> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(RepeatedVisitor(PhantomData))
    }
}

struct RepeatedVisitor<M, const N: u32>(PhantomData<fn() -> M>);

impl<'de, M: Message + Deserialize<'de>, const N: u32> Visitor<'de> for RepeatedVisitor<M, N> {
    type Value = Repeated<M, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Repeated::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Repeated::default();
        let mut scratch = Vec::new();
        while let Some(item) = items.next_element::<M>()? {
            scratch.clear();
            item.write(&mut scratch);
            wire::bytes_always(&mut list.bytes, N, &scratch);
        }
        Ok(list)
    }
}

/// Appends a message field if the message is there.
pub(super) fn write_single<M: Message>(out: &mut Vec<u8>, number: u32, message: Option<&M>) {
    if let Some(message) = message {
        let mut scratch = Vec::new();
        message.write(&mut scratch);
        wire::bytes_always(out, number, &scratch);
    }
}

/// An `AnyValue`, as the bytes of its fields.
#[derive(Default)]
pub(super) struct AnyValue(Vec<u8>);

impl Message for AnyValue {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

/// An `ArrayValue`.
#[derive(Deserialize)]
struct ArrayValue {
    #[serde(default)]
    values: Repeated<AnyValue, 1>,
}

/// A `KeyValueList`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct KeyValueList<'a> {
    #[serde(default)]
    values: Repeated<KeyValue<'a>, 1>,
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(AnyValueVisitor)
    }
}

struct AnyValueVisitor;

impl<'de> Visitor<'de> for AnyValueVisitor {
    type Value = AnyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value such as `{\"stringValue\": \"…\"}`")
    }

    fn visit_unit<E>(self) -> Result<AnyValue, E> {
        Ok(AnyValue::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<AnyValue, A::Error> {
        let mut out = Vec::new();
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "stringValue" | "string_value" => {
                    if let Some(Text(text)) = entries.next_value::<Option<_>>()? {
                        wire::bytes_always(&mut out, 1, text.as_bytes());
                    }
                }
                "boolValue" | "bool_value" => {
                    if let Some(Bool(value)) = entries.next_value::<Option<_>>()? {
                        wire::varint_always(&mut out, 2, u64::from(value));
                    }
                }
                "intValue" | "int_value" => {
                    if let Some(I64(value)) = entries.next_value::<Option<_>>()? {
                        wire::varint_always(&mut out, 3, value.cast_unsigned());
                    }
                }
                "doubleValue" | "double_value" => {
                    if let Some(F64(value)) = entries.next_value::<Option<_>>()? {
                        wire::fixed64_always(&mut out, 4, value.to_bits());
                    }
                }
                "arrayValue" | "array_value" => {
                    if let Some(ArrayValue { values }) = entries.next_value::<Option<_>>()? {
                        wire::bytes_always(&mut out, 5, values.as_slice());
                    }
                }
                "kvlistValue" | "kvlist_value" => {
                    if let Some(list) = entries.next_value::<Option<KeyValueList<'de>>>()? {
                        wire::bytes_always(&mut out, 6, list.values.as_slice());
                    }
                }
                "bytesValue" | "bytes_value" => {
                    if let Some(Base64(bytes)) = entries.next_value::<Option<_>>()? {
                        wire::bytes_always(&mut out, 7, &bytes);
                    }
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(AnyValue(out))
    }
}

/// A `KeyValue`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), default)]
pub(super) struct KeyValue<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    value: Option<AnyValue>,
}

impl Message for KeyValue<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::bytes(out, 1, self.key.0.as_bytes());
        if let Some(AnyValue(value)) = &self.value {
            wire::bytes_always(out, 2, value);
        }
    }
}

/// A `Resource`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
pub(super) struct Resource<'a> {
    attributes: Repeated<KeyValue<'a>, 1>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: U32,
}

impl Message for Resource<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.attributes.as_slice());
        wire::varint(out, 2, u64::from(self.dropped_attributes_count.0));
    }
}

/// An `InstrumentationScope`.
#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), rename_all = "camelCase", default)]
pub(super) struct Scope<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    attributes: Repeated<KeyValue<'a>, 3>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: U32,
}

impl Message for Scope<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        wire::bytes(out, 1, self.name.0.as_bytes());
        wire::bytes(out, 2, self.version.0.as_bytes());
        out.extend_from_slice(self.attributes.as_slice());
        wire::varint(out, 4, u64::from(self.dropped_attributes_count.0));
    }
}

//! Short ways to write OTLP values.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Case;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

/// A value of an attribute.
#[derive(Debug)]
pub(super) struct Value(Case);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Case::StringValue(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Case::StringValue(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(Case::IntValue(number))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self(Case::DoubleValue(number))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self(Case::BoolValue(truth))
    }
}

impl From<Vec<&str>> for Value {
    fn from(texts: Vec<&str>) -> Self {
        let values = texts.into_iter().map(|text| any(text.into())).collect();
        Self(Case::ArrayValue(ArrayValue { values }))
    }
}

/// The OTLP form of a value.
pub(super) fn any(value: Value) -> AnyValue {
    AnyValue {
        value: Some(value.0),
    }
}

/// A key with its value.
pub(super) fn attribute(key: &str, value: impl Into<Value>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(any(value.into())),
        ..KeyValue::default()
    }
}

//! A value of a setting as it was written, whatever type it will have: clap and TOML cannot stop at the
//! first wrong one.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// A value as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(super) String);

impl FromStr for Text {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(toml::Value::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("expected a string, a number or a boolean"))
    }
}

/// A TOML value that is neither a list nor a table nor a time, as text.
fn scalar(value: toml::Value) -> Option<Text> {
    match value {
        toml::Value::String(text) => Some(Text(text)),
        toml::Value::Integer(number) => Some(Text(number.to_string())),
        toml::Value::Float(number) => Some(Text(number.to_string())),
        toml::Value::Boolean(switch) => Some(Text(switch.to_string())),
        _ => None,
    }
}

/// The value, unless it is blank.
pub(super) fn set(value: Option<Text>) -> Option<Text> {
    value.filter(|Text(text)| !text.trim().is_empty())
}

/// The values that are not blank.
pub(super) fn all_set(mut values: Vec<Text>) -> Vec<Text> {
    values.retain(|Text(text)| !text.trim().is_empty());
    values
}

/// A value of the file that may be one or a list.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Text>, D::Error> {
    let values = match toml::Value::deserialize(deserializer)? {
        toml::Value::Array(values) => values,
        value => vec![value],
    };
    values
        .into_iter()
        .map(|value| scalar(value).ok_or_else(|| D::Error::custom("expected a list of strings")))
        .collect()
}

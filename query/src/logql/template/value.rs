//! Values inside templates.

use super::date;
use crate::logql::values;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Nanoseconds since the Unix epoch.
    Time(i64),
}

impl Value {
    /// As it is written into the text.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => values::number_text(*number),
            Self::Bool(value) => value.to_string(),
            Self::Time(time_ns) => {
                date::format(*time_ns, "2006-01-02 15:04:05.999999999 -0700 MST")
            }
        }
    }

    /// What `if` takes for true: what is not empty and not zero.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Bool(value) => *value,
            Self::Time(_) => true,
        }
    }

    pub(super) fn float(&self) -> Result<f64, String> {
        match self {
            Self::Int(number) => Ok(*number as f64),
            Self::Float(number) => Ok(*number),
            Self::Text(text) => {
                values::number(text).ok_or_else(|| format!("`{text}` is no number"))
            }
            other => Err(format!("`{}` is no number", other.shown())),
        }
    }

    /// Fractions are cut off.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole numbers of templates are small; larger ones saturate"
    )]
    pub(super) fn int(&self) -> Result<i64, String> {
        match self {
            Self::Int(number) => Ok(*number),
            Self::Text(text) if text.trim().parse::<i64>().is_ok() => {
                Ok(text.trim().parse().unwrap_or_default())
            }
            other => other.float().map(|number| number as i64),
        }
    }

    pub(super) fn time_ns(&self) -> Result<i64, String> {
        match self {
            Self::Time(time_ns) => Ok(*time_ns),
            other => Err(format!("`{}` is no time", other.shown())),
        }
    }
}

//! Values, and what operators mean for them.
//!
//! Types are kept apart: a text never equals a number. Whole numbers, floats and durations are all
//! numbers. An operator whose operands do not go together is false. Of a list (an array attribute,
//! or an attribute of all events or links of a span) `=`, `=~` and the orders ask whether any
//! member meets them, `!=` and `!~` whether all do, as Tempo documents for arrays.

use std::borrow::Cow;
use std::cmp::Ordering;

use spoor_storage::ValueType;

use super::ast::{Arithmetic, Comparison, Pattern};
use crate::tokens::in_quotes;

/// A value of a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// Not there.
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    Text(Cow<'a, str>),
    Status(Status),
    Kind(Kind),
    /// Never empty.
    List(Vec<Value<'a>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Unset,
    Ok,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Status {
    pub(crate) const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// As TraceQL writes it; the column has it in capitals.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Internal,
        Self::Server,
        Self::Client,
        Self::Producer,
        Self::Consumer,
    ];

    /// As TraceQL writes it; the column has it in capitals.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

impl<'a> Value<'a> {
    /// The value of an attribute as it is stored. Bytes and nested objects are the texts that
    /// stand for them.
    pub(crate) fn of_attribute(value_type: ValueType, text: Option<&'a str>) -> Self {
        let Some(text) = text else {
            return Self::Nil;
        };
        let parsed = match value_type {
            ValueType::Empty => return Self::Nil,
            ValueType::String | ValueType::Bytes | ValueType::KeyValueList => None,
            ValueType::Bool => text.parse().ok().map(Self::Bool),
            ValueType::Int => text.parse().ok().map(Self::Int),
            ValueType::Double => text.parse().ok().map(Self::Float),
            ValueType::Array => Self::of_array(text),
        };
        parsed.unwrap_or(Self::Text(Cow::Borrowed(text)))
    }

    /// The members of OTLP JSON's `ArrayValue` that are no lists themselves; none is no value.
    fn of_array(text: &str) -> Option<Self> {
        let array: serde_json::Value = serde_json::from_str(text).ok()?;
        let members = array
            .get("values")?
            .as_array()?
            .iter()
            .filter_map(|member| {
                let (case, value) = member.as_object()?.iter().next()?;
                match case.as_str() {
                    "stringValue" => Some(Value::Text(value.as_str()?.to_owned().into())),
                    "boolValue" => Some(Value::Bool(value.as_bool()?)),
                    "intValue" => value
                        .as_i64()
                        .or_else(|| value.as_str()?.parse().ok())
                        .map(Value::Int),
                    "doubleValue" => value
                        .as_f64()
                        .or_else(|| value.as_str()?.parse().ok())
                        .map(Value::Float),
                    _ => None,
                }
            });
        Some(Self::list(members.collect()))
    }

    /// A list; of nothing: nil.
    pub(crate) fn list(members: Vec<Self>) -> Self {
        if members.is_empty() {
            Self::Nil
        } else {
            Self::List(members)
        }
    }

    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text, or nil.
    pub(crate) fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nil, Self::text)
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::List(members) => members.iter().any(Self::is_true),
            _ => false,
        }
    }

    /// As a number; durations in nanoseconds.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) | Self::Duration(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The same without borrowing.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Duration(value) => Value::Duration(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Status(value) => Value::Status(value),
            Self::Kind(value) => Value::Kind(value),
            Self::List(members) => {
                Value::List(members.into_iter().map(Value::into_owned).collect())
            }
        }
    }

    /// As shown, without quotes. Different values of one type have different texts.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Nil => "nil".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Duration(nanoseconds) => duration_text(*nanoseconds),
            Self::Text(text) => text.clone().into_owned(),
            Self::Status(value) => value.word().to_owned(),
            Self::Kind(value) => value.word().to_owned(),
            Self::List(members) => {
                let members: Vec<String> = members.iter().map(Self::quoted).collect();
                format!("[{}]", members.join(", "))
            }
        }
    }

    /// As it is written in a query.
    pub(crate) fn quoted(&self) -> String {
        match self {
            Self::Text(text) => in_quotes(text),
            // Without an exponent, and a float still.
            Self::Float(value) if value.fract() == 0.0 => format!("{value:.1}"),
            Self::Float(value) => value.to_string(),
            // As many digits of a second would be read as another float.
            Self::Duration(nanoseconds) if nanoseconds.unsigned_abs() > 1 << 50 => {
                format!("{nanoseconds}ns")
            }
            other => other.shown(),
        }
    }

    /// The order of two values that go together.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a) | Self::Duration(a), Self::Int(b) | Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (a, b) => a.number()?.partial_cmp(&b.number()?),
        }
    }
}

/// `left op right`.
pub(crate) fn compare(op: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    let each = |members: &[Value<'_>], test: &dyn Fn(&Value<'_>) -> bool| match op {
        Comparison::NotEqual => members.iter().all(test),
        _ => members.iter().any(test),
    };
    match (left, right) {
        (Value::List(members), right) => each(members, &|member| compare(op, member, right)),
        (left, Value::List(members)) => each(members, &|member| compare(op, left, member)),
        (Value::Nil, _) | (_, Value::Nil) => false,
        (Value::Bool(a), Value::Bool(b)) => equality(op, a == b),
        (Value::Status(a), Value::Status(b)) => equality(op, a == b),
        (Value::Kind(a), Value::Kind(b)) => equality(op, a == b),
        (left, right) => ordered(op, left, right),
    }
}

fn equality(op: Comparison, same: bool) -> bool {
    match op {
        Comparison::Equal => same,
        Comparison::NotEqual => !same,
        _ => false,
    }
}

fn ordered(op: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    let Some(order) = left.order(right) else {
        // Not-a-number differs from every number.
        let numbers = left.number().is_some() && right.number().is_some();
        return numbers && op == Comparison::NotEqual;
    };
    match op {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// `subject =~ pattern`, or `!~`.
pub(crate) fn matches(subject: &Value<'_>, pattern: &Pattern, negated: bool) -> bool {
    match subject {
        Value::Text(text) => pattern.regex.is_match(text) != negated,
        Value::List(members) if negated => {
            members.iter().all(|member| matches(member, pattern, true))
        }
        Value::List(members) => members.iter().any(|member| matches(member, pattern, false)),
        _ => false,
    }
}

/// `left op right`; nil where they do not go together. Whole numbers stay whole as long as they
/// fit, durations stay durations under `+` and `-` and when multiplied by a whole number.
pub(crate) fn arithmetic(op: Arithmetic, left: &Value<'_>, right: &Value<'_>) -> Value<'static> {
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        return Value::Nil;
    };
    let exact = match (left, right) {
        (Value::Int(a), Value::Int(b)) => match op {
            Arithmetic::Divide | Arithmetic::Remainder if *b == 0 => return Value::Nil,
            _ => whole(op, *a, *b).map(Value::Int),
        },
        (Value::Duration(a), Value::Duration(b) | Value::Int(b))
        | (Value::Int(a), Value::Duration(b))
            if matches!(op, Arithmetic::Add | Arithmetic::Subtract) =>
        {
            whole(op, *a, *b).map(Value::Duration)
        }
        (Value::Duration(a), Value::Int(b)) | (Value::Int(a), Value::Duration(b))
            if op == Arithmetic::Multiply =>
        {
            whole(op, *a, *b).map(Value::Duration)
        }
        _ => None,
    };
    exact.unwrap_or_else(|| {
        Value::Float(match op {
            Arithmetic::Add => a + b,
            Arithmetic::Subtract => a - b,
            Arithmetic::Multiply => a * b,
            Arithmetic::Divide => a / b,
            Arithmetic::Remainder => a % b,
            Arithmetic::Power => a.powf(b),
        })
    })
}

fn whole(op: Arithmetic, a: i64, b: i64) -> Option<i64> {
    match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
        Arithmetic::Power => a.checked_pow(u32::try_from(b).ok()?),
    }
}

/// `-value`.
pub(crate) fn negative<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Int(number) => number
            .checked_neg()
            .map_or(Value::Float(-(*number as f64)), Value::Int),
        Value::Duration(number) => number
            .checked_neg()
            .map_or(Value::Float(-(*number as f64)), Value::Duration),
        Value::Float(number) => Value::Float(-number),
        _ => Value::Nil,
    }
}

/// `1.5s`, `250ms`, `12ns`: the largest unit of which it has at least one.
fn duration_text(nanoseconds: i64) -> String {
    let (unit, divisor) = match nanoseconds.unsigned_abs() {
        1_000_000_000.. => ("s", 1_000_000_000_u64),
        1_000_000.. => ("ms", 1_000_000),
        1_000.. => ("us", 1_000),
        _ => ("ns", 1),
    };
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let (whole, rest) = (size / divisor, size % divisor);
    let digits = divisor.ilog10() as usize;
    let fraction = format!("{rest:0digits$}");
    let fraction = fraction.trim_end_matches('0');
    if rest == 0 {
        format!("{sign}{whole}{unit}")
    } else {
        format!("{sign}{whole}.{fraction}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_kept_apart_and_numbers_go_together() {
        let text = Value::text("200");
        let list = Value::List(vec![Value::Int(1), Value::Int(2)]);
        let cases = [
            (Comparison::Equal, &Value::Int(200), &text, false),
            (Comparison::NotEqual, &Value::Int(200), &text, false),
            (Comparison::Equal, &Value::Int(2), &Value::Float(2.0), true),
            (Comparison::Less, &Value::Int(1), &Value::Duration(2), true),
            (Comparison::NotEqual, &Value::Nil, &text, false),
            (Comparison::Equal, &Value::Nil, &Value::Nil, false),
            (Comparison::Less, &text, &Value::text("3"), true),
            (
                Comparison::Less,
                &Value::Bool(false),
                &Value::Bool(true),
                false,
            ),
            (
                Comparison::NotEqual,
                &Value::Float(f64::NAN),
                &Value::Int(1),
                true,
            ),
            (Comparison::Equal, &list, &Value::Int(2), true),
            (Comparison::NotEqual, &list, &Value::Int(2), false),
            (Comparison::NotEqual, &list, &Value::Int(3), true),
            (Comparison::Less, &Value::Int(1), &list, true),
        ];
        for (op, left, right, expected) in cases {
            assert_eq!(
                compare(op, left, right),
                expected,
                "{left:?} {op} {right:?}"
            );
        }
    }

    #[test]
    fn whole_numbers_stay_whole_until_they_do_not_fit() {
        let int = Value::Int;
        let cases = [
            (Arithmetic::Divide, int(7), int(2), int(3)),
            (Arithmetic::Divide, int(7), int(0), Value::Nil),
            (Arithmetic::Power, int(2), int(10), int(1024)),
            (Arithmetic::Power, int(2), int(-1), Value::Float(0.5)),
            (
                Arithmetic::Add,
                int(i64::MAX),
                int(1),
                Value::Float(9_223_372_036_854_775_808.0),
            ),
            (
                Arithmetic::Add,
                Value::Duration(5),
                Value::Duration(6),
                Value::Duration(11),
            ),
            (
                Arithmetic::Multiply,
                Value::Duration(5),
                int(2),
                Value::Duration(10),
            ),
            (
                Arithmetic::Divide,
                Value::Duration(5),
                int(2),
                Value::Float(2.5),
            ),
            (Arithmetic::Add, Value::text("a"), int(1), Value::Nil),
            (
                Arithmetic::Divide,
                int(i64::MIN),
                int(-1),
                Value::Float(9_223_372_036_854_775_808.0),
            ),
        ];
        for (op, left, right, expected) in cases {
            assert_eq!(
                arithmetic(op, &left, &right),
                expected,
                "{left:?} {op} {right:?}"
            );
        }
    }

    #[test]
    fn durations_are_shown_in_their_unit() {
        for (nanoseconds, text) in [
            (0, "0ns"),
            (1_500_000_000, "1.5s"),
            (250_000_000, "250ms"),
            (-1_005, "-1.005us"),
            (12, "12ns"),
        ] {
            assert_eq!(duration_text(nanoseconds), text);
        }
    }
}

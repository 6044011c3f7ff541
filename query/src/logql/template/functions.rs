//! The functions of templates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::date;
use super::value::Value;
use crate::logql::values;
use crate::parameters::now_ns;

mod text;

macro_rules! functions {
    ($($variant:ident $least:literal..=$most:literal $($name:literal)+;)+) => {
        /// A function by what it does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($variant),+ }

        /// Names, functions, least and most arguments.
        const FUNCTIONS: &[(&str, Function, usize, usize)] =
            &[$($(($name, Function::$variant, $least, $most)),+),+];
    };
}

functions! {
    Line 0..=0 "__line__";
    Timestamp 0..=0 "__timestamp__";
    And 1..=16 "and";
    Or 1..=16 "or";
    Not 1..=1 "not";
    Eq 2..=16 "eq";
    Ne 2..=2 "ne";
    Lt 2..=2 "lt";
    Le 2..=2 "le";
    Gt 2..=2 "gt";
    Ge 2..=2 "ge";
    Len 1..=1 "len";
    Lower 1..=1 "lower" "ToLower";
    Upper 1..=1 "upper" "ToUpper";
    Title 1..=1 "title";
    Trim 1..=1 "trim" "TrimSpace";
    TrimAll 2..=2 "trimAll";
    TrimLeft 2..=2 "trimLeft";
    TrimRight 2..=2 "trimRight";
    TrimPrefix 2..=2 "trimPrefix";
    TrimSuffix 2..=2 "trimSuffix";
    OldTrim 2..=2 "Trim";
    OldTrimPrefix 2..=2 "TrimPrefix";
    OldTrimSuffix 2..=2 "TrimSuffix";
    OldReplace 4..=4 "Replace";
    Trunc 2..=2 "trunc";
    Substr 3..=3 "substr";
    Replace 3..=3 "replace";
    RegexReplaceAll 3..=3 "regexReplaceAll";
    RegexReplaceAllLiteral 3..=3 "regexReplaceAllLiteral";
    CountMatches 2..=2 "count";
    Contains 2..=2 "contains";
    HasPrefix 2..=2 "hasPrefix";
    HasSuffix 2..=2 "hasSuffix";
    Default 2..=2 "default";
    Indent 2..=2 "indent";
    Nindent 2..=2 "nindent";
    Repeat 2..=2 "repeat";
    AlignLeft 2..=2 "alignLeft";
    AlignRight 2..=2 "alignRight";
    Printf 1..=16 "printf";
    Print 0..=16 "print";
    UrlEncode 1..=1 "urlencode";
    UrlDecode 1..=1 "urldecode";
    Base64Encode 1..=1 "b64enc";
    Base64Decode 1..=1 "b64dec";
    Bytes 1..=1 "bytes";
    Duration 1..=1 "duration" "duration_seconds";
    Now 0..=0 "now";
    Date 2..=2 "date";
    ToDate 2..=2 "toDate";
    ToDateInZone 3..=3 "toDateInZone";
    UnixEpoch 1..=1 "unixEpoch";
    UnixEpochMillis 1..=1 "unixEpochMillis";
    UnixEpochNanos 1..=1 "unixEpochNanos";
    UnixToTime 1..=1 "unixToTime";
    Int 1..=1 "int";
    Float 1..=1 "float64";
    Add 1..=16 "add";
    Sub 2..=2 "sub";
    Mul 1..=16 "mul";
    Div 2..=2 "div";
    Mod 2..=2 "mod";
    Addf 1..=16 "addf";
    Subf 2..=16 "subf";
    Mulf 1..=16 "mulf";
    Divf 2..=16 "divf";
    Max 1..=16 "max";
    Min 1..=16 "min";
    Maxf 1..=16 "maxf";
    Minf 1..=16 "minf";
    Ceil 1..=1 "ceil";
    Floor 1..=1 "floor";
    Round 2..=3 "round";
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        let found = FUNCTIONS.iter().find(|(known, ..)| *known == name);
        found.map(|(_, function, ..)| *function)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(name, ..)| *name)
    }

    pub(super) fn name(self) -> &'static str {
        let found = FUNCTIONS.iter().find(|(_, function, ..)| *function == self);
        found.map_or("", |(name, ..)| name)
    }

    /// Least and most.
    pub(super) fn arguments(self) -> (usize, usize) {
        let found = FUNCTIONS.iter().find(|(_, function, ..)| *function == self);
        found.map_or((0, 0), |(_, _, least, most)| (*least, *most))
    }

    /// Calls it. The number of arguments has been checked.
    pub(super) fn call(self, given: &[Value]) -> Result<Value, String> {
        let found = self
            .logical(given)
            .or_else(|| self.of_time(given))
            .or_else(|| self.of_numbers(given));
        found.unwrap_or_else(|| text::call(self, given))
    }

    fn logical(self, given: &[Value]) -> Option<Result<Value, String>> {
        use std::cmp::Ordering as O;
        let order = |holds: fn(O) -> bool| match given {
            [left, right] => Ok(Value::Bool(compare(left, right).is_some_and(holds))),
            _ => Err(String::new()),
        };
        Some(match self {
            Self::Not => Ok(Value::Bool(!given.first().is_some_and(Value::is_true))),
            Self::Eq => {
                let (first, rest) = given.split_first()?;
                let equal = |other: &Value| compare(first, other) == Some(O::Equal);
                Ok(Value::Bool(rest.iter().any(equal)))
            }
            Self::Ne => order(O::is_ne),
            Self::Lt => order(O::is_lt),
            Self::Le => order(O::is_le),
            Self::Gt => order(O::is_gt),
            Self::Ge => order(O::is_ge),
            _ => return None,
        })
    }

    fn of_time(self, given: &[Value]) -> Option<Result<Value, String>> {
        let text = |at: usize| given.get(at).map(Value::shown).unwrap_or_default();
        let time = || given.first().map_or(Ok(0), Value::time_ns);
        let unix = |unit: i64| time().map(|ns| Value::Text(ns.div_euclid(unit).to_string()));
        let parsed = |text: String, layout: &str| {
            date::parse(layout, &text)
                .map(Value::Time)
                .ok_or_else(|| format!("`{text}` is no time in the layout `{layout}`"))
        };
        Some(match self {
            Self::Now => Ok(Value::Time(now_ns())),
            Self::Date => given
                .get(1)?
                .time_ns()
                .map(|ns| Value::Text(date::format(ns, &text(0)))),
            Self::ToDate => parsed(text(1), &text(0)),
            Self::ToDateInZone => match text(1).as_str() {
                "UTC" | "Local" | "" => parsed(text(2), &text(0)),
                other => Err(format!("the zone `{other}` is not known here; write UTC")),
            },
            Self::UnixEpoch => unix(1_000_000_000),
            Self::UnixEpochMillis => unix(1_000_000),
            Self::UnixEpochNanos => unix(1),
            Self::UnixToTime => {
                let digits = text(0);
                let unit = match digits.len() {
                    5 => 86_400_000_000_000,
                    10 => 1_000_000_000,
                    13 => 1_000_000,
                    16 => 1_000,
                    19 => 1,
                    _ => return Some(Err(format!("`{digits}` is no Unix time"))),
                };
                digits
                    .parse::<i64>()
                    .map(|number| Value::Time(number.saturating_mul(unit)))
                    .map_err(|_| format!("`{digits}` is no Unix time"))
            }
            Self::Duration => values::duration_ns(&text(0))
                .map(|ns| Value::Float(ns as f64 / 1e9))
                .ok_or_else(|| format!("`{}` is no duration", text(0))),
            Self::Bytes => values::bytes(&text(0))
                .map(Value::Float)
                .ok_or_else(|| format!("`{}` is no size", text(0))),
            _ => return None,
        })
    }

    fn of_numbers(self, given: &[Value]) -> Option<Result<Value, String>> {
        let ints = || given.iter().map(Value::int).collect::<Result<Vec<_>, _>>();
        let floats = || {
            given
                .iter()
                .map(Value::float)
                .collect::<Result<Vec<_>, _>>()
        };
        let whole = |fold: fn(i64, i64) -> Option<i64>| {
            let numbers = ints()?;
            let (first, rest) = numbers.split_first().ok_or_else(String::new)?;
            rest.iter()
                .try_fold(*first, |sum, number| fold(sum, *number))
                .map(Value::Int)
                .ok_or_else(|| "the number is too large, or divided by zero".to_owned())
        };
        let float = |fold: fn(f64, f64) -> f64| {
            floats()
                .map(|numbers| Value::Float(numbers.into_iter().reduce(fold).unwrap_or_default()))
        };
        let one = |of: fn(f64) -> f64| {
            floats().map(|numbers| Value::Float(numbers.first().copied().map_or(0.0, of)))
        };
        Some(match self {
            Self::Int => whole(|first, _| Some(first)),
            Self::Float => one(|number| number),
            Self::Add => whole(i64::checked_add),
            Self::Sub => whole(i64::checked_sub),
            Self::Mul => whole(i64::checked_mul),
            Self::Div => whole(i64::checked_div),
            Self::Mod => whole(i64::checked_rem),
            Self::Max => whole(|a, b| Some(a.max(b))),
            Self::Min => whole(|a, b| Some(a.min(b))),
            Self::Addf => float(|a, b| a + b),
            Self::Subf => float(|a, b| a - b),
            Self::Mulf => float(|a, b| a * b),
            Self::Divf => float(|a, b| a / b),
            Self::Maxf => float(f64::max),
            Self::Minf => float(f64::min),
            Self::Ceil => one(f64::ceil),
            Self::Floor => one(f64::floor),
            Self::Round => floats().map(|numbers| {
                let digits = numbers.get(1).copied().unwrap_or_default().clamp(0.0, 15.0);
                let factor = 10_f64.powf(digits.trunc());
                let number = numbers.first().copied().unwrap_or_default();
                Value::Float((number * factor).round() / factor)
            }),
            _ => return None,
        })
    }
}

/// Numbers by size if either is one, else texts.
fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) => Some(left.cmp(right)),
        _ => left.float().ok()?.partial_cmp(&right.float().ok()?),
    }
}

fn decoded(text: &str) -> Result<Value, String> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| format!("`{text}` is not base64"))?;
    Ok(Value::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

fn encoded(text: &str) -> Value {
    Value::Text(STANDARD.encode(text))
}

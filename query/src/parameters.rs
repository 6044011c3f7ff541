//! Query parameters as the API takes them: times, limits, orders, cursors.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, TimeRange};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

mod periods;
mod rows;

pub(crate) use periods::{PeriodBounds, PeriodBuckets, PeriodParameters, Periods};
pub(crate) use rows::{QueryParameter, RangeParameters};

const SECOND_NS: i64 = 1_000_000_000;

/// An instant given by a user, nanoseconds since the Unix epoch. Read from what
/// [`parse_time`] reads, with `now` being the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeParameter(pub i64);

impl FromStr for TimeParameter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_time(text, now_ns()).map(Self)
    }
}

impl PartialSchema for TimeParameter {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Number]))
            .description(Some(
                "RFC 3339; Unix seconds, milliseconds, microseconds or nanoseconds (told apart by size); or relative: `now`, `now-15m`, `-15m` (units `s m h d w`).",
            ))
            .examples(["2023-01-29T08:48:16Z", "now-15m", "1674982096"])
            .into()
    }
}

impl ToSchema for TimeParameter {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Time")
    }
}

/// The present, nanoseconds since the Unix epoch.
pub fn now_ns() -> i64 {
    Utc::now().timestamp_nanos_opt().unwrap_or(i64::MAX)
}

/// The half-open range of `start` and `end`; what is missing is unbounded. Errors if it ends
/// before it starts.
pub fn time_range(start: Option<TimeParameter>, end: Option<TimeParameter>) -> Result<TimeRange> {
    let range = TimeRange {
        start_ns: start.map_or(i64::MIN, |time| time.0),
        end_ns: end.map_or(i64::MAX, |time| time.0),
    };
    if range.start_ns > range.end_ns {
        return Err(Error::invalid("`end` is before `start`").with_hint("swap them"));
    }
    Ok(range)
}

/// Which end of time comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}

impl FromStr for Order {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(Error::invalid(format!(
                "`{text}` is not an order: write `asc` or `desc`"
            ))),
        }
    }
}

/// `given` or `default`; errors if it is 0 or over `most`.
pub fn limit(given: Option<usize>, default: usize, most: usize) -> Result<usize> {
    allowed("limit", given, default, 1..=most)
}

/// As [`limit`], for how many buckets of time there may be.
pub(crate) fn most_buckets(given: Option<usize>, default: usize, most: usize) -> Result<usize> {
    allowed("buckets", given, default, 1..=most)
}

/// What is given as the parameter `name`, or `default`; errors if it is not in `range`.
pub(crate) fn allowed(
    name: &str,
    given: Option<usize>,
    default: usize,
    range: RangeInclusive<usize>,
) -> Result<usize> {
    match given {
        None => Ok(default),
        Some(given) if range.contains(&given) => Ok(given),
        Some(given) => {
            let (least, most) = (range.start(), range.end());
            Err(Error::invalid(format!(
                "`{name}` is {given}; it can be {least} to {most}"
            )))
        }
    }
}

/// Which of the words `known` are in `include`, a list with commas between. Errors if another is.
pub(crate) fn included<const N: usize>(include: &str, known: [&str; N]) -> Result<[bool; N]> {
    let mut found = [false; N];
    let words = include.split(',').map(str::trim);
    for word in words.filter(|word| !word.is_empty()) {
        let Some(at) = known.iter().position(|known| *known == word) else {
            let hint = format!("it may have `{}`", known.join("` and `"));
            let several = if N > 1 { ", with a comma between" } else { "" };
            let error = Error::invalid(format!("`include` has `{word}`"));
            return Err(error.with_hint(format!("{hint}{several}")));
        };
        found[at] = true;
    }
    Ok(found)
}

/// An opaque cursor that holds `place`.
pub fn encode_cursor<T: Serialize>(place: &T) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(place)?))
}

/// What [`encode_cursor`] put into a cursor; errors if it is not one of ours.
pub fn decode_cursor<T: DeserializeOwned>(cursor: &str) -> Result<T> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| {
            Error::invalid("`cursor` is not one this endpoint gave")
                .with_hint("pass `next_cursor` back unchanged, with the same other parameters")
        })
}

/// Reads RFC 3339, Unix seconds to nanoseconds (told apart by size), `now`, `now-15m` or `-15m`.
pub fn parse_time(text: &str, now_ns: i64) -> Result<i64> {
    let text = text.trim();
    let wrong = || {
        Error::invalid(format!("`{text}` is not a time")).with_hint(
            "write 2023-01-29T08:48:16Z, Unix seconds to nanoseconds, now, now-15m or -15m (s m h d w)",
        )
    };
    if let Some(relative) = relative_part(text) {
        if relative.is_empty() {
            return Ok(now_ns);
        }
        let offset = parse_offset(relative).ok_or_else(wrong)?;
        return Ok(now_ns.saturating_add(offset));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Ok(unix_to_ns(number));
    }
    if let Ok(number) = text.parse::<f64>() {
        return unix_float_to_ns(number).ok_or_else(wrong);
    }
    parse_rfc3339(text).ok_or_else(wrong)
}

/// Whether a text that [`parse_time`] reads means another instant as the clock moves on.
pub(crate) fn is_relative(text: &str) -> bool {
    relative_part(text.trim()).is_some()
}

/// What follows `now`, or a text that is an offset by itself (`-15m`); `None` for absolute times.
fn relative_part(text: &str) -> Option<&str> {
    text.strip_prefix("now").or_else(|| {
        let signed = text.starts_with(['-', '+']);
        let unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
        (signed && unit).then_some(text)
    })
}

/// `-15m` and `+1h` in nanoseconds.
fn parse_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = rest.split_at(unit_at);
    let unit_ns = match unit {
        "s" => SECOND_NS,
        "m" => 60 * SECOND_NS,
        "h" => 3_600 * SECOND_NS,
        "d" => 86_400 * SECOND_NS,
        "w" => 604_800 * SECOND_NS,
        _ => return None,
    };
    digits
        .parse::<i64>()
        .ok()?
        .checked_mul(unit_ns)?
        .checked_mul(sign)
}

/// Nanoseconds of the unit of a Unix time: seconds, milliseconds, microseconds or nanoseconds,
/// told apart by size. Each unit covers the years 1971 to 5138, so no real time is mistaken.
fn unix_unit_ns(size: u64) -> i64 {
    match size {
        0..100_000_000_000 => SECOND_NS,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    }
}

fn unix_to_ns(number: i64) -> i64 {
    number.saturating_mul(unix_unit_ns(number.unsigned_abs()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "finite and below 9e18, checked first; the unit is a power of ten, exact"
)]
fn unix_float_to_ns(number: f64) -> Option<i64> {
    if !number.is_finite() || number.abs() >= 9e18 {
        return None;
    }
    let unit = unix_unit_ns(number.abs() as u64);
    let whole = (number.trunc() as i64).saturating_mul(unit);
    Some(whole.saturating_add((number.fract() * unit as f64).round() as i64))
}

/// RFC 3339, also with a blank for the `T`, without a zone (UTC), or only a date.
fn parse_rfc3339(text: &str) -> Option<i64> {
    let candidates = [
        text.to_owned(),
        format!("{text}Z"),
        format!("{text}:00Z"),
        format!("{text}T00:00:00Z"),
    ];
    candidates
        .iter()
        .find_map(|candidate| DateTime::parse_from_rfc3339(candidate).ok())
        .and_then(|time| time.timestamp_nanos_opt())
}

/// An instant as RFC 3339 in UTC with nine digits of nanoseconds.
pub fn format_time(time_ns: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(time_ns)
        .format("%Y-%m-%dT%H:%M:%S%.9fZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000 * SECOND_NS;

    #[test]
    fn reads_every_way_to_write_a_time() {
        let same = 1_674_982_096 * SECOND_NS;
        for text in [
            "2023-01-29T08:48:16Z",
            "2023-01-29T09:48:16+01:00",
            "2023-01-29T08:48:16",
            "2023-01-29 08:48:16Z",
            "1674982096",
            "1674982096.0",
            "1674982096000",
            "1674982096000000",
            "1674982096000000000",
        ] {
            assert_eq!(parse_time(text, NOW).unwrap(), same, "{text}");
        }
        assert_eq!(parse_time("now", NOW).unwrap(), NOW);
        assert_eq!(parse_time("now-15m", NOW).unwrap(), NOW - 900 * SECOND_NS);
        assert_eq!(parse_time("-1w", NOW).unwrap(), NOW - 604_800 * SECOND_NS);
        assert_eq!(parse_time("now+1s", NOW).unwrap(), NOW + SECOND_NS);
        assert_eq!(
            parse_time("1674982096.5", NOW).unwrap(),
            same + SECOND_NS / 2
        );
        assert_eq!(
            parse_time("2023-01-29", NOW).unwrap(),
            1_674_950_400 * SECOND_NS
        );
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "now-",
            "now-5",
            "-5y",
            "now-99999999999999999w",
            "1e30",
            "NaN",
        ] {
            assert!(parse_time(text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn cursors_come_back_and_foreign_ones_do_not() {
        let cursor = encode_cursor(&(5_i64, 7_i64)).unwrap();
        assert_eq!(decode_cursor::<(i64, i64)>(&cursor).unwrap(), (5, 7));
        assert!(decode_cursor::<(i64, i64)>("e30").is_err());
        assert!(decode_cursor::<(i64, i64)>("!").is_err());
    }

    #[test]
    fn formats_times_with_nanoseconds() {
        assert_eq!(
            format_time(1_674_982_096_546_346_267),
            "2023-01-29T08:48:16.546346267Z"
        );
        assert_eq!(format_time(-1), "1969-12-31T23:59:59.999999999Z");
    }
}

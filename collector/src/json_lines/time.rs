//! Times as log libraries write them.

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

/// Numbers below this many seconds (the year 1973) are not taken for times.
const MIN_EPOCH_SECONDS: u64 = 100_000_000;

/// Nanoseconds since the Unix epoch, or `None` if the value is not a time from 1970 to 2262.
///
/// Text is RFC 3339, with a space for the `T`, a comma before the fraction or without a zone
/// (UTC) as well. Numbers, also as text, are seconds, milli-, micro- or nanoseconds since the
/// epoch, told apart by their size.
pub(super) fn unix_nano(value: &Value) -> Option<u64> {
    match value {
        // The text of a double is the shortest that reads back the same: the digits as sent.
        Value::Number(number) => from_epoch(&number.to_string()),
        Value::String(text) => from_epoch(text.trim()).or_else(|| from_date(text.trim())),
        _ => None,
    }
}

/// log4j's `instant`.
pub(super) fn from_instant(seconds: &Value, nanos: &Value) -> Option<u64> {
    let nanos = nanos.as_u64().filter(|nanos| *nanos < 1_000_000_000)?;
    fitting(
        seconds
            .as_u64()?
            .checked_mul(1_000_000_000)?
            .checked_add(nanos)?,
    )
}

fn fitting(unix_nano: u64) -> Option<u64> {
    (unix_nano > 0 && i64::try_from(unix_nano).is_ok()).then_some(unix_nano)
}

fn from_epoch(digits: &str) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    if whole < MIN_EPOCH_SECONDS {
        return None;
    }
    // Until the year 5138 seconds have eleven digits at most, and so on for the smaller units.
    let (scale, decimals) = match whole {
        0..100_000_000_000 => (1_000_000_000, 9),
        100_000_000_000..100_000_000_000_000 => (1_000_000, 6),
        100_000_000_000_000..100_000_000_000_000_000 => (1_000, 3),
        _ => (1, 0),
    };
    let mut nanos = 0;
    let mut place = scale;
    for digit in fraction.bytes().take(decimals) {
        place /= 10;
        nanos += u64::from(digit - b'0') * place;
    }
    fitting(whole.checked_mul(scale)?.checked_add(nanos)?)
}

fn from_date(text: &str) -> Option<u64> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let text = text.replacen(',', ".", 1);
    let zoned = DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f %z"))
        .map(|time| time.to_utc());
    let time = zoned
        .or_else(|_| {
            NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f")
                .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f"))
                .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y/%m/%d %H:%M:%S%.f"))
                .map(|time| time.and_utc())
        })
        .ok()?;
    fitting(u64::try_from(time.timestamp_nanos_opt()?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_spelling_of_a_time_gives_the_same_instant() {
        let expected = Some(1_674_982_096_546_000_000);
        for value in [
            json!("2023-01-29T08:48:16.546Z"),
            json!("2023-01-29T09:48:16.546+01:00"),
            json!("2023-01-29T08:48:16.546+0000"),
            json!("2023-01-29 08:48:16,546"),
            json!("2023-01-29 08:48:16.546 +0000"),
            json!("2023-01-29T08:48:16.546"),
            json!("2023/01/29 08:48:16.546"),
            json!(1_674_982_096.546),
            json!("1674982096.546"),
            json!(1_674_982_096_546_u64),
            json!(1_674_982_096_546_000_u64),
            json!(1_674_982_096_546_000_000_u64),
            json!("1674982096546000000"),
        ] {
            assert_eq!(unix_nano(&value), expected, "{value}");
        }
        assert_eq!(
            from_instant(&json!(1_674_982_096), &json!(546_000_000)),
            expected
        );
    }

    #[test]
    fn what_is_not_a_time_is_left_alone() {
        for value in [
            json!("yesterday"),
            json!(""),
            json!(12),
            json!(-5),
            json!(true),
            json!("12:30"),
            json!("1969-12-31T23:59:59Z"),
            json!("9999-01-01T00:00:00Z"),
            json!(18_446_744_073_709_551_615_u64),
            json!(1e300),
        ] {
            assert_eq!(unix_nano(&value), None, "{value}");
        }
        assert_eq!(from_instant(&json!(1), &json!(1_000_000_000)), None);
    }
}

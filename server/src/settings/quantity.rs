//! Sizes, durations and switches as people write them.

use std::time::Duration;

/// Why a quantity could not be read: what to write instead.
type Reading<T> = Result<T, &'static str>;

const SIZE_HINT: &str = "write a number of bytes, or one with a unit: `512KiB`, `64MiB`, `2GB`";
const DURATION_HINT: &str = "write a number with a unit: `500ms`, `30s`, `5m`, `1h`";

/// Bytes: a number, or a number with one of `B kB KiB MB MiB GB GiB TB TiB` (any case).
pub(super) fn size(text: &str) -> Reading<u64> {
    let (number, unit) = split(text).ok_or(SIZE_HINT)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "tib" => 1 << 40,
        _ => return Err(SIZE_HINT),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole
            .checked_mul(factor)
            .ok_or("that is more bytes than can be counted");
    }
    // Fractions are for people: `1.5GiB`.
    let number = number.parse::<f64>().map_err(|_| SIZE_HINT)?;
    scaled(number, factor).ok_or(SIZE_HINT)
}

/// `number × factor` rounded down, if it is finite, not negative and fits. Goes through
/// [`Duration`], which has the checked conversion from a double that integers lack.
fn scaled(number: f64, factor: u64) -> Option<u64> {
    let micros = Duration::try_from_secs_f64(number).ok()?.as_micros();
    u64::try_from(micros * u128::from(factor) / 1_000_000).ok()
}

/// A number with one of `ms s m h d`.
pub(super) fn duration(text: &str) -> Reading<Duration> {
    let (number, unit) = split(text).ok_or(DURATION_HINT)?;
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(DURATION_HINT),
    };
    let number = number.parse::<f64>().map_err(|_| DURATION_HINT)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| DURATION_HINT)
}

/// A whole number of things.
pub(super) fn count(text: &str) -> Reading<usize> {
    text.trim().parse().map_err(|_| "write a whole number")
}

/// A part of a hundred: `95%` or `95`.
pub(super) fn percent(text: &str) -> Reading<u8> {
    const HINT: &str = "write a whole number of percent between 1 and 100, as `95%`";
    let text = text.trim();
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    match number.parse() {
        Ok(percent @ 1..=100) => Ok(percent),
        _ => Err(HINT),
    }
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Reading<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("write `true` or `false`"),
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then_some((number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_decimal_and_binary_units() {
        assert_eq!(size("67108864"), Ok(67_108_864));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("64 mib"), Ok(64 << 20));
        assert_eq!(size("64MB"), Ok(64_000_000));
        assert_eq!(size("1.5GiB"), Ok(3 << 29));
        assert_eq!(size("0.5kB"), Ok(500));
        for wrong in ["", "MiB", "64 parsecs", "-1", "1.2.3GiB", "64M"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(size("99999999999TiB").is_err());
    }

    #[test]
    fn percents_are_whole_and_of_a_hundred() {
        assert_eq!(percent("95%"), Ok(95));
        assert_eq!(percent(" 7 % "), Ok(7));
        for wrong in ["", "0", "101%", "9.5", "%"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_want_a_unit() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        for wrong in ["30", "", "s", "30 fortnights", "-5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}

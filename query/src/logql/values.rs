//! Numbers with units, as label values and queries have them, and label names.

use std::borrow::Cow;

use crate::traceql::lexer;

/// Units of sizes in lower case; longer ones before those that they begin with.
const SIZES: &[(&str, f64)] = &[
    ("kib", 1_024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
    ("pib", 1_125_899_906_842_624.0),
    ("eib", 1_152_921_504_606_846_976.0),
    ("ki", 1_024.0),
    ("mi", 1_048_576.0),
    ("gi", 1_073_741_824.0),
    ("ti", 1_099_511_627_776.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("pb", 1e15),
    ("eb", 1e18),
    ("k", 1e3),
    ("m", 1e6),
    ("g", 1e9),
    ("t", 1e12),
    ("b", 1.0),
];

/// Nanoseconds of `1.5s`, `-2m30s`, `0`.
pub(crate) fn duration_ns(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    match digits {
        "" => None,
        "0" => Some(0),
        _ => lexer::duration_ns(digits).map(|duration| sign * duration),
    }
}

/// Bytes of `20KB`, `5.5 MiB`, `42`.
pub(crate) fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let number: f64 = digits.parse().ok()?;
    let unit = unit.trim().to_lowercase();
    if unit.is_empty() {
        return Some(number);
    }
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit)?;
    Some(number * factor)
}

/// A number as people and programs write it.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// A key as a label name: what is no ASCII letter, digit or `_` becomes `_`.
pub(crate) fn label_name(key: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digit_first = key.starts_with(|c: char| c.is_ascii_digit());
    if !digit_first && key.chars().all(plain) {
        return Cow::Borrowed(key);
    }
    let mut name = String::with_capacity(key.len() + 1);
    if digit_first {
        name.push('_');
    }
    name.extend(key.chars().map(|c| if plain(c) { c } else { '_' }));
    Cow::Owned(name)
}

/// Whether `name` can be a label's name.
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.is_empty() && matches!(label_name(name), Cow::Borrowed(_))
}

/// A duration as a query writes it: the largest units that leave nothing over.
pub(crate) fn duration_text(duration_ns: i64) -> String {
    let units = [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let mut rest = duration_ns.unsigned_abs();
    let mut text = String::new();
    if duration_ns < 0 {
        text.push('-');
    }
    for (unit, size) in units {
        let count = rest / size;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
            rest %= size;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// A number as Loki writes samples.
pub(crate) fn number_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        number.to_string()
    }
}

/// What was written as part of an address or a form: `%2F` and `+` are themselves again.
pub(crate) fn url_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = [ahead.next().unwrap_or(0), ahead.next().unwrap_or(0)];
        let mut decoded = [0_u8];
        if byte == b'%' && hex::decode_to_slice(pair, &mut decoded).is_ok() {
            out.extend(decoded);
            bytes = ahead;
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_written() {
        assert_eq!(duration_ns("1m30s"), Some(90_000_000_000));
        assert_eq!(duration_ns("-1.5s"), Some(-1_500_000_000));
        assert_eq!(duration_ns("15"), None);
        assert_eq!(bytes("20KB"), Some(20_000.0));
        assert_eq!(bytes("5.5 MiB"), Some(5.5 * 1_048_576.0));
        assert_eq!(bytes("20 apples"), None);
        assert_eq!(duration_text(5_400_000_000_000), "1h30m");
        assert_eq!(duration_text(0), "0s");
        assert_eq!(label_name("k8s.pod-name"), "k8s_pod_name");
        assert_eq!(label_name("2xx"), "_2xx");
        assert_eq!(number_text(f64::INFINITY), "+Inf");
    }
}

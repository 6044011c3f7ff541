//! What a word of a text is: a number, an id, an address …, or just a word.

use std::net::{IpAddr, SocketAddr};

/// What stands in one place of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A word; also what is left when kinds differ.
    Word,
    /// A file or URL path.
    Path,
    /// A number, also with a unit.
    Number,
    /// A UUID, a hexadecimal or other long id.
    Id,
    /// An IP address, also with a port.
    Ip,
    /// A date, a time of day, or both.
    Time,
    /// An address with a scheme.
    Url,
    /// Three or more values with commas between them.
    List,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Word,
        Self::Path,
        Self::Number,
        Self::Id,
        Self::Ip,
        Self::Time,
        Self::Url,
        Self::List,
    ];

    /// How a template shows it where texts differ.
    pub(super) fn placeholder(self) -> &'static str {
        match self {
            Self::Word => "<*>",
            Self::Path => "<path>",
            Self::Number => "<num>",
            Self::Id => "<id>",
            Self::Ip => "<ip>",
            Self::Time => "<time>",
            Self::Url => "<url>",
            Self::List => "<list>",
        }
    }

    /// Whether its text matters: it may be the same in all texts of a pattern.
    pub(super) fn has_text(self) -> bool {
        matches!(self, Self::Word | Self::Path)
    }
}

/// What a text without white space is as a whole; `None` if nothing but a word or several.
pub(super) fn classify(text: &str) -> Option<Kind> {
    // An address with dots would be a number with dots.
    if is_ip(text) {
        Some(Kind::Ip)
    } else if text.len() >= 16 && is_id(text) {
        // Sixteen digits are a span's id that happens to have no letter, more likely than a number.
        Some(Kind::Id)
    } else if is_number(text) {
        Some(Kind::Number)
    } else if is_time(text) {
        Some(Kind::Time)
    } else if is_id(text) {
        Some(Kind::Id)
    } else {
        None
    }
}

const UNITS: &[&str] = &[
    "ns", "us", "µs", "μs", "ms", "s", "sec", "m", "min", "h", "d", "b", "kb", "mb", "gb", "tb",
    "kib", "mib", "gib", "tib", "bytes", "k", "x", "%",
];

/// `-17`, `3.5e9`, `1.2.3`, `250ms`, `1m2.5s`, `12%`.
fn is_number(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
            .count();
        if !rest.starts_with(|first: char| first.is_ascii_digit()) {
            return false;
        }
        rest = rest.get(digits..).unwrap_or_default();
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            let power = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            if !power.is_empty() && power.bytes().all(|byte| byte.is_ascii_digit()) {
                return true;
            }
        }
        let unit = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        let (unit, after) = rest.split_at(unit);
        if !unit.is_empty() && !UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit)) {
            return false;
        }
        rest = after;
    }
    true
}

fn is_ip(text: &str) -> bool {
    if text.matches('.').count() != 3 && text.matches(':').count() < 2 {
        return false;
    }
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse::<IpAddr>().is_ok() || address.parse::<SocketAddr>().is_ok()
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// `08:48:16.545`, `2023-01-29`, `2023-01-29T08:48:16Z`, `17/May/2015:10:05:03`.
fn is_time(text: &str) -> bool {
    if !text.starts_with(|first: char| first.is_ascii_digit()) || text.len() < 5 {
        return false;
    }
    let mut separators = 0;
    for part in text.split(['-', '/', ':', '.', '+', ',']) {
        separators += 1;
        let digits = part.trim_end_matches(['Z', 'z']);
        let plain = |part: &str| part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
        // The day of a date may be followed by the hour.
        let with_hour = digits
            .split_once(['T', 't'])
            .is_some_and(|(day, hour)| plain(day) && plain(hour) && day.len() <= 2);
        let month = MONTHS.iter().any(|month| month.eq_ignore_ascii_case(part));
        if part.is_empty() || !(plain(digits) || with_hour || month) {
            return false;
        }
    }
    let marks = text.matches(['-', '/', ':']).count();
    separators >= 3 && (marks >= 2 || text.contains(':'))
}

/// Hexadecimal digits, a UUID, or a long mix of digits and letters.
pub(crate) fn is_id(text: &str) -> bool {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let letters: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let dashes = text.len() - letters.len();
    let digits = letters.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hex = letters.iter().all(u8::is_ascii_hexdigit);
    match dashes {
        0 if hex => letters.len() >= 16 || (letters.len() >= 8 && digits > 0),
        0 => {
            letters.len() >= 20
                && letters.iter().all(u8::is_ascii_alphanumeric)
                && digits * 6 >= letters.len()
        }
        4 => hex && letters.len() == 32,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_from_what_varies() {
        for (kind, texts) in [
            (
                Kind::Number,
                &[
                    "0", "-17", "3.5e9", "1.2.3", "250ms", "1m2.5s", "12%", "4KiB",
                ][..],
            ),
            (
                Kind::Ip,
                &[
                    "83.149.9.216",
                    "10.0.0.1:8080",
                    "10.0.0.0/8",
                    "::1",
                    "[::1]:80",
                    "fe80::1:2",
                ],
            ),
            (
                Kind::Time,
                &[
                    "16:48:16.545",
                    "2023-01-29",
                    "2023-01-29T08:48:16Z",
                    "17/May/2015:10:05:03",
                ],
            ),
            (
                Kind::Id,
                &[
                    "88ebfbcebbbc0884eabd9178e1808940",
                    "123e4567-e89b-12d3-a456-426614174000",
                    "0xdeadbeef01",
                    "5847103829104756",
                    "58471038291047e6",
                    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(classify(text), Some(kind), "{text}");
            }
        }
        for word in [
            "Z1234",
            "checkout",
            "deadbeef",
            "v1",
            "ts-basic-service",
            "5xx",
            "a:b",
            "-",
            "t.s.Impl",
            "Mozilla/5.0",
            "--",
            "12-",
            "1:2",
        ] {
            assert_eq!(classify(word), None, "{word}");
        }
    }
}

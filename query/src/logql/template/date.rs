//! Times in Go's layouts: `2006-01-02T15:04:05.000Z07:00`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// A piece of a layout with how chrono writes it; longer ones before those that they begin with.
const PIECES: &[(&str, &str)] = &[
    ("January", "%B"),
    ("Monday", "%A"),
    ("2006", "%Y"),
    ("-07:00", "%:z"),
    ("Z07:00", "%:z"),
    ("-0700", "%z"),
    ("Z0700", "%z"),
    (".000000000", "%.9f"),
    (".000000", "%.6f"),
    (".000", "%.3f"),
    (".999999999", "%.f"),
    (".999999", "%.f"),
    (".999", "%.f"),
    (".00", "%.3f"),
    ("Jan", "%b"),
    ("Mon", "%a"),
    ("MST", "UTC"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("_2", "%e"),
];

/// As a format of chrono. One-digit pieces are not there.
fn chrono_format(layout: &str) -> String {
    let mut format = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        if let Some((piece, written)) = PIECES.iter().find(|(piece, _)| rest.starts_with(piece)) {
            format.push_str(written);
            rest = rest.strip_prefix(piece).unwrap_or_default();
            continue;
        }
        if first == '%' {
            format.push('%');
        }
        format.push(first);
        rest = rest.strip_prefix(first).unwrap_or_default();
    }
    format
}

/// A time in UTC.
pub(super) fn format(time_ns: i64, layout: &str) -> String {
    let text = DateTime::from_timestamp_nanos(time_ns)
        .format(&chrono_format(layout))
        .to_string();
    // UTC is written `Z` where the layout says so.
    if layout.contains("Z07:00") {
        text.replace("+00:00", "Z")
    } else {
        text
    }
}

/// Nanoseconds of a time that is written in a layout; without a zone it is UTC.
pub(super) fn parse(layout: &str, text: &str) -> Option<i64> {
    let zulu = layout.contains("Z07:00") && text.ends_with('Z');
    let text = if zulu {
        format!("{}+00:00", text.trim_end_matches('Z'))
    } else {
        text.to_owned()
    };
    let format = chrono_format(layout);
    if let Ok(time) = DateTime::parse_from_str(&text, &format) {
        return time.timestamp_nanos_opt();
    }
    let time = NaiveDateTime::parse_from_str(&text, &format)
        .ok()
        .or_else(|| {
            let day = NaiveDate::parse_from_str(&text, &format).ok()?;
            Some(day.and_time(NaiveTime::MIN))
        })?;
    time.and_utc().timestamp_nanos_opt()
}

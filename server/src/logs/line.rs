//! A record as people read it: `TIME LEVEL SERVICE text`, further lines of the text indented.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Up to the milliseconds of `2023-01-29T08:48:16.546346267Z`.
const SHOWN_OF_TIME: usize = 23;
/// What begins a line that goes on with the record above it.
const INDENT: &str = "    ";
const END: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";

/// A record as far as it is shown.
#[derive(Deserialize)]
struct Record {
    time: String,
    level: String,
    service_name: Option<String>,
    body: Option<String>,
    event_name: Option<String>,
    attributes: Map<String, Value>,
}

/// The lines of a record that is JSON of the API, with an end of line behind the last.
pub(super) fn lines(json: &str, colour: bool) -> serde_json::Result<String> {
    let record: Record = serde_json::from_str(json)?;
    let paint = |text: &str, with: &str| {
        if colour {
            format!("{with}{text}{END}")
        } else {
            text.to_owned()
        }
    };
    let time = record.time.get(..SHOWN_OF_TIME).unwrap_or(&record.time);
    let level = match record.level.as_str() {
        "unset" => "-".to_owned(),
        level => level.to_uppercase(),
    };
    let service = record.service_name.as_deref().unwrap_or("-");
    let mut shown = format!(
        "{} {} {} ",
        paint(&format!("{time}Z"), DIM),
        paint(&format!("{level:<5}"), colour_of(&record.level)),
        paint(&in_one_line(service), CYAN),
    );
    let text = text_of(&record);
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            shown.push('\n');
            shown.push_str(INDENT);
        }
        shown.push_str(&in_one_line(line));
    }
    shown.truncate(shown.trim_end().len());
    shown.push('\n');
    Ok(shown)
}

/// The body; of a record without one what else it says.
fn text_of(record: &Record) -> String {
    match &record.body {
        Some(body) if !body.is_empty() => body.clone(),
        _ => {
            let name = record.event_name.clone().unwrap_or_default();
            if record.attributes.is_empty() {
                return name;
            }
            let attributes = Value::Object(record.attributes.clone());
            format!("{name} {attributes}").trim_start().to_owned()
        }
    }
}

/// Control characters are escaped: a log line must not drive the terminal.
fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

fn colour_of(level: &str) -> &'static str {
    match level {
        "fatal" | "error" => "\x1b[31m",
        "warn" => "\x1b[33m",
        "info" => "\x1b[32m",
        _ => DIM,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(fields: &Value) -> String {
        let mut record = json!({"time": "2023-01-29T08:48:16.546346267Z", "level": "info", "service_name": "cart",
            "body": "x", "event_name": null, "attributes": {}});
        for (name, value) in fields.as_object().unwrap() {
            record[name] = value.clone();
        }
        record.to_string()
    }

    #[test]
    fn a_record_is_time_level_service_and_text() {
        let cases = [
            (json!({}), "INFO  cart x\n"),
            (
                json!({"level": "unset", "service_name": null}),
                "-     - x\n",
            ),
            (
                json!({"body": "panicked:\r\n  at a\n\n\tat b\n", "level": "error"}),
                "ERROR cart panicked:\n      at a\n    \n    \tat b\n",
            ),
            (json!({"body": null}), "INFO  cart\n"),
            (
                json!({"body": null, "event_name": "paid", "attributes": {"n": 3}}),
                "INFO  cart paid {\"n\":3}\n",
            ),
            (
                json!({"body": "", "attributes": {"n": 3}}),
                "INFO  cart {\"n\":3}\n",
            ),
        ];
        for (fields, expected) in cases {
            let shown = lines(&record(&fields), false).unwrap();
            assert_eq!(shown, format!("2023-01-29T08:48:16.546Z {expected}"));
        }
    }

    #[test]
    fn a_text_cannot_drive_the_terminal() {
        let shown = lines(
            &record(&json!({"body": "a\u{1b}[2Jb\u{9b}1m\u{7}", "service_name": "a\nb"})),
            true,
        )
        .unwrap();
        assert!(shown.contains("a\\u{1b}[2Jb\\u{9b}1m\\u{7}"), "{shown}");
        assert!(shown.contains("a\\nb"), "{shown}");
        assert_eq!(shown.lines().count(), 1);
    }

    #[test]
    fn colours_end_where_they_begin() {
        let shown = lines(&record(&json!({"level": "error"})), true).unwrap();
        assert!(shown.contains("\x1b[31mERROR\x1b[0m"), "{shown}");
        assert_eq!(
            shown.matches("\x1b[").count(),
            2 * shown.matches(END).count()
        );
        assert!(!lines(&record(&json!({})), false).unwrap().contains('\x1b'));
    }
}

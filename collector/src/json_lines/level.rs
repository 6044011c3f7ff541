//! Severity words and numbers of log libraries as OTLP severity numbers.

use serde_json::Value;

/// The OTLP severity number and text of a level, or `None` if it is not one we know.
pub(super) fn severity(level: &Value) -> Option<(i32, String)> {
    match level {
        Value::String(text) => {
            let word = text.trim();
            let number = match word.parse::<i64>() {
                Ok(number) => from_number(number)?.0,
                Err(_) => from_word(word)?,
            };
            Some((number, word.to_owned()))
        }
        Value::Number(number) => {
            let (number, word) = from_number(number.as_i64()?)?;
            Some((number, word.to_owned()))
        }
        _ => None,
    }
}

/// Words in any case; slog writes levels between its own as `INFO+2`, `DEBUG-4`.
fn from_word(text: &str) -> Option<i32> {
    let (word, step) = match text.find(['+', '-']) {
        Some(sign) if sign > 0 => {
            let (word, step) = text.split_at(sign);
            (word, step.parse::<i32>().ok()?)
        }
        _ => (text, 0),
    };
    let base: i32 = match word.to_ascii_lowercase().as_str() {
        "trace" | "trc" | "verbose" | "finest" | "all" => 1,
        "finer" => 3,
        "debug" | "dbg" | "fine" => 5,
        "config" => 7,
        "info" | "inf" | "information" | "informational" | "i" | "default" => 9,
        "notice" => 10,
        "warn" | "warning" | "wrn" | "w" => 13,
        "error" | "err" | "eror" | "severe" | "e" => 17,
        "dpanic" => 18,
        "critical" | "crit" | "fatal" | "ftl" | "panic" | "f" => 21,
        "alert" => 22,
        "emergency" | "emerg" => 24,
        _ => return None,
    };
    // A step of slog is a quarter of the way to the next word, as in OTLP.
    Some(base.saturating_add(step).clamp(1, 24))
}

/// Bunyan and pino count 10 to 60, syslog (and GELF) 7 down to 0.
fn from_number(number: i64) -> Option<(i32, &'static str)> {
    Some(match number {
        0 => (24, "EMERGENCY"),
        1 => (22, "ALERT"),
        2 => (21, "CRITICAL"),
        3 => (17, "ERROR"),
        4 => (13, "WARN"),
        5 => (10, "NOTICE"),
        6 => (9, "INFO"),
        7 => (5, "DEBUG"),
        10..20 => (1, "TRACE"),
        20..30 => (5, "DEBUG"),
        30..40 => (9, "INFO"),
        40..50 => (13, "WARN"),
        50..60 => (17, "ERROR"),
        60..=100 => (21, "FATAL"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_and_numbers_of_the_libraries_are_known() {
        let cases = [
            (json!("info"), Some((9, "info"))),
            (json!("WARNING"), Some((13, "WARNING"))),
            (json!("INFO+2"), Some((11, "INFO+2"))),
            (json!("DEBUG-4"), Some((1, "DEBUG-4"))),
            (json!(30), Some((9, "INFO"))),
            (json!(60), Some((21, "FATAL"))),
            (json!("50"), Some((17, "50"))),
            (json!(3), Some((17, "ERROR"))),
            (json!("dpanic"), Some((18, "dpanic"))),
            (json!("gold"), None),
            (json!(""), None),
            (json!(1234), None),
            (json!(true), None),
            (json!(2.5), None),
        ];
        for (level, expected) in cases {
            let expected = expected.map(|(number, text)| (number, text.to_owned()));
            assert_eq!(severity(&level), expected, "{level}");
        }
    }
}

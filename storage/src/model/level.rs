//! Levels of log records: ranges of OTLP severity numbers, and the texts that mean them where a
//! record has no number.

/// A level with its range of severity numbers and the texts that mean it.
#[derive(Debug)]
pub struct Level {
    /// As users write it.
    pub name: &'static str,
    /// Its smallest severity number.
    pub first: i32,
    /// Its largest severity number.
    pub last: i32,
    /// Severity texts that mean it, lower-case.
    pub texts: &'static [&'static str],
}

/// Ascending. Numbers beyond the last count as `fatal`.
pub const LEVELS: [Level; 6] = [
    Level {
        name: "trace",
        first: 1,
        last: 4,
        texts: &["trace", "verbose", "finest", "finer"],
    },
    Level {
        name: "debug",
        first: 5,
        last: 8,
        texts: &["debug", "fine", "dbg"],
    },
    Level {
        name: "info",
        first: 9,
        last: 12,
        texts: &["info", "information", "informational", "notice", "inf"],
    },
    Level {
        name: "warn",
        first: 13,
        last: 16,
        texts: &["warn", "warning", "wrn"],
    },
    Level {
        name: "error",
        first: 17,
        last: 20,
        texts: &["error", "err", "severe"],
    },
    Level {
        name: "fatal",
        first: 21,
        last: i32::MAX,
        texts: &[
            "fatal",
            "critical",
            "crit",
            "alert",
            "emerg",
            "emergency",
            "panic",
        ],
    },
];

impl Level {
    /// The level of a record that has one.
    pub fn of(severity_number: i32, severity_text: Option<&str>) -> Option<&'static Self> {
        LEVELS.iter().find(|level| {
            if severity_number == 0 {
                let text = severity_text.unwrap_or_default();
                level
                    .texts
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(text))
            } else {
                (level.first..=level.last).contains(&severity_number)
            }
        })
    }
}

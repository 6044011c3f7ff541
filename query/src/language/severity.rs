//! Levels: from OTLP severity numbers or, where a record has none, from its severity text.

use datafusion::common::Result;
use datafusion::logical_expr::{Expr, in_list, lit, when};
use datafusion::prelude::{col, lower};

/// A level with its range of severity numbers and the texts that mean it.
struct Level {
    name: &'static str,
    first: i32,
    last: i32,
    texts: &'static [&'static str],
}

/// Ascending. Numbers beyond the last count as `fatal`.
const LEVELS: [Level; 6] = [
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

/// The level of records that say nothing of it.
const UNSET: &str = "unset";

/// The level of a record: `trace debug info warn error fatal unset`.
pub fn level_of(severity_number: i32, severity_text: Option<&str>) -> &'static str {
    let found = if severity_number == 0 {
        let text = severity_text.unwrap_or_default();
        LEVELS.iter().find(|level| {
            level
                .texts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(text))
        })
    } else {
        LEVELS
            .iter()
            .find(|level| (level.first..=level.last).contains(&severity_number))
    };
    found.map_or(UNSET, |level| level.name)
}

/// The level with a rank of [`level_rank_expr`].
pub fn level_name(rank: i32) -> &'static str {
    usize::try_from(rank)
        .ok()
        .and_then(|rank| LEVELS.get(rank.checked_sub(1)?))
        .map_or(UNSET, |level| level.name)
}

/// What a user calls a level, as its rank: 0 for `unset`, 1 for `trace` to 6 for `fatal`.
pub(super) fn rank(name: &str) -> Option<i32> {
    if name.eq_ignore_ascii_case(UNSET) {
        return Some(0);
    }
    let at = LEVELS.iter().position(|level| {
        level
            .texts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    })?;
    i32::try_from(at + 1).ok()
}

/// Words for the hint of an unknown level.
pub(super) fn names() -> String {
    let names: Vec<_> = LEVELS.iter().map(|level| level.name).collect();
    format!("{}, {UNSET}", names.join(", "))
}

/// Rank of a log record's level as a plan computes it; never null.
pub fn level_rank_expr() -> Result<Expr> {
    let number = || col("severity_number");
    let mut by_number = when(number().eq(lit(0)), by_text()?);
    for (rank, level) in (1_i32..).zip(&LEVELS) {
        by_number = by_number.when(
            number().between(lit(level.first), lit(level.last)),
            lit(rank),
        );
    }
    by_number.otherwise(lit(0_i32))
}

fn by_text() -> Result<Expr> {
    let text = || lower(col("severity_text"));
    let mut ranks = when(col("severity_text").is_null(), lit(0_i32));
    for (rank, level) in (1_i32..).zip(&LEVELS) {
        let known = level.texts.iter().map(|text| lit(*text)).collect();
        ranks = ranks.when(in_list(text(), known, false), lit(rank));
    }
    ranks.otherwise(lit(0_i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_wins_over_text_and_text_stands_in() {
        assert_eq!(level_of(9, Some("ERROR")), "info");
        assert_eq!(level_of(0, Some("Warning")), "warn");
        assert_eq!(level_of(0, None), "unset");
        assert_eq!(level_of(0, Some("?")), "unset");
        assert_eq!(level_of(24, None), "fatal");
        assert_eq!(level_of(-3, None), "unset");
        for (number, name) in [
            (1, "trace"),
            (5, "debug"),
            (13, "warn"),
            (20, "error"),
            (21, "fatal"),
        ] {
            assert_eq!(level_of(number, None), name);
            assert_eq!(level_name(rank(name).unwrap()), name);
        }
        assert_eq!(rank("ERR"), Some(5));
        assert_eq!(rank("loud"), None);
    }
}

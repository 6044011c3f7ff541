//! Levels: from OTLP severity numbers or, where a record has none, from its severity text.

use datafusion::common::Result;
use datafusion::logical_expr::{Expr, in_list, lit, when};
use datafusion::prelude::{col, lower};
use spoor_storage::model::level::{LEVELS, Level};

/// The level of records that say nothing of it.
const UNSET: &str = "unset";

/// The level of a record: `trace debug info warn error fatal unset`.
pub fn level_of(severity_number: i32, severity_text: Option<&str>) -> &'static str {
    Level::of(severity_number, severity_text).map_or(UNSET, |level| level.name)
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

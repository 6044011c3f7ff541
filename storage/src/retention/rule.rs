//! One rule: which rows, and how long they are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::level::{LEVELS, Level};
use crate::model::{HOUR_NS, Hour, Table};

/// How rules are written: as in `30d`; and never to expire.
const FOREVER: &str = "forever";
/// Units of `keep` in seconds.
const UNITS: [(char, u64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3600),
    ('d', 86_400),
    ('w', 604_800),
];

/// Rows of one table that meet every condition given, and how long they are kept. The first rule
/// of a policy that a row meets decides about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// Of this table.
    pub table: Table,
    /// Of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Logs: of a level below this one; records without a level are not below any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_below: Option<String>,
    /// Logs: of this level or one above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_at_least: Option<String>,
    /// Spans: with this status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// With these values of attributes, of any scope, as text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Found by this query in the search language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How long: `12h`, `30d`, `8w`, or `forever`.
    pub keep: String,
}

impl RetentionRule {
    /// Errors with what does not make sense in it.
    pub(crate) fn check(&self) -> Result<()> {
        self.keeps()?;
        for name in self.severity_below.iter().chain(&self.severity_at_least) {
            rank_of(name)?;
        }
        let severity = self.severity_below.is_some() || self.severity_at_least.is_some();
        if severity && self.table == Table::Spans {
            return Err(Error::invalid("spans have no severity")
                .with_hint("use `status`, or make it a rule for `logs`"));
        }
        match self.status.as_deref() {
            Some(_) if self.table == Table::Logs => Err(Error::invalid("logs have no status")
                .with_hint("use `severity_at_least`, or make it a rule for `spans`")),
            Some("UNSET" | "OK" | "ERROR") | None => Ok(()),
            Some(other) => Err(Error::invalid(format!("`{other}` is no status of spans"))
                .with_hint("write `UNSET`, `OK` or `ERROR`")),
        }
    }

    /// How long it keeps rows; `None` is for ever.
    pub(crate) fn keeps(&self) -> Result<Option<Duration>> {
        let text = self.keep.trim();
        if text == FOREVER {
            return Ok(None);
        }
        let wrong = || {
            Error::invalid(format!("`{text}` is not how long something is kept"))
                .with_hint("write `12h`, `30d`, `8w` or `forever`")
        };
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let number = text.strip_suffix(unit).unwrap_or_default();
        let seconds = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let number: u64 = number.trim().parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err(Error::invalid("`keep` is nothing at all")
                .with_hint("to delete records now, ask for a deletion"));
        }
        let seconds = number.checked_mul(seconds.1).ok_or_else(wrong)?;
        Ok(Some(Duration::from_secs(seconds)))
    }

    /// Whether rows of `hour` that meet it have expired at `now_ns`.
    pub(crate) fn has_expired(&self, hour: Hour, now_ns: i64) -> bool {
        let Ok(Some(keep)) = self.keeps() else {
            return false;
        };
        let end = hour.start_ns().saturating_add(HOUR_NS);
        end.saturating_add(crate::clock::nanoseconds(keep)) <= now_ns
    }

    /// Whether it asks for more than table and service.
    pub(crate) fn looks_at_rows(&self) -> bool {
        self.severity_below.is_some()
            || self.severity_at_least.is_some()
            || self.status.is_some()
            || self.looks_at_whole_rows()
    }

    /// Whether it asks for what can be in any column.
    pub(crate) fn looks_at_whole_rows(&self) -> bool {
        !self.attributes.is_empty() || self.query.is_some()
    }

    /// Whether a record of this severity is within the bounds.
    pub(crate) fn meets_severity(&self, number: i32, text: Option<&str>) -> bool {
        let bound = |name: &Option<String>| name.as_ref().and_then(|name| rank_of(name).ok());
        let (below, at_least) = (bound(&self.severity_below), bound(&self.severity_at_least));
        if below.is_none() && at_least.is_none() {
            return true;
        }
        let rank = Level::of(number, text)
            .and_then(|level| LEVELS.iter().position(|known| known.name == level.name));
        rank.is_some_and(|rank| {
            below.is_none_or(|below| rank < below) && at_least.is_none_or(|least| rank >= least)
        })
    }
}

/// The place of a level among all, by any of its names.
fn rank_of(name: &str) -> Result<usize> {
    LEVELS
        .iter()
        .position(|level| {
            level
                .texts
                .iter()
                .any(|text| text.eq_ignore_ascii_case(name))
        })
        .ok_or_else(|| {
            let names: Vec<_> = LEVELS.iter().map(|level| level.name).collect();
            Error::invalid(format!("`{name}` is not a level"))
                .with_hint(format!("write one of {}", names.join(", ")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(keep: &str) -> RetentionRule {
        RetentionRule {
            table: Table::Logs,
            service: None,
            severity_below: None,
            severity_at_least: None,
            status: None,
            attributes: BTreeMap::new(),
            query: None,
            keep: keep.to_owned(),
        }
    }

    #[test]
    fn keeping_is_written_with_a_unit() {
        assert_eq!(rule("2d").keeps().unwrap(), Some(Duration::from_hours(48)));
        assert_eq!(rule("forever").keeps().unwrap(), None);
        for wrong in ["", "d", "30", "0d", "-1d", "1y", "ever", "99999999999999w"] {
            assert!(rule(wrong).check().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_hour_expires_as_a_whole() {
        let rule = rule("1h");
        assert!(!rule.has_expired(Hour(0), 2 * HOUR_NS - 1));
        assert!(rule.has_expired(Hour(0), 2 * HOUR_NS));
        assert!(!rule.has_expired(Hour(i64::MAX), i64::MAX - 1));
    }

    #[test]
    fn severity_bounds_know_names_and_numbers() {
        let below = RetentionRule {
            severity_below: Some("WARNING".into()),
            ..rule("1d")
        };
        assert!(below.meets_severity(9, None) && below.meets_severity(0, Some("notice")));
        assert!(!below.meets_severity(13, None));
        assert!(!below.meets_severity(0, None), "no level is not below");
        let spans = RetentionRule {
            table: Table::Spans,
            ..below
        };
        assert!(spans.check().is_err());
    }
}

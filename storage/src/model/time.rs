//! Event time: hours as partitions, half-open ranges as questions.

use std::fmt;

use chrono::{DateTime, Utc};

/// Nanoseconds in an hour.
pub const HOUR_NS: i64 = 3_600_000_000_000;

/// An hour of event time, counted from the Unix epoch; the unit in which files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour(pub i64);

impl Hour {
    /// The hour that holds the instant `time_ns` (nanoseconds since the Unix epoch).
    pub fn of(time_ns: i64) -> Self {
        Self(time_ns.div_euclid(HOUR_NS))
    }

    /// Its first instant in nanoseconds; saturates at the ends of the representable range.
    pub fn start_ns(self) -> i64 {
        self.0.saturating_mul(HOUR_NS)
    }
}

impl fmt::Display for Hour {
    /// `2023-01-29T08`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp(self.0.saturating_mul(3600), 0) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H")),
            None => write!(f, "hour {}", self.0),
        }
    }
}

/// A half-open range of event time in nanoseconds since the Unix epoch: `start_ns <= t < end_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// First instant inside.
    pub start_ns: i64,
    /// First instant after; `i64::MAX` means unbounded (and then includes `i64::MAX`).
    pub end_ns: i64,
}

impl TimeRange {
    /// Everything there is.
    pub const ALL: Self = Self {
        start_ns: i64::MIN,
        end_ns: i64::MAX,
    };

    /// Whether any instant of the closed interval `[min_ns, max_ns]` is inside.
    pub fn overlaps(self, min_ns: i64, max_ns: i64) -> bool {
        max_ns >= self.start_ns && (min_ns < self.end_ns || self.end_ns == i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_before_the_epoch_round_down() {
        assert_eq!(Hour::of(-1), Hour(-1));
        assert_eq!(Hour::of(0), Hour(0));
        assert_eq!(Hour::of(HOUR_NS), Hour(1));
        assert_eq!(Hour(0).to_string(), "1970-01-01T00");
    }

    #[test]
    fn range_ends_are_exclusive_but_the_unbounded_one() {
        let range = TimeRange {
            start_ns: 10,
            end_ns: 20,
        };
        assert!(range.overlaps(19, 25));
        assert!(!range.overlaps(20, 25));
        assert!(range.overlaps(0, 10));
        assert!(!range.overlaps(0, 9));
        assert!(TimeRange::ALL.overlaps(i64::MAX, i64::MAX));
    }
}

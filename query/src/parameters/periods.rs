//! Two periods side by side: what is asked about, and what came before it.

use serde::{Deserialize, Serialize};
use spoor_storage::{Error, Result, Table, TimeRange};
use utoipa::ToSchema;

use super::{TimeParameter, limit, most_buckets};
use crate::api::{Buckets, optional};
use crate::openapi::words::UnixNano;
use crate::session::QuerySession;

/// A period and the one before it, which tells what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Periods {
    /// Both together: what is read.
    pub(crate) all: TimeRange,
    /// Where the second one begins; records before it are the baseline. `None`: there is no baseline.
    pub(crate) since_ns: Option<i64>,
}

/// A part of a period.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeriodPart {
    pub(crate) range: TimeRange,
    /// `None`: as a whole.
    pub(crate) counted_in: Option<Buckets>,
    /// `None`: it is of the first period.
    pub(crate) shown_in: Option<Buckets>,
}

/// Where the periods lie; null where there is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the API names them so")]
pub(crate) struct PeriodBounds {
    /// Where the baseline begins.
    #[schema(value_type = Option<UnixNano>, required)]
    baseline_start_unix_nano: Option<String>,
    /// From where on there are records in it, whether they match or not; null also if there are none: then nothing can be told
    /// to be new. Of a file that begins before and ends in it that is where it begins.
    #[schema(value_type = Option<UnixNano>, required)]
    baseline_data_start_unix_nano: Option<String>,
    /// Where it ends, and what is asked about begins.
    #[schema(value_type = Option<UnixNano>, required)]
    since_unix_nano: Option<String>,
}

/// Parameters of a question about two periods, beside those of the rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PeriodParameters {
    /// What is new is told against a baseline: the period of equal length before `start`, or, with this, all that is
    /// between `start` and here. Then counts and the rest are of what comes after.
    #[serde(default, deserialize_with = "optional")]
    since: Option<TimeParameter>,
    /// How many groups are shown.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 1_000, default = 50)]
    limit: Option<usize>,
}

/// The parameter of a question about two periods whose answer has counts over time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PeriodBuckets {
    /// How many buckets of time there may be.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 1, maximum = 60, default = 30)]
    buckets: Option<usize>,
}

impl PeriodParameters {
    const DEFAULT_LIMIT: usize = 50;
    const MAX_LIMIT: usize = 1_000;

    /// The periods of a range. Errors if `since` is not in it.
    pub(crate) fn periods(&self, range: TimeRange) -> Result<Periods> {
        Periods::of(range, self.since)
    }

    /// How many groups are shown.
    pub(crate) fn limit(&self) -> Result<usize> {
        limit(self.limit, Self::DEFAULT_LIMIT, Self::MAX_LIMIT)
    }
}

impl PeriodBuckets {
    const DEFAULT_BUCKETS: usize = 30;
    const MAX_BUCKETS: usize = 60;

    /// How many buckets of time there may be.
    pub(crate) fn buckets(&self) -> Result<usize> {
        most_buckets(self.buckets, Self::DEFAULT_BUCKETS, Self::MAX_BUCKETS)
    }
}

impl Periods {
    /// One period, of all time.
    pub(crate) const ALL: Self = Self {
        all: TimeRange::ALL,
        since_ns: None,
    };

    /// With `since`, the part of `range` before it is the baseline. Without, the baseline is the
    /// period of equal length before `range`, if that has both ends. Errors if `since` is not in `range`.
    pub(crate) fn of(range: TimeRange, since: Option<TimeParameter>) -> Result<Self> {
        if let Some(TimeParameter(since_ns)) = since {
            if since_ns <= range.start_ns || since_ns > range.end_ns {
                return Err(Error::invalid("`since` is not between `start` and `end`").with_hint(
                    "what is before `since` is compared with what is after: give an earlier `start` or none",
                ));
            }
            return Ok(Self {
                all: range,
                since_ns: Some(since_ns),
            });
        }
        let length = range.end_ns.checked_sub(range.start_ns);
        let before = length.and_then(|length| range.start_ns.checked_sub(length));
        Ok(match before {
            Some(start_ns) if range.start_ns > i64::MIN && range.end_ns < i64::MAX => Self {
                all: TimeRange { start_ns, ..range },
                since_ns: Some(range.start_ns),
            },
            _ => Self {
                all: range,
                since_ns: None,
            },
        })
    }

    /// The second period: what is asked about.
    pub(crate) fn current(self) -> TimeRange {
        TimeRange {
            start_ns: self.since_ns.unwrap_or(self.all.start_ns),
            ..self.all
        }
    }

    /// The first period, if there is one.
    pub(crate) fn baseline(self) -> Option<TimeRange> {
        self.since_ns.map(|end_ns| TimeRange { end_ns, ..self.all })
    }

    /// What is to be counted file by file: the second period in buckets, unless nothing is in it (`None`), and
    /// the first.
    pub(crate) fn parts(self, buckets: Option<Buckets>) -> Vec<PeriodPart> {
        let current = buckets.map(|buckets| PeriodPart {
            range: buckets.range(self.current()),
            counted_in: Some(buckets),
            shown_in: Some(buckets),
        });
        let before = self.baseline().into_iter();
        let before = before.flat_map(Buckets::hours_and_ends);
        let before = before.map(|(range, counted_in)| PeriodPart {
            range,
            counted_in,
            shown_in: None,
        });
        current.into_iter().chain(before).collect()
    }

    /// Whether an instant is in the first period.
    pub(crate) fn is_baseline(self, time_ns: i64) -> bool {
        self.since_ns.is_some_and(|since_ns| time_ns < since_ns)
    }

    /// For the answer about records of some tables.
    pub(crate) fn bounds(self, session: &QuerySession, tables: &[Table]) -> PeriodBounds {
        let baseline = self.baseline();
        let first_in = |baseline| {
            tables
                .iter()
                .filter_map(move |table| session.first_ns(*table, baseline))
        };
        PeriodBounds {
            baseline_start_unix_nano: baseline
                .map(|baseline| baseline.start_ns)
                .filter(|start_ns| *start_ns > i64::MIN)
                .map(|start_ns| start_ns.to_string()),
            baseline_data_start_unix_nano: baseline
                .and_then(|baseline| first_in(baseline).min())
                .map(|first_ns| first_ns.to_string()),
            since_unix_nano: self.since_ns.map(|since_ns| since_ns.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start_ns: i64, end_ns: i64) -> TimeRange {
        TimeRange { start_ns, end_ns }
    }

    #[test]
    fn the_period_before_is_as_long() {
        let periods = Periods::of(range(100, 130), None).unwrap();
        assert_eq!(periods.baseline(), Some(range(70, 100)));
        assert_eq!(periods.current(), range(100, 130));
        assert!(periods.is_baseline(99) && !periods.is_baseline(100));
    }

    #[test]
    fn since_splits_the_range_and_open_ends_have_no_period_before() {
        let periods = Periods::of(TimeRange::ALL, Some(TimeParameter(7))).unwrap();
        assert_eq!(periods.current(), range(7, i64::MAX));
        assert_eq!(periods.baseline(), Some(range(i64::MIN, 7)));
        for open in [TimeRange::ALL, range(5, i64::MAX), range(i64::MIN, 5)] {
            let periods = Periods::of(open, None).unwrap();
            assert_eq!((periods.current(), periods.baseline()), (open, None));
        }
        for wrong in [5, 3, 21] {
            assert!(Periods::of(range(5, 20), Some(TimeParameter(wrong))).is_err());
        }
    }
}

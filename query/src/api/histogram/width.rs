//! Buckets of round widths at round times.

use spoor_storage::{Error, Result, TimeRange};

const NS: i128 = 1;
const SECOND: i128 = 1_000_000_000 * NS;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

/// Units with the multiples of them that are round.
const WIDTHS: [(i128, &[i128]); 5] = [
    (SECOND, &[1, 2, 5, 10, 15, 30]),
    (MINUTE, &[1, 2, 5, 10, 15, 30]),
    (HOUR, &[1, 2, 6, 12]),
    (DAY, &[1, 2, 5, 10, 15, 30]),
    // Longer than a month only ever happens when clocks were wrong by years.
    (
        30 * DAY,
        &[2, 5, 10, 15, 30, 60, 120, 240, 480, 960, 2_000, 4_000],
    ),
];

/// Equal buckets side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buckets {
    pub(crate) start_ns: i64,
    pub(crate) width_ns: i64,
    pub(crate) count: usize,
}

impl Buckets {
    /// At most `most` buckets of the smallest round width over `range`, the first one starting at
    /// a multiple of the width.
    pub(crate) fn over(range: TimeRange, most: usize) -> Result<Self> {
        let start = i128::from(range.start_ns);
        let end = i128::from(range.end_ns).max(start + 1);
        let fits = |width: &i128| {
            let first = start.div_euclid(*width) * width;
            let count = (end - first + width - 1) / width;
            let last = first + count * width;
            let representable = i64::try_from(first).is_ok()
                && i64::try_from(last).is_ok()
                && i64::try_from(last - first).is_ok();
            (count <= most as i128 && representable).then_some((first, count))
        };
        widths()
            .find_map(|width| {
                let (first, count) = fits(&width)?;
                Some(Self {
                    start_ns: i64::try_from(first).ok()?,
                    width_ns: i64::try_from(width).ok()?,
                    count: usize::try_from(count).ok()?,
                })
            })
            .ok_or_else(|| {
                Error::invalid(format!("the time range is too wide for {most} buckets"))
                    .with_hint("narrow it with `start` and `end`, or ask for more buckets")
            })
    }

    pub(crate) fn end_ns(self) -> i64 {
        let length = self
            .width_ns
            .saturating_mul(i64::try_from(self.count).unwrap_or(i64::MAX));
        self.start_ns.saturating_add(length)
    }

    /// What is both asked for and in a bucket.
    pub(crate) fn range(self, asked: TimeRange) -> TimeRange {
        TimeRange {
            start_ns: asked.start_ns.max(self.start_ns),
            end_ns: asked.end_ns.min(self.end_ns()),
        }
    }
}

/// All round widths, ascending: 1, 2, 5, 10, … ns up to 500 ms, then those of [`WIDTHS`].
fn widths() -> impl Iterator<Item = i128> {
    let below_second =
        (0..9_u32).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_i128.pow(power)));
    let above = WIDTHS
        .iter()
        .flat_map(|(unit, factors)| factors.iter().map(move |factor| unit * factor));
    below_second.chain(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(start_ns: i64, end_ns: i64, most: usize) -> Buckets {
        Buckets::over(TimeRange { start_ns, end_ns }, most).unwrap()
    }

    #[test]
    fn widths_ascend() {
        let all: Vec<_> = widths().collect();
        assert!(all.is_sorted(), "{all:?}");
    }

    #[test]
    fn an_hour_in_sixty_buckets_is_minutes() {
        let hour = 3_600_000_000_000;
        let found = over(10 * hour, 11 * hour, 60);
        assert_eq!((found.width_ns, found.count), (60_000_000_000, 60));
        assert_eq!((found.start_ns, found.end_ns()), (10 * hour, 11 * hour));
        // Not on a minute: one more bucket is needed, so the next width is taken.
        let shifted = over(10 * hour + 1, 11 * hour + 1, 60);
        assert_eq!((shifted.width_ns, shifted.count), (120_000_000_000, 31));
    }

    #[test]
    fn tiny_empty_and_old_ranges_work() {
        assert_eq!(
            over(5, 5, 60),
            Buckets {
                start_ns: 5,
                width_ns: 1,
                count: 1
            }
        );
        let old = over(-7, 3, 5);
        assert!(old.count <= 5 && old.start_ns <= -7 && old.end_ns() >= 3);
        assert_eq!(old.start_ns % old.width_ns, 0);
        let all = over(0, i64::MAX - (1 << 60), 60);
        assert!(all.count <= 60);
    }

    #[test]
    fn what_64_bits_cannot_hold_is_refused() {
        let all = TimeRange {
            start_ns: i64::MIN + 1,
            end_ns: i64::MAX - 1,
        };
        assert!(Buckets::over(all, 60).is_err());
    }
}

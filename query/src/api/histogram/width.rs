//! Buckets of round widths at round times.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, lit};
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

/// Of finer buckets that are put together to one: at most so many.
const MOST_PARTS: i64 = 120;

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

    /// How much after multiples of the width buckets begin.
    pub(crate) fn origin_ns(self) -> i64 {
        self.start_ns.rem_euclid(self.width_ns)
    }

    /// The number of the bucket of any time, counted from the beginning of time.
    pub(crate) fn number_at(self, time_ns: i64) -> i64 {
        time_ns
            .saturating_sub(self.origin_ns())
            .div_euclid(self.width_ns)
    }

    /// Where the bucket with a number begins.
    pub(crate) fn begin_of(self, number: i64) -> i64 {
        let begin = number.saturating_mul(self.width_ns);
        begin.saturating_add(self.origin_ns())
    }

    /// The number of the first one, counted from the beginning of time.
    pub(crate) fn first_number(self) -> i64 {
        self.start_ns.div_euclid(self.width_ns)
    }

    /// The place of the bucket with a number, counted from the beginning of time.
    pub(crate) fn place(self, number: i64) -> Option<usize> {
        let place = usize::try_from(number.saturating_sub(self.first_number()));
        place.ok().filter(|place| *place < self.count)
    }

    /// What is counted by the number of its bucket, bucket by bucket.
    pub(crate) fn in_order<T: Clone + Default>(self, cells: BTreeMap<i64, T>) -> Vec<T> {
        let mut in_order = vec![T::default(); self.count];
        for (number, cell) in cells {
            if let Some(at) = self.place(number) {
                in_order[at] = cell;
            }
        }
        in_order
    }

    /// The number of the bucket of a time that is not before the first, which has the number 0.
    pub(crate) fn number_of(self, time: Expr) -> Expr {
        (cast(time, DataType::Int64) - lit(self.start_ns)) / lit(self.width_ns)
    }

    /// Round widths of which a few make up `width_ns`, the widest first.
    pub(crate) fn finer(width_ns: i64) -> impl Iterator<Item = i64> {
        let parts = widths().filter_map(|width| i64::try_from(width).ok());
        let parts = parts.take_while(move |part| *part < width_ns);
        let fit = parts.filter(move |part| width_ns % part == 0 && width_ns / part <= MOST_PARTS);
        fit.collect::<Vec<_>>().into_iter().rev()
    }

    /// The whole hours of a range, without buckets: files are of an hour each, so all of their rows are in it.
    /// And what is left at its ends, where files are cut, in buckets that serve other ranges as well.
    pub(crate) fn hours_and_ends(range: TimeRange) -> Vec<(TimeRange, Option<Self>)> {
        let up = |time_ns: i64| (i128::from(time_ns) + HOUR - 1).div_euclid(HOUR) * HOUR;
        let down = |time_ns: i64| i128::from(time_ns).div_euclid(HOUR) * HOUR;
        let whole = TimeRange {
            start_ns: match range.start_ns {
                i64::MIN => i64::MIN,
                start_ns => i64::try_from(up(start_ns)).unwrap_or(i64::MAX),
            },
            end_ns: match range.end_ns {
                i64::MAX => i64::MAX,
                end_ns => i64::try_from(down(end_ns)).unwrap_or(i64::MIN),
            },
        };
        if whole.start_ns >= whole.end_ns {
            return vec![(range, Self::of_ends(range))];
        }
        let before = TimeRange {
            end_ns: whole.start_ns,
            ..range
        };
        let after = TimeRange {
            start_ns: whole.end_ns,
            ..range
        };
        let ends = [before, after].into_iter();
        let ends = ends.filter(|end| end.start_ns < end.end_ns);
        let ends = ends.map(|end| (end, Self::of_ends(end)));
        [(whole, None)].into_iter().chain(ends).collect()
    }

    /// Buckets of five minutes over some hours; `None` where time begins or ends.
    fn of_ends(range: TimeRange) -> Option<Self> {
        const WIDTH: i128 = 5 * MINUTE;
        let start = i128::from(range.start_ns).div_euclid(WIDTH) * WIDTH;
        let end = i128::from(range.end_ns).max(start + 1);
        let count = (end - start + WIDTH - 1) / WIDTH;
        i64::try_from(start + count * WIDTH).ok()?;
        Some(Self {
            start_ns: i64::try_from(start).ok()?,
            width_ns: i64::try_from(WIDTH).ok()?,
            count: usize::try_from(count).ok()?,
        })
    }

    /// Start, end and width as answers say them; without buckets, the bounds that were given, and where
    /// time starts for those that were not.
    pub(crate) fn bounds(buckets: Option<Self>, range: TimeRange) -> (i64, i64, i64) {
        let given = |bound_ns: i64| match bound_ns {
            i64::MIN | i64::MAX => 0,
            given => given,
        };
        match buckets {
            Some(buckets) => (buckets.start_ns, buckets.end_ns(), buckets.width_ns),
            None => (given(range.start_ns), given(range.end_ns), 0),
        }
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
    fn finer_buckets_make_up_coarser_ones() {
        let (second, minute) = (1_000_000_000, 60_000_000_000);
        let finer = |width_ns| Buckets::finer(width_ns).collect::<Vec<_>>();
        let seconds = [30, 15, 10, 5, 2, 1].map(|n| n * second);
        assert_eq!(finer(minute)[..6], seconds);
        assert_eq!(finer(minute)[6..], [second / 2]);
        assert_eq!(finer(second)[..3], [500, 200, 100].map(|n| n * 1_000_000));
        assert_eq!(finer(1), [] as [i64; 0]);
        for width in widths().filter_map(|width| i64::try_from(width).ok()) {
            let finer = finer(width);
            assert!(finer.iter().all(|part| width % part == 0), "{width}");
        }
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
    fn a_range_is_whole_hours_and_its_ends() {
        let (minute, hour) = (60_000_000_000, 3_600_000_000_000);
        let parts = |start_ns: i64, end_ns: i64| {
            let parts = Buckets::hours_and_ends(TimeRange { start_ns, end_ns });
            // One begins where another ends, and buckets hold them.
            let mut sorted: Vec<_> = parts.iter().map(|(range, _)| *range).collect();
            sorted.sort_by_key(|range| range.start_ns);
            assert_eq!(sorted.first().map(|first| first.start_ns), Some(start_ns));
            assert_eq!(sorted.last().map(|last| last.end_ns), Some(end_ns));
            for pair in sorted.windows(2) {
                assert_eq!(pair[0].end_ns, pair[1].start_ns);
            }
            for (range, buckets) in &parts {
                if let Some(buckets) = buckets {
                    assert!(buckets.start_ns <= range.start_ns && range.end_ns <= buckets.end_ns());
                    assert_eq!(buckets.start_ns % (5 * minute), 0);
                }
            }
            parts
                .into_iter()
                .map(|(range, buckets)| (range.start_ns, buckets.map(|buckets| buckets.count)))
                .collect::<Vec<_>>()
        };
        assert_eq!(parts(hour, 3 * hour), [(hour, None)]);
        assert_eq!(
            parts(hour + 1, 3 * hour + 6 * minute),
            [(2 * hour, None), (hour + 1, Some(12)), (3 * hour, Some(2))]
        );
        assert_eq!(
            parts(hour + 20 * minute, 2 * hour + 20 * minute),
            [(hour + 20 * minute, Some(12))]
        );
        assert_eq!(parts(5, 7), [(5, Some(1))]);
        assert_eq!(parts(-7, 5), [(-7, Some(2))]);
        assert_eq!(parts(i64::MIN, i64::MAX), [(i64::MIN, None)]);
        assert_eq!(parts(i64::MIN, 7), [(i64::MIN, None), (0, Some(1))]);
        assert_eq!(parts(hour, i64::MAX), [(hour, None)]);
        assert_eq!(parts(i64::MIN, i64::MIN + 9), [(i64::MIN, None)]);
        assert_eq!(parts(i64::MAX - 9, i64::MAX), [(i64::MAX - 9, None)]);
        assert_eq!(parts(i64::MIN + 1, i64::MIN + 9), [(i64::MIN + 1, None)]);
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

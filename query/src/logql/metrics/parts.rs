//! Windows as parts that can be counted file by file.

use super::Steps;
use super::window::Windows;
use crate::api::Buckets;
use crate::logql::scan::Part;

/// Buckets that a step may be made of; of more it is not worth it.
const MOST_PARTS: i64 = 64;

impl Windows {
    /// Ranges with all that any window has, in buckets each of which is in a window as a whole or not at all.
    /// `None` if such buckets would be small: where windows neither begin nor end at round times.
    pub(super) fn parts(&self) -> Option<Vec<Part>> {
        let (read, Steps { step_ns, count, .. }) = (self.read(), self.steps);
        if count <= 1 {
            return Some(Buckets::hours_and_ends(read));
        }
        let (_, first) = self.of_step(0);
        let width_ns = common(common(step_ns, self.range_ns), first);
        if width_ns < 2 || step_ns / width_ns > MOST_PARTS {
            return None;
        }
        let length = read.end_ns.checked_sub(read.start_ns)?;
        // A window has its end and not its start, so buckets begin just after.
        let buckets = Buckets {
            start_ns: read.start_ns,
            width_ns,
            count: usize::try_from(length / width_ns).ok()?,
        };
        let fits = buckets.end_ns() == read.end_ns && buckets.origin_ns() == 1;
        fits.then(|| vec![(read, Some(buckets))])
    }

    /// An instant in the same windows as all of a bucket of a part.
    pub(super) fn instant_in(&self, (_, buckets): Part, bucket: i64) -> i64 {
        match buckets.filter(|_| self.steps.count > 1) {
            Some(buckets) => buckets.begin_of(bucket),
            None => self.of_step(0).1,
        }
    }
}

/// The greatest common divisor.
fn common(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn windows(start_ns: i64, step_ns: i64, count: usize, range_ns: i64) -> Windows {
        Windows {
            steps: Steps {
                start_ns,
                step_ns,
                count,
            },
            range_ns,
            offset_ns: 3 * SECOND,
        }
    }

    #[test]
    fn a_bucket_is_in_a_window_as_a_whole_or_not_at_all() {
        for (start, step, range) in [(0, 15, 60), (7, 10, 4), (-33, 6, 9), (103, 100, 20)] {
            let windows = windows(start * SECOND, step * SECOND, 9, range * SECOND);
            let parts = windows.parts().unwrap();
            let [(read, Some(buckets))] = parts[..] else {
                panic!("in buckets");
            };
            assert_eq!(read, windows.read());
            for at in 0..buckets.count {
                let bucket = buckets.first_number() + i64::try_from(at).unwrap();
                let (begin, end) = (buckets.begin_of(bucket), buckets.begin_of(bucket + 1));
                let instant = windows.instant_in(parts[0], bucket);
                for time in [begin, begin + 1, end - 1] {
                    assert_eq!(windows.of(time), windows.of(instant), "{bucket}");
                    assert_eq!(buckets.number_at(time), bucket);
                }
            }
        }
    }

    #[test]
    fn windows_at_odd_times_have_no_parts() {
        assert!(
            windows(SECOND / 7, 15 * SECOND, 9, 60 * SECOND)
                .parts()
                .is_none()
        );
        assert!(
            windows(SECOND, 300 * SECOND, 9, 60 * SECOND)
                .parts()
                .is_none()
        );
        let one = windows(SECOND / 7, 1, 1, 7 * SECOND);
        let parts = one.parts().unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(
            (parts[0].0, one.instant_in(parts[0], 5)),
            (one.read(), one.of_step(0).1)
        );
        let end = windows(i64::MAX - 5, 2 * SECOND, 9, SECOND);
        assert!(end.parts().is_none());
    }
}

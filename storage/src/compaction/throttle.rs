//! So many bytes a second for all merges together, as a bucket that fills steadily.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Unused time that may be caught up with at once.
const BURST: Duration = Duration::from_millis(250);

/// A steady rate, shared by all who ask.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: u64,
    /// When everything taken so far is paid for.
    paid: Mutex<Option<Instant>>,
}

impl Throttle {
    /// At most this many bytes a second; 0 is any number.
    pub(crate) fn new(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second,
            paid: Mutex::new(None),
        }
    }

    /// Takes `bytes`, and says how long to wait before the next step.
    pub(crate) fn take(&self, bytes: u64, now: Instant) -> Duration {
        if self.bytes_per_second == 0 {
            return Duration::ZERO;
        }
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let mut paid = self.paid.lock();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let from = paid.map_or(earliest, |paid| paid.max(earliest));
        *paid = Some(from + cost);
        (from + cost).saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_over_time_and_for_all_together() {
        let throttle = Throttle::new(1_000_000);
        let start = Instant::now();
        let mut now = start;
        for step in 0..100 {
            // Two merges that take turns.
            assert!(
                throttle.take(50_000, now) <= Duration::from_millis(100),
                "{step}"
            );
            now += throttle.take(50_000, now);
        }
        let bytes_per_second = 10_000_000.0 / (now - start).as_secs_f64();
        assert!(
            (1_000_000.0..1_050_000.0).contains(&bytes_per_second),
            "{bytes_per_second}"
        );
        // What was not used in an hour is not a right to an hour's bytes at once.
        now += Duration::from_hours(1);
        assert!(throttle.take(1_000_000, now) >= Duration::from_millis(700));
        assert_eq!(Throttle::new(0).take(u64::MAX, now), Duration::ZERO);
    }
}

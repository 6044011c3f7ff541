//! Chance, from a seed: the same seed gives the same shop.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// How long a step takes: log-normal around a median, with a slow tail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latency {
    median_us: u32,
    spread: f64,
}

impl Latency {
    /// Around `median` milliseconds.
    pub(super) const fn ms(median: u32) -> Self {
        Self::us(median * 1000)
    }

    /// Around `median` microseconds.
    pub(super) const fn us(median: u32) -> Self {
        Self {
            median_us: median,
            spread: 0.35,
        }
    }

    /// The same, `factor` times slower.
    pub(super) const fn times(self, factor: u32) -> Self {
        Self {
            median_us: self.median_us * factor,
            spread: self.spread,
        }
    }
}

/// One step in a hundred is this many times slower than its distribution says: garbage
/// collection, a cold cache, a noisy neighbour.
const TAIL: f64 = 0.01;

/// The source of all chance in the demo.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    /// Dice that always fall the same way for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// An id that is not all zero, which OTLP forbids.
    pub(super) fn id<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        while bytes == [0; N] {
            self.0.fill_bytes(&mut bytes);
        }
        bytes
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.0.random::<f64>() < p
    }

    /// A whole number in `low..high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..high)
    }

    /// A real number in `low..high`.
    pub(super) fn real(&mut self, low: f64, high: f64) -> f64 {
        self.0.random_range(low..high)
    }

    /// One of several; `of` must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.random_range(0..of.len())]
    }

    /// `N` random bytes as lower-case hex.
    pub(super) fn hex<const N: usize>(&mut self) -> String {
        let mut text = String::with_capacity(2 * N);
        for byte in self.id::<N>() {
            text.push(hex_digit(byte >> 4));
            text.push(hex_digit(byte & 15));
        }
        text
    }

    /// A duration drawn from `latency`, in nanoseconds; at least one microsecond.
    pub(super) fn latency_ns(&mut self, latency: Latency) -> u64 {
        let mut seconds =
            f64::from(latency.median_us) / 1e6 * (latency.spread * self.normal()).exp();
        if self.chance(TAIL) {
            seconds *= self.real(4.0, 14.0);
        }
        nanoseconds(seconds).max(1000)
    }

    /// The time to the next of events that come at `rate` per second, in nanoseconds.
    pub(super) fn gap_ns(&mut self, rate: f64) -> u64 {
        let uniform = self.0.random::<f64>().max(f64::MIN_POSITIVE);
        nanoseconds(-uniform.ln() / rate)
    }

    /// A standard normal deviate (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.0.random::<f64>().max(f64::MIN_POSITIVE).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.0.random::<f64>()).cos()
    }
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

fn nanoseconds(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|duration| u64::try_from(duration.as_nanos()).ok())
        .unwrap_or(u64::MAX)
}

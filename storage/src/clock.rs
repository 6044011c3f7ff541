//! What time it is, as something that tests can set.
//!
//! Nothing is destroyed on the word of the wall clock alone: it may jump by years. What waits for
//! a deadline also counts the time that a clock which only goes forwards has seen pass.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Two clocks: the one on the wall, and one that nobody can set.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Nanoseconds since the Unix epoch, as the machine believes.
    fn now_ns(&self) -> i64;

    /// Time passed since some fixed moment; never goes back.
    fn passed(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts counting now.
    pub fn start() -> Arc<dyn Clock> {
        Arc::new(Self {
            start: Instant::now(),
        })
    }
}

impl Clock for SystemClock {
    fn now_ns(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => nanoseconds(since),
            Err(before) => -nanoseconds(before.duration()),
        }
    }

    fn passed(&self) -> Duration {
        self.start.elapsed()
    }
}

pub(crate) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

//! The ingest memory budget: requests in flight plus rows not yet in files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// When to come back after a refusal; about one flush.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Counters {
    in_flight: AtomicUsize,
    buffered: AtomicUsize,
}

/// Counts bytes against a limit.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    counters: Arc<Counters>,
    limit: usize,
}

/// A share of the ingest memory budget; given back when dropped.
#[derive(Debug)]
pub struct Admission {
    counters: Arc<Counters>,
    bytes: usize,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.counters
            .in_flight
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            counters: Arc::default(),
            limit,
        }
    }

    /// Reserves `bytes` or says when to come back. A request larger than the whole budget is let
    /// in when nothing else is there: refusing it for ever would lose its data.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Admission> {
        let before = self.counters.in_flight.fetch_add(bytes, Ordering::Relaxed);
        let admission = Admission {
            counters: Arc::clone(&self.counters),
            bytes,
        };
        let used = before + self.buffered();
        if used > 0 && used + bytes > self.limit {
            return Err(Error::new(
                ErrorKind::Busy,
                format!(
                    "the ingest memory budget of {} bytes is used up",
                    self.limit
                ),
            )
            .with_hint("send again later; a larger --ingest-memory-bytes lets more wait")
            .with_retry_after(RETRY_AFTER));
        }
        Ok(admission)
    }

    /// Sets how many bytes of rows wait to be written to files.
    pub(crate) fn set_buffered(&self, bytes: usize) {
        self.counters.buffered.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn buffered(&self) -> usize {
        self.counters.buffered.load(Ordering::Relaxed)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.counters.in_flight.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_the_limit_is_busy_until_something_is_given_back() {
        let budget = Budget::new(100);
        let first = budget.admit(80).unwrap();
        let refused = budget.admit(30).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        assert!(refused.retry_after().is_some());
        assert_eq!(budget.in_flight(), 80, "a refusal reserves nothing");
        drop(first);
        assert!(budget.admit(500).is_ok(), "alone, a large one gets in");
        budget.set_buffered(90);
        assert!(budget.admit(20).is_err());
    }
}

//! The ingest memory budget: requests in flight plus rows not yet in files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// When to come back after a refusal; about one flush.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Counters {
    in_flight: AtomicUsize,
    buffered: AtomicUsize,
    /// Somebody was refused since this was last looked at.
    refused: AtomicBool,
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
    budget: Budget,
    bytes: usize,
}

impl Admission {
    /// Reserves `bytes` more for the same request. Errors with [`ErrorKind::Busy`] when others
    /// have the memory now, and with [`ErrorKind::TooLarge`] when the request alone needs more
    /// than the whole budget: it would be told to come back for ever.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        self.budget.reserve(self.bytes, bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let in_flight = &self.budget.counters.in_flight;
        in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            counters: Arc::default(),
            limit,
        }
    }

    /// Reserves `bytes` for a new request, or says when to come back.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Admission> {
        self.reserve(0, bytes)?;
        Ok(Admission {
            budget: self.clone(),
            bytes,
        })
    }

    /// Reserves `bytes` for a request that has `held` already.
    fn reserve(&self, held: usize, bytes: usize) -> Result<()> {
        if held.saturating_add(bytes) > self.limit {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the request needs more than the ingest memory budget of {} bytes",
                    self.limit
                ),
            )
            .with_hint("send smaller batches, or allow more with --ingest-memory-bytes"));
        }
        let in_flight = &self.counters.in_flight;
        let before = in_flight.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes + self.buffered() > self.limit {
            in_flight.fetch_sub(bytes, Ordering::Relaxed);
            self.counters.refused.store(true, Ordering::Relaxed);
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
        Ok(())
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

    /// Whether a request was refused since the last call: then what is buffered should be
    /// written, also if it is little.
    pub(crate) fn take_refused(&self) -> bool {
        self.counters.refused.swap(false, Ordering::Relaxed)
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
        assert!(budget.take_refused() && !budget.take_refused());
        assert_eq!(budget.in_flight(), 80, "a refusal reserves nothing");
        drop(first);
        budget.set_buffered(90);
        assert!(budget.admit(20).is_err());
    }

    #[test]
    fn a_request_that_can_never_fit_is_told_so() {
        let budget = Budget::new(100);
        let refused = budget.admit(101).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge);
        assert!(refused.retry_after().is_none());
        let mut request = budget.admit(60).unwrap();
        request.grow(40).unwrap();
        let refused = request.grow(1).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge);
        drop(request);
        assert_eq!(budget.in_flight(), 0);
        let _other = budget.admit(50).unwrap();
        let mut request = budget.admit(30).unwrap();
        let busy = request.grow(30).unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Busy, "others have it now");
    }
}

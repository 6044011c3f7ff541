//! The ingest memory budget: requests in flight plus rows not yet in files.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, ErrorKind, Result};

/// When to come back after a refusal; about one flush.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Counters {
    in_flight: AtomicUsize,
    buffered: AtomicUsize,
    /// Somebody found no memory since this was last looked at.
    refused: AtomicBool,
    /// Requests that wait for memory.
    waiting: AtomicUsize,
    /// Told when memory is given back while somebody waits.
    freed: Notify,
}

/// One that waits, for as long as it lives.
struct Waiting<'a>(&'a Counters);

impl<'a> Waiting<'a> {
    fn new(counters: &'a Counters) -> Self {
        counters.waiting.fetch_add(1, Ordering::AcqRel);
        Self(counters)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
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
        let counters = &self.budget.counters;
        counters.in_flight.fetch_sub(self.bytes, Ordering::AcqRel);
        // One that gives back lets one in, which gives back in its turn.
        if counters.waiting.load(Ordering::Acquire) > 0 {
            counters.freed.notify_one();
        }
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

    /// As [`Budget::admit`], and waits for memory for at most `patience`: a sender that is
    /// slowed down wastes less than one that is sent away and sends the same again.
    pub(crate) async fn admit_within(&self, bytes: usize, patience: Duration) -> Result<Admission> {
        let until = Instant::now() + patience;
        let _waiting = match self.admit(bytes) {
            Err(busy) if busy.kind() == ErrorKind::Busy => Waiting::new(&self.counters),
            other => return other,
        };
        loop {
            let mut freed = pin!(self.counters.freed.notified());
            // What is freed from here on is not missed.
            freed.as_mut().enable();
            let refused = match self.admit(bytes) {
                Err(busy) if busy.kind() == ErrorKind::Busy => busy,
                other => return other,
            };
            if timeout_at(until, freed).await.is_err() {
                return Err(refused);
            }
        }
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
        let before = in_flight.fetch_add(bytes, Ordering::AcqRel) + self.buffered();
        // Half is for those who are in already, who may be large: a request that is read or
        // decoded and then refused is work for nothing.
        let is_late = held == 0 && before > self.limit / 2;
        if is_late || before + bytes > self.limit {
            in_flight.fetch_sub(bytes, Ordering::AcqRel);
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
        let before = self.counters.buffered.swap(bytes, Ordering::AcqRel);
        if bytes < before {
            self.counters.freed.notify_waiters();
        }
    }

    pub(crate) fn buffered(&self) -> usize {
        self.counters.buffered.load(Ordering::Relaxed)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.counters.in_flight.load(Ordering::Relaxed)
    }

    /// Requests that wait for memory.
    pub(crate) fn waiting(&self) -> usize {
        self.counters.waiting.load(Ordering::Relaxed)
    }

    /// Whether a request found no memory since the last call: then what is buffered should be
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
    fn a_new_request_leaves_half_to_those_who_are_in() {
        let budget = Budget::new(100);
        let mut first = budget.admit(51).unwrap();
        assert_eq!(budget.admit(1).unwrap_err().kind(), ErrorKind::Busy);
        first.grow(45).unwrap();
        assert_eq!(budget.in_flight(), 96);
    }

    #[tokio::test]
    async fn who_waits_is_let_in_when_memory_is_given_back() {
        const PATIENCE: Duration = Duration::from_secs(10);
        let budget = Budget::new(100);
        let first = budget.admit(80).unwrap();
        budget.set_buffered(10);
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let budget = budget.clone();
                tokio::spawn(async move { budget.admit_within(20, PATIENCE).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(budget.waiting(), 3);
        drop(first);
        let mut held = Vec::new();
        for task in waiting {
            held.push(task.await.unwrap().unwrap());
            // What each gives back lets the next in.
            held.clear();
        }
        assert_eq!((budget.waiting(), budget.in_flight()), (0, 0));

        budget.set_buffered(90);
        let late = budget.clone();
        let late = tokio::spawn(async move { late.admit_within(10, PATIENCE).await });
        tokio::task::yield_now().await;
        budget.set_buffered(0);
        assert_eq!(
            late.await.unwrap().unwrap().bytes,
            10,
            "a flush frees memory, too"
        );
    }

    #[tokio::test]
    async fn patience_ends_and_nobody_waits_for_what_can_never_be() {
        let budget = Budget::new(100);
        budget.set_buffered(90);
        let patience = Duration::from_millis(20);
        let refused = budget.admit_within(20, patience).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        assert_eq!((budget.waiting(), budget.in_flight()), (0, 0));
        let refused = budget
            .admit_within(101, Duration::from_hours(1))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge, "told at once");
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

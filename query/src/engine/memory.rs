//! Working memory: what one query may have, and what all that run may have together.
//!
//! ```text
//!  operators ─► QueryMemory (fair between the operators of a query) ─► AllMemory (first come, first served)
//! ```
//! Either says no by the error that makes an operator spill to disk if it can. What cannot spill fails: as too
//! large if the query has all that one may have, else with an error that says to come back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// How an error says that the others have the memory; it comes back from DataFusion as text.
const OTHERS_HAVE_IT: &str = "the queries that run have all the memory that there is for queries";

/// What all queries of an engine have.
#[derive(Debug)]
pub(crate) struct AllMemory {
    most: usize,
    taken: AtomicUsize,
    /// The same number, for those who watch.
    gauge: Gauge,
    refused: Counter,
}

/// What one query has. Given back when dropped.
#[derive(Debug)]
pub(crate) struct QueryMemory {
    own: FairSpillPool,
    all: Arc<AllMemory>,
}

/// Whether memory was refused because others have it.
pub(crate) fn others_have_it(message: &str) -> bool {
    message.contains(OTHERS_HAVE_IT)
}

// === impl AllMemory ===

impl AllMemory {
    /// At most `most` bytes.
    pub(crate) fn new(most: usize, gauge: Gauge, refused: Counter) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: AtomicUsize::new(0),
            gauge,
            refused,
        })
    }

    /// Memory of one more query, which may have `most` bytes of it.
    pub(crate) fn of_query(self: &Arc<Self>, most: usize) -> Arc<QueryMemory> {
        Arc::new(QueryMemory {
            own: FairSpillPool::new(most),
            all: Arc::clone(self),
        })
    }

    /// Takes what was had already.
    fn note(&self, bytes: usize) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        self.gauge.inc_by(signed(bytes));
    }

    fn take(&self, bytes: usize) -> bool {
        let within = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        let fits = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .is_ok();
        if fits {
            self.gauge.inc_by(signed(bytes));
        } else {
            self.refused.inc();
        }
        fits
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
        self.gauge.dec_by(signed(bytes));
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// === impl QueryMemory ===

impl MemoryPool for QueryMemory {
    fn name(&self) -> &'static str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.all.note(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.give_back(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        if self.all.take(additional) {
            return Ok(());
        }
        self.own.shrink(reservation, additional);
        Err(DataFusionError::ResourcesExhausted(format!(
            "{OTHERS_HAVE_IT}: {additional} bytes more for {}",
            reservation.consumer().name()
        )))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

impl fmt::Display for QueryMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes for all", self.own, self.all.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_refused_what_others_have_and_gets_it_when_they_are_done() {
        let (gauge, refused) = (Gauge::default(), Counter::default());
        let all = AllMemory::new(1_000, gauge.clone(), refused.clone());
        let (first, second): (Arc<dyn MemoryPool>, Arc<dyn MemoryPool>) =
            (all.of_query(700), all.of_query(700));
        let of_first = MemoryConsumer::new("rows").register(&first);
        of_first.try_grow(600).unwrap();
        let own = of_first.try_grow(200).unwrap_err().to_string();
        assert!(!others_have_it(&own), "{own}");
        let of_second = MemoryConsumer::new("sort")
            .with_can_spill(true)
            .register(&second);
        of_second.try_grow(400).unwrap();
        let error = of_second.try_grow(1).unwrap_err();
        assert!(
            matches!(&error, DataFusionError::ResourcesExhausted(text) if others_have_it(text)),
            "what makes an operator spill: {error}"
        );
        assert_eq!(
            (second.reserved(), gauge.get(), refused.get()),
            (400, 1_000, 1)
        );
        // What cannot be refused is over the limit, and counts.
        of_second.grow(50);
        assert_eq!(gauge.get(), 1_050);
        drop((of_first, first));
        assert_eq!(gauge.get(), 450);
        of_second.try_grow(200).unwrap();
        drop((of_second, second));
        assert_eq!((gauge.get(), all.taken.load(Ordering::Relaxed)), (0, 0));
    }
}

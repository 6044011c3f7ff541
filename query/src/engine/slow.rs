//! Queries that took long: the last of them, for whoever asks why it was slow.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spoor_storage::TenantId;

use super::running::Asked;

/// How many are kept.
const MOST: usize = 100;

/// A query that is over.
#[derive(Debug)]
pub(crate) struct SlowQuery {
    pub(crate) id: String,
    pub(crate) asked: Arc<Asked>,
    pub(crate) tenant: TenantId,
    pub(crate) began_ns: i64,
    /// Waiting and being answered included.
    pub(crate) took: Duration,
    pub(crate) rows_read: u64,
    pub(crate) bytes_read: u64,
}

/// The last slow ones.
#[derive(Debug, Default)]
pub(crate) struct SlowQueries {
    /// What takes less is not kept.
    from: Duration,
    /// The oldest first.
    kept: Mutex<VecDeque<Arc<SlowQuery>>>,
}

impl SlowQueries {
    pub(crate) fn new(from: Duration) -> Self {
        Self {
            from,
            kept: Mutex::default(),
        }
    }

    /// Whether a query that took so long is kept.
    pub(crate) fn wants(&self, took: Duration) -> bool {
        took >= self.from
    }

    /// Keeps one; the oldest makes room for it.
    pub(crate) fn keep(&self, query: SlowQuery) {
        let mut kept = self.kept.lock();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back(Arc::new(query));
    }

    /// Those that are kept, the last first.
    pub(crate) fn list(&self) -> Vec<Arc<SlowQuery>> {
        self.kept.lock().iter().rev().map(Arc::clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_slow_ones_are_kept() {
        let slow = SlowQueries::new(Duration::from_secs(1));
        assert!(!slow.wants(Duration::from_millis(999)));
        assert!(slow.wants(Duration::from_secs(1)));
        for number in 0..250 {
            slow.keep(SlowQuery {
                id: number.to_string(),
                asked: Asked::new("/sql", String::new(), None, None),
                tenant: TenantId::default(),
                began_ns: number,
                took: Duration::from_secs(2),
                rows_read: 1,
                bytes_read: 2,
            });
        }
        let ids: Vec<String> = slow.list().iter().map(|query| query.id.clone()).collect();
        assert_eq!((ids.len(), &*ids[0], &*ids[99]), (100, "249", "150"));
    }
}

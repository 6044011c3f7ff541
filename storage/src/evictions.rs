//! Tells how much leaves a cache.

use prometheus_client::metrics::counter::Counter;
use quick_cache::Lifecycle;

/// Counts what leaves a cache because others came.
#[derive(Debug, Clone)]
pub(crate) struct Evictions(pub(crate) Counter);

impl<Key, Kept> Lifecycle<Key, Kept> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Kept) {
        self.0.inc();
    }
}

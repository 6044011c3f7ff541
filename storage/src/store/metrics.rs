//! What the store counts: attempts after a failure, and what the cache on disk spares.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters and gauges of one store; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoreMetrics {
    pub(super) retries: Counter,
    pub(super) cache_hits: Counter,
    pub(super) cache_misses: Counter,
    pub(super) cache_evictions: Counter,
    pub(super) cache_bytes: Gauge<u64, AtomicU64>,
}

impl StoreMetrics {
    /// Registers them below `storage`.
    pub(crate) fn register(&self, storage: &mut Registry) {
        macro_rules! register {
            ($($name:ident: $help:literal),* $(,)?) => {$(
                storage.register(concat!("store_", stringify!($name)), $help, self.$name.clone());
            )*};
        }
        register! {
            retries: "Operations on the object store that were tried again",
            cache_hits: "Blocks of the object store's files that queries found on the local disk",
            cache_misses: "Blocks that were not there and were fetched",
            cache_evictions: "Blocks deleted from the local disk because others came",
            cache_bytes: "Bytes of such blocks on the local disk",
        }
    }
}

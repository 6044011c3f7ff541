//! Pages without compression that are kept from one query to the next.

use std::sync::atomic::AtomicU64;

use parquet::column::page::Page;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::evictions::Evictions;
use crate::model::FileId;

/// A page has at most such a part of the cache.
const MAX_PART: u64 = 16;

/// The file, and where in it the page begins.
pub(super) type Key = (FileId, u64);

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Page> for ByBytes {
    fn weight(&self, _: &Key, page: &Page) -> u64 {
        /// What an entry costs besides its bytes.
        const ENTRY_BYTES: u64 = 192;
        ENTRY_BYTES + page.buffer().len() as u64
    }
}

/// What a [`PageCache`] counts.
#[derive(Debug, Clone, Default)]
pub struct PageCacheMetrics {
    /// Pages that were there.
    pub hits: Counter,
    /// Pages that were not there, so that they were read.
    pub misses: Counter,
    /// Pages that left because others came.
    pub evictions: Counter,
    /// Bytes that it has now.
    pub bytes: Gauge<u64, AtomicU64>,
}

/// Pages without compression, at most so many bytes.
pub struct PageCache {
    cache: Cache<Key, Page, ByBytes, DefaultHashBuilder, Evictions>,
    most_of_page: u64,
    metrics: PageCacheMetrics,
}

impl std::fmt::Debug for PageCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageCache")
            .field("entries", &self.cache.len())
            .finish_non_exhaustive()
    }
}

impl PageCache {
    /// One for `bytes`.
    pub fn new(bytes: u64, metrics: PageCacheMetrics) -> Self {
        /// Decides into how many parts the cache divides itself, each for at least 32 entries.
        const USUAL_BYTES: u64 = 1 << 19;
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(1).max(1);
        Self {
            cache: Cache::with(
                items,
                bytes,
                ByBytes,
                DefaultHashBuilder::default(),
                Evictions(metrics.evictions.clone()),
            ),
            most_of_page: bytes / MAX_PART,
            metrics,
        }
    }

    /// Bytes that it has now.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Page> {
        let page = self.cache.get(key);
        match page {
            Some(_) => self.metrics.hits.inc(),
            None => self.metrics.misses.inc(),
        };
        page
    }

    pub(super) fn keep(&self, key: Key, page: &Page) {
        if page.buffer().len() as u64 <= self.most_of_page {
            self.cache.insert(key, page.clone());
            self.metrics.bytes.set(self.cache.weight());
        }
    }
}

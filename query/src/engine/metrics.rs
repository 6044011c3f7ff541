//! What the engine counts.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use spoor_storage::PageCacheMetrics;

use super::memory::AllMemory;

/// Counters of one engine; clones count into the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct QueryMetrics {
    running: Gauge,
    finished: Counter,
    incomplete: Counter,
    refused: Counter,
    stalled: Counter,
    memory: Gauge,
    memory_refused: Counter,
    footer_cache_hits: Counter,
    footer_cache_misses: Counter,
    pub(super) pages: PageCacheMetrics,
    trace_cache_hits: Counter,
    trace_cache_misses: Counter,
    trace_cache_evictions: Counter,
    trace_cache_bytes: Gauge<u64, AtomicU64>,
    seconds: Histogram,
}

impl Default for QueryMetrics {
    fn default() -> Self {
        Self {
            running: Gauge::default(),
            finished: Counter::default(),
            incomplete: Counter::default(),
            refused: Counter::default(),
            stalled: Counter::default(),
            memory: Gauge::default(),
            memory_refused: Counter::default(),
            footer_cache_hits: Counter::default(),
            footer_cache_misses: Counter::default(),
            pages: PageCacheMetrics::default(),
            trace_cache_hits: Counter::default(),
            trace_cache_misses: Counter::default(),
            trace_cache_evictions: Counter::default(),
            trace_cache_bytes: Gauge::default(),
            seconds: Histogram::new(exponential_buckets(0.001, 4.0, 9)),
        }
    }
}

impl QueryMetrics {
    /// Memory of all queries, counted here.
    pub(super) fn of_memory(&self, most: usize) -> Arc<AllMemory> {
        AllMemory::new(most, self.memory.clone(), self.memory_refused.clone())
    }

    pub(crate) fn started(&self) {
        self.running.inc();
    }

    pub(crate) fn finished(&self, took: Duration, complete: bool) {
        self.running.dec();
        self.finished.inc();
        if !complete {
            self.incomplete.inc();
        }
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    /// An answer is ended because its client takes nothing of it.
    pub(crate) fn stalled(&self) {
        self.stalled.inc();
    }

    /// A file is opened whose footer is in memory, or is not.
    pub(crate) fn footer(&self, in_memory: bool) {
        if in_memory {
            self.footer_cache_hits.inc();
        } else {
            self.footer_cache_misses.inc();
        }
    }

    /// A window is asked for of a trace that is in memory as it is now, or is not.
    pub(crate) fn trace_asked(&self, in_memory: bool) {
        if in_memory {
            self.trace_cache_hits.inc();
        } else {
            self.trace_cache_misses.inc();
        }
    }

    /// A trace made room for another one.
    pub(crate) fn trace_evicted(&self) {
        self.trace_cache_evictions.inc();
    }

    /// So much is in memory of traces.
    pub(crate) fn traces_kept(&self, bytes: u64) {
        self.trace_cache_bytes.set(bytes);
    }

    fn register_pages(&self, registry: &mut Registry) {
        registry.register(
            "page_cache_hits",
            "Pages of few rows that were in memory",
            self.pages.hits.clone(),
        );
        registry.register(
            "page_cache_misses",
            "Pages of few rows that were not there, so that they were read",
            self.pages.misses.clone(),
        );
        registry.register(
            "page_cache_evictions",
            "Pages that left the memory because others came",
            self.pages.evictions.clone(),
        );
        registry.register(
            "page_cache_bytes",
            "Bytes of pages in memory",
            self.pages.bytes.clone(),
        );
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("spoor_query");
        registry.register("running", "Queries that run now", self.running.clone());
        registry.register(
            "finished",
            "Queries that ended, also by an error",
            self.finished.clone(),
        );
        registry.register(
            "incomplete",
            "Queries whose answer said complete: false",
            self.incomplete.clone(),
        );
        registry.register(
            "refused",
            "Queries refused because too many were waiting",
            self.refused.clone(),
        );
        registry.register(
            "stalled",
            "Answers ended because their client took nothing of them for too long",
            self.stalled.clone(),
        );
        registry.register_with_unit(
            "memory",
            "Working memory of the queries that run",
            Unit::Bytes,
            self.memory.clone(),
        );
        registry.register(
            "memory_refused",
            "Times that an operator had to spill or to fail because the queries that run had all memory",
            self.memory_refused.clone(),
        );
        registry.register(
            "footer_cache_hits",
            "Data files opened whose footer was in memory",
            self.footer_cache_hits.clone(),
        );
        registry.register(
            "footer_cache_misses",
            "Data files opened whose footer was read",
            self.footer_cache_misses.clone(),
        );
        self.register_pages(registry);
        registry.register(
            "trace_cache_hits",
            "Windows of traces that were in memory",
            self.trace_cache_hits.clone(),
        );
        registry.register(
            "trace_cache_misses",
            "Windows of traces that were loaded",
            self.trace_cache_misses.clone(),
        );
        registry.register(
            "trace_cache_evictions",
            "Traces that made room for others in memory",
            self.trace_cache_evictions.clone(),
        );
        registry.register(
            "trace_cache_bytes",
            "Bytes of assembled traces in memory",
            self.trace_cache_bytes.clone(),
        );
        registry.register_with_unit(
            "duration",
            "How long queries took",
            Unit::Seconds,
            self.seconds.clone(),
        );
    }
}

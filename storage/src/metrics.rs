//! What storage counts, as `spoor_storage_…` in the metrics page.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::store::StoreMetrics;

/// All counters and gauges of one engine.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) appended_requests: Counter,
    pub(crate) appended_rows: Counter,
    pub(crate) wal_bytes_written: Counter,
    pub(crate) wal_syncs: Counter,
    pub(crate) wal_bytes: Gauge<u64, AtomicU64>,
    pub(crate) wal_failures: Counter,
    pub(crate) wal_torn_tails: Counter,
    pub(crate) wal_corrupt_records: Counter,
    pub(crate) wal_undecodable_requests: Counter,
    pub(crate) lost_requests: Gauge<u64, AtomicU64>,
    pub(crate) replayed_requests: Counter,
    pub(crate) buffer_bytes: Gauge<u64, AtomicU64>,
    pub(crate) buffer_rows: Gauge<u64, AtomicU64>,
    pub(crate) in_flight_bytes: Gauge<u64, AtomicU64>,
    pub(crate) requests_waiting_for_memory: Gauge<u64, AtomicU64>,
    pub(crate) commit_queue_length: Gauge<u64, AtomicU64>,
    pub(crate) sealed_buffers: Gauge<u64, AtomicU64>,
    pub(crate) refused: Family<Reason, Counter>,
    pub(crate) files: Gauge<u64, AtomicU64>,
    pub(crate) file_bytes: Gauge<u64, AtomicU64>,
    pub(crate) index_bytes: Gauge<u64, AtomicU64>,
    pub(crate) quarantined_files: Gauge<u64, AtomicU64>,
    pub(crate) flushes: Counter,
    pub(crate) flush_failures: Counter,
    pub(crate) flushed_rows: Counter,
    pub(crate) flushed_bytes: Counter,
    pub(crate) compactions: Counter,
    pub(crate) compaction_failures: Counter,
    pub(crate) compacted_files: Counter,
    pub(crate) compaction_read_bytes: Counter,
    pub(crate) compaction_written_bytes: Counter,
    pub(crate) compaction_running: Gauge<u64, AtomicU64>,
    pub(crate) compaction_debt_files: Gauge<u64, AtomicU64>,
    pub(crate) compaction_debt_rows: Gauge<u64, AtomicU64>,
    pub(crate) compaction_debt_bytes: Gauge<u64, AtomicU64>,
    pub(crate) compaction_debt_age_seconds: Gauge<u64, AtomicU64>,
    pub(crate) most_files_of_an_hour: Gauge<u64, AtomicU64>,
    pub(crate) write_amplification: Gauge<f64, AtomicU64>,
    pub(crate) deleted_files: Counter,
    pub(crate) files_to_delete: Gauge<u64, AtomicU64>,
    pub(crate) index_fallbacks: Counter,
    pub(crate) index_cache_hits: Counter,
    pub(crate) index_cache_misses: Counter,
    pub(crate) index_cache_evictions: Counter,
    pub(crate) index_cache_bytes: Gauge<u64, AtomicU64>,
    pub(crate) count_cache_hits: Counter,
    pub(crate) count_cache_misses: Counter,
    pub(crate) count_cache_evictions: Counter,
    pub(crate) count_cache_bytes: Gauge<u64, AtomicU64>,
    pub(crate) free_disk_bytes: Gauge<u64, AtomicU64>,
    pub(crate) disk_bytes: Gauge<u64, AtomicU64>,
    pub(crate) disk_full: Gauge<u64, AtomicU64>,
    pub(crate) hidden_rows: Gauge<u64, AtomicU64>,
    pub(crate) open_deletions: Gauge<u64, AtomicU64>,
    pub(crate) pinned_traces: Gauge<u64, AtomicU64>,
    pub(crate) retention_rules_not_understood: Gauge<u64, AtomicU64>,
    pub(crate) deleted_rows: Counter,
    pub(crate) redacted_rows: Counter,
    pub(crate) expired_rows: Counter,
    pub(crate) restored_rows: Counter,
    pub(crate) purged_rows: Counter,
    pub(crate) rewritten_files: Counter,
    pub(crate) retention_passes: Counter,
    pub(crate) retention_failures: Counter,
}

/// Why a request was refused, as a label.
pub(crate) type Reason = [(&'static str, &'static str); 1];

impl Metrics {
    /// Registers them, and beside them those of the store.
    pub(crate) fn register(&self, store: &StoreMetrics, registry: &mut Registry) {
        let storage = registry.sub_registry_with_prefix("spoor_storage");
        store.register(storage);
        macro_rules! register {
            ($($name:ident: $help:literal),* $(,)?) => {$(
                storage.register(stringify!($name), $help, self.$name.clone());
            )*};
        }
        register! {
            appended_requests: "Requests made durable",
            appended_rows: "Rows made durable",
            wal_bytes_written: "Bytes written to the write-ahead log",
            wal_syncs: "Syncs of the write-ahead log; one for each group of requests",
            wal_bytes: "Bytes of write-ahead log on disk",
            wal_failures: "Groups of requests that could not be written to the log and were refused",
            wal_torn_tails: "Unfinished records cut at recovery",
            wal_corrupt_records: "Broken records set aside at recovery",
            wal_undecodable_requests: "Requests of the log that could not be decoded at recovery and were set aside",
            lost_requests: "Acknowledged requests that the log did not give back, until the loss is acknowledged",
            replayed_requests: "Requests read back at recovery",
            buffer_bytes: "Bytes of rows that are not in files yet",
            buffer_rows: "Rows that are not in files yet",
            in_flight_bytes: "Bytes of requests being taken in",
            requests_waiting_for_memory: "Requests that wait until memory is free, two seconds at most",
            commit_queue_length: "Requests that wait to be written to the log; at most 1024",
            sealed_buffers: "Buffers that wait to be written to files",
            refused: "Requests refused because of a limit, by the limit",
            files: "Live data files",
            file_bytes: "Bytes of live data files",
            index_bytes: "Bytes of live index files",
            quarantined_files: "Data files set aside as broken",
            flushes: "Buffers written to files",
            flush_failures: "Failed attempts to write a buffer to files",
            flushed_rows: "Rows written to files by flushes",
            flushed_bytes: "Bytes of files written by flushes, indexes included",
            compactions: "Merges of small files",
            compaction_failures: "Failed merges of small files",
            compacted_files: "Files that were merged away",
            compaction_read_bytes: "Encoded bytes read by merges",
            compaction_written_bytes: "Encoded bytes written by merges",
            compaction_running: "Merges under way",
            compaction_debt_files: "Files that wait to be merged",
            compaction_debt_rows: "Rows of files that wait to be merged",
            compaction_debt_bytes: "Bytes of files that wait to be merged",
            compaction_debt_age_seconds: "Age of the oldest file that waits to be merged",
            most_files_of_an_hour: "Files of the hour, table and tenant that has most",
            write_amplification: "Bytes written by flushes and merges for each byte of a flush, since the start",
            deleted_files: "Files deleted after they were replaced",
            files_to_delete: "Replaced files that a query may still read",
            index_fallbacks: "Files read whole because their index could not be used",
            index_cache_hits: "Indexes and parts of them that lookups found in memory",
            index_cache_misses: "Indexes and parts that were not there and were read",
            index_cache_evictions: "Indexes and parts that left the memory because others came",
            index_cache_bytes: "Bytes of opened indexes in memory",
            count_cache_hits: "Counts of files that were in memory: values of a field, histograms",
            count_cache_misses: "Counts of files that were not there, so that rows were read",
            count_cache_evictions: "Counts of files that left the memory because others came",
            count_cache_bytes: "Bytes of what was counted by file in memory",
            free_disk_bytes: "Free bytes on the disk of the data directory",
            disk_bytes: "Size of the disk of the data directory",
            disk_full: "1 while requests are refused because the disk is almost full",
            hidden_rows: "Rows in live files that no query sees any more",
            open_deletions: "Deletions and retention passes whose bytes are not gone yet",
            pinned_traces: "Traces that are kept whatever the rules say",
            retention_rules_not_understood: "Rules of an earlier version by which nothing expires",
            deleted_rows: "Rows deleted by request",
            redacted_rows: "Rows in which values were replaced by request",
            expired_rows: "Rows hidden by retention rules",
            restored_rows: "Rows that were hidden by retention rules and came back",
            purged_rows: "Rows whose bytes a rewrite or the deletion of their file removed",
            rewritten_files: "Files written again without deleted or with redacted rows",
            retention_passes: "Looks at what has expired",
            retention_failures: "Looks at what has expired that failed",
        }
    }
}

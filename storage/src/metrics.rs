//! What storage counts, as `spoor_storage_…` in the metrics page.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// All counters and gauges of one engine.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) appended_requests: Counter,
    pub(crate) appended_rows: Counter,
    pub(crate) wal_bytes_written: Counter,
    pub(crate) wal_syncs: Counter,
    pub(crate) wal_bytes: Gauge<u64, AtomicU64>,
    pub(crate) wal_torn_tails: Counter,
    pub(crate) wal_corrupt_records: Counter,
    pub(crate) replayed_requests: Counter,
    pub(crate) buffer_bytes: Gauge<u64, AtomicU64>,
    pub(crate) buffer_rows: Gauge<u64, AtomicU64>,
    pub(crate) in_flight_bytes: Gauge<u64, AtomicU64>,
    pub(crate) files: Gauge<u64, AtomicU64>,
    pub(crate) file_bytes: Gauge<u64, AtomicU64>,
    pub(crate) index_bytes: Gauge<u64, AtomicU64>,
    pub(crate) quarantined_files: Gauge<u64, AtomicU64>,
    pub(crate) flushes: Counter,
    pub(crate) flush_failures: Counter,
    pub(crate) flushed_rows: Counter,
    pub(crate) compactions: Counter,
    pub(crate) compaction_failures: Counter,
    pub(crate) compacted_files: Counter,
    pub(crate) compaction_read_bytes: Counter,
    pub(crate) compaction_written_bytes: Counter,
    pub(crate) compaction_debt_files: Gauge<u64, AtomicU64>,
    pub(crate) deleted_files: Counter,
    pub(crate) index_fallbacks: Counter,
    pub(crate) free_disk_bytes: Gauge<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let storage = registry.sub_registry_with_prefix("spoor_storage");
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
            wal_torn_tails: "Unfinished records cut at recovery",
            wal_corrupt_records: "Broken records set aside at recovery",
            replayed_requests: "Requests read back at recovery",
            buffer_bytes: "Bytes of rows that are not in files yet",
            buffer_rows: "Rows that are not in files yet",
            in_flight_bytes: "Bytes of requests being taken in",
            files: "Live data files",
            file_bytes: "Bytes of live data files",
            index_bytes: "Bytes of live index files",
            quarantined_files: "Data files set aside as broken",
            flushes: "Buffers written to files",
            flush_failures: "Failed attempts to write a buffer to files",
            flushed_rows: "Rows written to files by flushes",
            compactions: "Merges of small files",
            compaction_failures: "Failed merges of small files",
            compacted_files: "Files that were merged away",
            compaction_read_bytes: "Encoded bytes read by merges",
            compaction_written_bytes: "Encoded bytes written by merges",
            compaction_debt_files: "Files that wait to be merged",
            deleted_files: "Files deleted after they were merged",
            index_fallbacks: "Files read whole because their index could not be used",
            free_disk_bytes: "Free bytes on the disk of the data directory",
        }
    }
}

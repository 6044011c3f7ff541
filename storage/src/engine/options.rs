//! Settings of the storage engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::CatalogLocation;
use crate::clock::{Clock, SystemClock};
use crate::retention::CompileFilter;
use crate::store::StoreLocation;

use super::FixedRetention;

/// Settings of the storage engine; [`StorageOptions::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct StorageOptions {
    /// The folder that holds everything: `wal/`, `catalog.sqlite`, `tenant=…/`, `quarantine/`.
    pub data_dir: PathBuf,
    /// Where the catalog is.
    pub catalog: CatalogLocation,
    /// Where data files are.
    pub store: StoreLocation,
    /// Bytes of a remote store's files that are kept in `cache/` of the data directory.
    pub store_cache_bytes: u64,
    /// Bytes of requests in flight and of rows not yet in files; over it, appends are refused
    /// with [`crate::ErrorKind::Busy`].
    pub ingest_memory_bytes: usize,
    /// The buffer is flushed when it holds this many bytes of Arrow data.
    pub flush_bytes: usize,
    /// The buffer is flushed when its oldest row has waited this long.
    pub flush_interval: Duration,
    /// Below this many free bytes on the disk of `data_dir`, appends are refused with
    /// [`crate::ErrorKind::Unavailable`]; they are taken again when a quarter more than this is
    /// free. Merges leave this much free, so flushes can use it.
    pub min_free_bytes: u64,
    /// Appends are also refused when this part of the disk is in use, in percent; 100 is never.
    pub disk_high_percent: u8,
    /// … and taken again when less than this part is.
    pub disk_low_percent: u8,
    /// Bytes of write-ahead log; over it, appends are refused with [`crate::ErrorKind::Busy`]
    /// until flushes have made it shorter.
    pub wal_max_bytes: u64,
    /// Merges that run at the same time, each on a thread of low priority; 0 leaves merging to
    /// [`crate::Storage::compact`].
    pub compaction_threads: usize,
    /// Bytes of files that all merges together read and write in a second; 0 is any number.
    /// Not heeded while merging has fallen behind.
    pub compaction_bytes_per_second: u64,
    /// Files that may wait to be merged; over it, appends are refused with
    /// [`crate::ErrorKind::Busy`] until half of them are merged.
    pub max_waiting_files: u64,
    /// Tenants that may have rows; requests of one more are refused with [`crate::ErrorKind::Invalid`].
    pub max_tenants: usize,
    /// Files with fewer rows get no index: queries read them whole.
    pub index_from_rows: u64,
    /// Bytes of opened index files kept in memory; a sixteenth of them for what was counted of files.
    pub index_cache_bytes: u64,
    /// How long rows that a retention rule hides can come back when the rule is changed.
    pub retention_undo: Duration,
    /// The retention policy, if the settings give it: then it is in force from the start on and nobody
    /// can set another.
    pub retention: Option<FixedRetention>,
    /// Who understands the queries of retention rules; without it there can be no such rules.
    pub filters: Option<Arc<dyn CompileFilter>>,
    /// When the bytes of rows that were deleted by request are gone at the latest.
    pub delete_deadline: Duration,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl StorageOptions {
    /// The defaults for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            catalog: CatalogLocation::default(),
            store: StoreLocation::default(),
            store_cache_bytes: 2 << 30,
            ingest_memory_bytes: 1 << 30,
            flush_bytes: 128 << 20,
            flush_interval: Duration::from_secs(30),
            min_free_bytes: 256 << 20,
            disk_high_percent: 100,
            disk_low_percent: 98,
            wal_max_bytes: 4 << 30,
            compaction_threads: 1,
            compaction_bytes_per_second: 128 << 20,
            max_waiting_files: 2_000,
            max_tenants: 100,
            index_from_rows: 0,
            index_cache_bytes: 256 << 20,
            retention_undo: Duration::from_hours(24),
            retention: None,
            filters: None,
            delete_deadline: Duration::from_hours(24),
            clock: SystemClock::start(),
        }
    }
}

//! Settings of the storage engine.

use std::path::PathBuf;
use std::time::Duration;

use crate::catalog::CatalogLocation;

/// Settings of the storage engine; [`StorageOptions::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct StorageOptions {
    /// The folder that holds everything: `wal/`, `catalog.sqlite`, `tenant=…/`, `quarantine/`.
    pub data_dir: PathBuf,
    /// Where the catalog is.
    pub catalog: CatalogLocation,
    /// Bytes of requests in flight and of rows not yet in files; over it, appends are refused
    /// with [`crate::ErrorKind::Busy`].
    pub ingest_memory_bytes: usize,
    /// The buffer is flushed when it holds this many bytes of Arrow data.
    pub flush_bytes: usize,
    /// The buffer is flushed when its oldest row has waited this long.
    pub flush_interval: Duration,
    /// Below this many free bytes on the disk of `data_dir`, appends are refused with
    /// [`crate::ErrorKind::Unavailable`].
    pub min_free_bytes: u64,
    /// Bytes of opened index files kept in memory.
    pub index_cache_bytes: u64,
}

impl StorageOptions {
    /// The defaults for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            catalog: CatalogLocation::default(),
            ingest_memory_bytes: 1 << 30,
            flush_bytes: 128 << 20,
            flush_interval: Duration::from_secs(30),
            min_free_bytes: 256 << 20,
            index_cache_bytes: 256 << 20,
        }
    }
}

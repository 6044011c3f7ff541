//! The front door: open a data directory, append to it, take snapshots of it, close it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;

use crate::error::Result;
use crate::model::{Table, TenantId};
use crate::snapshot::Snapshot;

/// Settings of the storage engine; [`StorageOptions::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct StorageOptions {
    /// The folder that holds everything: `wal/`, `catalog.sqlite`, `tenant=…/`, `quarantine/`.
    pub data_dir: PathBuf,
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
            ingest_memory_bytes: 1 << 30,
            flush_bytes: 128 << 20,
            flush_interval: Duration::from_secs(30),
            min_free_bytes: 256 << 20,
            index_cache_bytes: 256 << 20,
        }
    }
}

/// Turns the bytes of an acknowledged request back into rows at recovery. Given by the collector:
/// storage does not know OTLP. Must be deterministic: same bytes, same rows in the same order.
pub trait Decode: Send + Sync {
    /// Rows of `payload` in the decoded schema of `table`
    /// ([`crate::model::schema::decoded_schema_of`]).
    fn decode(&self, table: Table, received_time_ns: i64, payload: &[u8]) -> Result<RecordBatch>;
}

/// One accepted request on its way to disk.
#[derive(Debug)]
pub struct Ingest {
    /// Whose data.
    pub tenant: TenantId,
    /// Which table the rows belong to.
    pub table: Table,
    /// When the request came in, nanoseconds since the Unix epoch.
    pub received_time_ns: i64,
    /// The request's decompressed OTLP protobuf bytes; what [`Decode::decode`] will be given.
    pub payload: Bytes,
    /// Its rows in the decoded schema.
    pub batch: RecordBatch,
}

/// A share of the ingest memory budget; given back when dropped.
#[derive(Debug)]
pub struct Admission {
    _private: (),
}

/// An open data directory.
#[derive(Clone)]
pub struct Storage {
    _private: Arc<()>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}

impl Storage {
    /// Opens (or creates) a data directory, replays its write-ahead log and starts the background
    /// work. Errors with [`crate::ErrorKind::Conflict`] if another process has it open.
    pub async fn open(options: StorageOptions, decoder: Arc<dyn Decode>) -> Result<Self> {
        let _ = (options, decoder);
        todo!()
    }

    /// Reserves `bytes` of the ingest memory budget before a request is read or decoded.
    /// Errors with [`crate::ErrorKind::Busy`] over the budget and
    /// [`crate::ErrorKind::Unavailable`] when the disk is full or storage is closing.
    pub fn admit(&self, bytes: usize) -> Result<Admission> {
        let _ = bytes;
        todo!()
    }

    /// Makes a request durable and visible. When this returns `Ok`, its bytes have been fsynced
    /// and every later [`Storage::snapshot`] holds its rows.
    pub async fn append(&self, ingest: Ingest) -> Result<()> {
        let _ = ingest;
        todo!()
    }

    /// What a query sees: immutable, cheap to take, holds its files until dropped.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        todo!()
    }

    /// Writes everything buffered to files and waits until it is done.
    pub async fn flush(&self) -> Result<()> {
        todo!()
    }

    /// Merges small files until no hour has more than it should, and waits until it is done.
    pub async fn compact(&self) -> Result<()> {
        todo!()
    }

    /// Refuses further appends, flushes, stops the background work and unlocks the directory.
    pub async fn close(&self) -> Result<()> {
        todo!()
    }

    /// The object store that holds the files whose paths [`crate::DataFile`] gives.
    pub fn object_store(&self) -> Arc<dyn object_store::ObjectStore> {
        todo!()
    }

    /// Opens indexes of files, with a cache.
    pub fn indexes(&self) -> &crate::index::IndexCache {
        todo!()
    }

    /// Registers this engine's metrics (`spoor_storage_…`).
    pub fn register_metrics(&self, registry: &mut prometheus_client::registry::Registry) {
        let _ = registry;
        todo!()
    }
}

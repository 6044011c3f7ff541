//! The front door: open a data directory, append to it, take snapshots of it, close it.

mod background;
mod change;
mod compactor;
mod delete;
mod limits;
mod options;
mod retention;
mod searches;
mod unsettled;

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::ObjectStore;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot, watch};

pub use delete::{DeletionPreview, DeletionRequest};
pub use options::StorageOptions;
pub use retention::{FixedRetention, Hidden, Retention, RetentionPreview, RulePreview};

use crate::budget::{Admission, Budget};
use crate::buffer::{check_hours, prepare};
use crate::catalog::Catalog;
use crate::commit::{Append, Command, Committer, closing};
use crate::compaction::verify_file;
use crate::counted::CountCache;
use crate::error::{Error, ErrorKind, Result};
use crate::file::FileWriter;
use crate::index::IndexCache;
use crate::layout::Layout;
use crate::metrics::Metrics;
use crate::model::{RecordId, Table, TenantId};
use crate::recovery::{RecoveryProgress, Replay, load_files, refuse_newer_log};
use crate::retention::Ledger;
use crate::snapshot::{DataFile, Snapshot};
use crate::state::State;
use crate::store::Store;
use crate::tenants::KnownTenants;
use crate::wal::WalWriter;

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

/// The part of the memory for indexes that is for counts of files.
const COUNTS_PART: u64 = 16;

struct Shared {
    options: StorageOptions,
    layout: Layout,
    store: Store,
    writer: FileWriter,
    catalog: Catalog,
    state: Arc<State>,
    budget: Budget,
    indexes: IndexCache,
    counted: CountCache,
    metrics: Arc<Metrics>,
    commands: mpsc::Sender<Command>,
    /// There is a sealed buffer to write.
    sealed: Arc<Notify>,
    closing: AtomicBool,
    limits: limits::Limits,
    merges: compactor::Merges,
    /// Held while live files are replaced or their hidden rows change: between looking at the
    /// files and the new snapshot nobody else may do so. Flushes only add files and need it not.
    changing: tokio::sync::Mutex<()>,
    /// A change of files of which it is not known whether the catalog has it.
    unsettled: Mutex<Option<Arc<unsettled::Unsettled>>>,
    /// Policy, pins and unfinished deletions.
    ledger: Ledger,
    /// Held to read by whoever hides, shows or rewrites rows, from its first step to its last: closing
    /// waits for it. Flushes and merges have their own ways.
    edits: Arc<tokio::sync::RwLock<()>>,
    /// There may be something to hide, to rewrite or to finish.
    retain: Arc<Notify>,
    /// One retention pass at a time, whoever asks.
    retaining: tokio::sync::Mutex<()>,
    /// Replaced files are deleted by one at a time: whoever waits then knows which are gone.
    deleting: tokio::sync::Mutex<()>,
    /// One change of saved searches at a time: names are unique, and there is a limit.
    saving: tokio::sync::Mutex<()>,
    /// One flush at a time, whoever asks.
    flushing: tokio::sync::Mutex<()>,
    threads: Mutex<Option<std::thread::JoinHandle<()>>>,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    /// Held for as long as the directory is open.
    _lock: File,
}

/// An open data directory.
#[derive(Clone)]
pub struct Storage {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("data_dir", &self.shared.options.data_dir)
            .finish_non_exhaustive()
    }
}

impl Storage {
    /// Opens (or creates) a data directory, replays its write-ahead log and starts the background
    /// work. Errors with [`ErrorKind::Conflict`] if another process has it open.
    pub async fn open(options: StorageOptions, decoder: Arc<dyn Decode>) -> Result<Self> {
        Self::open_watched(options, decoder, &RecoveryProgress::default()).await
    }

    /// As [`Storage::open`], and tells `progress` how far it has come.
    pub async fn open_watched(
        options: StorageOptions,
        decoder: Arc<dyn Decode>,
        progress: &RecoveryProgress,
    ) -> Result<Self> {
        let layout = Layout::new(&options.data_dir);
        let lock = prepare_directory(&layout)?;
        refuse_newer_log(&layout)?;
        let store = Store::open(&options.store, &layout, options.store_cache_bytes)?;
        let catalog = Catalog::open(&options.catalog, &layout, &store).await?;
        let metrics = Arc::new(Metrics::default());
        let ledger = retention::read_ledger(&catalog, &options).await?;
        let (files, skipped) = load_files(&layout, &catalog, &store).await?;
        let state = Arc::new(State::new(files, skipped));
        let writer = FileWriter::new(store.clone(), layout.clone(), options.index_from_rows);
        let replayed = Replay {
            layout: &layout,
            catalog: &catalog,
            writer: &writer,
            state: &state,
            decoder: decoder.as_ref(),
            metrics: &metrics,
            flush_bytes: options.flush_bytes,
            progress,
        }
        .run()
        .await?;
        let mut wal = WalWriter::new(layout.clone(), replayed.segments);
        wal.delete_up_to(catalog.wal_mark().await?)?;
        let budget = Budget::new(options.ingest_memory_bytes);
        budget.set_buffered(state.buffered().bytes);
        metrics.wal_bytes.set(wal.bytes());
        let sealed = Arc::new(Notify::new());
        let (commands, thread) = Committer {
            wal,
            next_sequence: replayed.next_sequence,
            state: Arc::clone(&state),
            budget: budget.clone(),
            metrics: Arc::clone(&metrics),
            flush_bytes: options.flush_bytes,
            wal_max_bytes: options.wal_max_bytes,
            tenants: KnownTenants::new(options.max_tenants),
            sealed: Arc::clone(&sealed),
        }
        .start()?;
        let (indexes, counted) = caches(&options, &store, &metrics);
        let shared = Arc::new(Shared {
            layout,
            store,
            writer,
            catalog,
            state,
            budget,
            indexes,
            counted,
            metrics,
            commands,
            sealed,
            closing: AtomicBool::new(false),
            merges: compactor::Merges::new(options.compaction_bytes_per_second),
            limits: limits::Limits::new(&options),
            changing: tokio::sync::Mutex::new(()),
            unsettled: Mutex::new(None),
            edits: Arc::default(),
            ledger,
            retain: Arc::new(Notify::new()),
            retaining: tokio::sync::Mutex::new(()),
            deleting: tokio::sync::Mutex::new(()),
            saving: tokio::sync::Mutex::new(()),
            flushing: tokio::sync::Mutex::new(()),
            threads: Mutex::new(Some(thread)),
            tasks: Mutex::new(Vec::new()),
            options,
            _lock: lock,
        });
        background::start(&shared);
        Ok(Self { shared })
    }

    /// Reserves `bytes` of the ingest memory budget before a request is read or decoded. Errors
    /// with [`ErrorKind::Busy`] over the budget, with a log that is too long and when merging
    /// has fallen behind; with [`ErrorKind::Unavailable`] when the disk is full or storage is
    /// closing; with [`ErrorKind::TooLarge`] if the budget can never hold so much.
    pub fn admit(&self, bytes: usize) -> Result<Admission> {
        self.shared.admit(bytes)
    }

    /// As [`Storage::admit`], but waits for two seconds for memory before it says
    /// [`ErrorKind::Busy`].
    pub async fn admit_patiently(&self, bytes: usize) -> Result<Admission> {
        self.shared.admit_patiently(bytes).await
    }

    /// Makes a request durable and visible. When this returns `Ok`, its bytes have been fsynced
    /// and every later [`Storage::snapshot`] holds its rows. Errors with [`ErrorKind::Invalid`] if its
    /// tenant has no rows yet and would be one more than [`Storage::max_tenants`].
    pub async fn append(&self, ingest: Ingest) -> Result<()> {
        let rows = ingest.batch.num_rows();
        check_hours(ingest.table, &ingest.batch)?;
        let append = Append {
            parts: prepare(ingest.table, ingest.batch)?,
            tenant: ingest.tenant,
            table: ingest.table,
            received_time_ns: ingest.received_time_ns,
            payload: ingest.payload,
            rows,
        };
        if rows == 0 {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        let command = Command::Append(append, answer);
        self.shared
            .commands
            .send(command)
            .await
            .map_err(|_| closing())?;
        answered.await.map_err(|_| closing())?
    }

    /// What a query sees: immutable, cheap to take, holds its files until dropped.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.state.snapshot()
    }

    /// The last record id that the next snapshot holds; changes whenever more became visible.
    pub fn arrivals(&self) -> watch::Receiver<RecordId> {
        self.shared.state.arrivals()
    }

    /// Writes everything buffered to files and waits until it is done.
    pub async fn flush(&self) -> Result<()> {
        let (done, sealed) = oneshot::channel();
        self.shared
            .commands
            .send(Command::Seal(done))
            .await
            .map_err(|_| closing())?;
        sealed.await.map_err(|_| closing())?;
        self.shared.write_sealed().await
    }

    /// Merges small files until no hour has more than it should, and waits until it is done.
    pub async fn compact(&self) -> Result<()> {
        self.shared.compact_all().await
    }

    /// Takes a file that turned out broken out of all later snapshots; their answers say
    /// `complete: false` for its hour.
    pub async fn quarantine(&self, file: &Arc<DataFile>, reason: &str) -> Result<()> {
        self.shared.quarantine(file, reason).await
    }

    /// Reads a file through, after a query could not, and sets it aside if it is broken. Whether it
    /// is (or already was). A store that cannot be reached says nothing about the file.
    pub async fn set_aside_if_broken(&self, file: &Arc<DataFile>) -> Result<bool> {
        if self.shared.state.files().find(file.id).is_none() {
            return Ok(true);
        }
        match verify_file(Arc::clone(self.shared.store.objects()), file).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                self.quarantine(file, &error.to_string()).await?;
                Ok(true)
            }
            verified => verified.map(|()| false),
        }
    }

    /// How many tenants may have rows; requests of one more are refused.
    pub fn max_tenants(&self) -> usize {
        self.shared.options.max_tenants
    }

    /// Refuses further appends, flushes, stops the background work and unlocks the directory once
    /// the last clone is dropped.
    pub async fn close(&self) -> Result<()> {
        if self.shared.closing.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let flushed = self.flush().await;
        // The committer may have stopped already; then there is nobody to tell.
        drop(self.shared.commands.send(Command::Stop).await);
        // A merge, a rewrite or a flush that is cut short between its last byte and the catalog would
        // leave its files behind.
        self.shared.merges.stop().await;
        let _no_edit = self.shared.edits.write().await;
        let _no_flush = self.shared.flushing.lock().await;
        let tasks = std::mem::take(&mut *self.shared.tasks.lock());
        for task in tasks {
            task.abort();
            // Until it has let go of the engine; that it was stopped is no news.
            drop(task.await);
        }
        let threads: Vec<_> = self
            .shared
            .threads
            .lock()
            .take()
            .into_iter()
            .chain(self.shared.merges.take_threads())
            .collect();
        for thread in threads {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("a thread of storage ended with a panic");
            }
        }
        self.shared.catalog.close().await;
        flushed
    }

    /// The object store that holds the files whose paths [`DataFile`] gives.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(self.shared.store.for_queries())
    }

    /// Opens indexes of files, with a cache.
    pub fn indexes(&self) -> &IndexCache {
        &self.shared.indexes
    }

    /// What was counted of files.
    pub fn counted(&self) -> &CountCache {
        &self.shared.counted
    }

    /// Registers this engine's metrics (`spoor_storage_…`).
    pub fn register_metrics(&self, registry: &mut prometheus_client::registry::Registry) {
        let store = self.shared.store.metrics();
        self.shared.metrics.register(store, registry);
    }
}

/// What is kept in memory of indexes, and of what was counted.
fn caches(
    options: &StorageOptions,
    store: &Store,
    metrics: &Arc<Metrics>,
) -> (IndexCache, CountCache) {
    let count_bytes = options.index_cache_bytes / COUNTS_PART;
    let indexes = IndexCache::new(
        Arc::clone(store.for_queries()),
        options.index_cache_bytes - count_bytes,
        Arc::clone(metrics),
    );
    (indexes, CountCache::new(count_bytes, Arc::clone(metrics)))
}

/// Creates the folders and takes the lock.
pub(crate) fn prepare_directory(layout: &Layout) -> Result<File> {
    let root = layout.root();
    let failed = |source: std::io::Error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("cannot open the data directory `{}`", root.display()),
        )
        .with_hint("check that it can be written; choose another with --data-dir")
        .with_source(source)
    };
    for folder in [layout.wal_dir(), layout.quarantine_dir()] {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(layout.lock())
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the data directory `{}` is in use by another spoor",
                root.display()
            ),
        )
        .with_hint("stop the other process, or choose another directory with --data-dir")),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests;

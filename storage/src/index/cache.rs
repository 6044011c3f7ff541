//! Opens index files and keeps what was read of them in memory within a bound.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};
use tantivy::directory::OwnedBytes;

use super::Lookup;
use super::answer::RowAnswer;
use super::packed::{Parts, TAIL_BYTES, slice};
use super::reader::{IndexReader, Opening, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::evictions::Evictions;
use crate::metrics::Metrics;
use crate::model::FileId;
use crate::snapshot::DataFile;

/// What is kept of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Reader(FileId),
    Part(FileId, usize),
}

#[derive(Clone)]
enum Kept {
    Reader(Arc<IndexReader>),
    /// Bytes that cannot be used; kept so that they are not read for every query.
    Broken(Arc<str>),
    Part(OwnedBytes),
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        /// What an entry costs besides its bytes.
        const ENTRY_BYTES: u64 = 128;
        ENTRY_BYTES
            + match kept {
                Kept::Reader(reader) => reader.bytes,
                Kept::Broken(what) => what.len() as u64,
                Kept::Part(bytes) => bytes.len() as u64,
            }
    }
}

/// Opened indexes and parts of them, at most so many bytes. A file is opened with one read of its
/// tail; then the parts that a lookup needs are read, each once while it is kept.
pub struct IndexCache {
    store: Arc<dyn ObjectStore>,
    cache: Cache<Key, Kept, ByBytes, DefaultHashBuilder, Evictions>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for IndexCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexCache")
            .field("entries", &self.cache.len())
            .finish_non_exhaustive()
    }
}

impl IndexCache {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, bytes: u64, metrics: Arc<Metrics>) -> Self {
        /// A usual entry; decides how the cache divides itself.
        const USUAL_BYTES: u64 = 256 << 10;
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(1).max(1);
        Self {
            store,
            cache: Cache::with(
                items,
                bytes,
                ByBytes,
                DefaultHashBuilder::default(),
                Evictions(metrics.index_cache_evictions.clone()),
            ),
            metrics,
        }
    }

    /// What the index of `file` knows about rows that match, or `None` if the file must be read
    /// whole (no index, unreadable index, or a lookup that narrows nothing). The bytes of the parts that
    /// it takes to know are added to `read`, also of those that are kept in memory.
    pub async fn answer(
        &self,
        file: &DataFile,
        lookup: &Lookup,
        read: &AtomicU64,
    ) -> Option<RowAnswer> {
        if file.index_bytes == 0 || matches!(lookup, Lookup::All) {
            return None;
        }
        let answer = match self.reader(file).await {
            Ok(reader) => {
                let source = Stored {
                    cache: self,
                    file,
                    used: Mutex::default(),
                };
                let answer = reader.answer(&source, lookup).await;
                let used = reader.parts();
                let used = used.bytes_of(&source.used.into_inner(), file.index_bytes);
                read.fetch_add(used, Ordering::Relaxed);
                answer
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.metrics.index_fallbacks.inc();
                tracing::debug!(file = %file.index_path, %error, "index cannot be used, reading the whole file");
                if error.kind() == ErrorKind::Corrupt {
                    self.set_broken(file, &error);
                }
                None
            }
        }
    }

    /// Whether the index of `file` says which traces its spans link to: those of before it was kept, and files
    /// without an index that can be read, do not.
    pub async fn knows_links(&self, file: &DataFile) -> bool {
        if file.index_bytes == 0 {
            return false;
        }
        let reader = self.reader(file).await;
        reader.is_ok_and(|reader| reader.knows_links())
    }

    /// Something that is kept, or is from now on. Counts which, and how much all of it is.
    async fn kept(&self, key: Key, read: impl Future<Output = Result<Kept>>) -> Result<Kept> {
        let mut was_there = true;
        let kept = self
            .cache
            .get_or_insert_async(&key, async {
                was_there = false;
                read.await
            })
            .await?;
        if was_there {
            self.metrics.index_cache_hits.inc();
        } else {
            self.metrics.index_cache_misses.inc();
            self.metrics.index_cache_bytes.set(self.cache.weight());
        }
        Ok(kept)
    }

    fn set_broken(&self, file: &DataFile, error: &Error) {
        let key = Key::Reader(file.id);
        if !matches!(self.cache.get(&key), Some(Kept::Broken(_))) {
            tracing::warn!(
                file = %file.index_path, %error,
                "index cannot be used, its file is read whole; `spoor check --repair` builds it again"
            );
            self.cache
                .insert(key, Kept::Broken(error.to_string().into()));
        }
    }

    async fn reader(&self, file: &DataFile) -> Result<Arc<IndexReader>> {
        let kept = self
            .kept(Key::Reader(file.id), async {
                let reader = self.open(file).await?;
                Ok(Kept::Reader(Arc::new(reader)))
            })
            .await?;
        match kept {
            Kept::Reader(reader) => Ok(reader),
            Kept::Broken(what) => Err(Error::corrupt(what.as_ref())),
            Kept::Part(_) => Err(Error::internal("a part where an index should be")),
        }
    }

    async fn open(&self, file: &DataFile) -> Result<IndexReader> {
        let mut wanted = TAIL_BYTES;
        // Twice at most: the tail says how long the table is.
        loop {
            let start = file.index_bytes.saturating_sub(wanted);
            let tail = self
                .store
                .get_range(&file.index_path, start..file.index_bytes)
                .await?;
            match IndexReader::open(&tail, file.index_bytes, file.id, file.rows)? {
                Opening::Open(reader) => {
                    self.keep_parts(file, &tail, start, reader.parts());
                    return Ok(*reader);
                }
                Opening::Longer(needed) if needed > wanted => wanted = needed,
                Opening::Longer(_) => return Err(Error::corrupt("it is cut off")),
            }
        }
    }
}

impl IndexCache {
    /// Keeps the parts that lie in the tail, which begins at `start`: of a small file all.
    fn keep_parts(&self, file: &DataFile, tail: &[u8], start: u64, parts: &Parts) {
        for (at, entry) in parts.entries.iter().enumerate() {
            let Some(offset) = entry.offset.checked_sub(start) else {
                continue;
            };
            // One that is broken is found to be when it is needed.
            if let Ok(bytes) = slice(tail, &(offset..offset + entry.len))
                && entry.verify(bytes).is_ok()
            {
                let bytes = OwnedBytes::new(bytes.to_vec());
                self.cache.insert(Key::Part(file.id, at), Kept::Part(bytes));
            }
        }
    }
}

/// The parts of one stored file.
struct Stored<'a> {
    cache: &'a IndexCache,
    file: &'a DataFile,
    used: Mutex<BTreeSet<usize>>,
}

impl Source for Stored<'_> {
    fn used(&self, at: usize) {
        self.used.lock().insert(at);
    }

    fn part<'a>(&'a self, parts: &'a Parts, at: usize) -> BoxFuture<'a, Result<OwnedBytes>> {
        async move {
            self.used(at);
            let cache = self.cache;
            let kept = cache
                .kept(Key::Part(self.file.id, at), async {
                    let entry = &parts.entries[at];
                    if entry.len == 0 {
                        return Ok(Kept::Part(OwnedBytes::empty()));
                    }
                    let bytes = cache
                        .store
                        .get_range(&self.file.index_path, entry.range())
                        .await?;
                    entry.verify(&bytes).map_err(Error::corrupt)?;
                    Ok(Kept::Part(OwnedBytes::new(Vec::from(bytes))))
                })
                .await?;
            match kept {
                Kept::Part(bytes) => Ok(bytes),
                Kept::Reader(_) | Kept::Broken(_) => {
                    Err(Error::internal("an index where a part should be"))
                }
            }
        }
        .boxed()
    }
}

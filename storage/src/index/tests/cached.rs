//! What is read of stored indexes, and what happens to those that cannot be.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use parking_lot::Mutex;

use super::*;
use crate::metrics::Metrics;
use crate::model::{Hour, TenantId};
use crate::snapshot::{DataFile, FieldStatistics};

type Done<T> = object_store::Result<T>;

/// Notes what is read.
#[derive(Debug, Default)]
struct RecordingStore {
    inner: InMemory,
    reads: Mutex<Vec<Range<u64>>>,
}

impl fmt::Display for RecordingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recording")
    }
}

#[async_trait]
impl ObjectStore for RecordingStore {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, how: PutOptions) -> Done<PutResult> {
        self.inner.put_opts(at, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Done<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, how).await
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Done<GetResult> {
        if let Some(GetRange::Bounded(range)) = &how.range {
            self.reads.lock().push(range.clone());
        }
        self.inner.get_opts(at, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Done<Path>>,
    ) -> BoxStream<'static, Done<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Done<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Done<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Done<()> {
        self.inner.copy_opts(from, to, how).await
    }
}

struct Shelf {
    store: Arc<RecordingStore>,
    cache: IndexCache,
    metrics: Arc<Metrics>,
    file: DataFile,
    /// Bytes that answers took.
    used: AtomicU64,
}

impl Shelf {
    async fn with(bodies: impl Iterator<Item = String>) -> Self {
        let rows: Vec<LogRow> = (0..)
            .zip(bodies)
            .map(|(at, body)| LogRow {
                body,
                ..LogRow::at(at)
            })
            .collect();
        let id = FileId::generate();
        let bytes = build(&rows, id);
        let store = Arc::new(RecordingStore::default());
        let file = DataFile {
            id,
            tenant: TenantId::default(),
            table: Table::Logs,
            hour: Hour(0),
            level: 0,
            rows: rows.len() as u64,
            bytes: 1,
            index_bytes: bytes.len() as u64,
            min_time_ns: 0,
            max_time_ns: 0,
            services: Vec::new(),
            fields: FieldStatistics::default(),
            path: Path::from("a.parquet"),
            index_path: Path::from("a.idx"),
            facts: None,
            hidden: None,
            held: Arc::default(),
        };
        store
            .put(&file.index_path, PutPayload::from(bytes))
            .await
            .unwrap();
        let metrics = Arc::new(Metrics::default());
        let stored: Arc<dyn ObjectStore> = Arc::<RecordingStore>::clone(&store);
        Self {
            store,
            cache: IndexCache::new(stored, 64 << 20, Arc::clone(&metrics)),
            metrics,
            file,
            used: AtomicU64::new(0),
        }
    }

    async fn ask(&self, lookup: &Lookup) -> Option<RowAnswer> {
        self.cache.answer(&self.file, lookup, &self.used).await
    }

    fn reads(&self) -> usize {
        std::mem::take(&mut *self.store.reads.lock()).len()
    }
}

#[tokio::test]
async fn a_small_index_is_one_read_and_then_none() {
    let shelf = Shelf::with((0..100).map(|at| format!("line {at} of id{at}77"))).await;
    let answer = shelf.ask(&words("line")).await.unwrap();
    assert_eq!(answer.maybe.len(), 100);
    assert_eq!(shelf.reads(), 1);
    shelf.ask(&words("id5077")).await.unwrap();
    let (hits, misses) = (
        &shelf.metrics.index_cache_hits,
        &shelf.metrics.index_cache_misses,
    );
    let before = hits.get();
    shelf.ask(&Lookup::Trace(TraceId([1; 16]))).await.unwrap();
    assert_eq!(shelf.reads(), 0);
    assert_eq!(misses.get(), 1, "one read is one miss");
    assert!(hits.get() > before);
    assert!(shelf.metrics.index_cache_bytes.get() >= shelf.file.index_bytes / 2);
}

#[tokio::test]
async fn what_leaves_the_cache_is_counted() {
    let mut shelf = Shelf::with((0..20_000).map(|at| format!("line {at} of id{at}77"))).await;
    let stored: Arc<dyn ObjectStore> = Arc::<RecordingStore>::clone(&shelf.store);
    shelf.cache = IndexCache::new(stored, 64 << 10, Arc::clone(&shelf.metrics));
    for word in ["line", "id5077", "17", "of"] {
        shelf.ask(&words(word)).await.unwrap();
    }
    assert!(shelf.metrics.index_cache_evictions.get() > 0);
    assert!(shelf.metrics.index_cache_bytes.get() <= 64 << 10);
}

/// Lines with two ids each, of which nothing repeats.
fn lines_with_ids() -> impl Iterator<Item = String> {
    (0..60_000_u64).map(|at| {
        let id = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "worker {} is done with {id:016x} and {:016x}",
            at % 3,
            !id.swap_bytes()
        )
    })
}

#[tokio::test]
async fn of_a_large_index_only_what_a_lookup_needs_is_read() {
    // The buckets of ids are most of the file.
    let shelf = Shelf::with(lines_with_ids()).await;
    assert!(shelf.file.index_bytes > 2 * (64 << 10));
    let answer = shelf.ask(&words("worker 2")).await.unwrap();
    assert_eq!(answer.maybe.len(), 20_000);
    let read: u64 = shelf
        .store
        .reads
        .lock()
        .iter()
        .map(|range| range.end - range.start)
        .sum();
    assert!(
        read < shelf.file.index_bytes * 2 / 3,
        "{read} of {}",
        shelf.file.index_bytes
    );
    assert!(shelf.reads() <= 3);
    shelf.ask(&words("0000000000000000")).await.unwrap();
    assert!(shelf.reads() <= 2);
}

/// Of 120,000 ids every ninth absent one has the hash of one that is there: what is left of these are blocks
/// that are read for nothing.
#[tokio::test]
async fn hardly_a_block_is_left_for_ids_that_are_not_there() {
    let shelf = Shelf::with(lines_with_ids()).await;
    let mut left = 0;
    for at in 0..1_000_u64 {
        let absent = format!("{:016x}", at.wrapping_mul(0xd1b5_4a32_d192_ed03) | 1 << 60);
        let answer = shelf.ask(&words(&absent)).await.unwrap();
        left += answer.maybe.len().div_ceil(BLOCK_ROWS);
    }
    assert!(left < 5, "{left} of 1,000");
    for line in lines_with_ids().step_by(599) {
        let id = line.rsplit(' ').next().unwrap();
        let answer = shelf.ask(&words(id)).await.unwrap();
        assert!((1..=BLOCK_ROWS).contains(&answer.maybe.len()), "{line}");
    }
}

#[tokio::test]
async fn a_broken_or_missing_index_is_counted_and_read_once() {
    let shelf = Shelf::with((0..100).map(|at| format!("line {at}"))).await;
    let path = &shelf.file.index_path;
    let good = shelf.store.get(path).await.unwrap().bytes().await.unwrap();
    let mut bad = good.to_vec();
    let last = bad.len() - 30;
    bad[last] ^= 1;
    shelf.store.put(path, PutPayload::from(bad)).await.unwrap();
    assert!(shelf.ask(&words("line")).await.is_none());
    assert!(shelf.reads() > 0);
    assert!(shelf.ask(&words("line")).await.is_none());
    assert_eq!(shelf.reads(), 0, "it is known to be broken");
    assert_eq!(shelf.metrics.index_fallbacks.get(), 2);

    let gone = Shelf::with((0..100).map(|at| format!("line {at}"))).await;
    gone.store.delete(&gone.file.index_path).await.unwrap();
    assert!(gone.ask(&words("line")).await.is_none());
    gone.store
        .put(&gone.file.index_path, PutPayload::from(good))
        .await
        .unwrap();
    assert!(gone.ask(&words("line")).await.is_none(), "another file's");
}

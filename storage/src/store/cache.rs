//! Keeps what queries read from a remote store on the local disk.
//!
//! Files never change, so neither do their blocks. One file a block:
//!
//! ```text
//! cache/<id>.<ending>/<number>   bytes (at most 512 KiB) | object_size u64 | crc u32
//!                                crc = CRC-32C of bytes, object_size, name and number
//! ```
//!
//! Nothing is synced and everything may be deleted at any time: a block whose checksum is wrong is
//! fetched again. At most so many bytes are kept; what was not read for the longest time goes first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::{Mutex, MutexGuard};

use super::metrics::StoreMetrics;
use crate::layout::is_data_file;

const BLOCK: usize = 512 << 10;
const BLOCK_BYTES: u64 = BLOCK as u64;
/// Size of the object and checksum at the end of a block's file.
const TRAILER: usize = 12;

/// Which block of which file.
type Key = (Arc<str>, u64);

#[derive(Debug, Default)]
struct Kept {
    blocks: HashMap<Key, (u64, u64)>,
    /// By when they were last read.
    order: BTreeMap<u64, Key>,
    bytes: u64,
    clock: u64,
}

impl Kept {
    fn touch(&mut self, key: &Key) {
        self.clock += 1;
        let now = self.clock;
        if let Some((read, _)) = self.blocks.get_mut(key) {
            self.order.remove(read);
            *read = now;
            self.order.insert(now, key.clone());
        }
    }

    fn add(&mut self, key: Key, bytes: u64) {
        self.remove(&key);
        self.clock += 1;
        self.blocks.insert(key.clone(), (self.clock, bytes));
        self.order.insert(self.clock, key);
        self.bytes += bytes;
    }

    fn remove(&mut self, key: &Key) {
        if let Some((read, bytes)) = self.blocks.remove(key) {
            self.order.remove(&read);
            self.bytes -= bytes;
        }
    }

    /// Takes out what is over the limit.
    fn evict(&mut self, limit: u64) -> Vec<Key> {
        let mut gone = Vec::new();
        while self.bytes > limit {
            let Some((_, key)) = self.order.pop_first() else {
                break;
            };
            if let Some((_, bytes)) = self.blocks.remove(&key) {
                self.bytes -= bytes;
            }
            gone.push(key);
        }
        gone
    }
}

/// The blocks on disk.
#[derive(Debug)]
struct Blocks {
    folder: PathBuf,
    limit: u64,
    kept: Mutex<Kept>,
    metrics: StoreMetrics,
    /// Makes the names of files that are being written different.
    written: AtomicU64,
}

impl Blocks {
    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(&*key.0).join(key.1.to_string())
    }

    /// Finds what earlier runs have kept.
    fn load(&self) -> std::io::Result<()> {
        let mut kept = self.kept.lock();
        for folder in std::fs::read_dir(&self.folder)? {
            let folder = folder?;
            let Ok(files) = std::fs::read_dir(folder.path()) else {
                continue;
            };
            let name: Arc<str> = folder.file_name().to_string_lossy().into();
            for file in files {
                let file = file?;
                match file.file_name().to_string_lossy().parse() {
                    Ok(number) => kept.add((Arc::clone(&name), number), file.metadata()?.len()),
                    // Half-written.
                    Err(_) => std::fs::remove_file(file.path())?,
                }
            }
        }
        let gone = self.evict(kept);
        self.delete(&gone);
        Ok(())
    }

    /// Takes out what is over the limit.
    fn evict(&self, mut kept: MutexGuard<'_, Kept>) -> Vec<Key> {
        let gone = kept.evict(self.limit);
        self.metrics.cache_evictions.inc_by(gone.len() as u64);
        self.metrics.cache_bytes.set(kept.bytes);
        gone
    }

    /// A block and the size of its object, if it is kept and whole.
    fn read(&self, key: &Key) -> Option<(Bytes, u64)> {
        if !self.kept.lock().blocks.contains_key(key) {
            return None;
        }
        let whole = std::fs::read(self.path(key))
            .ok()
            .and_then(|file| opened(key, file));
        let mut kept = self.kept.lock();
        if whole.is_some() {
            kept.touch(key);
        } else {
            kept.remove(key);
        }
        whole
    }

    /// Keeps a block. A cache that cannot be written is slow, not wrong.
    fn write(&self, key: &Key, bytes: &[u8], object_size: u64) {
        let unique = self.written.fetch_add(1, Ordering::Relaxed);
        let path = self.path(key);
        let unfinished = path.with_extension(format!("{unique}.new"));
        let mut file = Vec::with_capacity(bytes.len() + TRAILER);
        file.extend_from_slice(bytes);
        file.extend_from_slice(&object_size.to_le_bytes());
        file.extend_from_slice(&checksum(key, &file).to_le_bytes());
        let write = || {
            std::fs::create_dir_all(self.folder.join(&*key.0))?;
            std::fs::write(&unfinished, &file)?;
            std::fs::rename(&unfinished, &path)
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "a block is not kept");
            drop(std::fs::remove_file(&unfinished));
            return;
        }
        let mut kept = self.kept.lock();
        kept.add(key.clone(), file.len() as u64);
        let gone = self.evict(kept);
        self.delete(&gone);
    }

    fn delete(&self, gone: &[Key]) {
        for key in gone {
            drop(std::fs::remove_file(self.path(key)));
            // Only succeeds when it was the last one.
            drop(std::fs::remove_dir(self.folder.join(&*key.0)));
        }
    }

    /// Forgets every block of a file.
    fn forget(&self, name: &str) {
        let mut kept = self.kept.lock();
        let blocks: Vec<Key> = kept
            .blocks
            .keys()
            .filter(|(of, _)| **of == *name)
            .cloned()
            .collect();
        for key in &blocks {
            kept.remove(key);
        }
        self.metrics.cache_bytes.set(kept.bytes);
        drop(kept);
        self.delete(&blocks);
    }
}

fn checksum(key: &Key, sized: &[u8]) -> u32 {
    let crc = crc32c::crc32c(sized);
    let crc = crc32c::crc32c_append(crc, key.0.as_bytes());
    crc32c::crc32c_append(crc, &key.1.to_le_bytes())
}

fn opened(key: &Key, mut file: Vec<u8>) -> Option<(Bytes, u64)> {
    let crc = file.split_off(file.len().checked_sub(4)?);
    if checksum(key, &file).to_le_bytes() != *crc {
        return None;
    }
    let size = file.split_off(file.len().checked_sub(8)?);
    let size = u64::from_le_bytes(size.try_into().ok()?);
    Some((Bytes::from(file), size))
}

/// A store that reads blocks of data files from the disk if they are there.
#[derive(Debug)]
pub(super) struct DiskCache {
    inner: Arc<dyn ObjectStore>,
    blocks: Arc<Blocks>,
}

impl DiskCache {
    /// Opens the cache in `folder`; at most `limit` bytes are kept there.
    pub(super) fn open(
        inner: Arc<dyn ObjectStore>,
        folder: &std::path::Path,
        limit: u64,
        metrics: StoreMetrics,
    ) -> crate::error::Result<Self> {
        let blocks = Blocks {
            folder: folder.to_owned(),
            limit,
            kept: Mutex::default(),
            metrics,
            written: AtomicU64::new(0),
        };
        std::fs::create_dir_all(folder)
            .and_then(|()| blocks.load())
            .map_err(|source| {
                crate::error::Error::from_io("cannot open the cache of the object store", source)
            })?;
        Ok(Self {
            inner,
            blocks: Arc::new(blocks),
        })
    }

    /// Bytes of an object and its size. The range may end beyond the object, not begin there.
    async fn bytes(&self, path: &Path, range: Range<u64>) -> Result<(Bytes, u64)> {
        let name: Arc<str> = path.filename().unwrap_or_default().into();
        let (first, end) = (range.start / BLOCK_BYTES, range.end.div_ceil(BLOCK_BYTES));
        let keys: Vec<Key> = (first..end).map(|at| (Arc::clone(&name), at)).collect();
        let mut found = self.read_kept(keys.clone()).await?;
        let mut size = found.iter().flatten().next().map(|(_, size)| *size);
        let mut at = 0;
        while at < found.len() {
            if found[at].is_some() || size.is_some_and(|size| keys[at].1 * BLOCK_BYTES >= size) {
                at += 1;
                continue;
            }
            let run = found[at..]
                .iter()
                .take_while(|block| block.is_none())
                .count();
            let from = keys[at].1 * BLOCK_BYTES;
            let (bytes, object_size) = self.fetch(path, from, run as u64).await?;
            size = Some(object_size);
            let mut fetched = Vec::with_capacity(run);
            for (number, start) in (0..bytes.len()).step_by(BLOCK).enumerate() {
                let block = bytes.slice(start..bytes.len().min(start + BLOCK));
                fetched.push((keys[at + number].clone(), block.clone()));
                found[at + number] = Some((block, object_size));
            }
            self.blocks
                .metrics
                .cache_misses
                .inc_by(fetched.len() as u64);
            self.keep(fetched, object_size).await?;
            at += run;
        }
        let mut all = BytesMut::new();
        for (block, _) in found.into_iter().flatten() {
            all.extend_from_slice(&block);
        }
        let skip = usize::try_from(range.start - first * BLOCK_BYTES).unwrap_or(usize::MAX);
        let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let all = all.freeze();
        let start = skip.min(all.len());
        let bytes = all.slice(start..start.saturating_add(len).min(all.len()));
        Ok((bytes, size.unwrap_or_default()))
    }

    async fn read_kept(&self, keys: Vec<Key>) -> Result<Vec<Option<(Bytes, u64)>>> {
        let blocks = Arc::clone(&self.blocks);
        let read = move || -> Vec<_> {
            let found: Vec<_> = keys.iter().map(|key| blocks.read(key)).collect();
            let hits = found.iter().flatten().count() as u64;
            blocks.metrics.cache_hits.inc_by(hits);
            found
        };
        Ok(tokio::task::spawn_blocking(read).await?)
    }

    async fn fetch(&self, path: &Path, from: u64, blocks: u64) -> Result<(Bytes, u64)> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(from..from + blocks * BLOCK_BYTES)),
            ..GetOptions::default()
        };
        let got = self.inner.get_opts(path, options).await?;
        let size = got.meta.size;
        Ok((got.bytes().await?, size))
    }

    /// Returns when the blocks are kept: nothing is written for a file that was read before it was
    /// deleted and is forgotten then.
    async fn keep(&self, fetched: Vec<(Key, Bytes)>, object_size: u64) -> Result<()> {
        let blocks = Arc::clone(&self.blocks);
        let write = move || {
            for (key, block) in fetched {
                blocks.write(&key, &block, object_size);
            }
        };
        Ok(tokio::task::spawn_blocking(write).await?)
    }
}

impl fmt::Display for DiskCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

/// Whether an answer can come from blocks.
fn is_plain(path: &Path, options: &GetOptions) -> bool {
    let conditions = options.if_match.is_some()
        || options.if_none_match.is_some()
        || options.if_modified_since.is_some()
        || options.if_unmodified_since.is_some()
        || options.version.is_some();
    let range = !matches!(options.range, Some(GetRange::Suffix(_)));
    is_data_file(path) && range && !options.head && !conditions
}

#[async_trait]
impl ObjectStore for DiskCache {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(location, payload, opts).await;
        // Only an index that is built again has a name that was given before.
        if let Some(name) = location.filename() {
            self.blocks.forget(name);
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !is_plain(location, &options) {
            return self.inner.get_opts(location, options).await;
        }
        let range = match options.range {
            Some(GetRange::Bounded(range)) if !range.is_empty() => range,
            Some(GetRange::Bounded(_)) => return self.inner.get_opts(location, options).await,
            other => {
                let start = match other {
                    Some(GetRange::Offset(start)) => start,
                    _ => 0,
                };
                // The first block says how large the object is.
                let (_, size) = self.bytes(location, start..start + 1).await?;
                start..size.max(start + 1)
            }
        };
        let start = range.start;
        let (bytes, size) = self.bytes(location, range).await?;
        let end = start + bytes.len() as u64;
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async move { Ok(bytes) }).boxed()),
            meta: ObjectMeta {
                location: location.clone(),
                last_modified: chrono::DateTime::UNIX_EPOCH,
                size,
                e_tag: None,
                version: None,
            },
            range: start..end,
            attributes: object_store::Attributes::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        /// Ranges of one file that are read at a time.
        const PARALLEL: usize = 8;
        if !is_data_file(location) {
            return self.inner.get_ranges(location, ranges).await;
        }
        stream::iter(ranges.to_vec())
            .map(|range| async move {
                if range.is_empty() {
                    return Ok(Bytes::new());
                }
                Ok(self.bytes(location, range).await?.0)
            })
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let blocks = Arc::clone(&self.blocks);
        let forgetting = locations.map(move |location| {
            let location = location?;
            if let Some(name) = location.filename() {
                blocks.forget(name);
            }
            Ok(location)
        });
        self.inner.delete_stream(forgetting.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

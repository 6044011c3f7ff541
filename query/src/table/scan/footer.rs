//! Footers of data files: from the cache, or read and compared with the checksum that the catalog has.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::parquet::metadata::{
    CachedParquetMetaData, DFParquetMetadata,
};
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use spoor_storage::FileFacts;

/// Footers of files of which it is not known how long they are, are read with the last this many bytes of
/// the file in one request.
const FOOTER_HINT_BYTES: usize = 64 << 10;

/// Files of at most so many bytes are read as a whole.
const SMALL_FILE_BYTES: u64 = 64 << 10;

/// The footer of a file with its page indexes. Errors if it is not what was written.
pub(super) async fn footer(
    store: &Arc<dyn ObjectStore>,
    cache: &Arc<FileMetadataCache>,
    meta: &ObjectMeta,
    facts: Option<FileFacts>,
) -> Result<Arc<ParquetMetaData>> {
    let range = |facts: FileFacts| facts.tail(meta.size);
    let (footer, _) = read(store, cache, meta, (facts, range)).await?;
    Ok(footer)
}

/// As [`footer`], with all bytes of a small file, if it had to be read.
pub(super) async fn footer_and_bytes(
    store: &Arc<dyn ObjectStore>,
    cache: &Arc<FileMetadataCache>,
    meta: &ObjectMeta,
    facts: Option<FileFacts>,
) -> Result<(Arc<ParquetMetaData>, Option<Bytes>)> {
    let is_small = meta.size <= SMALL_FILE_BYTES;
    let range = |facts: FileFacts| {
        if is_small {
            0..meta.size
        } else {
            facts.tail(meta.size)
        }
    };
    let (footer, bytes) = read(store, cache, meta, (facts, range)).await?;
    Ok((footer, bytes.filter(|_| is_small)))
}

/// The footer, and what was read for it: what `range` says of what is known.
async fn read(
    store: &Arc<dyn ObjectStore>,
    cache: &Arc<FileMetadataCache>,
    meta: &ObjectMeta,
    (facts, range): (Option<FileFacts>, impl Fn(FileFacts) -> Range<u64>),
) -> Result<(Arc<ParquetMetaData>, Option<Bytes>)> {
    let cached = cache.get(&meta.location);
    let is_cached = cached.is_some_and(|cached| cached.is_valid_for(meta));
    if let Some(facts) = facts.filter(|_| !is_cached) {
        let bytes = store.get_range(&meta.location, range(facts)).await?;
        let tail_bytes = usize::try_from(facts.tail_bytes).unwrap_or(usize::MAX);
        let tail = bytes.slice(bytes.len().saturating_sub(tail_bytes)..);
        let footer = facts
            .read(&tail, meta.size, PageIndexPolicy::Optional)
            .map_err(|error| DataFusionError::External(error.into()))?;
        let footer = Arc::new(footer);
        let kept = CachedParquetMetaData::new(Arc::clone(&footer));
        let entry = CachedFileMetadataEntry::new(meta.clone(), Arc::new(kept));
        cache.put(&meta.location, entry);
        return Ok((footer, Some(bytes)));
    }
    let footer = DFParquetMetadata::new(store, meta)
        .with_metadata_size_hint(Some(FOOTER_HINT_BYTES))
        .with_file_metadata_cache(Some(Arc::clone(cache)))
        .fetch_metadata()
        .await?;
    Ok((footer, None))
}

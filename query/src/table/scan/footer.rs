//! Footers of data files: from the cache, or read and compared with the checksum that the catalog has.

use std::sync::Arc;

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

/// The footer of a file with its page indexes. Errors if it is not what was written.
pub(super) async fn footer(
    store: &Arc<dyn ObjectStore>,
    cache: &Arc<FileMetadataCache>,
    meta: &ObjectMeta,
    facts: Option<FileFacts>,
) -> Result<Arc<ParquetMetaData>> {
    let cached = cache.get(&meta.location);
    let is_cached = cached.is_some_and(|cached| cached.is_valid_for(meta));
    if let Some(facts) = facts.filter(|_| !is_cached) {
        let tail = store
            .get_range(&meta.location, facts.tail(meta.size))
            .await?;
        let footer = facts
            .read(&tail, meta.size, PageIndexPolicy::Optional)
            .map_err(|error| DataFusionError::External(error.into()))?;
        let footer = Arc::new(footer);
        let kept = CachedParquetMetaData::new(Arc::clone(&footer));
        let entry = CachedFileMetadataEntry::new(meta.clone(), Arc::new(kept));
        cache.put(&meta.location, entry);
        return Ok(footer);
    }
    DFParquetMetadata::new(store, meta)
        .with_metadata_size_hint(Some(FOOTER_HINT_BYTES))
        .with_file_metadata_cache(Some(Arc::clone(cache)))
        .fetch_metadata()
        .await
}

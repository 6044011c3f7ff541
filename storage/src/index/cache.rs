//! Opens index files and keeps them in memory within a bound.

use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Lookup;
use super::reader::IndexReader;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::model::FileId;
use crate::snapshot::DataFile;

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<FileId, Arc<IndexReader>> for ByBytes {
    fn weight(&self, _: &FileId, reader: &Arc<IndexReader>) -> u64 {
        reader.bytes.max(1)
    }
}

/// Opened indexes by file, at most so many bytes of them.
pub struct IndexCache {
    store: Arc<dyn ObjectStore>,
    cache: Cache<FileId, Arc<IndexReader>, ByBytes>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for IndexCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexCache")
            .field("files", &self.cache.len())
            .finish_non_exhaustive()
    }
}

impl IndexCache {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, bytes: u64, metrics: Arc<Metrics>) -> Self {
        /// An index of a usual file; decides how the cache divides itself.
        const USUAL_BYTES: u64 = 1 << 20;
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(1).max(1);
        Self {
            store,
            cache: Cache::with_weighter(items, bytes, ByBytes),
            metrics,
        }
    }

    /// The blocks of `file` that may match, ascending, or `None` if the file must be read whole
    /// (no index, unreadable index, or a lookup that narrows nothing).
    pub async fn candidate_blocks(
        &self,
        file: &DataFile,
        lookup: &Lookup,
    ) -> Result<Option<Vec<u32>>> {
        if file.index_bytes == 0 || matches!(lookup, Lookup::All) {
            return Ok(None);
        }
        let answer = match self.reader(file).await {
            Ok(reader) => reader.candidates(lookup),
            Err(error) => Err(error),
        };
        match answer {
            Ok(blocks) => Ok(blocks.map(|blocks| blocks.to_vec())),
            Err(error) => {
                self.metrics.index_fallbacks.inc();
                tracing::warn!(file = %file.index_path, %error, "index cannot be used, reading the whole file");
                Ok(None)
            }
        }
    }

    async fn reader(&self, file: &DataFile) -> Result<Arc<IndexReader>> {
        self.cache
            .get_or_insert_async(&file.id, async {
                let bytes = self.store.get(&file.index_path).await?.bytes().await?;
                let reader = IndexReader::open(&bytes, file.rows)?;
                Ok::<_, Error>(Arc::new(reader))
            })
            .await
    }
}

//! Readers that compare what they read with the checksums in the file's footer
//! ([`ChunkChecksums`]): bytes that are not what was written are an error, and never other values.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{
    CachedParquetFileReaderFactory, ParquetFileReaderFactory,
};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use spoor_storage::{ChunkChecksums, FileFacts, refuse_newer};

use super::files::RowsToRead;
use super::footer::footer;
use crate::engine::Entry;

/// Makes readers that take footers from the cache.
#[derive(Debug)]
pub(super) struct CheckedReaders {
    readers: CachedParquetFileReaderFactory,
    store: Arc<dyn ObjectStore>,
    cache: Arc<FileMetadataCache>,
    /// What is read is counted there.
    entry: Arc<Entry>,
}

impl CheckedReaders {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        cache: Arc<FileMetadataCache>,
        entry: Arc<Entry>,
    ) -> Self {
        Self {
            readers: CachedParquetFileReaderFactory::new(Arc::clone(&store), Arc::clone(&cache)),
            store,
            cache,
            entry,
        }
    }
}

impl ParquetFileReaderFactory for CheckedReaders {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (meta, facts) = (file.object_meta.clone(), file.extension().copied());
        if let Some(RowsToRead(rows)) = file.extension() {
            self.entry.read.add_rows(*rows);
        }
        // Also a footer that is in memory: what a query reads does not depend on those before it.
        self.entry
            .read
            .add_bytes(facts.map_or(0, |facts: FileFacts| facts.tail_bytes));
        let reader =
            self.readers
                .create_reader(partition_index, file, metadata_size_hint, metrics)?;
        Ok(Box::new(CheckedReader {
            reader,
            store: Arc::clone(&self.store),
            cache: Arc::clone(&self.cache),
            meta,
            facts,
            checksums: None,
            entry: Arc::clone(&self.entry),
        }))
    }
}

struct CheckedReader {
    reader: Box<dyn AsyncFileReader + Send>,
    store: Arc<dyn ObjectStore>,
    cache: Arc<FileMetadataCache>,
    meta: ObjectMeta,
    facts: Option<FileFacts>,
    /// Known once the footer was read.
    checksums: Option<ChunkChecksums>,
    entry: Arc<Entry>,
}

impl CheckedReader {
    async fn footer(&mut self) -> parquet::errors::Result<Arc<ParquetMetaData>> {
        let footer = footer(&self.store, &self.cache, &self.meta, self.facts)
            .await
            .map_err(|error| ParquetError::External(error.into()))?;
        refuse_newer(&footer).map_err(|error| ParquetError::External(error.into()))?;
        let checksums = ChunkChecksums::of(&footer);
        self.checksums = Some(checksums.map_err(|error| ParquetError::General(error.to_string()))?);
        Ok(footer)
    }

    async fn read(&mut self, ranges: &[Range<u64>]) -> parquet::errors::Result<Vec<Bytes>> {
        // Of a file that is opened once more only the rows are asked for: its footer is in the cache.
        if self.checksums.is_none() {
            self.footer().await?;
        }
        let asked = ranges.iter().map(|range| range.end - range.start);
        self.entry.read.add_bytes(asked.sum());
        let bytes = self.reader.get_byte_ranges(ranges.to_vec()).await?;
        if let Some(checksums) = &self.checksums {
            checksums.compare(ranges, &bytes)?;
        }
        Ok(bytes)
    }
}

impl AsyncFileReader for CheckedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let mut bytes = self.read(&[range]).await?;
            bytes
                .pop()
                .ok_or_else(|| ParquetError::General("nothing was read".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move { self.read(&ranges).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        self.footer().boxed()
    }
}

//! Readers that compare what they read with the checksums in the file's footer
//! ([`ChunkChecksums`]): bytes that are not what was written are an error, and never other values.
//!
//! A small file is read as a whole when its footer is: to ask for its columns again would cost more
//! than the bytes do.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use spoor_storage::{ChunkChecksums, FileFacts, refuse_newer};

use super::footer::footer_and_bytes;
use super::measured::Measured;
use super::rows::RowsToRead;
use crate::engine::Entry;

/// Makes readers that take footers from the cache.
#[derive(Debug)]
pub(super) struct CheckedReaders {
    store: Arc<dyn ObjectStore>,
    cache: Arc<FileMetadataCache>,
    counts: Counts,
    /// Files that are counted: a file that is read in parts has several readers.
    opened: Mutex<HashSet<Path>>,
}

/// Where it is counted what is read.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Of the query.
    pub(super) entry: Arc<Entry>,
    /// Of the scan.
    pub(super) scan: Arc<Measured>,
}

impl Counts {
    fn add_bytes(&self, bytes: u64) {
        self.entry.read.add_bytes(bytes);
        self.scan.add_bytes(bytes);
    }
}

impl Counts {
    /// As bytes of files, of rows that are in memory.
    pub(super) fn add_buffer_bytes(&self, bytes: u64) {
        self.entry.read.add_bytes(bytes);
        self.scan.add_buffer_bytes(bytes);
    }
}

impl CheckedReaders {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        cache: Arc<FileMetadataCache>,
        counts: Counts,
    ) -> Self {
        Self {
            store,
            cache,
            counts,
            opened: Mutex::default(),
        }
    }
}

impl ParquetFileReaderFactory for CheckedReaders {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (meta, facts) = (file.object_meta.clone(), file.extension().copied());
        let reader = CheckedReader::of(meta, facts, (&self.store, &self.cache), &self.counts);
        if self.opened.lock().insert(reader.meta.location.clone()) {
            reader.opens(file.extension().map(|RowsToRead(rows)| *rows));
        }
        Ok(Box::new(reader))
    }
}

/// Reads one file.
pub(super) struct CheckedReader {
    store: Arc<dyn ObjectStore>,
    cache: Arc<FileMetadataCache>,
    meta: ObjectMeta,
    facts: Option<FileFacts>,
    /// Known once the footer was read.
    checksums: Option<ChunkChecksums>,
    /// All bytes of a small file, if its footer was read.
    whole: Option<Bytes>,
    counts: Counts,
}

impl CheckedReader {
    pub(super) fn of(
        meta: ObjectMeta,
        facts: Option<FileFacts>,
        (store, cache): (&Arc<dyn ObjectStore>, &Arc<FileMetadataCache>),
        counts: &Counts,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            cache: Arc::clone(cache),
            meta,
            facts,
            checksums: None,
            whole: None,
            counts: counts.clone(),
        }
    }

    /// Counts that the file is opened to look at so many rows of it.
    pub(super) fn opens(&self, rows: Option<u64>) {
        self.counts.scan.add_file(&self.meta.location);
        if let Some(rows) = rows {
            self.counts.entry.read.add_rows(rows);
        }
        // Also a footer that is in memory: what a query reads does not depend on those before it.
        self.counts
            .add_bytes(self.facts.map_or(0, |facts| facts.tail_bytes));
    }

    /// Where it is counted.
    pub(super) fn measured(&self) -> &Measured {
        &self.counts.scan
    }

    /// Counts what need not be read again.
    pub(super) fn reads_from_memory(&self, bytes: u64) {
        self.counts.add_bytes(bytes);
    }

    async fn footer(&mut self) -> parquet::errors::Result<Arc<ParquetMetaData>> {
        let (footer, whole) = footer_and_bytes(&self.store, &self.cache, &self.meta, self.facts)
            .await
            .map_err(|error| ParquetError::External(error.into()))?;
        self.whole = whole.or(self.whole.take());
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
        self.counts.add_bytes(asked.sum());
        let bytes = match &self.whole {
            Some(whole) => parts_of(whole, ranges)?,
            None => self
                .store
                .get_ranges(&self.meta.location, ranges)
                .await
                .map_err(|error| ParquetError::External(error.into()))?,
        };
        if let Some(checksums) = &self.checksums {
            checksums.compare(ranges, &bytes)?;
        }
        Ok(bytes)
    }
}

fn parts_of(whole: &Bytes, ranges: &[Range<u64>]) -> parquet::errors::Result<Vec<Bytes>> {
    let part = |range: &Range<u64>| {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?;
        (start <= end && end <= whole.len()).then(|| whole.slice(start..end))
    };
    let parts: Option<Vec<Bytes>> = ranges.iter().map(part).collect();
    parts.ok_or_else(|| ParquetError::EOF("a column ends behind its file".to_owned()))
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

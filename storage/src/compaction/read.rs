//! Reads a data file from its first row to its last, a few rows at a time or a stretch at a time.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use crate::attributes::{FileAttributes, restore};
use crate::error::{Error, Result};
use crate::file::{ChunkChecksums, FileFacts, refuse_newer, stretches_of};
use crate::hidden::HiddenRows;
use crate::model::Table;
use crate::snapshot::DataFile;

/// Most rows of a batch.
pub(crate) const BATCH_ROWS: usize = 8192;
/// Decoded bytes that a batch should not exceed: a merge holds two of each input. Rows of a
/// mebibyte come a few at a time.
const BATCH_BYTES: u64 = 1 << 20;

/// The rows of one file in its order, in batches of the stored schema. Holds one row group of
/// encoded bytes and one batch.
pub(crate) struct FileRows {
    path: Path,
    /// How to make rows of the stored schema from whole rows; absent if only columns are read.
    whole: Option<(Table, FileAttributes)>,
    /// Rows that are left out.
    hidden: Option<Arc<HiddenRows>>,
    expected_rows: u64,
    stream: ParquetRecordBatchStream<Ranges>,
    /// How many were read.
    rows: u64,
    /// Rows of the stretches that were not given out yet; `None`: in order of time, any cut will do.
    stretches: Option<Box<dyn Iterator<Item = usize> + Send>>,
    /// Read, and of stretches that were not given out yet.
    rest: Option<RecordBatch>,
}

impl FileRows {
    /// Opens a file. [`crate::ErrorKind::Corrupt`] if its bytes are not what was written; any
    /// other error is the store's and may pass.
    pub(crate) async fn open(store: Arc<dyn ObjectStore>, file: &DataFile) -> Result<Self> {
        Self::open_with(store, file, None).await
    }

    /// As [`FileRows::open`], without the rows that are hidden: batches may be empty.
    pub(crate) async fn open_visible(store: Arc<dyn ObjectStore>, file: &DataFile) -> Result<Self> {
        let mut rows = Self::open_with(store, file, None).await?;
        rows.hidden.clone_from(&file.hidden);
        Ok(rows)
    }

    /// As [`FileRows::open`], but reads only these columns, which are in the file as they are in
    /// the schema.
    pub(crate) async fn open_columns(
        store: Arc<dyn ObjectStore>,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<Self> {
        Self::open_with(store, file, Some(columns)).await
    }

    async fn open_with(
        store: Arc<dyn ObjectStore>,
        file: &DataFile,
        columns: Option<&[&str]>,
    ) -> Result<Self> {
        let path = file.path.clone();
        let opened = ParquetRecordBatchStreamBuilder::new(Ranges {
            store: Arc::clone(&store),
            path: path.clone(),
            size: file.bytes,
            facts: file.facts,
            checksums: ChunkChecksums::default(),
        });
        let opened = AssertUnwindSafe(opened).catch_unwind().await;
        let builder = match settled(&path, opened) {
            Ok(builder) => builder,
            // A store does not say of a range whether it is past the end of a file cut short.
            Err(error) => match store.head(&path).await {
                Ok(meta) if meta.size != file.bytes => {
                    return Err(Error::corrupt(format!(
                        "file `{path}` has {} bytes instead of {}",
                        meta.size, file.bytes
                    )));
                }
                _ => return Err(error),
            },
        };
        refuse_newer(builder.metadata())?;
        let stretches = stretches_of(builder.metadata())?;
        let whole = match columns {
            None => Some((file.table, FileAttributes::of(builder.schema())?)),
            Some(_) => None,
        };
        let rows = batch_rows(builder.metadata());
        let mask = match columns {
            Some(names) => ProjectionMask::columns(builder.parquet_schema(), names.iter().copied()),
            None => ProjectionMask::all(),
        };
        let stream = builder
            .with_projection(mask)
            .with_batch_size(rows)
            .build()
            .map_err(|source| unreadable(&path, source))?;
        Ok(Self {
            path,
            whole,
            hidden: None,
            expected_rows: file.rows,
            stream,
            rows: 0,
            stretches: match stretches {
                Some(stretches) => Some(Box::new(stretches)),
                None => None,
            },
            rest: None,
        })
    }

    /// The next rows; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let first = self.rows;
        let batch = self.read().await?;
        batch.map(|batch| self.visible(first, batch)).transpose()
    }

    /// The next rows that all come before all after them in (event time, record id), in the order of the
    /// file; `None` after the last. Not to be used together with [`FileRows::next`].
    pub(crate) async fn next_stretch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(stretches) = &mut self.stretches else {
            return self.next().await;
        };
        let Some(mut missing) = stretches.next() else {
            return self.read().await;
        };
        let before = self.rest.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        let first = self.rows - before;
        let mut parts = Vec::new();
        while missing > 0 {
            let batch = match self.rest.take() {
                Some(rest) => rest,
                None => self.read().await?.ok_or_else(|| {
                    Error::corrupt(format!("file `{}` ends within a stretch", self.path))
                })?,
            };
            let taken = missing.min(batch.num_rows());
            missing -= taken;
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            parts.push(batch.slice(0, taken));
        }
        let stretch = match parts.as_slice() {
            [only] => only.clone(),
            parts => concat_batches(&parts[0].schema(), parts)?,
        };
        self.visible(first, stretch).map(Some)
    }

    fn visible(&self, first: u64, batch: RecordBatch) -> Result<RecordBatch> {
        match &self.hidden {
            Some(hidden) => hidden.visible_of(first, &batch),
            None => Ok(batch),
        }
    }

    async fn read(&mut self) -> Result<Option<RecordBatch>> {
        let next = AssertUnwindSafe(self.stream.next().map(Option::transpose))
            .catch_unwind()
            .await;
        let Some(batch) = settled(&self.path, next)? else {
            return if self.rows == self.expected_rows {
                Ok(None)
            } else {
                Err(Error::corrupt(format!(
                    "file `{}` has {} rows instead of {}",
                    self.path, self.rows, self.expected_rows
                )))
            };
        };
        self.rows += batch.num_rows() as u64;
        match &self.whole {
            Some((table, attributes)) => Ok(Some(restore(*table, attributes, &batch)?)),
            None => Ok(Some(batch)),
        }
    }
}

/// All rows of a file, hidden ones too, in its order: for tools that look at one file at a time.
pub(crate) async fn read_file(
    store: Arc<dyn ObjectStore>,
    file: &DataFile,
) -> Result<Vec<RecordBatch>> {
    all(FileRows::open(store, file).await?).await
}

/// The rows of a file that are not hidden, in its order.
#[cfg(test)]
pub(crate) async fn read_visible(
    store: Arc<dyn ObjectStore>,
    file: &DataFile,
) -> Result<Vec<RecordBatch>> {
    all(FileRows::open_visible(store, file).await?).await
}

async fn all(rows: FileRows) -> Result<Vec<RecordBatch>> {
    futures::stream::try_unfold(rows, |mut rows| async move {
        Ok(rows.next().await?.map(|batch| (batch, rows)))
    })
    .try_collect()
    .await
}

/// Reads a file through and keeps nothing. As [`FileRows::open`] and [`FileRows::next`] fail.
pub(crate) async fn verify_file(store: Arc<dyn ObjectStore>, file: &DataFile) -> Result<()> {
    let mut rows = FileRows::open(store, file).await?;
    while rows.next().await?.is_some() {}
    Ok(())
}

/// Bytes that are not Parquet may make the reader panic, not only fail: the process goes on.
fn settled<T>(path: &Path, outcome: std::thread::Result<parquet::errors::Result<T>>) -> Result<T> {
    match outcome {
        Ok(outcome) => outcome.map_err(|source| unreadable(path, source)),
        Err(_) => Err(Error::corrupt(format!("file `{path}` cannot be decoded"))),
    }
}

fn unreadable(path: &Path, source: ParquetError) -> Error {
    let corrupt = |source: ParquetError| {
        Error::corrupt(format!("file `{path}` is not readable")).with_source(source)
    };
    match source {
        ParquetError::External(source) => match source.downcast::<object_store::Error>() {
            Ok(source) => match *source {
                source @ object_store::Error::NotFound { .. } => {
                    Error::corrupt(format!("file `{path}` is missing")).with_source(source)
                }
                source => source.into(),
            },
            Err(source) => corrupt(ParquetError::External(source)),
        },
        source => corrupt(source),
    }
}

/// A file of an object store, read by ranges.
struct Ranges {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    facts: Option<FileFacts>,
    checksums: ChunkChecksums,
}

impl AsyncFileReader for Ranges {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let mut read = self.get_byte_ranges(vec![range]).await?;
            read.pop()
                .ok_or_else(|| ParquetError::General("nothing was read".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move {
            let read = self.store.get_ranges(&self.path, &ranges).await?;
            self.checksums.compare(&ranges, &read)?;
            Ok(read)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let metadata = if let Some(facts) = self.facts {
                let tail = self.get_bytes(facts.tail(size)).await?;
                facts
                    .read(&tail, size, PageIndexPolicy::Skip)
                    .map_err(|error| ParquetError::General(error.to_string()))?
            } else {
                let reader = ParquetMetaDataReader::new();
                reader.load_and_finish(&mut *self, size).await?
            };
            self.checksums = ChunkChecksums::of(&metadata)
                .map_err(|error| ParquetError::General(error.to_string()))?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}

/// How many rows make a batch of [`BATCH_BYTES`], as far as the footer tells.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    let widest = metadata
        .row_groups()
        .iter()
        .map(|group| {
            let bytes: u64 = group
                .columns()
                .iter()
                .map(|column| {
                    let values = column.num_values().unsigned_abs();
                    let data = column
                        .unencoded_byte_array_data_bytes()
                        .map_or(0, i64::unsigned_abs);
                    data.saturating_add(values.saturating_mul(8))
                })
                .fold(0, u64::saturating_add);
            bytes / group.num_rows().unsigned_abs().max(1)
        })
        .max()
        .unwrap_or(0);
    let rows = BATCH_BYTES / widest.max(1);
    usize::try_from(rows).map_or(BATCH_ROWS, |rows| rows.clamp(16, BATCH_ROWS))
}

//! Writes a file while its rows come, for merges: memory holds one row group and the index.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayloadMut, WriteMultipart};

use super::{DENSE_LEVEL, Encoded, FileEncoder, FileWriter, QUICK_LEVEL};
use crate::attributes::Promotion;
use crate::buffer::Place;
use crate::error::Result;
use crate::fault::Point;
use crate::layout::parquet_path;
use crate::snapshot::{DataFile, FieldStatistics};
use crate::store::Store;

/// Bytes of a part of an upload: buckets want at least 5 MiB, a disk takes any. Files below this are put at once. Up to
/// three parts are in memory.
const REMOTE_PART_BYTES: usize = 5 << 20;
const LOCAL_PART_BYTES: usize = 1 << 20;
/// Parts on their way at a time.
const PARALLEL_PARTS: usize = 2;

/// An unfinished file. Dropped without [`FileSink::finish`], it leaves nothing that counts: no
/// catalog row names it.
pub(crate) struct FileSink {
    writer: FileWriter,
    encoder: Box<FileEncoder>,
    upload: Upload,
}

impl FileWriter {
    /// Begins a file of `place` with about so many rows and with columns for the keys of
    /// `promotion`, as small as can be if it `stays`. Its bytes go to the store as they come.
    pub(crate) fn begin(
        &self,
        place: &Place,
        level: u32,
        rows: u64,
        promotion: &Promotion,
        stays: bool,
    ) -> Result<FileSink> {
        let text_level = if stays { DENSE_LEVEL } else { QUICK_LEVEL };
        let indexed = self.is_indexed(rows);
        let encoder = FileEncoder::new(place, level, indexed, promotion, text_level)?;
        let (tenant, table, hour) = place;
        let path = parquet_path(tenant, *table, *hour, encoder.id);
        Ok(FileSink {
            writer: self.clone(),
            encoder: Box::new(encoder),
            upload: Upload::new(self.store.clone(), path),
        })
    }
}

impl FileSink {
    /// Takes these statistics for those of all rows that will be pushed; other fields are counted.
    pub(crate) fn knows(&mut self, fields: FieldStatistics) {
        self.encoder.fields.knows(fields);
    }

    /// Adds a stretch: rows that all come after all others in (event time, record id), at most
    /// [`super::STRETCH_ROWS`]. Takes processor time. Returns how many bytes went to the store.
    pub(crate) async fn push(&mut self, rows: &RecordBatch) -> Result<u64> {
        self.encoder.push(rows)?;
        let bytes = self.encoder.take_encoded();
        let len = bytes.len() as u64;
        self.upload.put(bytes).await?;
        Ok(len)
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.encoder.rows
    }

    /// Bytes of complete row groups so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.encoder.taken
    }

    /// Ends the file; when this returns it would survive a power loss. It is not live until the
    /// catalog says so.
    pub(crate) async fn finish(self) -> Result<Arc<DataFile>> {
        let Self {
            writer,
            encoder,
            mut upload,
        } = self;
        let Encoded {
            parquet,
            index,
            file,
        } = match encoder.finish() {
            Ok(encoded) => encoded,
            Err(error) => {
                upload.abort().await;
                return Err(error);
            }
        };
        let stored = async {
            writer.layout.fault(Point::FilePut)?;
            upload.put(parquet).await?;
            upload.finish().await?;
            Box::pin(writer.put_index(&file, index)).await?;
            writer.sync(&file).await
        };
        if let Err(error) = stored.await {
            writer.discard(&file).await;
            return Err(error);
        }
        Ok(Arc::new(file))
    }

    /// Gives the file up.
    pub(crate) async fn abort(mut self) {
        self.upload.abort().await;
    }
}

impl FileWriter {
    /// Deletes a file that will not be in the catalog, so that attempts that fail for want of
    /// space do not fill the disk. What cannot be deleted is deleted at the next start.
    pub(crate) async fn discard(&self, file: &DataFile) {
        for path in [&file.path, &file.index_path] {
            if let Err(error) = self.layout.fault(Point::Discard) {
                tracing::warn!(file = %path, %error, "an unfinished file stays until the next start");
                return;
            }
            if let Err(error) = self.store.delete(path).await {
                tracing::warn!(file = %path, %error, "an unfinished file stays until the next start");
            }
        }
    }
}

/// Bytes on their way to one object.
struct Upload {
    store: Store,
    path: Path,
    part_bytes: usize,
    waiting: PutPayloadMut,
    parts: Option<WriteMultipart>,
}

impl Upload {
    fn new(store: Store, path: Path) -> Self {
        Self {
            part_bytes: if store.is_remote() {
                REMOTE_PART_BYTES
            } else {
                LOCAL_PART_BYTES
            },
            store,
            path,
            waiting: PutPayloadMut::new(),
            parts: None,
        }
    }

    async fn put(&mut self, bytes: Vec<u8>) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(bytes);
        if let Some(parts) = &mut self.parts {
            parts.wait_for_capacity(PARALLEL_PARTS).await?;
            parts.put(bytes);
            return Ok(());
        }
        self.waiting.push(bytes);
        if self.waiting.content_length() >= self.part_bytes {
            let upload = self.store.objects().put_multipart(&self.path).await?;
            let mut parts = WriteMultipart::new_with_chunk_size(upload, self.part_bytes);
            for bytes in std::mem::take(&mut self.waiting).freeze() {
                parts.put(bytes);
            }
            self.parts = Some(parts);
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        if let Some(parts) = self.parts.take() {
            parts.finish().await?;
        } else {
            let payload = std::mem::take(&mut self.waiting).freeze();
            let bytes = payload.iter().flatten().copied().collect();
            Box::pin(self.store.put(&self.path, bytes)).await?;
        }
        Ok(())
    }

    async fn abort(&mut self) {
        if let Some(parts) = self.parts.take()
            && let Err(error) = parts.abort().await
        {
            tracing::debug!(file = %self.path, %error, "an upload could not be aborted");
        }
    }
}

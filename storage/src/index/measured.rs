//! A door for the benchmark: the index of a file without the file.

use arrow::record_batch::RecordBatch;
use futures::FutureExt;
use futures::future::BoxFuture;
use tantivy::directory::OwnedBytes;

use super::packed::{Parts, slice};
use super::reader::{IndexReader, Opening, Source};
use super::{IndexBuilder, Lookup, RowAnswer};
use crate::error::{Error, Result};
use crate::model::{FileId, Table};

/// The index file of `batches` (stored schema).
pub fn build(table: Table, batches: &[RecordBatch], file: FileId) -> Result<Vec<u8>> {
    let mut builder = IndexBuilder::new(table)?;
    for batch in batches {
        builder.add(batch)?;
    }
    builder.finish(file)
}

/// A whole index file in memory.
#[derive(Debug)]
pub struct Opened {
    reader: IndexReader,
    bytes: Memory,
}

/// Parts of a file in memory.
#[derive(Debug)]
struct Memory(OwnedBytes);

impl Opened {
    /// Opens the index of a file of `rows` rows.
    pub fn open(bytes: Vec<u8>, file: FileId, rows: u64) -> Result<Self> {
        let reader = match IndexReader::open(&bytes, bytes.len() as u64, file, rows)? {
            Opening::Open(reader) => *reader,
            Opening::Longer(_) => return Err(Error::corrupt("it is cut off")),
        };
        Ok(Self {
            reader,
            bytes: Memory(OwnedBytes::new(bytes)),
        })
    }

    /// Bytes of each kind of part.
    pub fn bytes_by_kind(&self) -> [(&'static str, u64); 7] {
        self.reader.bytes_by_kind()
    }

    /// As [`super::IndexCache::answer`].
    pub fn ask(&self, lookup: &Lookup) -> Result<RowAnswer> {
        self.reader
            .answer(&self.bytes, lookup)
            .now_or_never()
            .unwrap_or_else(|| Err(Error::internal("memory had to be waited for")))
    }
}

impl Source for Memory {
    fn part<'a>(&'a self, parts: &'a Parts, at: usize) -> BoxFuture<'a, Result<OwnedBytes>> {
        let entry = &parts.entries[at];
        let verified = slice(&self.0, &entry.range())
            .and_then(|bytes| entry.verify(bytes))
            .map_err(Error::corrupt);
        let start = usize::try_from(entry.offset).unwrap_or(usize::MAX);
        let length = usize::try_from(entry.len).unwrap_or(usize::MAX);
        let part = verified.map(|()| self.0.slice(start..start.saturating_add(length)));
        std::future::ready(part).boxed()
    }
}

//! Checksums of a data file's columns, so that a flipped bit is an error and not another value.
//!
//! Parquet has a checksum for each page, but arrow-rs does not write it, and zstd frames have none. So
//! the file's key-value metadata has under [`METADATA_KEY`] the CRC-32C of each column chunk: eight hex
//! digits each, row group by row group, columns in the order of the schema. Who reads a chunk as a
//! whole compares. Files of earlier versions have none.
//!
//! It costs a pass over the encoded bytes while they are in the cache (some gigabytes a second), and
//! nothing in the file that another reader would notice.

use std::fmt::Write as _;
use std::ops::Range;

use parquet::arrow::ArrowWriter;
use parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData};

use crate::error::{Error, Result};

/// Under which key the file's metadata has the checksums.
pub(crate) const METADATA_KEY: &str = "spoor.chunk_crc32c";
/// Hex digits of one.
const DIGITS: usize = 8;

/// Sums up row groups as they are written.
#[derive(Debug, Default)]
pub(super) struct Summing {
    row_groups: usize,
    hex: String,
}

impl Summing {
    /// Takes in the row groups that are complete by now. The buffer of `writer` must have all bytes
    /// from offset `from` on.
    pub(super) fn catch_up(&mut self, writer: &mut ArrowWriter<Vec<u8>>, from: u64) -> Result<()> {
        if writer.flushed_row_groups().len() == self.row_groups {
            return Ok(());
        }
        // The writer has a buffer of its own before ours.
        writer
            .sync()
            .map_err(|source| Error::from_io("cannot encode a file", source))?;
        let groups = writer.flushed_row_groups();
        for range in groups.iter().skip(self.row_groups).flat_map(chunks) {
            let local = |offset: u64| offset.checked_sub(from).map(usize::try_from);
            let bytes = match (local(range.start), local(range.end)) {
                (Some(Ok(start)), Some(Ok(end))) => writer.inner().get(start..end),
                _ => None,
            };
            let bytes = bytes.ok_or_else(|| Error::internal("a row group that was given away"))?;
            write!(self.hex, "{:08x}", crc32c::crc32c(bytes))
                .map_err(|_| Error::internal("a checksum cannot be written"))?;
        }
        self.row_groups = groups.len();
        Ok(())
    }

    pub(super) fn finish(self) -> KeyValue {
        KeyValue::new(METADATA_KEY.to_owned(), self.hex)
    }
}

/// The checksums of one file's column chunks.
#[derive(Debug, Clone, Default)]
pub struct ChunkChecksums {
    /// In the order of the file.
    chunks: Vec<(Range<u64>, u32)>,
}

impl ChunkChecksums {
    /// What the footer says; nothing for a file of before there were any. Errors with
    /// [`crate::ErrorKind::Corrupt`] if it does not fit the row groups.
    pub fn of(metadata: &ParquetMetaData) -> Result<Self> {
        let entries = metadata.file_metadata().key_value_metadata();
        let entry = entries
            .into_iter()
            .flatten()
            .find(|entry| entry.key == METADATA_KEY);
        let Some(hex) = entry.and_then(|entry| entry.value.as_deref()) else {
            return Ok(Self::default());
        };
        let unreadable = || Error::corrupt("a file's list of checksums is not readable");
        let ranges: Vec<_> = metadata.row_groups().iter().flat_map(chunks).collect();
        if hex.len() != ranges.len() * DIGITS || !hex.is_ascii() {
            return Err(unreadable());
        }
        let sums = hex.as_bytes().chunks_exact(DIGITS).map(|digits| {
            std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        });
        let mut chunks = ranges
            .into_iter()
            .zip(sums)
            .map(|(range, sum)| Some((range, sum?)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(unreadable)?;
        chunks.sort_unstable_by_key(|(range, _)| range.start);
        Ok(Self { chunks })
    }

    /// Whether `bytes`, read at `range`, are what was written, as far as that can be told: every
    /// chunk that lies within is compared.
    pub fn match_bytes(&self, range: &Range<u64>, bytes: &[u8]) -> bool {
        let first = self
            .chunks
            .partition_point(|(chunk, _)| chunk.start < range.start);
        self.chunks
            .iter()
            .skip(first)
            .take_while(|(chunk, _)| chunk.start < range.end)
            .filter(|(chunk, _)| chunk.end <= range.end)
            .all(|(chunk, sum)| {
                let local = |offset: u64| usize::try_from(offset - range.start).ok();
                let bytes = local(chunk.start)
                    .zip(local(chunk.end))
                    .and_then(|(start, end)| bytes.get(start..end));
                bytes.is_some_and(|bytes| crc32c::crc32c(bytes) == *sum)
            })
    }
}

/// Where the column chunks of a row group lie. A footer that lies gives empty ones.
fn chunks(group: &RowGroupMetaData) -> impl Iterator<Item = Range<u64>> + '_ {
    group.columns().iter().map(|column| {
        let start = column
            .dictionary_page_offset()
            .unwrap_or_else(|| column.data_page_offset());
        let start = u64::try_from(start).unwrap_or(0);
        let len = u64::try_from(column.compressed_size()).unwrap_or(0);
        start..start.saturating_add(len)
    })
}

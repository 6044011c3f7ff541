//! Checksums of a data file's columns, so that a flipped bit is an error and not another value.
//!
//! Parquet has a checksum for each page, but arrow-rs does not write it, and zstd frames have none. So
//! the file's key-value metadata has under [`METADATA_KEY`] the CRC-32C of each column chunk: eight hex
//! digits each, row group by row group, columns in the order of the schema. Who reads a chunk as a
//! whole compares: merges and checks always, queries wherever an index did not leave out pages of it.
//! Files of earlier versions have none.
//!
//! It costs a pass over the encoded bytes while they are in the cache (some gigabytes a second), and
//! nothing in the file that another reader would notice.

use std::fmt::Write as _;
use std::ops::Range;

use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
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

    /// Compares what was read: `bytes[i]` at `ranges[i]`. A chunk of which not all was read is not
    /// compared. Errors with where the first wrong one is.
    pub fn compare(&self, ranges: &[Range<u64>], bytes: &[Bytes]) -> parquet::errors::Result<()> {
        let mut parts: Vec<_> = ranges.iter().zip(bytes).collect();
        parts.sort_unstable_by_key(|(range, _)| range.start);
        let (Some((first, _)), Some(end)) =
            (parts.first(), ranges.iter().map(|range| range.end).max())
        else {
            return Ok(());
        };
        let from = self
            .chunks
            .partition_point(|(chunk, _)| chunk.start < first.start);
        let within = self.chunks.iter().skip(from);
        for (chunk, sum) in within.take_while(|(chunk, _)| chunk.end <= end) {
            if crc_of(chunk, &parts).is_some_and(|found| found != *sum) {
                return Err(ParquetError::General(format!(
                    "the column at bytes {} to {} has another checksum",
                    chunk.start, chunk.end
                )));
            }
        }
        Ok(())
    }
}

/// The checksum of a chunk, if `parts` (in order) have all of it.
fn crc_of(chunk: &Range<u64>, parts: &[(&Range<u64>, &Bytes)]) -> Option<u32> {
    let mut at = chunk.start;
    let mut crc = 0;
    let first = parts.partition_point(|(range, _)| range.end <= at);
    for (range, bytes) in &parts[first..] {
        if at >= chunk.end {
            break;
        }
        let start = usize::try_from(at.checked_sub(range.start)?).ok()?;
        let to = range.end.min(chunk.end);
        let end = usize::try_from(to.checked_sub(range.start)?).ok()?;
        crc = crc32c::crc32c_append(crc, bytes.get(start..end)?);
        at = to;
    }
    (at >= chunk.end).then_some(crc)
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

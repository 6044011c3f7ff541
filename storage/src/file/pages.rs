//! Pages of data files, for who reads a few rows.
//!
//! ```text
//!  which pages have the rows ─► those in the cache ─┐
//!              └─► the others: read, unpacked, kept ┴─► Parquet's decoders
//! ```
//! Parquet's own reader makes a compressor and a decompressor for each column that it opens, which is a good part of
//! what a row costs, and unpacks the same dictionaries for every query.

mod cache;
mod unpack;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::arrow::arrow_reader::{RowGroups, RowSelection};
use parquet::basic::CompressionCodec;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::model::FileId;

pub use cache::{PageCache, PageCacheMetrics};
use unpack::unpacked;

/// Pages of one row group that are at hand.
pub struct GroupPages {
    cache: Arc<PageCache>,
    file: FileId,
    footer: Arc<ParquetMetaData>,
    group: usize,
    unpacked: HashMap<u64, Page>,
    packed: Parts,
    counts: PageCounts,
}

/// Pages that have certain rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// All of them.
    pub pages: u64,
    /// Those that are in memory and need not be read.
    pub pages_in_cache: u64,
    /// What these take in the file.
    pub bytes_in_cache: u64,
    /// What all take in memory, about.
    pub bytes_in_memory: u64,
}

impl std::fmt::Debug for GroupPages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupPages")
            .field("file", &self.file)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl GroupPages {
    /// Of a row group; `None` if its footer does not say where pages are.
    pub fn of(
        cache: &Arc<PageCache>,
        file: FileId,
        footer: &Arc<ParquetMetaData>,
        group: usize,
    ) -> Option<Self> {
        let columns = footer.row_groups().get(group)?.num_columns();
        let offsets = footer.offset_index()?.get(group)?;
        (offsets.len() == columns).then(|| Self {
            cache: Arc::clone(cache),
            file,
            footer: Arc::clone(footer),
            group,
            unpacked: HashMap::new(),
            packed: Parts::default(),
            counts: PageCounts::default(),
        })
    }

    /// Where the pages lie that have rows of `selection` in these columns (leaves) and must be read, in order.
    pub fn to_read(
        &mut self,
        columns: impl IntoIterator<Item = usize>,
        selection: &RowSelection,
    ) -> Result<Vec<Range<u64>>> {
        let mut ranges = Vec::new();
        for column in columns {
            let (first, locations) = self.places(column)?;
            let dictionary = locations
                .first()
                .map(|page| (first, u64::try_from(page.offset).unwrap_or(first)))
                .filter(|(first, data)| first < data)
                .map(|(first, data)| first..data);
            let pages = selection.scan_ranges(locations);
            let chunk = self.row_group().column(column);
            let [packed, plain] = [chunk.compressed_size(), chunk.uncompressed_size()]
                .map(|bytes| u64::try_from(bytes).unwrap_or(0).max(1));
            for range in dictionary.into_iter().chain(pages) {
                let bytes = range.end.saturating_sub(range.start);
                self.counts.pages += 1;
                if let Some(page) = self.cache.get(&(self.file, range.start)) {
                    self.counts.pages_in_cache += 1;
                    self.counts.bytes_in_cache += bytes;
                    self.counts.bytes_in_memory += page.buffer().len() as u64;
                    self.unpacked.insert(range.start, page);
                } else {
                    // As it is stored, and unpacked as much larger as all of its column are.
                    let unpacked = bytes.saturating_mul(plain) / packed;
                    self.counts.bytes_in_memory += bytes + unpacked.min(plain);
                    ranges.push(range);
                }
            }
        }
        ranges.sort_unstable_by_key(|range| range.start);
        Ok(ranges)
    }

    /// What came of [`GroupPages::to_read`].
    pub fn counts(&self) -> PageCounts {
        self.counts
    }

    /// Takes in what was read: `bytes[i]` at `ranges[i]`.
    pub fn add(&mut self, ranges: &[Range<u64>], bytes: Vec<Bytes>) {
        let at = ranges.iter().map(|range| range.start);
        self.packed.0.extend(at.zip(bytes));
    }

    fn row_group(&self) -> &RowGroupMetaData {
        self.footer.row_group(self.group)
    }

    /// Where a column begins, and its pages but for the dictionary.
    fn places(&self, column: usize) -> Result<(u64, &Vec<PageLocation>)> {
        let missing = || ParquetError::General(format!("there is no column {column}"));
        let offsets = self
            .footer
            .offset_index()
            .and_then(|all| all.get(self.group));
        let offsets = offsets
            .and_then(|all| all.get(column))
            .ok_or_else(missing)?;
        let (first, _) = self.row_group().column(column).byte_range();
        Ok((first, offsets.page_locations()))
    }
}

impl RowGroups for GroupPages {
    fn num_rows(&self) -> usize {
        usize::try_from(self.row_group().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (first, locations) = self.places(column)?;
        let chunk = self.row_group().column(column);
        let (_, bytes) = chunk.byte_range();
        let end = first.saturating_add(bytes);
        let data = locations
            .iter()
            .map(|page| u64::try_from(page.offset).unwrap_or(first));
        let dictionary = (locations.first())
            .and_then(|page| u64::try_from(page.offset).ok())
            .filter(|data| *data != first);
        let is_packed = matches!(chunk.compression_codec(), CompressionCodec::ZSTD);
        // Unpacked here, so that the reader makes nothing to unpack with.
        let as_stored = |chunk: &ColumnChunkMetaData| {
            let builder = chunk.clone().into_builder();
            let builder = builder.set_compression_codec(CompressionCodec::UNCOMPRESSED);
            builder.build()
        };
        let unpacked_chunk = is_packed.then(|| as_stored(chunk)).transpose()?;
        let reader = SerializedPageReader::new(
            Arc::new(self.packed.between(first..end)),
            unpacked_chunk.as_ref().unwrap_or(chunk),
            self.num_rows(),
            Some(locations.clone()),
        )?;
        let offsets: VecDeque<u64> = dictionary.map(|_| first).into_iter().chain(data).collect();
        let unpacked = offsets
            .iter()
            .filter_map(|at| Some((*at, self.unpacked.get(at)?.clone())))
            .collect();
        let pages = ColumnPages {
            reader,
            cache: Arc::clone(&self.cache),
            file: self.file,
            offsets,
            unpacked,
            is_packed,
            most_bytes: usize::try_from(chunk.uncompressed_size()).unwrap_or(0),
        };
        Ok(Box::new(OneColumn(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.row_group()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.footer
    }
}

/// Bytes by where they lie in the file.
#[derive(Debug, Clone, Default)]
struct Parts(BTreeMap<u64, Bytes>);

impl Parts {
    fn between(&self, range: Range<u64>) -> Self {
        let within = self.0.range(range);
        Self(within.map(|(at, bytes)| (*at, bytes.clone())).collect())
    }

    fn at(&self, start: u64) -> Result<&Bytes> {
        let missing = || ParquetError::General(format!("the page at {start} was not read"));
        self.0.get(&start).ok_or_else(missing)
    }
}

impl Length for Parts {
    fn len(&self) -> u64 {
        let last = self.0.last_key_value();
        last.map_or(0, |(at, bytes)| at + bytes.len() as u64)
    }
}

impl ChunkReader for Parts {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.at(start)?.clone().reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.at(start)?;
        let short = || ParquetError::EOF("a page ends behind its bytes".to_owned());
        (length <= bytes.len())
            .then(|| bytes.slice(..length))
            .ok_or_else(short)
    }
}

/// The only column of a row group.
struct OneColumn(Option<ColumnPages>);

impl Iterator for OneColumn {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as _))
    }
}

impl PageIterator for OneColumn {}

/// The pages of a column.
struct ColumnPages {
    /// Gives pages as they are stored.
    reader: SerializedPageReader<Parts>,
    cache: Arc<PageCache>,
    file: FileId,
    /// Where the pages to come begin, that of the dictionary first.
    offsets: VecDeque<u64>,
    unpacked: HashMap<u64, Page>,
    is_packed: bool,
    /// All pages together have so many bytes.
    most_bytes: usize,
}

impl Iterator for ColumnPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for ColumnPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(offset) = self.offsets.pop_front() else {
            return Ok(None);
        };
        if let Some(page) = self.unpacked.remove(&offset) {
            self.reader.skip_next_page()?;
            return Ok(Some(page));
        }
        let Some(page) = self.reader.get_next_page()? else {
            return Ok(None);
        };
        let page = if self.is_packed {
            unpacked(page, self.most_bytes)?
        } else {
            page
        };
        self.cache.keep((self.file, offset), &page);
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.reader.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.offsets.pop_front();
        self.reader.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.reader.at_record_boundary()
    }
}

#[cfg(test)]
mod tests;

//! The tantivy segment: terms by block. A *document* is a block of rows, its terms are the block's
//! distinct ones (see `terms`).

use std::collections::HashSet;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::directory::RamDirectory;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::postings::TermInfo;
use tantivy::schema::{BytesOptions, Field, IndexRecordOption, Schema};
use tantivy::store::Compressor;
use tantivy::{
    Directory, DocSet, Index, IndexSettings, InvertedIndexReader, SegmentReader, TERMINATED,
    TantivyDocument,
};

use super::BLOCK_ROWS;
use super::packed::{Kind, Packer};
use super::words::Seeded;
use crate::error::{Error, Result};

mod directory;

pub(super) use directory::PartsDirectory;

/// What tantivy sizes its table of terms by when it begins: a quarter of this. The table grows with its terms, of
/// which few files have many; with room for all of them it took 4 MiB a file that is written.
const MEMORY_BYTES: usize = 1 << 20;

/// Collects terms block by block.
pub(super) struct SegmentBuilder {
    writer: SingleSegmentIndexWriter,
    directory: RamDirectory,
    field: Field,
    block: HashSet<Box<[u8]>, Seeded>,
}

impl SegmentBuilder {
    pub(super) fn new() -> Result<Self> {
        let mut schema = Schema::builder();
        let field = schema.add_bytes_field("term", BytesOptions::default().set_indexed());
        let directory = RamDirectory::create();
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let writer = Index::builder()
            .schema(schema.build())
            .settings(settings)
            .single_segment_index_writer(directory.clone(), MEMORY_BYTES)?;
        Ok(Self {
            writer,
            directory,
            field,
            block: HashSet::with_hasher(Seeded::new()),
        })
    }

    /// Notes that the block has a term.
    pub(super) fn add(&mut self, term: &[u8]) {
        if !self.block.contains(term) {
            self.block.insert(term.into());
        }
    }

    pub(super) fn end_block(&mut self) -> Result<()> {
        let mut document = TantivyDocument::default();
        for term in self.block.drain() {
            document.add_bytes(self.field, &term);
        }
        self.writer.add_document(document)?;
        Ok(())
    }

    /// Writes the segment's files as parts.
    pub(super) fn finish(self, packer: &mut Packer) -> Result<()> {
        let index = self.writer.finalize()?;
        packer.part(
            Kind::Segment,
            "meta.json",
            &read(&self.directory, "meta.json")?,
        );
        let mut names: Vec<String> = index
            .directory()
            .list_managed_files()
            .iter()
            .filter_map(|path| path.to_str().map(str::to_owned))
            .filter(|name| name != "meta.json")
            .collect();
        names.sort_unstable();
        for name in names {
            // Tantivy manages names of optional files too, which it then does not write.
            if self.directory.exists(Path::new(&name)).unwrap_or(false) {
                packer.part(Kind::Segment, &name, &read(&self.directory, &name)?);
            }
        }
        Ok(())
    }
}

fn read(directory: &RamDirectory, name: &str) -> Result<Vec<u8>> {
    directory
        .open_read(Path::new(name))
        .map_err(|source| Error::internal("cannot read back an index").with_source(source))?
        .read_bytes()
        .map(|bytes| bytes.as_slice().to_vec())
        .map_err(|source| Error::internal("cannot read back an index").with_source(source))
}

/// An opened segment.
pub(super) struct Segment {
    inverted: Arc<InvertedIndexReader>,
    rows: u32,
}

impl Segment {
    /// Opens a segment that must be of a file of `rows` rows.
    pub(super) fn open(directory: PartsDirectory, rows: u32) -> Result<Self> {
        let index = Index::open(directory)?;
        let segments = index.searchable_segments()?;
        let [segment] = segments.as_slice() else {
            return Err(Error::corrupt("it does not have exactly one segment"));
        };
        let segment = SegmentReader::open(segment)?;
        let field = index.schema().get_field("term")?;
        let blocks = u64::from(rows).div_ceil(BLOCK_ROWS);
        if u64::from(segment.max_doc()) != blocks {
            return Err(Error::corrupt(format!(
                "it has {} blocks instead of {blocks}",
                segment.max_doc()
            )));
        }
        Ok(Self {
            inverted: segment.inverted_index(field)?,
            rows,
        })
    }

    /// The rows of the blocks that have `term`.
    pub(super) fn rows_with(&self, term: &[u8]) -> Result<RoaringBitmap> {
        let mut found = RoaringBitmap::new();
        if let Some(info) = self.inverted.terms().get(term).map_err(unreadable)? {
            self.add_blocks(&info, &mut found)?;
        }
        Ok(found)
    }

    /// The rows of the blocks that have a term which starts with `start`.
    pub(super) fn rows_starting(&self, start: &[u8]) -> Result<RoaringBitmap> {
        let mut found = RoaringBitmap::new();
        let range = self.inverted.terms().range().ge(start);
        let mut stream = range.into_stream().map_err(unreadable)?;
        while stream.advance() && stream.key().starts_with(start) {
            self.add_blocks(stream.value(), &mut found)?;
        }
        Ok(found)
    }

    fn add_blocks(&self, info: &TermInfo, found: &mut RoaringBitmap) -> Result<()> {
        let mut postings = self
            .inverted
            .read_postings_from_terminfo(info, IndexRecordOption::Basic)
            .map_err(unreadable)?;
        let mut block = postings.doc();
        while block != TERMINATED {
            let start = u64::from(block) * BLOCK_ROWS;
            let end = (start + BLOCK_ROWS).min(u64::from(self.rows));
            if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
                found.insert_range((Bound::Included(start), Bound::Excluded(end)));
            }
            block = postings.advance();
        }
        Ok(())
    }
}

fn unreadable(source: std::io::Error) -> Error {
    Error::corrupt("cannot look up a term").with_source(source)
}

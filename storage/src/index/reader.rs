//! Answers lookups from one opened index.

use std::path::Path;
use std::sync::Arc;

use tantivy::directory::RamDirectory;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{Directory, DocSet, Index, InvertedIndexReader, TERMINATED};

use super::blocks::BlockSet;
use super::{BLOCK_ROWS, Lookup, packed, terms};
use crate::error::{Error, Result};

/// An index file in memory.
pub(crate) struct IndexReader {
    inverted: Arc<InvertedIndexReader>,
    blocks: u32,
    /// Size of the file, for the cache's bound.
    pub(crate) bytes: u64,
}

impl std::fmt::Debug for IndexReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexReader")
            .field("blocks", &self.blocks)
            .finish_non_exhaustive()
    }
}

impl IndexReader {
    /// Opens a packed index that must belong to a file of `rows` rows.
    pub(crate) fn open(bytes: &[u8], rows: u64) -> Result<Self> {
        let unpacked = packed::unpack(bytes).map_err(Error::corrupt)?;
        if unpacked.rows != rows {
            return Err(Error::corrupt(format!(
                "it is for {} rows, the file has {rows}",
                unpacked.rows
            )));
        }
        let directory = RamDirectory::create();
        for (name, bytes) in &unpacked.files {
            directory
                .atomic_write(Path::new(name), bytes)
                .map_err(|source| {
                    Error::internal("cannot hold an index in memory").with_source(source)
                })?;
        }
        let index = Index::open(directory)?;
        let reader = index.reader()?;
        let searcher = reader.searcher();
        let [segment] = searcher.segment_readers() else {
            return Err(Error::corrupt("it does not have exactly one segment"));
        };
        let field = index.schema().get_field("term")?;
        let blocks = u32::try_from(rows.div_ceil(BLOCK_ROWS))
            .map_err(|_| Error::corrupt("it has too many blocks"))?;
        if segment.max_doc() != blocks {
            return Err(Error::corrupt(format!(
                "it has {} blocks instead of {blocks}",
                segment.max_doc()
            )));
        }
        Ok(Self {
            inverted: segment.inverted_index(field)?,
            blocks,
            bytes: bytes.len() as u64,
        })
    }

    /// Blocks that may match, or `None` if the lookup narrows nothing.
    pub(crate) fn candidates(&self, lookup: &Lookup) -> Result<Option<BlockSet>> {
        let mut term = Vec::new();
        match lookup {
            // Id-like words are hashed, so a prefix cannot be answered from the dictionary.
            Lookup::All | Lookup::TokenPrefix(_) => return Ok(None),
            Lookup::Token(token) => terms::token(token, &mut term),
            Lookup::Attribute { key, value } => terms::attribute(key, value, &mut term),
            Lookup::Trace(id) => terms::trace(&id.0, &mut term),
            Lookup::And(parts) => return self.all_of(parts),
            Lookup::Or(parts) => return self.any_of(parts),
        }
        self.blocks_with(&term).map(Some)
    }

    fn all_of(&self, parts: &[Lookup]) -> Result<Option<BlockSet>> {
        let mut found: Option<BlockSet> = None;
        for part in parts {
            let Some(blocks) = self.candidates(part)? else {
                continue;
            };
            match &mut found {
                None => found = Some(blocks),
                Some(found) => found.intersect(&blocks),
            }
            if found.as_ref().is_some_and(BlockSet::is_empty) {
                break;
            }
        }
        Ok(found)
    }

    fn any_of(&self, parts: &[Lookup]) -> Result<Option<BlockSet>> {
        let mut found = BlockSet::none(self.blocks);
        for part in parts {
            let Some(blocks) = self.candidates(part)? else {
                return Ok(None);
            };
            found.unite(&blocks);
        }
        Ok(Some(found))
    }

    fn blocks_with(&self, term: &[u8]) -> Result<BlockSet> {
        let unreadable =
            |source: std::io::Error| Error::corrupt("cannot look up a term").with_source(source);
        let mut found = BlockSet::none(self.blocks);
        let Some(info) = self.inverted.terms().get(term).map_err(unreadable)? else {
            return Ok(found);
        };
        let mut postings = self
            .inverted
            .read_postings_from_terminfo(&info, IndexRecordOption::Basic)
            .map_err(unreadable)?;
        debug_assert!(postings.term_freq() > 0);
        let mut block = postings.doc();
        while block != TERMINATED {
            found.insert(block);
            block = postings.advance();
        }
        Ok(found)
    }
}

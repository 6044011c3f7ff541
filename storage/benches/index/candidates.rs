//! The indexes that are compared.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use roaring::RoaringBitmap;
use spoor_storage::FileId;
use spoor_storage::index::{Lookup, Word, measured};
use tantivy::directory::RamDirectory;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::postings::Postings;
use tantivy::schema::{BytesOptions, Field, IndexRecordOption, Schema};
use tantivy::store::Compressor;
use tantivy::{
    Directory, DocSet, Index, IndexSettings, InvertedIndexReader, TERMINATED, TantivyDocument,
};

use super::Question;

/// What an index says: rows that match, and further rows that may.
pub(crate) struct Rows {
    pub(crate) sure: RoaringBitmap,
    pub(crate) maybe: RoaringBitmap,
}

pub(crate) trait Candidate {
    fn name(&self) -> &'static str;
    fn build(&self, batches: &[RecordBatch]) -> Vec<u8>;
    fn open(&self, bytes: &[u8]) -> Box<dyn Opened>;
}

pub(crate) trait Opened {
    fn ask(&self, question: &Question) -> Rows;

    fn bytes_by_kind(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// From nothing to ours.
pub(crate) fn all() -> [&'static dyn Candidate; 4] {
    [
        &Scan,
        &Tantivy { block: 1024 },
        &Tantivy { block: 1 },
        &Ours,
    ]
}

pub(crate) fn lookup(tokens: &[String], prefix: bool) -> Lookup {
    let last = tokens.len() - 1;
    let words = tokens.iter().enumerate().map(|(at, token)| {
        if prefix && at == last {
            Word::Prefix(token.clone())
        } else {
            Word::Exact(token.clone())
        }
    });
    Lookup::Words(words.collect())
}

fn all_rows(batches: &[RecordBatch]) -> u32 {
    batches.iter().map(|batch| batch.num_rows() as u32).sum()
}

fn range(rows: std::ops::Range<u32>) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    all.insert_range(rows);
    all
}

/// No index: every text is read.
struct Scan;

impl Candidate for Scan {
    fn name(&self) -> &'static str {
        "no index"
    }

    fn build(&self, batches: &[RecordBatch]) -> Vec<u8> {
        all_rows(batches).to_le_bytes().to_vec()
    }

    fn open(&self, bytes: &[u8]) -> Box<dyn Opened> {
        let rows = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        Box::new(Everything(rows))
    }
}

struct Everything(u32);

impl Opened for Everything {
    fn ask(&self, _: &Question) -> Rows {
        Rows {
            sure: RoaringBitmap::new(),
            maybe: range(0..self.0),
        }
    }
}

/// One tantivy document a block: its distinct tokens, id-like ones hashed into 2^20 terms unless a
/// block is a row.
struct Tantivy {
    block: u32,
}

const KIND_WORD: u8 = b'w';
const KIND_ID: u8 = b'h';

impl Tantivy {
    fn term(&self, token: &str, out: &mut Vec<u8>) {
        let bytes = token.as_bytes();
        let id = bytes.len() >= 5 && bytes.iter().any(u8::is_ascii_digit) || bytes.len() > 32;
        out.clear();
        if id && self.block > 1 {
            out.push(KIND_ID);
            out.extend_from_slice(&(crc32c::crc32c(bytes) & 0x000f_ffff).to_be_bytes()[1..]);
        } else {
            out.push(KIND_WORD);
            out.extend_from_slice(bytes);
        }
    }
}

impl Candidate for Tantivy {
    fn name(&self) -> &'static str {
        match self.block {
            1 => "tantivy by row",
            _ => "tantivy by block",
        }
    }

    fn build(&self, batches: &[RecordBatch]) -> Vec<u8> {
        let mut schema = Schema::builder();
        let field = schema.add_bytes_field("term", BytesOptions::default().set_indexed());
        let directory = RamDirectory::create();
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let mut writer: SingleSegmentIndexWriter = Index::builder()
            .schema(schema.build())
            .settings(settings)
            .single_segment_index_writer(directory.clone(), 2 << 30)
            .unwrap();
        let mut block: HashSet<Box<[u8]>> = HashSet::new();
        let (mut rows, mut term) = (0, Vec::new());
        for batch in batches {
            for body in batch.column_by_name("body").unwrap().as_string::<i32>() {
                for token in spoor_storage::text::tokens(body.unwrap()) {
                    self.term(&token, &mut term);
                    if !block.contains(term.as_slice()) {
                        block.insert(term.as_slice().into());
                    }
                }
                rows += 1;
                if rows % self.block == 0 {
                    end_block(&mut writer, field, &mut block);
                }
            }
        }
        if rows % self.block != 0 {
            end_block(&mut writer, field, &mut block);
        }
        let index = writer.finalize().unwrap();
        pack(&index, &directory, rows)
    }

    fn open(&self, bytes: &[u8]) -> Box<dyn Opened> {
        Box::new(OpenTantivy::open(bytes, Tantivy { block: self.block }))
    }
}

fn end_block(writer: &mut SingleSegmentIndexWriter, field: Field, block: &mut HashSet<Box<[u8]>>) {
    let mut document = TantivyDocument::default();
    for term in block.drain() {
        document.add_bytes(field, &term);
    }
    writer.add_document(document).unwrap();
}

/// Rows, then each file: length of its name, name, length, bytes.
fn pack(index: &Index, directory: &RamDirectory, rows: u32) -> Vec<u8> {
    let mut out = rows.to_le_bytes().to_vec();
    let managed = index.directory().list_managed_files();
    for path in managed
        .iter()
        .map(std::path::PathBuf::as_path)
        .chain([Path::new("meta.json")])
    {
        if !directory.exists(path).unwrap() {
            continue;
        }
        let bytes = directory.open_read(path).unwrap().read_bytes().unwrap();
        let name = path.to_str().unwrap();
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}

struct OpenTantivy {
    kind: Tantivy,
    rows: u32,
    inverted: Arc<InvertedIndexReader>,
}

impl OpenTantivy {
    fn open(bytes: &[u8], kind: Tantivy) -> Self {
        let directory = RamDirectory::create();
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let mut at = 4;
        while at < bytes.len() {
            let name = number(at);
            let path = std::str::from_utf8(&bytes[at + 4..at + 4 + name]).unwrap();
            at += 4 + name;
            let len = number(at);
            directory
                .atomic_write(Path::new(path), &bytes[at + 4..at + 4 + len])
                .unwrap();
            at += 4 + len;
        }
        let index = Index::open(directory).unwrap();
        let searcher = index.reader().unwrap().searcher();
        let field = index.schema().get_field("term").unwrap();
        Self {
            kind,
            rows: number(0) as u32,
            inverted: searcher.segment_readers()[0].inverted_index(field).unwrap(),
        }
    }

    fn documents(&self, info: &tantivy::postings::TermInfo, into: &mut RoaringBitmap) {
        let mut postings = self
            .inverted
            .read_postings_from_terminfo(info, IndexRecordOption::Basic)
            .unwrap();
        assert!(postings.term_freq() > 0);
        let mut document = postings.doc();
        while document != TERMINATED {
            if self.kind.block == 1 {
                into.insert(document);
            } else {
                let start = document * self.kind.block;
                into.insert_range(start..(start + self.kind.block).min(self.rows));
            }
            document = postings.advance();
        }
    }
}

impl Opened for OpenTantivy {
    fn ask(&self, question: &Question) -> Rows {
        let mut maybe = range(0..self.rows);
        let mut term = Vec::new();
        for (place, token) in question.tokens.iter().enumerate() {
            let mut rows = RoaringBitmap::new();
            if question.prefix && place + 1 == question.tokens.len() {
                if self.kind.block > 1 {
                    // Hashes know no prefix.
                    continue;
                }
                let start = [&[KIND_WORD], token.as_bytes()].concat();
                let mut stream = self
                    .inverted
                    .terms()
                    .range()
                    .ge(&start)
                    .into_stream()
                    .unwrap();
                while stream.advance() && stream.key().starts_with(&start) {
                    self.documents(stream.value(), &mut rows);
                }
            } else {
                self.kind.term(token, &mut term);
                if let Some(info) = self.inverted.terms().get(&term).unwrap() {
                    self.documents(&info, &mut rows);
                }
            }
            maybe &= rows;
        }
        if self.kind.block == 1 && question.tokens.len() == 1 {
            return Rows {
                sure: maybe,
                maybe: RoaringBitmap::new(),
            };
        }
        Rows {
            sure: RoaringBitmap::new(),
            maybe,
        }
    }
}

/// What storage writes.
struct Ours;

impl Candidate for Ours {
    fn name(&self) -> &'static str {
        "patterns"
    }

    fn build(&self, batches: &[RecordBatch]) -> Vec<u8> {
        let file = FileId::generate();
        let index = measured::build(spoor_storage::Table::Logs, batches, file).unwrap();
        [
            file.0.as_bytes(),
            all_rows(batches).to_le_bytes().as_slice(),
            &index,
        ]
        .concat()
    }

    fn open(&self, bytes: &[u8]) -> Box<dyn Opened> {
        let file = FileId(uuid::Uuid::from_slice(&bytes[..16]).unwrap());
        let rows = u32::from_le_bytes(bytes[16..20].try_into().unwrap());
        Box::new(OpenOurs(
            measured::Opened::open(bytes[20..].to_vec(), file, u64::from(rows)).unwrap(),
        ))
    }
}

struct OpenOurs(measured::Opened);

impl Opened for OpenOurs {
    fn ask(&self, question: &Question) -> Rows {
        let answer = self.0.ask(&question.lookup()).unwrap();
        let set = |rows: &spoor_storage::index::RowSet| {
            let mut set = RoaringBitmap::new();
            for range in rows.ranges() {
                set.insert_range(range.start as u32..range.end as u32);
            }
            set
        };
        let sure = set(&answer.sure);
        let maybe = set(&answer.maybe.difference(&answer.sure));
        Rows { sure, maybe }
    }

    fn bytes_by_kind(&self) -> Vec<(&'static str, u64)> {
        self.0.bytes_by_kind().to_vec()
    }
}

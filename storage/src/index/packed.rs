//! One index file: named parts, and at the end a table of them, so that it is opened with one read
//! of its tail and then read part by part. All integers little-endian:
//!
//! ```text
//! file    = "SPOORIDX" (8) | version u32 = 2 | part* | table | trailer       areas come first
//! table   = file id (16) | rows u64 | block_rows u32 = 1024 | parts u32 | entry*
//! entry   = kind u8 | name_len u8 | name | offset u64 | len u64 | crc u32
//! trailer = table_len u32 | table_crc u32 | version u32 = 2 | "SPOORIDX" (8)
//! ```
//!
//! Checksums are CRC-32C; each part has its own, so whatever was read is verified without the rest.
//! `file id` and `rows` are those of the Parquet file: an index with others is not its.

use std::collections::BTreeSet;
use std::ops::Range;

use super::BLOCK_ROWS;
use crate::model::FileId;

const MAGIC: &[u8; 8] = b"SPOORIDX";
/// The format version in this module's drawing.
pub(super) const VERSION: u32 = 2;
const BLOCK_ROWS_32: u32 = 1024;
const _: () = assert!(BLOCK_ROWS_32 as u64 == BLOCK_ROWS);
const TRAILER_BYTES: usize = 20;
const HEADER_BYTES: u64 = 12;
/// Offset, length and checksum of an entry, after its name.
const PLACE_BYTES: usize = 20;
/// Read of the tail of a file: it holds the table of nearly all, and all of a small one.
pub(super) const TAIL_BYTES: u64 = 64 << 10;
/// Areas (see [`Packer::area`]) are cut into parts of about this many bytes: most of one is asked for together.
pub(super) const AREA_PART_BYTES: usize = 256 << 10;

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// A file of the tantivy segment, by name.
    Segment = 1,
    /// The dictionary of words.
    Words = 2,
    /// Where each word is: an area.
    WordRows = 3,
    /// The patterns.
    Patterns = 4,
    /// The rows of each pattern: an area.
    PatternRows = 5,
    /// Where the buckets of ids are.
    IdBuckets = 6,
    /// The buckets of ids: an area.
    Ids = 7,
    /// Where the buckets of linked traces are. Indexes of before it was there have none, and readers of before it
    /// look past it.
    LinkBuckets = 8,
    /// The buckets of linked traces: an area.
    Links = 9,
    /// The marks of the ids: an area. Indexes of before there were marks have none, of ids and of linked traces, and
    /// readers of before look past them.
    IdMarks = 10,
    /// The marks of the linked traces: an area.
    LinkMarks = 11,
}

/// Where a part is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    kind: u8,
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) len: u64,
    crc: u32,
}

impl Entry {
    pub(super) fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.len
    }

    /// Whether `bytes` are what was written.
    pub(super) fn verify(&self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() as u64 == self.len && crc32c::crc32c(bytes) == self.crc {
            Ok(())
        } else {
            Err("the checksum of a part of it is wrong".to_owned())
        }
    }
}

/// Puts a file together: areas first and then the parts that are read before them, so that these lie
/// in the tail or next to it.
pub(super) struct Packer {
    areas: Section,
    heads: Section,
}

/// Parts one after the other, with their offsets in `bytes`.
#[derive(Default)]
struct Section {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Section {
    fn push(&mut self, kind: Kind, name: &str, bytes: &[u8]) {
        self.entries.push(Entry {
            kind: kind as u8,
            name: name.to_owned(),
            offset: self.bytes.len() as u64,
            len: bytes.len() as u64,
            crc: crc32c::crc32c(bytes),
        });
        self.bytes.extend_from_slice(bytes);
    }
}

impl Packer {
    pub(super) fn new() -> Self {
        let mut areas = Section::default();
        areas.bytes.extend_from_slice(MAGIC);
        areas.bytes.extend_from_slice(&VERSION.to_le_bytes());
        Self {
            areas,
            heads: Section::default(),
        }
    }

    pub(super) fn part(&mut self, kind: Kind, name: &str, bytes: &[u8]) {
        self.heads.push(kind, name, bytes);
    }

    /// Adds lists one after the other as parts of about `size`; no list is cut. `ends` are the
    /// ends of the lists in `bytes`, ascending.
    pub(super) fn area(
        &mut self,
        kind: Kind,
        (bytes, size): (&[u8], usize),
        ends: impl Iterator<Item = usize>,
    ) {
        let (mut start, mut end) = (0, 0);
        for next in ends {
            if next - start > size && end > start {
                self.areas.push(kind, "", &bytes[start..end]);
                start = end;
            }
            end = next;
        }
        if end > start {
            self.areas.push(kind, "", &bytes[start..end]);
        }
    }

    pub(super) fn finish(self, file: FileId, rows: u64) -> Vec<u8> {
        let mut out = self.areas.bytes;
        let mut entries = self.areas.entries;
        let moved = out.len() as u64;
        out.extend_from_slice(&self.heads.bytes);
        entries.extend(self.heads.entries.into_iter().map(|entry| Entry {
            offset: entry.offset + moved,
            ..entry
        }));
        let mut table = Vec::new();
        table.extend_from_slice(file.0.as_bytes());
        table.extend_from_slice(&rows.to_le_bytes());
        table.extend_from_slice(&BLOCK_ROWS_32.to_le_bytes());
        table.extend_from_slice(&count(entries.len()).to_le_bytes());
        for entry in &entries {
            table.push(entry.kind);
            // Names are tantivy's (a UUID and an extension) or empty.
            table.push(u8::try_from(entry.name.len()).unwrap_or(u8::MAX));
            table.extend_from_slice(entry.name.as_bytes());
            table.extend_from_slice(&entry.offset.to_le_bytes());
            table.extend_from_slice(&entry.len.to_le_bytes());
            table.extend_from_slice(&entry.crc.to_le_bytes());
        }
        out.extend_from_slice(&table);
        out.extend_from_slice(&count(table.len()).to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&table).to_le_bytes());
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(MAGIC);
        out
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The table of a file.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) entries: Vec<Entry>,
}

impl Parts {
    /// Places in `entries` of all parts of a kind, in order.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = usize> {
        (0..self.entries.len()).filter(move |at| self.entries[*at].kind == kind as u8)
    }

    /// Bytes of some parts in a file of `file_len`, and of the table.
    pub(super) fn bytes_of(&self, used: &BTreeSet<usize>, file_len: u64) -> u64 {
        let end = |entry: &Entry| entry.offset.saturating_add(entry.len);
        let table_at = self.entries.iter().map(end).max().unwrap_or(0);
        let parts = used.iter().filter_map(|at| self.entries.get(*at));
        file_len.saturating_sub(table_at) + parts.map(|entry| entry.len).sum::<u64>()
    }

    /// Bytes that the table itself keeps in memory.
    pub(super) fn bytes(&self) -> u64 {
        (self.entries.len() * (size_of::<Entry>() + 48)) as u64
    }
}

/// What a tail says.
pub(super) enum Tail {
    Parts(Parts),
    /// The table begins before the tail: read this many bytes.
    Longer(u64),
}

/// Reads the table from the last bytes of a file of `file_len`; says in words why it cannot.
pub(super) fn open_tail(
    tail: &[u8],
    file_len: u64,
    file: FileId,
    rows: u64,
) -> Result<Tail, String> {
    let at = tail
        .len()
        .checked_sub(TRAILER_BYTES)
        .ok_or("it is too short")?;
    let (rest, trailer) = tail.split_at(at);
    let mut cursor = Cursor { rest: trailer };
    let (table_len, table_crc, version) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    if cursor.take(8)? != MAGIC {
        return Err("it is not an index file, or is of format version 1".to_owned());
    }
    if version != VERSION {
        return Err(format!(
            "it has format version {version}; this spoor reads {VERSION}"
        ));
    }
    let needed = u64::from(table_len) + TRAILER_BYTES as u64;
    if needed + HEADER_BYTES > file_len {
        return Err("its table is longer than the file".to_owned());
    }
    let Some(start) = rest.len().checked_sub(table_len as usize) else {
        return Ok(Tail::Longer(needed));
    };
    let table = &rest[start..];
    if crc32c::crc32c(table) != table_crc {
        return Err("the checksum of its table is wrong".to_owned());
    }
    table_of(table, file_len - needed, file, rows).map(Tail::Parts)
}

/// Reads the table; parts must lie before `end`.
fn table_of(table: &[u8], end: u64, file: FileId, rows: u64) -> Result<Parts, String> {
    let mut cursor = Cursor { rest: table };
    if cursor.take(16)? != file.0.as_bytes() {
        return Err("it belongs to another file".to_owned());
    }
    let said = cursor.u64()?;
    if said != rows {
        return Err(format!("it is for {said} rows, the file has {rows}"));
    }
    let block_rows = cursor.u32()?;
    if u64::from(block_rows) != BLOCK_ROWS {
        return Err(format!(
            "its blocks have {block_rows} rows instead of {BLOCK_ROWS}"
        ));
    }
    let parts = cursor.u32()? as usize;
    // No room is made for more entries than the table can hold.
    let mut entries = Vec::with_capacity(parts.min(table.len() / (2 + PLACE_BYTES)));
    for _ in 0..parts {
        let kind = cursor.u8()?;
        let name_len = usize::from(cursor.u8()?);
        let name = std::str::from_utf8(cursor.take(name_len)?)
            .map_err(|_| "a name in it is not UTF-8")?
            .to_owned();
        let (offset, len, crc) = (cursor.u64()?, cursor.u64()?, cursor.u32()?);
        if offset < HEADER_BYTES || offset.checked_add(len).is_none_or(|last| last > end) {
            return Err("a part of it is outside the file".to_owned());
        }
        entries.push(Entry {
            kind,
            name,
            offset,
            len,
            crc,
        });
    }
    if !cursor.rest.is_empty() {
        return Err("its table is longer than it says".to_owned());
    }
    Ok(Parts { entries })
}

/// Verifies a whole file; says in words what is wrong.
pub(crate) fn verify(bytes: &[u8], file: FileId, rows: u64) -> Result<(), String> {
    let mut cursor = Cursor { rest: bytes };
    if cursor.take(8)? != MAGIC {
        return Err("it is not an index file".to_owned());
    }
    let version = cursor.u32()?;
    if version != VERSION {
        return Err(format!(
            "it has format version {version}; this spoor reads {VERSION}"
        ));
    }
    let Tail::Parts(parts) = open_tail(bytes, bytes.len() as u64, file, rows)? else {
        return Err("it ends too early".to_owned());
    };
    parts
        .entries
        .iter()
        .try_for_each(|entry| entry.verify(slice(bytes, &entry.range())?))
}

/// `range` of `bytes`.
pub(super) fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Result<&'a [u8], String> {
    let start = usize::try_from(range.start).map_err(|_| "it is too large")?;
    let end = usize::try_from(range.end).map_err(|_| "it is too large")?;
    Ok(bytes.get(start..end).ok_or("it ends too early")?)
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}

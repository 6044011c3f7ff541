//! Reads segments back at recovery and for `spoor check`.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{CHECKED_FROM, MAGIC, RECORD_HEADER, SEGMENT_HEADER, VERSION, table_of};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, SEGMENT};
use crate::model::{Table, TenantId};

/// A record as read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReplayRecord {
    pub(crate) sequence: u64,
    pub(crate) received_time_ns: i64,
    pub(crate) table: Table,
    pub(crate) tenant: TenantId,
    pub(crate) payload: Vec<u8>,
}

/// What stands at an offset.
enum Found {
    /// A record and its length.
    Valid(ReplayRecord, u64),
    /// None, with the length that its header gives if that can be believed.
    Broken(Option<u64>),
}

/// Bytes that are not a valid record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The segment ends in the middle of a record or in bytes that are none: a write that was
    /// never acknowledged.
    TornTail {
        /// Where the last whole record ends.
        valid_len: u64,
    },
    /// Bytes before a valid record that are none themselves.
    Record {
        /// Where they begin.
        offset: u64,
        /// They, for the quarantine.
        bytes: Vec<u8>,
    },
}

/// A segment of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Where the next segment begins: records of this one from there on are what a failed append
    /// left behind. None of them was acknowledged, and their numbers were used again.
    pub(crate) void_from: Option<u64>,
}

/// The segments of a data directory, oldest first.
pub(crate) fn list_segments(layout: &Layout) -> Result<Vec<Segment>> {
    let folder = layout.wal_dir();
    let listed = std::fs::read_dir(&folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()
    });
    let mut paths = listed.map_err(|source| {
        Error::internal(format!("cannot list `{}`", folder.display())).with_source(source)
    })?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == SEGMENT));
    paths.sort();
    let first_of = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
    let next: Vec<Option<u64>> = paths.iter().skip(1).map(|path| first_of(path)).collect();
    Ok(paths
        .into_iter()
        .zip(next.into_iter().chain([None]))
        .map(|(path, void_from)| Segment { path, void_from })
        .collect())
}

/// Reads one segment record by record; holds one record in memory at a time.
#[derive(Debug)]
pub(crate) struct SegmentReader<R = File> {
    file: BufReader<R>,
    offset: u64,
    len: u64,
    void_from: Option<u64>,
    /// Of the last valid record; numbers only grow.
    last_sequence: u64,
    /// What stands where the segment header should be, to be reported first.
    bad_header: Option<Vec<u8>>,
    done: bool,
}

impl SegmentReader {
    /// Opens a segment; see [`SegmentReader::new`].
    pub(crate) fn open(segment: &Segment) -> Result<Self> {
        let path = &segment.path;
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (len, file) = opened.map_err(|source| cannot_read(path, source))?;
        Self::new(file, len, segment)
    }
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Reads the `len` bytes of a segment. One shorter than a segment header is empty (the crash came
    /// while it was created), a broken magic is damage; another version is an error.
    pub(crate) fn new(file: R, len: u64, segment: &Segment) -> Result<Self> {
        let path = &segment.path;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let (mut done, mut bad_header) = (false, None);
        if len < SEGMENT_HEADER as u64 {
            done = true;
        } else {
            let mut header = [0; SEGMENT_HEADER];
            file.read_exact(&mut header)
                .map_err(|source| cannot_read(path, source))?;
            let version = u32_at(&header, 8);
            if header[..8] == [0; 8] {
                done = true;
            } else if &header[..8] != MAGIC {
                bad_header = Some(header.to_vec());
            } else if version != VERSION {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("`{}` has format version {version}", path.display()),
                )
                .with_hint(format!("this spoor reads version {VERSION}")));
            }
        }
        Ok(Self {
            file,
            offset: SEGMENT_HEADER as u64,
            len,
            void_from: segment.void_from,
            last_sequence: 0,
            bad_header,
            done,
        })
    }

    /// The next record, or what is wrong with it; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Result<ReplayRecord, Damage>>> {
        if let Some(bytes) = self.bad_header.take() {
            return Ok(Some(Err(Damage::Record { offset: 0, bytes })));
        }
        if self.done || self.offset == self.len {
            return Ok(None);
        }
        let (record, whole) = match self.record()? {
            Found::Valid(record, whole) => (record, whole),
            Found::Broken(whole) => return Ok(Some(Err(self.skip_broken(whole)?))),
        };
        if self.void_from.is_some_and(|void| record.sequence >= void) {
            return Ok(Some(Err(self.torn())));
        }
        self.offset += whole;
        self.last_sequence = record.sequence;
        Ok(Some(Ok(record)))
    }

    /// Looks at the current offset. Leaves the file behind what it has read.
    fn record(&mut self) -> Result<Found> {
        let remaining = self.len.saturating_sub(self.offset);
        if remaining < RECORD_HEADER as u64 {
            return Ok(Found::Broken(None));
        }
        let mut header = [0; RECORD_HEADER];
        self.read(&mut header)?;
        let Some((tenant_len, rest)) = lengths(&header) else {
            return Ok(Found::Broken(None));
        };
        let whole = RECORD_HEADER as u64 + rest as u64;
        if whole > remaining {
            return Ok(Found::Broken(None));
        }
        let mut body = vec![0; rest];
        self.read(&mut body)?;
        Ok(match decode(&header, &body, tenant_len) {
            Some(record) => Found::Valid(record, whole),
            None => Found::Broken(Some(whole)),
        })
    }

    /// Goes on to the next valid record: at the length that the broken one's header gives, or else
    /// wherever there is one in the rest of the segment. Without any it is a torn tail: a write
    /// that the crash cut in two, never acknowledged.
    fn skip_broken(&mut self, whole: Option<u64>) -> Result<Damage> {
        let from = self.offset;
        if let Some(whole) = whole {
            self.offset = from + whole;
            let next = self.record()?;
            self.offset = from;
            if matches!(&next, Found::Valid(record, _) if self.goes_on(record)) {
                let bytes = self.tail(from, Some(whole))?;
                self.offset = from + whole;
                return Ok(Damage::Record {
                    offset: from,
                    bytes,
                });
            }
        }
        let mut bytes = self.tail(from, None)?;
        let found = (1..bytes.len().saturating_sub(RECORD_HEADER)).find(|at| {
            bytes
                .get(*at..)
                .and_then(decode_at)
                .is_some_and(|record| self.goes_on(&record))
        });
        let Some(at) = found else {
            return Ok(self.torn());
        };
        self.offset = from + at as u64;
        self.file
            .seek(SeekFrom::Start(self.offset))
            .map_err(unreadable)?;
        bytes.truncate(at);
        Ok(Damage::Record {
            offset: from,
            bytes,
        })
    }

    /// A record in a payload is not one of the log: only numbers that go on count.
    fn goes_on(&self, record: &ReplayRecord) -> bool {
        record.sequence > self.last_sequence
            && self.void_from.is_none_or(|void| record.sequence < void)
    }

    fn torn(&mut self) -> Damage {
        self.done = true;
        Damage::TornTail {
            valid_len: self.offset,
        }
    }

    /// The bytes from `offset` on: so many, or to the end.
    pub(crate) fn tail(&mut self, offset: u64, len: Option<u64>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(offset))
            .map_err(unreadable)?;
        let mut from = self.file.by_ref().take(len.unwrap_or(u64::MAX));
        from.read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact(bytes).map_err(unreadable)
    }
}

fn cannot_read(path: &Path, source: io::Error) -> Error {
    Error::internal(format!("cannot read `{}`", path.display())).with_source(source)
}

fn unreadable(source: io::Error) -> Error {
    Error::internal("cannot read a write-ahead log segment").with_source(source)
}

/// Length of the tenant, and of tenant and payload, if the header's own check holds.
fn lengths(header: &[u8; RECORD_HEADER]) -> Option<(usize, usize)> {
    let payload_len = u32_at(header, 0);
    let tenant_len = usize::from(header[25]);
    (u32_at(header, 28) == !payload_len).then(|| (tenant_len, tenant_len + payload_len as usize))
}

/// The valid record that `bytes` begin with.
fn decode_at(bytes: &[u8]) -> Option<ReplayRecord> {
    let (header, rest) = bytes.split_first_chunk()?;
    let (tenant_len, len) = lengths(header)?;
    decode(header, rest.get(..len)?, tenant_len)
}

fn decode(header: &[u8; RECORD_HEADER], body: &[u8], tenant_len: usize) -> Option<ReplayRecord> {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[CHECKED_FROM..]), body);
    if crc != u32_at(header, 4) {
        return None;
    }
    let (tenant, payload) = body.split_at(tenant_len);
    Some(ReplayRecord {
        sequence: u64_at(header, 8),
        received_time_ns: u64_at(header, 16).cast_signed(),
        table: table_of(header[24])?,
        tenant: TenantId::new(std::str::from_utf8(tenant).ok()?).ok()?,
        payload: payload.to_vec(),
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

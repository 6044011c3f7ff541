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

/// Bytes that are not a valid record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The segment ends in the middle of a record or in bytes that are none: a write that was
    /// never acknowledged.
    TornTail {
        /// Where the last whole record ends.
        valid_len: u64,
    },
    /// A record in the middle fails its checksum; the next one can be read.
    Record {
        /// Where it begins.
        offset: u64,
        /// Its raw bytes, for the quarantine.
        bytes: Vec<u8>,
    },
}

/// The segments of a data directory, oldest first.
pub(crate) fn list_segments(layout: &Layout) -> Result<Vec<PathBuf>> {
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
    Ok(paths)
}

/// Reads one segment record by record; holds one record in memory at a time.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    file: BufReader<File>,
    offset: u64,
    len: u64,
    done: bool,
}

impl SegmentReader {
    /// Opens a segment. A file shorter than a segment header is an empty segment (the crash came
    /// while it was created); a wrong magic or version is an error.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |source: io::Error| {
            Error::internal(format!("cannot read `{}`", path.display())).with_source(source)
        };
        let file = File::open(path).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::with_capacity(1 << 20, file);
        let mut done = false;
        if len < SEGMENT_HEADER as u64 {
            done = true;
        } else {
            let mut header = [0; SEGMENT_HEADER];
            file.read_exact(&mut header).map_err(failed)?;
            let version = u32_at(&header, 8);
            if header[..8] == [0; 8] {
                done = true;
            } else if &header[..8] != MAGIC {
                return Err(Error::corrupt(format!(
                    "`{}` is not a write-ahead log segment",
                    path.display()
                )));
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
            done,
        })
    }

    /// The next record, or what is wrong with it; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Result<ReplayRecord, Damage>>> {
        if self.done || self.offset == self.len {
            return Ok(None);
        }
        let remaining = self.len.saturating_sub(self.offset);
        if remaining < RECORD_HEADER as u64 {
            return Ok(Some(Err(self.torn())));
        }
        let mut header = [0; RECORD_HEADER];
        self.read(&mut header)?;
        let payload_len = u32_at(&header, 0);
        let tenant_len = usize::from(header[25]);
        let rest = tenant_len + payload_len as usize;
        let whole = RECORD_HEADER as u64 + rest as u64;
        if u32_at(&header, 28) != !payload_len || whole > remaining {
            return Ok(Some(Err(self.torn())));
        }
        let mut body = vec![0; rest];
        self.read(&mut body)?;
        let record = decode(&header, &body, tenant_len);
        let outcome = match record {
            Some(record) => Ok(record),
            // A broken last record is a torn write; a broken one before others is rot.
            None if whole == remaining => Err(self.torn()),
            None => {
                let mut bytes = header.to_vec();
                bytes.extend_from_slice(&body);
                Err(Damage::Record {
                    offset: self.offset,
                    bytes,
                })
            }
        };
        self.offset += whole;
        Ok(Some(outcome))
    }

    fn torn(&mut self) -> Damage {
        self.done = true;
        Damage::TornTail {
            valid_len: self.offset,
        }
    }

    /// The bytes from `offset` to the end, for the quarantine.
    pub(crate) fn tail(&mut self, offset: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .map_err(|source| {
                Error::internal("cannot read a write-ahead log segment").with_source(source)
            })?;
        Ok(bytes)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact(bytes).map_err(|source| {
            Error::internal("cannot read a write-ahead log segment").with_source(source)
        })
    }
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

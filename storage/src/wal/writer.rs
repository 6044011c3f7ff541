//! Appends groups of records to the newest segment.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::{MAGIC, RECORD_HEADER, SEGMENT_HEADER, VERSION, table_code};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Point;
use crate::layout::{Layout, sync_folder};
use crate::model::{Table, TenantId};

/// A segment is closed once it is this long, so that flushed ones can be deleted.
const SEGMENT_BYTES: u64 = 64 << 20;

/// What the writer needs of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WalRecord<'a> {
    pub(crate) sequence: u64,
    pub(crate) received_time_ns: i64,
    pub(crate) table: Table,
    pub(crate) tenant: &'a TenantId,
    pub(crate) payload: &'a [u8],
}

#[derive(Debug)]
struct OpenSegment {
    file: File,
    len: u64,
}

/// A finished segment, kept until everything in it is in files.
#[derive(Debug)]
pub(crate) struct ClosedSegment {
    pub(crate) path: PathBuf,
    pub(crate) last_sequence: u64,
    pub(crate) bytes: u64,
}

/// The only writer of a data directory's log.
#[derive(Debug)]
pub(crate) struct WalWriter {
    layout: Layout,
    current: Option<(PathBuf, OpenSegment, u64)>,
    closed: Vec<ClosedSegment>,
    scratch: Vec<u8>,
}

impl WalWriter {
    /// A writer that begins a new segment at its first record; `closed` are the segments that
    /// recovery has read.
    pub(crate) fn new(layout: Layout, closed: Vec<ClosedSegment>) -> Self {
        Self {
            layout,
            current: None,
            closed,
            scratch: Vec::new(),
        }
    }

    /// Writes all `records` and syncs once. After an error none of them counts, and their numbers
    /// may be used again: nothing more is written to that segment, and the next one begins at or
    /// before their first number, which voids whatever of them the disk may have kept.
    pub(crate) fn append(&mut self, records: &[WalRecord<'_>]) -> Result<()> {
        let Some(first) = records.first() else {
            return Ok(());
        };
        self.scratch.clear();
        for record in records {
            encode(record, &mut self.scratch)?;
        }
        let last_sequence = records.last().unwrap_or(first).sequence;
        if self.current.is_none() {
            self.current = Some(self.begin(first.sequence)?);
        }
        let Some((_, segment, last)) = self.current.as_mut() else {
            return Err(Error::internal("no open write-ahead log segment"));
        };
        let layout = &self.layout;
        let written = layout
            .io_fault(Point::WalWrite)
            .and_then(|()| segment.file.write_all(&self.scratch))
            .and_then(|()| layout.io_fault(Point::WalSync))
            .and_then(|()| segment.file.sync_data())
            .and_then(|()| layout.io_fault(Point::WalSynced));
        match written {
            Ok(()) => {
                segment.len += self.scratch.len() as u64;
                *last = last_sequence;
                if segment.len >= SEGMENT_BYTES {
                    self.rotate();
                }
                Ok(())
            }
            Err(source) => {
                self.give_up();
                Err(unavailable("the write-ahead log could not be written")
                    .with_hint("is the disk full?")
                    .with_source(source))
            }
        }
    }

    /// Closes the current segment, if it has records.
    pub(crate) fn rotate(&mut self) {
        if let Some((path, segment, last_sequence)) = self.current.take() {
            self.closed.push(ClosedSegment {
                path,
                last_sequence,
                bytes: segment.len,
            });
        }
    }

    /// Deletes the segments whose records are all in files.
    pub(crate) fn delete_up_to(&mut self, mark: u64) -> Result<()> {
        // Oldest first, and what could not be deleted is tried again next time.
        while let Some(oldest) = self.closed.first()
            && oldest.last_sequence <= mark
        {
            self.layout.fault(Point::WalDelete)?;
            match std::fs::remove_file(&oldest.path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    let doing = format!("cannot delete `{}`", oldest.path.display());
                    return Err(Error::internal(doing).with_source(source));
                }
                _ => {}
            }
            self.closed.remove(0);
        }
        Ok(())
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        let open = self.current.as_ref().map_or(0, |(_, open, _)| open.len);
        open + self.closed.iter().map(|closed| closed.bytes).sum::<u64>()
    }

    fn begin(&self, first_sequence: u64) -> Result<(PathBuf, OpenSegment, u64)> {
        let path = self.layout.segment(first_sequence);
        let open = || -> std::io::Result<File> {
            self.layout.io_fault(Point::WalCreate)?;
            // Left by an append that failed; its pages may be in any state, so not the same file.
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            file.write_all(MAGIC)?;
            file.write_all(&VERSION.to_le_bytes())?;
            file.write_all(&[0; 4])?;
            file.sync_all()?;
            self.layout.io_fault(Point::WalCreated)?;
            sync_folder(&self.layout.wal_dir())?;
            Ok(file)
        };
        let file = open().map_err(|source| {
            unavailable(&format!("cannot create `{}`", path.display())).with_source(source)
        })?;
        let segment = OpenSegment {
            file,
            len: SEGMENT_HEADER as u64,
        };
        Ok((path, segment, first_sequence.saturating_sub(1)))
    }

    /// Leaves a segment whose last append failed. A kernel that has failed to write a page may call
    /// it clean, and the next sync succeeds without it: so no later sync of this file is believed.
    /// What was synced before stays where it is.
    fn give_up(&mut self) {
        let Some((_, segment, _)) = self.current.as_mut() else {
            return;
        };
        // To spare recovery the reading; it does without if this fails as well.
        let cut = self
            .layout
            .io_fault(Point::WalUndo)
            .and_then(|()| segment.file.set_len(segment.len))
            .and_then(|()| segment.file.sync_all());
        if let Err(error) = cut {
            tracing::warn!(%error, "a failed append stays at the end of its log segment, void");
        }
        if segment.len > SEGMENT_HEADER as u64 {
            self.rotate();
        } else {
            // Nothing in it counts; the next segment has the same name and takes its place.
            self.current = None;
        }
    }
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

fn encode(record: &WalRecord<'_>, out: &mut Vec<u8>) -> Result<()> {
    let tenant = record.tenant.as_str().as_bytes();
    let payload_len = u32::try_from(record.payload.len())
        .map_err(|_| Error::new(ErrorKind::TooLarge, "a request over 4 GiB cannot be logged"))?;
    let tenant_len = u8::try_from(tenant.len())
        .map_err(|_| Error::invalid("tenant name is longer than 255 bytes"))?;
    let start = out.len();
    out.reserve(RECORD_HEADER + tenant.len() + record.payload.len());
    out.extend_from_slice(&payload_len.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&record.sequence.to_le_bytes());
    out.extend_from_slice(&record.received_time_ns.to_le_bytes());
    out.push(table_code(record.table));
    out.push(tenant_len);
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&(!payload_len).to_le_bytes());
    out.extend_from_slice(tenant);
    out.extend_from_slice(record.payload);
    let crc = crc32c::crc32c(&out[start + super::CHECKED_FROM..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

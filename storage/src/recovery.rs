//! What happens between opening a data directory and taking the first request.
//!
//! 1. The catalog says which files are live; live files that are missing or cut short are set
//!    aside. 2. Bytes of files that no catalog row names (a flush or merge that did not finish)
//!    are deleted. 3. The log is replayed from the catalog's mark on; torn tails are cut, broken
//!    records set aside, and so is a request that does not decode. Memory is bounded: a full buffer
//!    is flushed before replay goes on.

mod losses;
mod progress;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use object_store::path::Path as StorePath;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::buffer::prepare;
use crate::catalog::{Catalog, FileState};
use crate::engine::Decode;
use crate::error::{Error, Result};
use crate::fault::Point;
use crate::file::FileWriter;
use crate::flush::flush;
use crate::layout::{Layout, index_path, parquet_path, sync_folder};
use crate::metrics::Metrics;
use crate::model::TenantId;
use crate::snapshot::{BufferedBatch, DataFile, FileSet, Skipped};
use crate::state::State;
use crate::store::{Found, Store};
use crate::wal::{ClosedSegment, Damage, ReplayRecord, SegmentReader, list_segments};

pub use losses::Loss;
pub(crate) use losses::Losses;
pub use progress::RecoveryProgress;

/// Reads the catalog and checks that what it names is there.
pub(crate) async fn load_files(
    layout: &Layout,
    catalog: &Catalog,
    store: &Store,
) -> Result<(FileSet, Vec<(TenantId, Skipped)>)> {
    let mut live = Vec::new();
    let mut skipped = Vec::new();
    let mut known = HashSet::new();
    let listed = catalog.files().await?;
    let Found {
        objects: mut there,
        half_written,
    } = store.data_files().await?;
    for row in listed.broken {
        let path = parquet_path(&row.tenant, row.table, row.hour, row.id);
        tracing::error!(file = %path, reason = row.reason, "data file set aside");
        let of = Skipped {
            table: row.table,
            hour: row.hour,
            reason: row.reason,
        };
        known.insert(path);
        known.insert(index_path(&row.tenant, row.table, row.hour, row.id));
        skipped.push((row.tenant, of));
    }
    for row in listed.files {
        let file = row.file;
        match row.state {
            FileState::Removed => {
                delete(layout, store, &file).await?;
                layout.fault(Point::DeleteForget)?;
                catalog.forget(file.id).await?;
                continue;
            }
            FileState::Quarantined => {
                let reason = row.reason.unwrap_or_default();
                skipped.push((file.tenant.clone(), skip(&file, reason)));
            }
            FileState::Live => match broken(store, &there, &file).await? {
                None => live.push(Arc::clone(&file)),
                Some(reason) => {
                    tracing::error!(file = %file.path, reason, "data file set aside");
                    layout.fault(Point::QuarantineCommit)?;
                    catalog.quarantine(file.id, &reason).await?;
                    skipped.push((file.tenant.clone(), skip(&file, reason)));
                }
            },
        }
        known.insert(file.path.clone());
        known.insert(file.index_path.clone());
    }
    there.retain(|path, _| !known.contains(path));
    delete_orphans(layout, store, there).await?;
    for path in half_written {
        std::fs::remove_file(path)
            .map_err(|source| Error::from_io("cannot delete half-written files", source))?;
    }
    Ok((FileSet::default().with(&live, &[]), skipped))
}

fn skip(file: &DataFile, reason: String) -> Skipped {
    Skipped {
        table: file.table,
        hour: file.hour,
        reason,
    }
}

/// Why a live file cannot be used, as far as its size tells; contents are checked when read.
async fn broken(
    store: &Store,
    there: &HashMap<StorePath, ObjectMeta>,
    file: &DataFile,
) -> Result<Option<String>> {
    if there
        .get(&file.path)
        .is_some_and(|meta| meta.size == file.bytes)
    {
        return Ok(None);
    }
    // A list may lag behind.
    match store.objects().head(&file.path).await {
        Ok(meta) if meta.size == file.bytes => Ok(None),
        Ok(meta) => Ok(Some(format!(
            "`{}` has {} bytes instead of {}",
            file.path, meta.size, file.bytes
        ))),
        // A store that does not answer has lost nothing.
        Err(error)
            if store.is_remote() && !matches!(error, object_store::Error::NotFound { .. }) =>
        {
            Err(error.into())
        }
        Err(error) => Ok(Some(format!("`{}` cannot be opened: {error}", file.path))),
    }
}

/// Deletes a file and its index; what is gone already is fine.
pub(crate) async fn delete(layout: &Layout, store: &Store, file: &DataFile) -> Result<()> {
    for (path, point) in [
        (&file.path, Point::DeleteFile),
        (&file.index_path, Point::DeleteIndex),
    ] {
        layout.fault(point)?;
        store.delete(path).await?;
    }
    Ok(())
}

async fn delete_orphans(
    layout: &Layout,
    store: &Store,
    unknown: HashMap<StorePath, ObjectMeta>,
) -> Result<()> {
    for (path, object) in unknown {
        if store.is_rubbish(&object) {
            tracing::info!(file = %path, "deleting a file that was never finished");
            layout.fault(Point::DeleteOrphan)?;
            store.delete(&path).await?;
        }
    }
    Ok(())
}

/// What replay found.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) next_sequence: u64,
    pub(crate) segments: Vec<ClosedSegment>,
}

/// Errors if the log has a segment of a version that this code does not read. Before anything else,
/// so that nothing is changed for the version that does.
pub(crate) fn refuse_newer_log(layout: &Layout) -> Result<()> {
    for segment in list_segments(layout)? {
        SegmentReader::open(&segment)?;
    }
    Ok(())
}

/// Everything replay needs.
pub(crate) struct Replay<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) catalog: &'a Catalog,
    pub(crate) writer: &'a FileWriter,
    pub(crate) state: &'a State,
    pub(crate) decoder: &'a dyn Decode,
    pub(crate) metrics: &'a Metrics,
    pub(crate) flush_bytes: usize,
    pub(crate) progress: &'a RecoveryProgress,
}

impl Replay<'_> {
    /// Puts every request after the mark back into the buffer (and into files as it fills).
    pub(crate) async fn run(&self) -> Result<Replayed> {
        let mark = self.catalog.wal_mark().await?;
        let mut last = mark;
        let mut losses = Losses::read(self.catalog).await?;
        let mut segments = Vec::new();
        let found = list_segments(self.layout)?;
        let total = found.len();
        self.progress.begin(total);
        for (number, segment) in found.into_iter().enumerate() {
            let mut reader = SegmentReader::open(&segment)?;
            let path = segment.path;
            let mut last_here = None;
            while let Some(outcome) = reader.next()? {
                match outcome {
                    Ok(record) => {
                        last_here = Some(record.sequence);
                        // Numbers only grow; one that does not is a copy, or is in a file.
                        if record.sequence > last {
                            self.note_gap(&mut losses, last, record.sequence).await?;
                            last = record.sequence;
                            self.replay(record, &mut losses).await?;
                        }
                    }
                    Err(damage) => self.set_aside(&path, &mut reader, damage)?,
                }
            }
            drop(reader);
            match last_here {
                Some(last_sequence) => segments.push(ClosedSegment {
                    bytes: std::fs::metadata(&path).map_or(0, |meta| meta.len()),
                    path,
                    last_sequence,
                }),
                None => self
                    .layout
                    .io_fault(Point::DropSegment)
                    .and_then(|()| std::fs::remove_file(&path))
                    .map_err(|source| {
                        Error::internal(format!("cannot delete `{}`", path.display()))
                            .with_source(source)
                    })?,
            }
            self.progress.segment_done();
            tracing::info!(segment = number + 1, of = total, "log segment replayed");
        }
        self.state.continue_after(last);
        let lost: Vec<_> = losses.open().cloned().collect();
        self.metrics
            .lost_requests
            .set(lost.iter().map(|loss| loss.requests).sum());
        self.state.lost(lost);
        Ok(Replayed {
            next_sequence: last + 1,
            segments,
        })
    }

    /// Requests between two that are there are lost. Noted down before anything can delete the log.
    async fn note_gap(&self, losses: &mut Losses, last: u64, next: u64) -> Result<()> {
        if next == last + 1 {
            return Ok(());
        }
        let loss = Loss::gap(last + 1, next - 1);
        tracing::error!(
            first = loss.first,
            last = loss.last,
            "acknowledged requests are not in the log any more"
        );
        losses.note(self.catalog, loss).await
    }

    async fn replay(&self, record: ReplayRecord, losses: &mut Losses) -> Result<()> {
        let batches = match self.decode(&record) {
            Ok(batches) => batches,
            // One request that this version cannot read must not keep all others away.
            Err(error) => {
                self.set_request_aside(&record, &error)?;
                let ReplayRecord {
                    sequence,
                    tenant,
                    table,
                    ..
                } = record;
                let loss = Loss::undecodable(sequence, tenant, table);
                return losses.note(self.catalog, loss).await;
            }
        };
        losses.found(self.catalog, record.sequence).await?;
        self.metrics.replayed_requests.inc();
        let buffered = self.state.insert(vec![(record.sequence, batches)])?;
        if buffered.active_bytes >= self.flush_bytes {
            self.state.seal();
            while let Some(sealed) = self.state.oldest_sealed() {
                let files = flush(self.writer, self.catalog, &sealed).await?;
                self.state.flushed(&sealed, &files);
            }
        }
        Ok(())
    }

    fn decode(&self, record: &ReplayRecord) -> Result<Vec<Arc<BufferedBatch>>> {
        let decoded =
            self.decoder
                .decode(record.table, record.received_time_ns, &record.payload)?;
        prepare(record.table, decoded)?
            .into_iter()
            .map(|part| part.finish(&record.tenant, record.table, record.sequence))
            .collect()
    }

    /// Keeps the bytes of a whole record whose request does not decode.
    fn set_request_aside(&self, record: &ReplayRecord, error: &Error) -> Result<()> {
        self.metrics.wal_undecodable_requests.inc();
        let name = format!("{:020}.{}", record.sequence, record.table);
        tracing::error!(
            sequence = record.sequence,
            received_time_ns = record.received_time_ns,
            %error,
            kept = name,
            "a request of the log cannot be decoded and is set aside"
        );
        self.keep(&name, &record.payload)
    }

    /// Keeps bytes in the quarantine, also through a power loss: the log that has them is deleted
    /// when all else of it is in files.
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.layout.quarantine_dir();
        let keep = || -> std::io::Result<()> {
            self.layout.io_fault(Point::SetAside)?;
            let mut file = std::fs::File::create(folder.join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
            sync_folder(&folder)
        };
        keep().map_err(|source| Error::from_io("cannot set log bytes aside", source))
    }

    fn set_aside(&self, path: &Path, reader: &mut SegmentReader, damage: Damage) -> Result<()> {
        let (offset, bytes, cut) = match damage {
            Damage::TornTail { valid_len } => {
                self.metrics.wal_torn_tails.inc();
                (valid_len, reader.tail(valid_len, None)?, true)
            }
            Damage::Record { offset, bytes } => {
                self.metrics.wal_corrupt_records.inc();
                (offset, bytes, false)
            }
        };
        let segment = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("segment");
        tracing::warn!(
            segment,
            offset,
            bytes = bytes.len(),
            torn_tail = cut,
            "log bytes set aside"
        );
        self.keep(&format!("{segment}.{offset}"), &bytes)?;
        if cut {
            self.layout.fault(Point::CutTail)?;
            let cut = || -> std::io::Result<()> {
                let file = std::fs::OpenOptions::new().write(true).open(path)?;
                file.set_len(offset)?;
                file.sync_all()
            };
            cut().map_err(|source| Error::from_io("cannot cut a torn log segment", source))?;
        }
        Ok(())
    }
}

//! The one mutable thing: what the next snapshot will be. Every change is made under one lock and
//! none does I/O under it.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OnceCell, watch};

use crate::buffer::Buffer;
use crate::error::Result;
use crate::model::{RecordId, TenantId};
use crate::recovery::Loss;
use crate::snapshot::{BufferedBatch, DataFile, FileSet, Sealed, Skipped, Snapshot};

#[derive(Debug, Default)]
struct Inner {
    version: u64,
    /// How often visible rows may have gone, or come back, by anything but arriving.
    removals: u64,
    /// Of the last request that is visible.
    last_sequence: u64,
    active: Buffer,
    sealed: Vec<Arc<Sealed>>,
    files: Arc<FileSet>,
    skipped: Arc<Vec<(TenantId, Skipped)>>,
    lost: Arc<Vec<Loss>>,
    /// Replaced files whose bytes some snapshot may still read.
    retired: Vec<Arc<DataFile>>,
    /// The current snapshot, if nothing has changed since it was taken.
    taken: Option<Arc<Snapshot>>,
}

/// How much is not in files yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Buffered {
    pub(crate) active_bytes: usize,
    pub(crate) bytes: usize,
    pub(crate) rows: usize,
    /// Places of the active buffer.
    pub(crate) active_places: usize,
    /// Sealed buffers that wait to be written.
    pub(crate) sealed: usize,
}

/// The current state of storage.
#[derive(Debug)]
pub(crate) struct State {
    inner: Mutex<Inner>,
    /// The last record id that is visible, for who waits for more.
    arrivals: watch::Sender<RecordId>,
}

/// The largest record id that a request may have.
fn last_record_of(sequence: u64) -> RecordId {
    RecordId(RecordId::new(sequence + 1, 0).0 - 1)
}

impl Inner {
    fn changed(&mut self) {
        self.version += 1;
        self.taken = None;
    }

    /// As [`Inner::changed`], where rows may have gone or come back.
    fn removed(&mut self) {
        self.changed();
        self.removals += 1;
    }

    fn buffered(&self) -> Buffered {
        let sealed_bytes: usize = self.sealed.iter().map(|sealed| sealed.buffer.bytes()).sum();
        let sealed_rows: usize = self.sealed.iter().map(|sealed| sealed.buffer.rows()).sum();
        Buffered {
            active_bytes: self.active.bytes(),
            bytes: self.active.bytes() + sealed_bytes,
            rows: self.active.rows() + sealed_rows,
            active_places: self.active.place_count(),
            sealed: self.sealed.len(),
        }
    }
}

impl State {
    pub(crate) fn new(files: FileSet, skipped: Vec<(TenantId, Skipped)>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                files: Arc::new(files),
                skipped: Arc::new(skipped),
                ..Inner::default()
            }),
            arrivals: watch::Sender::new(last_record_of(0)),
        }
    }

    /// What came before, up to this request, is visible: in files or replayed.
    pub(crate) fn continue_after(&self, sequence: u64) {
        let mut inner = self.inner.lock();
        inner.changed();
        self.arrived(&mut inner, sequence);
    }

    /// Answers lack requests of the log.
    pub(crate) fn lost(&self, losses: Vec<Loss>) {
        let mut inner = self.inner.lock();
        inner.removed();
        inner.lost = Arc::new(losses);
    }

    /// The last record id that is visible; changes when requests become so.
    pub(crate) fn arrivals(&self) -> watch::Receiver<RecordId> {
        self.arrivals.subscribe()
    }

    /// Under the lock, so that who is told finds the rows in the next snapshot.
    fn arrived(&self, inner: &mut Inner, sequence: u64) {
        inner.last_sequence = inner.last_sequence.max(sequence);
        self.arrivals
            .send_replace(last_record_of(inner.last_sequence));
    }

    /// The state as of now; the same object until something changes.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let mut inner = self.inner.lock();
        if let Some(taken) = &inner.taken {
            return Arc::clone(taken);
        }
        let snapshot = Arc::new(Snapshot {
            version: inner.version,
            removals: Some(inner.removals),
            last_record: last_record_of(inner.last_sequence),
            active: inner.active.batches().map(Arc::clone).collect(),
            sealed: inner.sealed.clone(),
            files: Arc::clone(&inner.files),
            skipped: Arc::clone(&inner.skipped),
            lost: Arc::clone(&inner.lost),
        });
        inner.taken = Some(Arc::clone(&snapshot));
        snapshot
    }

    /// Makes requests visible, in the order of their sequences.
    pub(crate) fn insert(&self, requests: Vec<(u64, Vec<Arc<BufferedBatch>>)>) -> Result<Buffered> {
        let mut inner = self.inner.lock();
        inner.changed();
        for (sequence, batches) in requests {
            inner.active.insert(sequence, batches)?;
            self.arrived(&mut inner, sequence);
        }
        Ok(inner.buffered())
    }

    /// Turns the active buffer into a sealed one, unless it is empty.
    pub(crate) fn seal(&self) -> Option<Arc<Sealed>> {
        let mut inner = self.inner.lock();
        if inner.active.is_empty() {
            return None;
        }
        inner.changed();
        let buffer = std::mem::take(&mut inner.active);
        let sealed = Arc::new(Sealed {
            buffer,
            files: OnceCell::new(),
        });
        inner.sealed.push(Arc::clone(&sealed));
        Some(sealed)
    }

    /// The sealed buffer that must be written next.
    pub(crate) fn oldest_sealed(&self) -> Option<Arc<Sealed>> {
        self.inner.lock().sealed.first().map(Arc::clone)
    }

    /// Replaces the oldest sealed buffer by its files, in one step.
    pub(crate) fn flushed(&self, sealed: &Arc<Sealed>, files: &[Arc<DataFile>]) -> Buffered {
        let mut inner = self.inner.lock();
        inner.changed();
        inner.sealed.retain(|other| !Arc::ptr_eq(other, sealed));
        inner.files = Arc::new(inner.files.with(files, &[]));
        inner.buffered()
    }

    /// Replaces `removed` files by `added` ones, in one step. `merged`: these have the rows of those.
    pub(crate) fn compacted(
        &self,
        added: &[Arc<DataFile>],
        removed: &[Arc<DataFile>],
        merged: bool,
    ) {
        let visible =
            |files: &[Arc<DataFile>]| -> u64 { files.iter().map(|file| file.visible_rows()).sum() };
        let mut inner = self.inner.lock();
        // A merge has the rows that were visible, whatever became of the others.
        if merged && visible(added) == visible(removed) {
            inner.changed();
        } else {
            inner.removed();
        }
        inner.files = Arc::new(inner.files.with(added, removed));
        inner.retired.extend(removed.iter().map(Arc::clone));
    }

    /// Replaces files by other states of themselves, in one step.
    pub(crate) fn rehidden(&self, files: &[Arc<DataFile>]) {
        let mut inner = self.inner.lock();
        inner.removed();
        inner.files = Arc::new(inner.files.with(files, files));
    }

    /// Takes a broken file out of all later snapshots and says so in their answers.
    pub(crate) fn quarantined(&self, file: &Arc<DataFile>, reason: String) {
        let mut inner = self.inner.lock();
        inner.removed();
        inner.files = Arc::new(inner.files.with(&[], std::slice::from_ref(file)));
        let skipped = Skipped {
            table: file.table,
            hour: file.hour,
            reason,
        };
        Arc::make_mut(&mut inner.skipped).push((file.tenant.clone(), skipped));
    }

    /// Replaced files that no snapshot can read any more. Their bytes count as there until
    /// [`State::deleted`] says otherwise.
    pub(crate) fn unreachable(&self) -> Vec<Arc<DataFile>> {
        let inner = self.inner.lock();
        let gone = inner.retired.iter().filter(|file| {
            // The first counts who holds this state of the file, the second all of them.
            Arc::strong_count(file) == 1 && Arc::strong_count(&file.held) == 1
        });
        gone.map(Arc::clone).collect()
    }

    /// Puts a replaced file that could not be deleted behind the others.
    pub(crate) fn delete_later(&self, file: &Arc<DataFile>) {
        let mut inner = self.inner.lock();
        // In their order, but that this one is the last.
        inner.retired.sort_by_key(|other| Arc::ptr_eq(other, file));
    }

    /// Forgets a replaced file whose bytes are gone.
    pub(crate) fn deleted(&self, file: &Arc<DataFile>) {
        let mut inner = self.inner.lock();
        inner.retired.retain(|other| !Arc::ptr_eq(other, file));
    }

    /// Live files, and replaced ones whose bytes are still there.
    pub(crate) fn files_with_bytes(&self) -> Vec<Arc<DataFile>> {
        let inner = self.inner.lock();
        let live = inner.files.iter().map(Arc::clone);
        live.chain(inner.retired.iter().map(Arc::clone)).collect()
    }

    pub(crate) fn buffered(&self) -> Buffered {
        self.inner.lock().buffered()
    }

    /// When the oldest row of the active buffer came in.
    pub(crate) fn oldest(&self) -> Option<std::time::Instant> {
        self.inner.lock().active.oldest()
    }

    /// Every tenant that has rows, in memory or in files.
    pub(crate) fn tenants(&self) -> BTreeSet<TenantId> {
        let inner = self.inner.lock();
        let mut found = inner.files.tenants();
        let sealed = inner.sealed.iter().map(|sealed| &sealed.buffer);
        for buffer in sealed.chain([&inner.active]) {
            let places = buffer.places();
            found.extend(places.map(|((tenant, ..), _)| tenant.clone()));
        }
        found
    }

    pub(crate) fn files(&self) -> Arc<FileSet> {
        Arc::clone(&self.inner.lock().files)
    }

    /// Replaced files whose bytes are still there.
    pub(crate) fn retired_count(&self) -> usize {
        self.inner.lock().retired.len()
    }

    pub(crate) fn skipped_count(&self) -> usize {
        self.inner.lock().skipped.len()
    }
}

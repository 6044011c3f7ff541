//! What the parts of one query share while it runs: snapshot, deadline, what is missing, what was read.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde::Serialize;
use spoor_storage::{
    DataFile, Error, ErrorKind, Result, Snapshot, Storage, Table, TenantId, TimeRange,
};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::answers::Answers;
use crate::engine::{Entry, QueryPlace, Reading, Shared};
use crate::explain::{Scan, Scans};

/// An answer names at most this many reasons for being incomplete.
const MAX_REASONS: usize = 20;

/// What every answer that reads data says about itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Outcome {
    /// Whether everything that the snapshot holds was looked at.
    pub complete: bool,
    /// Why not, for the user.
    pub incomplete_reasons: Vec<String>,
    /// Milliseconds since the query began.
    pub elapsed_ms: u64,
    /// The snapshot's number.
    pub snapshot: u64,
    /// Bytes of data files, indexes and batches in memory that it took.
    pub scanned_bytes: u64,
}

/// The part of a session that its plans hold on to.
pub(crate) struct QueryScope {
    pub(crate) shared: Arc<Shared>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) tenant: TenantId,
    started: Instant,
    reasons: Mutex<Vec<String>>,
    /// How often something was missing that was not known to be.
    notes: AtomicUsize,
    /// Files that were read, for the case that one of them cannot be.
    scanned: Mutex<Vec<Arc<DataFile>>>,
    /// Its scans, if it is to be explained.
    explained: OnceLock<Scans>,
    /// What indexes have said.
    pub(crate) answers: Answers,
    place: QueryPlace,
}

// === impl QueryScope ===

impl QueryScope {
    pub(super) fn new(
        shared: Arc<Shared>,
        tenant: TenantId,
        snapshot: Arc<Snapshot>,
        place: QueryPlace,
    ) -> Self {
        Self {
            snapshot,
            started: Instant::now(),
            reasons: Mutex::default(),
            notes: AtomicUsize::new(0),
            scanned: Mutex::default(),
            shared,
            tenant,
            explained: OnceLock::new(),
            answers: Answers::default(),
            place,
        }
    }

    /// What comes of `work` within the deadline, unless the query is stopped.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        // Work that is always ready would never see the timer.
        if Instant::now() >= self.place.deadline {
            return Err(self.too_late());
        }
        let done = tokio::time::timeout_at(self.place.deadline, work);
        tokio::select! {
            biased;
            error = self.place.entry.stopping() => Err(error),
            done = done => done.map_err(|_| self.too_late()),
        }
    }

    /// As [`QuerySession::notes`](super::QuerySession::notes).
    pub(super) fn notes(&self) -> usize {
        self.notes.load(Ordering::Relaxed)
    }

    /// From now on it is kept how each scan comes to what it reads.
    pub(super) fn keep_scans(&self) {
        self.explained.get_or_init(Scans::default);
    }

    /// Counts what is read.
    pub(crate) fn read(&self) -> &Reading {
        &self.place.entry.read
    }

    /// As [`QueryScope::read`], for what outlives the plan.
    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.place.entry
    }

    /// Where scans say how they come to what they read, if somebody wants to know.
    pub(crate) fn explained(&self) -> Option<&Scans> {
        self.explained.get()
    }

    /// As [`QuerySession::scans`](super::QuerySession::scans).
    pub(crate) fn scans(&self) -> Option<Vec<Scan>> {
        let (scans, more) = self.explained()?.report();
        if more > 0 {
            self.note_incomplete(format!("{more} more scans are not shown"));
        }
        Some(scans)
    }

    fn too_late(&self) -> Error {
        Error::new(
            ErrorKind::Timeout,
            format!(
                "the query took longer than {} s",
                self.place.timeout.as_secs_f64()
            ),
        )
        .with_hint("narrow the time range or add a filter")
    }

    pub(crate) fn note_incomplete(&self, reason: String) {
        // Also what was noted before: whoever reads now wants to know that something is missing.
        self.notes.fetch_add(1, Ordering::Relaxed);
        let mut reasons = self.reasons.lock();
        if reasons.contains(&reason) {
            return;
        }
        if reasons.len() < MAX_REASONS {
            reasons.push(reason);
        }
    }

    pub(crate) fn note_skipped(&self, table: Table, range: TimeRange) {
        for skipped in self.snapshot.skipped(&self.tenant, table, range) {
            self.note_incomplete(format!(
                "{} of {}: {}",
                skipped.table, skipped.hour, skipped.reason
            ));
        }
        for reason in self.snapshot.lost(&self.tenant, table) {
            self.note_incomplete(reason);
        }
    }

    /// Notes a file that is about to be read.
    pub(crate) fn scanned(&self, file: &Arc<DataFile>) {
        self.scanned.lock().push(Arc::clone(file));
    }

    /// A file whose footer cannot be read is left out, and set aside if it is broken.
    pub(crate) async fn suspect(&self, file: &Arc<DataFile>) {
        let (storage, file) = (self.shared.storage.clone(), Arc::clone(file));
        if let Err(error) = tokio::spawn(set_aside_broken(storage, vec![file])).await {
            tracing::error!(%error, "verifying a data file ended early");
        }
    }

    /// After a failure that broken bytes can be behind: reads through what the query has read and
    /// sets aside what is broken. Then the error is [`ErrorKind::Corrupt`], and asking again gives
    /// an answer without those files. Goes on when the client does not wait for it.
    pub(super) async fn diagnosed(&self, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal) {
            return error;
        }
        let mut files = std::mem::take(&mut *self.scanned.lock());
        let mut seen = HashSet::new();
        files.retain(|file| seen.insert(file.id));
        let storage = self.shared.storage.clone();
        match tokio::spawn(set_aside_broken(storage, files)).await {
            Ok(true) => Error::corrupt("stored data cannot be read")
                .with_hint("what is broken has been set aside: ask again")
                .with_source(error),
            _ => error,
        }
    }

    /// As [`QuerySession::outcome`](super::QuerySession::outcome).
    pub(super) fn outcome(&self) -> Outcome {
        let incomplete_reasons = self.reasons.lock().clone();
        Outcome {
            complete: incomplete_reasons.is_empty(),
            incomplete_reasons,
            elapsed_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            snapshot: self.snapshot.version(),
            scanned_bytes: self.place.entry.read.bytes(),
        }
    }
}

/// Sets aside those of `files` that are broken; whether there is one.
async fn set_aside_broken(storage: Storage, files: Vec<Arc<DataFile>>) -> bool {
    let mut found = false;
    for file in files {
        match storage.set_aside_if_broken(&file).await {
            Ok(broken) => found |= broken,
            Err(error) => tracing::warn!(file = %file.path, %error, "data file cannot be verified"),
        }
    }
    found
}

impl std::fmt::Debug for QueryScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryScope")
            .field("tenant", &self.tenant)
            .field("snapshot", &self.snapshot.version())
            .finish_non_exhaustive()
    }
}

impl Drop for QueryScope {
    fn drop(&mut self) {
        self.shared
            .metrics
            .finished(self.started.elapsed(), self.reasons.lock().is_empty());
    }
}

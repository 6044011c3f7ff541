//! What goes on by itself: sealing by age, flushing, deleting, watching the disk.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Shared;
use crate::commit::Command;
use crate::compaction;
use crate::error::{ErrorKind, Result};
use crate::fault::Point;
use crate::flush::flush;
use crate::recovery::delete;
use crate::snapshot::DataFile;

/// How often ages, the disk and deletions are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long to wait after a failed flush; twice as long after each more …
const RETRY: Duration = Duration::from_secs(1);
/// … up to this: a full disk does not get better by encoding the same rows again and again.
const LAST_RETRY: Duration = Duration::from_secs(16);
/// Sealed buffers beyond which age alone does not seal more: when flushing is stuck, one buffer
/// grows instead of many small ones.
const MAX_SEALED_BY_AGE: usize = 4;
/// While merging is busy, buffers are flushed by age this much later.
const BUSY_FACTOR: u32 = 4;
/// What waits to be merged is counted anew at least so often, also if no file came or went.
const DEBT_EVERY: Duration = Duration::from_secs(10);
/// How long to wait when replaced files could not be deleted.
const DELETE_RETRY: Duration = Duration::from_secs(10);
/// Files that cannot be deleted after which the others wait for the next time.
const MOST_FAILURES: usize = 16;
/// How long to wait after a failed retention pass; rows that should be hidden stay visible.
const RETENTION_RETRY: Duration = Duration::from_secs(10);

/// Starts the tasks. They hold the engine weakly, so that dropping it ends them.
pub(super) fn start(shared: &Arc<Shared>) {
    let flusher = tokio::spawn(run_flusher(
        Arc::downgrade(shared),
        Arc::clone(&shared.sealed),
    ));
    let keeper = tokio::spawn(run_keeper(Arc::downgrade(shared)));
    let compactors = (0..shared.options.compaction_threads)
        .map(|_| tokio::spawn(super::compactor::run(Arc::downgrade(shared))));
    let retainer = tokio::spawn(run_retainer(Arc::downgrade(shared)));
    let mut tasks = shared.tasks.lock();
    tasks.extend([flusher, keeper, retainer]);
    tasks.extend(compactors);
}

async fn run_flusher(shared: Weak<Shared>, sealed: Arc<tokio::sync::Notify>) {
    loop {
        sealed.notified().await;
        let mut retry = RETRY;
        loop {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            match shared.write_sealed().await {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, "flush failed, trying again");
                    drop(shared);
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(LAST_RETRY);
                }
            }
        }
    }
}

async fn run_keeper(shared: Weak<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut counted = None;
    let mut delete_from: Option<Instant> = None;
    loop {
        tick.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.watch_disk();
        shared.update_gauges();
        let files = Arc::as_ptr(&shared.state.files()) as usize;
        if counted.is_none_or(|(of, at): (usize, Instant)| of != files || at.elapsed() > DEBT_EVERY)
        {
            shared.count_files();
            counted = Some((files, Instant::now()));
        }
        if delete_from.is_none_or(|from| Instant::now() >= from) {
            delete_from = shared.delete_unreachable().await.err().map(|error| {
                tracing::warn!(%error, "replaced files cannot be deleted, trying again");
                Instant::now() + DELETE_RETRY
            });
        }
        if shared.should_seal() {
            let (done, sealed) = oneshot::channel();
            if shared.commands.send(Command::Seal(done)).await.is_err() {
                return;
            }
            // Only a committer that stopped does not answer; then this task ends next time.
            drop(sealed.await);
        }
    }
}

async fn run_retainer(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let outcome = {
            let _closing_waits = strong.edits.read().await;
            if strong.closing.load(Ordering::Acquire) {
                return;
            }
            strong.retain_once().await
        };
        let pause = match outcome {
            Ok(()) => strong.until_next_pass(),
            Err(_) if strong.closing.load(Ordering::Acquire) => return,
            Err(error) => {
                strong.metrics.retention_failures.inc();
                tracing::error!(%error, "retention pass failed, trying again");
                RETENTION_RETRY
            }
        };
        let waked = Arc::clone(&strong.retain);
        drop(strong);
        // Whichever comes first: the time, or somebody who changed something.
        drop(tokio::time::timeout(pause, waked.notified()).await);
    }
}

impl Shared {
    /// Writes every sealed buffer, oldest first.
    pub(super) async fn write_sealed(&self) -> Result<()> {
        let _one_at_a_time = self.flushing.lock().await;
        while let Some(sealed) = self.state.oldest_sealed() {
            let files = match flush(&self.writer, &self.catalog, &sealed).await {
                Ok(files) => files,
                Err(error) => {
                    self.metrics.flush_failures.inc();
                    return Err(error);
                }
            };
            let mark = sealed.buffer.last_sequence();
            let bytes = files.iter().map(|file| file.bytes + file.index_bytes);
            self.metrics.flushed_bytes.inc_by(bytes.sum());
            self.metrics.flushes.inc();
            self.metrics
                .flushed_rows
                .inc_by(sealed.buffer.rows() as u64);
            let buffered = self.state.flushed(&sealed, &files);
            self.budget.set_buffered(buffered.bytes);
            // A committer that has stopped leaves its segments to the next start.
            drop(self.commands.send(Command::Trim(mark)).await);
        }
        Ok(())
    }

    pub(super) async fn quarantine(&self, file: &Arc<DataFile>, reason: &str) -> Result<()> {
        let _files_stay = self.changing.lock().await;
        if self.state.files().find(file.id).is_none() {
            return Ok(());
        }
        tracing::error!(file = %file.path, reason, "data file set aside");
        self.layout.fault(Point::QuarantineCommit)?;
        self.catalog.quarantine(file.id, reason).await?;
        self.state.quarantined(file, reason.to_owned());
        Ok(())
    }

    /// Deletes the replaced files that nobody reads any more. Errors if some cannot be: they come last the next time.
    pub(super) async fn delete_unreachable(&self) -> Result<()> {
        let _one_at_a_time = self.deleting.lock().await;
        let mut failures = Vec::new();
        for file in self.state.unreachable() {
            let Err(error) = self.delete_file(&file).await else {
                continue;
            };
            self.state.delete_later(&file);
            // While a store is away the others fare no better, and each is tried for a while.
            let away = error.kind() == ErrorKind::Unavailable;
            failures.push(error);
            if away || failures.len() >= MOST_FAILURES {
                break;
            }
        }
        failures.pop().map_or(Ok(()), Err)
    }

    /// Deletes a replaced file for good. If it cannot be, its bytes count as there, and who deleted rows of it is
    /// not told that they are gone.
    async fn delete_file(&self, file: &Arc<DataFile>) -> Result<()> {
        delete(&self.layout, &self.store, file).await?;
        self.layout.fault(Point::DeleteForget)?;
        self.catalog.forget(file.id).await?;
        self.state.deleted(file);
        self.metrics.deleted_files.inc();
        Ok(())
    }

    /// Whether it is time to write what is buffered: it is old, the log is long, or a request was
    /// refused for want of the memory it holds.
    fn should_seal(&self) -> bool {
        let Some(since) = self.state.oldest() else {
            return false;
        };
        let log_is_long = self.metrics.wal_bytes.get() >= self.options.wal_max_bytes / 2;
        let wanted = self.budget.take_refused() || log_is_long;
        let interval = self.flush_interval();
        let sealed = self.state.buffered().sealed;
        (wanted && sealed == 0) || (since.elapsed() >= interval && sealed < MAX_SEALED_BY_AGE)
    }

    /// How long rows may wait: longer while merging is busy, so that there are fewer files.
    pub(super) fn flush_interval(&self) -> Duration {
        let interval = self.options.flush_interval;
        if self.limits.busy.load(Ordering::Acquire) {
            interval * BUSY_FACTOR
        } else {
            interval
        }
    }

    fn update_gauges(&self) {
        let buffered = self.state.buffered();
        let metrics = &self.metrics;
        metrics.buffer_bytes.set(buffered.bytes as u64);
        metrics.buffer_rows.set(buffered.rows as u64);
        metrics.sealed_buffers.set(buffered.sealed as u64);
        metrics.in_flight_bytes.set(self.budget.in_flight() as u64);
        let hungry = self.budget.waiting() as u64;
        metrics.requests_waiting_for_memory.set(hungry);
        let waiting = self.commands.max_capacity() - self.commands.capacity();
        metrics.commit_queue_length.set(waiting as u64);
        metrics
            .files_to_delete
            .set(self.state.retired_count() as u64);
        metrics
            .quarantined_files
            .set(self.state.skipped_count() as u64);
        let flushed = metrics.flushed_bytes.get();
        if flushed > 0 {
            let written = flushed + metrics.compaction_written_bytes.get();
            let amplification = written as f64 / flushed as f64;
            metrics.write_amplification.set(amplification);
        }
    }

    fn count_files(&self) {
        let files = self.state.files();
        let metrics = &self.metrics;
        let sum = |of: fn(&DataFile) -> u64| files.iter().map(|file| of(file)).sum::<u64>();
        metrics.files.set(sum(|_| 1));
        metrics.file_bytes.set(sum(|file| file.bytes));
        metrics.index_bytes.set(sum(|file| file.index_bytes));
        let debt = compaction::debt(&files, super::compactor::now_ms());
        metrics.compaction_debt_files.set(debt.files);
        metrics.compaction_debt_rows.set(debt.rows);
        metrics.compaction_debt_bytes.set(debt.bytes);
        metrics.compaction_debt_age_seconds.set(debt.age.as_secs());
        metrics.most_files_of_an_hour.set(debt.most_files);
        self.limits.owe(&debt);
        let hidden = |file: &DataFile| file.hidden.as_ref().map_or(0, |hidden| hidden.count());
        metrics.hidden_rows.set(sum(hidden));
    }
}

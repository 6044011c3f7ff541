//! What goes on by itself: sealing by age, flushing, deleting, watching the disk.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use crate::commit::Command;
use crate::compaction;
use crate::error::{Error, Result};
use crate::fault::Point;
use crate::flush::flush;
use crate::recovery::delete;
use crate::snapshot::DataFile;

/// How often ages, the disk and deletions are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long to wait after a failed flush or merge.
const RETRY: Duration = Duration::from_secs(1);

/// Starts the tasks. They hold the engine weakly, so that dropping it ends them.
pub(super) fn start(shared: &Arc<Shared>) {
    let flusher = tokio::spawn(run_flusher(
        Arc::downgrade(shared),
        Arc::clone(&shared.sealed),
    ));
    let keeper = tokio::spawn(run_keeper(Arc::downgrade(shared)));
    let compactor = tokio::spawn(super::compactor::run(Arc::downgrade(shared)));
    shared.tasks.lock().extend([flusher, keeper, compactor]);
}

async fn run_flusher(shared: Weak<Shared>, sealed: Arc<tokio::sync::Notify>) {
    loop {
        sealed.notified().await;
        loop {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            match shared.write_sealed().await {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, "flush failed, trying again");
                    drop(shared);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

async fn run_keeper(shared: Weak<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.watch_disk();
        shared.update_gauges();
        if let Err(error) = shared.delete_unreachable().await {
            tracing::warn!(%error, "replaced files stay until the next start");
        }
        let old = shared
            .state
            .oldest()
            .is_some_and(|since| since.elapsed() >= shared.options.flush_interval);
        if old {
            let (done, sealed) = oneshot::channel();
            if shared.commands.send(Command::Seal(done)).await.is_err() {
                return;
            }
            // Only a committer that stopped does not answer; then this task ends next time.
            drop(sealed.await);
        }
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
        if self.state.files().find(file.id).is_none() {
            return Ok(());
        }
        tracing::error!(file = %file.path, reason, "data file set aside");
        self.layout.fault(Point::QuarantineCommit)?;
        self.catalog.quarantine(file.id, reason).await?;
        self.state.quarantined(file, reason.to_owned());
        Ok(())
    }

    pub(super) async fn delete_unreachable(&self) -> Result<()> {
        for file in self.state.take_unreachable() {
            delete(&self.layout, &self.store, &file).await?;
            self.layout.fault(Point::DeleteForget)?;
            self.catalog.forget(file.id).await?;
            self.metrics.deleted_files.inc();
        }
        Ok(())
    }

    fn watch_disk(&self) {
        match rustix::fs::statvfs(self.layout.root()) {
            Ok(disk) => {
                self.disk_unreadable.store(false, Ordering::Release);
                let free = disk.f_bavail * disk.f_frsize;
                self.metrics.free_disk_bytes.set(free);
                let full = free < self.options.min_free_bytes;
                if self.disk_full.swap(full, Ordering::AcqRel) != full {
                    tracing::warn!(free, full, "free disk space crossed the limit");
                }
            }
            // Once, not every tick: the counter of free bytes stays where it was.
            Err(source) if !self.disk_unreadable.swap(true, Ordering::AcqRel) => {
                let error = Error::from_io("cannot see how full the disk is", source.into());
                tracing::warn!(%error);
            }
            Err(_) => {}
        }
    }

    fn update_gauges(&self) {
        let files = self.state.files();
        let buffered = self.state.buffered();
        let sum = |of: fn(&DataFile) -> u64| files.iter().map(|file| of(file)).sum::<u64>();
        self.metrics.files.set(sum(|_| 1));
        self.metrics.file_bytes.set(sum(|file| file.bytes));
        self.metrics.index_bytes.set(sum(|file| file.index_bytes));
        self.metrics
            .quarantined_files
            .set(self.state.skipped_count() as u64);
        let debt = compaction::debt(&files, super::compactor::now_ms());
        self.metrics.compaction_debt_files.set(debt.files);
        self.metrics.buffer_bytes.set(buffered.bytes as u64);
        self.metrics.buffer_rows.set(buffered.rows as u64);
        self.metrics
            .in_flight_bytes
            .set(self.budget.in_flight() as u64);
    }
}

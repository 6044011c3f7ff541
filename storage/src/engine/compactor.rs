//! Carries out merges: chooses them, runs each on a thread of its own, makes the result live.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::Shared;
use super::change::Replacement;
use crate::buffer::Place;
use crate::compaction::{self, Merge, Merged, Outcome, Paced, Throttle};
use crate::error::{Error, ErrorKind, Result};
use crate::file::FileWriter;
use crate::metrics::Metrics;
use crate::model::FileId;
use crate::priority::{self, give_way};

/// How often to look for merges that are due.
const TICK: Duration = Duration::from_millis(250);
/// A place whose merge failed is left alone for this long, so that others get their turn.
const COOL_DOWN: Duration = Duration::from_secs(10);

/// What is being merged.
pub(super) struct Merges {
    inner: Mutex<Inner>,
    throttle: Arc<Throttle>,
    /// Told when a merge ends.
    ended: Notify,
    /// No merge begins any more, and those that run stop at their next step.
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct Inner {
    /// Files that a merge is reading.
    busy: HashSet<FileId>,
    /// When merges of a place may be tried again.
    failed: HashMap<Place, Instant>,
    threads: Vec<JoinHandle<()>>,
}

impl Merges {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self {
            inner: Mutex::default(),
            throttle: Arc::new(Throttle::new(bytes_per_second)),
            ended: Notify::new(),
            stopped: Arc::default(),
        }
    }

    /// Stops merging in good order: returns when every merge has either become live whole or
    /// deleted what it wrote.
    pub(super) async fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        loop {
            let ended = self.ended.notified();
            if self.inner.lock().busy.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Leaves a place alone for an hour, so that tests can see what waits there.
    #[cfg(test)]
    pub(super) fn hold(&self, place: Place) {
        let until = Instant::now() + Duration::from_hours(1);
        self.inner.lock().failed.insert(place, until);
    }

    /// Ends what [`Merges::hold`] began.
    #[cfg(test)]
    pub(super) fn release(&self) {
        self.inner.lock().failed.clear();
    }

    /// The threads that may still be at work; they stop soon when nobody waits for them.
    pub(super) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.inner.lock().threads)
    }
}

/// Frees the files of a merge, however it ends.
struct Claim<'a> {
    merges: &'a Merges,
    files: Vec<FileId>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut inner = self.merges.inner.lock();
        for file in &self.files {
            inner.busy.remove(file);
        }
        drop(inner);
        self.merges.ended.notify_waiters();
    }
}

/// The clock by which files are dated. A wrong one makes merges by age come early or late and
/// nothing else.
pub(super) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Merges for as long as the engine is there.
pub(super) async fn run(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let outcome = strong.compact_once().await;
        if strong.merges.stopped.load(Ordering::Acquire) {
            return;
        }
        drop(strong);
        match outcome {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(TICK).await,
            Err(error) => {
                tracing::error!(%error, "merge failed, trying again");
                tokio::time::sleep(TICK).await;
            }
        }
    }
}

impl Shared {
    /// Merges until nothing is due, also what others have begun.
    pub(super) async fn compact_all(&self) -> Result<()> {
        loop {
            let ended = self.merges.ended.notified();
            if self.compact_once().await? {
                continue;
            }
            if self.merges.inner.lock().busy.is_empty() {
                return Ok(());
            }
            ended.await;
        }
    }

    /// Makes the merge that saves most, if one is due.
    pub(super) async fn compact_once(&self) -> Result<bool> {
        let Some((merge, _claim)) = self.claim() else {
            return Ok(false);
        };
        let place = merge.place.clone();
        self.metrics.compaction_running.inc();
        let outcome = self.make(merge).await;
        self.metrics.compaction_running.dec();
        if outcome.is_err() {
            self.metrics.compaction_failures.inc();
            let until = Instant::now() + COOL_DOWN;
            self.merges.inner.lock().failed.insert(place, until);
        }
        outcome.map(|()| true)
    }

    fn claim(&self) -> Option<(Merge, Claim<'_>)> {
        let mut inner = self.merges.inner.lock();
        if self.merges.stopped.load(Ordering::Acquire) {
            return None;
        }
        let now = Instant::now();
        inner.failed.retain(|_, until| *until > now);
        let merge = compaction::plan(&self.state.files(), &inner.busy, now_ms())
            .into_iter()
            .find(|merge| {
                !inner.failed.contains_key(&merge.place) && self.has_room(merge.bytes())
            })?;
        let files: Vec<FileId> = merge.files.iter().map(|file| file.id).collect();
        inner.busy.extend(&files);
        let merges = &self.merges;
        Some((merge, Claim { merges, files }))
    }

    async fn make(&self, merge: Merge) -> Result<()> {
        match self.on_a_thread(merge).await? {
            Outcome::Merged(merged) => self.merged(merged).await,
            Outcome::Broken(file, reason) => self.quarantine(&file, &reason).await,
        }
    }

    /// Puts the new files in the place of the old ones, unless rows of these were hidden
    /// meanwhile: then the next merge takes that into account.
    async fn merged(&self, merged: Merged) -> Result<()> {
        let replacement = Replacement {
            added: &merged.added,
            removed: &merged.removed,
            ..Replacement::default()
        };
        if self.replace(&replacement).await? {
            self.metrics.compactions.inc();
            self.metrics
                .compacted_files
                .inc_by(merged.removed.len() as u64);
        }
        Ok(())
    }

    /// Runs a merge on a thread of its own, whose priority is low. When nobody waits for it any
    /// more, it stops at the next step and deletes what it wrote.
    async fn on_a_thread(&self, merge: Merge) -> Result<Outcome> {
        let (answer, answered) = oneshot::channel();
        let unwanted = SetOnDrop::default();
        let worker = Worker {
            writer: self.writer.clone(),
            metrics: Arc::clone(&self.metrics),
            throttle: Arc::clone(&self.merges.throttle),
            max_waiting_files: self.options.max_waiting_files,
            unwanted: Arc::clone(&unwanted.0),
            stopped: Arc::clone(&self.merges.stopped),
        };
        let runtime = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new()
            .name("spoor-merge".to_owned())
            .spawn(move || {
                give_way(priority::MERGES);
                let outcome = runtime.block_on(worker.run(merge));
                if let Err(Ok(Outcome::Merged(unwanted))) = answer.send(outcome) {
                    runtime.block_on(async {
                        for file in &unwanted.added {
                            worker.writer.discard(file).await;
                        }
                    });
                }
            })
            .map_err(|source| Error::internal("cannot start a thread").with_source(source))?;
        {
            let mut inner = self.merges.inner.lock();
            inner.threads.retain(|thread| !thread.is_finished());
            inner.threads.push(thread);
        }
        answered
            .await
            .map_err(|_| Error::internal("a merge ended with a panic"))?
    }
}

/// What a merge has on its thread.
struct Worker {
    writer: FileWriter,
    metrics: Arc<Metrics>,
    throttle: Arc<Throttle>,
    max_waiting_files: u64,
    /// Nobody waits for this merge any more.
    unwanted: Arc<AtomicBool>,
    /// The engine is closing.
    stopped: Arc<AtomicBool>,
}

impl Worker {
    async fn run(&self, merge: Merge) -> Result<Outcome> {
        let pace = async |step: Paced| {
            self.metrics.compaction_read_bytes.inc_by(step.read);
            self.metrics.compaction_written_bytes.inc_by(step.written);
            let wait = self.throttle.take(step.read + step.written, Instant::now());
            self.wait(wait).await
        };
        compaction::run(&self.writer, merge, pace).await
    }

    /// Waits in short steps: whoever closes the engine waits for this.
    async fn wait(&self, wait: Duration) -> Result<()> {
        let until = Instant::now() + wait;
        loop {
            if self.unwanted.load(Ordering::Acquire) || self.stopped.load(Ordering::Acquire) {
                return Err(Error::new(ErrorKind::Unavailable, "the merge was stopped"));
            }
            let left = until.saturating_duration_since(Instant::now());
            // To catch up is more urgent than to be even.
            let behind = self.metrics.compaction_debt_files.get() > self.max_waiting_files / 8;
            if left.is_zero() || behind {
                return Ok(());
            }
            tokio::time::sleep(left.min(Duration::from_millis(50))).await;
        }
    }
}

#[derive(Default)]
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

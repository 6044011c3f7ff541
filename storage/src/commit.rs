//! The committer: one thread that makes requests durable and visible, in order.
//!
//! It takes what has queued up, writes it to the log as one group, syncs once, inserts the rows
//! into the buffer, and only then answers. Being the only one that inserts and seals, it knows
//! that a sealed buffer holds exactly the requests up to its last sequence: so one number in the
//! catalog (the log mark) separates what is in files from what must be replayed.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::budget::Budget;
use crate::buffer::Prepared;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Metrics;
use crate::model::{Table, TenantId};
use crate::state::State;
use crate::tenants::KnownTenants;
use crate::wal::{WalRecord, WalWriter};

/// Requests that may wait; more wait in their own tasks, within the ingest budget.
const QUEUE: usize = 1024;
/// A group is closed at this many bytes, so that the first in it does not wait for ever.
const GROUP_BYTES: usize = 16 << 20;
/// A buffer with rows in so many places is sealed: each place is a file to write.
const MAX_PLACES: usize = 4096;
/// When to come back after a failed write of the log; about when the disk is looked at again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A request ready to be written.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) tenant: TenantId,
    pub(crate) table: Table,
    pub(crate) received_time_ns: i64,
    pub(crate) payload: Bytes,
    pub(crate) parts: Vec<Prepared>,
    pub(crate) rows: usize,
}

/// What the committer can be asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Append(Append, oneshot::Sender<Result<()>>),
    /// Seal the active buffer.
    Seal(oneshot::Sender<()>),
    /// Everything up to this sequence is in files: delete their segments.
    Trim(u64),
    /// Stop; later appends are refused.
    Stop,
}

/// Everything the committer works on.
#[derive(Debug)]
pub(crate) struct Committer {
    pub(crate) wal: WalWriter,
    pub(crate) next_sequence: u64,
    pub(crate) state: Arc<State>,
    pub(crate) budget: Budget,
    pub(crate) metrics: Arc<Metrics>,
    /// The active buffer is sealed at this size.
    pub(crate) flush_bytes: usize,
    /// Nothing is appended while the log is longer than this.
    pub(crate) wal_max_bytes: u64,
    /// Who may send.
    pub(crate) tenants: KnownTenants,
    /// Told when there is a sealed buffer to write.
    pub(crate) sealed: Arc<tokio::sync::Notify>,
}

impl Committer {
    /// Starts the thread. It ends at [`Command::Stop`] or when every sender is gone.
    pub(crate) fn start(self) -> Result<(mpsc::Sender<Command>, JoinHandle<()>)> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("spoor-commit".to_owned())
            .spawn(move || self.run(receiver))
            .map_err(|source| Error::internal("cannot start a thread").with_source(source))?;
        Ok((sender, thread))
    }

    fn run(mut self, mut receiver: mpsc::Receiver<Command>) {
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(command) = receiver.blocking_recv() {
            let mut next = Some(command);
            let mut other = None;
            while let Some(command) = next.take() {
                match command {
                    Command::Append(append, answer) => {
                        bytes += append.payload.len();
                        group.push((append, answer));
                        if bytes < GROUP_BYTES && group.len() < QUEUE {
                            next = receiver.try_recv().ok();
                        }
                    }
                    command => other = Some(command),
                }
            }
            if !group.is_empty() {
                self.commit(std::mem::take(&mut group));
                bytes = 0;
            }
            match other {
                None | Some(Command::Append(..)) => {}
                Some(Command::Seal(done)) => {
                    self.seal();
                    if done.send(()).is_err() {
                        tracing::debug!("whoever asked for sealing has gone away");
                    }
                }
                Some(Command::Trim(mark)) => {
                    if let Err(error) = self.wal.delete_up_to(mark) {
                        tracing::warn!(%error, "flushed log segments stay until the next start");
                    }
                    self.metrics.wal_bytes.set(self.wal.bytes());
                }
                Some(Command::Stop) => break,
            }
        }
    }

    fn commit(&mut self, group: Vec<(Append, oneshot::Sender<Result<()>>)>) {
        let group = self.without_new_tenants(group);
        if group.is_empty() {
            return;
        }
        let outcome = self.log(&group);
        let (appends, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let outcome = outcome.and_then(|()| self.publish(appends));
        for answer in answers {
            let outcome = match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(copy(error)),
            };
            // A client that hung up does not get its answer; its data is kept.
            drop(answer.send(outcome));
        }
    }

    /// Refuses requests of tenants that would be too many. Each of a group is seen by those after it.
    fn without_new_tenants(
        &mut self,
        group: Vec<(Append, oneshot::Sender<Result<()>>)>,
    ) -> Vec<(Append, oneshot::Sender<Result<()>>)> {
        let mut taken: Vec<(Append, oneshot::Sender<Result<()>>)> = Vec::with_capacity(group.len());
        for (append, answer) in group {
            let state = &self.state;
            let all = || {
                let mut all = state.tenants();
                all.extend(taken.iter().map(|(before, _)| before.tenant.clone()));
                all
            };
            match self.tenants.admit(&append.tenant, all) {
                Ok(()) => taken.push((append, answer)),
                Err(error) => {
                    let refused = &self.metrics.refused;
                    refused.get_or_create(&[("reason", "tenants")]).inc();
                    drop(answer.send(Err(error)));
                }
            }
        }
        taken
    }

    fn log(&mut self, group: &[(Append, oneshot::Sender<Result<()>>)]) -> Result<()> {
        let records: Vec<WalRecord<'_>> = (self.next_sequence..)
            .zip(group)
            .map(|(sequence, (append, _))| WalRecord {
                sequence,
                received_time_ns: append.received_time_ns,
                table: append.table,
                tenant: &append.tenant,
                payload: &append.payload,
            })
            .collect();
        if self.wal.bytes() >= self.wal_max_bytes {
            return Err(log_is_full(self.wal_max_bytes));
        }
        if let Err(error) = self.wal.append(&records) {
            self.metrics.wal_failures.inc();
            return Err(match error.retry_after() {
                None => error.with_retry_after(RETRY_AFTER),
                Some(_) => error,
            });
        }
        let bytes: usize = group.iter().map(|(append, _)| append.payload.len()).sum();
        self.metrics.wal_bytes_written.inc_by(bytes as u64);
        self.metrics.wal_syncs.inc();
        self.metrics.wal_bytes.set(self.wal.bytes());
        Ok(())
    }

    fn publish(&mut self, appends: Vec<Append>) -> Result<()> {
        let first = self.next_sequence;
        // They are in the log under these numbers now, whatever happens next.
        self.next_sequence += appends.len() as u64;
        let mut requests = Vec::with_capacity(appends.len());
        for (sequence, append) in (first..).zip(appends) {
            let batches = append
                .parts
                .into_iter()
                .map(|part| part.finish(&append.tenant, append.table, sequence))
                .collect::<Result<Vec<_>>>()?;
            self.metrics.appended_requests.inc();
            self.metrics.appended_rows.inc_by(append.rows as u64);
            requests.push((sequence, batches));
        }
        let buffered = self.state.insert(requests)?;
        self.budget.set_buffered(buffered.bytes);
        self.metrics.buffer_bytes.set(buffered.bytes as u64);
        self.metrics.buffer_rows.set(buffered.rows as u64);
        if buffered.active_bytes >= self.flush_bytes || buffered.active_places >= MAX_PLACES {
            self.seal();
        }
        Ok(())
    }

    fn seal(&mut self) {
        if self.state.seal().is_some() {
            self.wal.rotate();
        }
        self.sealed.notify_one();
    }
}

/// One failure answers every request of its group.
fn copy(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.to_string());
    if let Some(hint) = error.hint() {
        copy = copy.with_hint(hint);
    }
    if let Some(after) = error.retry_after() {
        copy = copy.with_retry_after(after);
    }
    copy
}

/// The answer while the log is as long as it may be.
pub(crate) fn log_is_full(limit: u64) -> Error {
    Error::new(
        ErrorKind::Busy,
        format!("the write-ahead log is at its limit of {limit} bytes"),
    )
    .with_hint("send again later: it gets shorter when rows are written to files")
    .with_retry_after(RETRY_AFTER)
}

/// The answer when the committer has stopped.
pub(crate) fn closing() -> Error {
    Error::new(ErrorKind::Unavailable, "spoor is shutting down")
        .with_retry_after(Duration::from_secs(5))
}

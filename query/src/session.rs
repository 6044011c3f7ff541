//! One query: one snapshot, one deadline, one memory pool, one verdict on completeness.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use serde::Serialize;
use spoor_storage::index::IndexCache;
use spoor_storage::{
    CountCache, DataFile, Error, ErrorKind, Result, Snapshot, Storage, Table, TenantId, TimeRange,
};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::by_file::Questions;
use crate::engine::{Entry, QueryPlace, Reading, Shared};
use crate::explain::{Scan, Scans};
use crate::failure::from_datafusion;
use crate::table::{DynamicColumn, FileNumbers, Part, SnapshotTable};
use crate::trace::TraceCache;

mod direct;

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

/// A running query. Dropping it (and every frame and stream made from it) ends the query.
pub struct QuerySession {
    scope: Arc<QueryScope>,
    context: SessionContext,
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
    place: QueryPlace,
}

// === impl QuerySession ===

impl QuerySession {
    pub(crate) fn start(
        shared: Arc<Shared>,
        tenant: TenantId,
        snapshot: Arc<Snapshot>,
        place: QueryPlace,
    ) -> Self {
        let context = SessionContext::new_with_state(shared.session_state());
        place.entry.set_memory(&context.runtime_env().memory_pool);
        shared.metrics.started();
        Self {
            context,
            scope: Arc::new(QueryScope {
                snapshot,
                started: Instant::now(),
                reasons: Mutex::default(),
                notes: AtomicUsize::new(0),
                scanned: Mutex::default(),
                shared,
                tenant,
                explained: OnceLock::new(),
                place,
            }),
        }
    }

    /// The same query, for a part of its plan that asks on its own while it is made; `runtime` is that
    /// of the plan, so that both have one memory.
    pub(crate) fn of_part(scope: &Arc<QueryScope>, runtime: &Arc<RuntimeEnv>) -> Self {
        Self {
            scope: Arc::clone(scope),
            context: SessionContext::new_with_state(scope.shared.state_on(runtime)),
        }
    }

    /// What the plans of this query hold on to.
    pub(crate) fn scope(&self) -> Arc<QueryScope> {
        Arc::clone(&self.scope)
    }

    /// What this query sees.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.scope.snapshot
    }

    /// Whose data this query sees.
    pub fn tenant(&self) -> &TenantId {
        &self.scope.tenant
    }

    /// The limits this query runs under.
    pub fn options(&self) -> &crate::QueryOptions {
        &self.scope.shared.options
    }

    /// So many traces are few: to find out whether others are fewer still is not worth it.
    pub(crate) fn few_traces(&self) -> usize {
        self.options().max_traces / 100
    }

    /// All rows of a table, ids as lower-case hex text. Filters put on it narrow what is read.
    #[expect(
        clippy::unused_async,
        reason = "the signature is part of the crate's contract"
    )]
    pub async fn table(&self, table: Table) -> Result<DataFrame> {
        self.context
            .read_table(self.provider(table, &[]))
            .map_err(from_datafusion)
    }

    /// The rows of a part of the snapshot, with the numbers of their files.
    pub(crate) fn part_of(
        &self,
        table: Table,
        part: Part,
        numbers: FileNumbers,
    ) -> Result<DataFrame> {
        let all = SnapshotTable::new(Arc::clone(&self.scope), table, Vec::new());
        let of_part = all.with_part(part).with_numbers(Arc::new(numbers));
        self.context
            .read_table(Arc::new(of_part))
            .map_err(from_datafusion)
    }

    /// What was counted of files.
    pub(crate) fn counted(&self) -> &CountCache {
        self.scope.shared.storage.counted()
    }

    /// What can be counted of files.
    pub(crate) fn questions(&self) -> &Questions {
        &self.scope.shared.questions
    }

    /// The indexes of files.
    pub(crate) fn indexes(&self) -> &IndexCache {
        self.scope.shared.storage.indexes()
    }

    /// Traces that are kept assembled.
    pub(crate) fn traces(&self) -> &TraceCache {
        &self.scope.shared.traces
    }

    /// Work of this query that is no plan, within the deadline and until somebody stops it.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.scope.in_time(work).await
    }

    /// How many things were found to be missing so far.
    pub(crate) fn notes(&self) -> usize {
        self.scope.notes.load(Ordering::Relaxed)
    }

    /// The table with extra columns computed from attributes.
    pub(crate) fn provider(&self, table: Table, dynamic: &[DynamicColumn]) -> Arc<SnapshotTable> {
        Arc::new(SnapshotTable::new(
            Arc::clone(&self.scope),
            table,
            dynamic.to_vec(),
        ))
    }

    /// What statements are planned with, in the memory of this query.
    pub(crate) fn sql_state(&self) -> Result<SessionState> {
        self.scope.shared.sql_state_on(&self.context.runtime_env())
    }

    /// The DataFusion context of this query.
    pub(crate) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Runs a plan to its end. Errors with [`ErrorKind::Timeout`] at the deadline and with
    /// [`ErrorKind::TooLarge`] when it, or its result, needs more memory than a query may have.
    pub async fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>> {
        self.collect_rows(frame, usize::MAX).await
    }

    /// As [`QuerySession::collect`], but stops reading once there are at least `enough` rows.
    pub(crate) async fn collect_rows(
        &self,
        frame: DataFrame,
        enough: usize,
    ) -> Result<Vec<RecordBatch>> {
        let stream = self.stream(frame).await?;
        self.gather(stream, enough).await
    }

    /// The rows of a stream until there are `enough`.
    pub(crate) async fn gather(
        &self,
        mut stream: SendableRecordBatchStream,
        enough: usize,
    ) -> Result<Vec<RecordBatch>> {
        let reservation = MemoryConsumer::new("rows of the answer")
            .register(&self.context.runtime_env().memory_pool);
        let mut batches = Vec::new();
        let mut rows = 0;
        while rows < enough {
            let Some(batch) = self.next(&mut stream).await? else {
                break;
            };
            reservation
                .try_grow(batch.get_array_memory_size())
                .map_err(from_datafusion)?;
            rows += batch.num_rows();
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Starts a plan; read it with [`QuerySession::next`].
    pub(crate) async fn stream(&self, frame: DataFrame) -> Result<SendableRecordBatchStream> {
        self.begun(frame.execute_stream()).await
    }

    async fn begun(
        &self,
        beginning: impl Future<Output = datafusion::common::Result<SendableRecordBatchStream>>,
    ) -> Result<SendableRecordBatchStream> {
        match self.scope.in_time(beginning).await? {
            Ok(stream) => Ok(stream),
            Err(error) => Err(self.scope.diagnosed(from_datafusion(error)).await),
        }
    }

    /// Plans without running: indexes are asked, rows are not read.
    pub(crate) async fn only_plan(&self, frame: DataFrame) -> Result<()> {
        let planned = self.scope.in_time(frame.create_physical_plan()).await?;
        planned.map(drop).map_err(from_datafusion)
    }

    /// The next batch of a stream, within the deadline.
    pub(crate) async fn next(
        &self,
        stream: &mut SendableRecordBatchStream,
    ) -> Result<Option<RecordBatch>> {
        // Bytes that are not Parquet may make a decoder panic.
        let next = AssertUnwindSafe(stream.next()).catch_unwind();
        let error = match self.scope.in_time(next).await? {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(batch))) => return Ok(Some(batch)),
            Ok(Some(Err(error))) => from_datafusion(error),
            Err(_) => Error::internal("the query ended with a panic"),
        };
        Err(self.scope.diagnosed(error).await)
    }

    /// Says that the answer lacks something; the reason is for the user.
    pub fn note_incomplete(&self, reason: impl Into<String>) {
        self.scope.note_incomplete(reason.into());
    }

    /// Says that files of `range` that storage has set aside are missing from the answer.
    pub(crate) fn note_skipped(&self, table: Table, range: TimeRange) {
        self.scope.note_skipped(table, range);
    }

    /// From now on it is kept how each scan comes to what it reads.
    pub(crate) fn explain(&self) {
        self.scope.explained.get_or_init(Scans::default);
    }

    /// The scans so far, if they are kept. Says that the answer is not complete if they are too many.
    pub(crate) fn scans(&self) -> Option<Vec<Scan>> {
        self.scope.scans()
    }

    /// How it went so far. Take it last: reading may still find that something is missing.
    pub fn outcome(&self) -> Outcome {
        self.scope.outcome()
    }
}

impl std::fmt::Debug for QuerySession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuerySession")
            .field("outcome", &self.outcome())
            .finish_non_exhaustive()
    }
}

// === impl QueryScope ===

impl QueryScope {
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
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

    /// As [`QuerySession::scans`].
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
        let mut reasons = self.reasons.lock();
        if reasons.contains(&reason) {
            return;
        }
        self.notes.fetch_add(1, Ordering::Relaxed);
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
    async fn diagnosed(&self, error: Error) -> Error {
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

    fn outcome(&self) -> Outcome {
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

//! One query: one snapshot, one deadline, one memory pool, one verdict on completeness.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use futures::{FutureExt, StreamExt};
use spoor_storage::index::IndexCache;
use spoor_storage::{CountCache, Error, Result, Snapshot, Table, TenantId, TimeRange};

use crate::by_file::Questions;
use crate::engine::{QueryPlace, Shared};
use crate::explain::Scan;
use crate::failure::from_datafusion;
use crate::table::{DynamicColumn, FileNumbers, Part, SnapshotTable};
use crate::trace::TraceCache;

mod answers;
mod direct;
mod few;
mod planned;
mod scope;

pub(crate) use planned::Planned;
pub use scope::Outcome;
pub(crate) use scope::QueryScope;

/// A running query. Dropping it (and every frame and stream made from it) ends the query.
pub struct QuerySession {
    scope: Arc<QueryScope>,
    context: SessionContext,
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
            scope: Arc::new(QueryScope::new(shared, tenant, snapshot, place)),
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

    /// The time of the first record in `range`, whatever it is, or where the range begins if a file that has records in
    /// it has earlier ones; `None` if there is none.
    pub(crate) fn first_ns(&self, table: Table, range: TimeRange) -> Option<i64> {
        let (snapshot, tenant) = (self.snapshot(), self.tenant());
        let files = snapshot.files(tenant, table, range);
        let files = files
            .iter()
            .filter(|file| file.visible_rows() > 0)
            .map(|file| file.min_time_ns);
        let batches = snapshot.batches(tenant, table, range);
        let batches = batches.iter().map(|batch| batch.min_time_ns);
        let first_ns = files.chain(batches).min()?;
        Some(first_ns.max(range.start_ns))
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
        self.scope.notes()
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
        self.scope.keep_scans();
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

//! The query engine: what all queries share, and the limits they share it under.
//!
//! Each query gets a [`QuerySession`] with a snapshot, a memory pool and a deadline of its own.
//! At most [`QueryOptions::max_concurrent`] run; some more wait; the rest are told to come back.

use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use prometheus_client::registry::Registry;
use spoor_storage::{Error, ErrorKind, PageCache, RecordId, Result, Snapshot, Storage, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::by_file::Questions;
use crate::failure::from_datafusion;
use crate::session::QuerySession;
use crate::sql;
use crate::trace::TraceCache;

mod memory;
mod metrics;
mod options;
mod running;
mod slow;
mod states;
mod turns;

pub(crate) use memory::others_have_it;
pub(crate) use metrics::QueryMetrics;
pub use options::QueryOptions;
pub(crate) use running::{Asked, Entry, Reading};
pub(crate) use slow::SlowQuery;

use memory::AllMemory;
use running::Running;
use states::{States, on};
use turns::{Turn, Turns};

/// The address under which DataFusion finds storage's object store; nothing else is registered,
/// so a query can read nothing else.
pub(crate) const STORE_URL: &str = "spoor://data";

/// Starts queries. Cheap to clone.
#[derive(Clone)]
pub struct QueryEngine {
    shared: Arc<Shared>,
}

/// What every session of an engine refers to.
pub(crate) struct Shared {
    pub(crate) storage: Storage,
    pub(crate) options: QueryOptions,
    pub(crate) metrics: QueryMetrics,
    pub(crate) traces: TraceCache,
    /// Pages that few rows were read of.
    pub(crate) pages: Arc<PageCache>,
    states: States,
    runtime: RuntimeEnv,
    /// What was asked so far of whole files.
    pub(crate) questions: Questions,
    turns: Arc<Turns>,
    tails: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    running: Arc<Running>,
    memory: Arc<AllMemory>,
}

/// A query that runs; its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct QueryPlace {
    /// Where it is listed.
    pub(crate) entry: Arc<Entry>,
    pub(crate) deadline: Instant,
    /// How long that is from the beginning.
    pub(crate) timeout: Duration,
    _turn: Turn,
    _export: Option<OwnedSemaphorePermit>,
}

/// An open live tail; its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct TailPlace {
    /// The last record that is visible.
    pub(crate) arrivals: watch::Receiver<RecordId>,
    /// True once the tail must end.
    pub(crate) ended: watch::Receiver<bool>,
    entry: Arc<Entry>,
    _permit: OwnedSemaphorePermit,
}

impl TailPlace {
    /// Whose records it tells of.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.entry.tenant
    }

    /// The error that the tail must end with, if it must end because somebody stopped it.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.entry.stopped()
    }
}

// === impl QueryEngine ===

impl QueryEngine {
    /// An engine over `storage`. Errors if DataFusion cannot be set up (no temporary directory).
    pub fn new(storage: Storage, options: QueryOptions) -> Result<Self> {
        let runtime = RuntimeEnvBuilder::new()
            .with_cache_manager(
                CacheManagerConfig::default()
                    .with_metadata_cache_limit(options.footer_cache_bytes()),
            )
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_max_temp_directory_size(options.spill_bytes),
            )
            .build()
            .map_err(from_datafusion)?;
        let url = ObjectStoreUrl::parse(STORE_URL).map_err(from_datafusion)?;
        runtime.register_object_store(url.as_ref(), storage.object_store());
        let states = States::new(&options, &runtime);
        let metrics = QueryMetrics::default();
        Ok(Self {
            shared: Arc::new(Shared {
                turns: Turns::new(options.max_concurrent, options.max_waiting),
                tails: Arc::new(Semaphore::new(options.max_tails)),
                exports: Arc::new(Semaphore::new(options.max_exports())),
                running: Arc::new(Running::new(options.slow_query)),
                questions: Questions::default(),
                memory: metrics.of_memory(options.total_memory_bytes),
                pages: Arc::new(PageCache::new(
                    options.page_cache_bytes() as u64,
                    metrics.pages.clone(),
                )),
                traces: TraceCache::new(options.trace_cache_bytes, metrics.clone()),
                metrics,
                storage,
                options,
                states,
                runtime,
            }),
        })
    }

    /// Waits for a turn, then starts a query of `tenant` on the newest snapshot. Errors with
    /// [`ErrorKind::Busy`] when too many wait already, or none finished in time.
    pub async fn begin(&self, tenant: &TenantId) -> Result<QuerySession> {
        let timeout = self.shared.options.timeout;
        self.begin_with(tenant, None, (timeout, None)).await
    }

    /// As [`QueryEngine::begin`], for an export, which may take longer; so they can have half of the places.
    /// Errors with [`ErrorKind::Busy`] when they have.
    pub(crate) async fn begin_export(&self, tenant: &TenantId) -> Result<QuerySession> {
        let place = Arc::clone(&self.shared.exports).try_acquire_owned();
        let place = place.map_err(|_| self.shared.too_many_exports())?;
        let timeout = self.shared.options.export_timeout;
        self.begin_with(tenant, None, (timeout, Some(place))).await
    }

    /// As [`QueryEngine::begin`], on a snapshot that was taken before.
    pub(crate) async fn begin_on(
        &self,
        tenant: &TenantId,
        snapshot: Arc<Snapshot>,
    ) -> Result<QuerySession> {
        let timeout = self.shared.options.timeout;
        self.begin_with(tenant, Some(snapshot), (timeout, None))
            .await
    }

    async fn begin_with(
        &self,
        tenant: &TenantId,
        snapshot: Option<Arc<Snapshot>>,
        (timeout, export): (Duration, Option<OwnedSemaphorePermit>),
    ) -> Result<QuerySession> {
        let deadline = Instant::now() + timeout;
        let entry = self.shared.running.enter(tenant, deadline);
        let turn = self.shared.turn(&entry, deadline).await?;
        entry.begins();
        let shared = Arc::clone(&self.shared);
        let snapshot = snapshot.unwrap_or_else(|| shared.storage.snapshot());
        let place = QueryPlace {
            entry,
            deadline,
            timeout,
            _turn: turn,
            _export: export,
        };
        Ok(QuerySession::start(shared, tenant.clone(), snapshot, place))
    }

    /// What is queried.
    pub(crate) fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// A place among the live tails, which hold no place among the queries while they wait. Errors
    /// with [`ErrorKind::Busy`] when all are taken.
    pub(crate) fn tail_place(&self, tenant: &TenantId) -> Result<TailPlace> {
        let tails = &self.shared.tails;
        let closing = || Error::new(ErrorKind::Unavailable, "the query engine is closing");
        let permit = Arc::clone(tails).try_acquire_owned().map_err(|_| {
            if tails.is_closed() {
                return closing();
            }
            self.shared.metrics.refused();
            Error::new(
                ErrorKind::Busy,
                format!("{} live tails are open", self.shared.options.max_tails),
            )
            .with_hint("close one of them")
            .with_retry_after(Duration::from_secs(5))
        })?;
        let entry = self.shared.running.enter_tail(tenant);
        // One that was not listed yet when all were ended.
        if tails.is_closed() {
            return Err(closing());
        }
        Ok(TailPlace {
            arrivals: self.shared.storage.arrivals(),
            ended: entry.ended(),
            entry,
            _permit: permit,
        })
    }

    /// Ends all live tails, which would go on for ever, and begins no more: a server that stops
    /// waits for its answers.
    pub fn end_tails(&self) {
        self.shared.tails.close();
        for entry in self.entries().iter().filter(|entry| entry.is_tail()) {
            entry.end();
        }
    }

    /// What waits and runs now, live tails too, newest first.
    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        self.shared.running.entries()
    }

    /// The last queries that took long and are over, the last first.
    pub(crate) fn slow(&self) -> Vec<Arc<SlowQuery>> {
        self.shared.running.slow()
    }

    /// What this engine counts.
    pub(crate) fn metrics(&self) -> &QueryMetrics {
        &self.shared.metrics
    }

    /// The limits this engine keeps.
    pub fn options(&self) -> &QueryOptions {
        &self.shared.options
    }

    /// Registers this engine's metrics (`spoor_query_…`).
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }
}

impl std::fmt::Debug for QueryEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryEngine")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    async fn turn(&self, entry: &Entry, deadline: Instant) -> Result<Turn> {
        let whose = entry.asked.whose();
        // An export waits no longer than others.
        let deadline = deadline.min(Instant::now() + self.options.timeout);
        let turn = tokio::time::timeout_at(deadline, self.turns.take(&whose));
        tokio::select! {
            biased;
            error = entry.stopping() => Err(error),
            turn = turn => match turn {
                Ok(Ok(turn)) => Ok(turn),
                _ => Err(self.too_busy()),
            },
        }
    }

    fn too_many_exports(&self) -> Error {
        self.metrics.refused();
        Error::new(
            ErrorKind::Busy,
            format!("{} exports are running", self.options.max_exports()),
        )
        .with_hint(
            "try again when one of them is done, or stop one: GET /api/v1/queries lists them",
        )
        .with_retry_after(Duration::from_secs(5))
    }

    fn too_busy(&self) -> Error {
        self.metrics.refused();
        Error::new(
            ErrorKind::Busy,
            format!(
                "{} queries are running and {} more are waiting",
                self.options.max_concurrent, self.options.max_waiting
            ),
        )
        .with_hint("try again in a moment")
        .with_retry_after(Duration::from_secs(1))
    }

    /// A DataFusion session with a memory pool of its own; caches and stores are shared.
    pub(crate) fn session_state(&self) -> SessionState {
        let runtime = RuntimeEnv {
            memory_pool: self.memory.of_query(self.options.memory_bytes),
            ..self.runtime.clone()
        };
        self.state_on(&Arc::new(runtime))
    }

    /// As [`Shared::session_state`], with the memory pool of another session.
    pub(crate) fn state_on(&self, runtime: &Arc<RuntimeEnv>) -> SessionState {
        on(runtime, &self.states.plans).build()
    }

    /// As [`Shared::state_on`], for statements: it knows functions by their names, and has a catalog of its own.
    pub(crate) fn sql_state_on(&self, runtime: &Arc<RuntimeEnv>) -> Result<SessionState> {
        let catalog = sql::catalog_list()?;
        let builder = on(runtime, &self.states.sql).with_catalog_list(catalog);
        let mut state = builder.build();
        // What `now()` is.
        state.mark_start_execution();
        Ok(state)
    }
}

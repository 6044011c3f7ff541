//! Threads that only queries have: what comes in is taken in, whatever is asked.
//!
//! ```text
//!  connection ─► credentials ─►│ question ─► plan ─► rows ─► JSON ─► compression │─► pieces ─► connection
//!                              └── threads of queries, which give way to others ─┘
//! ```
//! As many as there are processors, and they give way ([`spoor_storage::priority`]): alone they have the machine, beside
//! ingest what it leaves. All that an answer takes is done there, from reading the question on; a client that goes away
//! ends it there. Whoever lists and stops queries is answered elsewhere, also when all these threads are busy.

mod pieces;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use spoor_storage::priority::{self, give_way};
use spoor_storage::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;
use tower_http::compression::CompressionLayer;
use tracing::Instrument;

use crate::admin;
use crate::api::{self, ApiError};
use crate::engine::{QueryEngine, QueryMetrics};

/// Plans of long queries nest deeply, most of all in a build without optimisation. This is address
/// space, not memory, until it is used.
pub const STACK_BYTES: usize = 16 << 20;

/// The threads of one engine. They are to be dropped after its storage is closed, which waits for what they do.
pub struct QueryThreads {
    engine: QueryEngine,
    /// `None` once dropped.
    runtime: Option<Runtime>,
}

/// What the layer has.
#[derive(Debug, Clone)]
struct There {
    threads: Handle,
    /// An answer of which the client takes nothing for so long is ended.
    patience: Duration,
    metrics: QueryMetrics,
}

// === impl QueryThreads ===

impl QueryThreads {
    /// Starts [`crate::QueryOptions::parallelism`] threads. Errors if the system has none.
    pub fn start(engine: QueryEngine) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(engine.options().parallelism.max(1))
            .thread_name("spoor-query")
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(|| give_way(priority::QUERIES))
            .enable_all()
            .build()
            .map_err(|source| {
                Error::internal("cannot start the threads of queries").with_source(source)
            })?;
        Ok(Self {
            engine,
            runtime: Some(runtime),
        })
    }

    /// The routes of [`crate::router`], answered on these threads.
    pub fn router(&self) -> Router {
        let engine = || self.engine.clone();
        self.answering(api::asking_router(engine()))
            .merge(api::listing_router(engine()))
    }

    /// The routes of [`crate::admin_router`], answered on these threads.
    pub fn admin_router(&self) -> Router {
        let engine = || self.engine.clone();
        self.answering(admin::changing_router(engine()))
            .merge(api::stopping_router(engine()))
    }

    fn answering(&self, router: Router) -> Router {
        let Some(runtime) = &self.runtime else {
            return router;
        };
        let there = There {
            threads: runtime.handle().clone(),
            patience: self.engine.options().stall_timeout,
            metrics: self.engine.metrics().clone(),
        };
        router
            .layer(CompressionLayer::new())
            .layer(from_fn_with_state(Arc::new(there), answered))
    }
}

impl Drop for QueryThreads {
    fn drop(&mut self) {
        // Without waiting: this may be one of another runtime's threads.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for QueryThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryThreads")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// Has the request answered there. Dropped, nobody works on it any more.
async fn answered(State(there): State<Arc<There>>, request: Request, next: Next) -> Response {
    let mut work = JoinSet::new();
    // What is logged there is of the same request.
    work.spawn_on(next.run(request).in_current_span(), &there.threads);
    match work.join_next().await {
        Some(Ok(response)) => response.map(|body| pieces::handed_over(body, &there)),
        Some(Err(ended)) => match ended.try_into_panic() {
            // As if it had been here.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => closing(),
        },
        None => closing(),
    }
}

fn closing() -> Response {
    let error = Error::new(ErrorKind::Unavailable, "the server is stopping");
    ApiError::from(error).into_response()
}

#[cfg(test)]
mod tests;

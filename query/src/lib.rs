//! Plans and answers queries over one snapshot; the HTTP API.
//!
//! ```text
//!  HTTP ─► api ─► language / sql ─► DataFusion plan ─► table (buffer ∪ Parquet) ─► rows ─► JSON
//!                                        │                 │
//!                                    functions      snapshot, index
//! ```
//!
//! Modules in reading order: [`engine`] (limits, one session a query), [`session`] (one snapshot,
//! one deadline, one memory pool), [`table`] (what DataFusion scans), `by_file` (counting that reads a file once), [`functions`] (full text and
//! attributes in SQL), [`language`] (the search language), [`sql`], [`parameters`], [`otlp`]
//! (rows back to OTLP JSON), [`trace`] (trees, search), `traceql`, `logql` (`tokens`: what their parsers share), [`services`], `patterns`,
//! `exceptions`, `failures`, `difference`, `searches`, `tenants`, `explain` (why a query reads what it reads), [`api`], [`admin`] (what changes stored data), [`threads`] (where both are
//! answered) and [`openapi`] (the document of both).

pub mod admin;
pub mod api;
pub mod attributes;
mod by_file;
mod difference;
pub mod engine;
mod exceptions;
mod explain;
mod failure;
mod failures;
pub mod functions;
#[doc(hidden)]
pub mod fuzz;
mod jaeger;
pub mod language;
mod listing;
mod logql;
mod loki;
pub mod openapi;
pub mod otlp;
pub mod parameters;
mod patterns;
mod searches;
pub mod services;
pub mod session;
mod sql;
pub mod table;
mod tempo;
mod tenants;
#[cfg(test)]
mod testing;
pub mod threads;
mod tokens;
pub mod trace;
mod traceql;

pub use admin::admin_router;
pub use api::{ApiError, ApiState, router};
pub use engine::{QueryEngine, QueryOptions};
pub use session::{Outcome, QuerySession};
pub use threads::{QueryThreads, STACK_BYTES};

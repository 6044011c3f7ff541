//! Storage: what is acknowledged is on disk, visible, and there once.
//!
//! ```text
//!  append ─► wal (fsync) ─► buffer ─► flush ─► parquet + idx ─► compaction
//!                             │                    │
//!                             └──────► snapshot ◄──┴── catalog (SQLite)
//! ```
//!
//! Storage knows Arrow, not HTTP and not OTLP. Modules in reading order: [`error`], [`model`],
//! [`text`], [`engine`] (the front door), [`snapshot`] (what a query sees), [`index`].

pub mod engine;
pub mod error;
pub mod index;
pub mod model;
pub mod snapshot;
pub mod text;

pub use engine::{Admission, Decode, Ingest, Storage, StorageOptions};
pub use error::{Error, ErrorKind, Result};
pub use model::{
    FileId, Hour, RecordId, SpanId, Table, TenantId, TimeRange, TraceId, ValueType,
};
pub use snapshot::{DataFile, FieldStatistics, Snapshot};

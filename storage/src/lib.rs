//! Storage: what is acknowledged is on disk, visible, and there once.
//!
//! ```text
//!  append ─► wal (fsync) ─► buffer ─► flush ─► parquet + idx ─► compaction
//!                             │                    │
//!                             └──────► snapshot ◄──┴── catalog
//! ```
//!
//! Storage knows Arrow, not HTTP and not OTLP. Modules in reading order: [`error`], [`model`],
//! [`text`], [`engine`] (the front door), [`snapshot`] (what a query sees), [`attributes`] (how
//! they lie in files), [`index`].

pub mod attributes;
mod budget;
mod buffer;
mod by_hash;
mod catalog;
mod check;
pub mod clock;
mod commit;
mod compaction;
mod counted;
mod deletion;
pub mod engine;
pub mod error;
mod evictions;
mod fault;
#[doc(hidden)]
pub mod file;
mod flush;
#[doc(hidden)]
pub mod fuzz;
mod hidden;
pub mod index;
mod layout;
mod metrics;
pub mod model;
pub mod priority;
mod recovery;
mod retention;
mod searches;
pub mod snapshot;
mod state;
mod statistics;
mod store;
mod tenants;
pub mod text;
mod wal;

#[cfg(test)]
mod test_rows;

pub use budget::Admission;
pub use catalog::CatalogLocation;
pub use check::{CheckReport, Problem, check};
pub use counted::{CountCache, QuestionId};
pub use deletion::{Deletion, DeletionKind, DeletionReport, DeletionState, RecordSet, Redaction};
pub use engine::{
    Decode, DeletionPreview, DeletionRequest, FixedRetention, Hidden, Ingest, Retention,
    RetentionPreview, RulePreview, Storage, StorageOptions,
};
pub use error::{Error, ErrorKind, Result};
pub use file::{
    ChunkChecksums, FileFacts, GroupPages, PageCache, PageCacheMetrics, PageCounts, refuse_newer,
};
pub use hidden::HiddenRows;
pub use model::{
    DeletionId, FileId, Hour, RecordId, SearchId, SpanId, Table, TenantId, TimeRange, TraceId,
    ValueType,
};
pub use recovery::{Loss, RecoveryProgress};
pub use retention::{
    CompileFilter, Pin, PolicyRecord, RetentionPolicy, RetentionRule, RowFilter, RuleProblem,
};
pub use searches::{SavedSearch, SearchContent, SearchView};
pub use snapshot::{DataFile, FieldStatistic, FieldStatistics, Snapshot};
pub use statistics::Sketch;
pub use store::{S3Location, StoreLocation};
pub use tenants::{TableUsage, TenantUsage};

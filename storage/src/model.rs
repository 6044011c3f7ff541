//! The data model: two tables, `spans` and `logs`, one row per span or log record.
//!
//! Field names are OTLP's own in snake case. Attributes of each scope are one map column from key
//! to value text plus one string with a type letter per entry, in the order they were sent, so
//! that what came in can be given back exactly.

mod ids;
pub mod level;
pub mod schema;
mod tenant;
mod time;
mod value;

pub use ids::{DeletionId, FileId, RecordId, SearchId, SpanId, TraceId};
pub use schema::{Table, logs_schema, schema_of, spans_schema};
pub use tenant::TenantId;
pub use time::{HOUR_NS, Hour, TimeRange};
pub use value::{ValueType, write_double};

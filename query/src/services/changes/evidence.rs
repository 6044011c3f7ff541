//! What speaks for a change of one service.

use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::words::{SearchQuery, SpanIdText, TraceIdText};

/// In what a service differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeKind {
    /// An operation takes more time of its own: time that none of its children covers.
    Slower,
    /// A larger share of the spans of an operation fails.
    Errors,
    /// Log records of one format, of level `warn` or worse, are more frequent.
    Logs,
    /// The service is in no trace any more.
    Silent,
    /// The service was in no trace before.
    Appeared,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ChangeEvidence)]
pub(super) struct Evidence {
    pub(super) kind: ChangeKind,
    /// Standard deviations of what chance would do, less what is explained by trouble below or hardly matters.
    pub(super) score: f64,
    /// The operation, the format of the log records, or the service.
    pub(super) name: String,
    /// Of the log records; null for other kinds.
    #[schema(required)]
    pub(super) level: Option<String>,
    /// Spans of the operation (`slower`), those that failed (`errors`), log records (`logs`), traces (`silent`, `appeared`).
    pub(super) count: u64,
    /// Of what `count` is a part: spans of the operation or of the service, or traces.
    pub(super) total: u64,
    pub(super) baseline_count: u64,
    pub(super) baseline_total: u64,
    /// Median of the operation's own time, in nanoseconds; null for other kinds.
    #[schema(required)]
    pub(super) p50_ns: Option<i64>,
    #[schema(required)]
    pub(super) baseline_p50_ns: Option<i64>,
    /// Finds the spans or log records, and maybe others; null if it cannot be written as a query.
    #[schema(value_type = Option<SearchQuery>, required)]
    pub(super) query: Option<String>,
    /// A trace to look at: the slowest, or one that failed; null if there is none.
    #[schema(value_type = Option<TraceIdText>, required)]
    pub(super) sample_trace_id: Option<String>,
    #[schema(value_type = Option<SpanIdText>, required)]
    pub(super) sample_span_id: Option<String>,
}

impl Evidence {
    /// Evidence of a kind with nothing but its counts: `[now, before]` of `[now, before]`.
    pub(super) fn of(kind: ChangeKind, name: &str, counts: [u64; 2], totals: [u64; 2]) -> Self {
        Self {
            kind,
            score: 0.0,
            name: name.to_owned(),
            level: None,
            count: counts[0],
            total: totals[0],
            baseline_count: counts[1],
            baseline_total: totals[1],
            p50_ns: None,
            baseline_p50_ns: None,
            query: None,
            sample_trace_id: None,
            sample_span_id: None,
        }
    }
}

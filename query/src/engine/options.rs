//! Limits of queries.

use std::time::Duration;

/// Limits of queries; [`QueryOptions::default`] gives the defaults.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Bytes of working memory of one query; over it, sorts and aggregations spill to disk, and
    /// what cannot spill fails with [`spoor_storage::ErrorKind::TooLarge`].
    pub memory_bytes: usize,
    /// Bytes of working memory of all queries that run; where there are none left, a query spills, and what
    /// cannot spill fails with [`spoor_storage::ErrorKind::Unavailable`].
    pub total_memory_bytes: usize,
    /// Bytes all running queries together may spill to disk.
    pub spill_bytes: u64,
    /// How long a query may take, waiting included.
    pub timeout: Duration,
    /// How long an export may take, waiting included.
    pub export_timeout: Duration,
    /// A query that took so long or longer is among the slow ones that are listed.
    pub slow_query: Duration,
    /// Queries that run at the same time; half of them may be exports.
    pub max_concurrent: usize,
    /// Queries that may wait for their turn; more are refused with [`spoor_storage::ErrorKind::Busy`].
    pub max_waiting: usize,
    /// Live tails that may be open.
    pub max_tails: usize,
    /// Rows of a SQL answer in the JSON form; more are cut off and the answer says so.
    pub max_rows_json: usize,
    /// Bytes of an export, and of a SQL answer in Arrow or Parquet; one with more is broken off.
    pub max_export_bytes: u64,
    /// Traces of a set that connects what is searched in logs and in spans; more are refused with
    /// [`spoor_storage::ErrorKind::TooLarge`].
    pub max_traces: usize,
    /// Bytes of Parquet footers, and of pages that few rows were read of, kept in memory.
    pub metadata_cache_bytes: usize,
    /// Bytes of traces kept assembled for the next window of them.
    pub trace_cache_bytes: usize,
    /// A query that may read more files than this reads their footers when it reads their rows, and
    /// not all of them first: they would push each other out of the cache and be read twice. A file that
    /// turns out broken then ends the query, which is asked again without it.
    pub footers_beforehand: usize,
    /// Who looks for the first rows in order of time looks first at about so many.
    pub first_slice_rows: u64,
    /// Threads that queries have ([`crate::QueryThreads`]), and threads' worth of parallelism of one query.
    pub parallelism: usize,
    /// An answer of which the client takes nothing for so long is ended.
    pub stall_timeout: Duration,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            total_memory_bytes: 1 << 30,
            spill_bytes: 4 << 30,
            timeout: Duration::from_mins(1),
            export_timeout: Duration::from_mins(15),
            slow_query: Duration::from_secs(1),
            max_concurrent: 8,
            max_waiting: 64,
            max_tails: 32,
            max_rows_json: 10_000,
            max_export_bytes: 1 << 30,
            max_traces: 1_000_000,
            metadata_cache_bytes: 256 << 20,
            trace_cache_bytes: 256 << 20,
            footers_beforehand: 1_000,
            first_slice_rows: 64 << 10,
            parallelism: std::thread::available_parallelism().map_or(2, usize::from),
            stall_timeout: Duration::from_mins(1),
        }
    }
}

impl QueryOptions {
    /// Of what is kept of Parquet files, that which is for pages.
    pub(super) fn page_cache_bytes(&self) -> usize {
        self.metadata_cache_bytes / 4
    }

    /// The rest of it.
    pub(super) fn footer_cache_bytes(&self) -> usize {
        self.metadata_cache_bytes - self.page_cache_bytes()
    }

    /// Exports that run at the same time.
    pub(super) fn max_exports(&self) -> usize {
        (self.max_concurrent / 2).max(1)
    }
}

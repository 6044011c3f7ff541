//! What a scan reads once it runs: our own count of bytes, and what DataFusion measures.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricValue, MetricsSet};
use object_store::path::Path;
use parking_lot::Mutex;
use spoor_storage::PageCounts;

/// Of one scan; its readers and sources add to it.
#[derive(Debug, Default)]
pub(super) struct Measured {
    bytes: AtomicU64,
    /// Of rows in memory that were read by themselves.
    buffer_bytes: AtomicU64,
    sources: Mutex<Vec<ExecutionPlanMetricsSet>>,
    files: Mutex<HashSet<Path>>,
    direct: Mutex<Direct>,
}

/// What reading rows by their numbers, without a plan, has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Direct {
    pub(super) row_groups: u64,
    /// Of all columns.
    pub(super) pages: u64,
    /// Of these, those that were in memory.
    pub(super) pages_in_memory: u64,
    /// Rows that passed the filter.
    pub(super) rows: u64,
    pub(super) elapsed_ns: u64,
}

/// Of how many something was decided, and how many of them are left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pruned {
    pub(super) before: u64,
    pub(super) left: u64,
}

/// What came of running it so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) files: u64,
    /// By the statistics of Parquet.
    pub(super) by_statistics: Pruned,
    /// Row groups that are left after statistics and limits.
    pub(super) row_groups: u64,
    pub(super) groups_ns: u64,
    /// Pages of the columns that filters are about.
    pub(super) pages: Pruned,
    /// Rows of these.
    pub(super) page_rows: Pruned,
    pub(super) pages_ns: u64,
    /// Rows that filters dropped while columns were decoded.
    pub(super) filtered_rows: u64,
    /// Rows that came out.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Of all partitions together.
    pub(super) elapsed_ns: u64,
}

impl Measured {
    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_buffer_bytes(&self, bytes: u64) {
        self.buffer_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn buffer_bytes(&self) -> u64 {
        self.buffer_bytes.load(Ordering::Relaxed)
    }

    /// A file is opened; the same one more than once if it is read in parts.
    pub(super) fn add_file(&self, path: &Path) {
        self.files.lock().insert(path.clone());
    }

    /// A source of files writes its measures there.
    pub(super) fn add_source(&self, metrics: ExecutionPlanMetricsSet) {
        self.sources.lock().push(metrics);
    }

    /// Pages are read by themselves, of a row group of which others were read before unless it `is_new`.
    pub(super) fn add_direct_pages(&self, is_new: bool, pages: PageCounts) {
        let mut direct = self.direct.lock();
        direct.row_groups += u64::from(is_new);
        direct.pages += pages.pages;
        direct.pages_in_memory += pages.pages_in_cache;
    }

    pub(super) fn add_direct_rows(&self, rows: u64) {
        self.direct.lock().rows += rows;
    }

    pub(super) fn add_direct_time(&self, elapsed: Duration) {
        let elapsed_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.direct.lock().elapsed_ns += elapsed_ns;
    }

    /// What was read by itself, of how many files and bytes.
    pub(super) fn direct(&self) -> (Direct, u64, u64) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        (*self.direct.lock(), self.files.lock().len() as u64, bytes)
    }

    /// What it came to; `None` if it was not run.
    pub(super) fn ran(&self) -> Option<Ran> {
        let mut ran = None;
        for source in self.sources.lock().iter() {
            let metrics = source.clone_inner();
            if metrics.iter().next().is_some() {
                ran.get_or_insert_with(Ran::default).add(&metrics);
            }
        }
        ran.map(|ran| Ran {
            files: self.files.lock().len() as u64,
            bytes: self.bytes.load(Ordering::Relaxed),
            ..ran
        })
    }
}

impl Ran {
    fn add(&mut self, metrics: &MetricsSet) {
        let number = |name| metrics.sum_by_name(name).map_or(0, |value| of(&value));
        self.by_statistics += pruned(metrics, "row_groups_pruned_statistics");
        // Files have no bloom filters: to DataFusion what statistics leave has passed those as well.
        let later_checked = pruned(metrics, "row_groups_pruned_bloom_filter");
        let by_limits = pruned(metrics, "limit_pruned_row_groups");
        let later = by_limits.before - by_limits.left + number("row_groups_pruned_dynamic_filter");
        self.row_groups += later_checked.left.saturating_sub(later);
        self.groups_ns += number("statistics_eval_time");
        self.pages += pruned(metrics, "page_index_pages_pruned");
        self.page_rows += pruned(metrics, "page_index_rows_pruned");
        self.pages_ns += number("page_index_eval_time");
        self.filtered_rows += number("pushdown_rows_pruned");
        self.rows += metrics.output_rows().map_or(0, |rows| rows as u64);
        self.elapsed_ns += number("time_elapsed_scanning_total") + number("time_elapsed_opening");
    }
}

impl std::ops::AddAssign for Pruned {
    fn add_assign(&mut self, other: Self) {
        self.before += other.before;
        self.left += other.left;
    }
}

fn of(value: &MetricValue) -> u64 {
    value.as_usize() as u64
}

fn pruned(metrics: &MetricsSet, name: &str) -> Pruned {
    match metrics.sum_by_name(name) {
        Some(MetricValue::PruningMetrics {
            pruning_metrics, ..
        }) => {
            let left = pruning_metrics.matched() as u64;
            Pruned {
                before: left + pruning_metrics.pruned() as u64,
                left,
            }
        }
        _ => Pruned::default(),
    }
}

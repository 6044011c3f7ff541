//! Errors and durations of spans, added up from files.

use super::quantile::{Durations, PackedDurations};
use crate::by_file::Cell;

/// Spans counted together. So many durations are kept one by one; of more they are counted in steps of
/// 0.8 %, told within half a step.
#[derive(Debug, Clone)]
pub(super) struct Figures<const EXACT: usize> {
    pub(super) error_count: u64,
    pub(super) durations: Durations,
}

/// [`Figures`] as they are kept.
#[derive(Debug)]
pub(super) struct KeptFigures {
    error_count: u64,
    durations: PackedDurations,
}

impl<const EXACT: usize> Figures<EXACT> {
    /// Adds a span.
    pub(super) fn add_span(&mut self, failed: bool, duration_ns: i64) {
        self.error_count += u64::from(failed);
        self.durations.add(duration_ns);
    }

    pub(super) fn span_count(&self) -> u64 {
        self.durations.count()
    }
}

impl<const EXACT: usize> Default for Figures<EXACT> {
    fn default() -> Self {
        Self {
            error_count: 0,
            durations: Durations::exact_up_to(EXACT),
        }
    }
}

impl<const EXACT: usize> Cell for Figures<EXACT> {
    type Kept = KeptFigures;

    fn add(&mut self, other: &Self) {
        self.error_count += other.error_count;
        self.durations.merge(&other.durations);
    }

    fn kept(&self) -> KeptFigures {
        KeptFigures {
            error_count: self.error_count,
            durations: self.durations.pack(),
        }
    }

    fn add_kept(&mut self, kept: &KeptFigures) {
        self.error_count += kept.error_count;
        self.durations.merge_packed(&kept.durations);
    }

    fn rows(&self) -> u64 {
        self.span_count()
    }

    fn more_bytes(&self) -> usize {
        self.durations.bytes()
    }

    fn more_kept_bytes(kept: &KeptFigures) -> usize {
        kept.durations.bytes()
    }
}

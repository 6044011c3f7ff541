//! How far the opening of a data directory has come, for whoever waits for it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts log segments while they are replayed. Shared between the opening and those who ask.
#[derive(Debug, Default)]
pub struct RecoveryProgress {
    segments: AtomicUsize,
    done: AtomicUsize,
}

impl RecoveryProgress {
    pub(super) fn begin(&self, segments: usize) {
        self.segments.store(segments, Ordering::Release);
    }

    pub(super) fn segment_done(&self) {
        self.done.fetch_add(1, Ordering::AcqRel);
    }
}

impl fmt::Display for RecoveryProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.segments.load(Ordering::Acquire);
        let done = self.done.load(Ordering::Acquire);
        if segments == 0 {
            write!(f, "opening the data directory")
        } else if done >= segments {
            write!(f, "replayed {segments} of {segments} log segments")
        } else {
            let at = done + 1;
            write!(f, "replaying the log, segment {at} of {segments}")
        }
    }
}

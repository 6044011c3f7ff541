//! Where storage says no: disk, log, memory, merges that have fallen behind. Each limit releases
//! by itself, and with a margin, so that it does not open and close all the time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Shared, StorageOptions};
use crate::budget::Admission;
use crate::commit::{closing, log_is_full};
use crate::compaction::Debt;
use crate::error::{Error, ErrorKind, Result};

/// When to come back to a full disk: somebody has to make room.
const DISK_RETRY_AFTER: Duration = Duration::from_secs(30);
/// When to come back while merging is behind.
const DEBT_RETRY_AFTER: Duration = Duration::from_secs(10);

/// How long a request waits for memory: a few flushes, and well below the ten seconds after which
/// exporters give up by default.
const PATIENCE: Duration = Duration::from_secs(2);

/// The limits that stay closed for a while.
#[derive(Debug)]
pub(super) struct Limits {
    disk: DiskMarks,
    max_waiting_files: u64,
    pub(super) disk_full: AtomicBool,
    /// As last seen; before that, and where it cannot be seen, without end.
    free_bytes: AtomicU64,
    /// The disk could not be asked last time.
    disk_unreadable: AtomicBool,
    /// Merging has fallen behind: requests are refused.
    pub(super) behind: AtomicBool,
    /// Merging is busy: buffers are flushed less often, so that there are fewer files.
    pub(super) busy: AtomicBool,
}

/// When the disk is full and when it is not any more.
#[derive(Debug, Clone, Copy)]
struct DiskMarks {
    min_free_bytes: u64,
    high_percent: u8,
    low_percent: u8,
}

impl DiskMarks {
    fn is_full(self, was_full: bool, free: u64, total: u64) -> bool {
        let used = 100.0 - free as f64 * 100.0 / total.max(1) as f64;
        let (bytes, percent) = if was_full {
            let more = self.min_free_bytes.saturating_add(self.min_free_bytes / 4);
            (more, self.low_percent)
        } else {
            (self.min_free_bytes, self.high_percent)
        };
        free < bytes || (self.high_percent < 100 && used >= f64::from(percent))
    }
}

impl Limits {
    pub(super) fn new(options: &StorageOptions) -> Self {
        Self {
            disk: DiskMarks {
                min_free_bytes: options.min_free_bytes,
                high_percent: options.disk_high_percent,
                low_percent: options.disk_low_percent.min(options.disk_high_percent),
            },
            max_waiting_files: options.max_waiting_files.max(1),
            disk_full: AtomicBool::new(false),
            free_bytes: AtomicU64::new(u64::MAX),
            disk_unreadable: AtomicBool::new(false),
            behind: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        }
    }

    /// Opens and closes by what waits to be merged.
    pub(super) fn owe(&self, debt: &Debt) {
        let most = self.max_waiting_files;
        let was = self.behind.load(Ordering::Acquire);
        let limit = if was { most / 2 } else { most };
        let is = debt.files > limit;
        if self.behind.swap(is, Ordering::AcqRel) != is {
            tracing::warn!(
                files = debt.files,
                behind = is,
                "files that wait to be merged"
            );
        }
        self.busy.store(debt.files > most / 8, Ordering::Release);
    }
}

impl Shared {
    pub(super) fn admit(&self, bytes: usize) -> Result<Admission> {
        self.take_requests()?;
        self.budget
            .admit(bytes)
            .map_err(|error| self.refused("memory", error))
    }

    pub(super) async fn admit_patiently(&self, bytes: usize) -> Result<Admission> {
        self.take_requests()?;
        let admitted = self.budget.admit_within(bytes, PATIENCE).await;
        admitted.map_err(|error| self.refused("memory", error))
    }

    fn refused(&self, reason: &'static str, error: Error) -> Error {
        let refused = &self.metrics.refused;
        refused.get_or_create(&[("reason", reason)]).inc();
        error
    }

    /// Whether requests are taken at all, whatever their size.
    fn take_requests(&self) -> Result<()> {
        let refuse = |reason, error| Err(self.refused(reason, error));
        if self.closing.load(Ordering::Acquire) {
            return Err(closing());
        }
        if self.limits.disk_full.load(Ordering::Acquire) {
            let error = Error::new(
                ErrorKind::Unavailable,
                "the disk of the data directory is almost full",
            )
            .with_hint("free some space; spoor goes on by itself")
            .with_retry_after(DISK_RETRY_AFTER);
            return refuse("disk", error);
        }
        if self.metrics.wal_bytes.get() >= self.options.wal_max_bytes {
            return refuse("log", log_is_full(self.options.wal_max_bytes));
        }
        if self.limits.behind.load(Ordering::Acquire) {
            let error = Error::new(
                ErrorKind::Busy,
                format!(
                    "more than {} files wait to be merged",
                    self.options.max_waiting_files
                ),
            )
            .with_hint("send again later; more --compaction-threads merge faster")
            .with_retry_after(DEBT_RETRY_AFTER);
            return refuse("merging", error);
        }
        Ok(())
    }

    pub(super) fn watch_disk(&self) {
        let limits = &self.limits;
        match rustix::fs::statvfs(self.layout.root()) {
            Ok(disk) => {
                limits.disk_unreadable.store(false, Ordering::Release);
                let free = disk.f_bavail * disk.f_frsize;
                let total = disk.f_blocks * disk.f_frsize;
                limits.free_bytes.store(free, Ordering::Release);
                self.metrics.free_disk_bytes.set(free);
                self.metrics.disk_bytes.set(total);
                let was_full = limits.disk_full.load(Ordering::Acquire);
                let full = limits.disk.is_full(was_full, free, total);
                limits.disk_full.store(full, Ordering::Release);
                self.metrics.disk_full.set(u64::from(full));
                if full != was_full {
                    tracing::warn!(free, full, "free disk space crossed the limit");
                }
            }
            // Once, not every tick: the counter of free bytes stays where it was.
            Err(source) if !limits.disk_unreadable.swap(true, Ordering::AcqRel) => {
                let error = Error::from_io("cannot see how full the disk is", source.into());
                tracing::warn!(%error);
            }
            Err(_) => {}
        }
    }

    /// Whether a merge that writes so many bytes leaves flushes the room that is theirs.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        let free = self.limits.free_bytes.load(Ordering::Acquire);
        free >= self.options.min_free_bytes.saturating_add(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_opens_again_only_with_a_margin() {
        let marks = DiskMarks {
            min_free_bytes: 100,
            high_percent: 90,
            low_percent: 80,
        };
        assert!(!marks.is_full(false, 150, 1_000));
        assert!(marks.is_full(false, 99, 10_000), "by bytes");
        assert!(marks.is_full(true, 124, 200));
        assert!(!marks.is_full(true, 126, 500));
        assert!(marks.is_full(false, 1_000, 10_000), "90 % are used");
        assert!(marks.is_full(true, 1_500, 10_000), "85 %, and it was full");
        assert!(!marks.is_full(true, 2_001, 10_000), "79.99 %");
        let off = DiskMarks {
            min_free_bytes: 0,
            high_percent: 100,
            low_percent: 98,
        };
        assert!(!off.is_full(true, 0, 10_000));
    }

    #[test]
    fn debt_closes_at_the_limit_and_opens_at_half_of_it() {
        let options = StorageOptions {
            max_waiting_files: 100,
            ..StorageOptions::new("unused")
        };
        let limits = Limits::new(&options);
        let mut behind = Vec::new();
        for files in [10, 100, 101, 60, 51, 50, 60] {
            limits.owe(&Debt {
                files,
                ..Debt::default()
            });
            behind.push(limits.behind.load(Ordering::Acquire));
        }
        assert_eq!(behind, [false, false, true, true, true, false, false]);
        assert!(limits.busy.load(Ordering::Acquire));
    }
}

//! Removes the bytes of rows that are hidden for good.
//!
//! A file all of whose rows are gone is dropped; another is written again without them. Files with
//! many of them come first; the others wait, because the next merge may do it for nothing, but
//! not beyond the middle of the time that was promised.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::hides;
use crate::clock::nanoseconds;
use crate::deletion::{Deletion, DeletionKind, DeletionState, rewrite};
use crate::engine::change::Replacement;
use crate::error::{ErrorKind, Result};
use crate::hidden::{HiddenPart, HiddenRows};
use crate::snapshot::DataFile;

/// From this share of its rows on a file is written again at once.
const AT_ONCE: f64 = 0.3;

impl Shared {
    /// Removes what is past recall, as far as that is due; with `further`, what retention rules hide
    /// can get there now.
    pub(super) async fn purge(&self, further: bool) -> Result<()> {
        let mut open = self.ledger.open();
        if further {
            self.begin_purges(&mut open).await?;
        }
        let mut due: Vec<Arc<DataFile>> = self
            .state
            .files()
            .iter()
            .filter(|file| self.is_due(file, &open))
            .map(Arc::clone)
            .collect();
        due.sort_by_key(|file| std::cmp::Reverse(droppable(file)));
        for file in due {
            self.goes_on()?;
            // Dropping a file makes room, writing it again takes some first.
            if droppable(&file) == file.rows || self.has_room(file.bytes) {
                self.drop_rows(&file).await?;
            }
        }
        // Replaced files go here and not only with the next tick, so that the report is of now.
        let deleted = self.delete_unreachable().await;
        self.finish(&open).await?;
        deleted
    }

    /// What a retention rule hid can no longer come back when its deadline has passed on the wall
    /// and on the clock that nobody can set, or when the disk is full.
    async fn begin_purges(&self, open: &mut [Deletion]) -> Result<()> {
        let now_ns = self.options.clock.now_ns();
        let disk_full = self.limits.disk_full.load(Ordering::Acquire);
        let mut begun = Vec::new();
        for deletion in open.iter_mut().filter(|one| one.is_undoable()) {
            let passed = now_ns >= deletion.deadline_ns && self.undo_left_ns(deletion) == 0;
            if passed || disk_full {
                if !passed {
                    tracing::warn!(deletion = %deletion.id, "the disk is full: expired rows are removed before their deadline");
                }
                deletion.state = DeletionState::Purging;
                begun.push(deletion.clone());
            }
        }
        if begun.is_empty() {
            return Ok(());
        }
        let _files_stay = self.changing.lock().await;
        self.note(&begun).await?;
        let files = self.state.files();
        let changed: Vec<_> = files
            .iter()
            .filter(|file| begun.iter().any(|deletion| hides(file, deletion.id)))
            .map(|file| {
                let parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
                let parts = parts.map(|part| HiddenPart {
                    undoable: part.undoable && !begun.iter().any(|one| one.id == part.deletion),
                    ..part.clone()
                });
                file.hiding(HiddenRows::of(parts.collect()))
            })
            .collect();
        self.state.rehidden(&changed);
        Ok(())
    }

    fn is_due(&self, file: &DataFile, open: &[Deletion]) -> bool {
        let rows = droppable(file);
        if rows == 0 {
            return false;
        }
        if rows == file.rows || rows as f64 >= file.rows as f64 * AT_ONCE {
            return true;
        }
        let patience = self.options.delete_deadline / 2;
        let half = nanoseconds(patience);
        let now_ns = self.options.clock.now_ns();
        open.iter()
            .filter(|deletion| hides(file, deletion.id))
            .any(|deletion| match deletion.kind {
                DeletionKind::Delete => {
                    u128::from(deletion.waited_ns) >= patience.as_nanos()
                        || now_ns >= deletion.deadline_ns.saturating_sub(half)
                }
                DeletionKind::Redact | DeletionKind::Retention => {
                    deletion.state == DeletionState::Purging
                }
            })
    }

    async fn drop_rows(&self, file: &Arc<DataFile>) -> Result<()> {
        let new = match rewrite(&self.writer, file, None).await {
            Ok(new) => new,
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                return self.quarantine(file, &error.to_string()).await;
            }
            Err(error) => return Err(error),
        };
        let removed = [Arc::clone(file)];
        let added: Vec<_> = new.into_iter().collect();
        let replacement = Replacement {
            added: &added,
            removed: &removed,
            ..Replacement::default()
        };
        // If a merge was quicker, it has dropped the rows.
        if self.replace(&replacement).await? {
            self.metrics.purged_rows.inc_by(droppable(file));
            self.metrics.rewritten_files.inc_by(added.len() as u64);
        }
        Ok(())
    }

    /// Notes down which deletions have nothing left.
    async fn finish(&self, open: &[Deletion]) -> Result<()> {
        let now_ns = self.options.clock.now_ns();
        let files = self.state.files_with_bytes();
        let mut finished = Vec::new();
        for deletion in open {
            if files.iter().any(|file| hides(file, deletion.id)) {
                continue;
            }
            let state = if deletion.is_undoable() {
                DeletionState::Undone
            } else {
                DeletionState::Done
            };
            tracing::info!(
                deletion = %deletion.id, rows = deletion.rows, state = state.word(),
                "deletion has come to its end"
            );
            finished.push(Deletion {
                state,
                done_ns: Some(now_ns),
                ..deletion.clone()
            });
        }
        if finished.is_empty() {
            return Ok(());
        }
        self.note(&finished).await
    }
}

fn droppable(file: &DataFile) -> u64 {
    file.hidden
        .as_ref()
        .map_or(0, |hidden| hidden.droppable().len())
}

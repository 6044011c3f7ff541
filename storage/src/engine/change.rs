//! Changes to live files: replacing them, and hiding rows of them.
//!
//! Whoever changes a file has looked at one state of it (an `Arc<DataFile>`). If that is no longer
//! the state in force, nothing is changed and the caller looks again: so a merge never brings back
//! rows that were deleted while it ran, and a deletion never hides rows of a file that is gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::unsettled::Unsettled;
use super::{Shared, Storage};
use crate::catalog::Change;
use crate::commit::closing;
use crate::deletion::Deletion;
use crate::error::{Error, Result};
use crate::fault::Point;
use crate::hidden::{HiddenPart, HiddenRows, whole};
use crate::model::DeletionId;
use crate::snapshot::DataFile;

/// Files for files.
#[derive(Debug, Default)]
pub(super) struct Replacement<'a> {
    pub(super) added: &'a [Arc<DataFile>],
    pub(super) removed: &'a [Arc<DataFile>],
    /// What is noted down with it.
    pub(super) deletions: &'a [Deletion],
    /// The deletion that is not done before the bytes of `removed` are gone.
    pub(super) cause: Option<DeletionId>,
}

impl Storage {
    /// Carries out a change of hidden rows or of what decides about them. It comes to its end also
    /// if nobody waits for it any more (a client that went away), and closing waits for it: or the
    /// catalog would know of it and the snapshot would not.
    pub(super) fn edit<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let (shared, work) = (Arc::clone(&self.shared), Box::pin(work));
        async move {
            let closing_waits = Arc::clone(&shared.edits).read_owned().await;
            shared.goes_on()?;
            drop(shared);
            let task = tokio::spawn(async move {
                let outcome = work.await;
                // Only now: what the work held of the engine is gone.
                drop(closing_waits);
                outcome
            });
            task.await
                .map_err(|source| Error::internal("a change of rows failed").with_source(source))?
        }
    }
}

impl Shared {
    /// Errors when the engine is closing: what has not begun is left to the next start.
    pub(super) fn goes_on(&self) -> Result<()> {
        if self.closing.load(Ordering::Acquire) {
            return Err(closing());
        }
        Ok(())
    }

    /// Makes a replacement. Returns `false`, with the bytes of the added files deleted, if one of
    /// the removed ones is no longer in force.
    pub(super) async fn replace(&self, replacement: &Replacement<'_>) -> Result<bool> {
        let Replacement {
            added,
            removed,
            deletions,
            cause,
        } = replacement;
        let files_stay = self.changing.lock().await;
        let settled = Box::pin(self.settle()).await;
        if settled.is_err() || !self.in_force(removed) {
            drop(files_stay);
            for file in *added {
                self.writer.discard(file).await;
            }
            return settled.map(|()| false);
        }
        let retired = match cause {
            None => removed.to_vec(),
            Some(cause) => removed
                .iter()
                .map(|file| waiting_for(file, *cause))
                .collect::<Result<Vec<_>>>()?,
        };
        let change = Change {
            add: added,
            remove: removed,
            deletions,
            ..Change::default()
        };
        let commit = async {
            self.layout.fault(Point::MergeCommit)?;
            self.catalog.commit(&change).await?;
            self.layout.fault(Point::MergeCommitted)
        };
        let effect = Unsettled::Replaced {
            added: added.to_vec(),
            retired,
            deletions: deletions.to_vec(),
        };
        Box::pin(self.carry_out(effect, commit)).await?;
        Ok(true)
    }

    /// Gives files other hidden rows: each of `files` is the state in force and the new one.
    /// Returns `false` and changes nothing if one is no longer in force, or if a pin was set since
    /// `pins`.
    pub(super) async fn hide(
        &self,
        files: &[(Arc<DataFile>, Arc<DataFile>)],
        deletions: &[Deletion],
        pins: u64,
    ) -> Result<bool> {
        let (old, new): (Vec<_>, Vec<_>) = files.iter().cloned().unzip();
        let _files_stay = self.changing.lock().await;
        Box::pin(self.settle()).await?;
        if !self.in_force(&old) || self.ledger.with(|book| book.pins.version()) != pins {
            return Ok(false);
        }
        let change = Change {
            rehide: &new,
            deletions,
            ..Change::default()
        };
        let commit = async {
            self.layout.fault(Point::HideCommit)?;
            self.catalog.commit(&change).await?;
            self.layout.fault(Point::HideCommitted)
        };
        let effect = Unsettled::Hidden {
            files: new.clone(),
            deletions: deletions.to_vec(),
        };
        Box::pin(self.carry_out(effect, commit)).await?;
        Ok(true)
    }

    /// Whether every one of `files` is live in exactly this state.
    fn in_force(&self, files: &[Arc<DataFile>]) -> bool {
        let live = self.state.files();
        files.iter().all(|file| {
            live.of_hour(&file.tenant, file.table, file.hour)
                .iter()
                .any(|other| Arc::ptr_eq(file, other))
        })
    }
}

/// A file that is gone, as `deletion` sees it: its bytes are waited for.
fn waiting_for(file: &DataFile, deletion: DeletionId) -> Result<Arc<DataFile>> {
    let part = HiddenPart {
        deletion,
        undoable: false,
        rows: whole(file.rows)?,
    };
    let parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
    Ok(file.hiding(HiddenRows::of(parts.cloned().chain([part]).collect())))
}

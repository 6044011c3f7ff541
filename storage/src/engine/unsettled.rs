//! What became of a change that the catalog answered with an error.
//!
//! An error of a commit does not say that it was not made. So the catalog is asked; and while it cannot
//! say, the change is kept here, no other change of files begins, and it is asked again before the
//! next one and with every retention pass.

use std::sync::Arc;

use super::Shared;
use crate::deletion::Deletion;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Point;
use crate::retention::Book;
use crate::snapshot::DataFile;

/// A change as it takes effect once it is known to be made.
#[derive(Debug)]
pub(super) enum Unsettled {
    /// Files for files.
    Replaced {
        added: Vec<Arc<DataFile>>,
        /// What they replace, with what waits for its bytes to go.
        retired: Vec<Arc<DataFile>>,
        deletions: Vec<Deletion>,
    },
    /// Other hidden rows, for a reason that is noted with them.
    Hidden {
        files: Vec<Arc<DataFile>>,
        deletions: Vec<Deletion>,
    },
}

impl Shared {
    /// Makes a change and lets it take effect. [`Shared::changing`] must be held.
    pub(super) async fn carry_out(
        &self,
        change: Unsettled,
        commit: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let Err(error) = commit.await else {
            self.take_effect(&change);
            return Ok(());
        };
        match self.was_made(&change).await {
            Ok(true) => {
                tracing::warn!(%error, "a change was recorded in spite of an error");
                self.take_effect(&change);
                Ok(())
            }
            Ok(false) => {
                self.give_up(&change).await;
                Err(error)
            }
            Err(asking) => {
                tracing::warn!(%error, %asking, "it is not known whether a change was recorded");
                *self.unsettled.lock() = Some(Arc::new(change));
                self.retain.notify_one();
                Err(error)
            }
        }
    }

    /// Commits a policy or a pin: `apply` makes it known, and after an error `made` says whether it is.
    /// [`Shared::changing`] must be held.
    pub(super) async fn decide(
        &self,
        commit: impl Future<Output = Result<()>>,
        apply: impl FnOnce(&mut Book),
        made: impl FnOnce(&Book) -> bool,
    ) -> Result<()> {
        let Err(error) = commit.await else {
            self.ledger.with(apply);
            return Ok(());
        };
        self.ledger.with(|book| book.stale = true);
        match self.settle().await {
            Ok(()) if self.ledger.with(|book| made(book)) => {
                tracing::warn!(%error, "a policy or a pin was recorded in spite of an error");
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Finds out what is not known of earlier changes. Errors with [`ErrorKind::Unavailable`] while the
    /// catalog cannot say; then no other change may be made. [`Shared::changing`] must be held.
    pub(super) async fn settle(&self) -> Result<()> {
        let waiting = self.unsettled.lock().clone();
        if let Some(change) = waiting {
            if self.was_made(&change).await.map_err(unknown)? {
                tracing::info!("a change of which nothing was known was recorded");
                self.take_effect(&change);
            } else {
                self.give_up(&change).await;
            }
            *self.unsettled.lock() = None;
        }
        if self.ledger.with(|book| book.stale) {
            self.layout.fault(Point::AskCatalog).map_err(unknown)?;
            let policy = self.catalog.policy().await.map_err(unknown)?;
            let pins = self.catalog.pins().await.map_err(unknown)?;
            self.ledger.with(|book| book.read_again(policy, pins));
        }
        Ok(())
    }

    /// Asks the catalog whether it has a change. One of hidden rows without a deletion counts as not
    /// made: the next retention pass makes it again, and it is the same twice.
    async fn was_made(&self, change: &Unsettled) -> Result<bool> {
        self.layout.fault(Point::AskCatalog)?;
        match change {
            Unsettled::Replaced { added, retired, .. } => match (added.first(), retired.first()) {
                (Some(added), _) => self.catalog.is_live(added.id).await,
                // A file of which nothing is left has no successor.
                (None, Some(removed)) => Ok(!self.catalog.is_live(removed.id).await?),
                (None, None) => Ok(false),
            },
            Unsettled::Hidden { deletions, .. } => match deletions.first() {
                Some(first) => Ok(self.catalog.deletion(first.id).await?.as_ref() == Some(first)),
                None => Ok(false),
            },
        }
    }

    fn take_effect(&self, change: &Unsettled) {
        match change {
            Unsettled::Replaced {
                added,
                retired,
                deletions,
            } => {
                // A deletion or a redaction is noted with what it makes of the files.
                let merged = deletions.is_empty();
                self.state.compacted(added, retired, merged);
                self.ledger.note(deletions);
            }
            Unsettled::Hidden { files, deletions } => {
                // One that was set aside meanwhile stays so.
                let live = self.state.files();
                let mut files = files.clone();
                files.retain(|file| live.find(file.id).is_some());
                self.state.rehidden(&files);
                self.ledger.note(deletions);
            }
        }
    }

    async fn give_up(&self, change: &Unsettled) {
        if let Unsettled::Replaced { added, .. } = change {
            for file in added {
                self.writer.discard(file).await;
            }
        }
    }
}

fn unknown(source: Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the catalog does not say what became of an earlier change",
    )
    .with_hint("spoor asks again by itself; try again in a moment")
    .with_retry_after(std::time::Duration::from_secs(5))
    .with_source(source)
}

//! How long a list is looked for when there is something to show already.

use std::time::{Duration, Instant};

use spoor_storage::Result;

/// Until when who has some rows waits for more.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patience {
    /// `None`: to the end.
    until: Option<Instant>,
}

impl Patience {
    /// From now on so many milliseconds, or without end.
    pub(crate) fn of(milliseconds: Option<u64>) -> Self {
        let duration = milliseconds.map(Duration::from_millis);
        Self {
            until: duration.and_then(|duration| Instant::now().checked_add(duration)),
        }
    }

    /// The next step of a search that `has_some`, or nothing yet. `None` if patience ends before it does: what it has done
    /// by then is lost, which is no more than patience was long.
    pub(crate) async fn step<T>(
        self,
        has_some: bool,
        step: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        let Some(until) = self.until.filter(|_| has_some) else {
            return step.await.map(Some);
        };
        if until <= Instant::now() {
            return Ok(None);
        }
        match tokio::time::timeout_at(until.into(), step).await {
            Ok(done) => done.map(Some),
            Err(_) => Ok(None),
        }
    }
}

//! Waits for arrivals and gives, look by look, what came since the last one.

use std::sync::Arc;
use std::time::Duration;

use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::col;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, Result, Table, TenantId};
use tokio::time::Instant;

use super::mark::{Mark, now_ms};
use crate::engine::{QueryEngine, TailPlace};
use crate::session::QuerySession;

/// For a clock that is set back a little.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// A place in the order of arrival that moves on. It costs nothing while nothing arrives.
#[derive(Debug)]
pub(crate) struct Follower {
    engine: QueryEngine,
    tenant: TenantId,
    place: TailPlace,
    mark: Mark,
    pace: Duration,
    next_look: Instant,
}

/// What may have arrived since the last look.
#[derive(Debug)]
pub(crate) struct Look {
    /// Over the part of the snapshot that may have it.
    pub(crate) session: QuerySession,
    pub(super) before: Mark,
    pub(super) now: Mark,
}

impl Follower {
    /// Begins now, with the tenant of `place`; `pace` is the time between two looks.
    pub(crate) fn new(engine: QueryEngine, place: TailPlace, pace: Duration) -> Self {
        let mark = Mark {
            at_ms: now_ms(),
            record: *place.arrivals.borrow(),
        };
        Self {
            engine,
            tenant: place.tenant().clone(),
            place,
            mark,
            pace,
            next_look: Instant::now(),
        }
    }

    /// Everything up to here has been looked at.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Goes on from an earlier place.
    pub(super) fn resume(&mut self, mark: Mark) {
        self.mark = mark;
    }

    /// A query of everything that there is. What arrives after it is what the next look gives.
    pub(crate) async fn everything(&mut self) -> Result<QuerySession> {
        let at_ms = now_ms();
        let session = self.engine.begin(&self.tenant).await?;
        self.mark = Mark {
            at_ms,
            record: session.snapshot().last_record(),
        };
        Ok(session)
    }

    /// Waits until there is something to look at and it is time to; false when the tail must end.
    pub(crate) async fn more_arrived(&mut self) -> bool {
        let (mark, next_look) = (self.mark.record, self.next_look);
        let TailPlace {
            arrivals, ended, ..
        } = &mut self.place;
        let arrived = async {
            let arrived = arrivals.wait_for(|last| *last > mark).await.is_ok();
            tokio::time::sleep_until(next_look).await;
            arrived
        };
        tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => false,
            arrived = arrived => arrived,
        }
    }

    /// The error that the tail must end with, if it must end because somebody stopped it.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.place.stopped()
    }

    /// Waits until the tail must end.
    pub(crate) async fn must_end(&mut self) {
        // An engine that is gone has no tails either.
        if let Err(gone) = self.place.ended.wait_for(|ended| *ended).await {
            tracing::debug!(%gone, "a live tail outlived its engine");
        }
    }

    /// Begins a look; when it is done, [`Follower::reached`] moves on.
    pub(crate) async fn look(&mut self) -> Result<Look> {
        self.next_look = Instant::now() + self.pace;
        let (before, at_ms) = (self.mark, now_ms());
        let whole = self.engine.storage().snapshot();
        let part = match before.time().checked_sub(CLOCK_SLACK) {
            Some(since) => {
                Arc::new(whole.arrived_since(&self.tenant, Table::Logs, before.record, since))
            }
            None => whole,
        };
        let session = self.engine.begin_on(&self.tenant, part).await?;
        let record = session.snapshot().last_record();
        Ok(Look {
            session,
            before,
            now: Mark { record, at_ms },
        })
    }

    /// Everything that a look may have found has been told or counted.
    pub(crate) fn reached(&mut self, look: &Look) {
        self.mark = look.now;
    }
}

impl Look {
    /// The condition that a record arrived since the last look.
    pub(crate) fn arrived(&self) -> Expr {
        col(RECORD_ID)
            .gt(lit(self.before.record.0))
            .and(col(RECORD_ID).lt_eq(lit(self.now.record.0)))
    }
}

//! One tail: looks at what arrived, tells it as events.

use std::collections::VecDeque;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use axum::response::sse::Event;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::lit;
use datafusion::prelude::col;
use serde_json::json;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, ErrorKind, RecordId, Result, Table};

use super::follow::{Follower, Look};
use super::mark::Mark;
use crate::api::logs::LogColumns;
use crate::engine::{QueryEngine, TailPlace};
use crate::failure::from_datafusion;
use crate::language::{Query, to_expr};

/// Between two looks; a tail that is asked more often shows no more to a person.
const PACE: Duration = Duration::from_millis(250);
const LOOKS_A_SECOND: usize = 4;
/// A client that comes back is told so many seconds' worth of records at once.
const CATCH_UP_SECONDS: usize = 10;
/// A client that comes back later than this begins anew.
const MAX_AWAY_MS: u64 = 3_600_000;

/// A tail that is open.
#[derive(Debug)]
pub(super) struct Watch {
    follower: Follower,
    query: Query,
    rate: usize,
    /// The next look may tell more than one of a tail that has been going on.
    catching_up: bool,
    ready: VecDeque<Event>,
    done: bool,
}

/// What a look found.
#[derive(Debug, Default)]
struct Found {
    /// In order of arrival.
    rows: Option<RecordBatch>,
    /// Matching records that came before `rows` and are not told.
    dropped: usize,
}

impl Watch {
    pub(super) fn new(
        engine: QueryEngine,
        place: TailPlace,
        query: Query,
        rate: usize,
        after: Option<Mark>,
    ) -> Self {
        let mut follower = Follower::new(engine, place, PACE);
        let now = follower.mark();
        // An id of another data directory, or of yesterday: what came since is not known.
        let known = after.filter(|mark| {
            mark.record <= now.record && now.at_ms.saturating_sub(mark.at_ms) <= MAX_AWAY_MS
        });
        let mark = known.unwrap_or(now);
        follower.resume(mark);
        let mut ready = VecDeque::new();
        if after.is_some() && known.is_none() {
            ready.push_back(dropped(None, mark));
        }
        ready.push_back(
            Event::default()
                .event("ready")
                .id(mark.to_string())
                .data("{}"),
        );
        Self {
            follower,
            query,
            rate,
            catching_up: known.is_some(),
            ready,
            done: false,
        }
    }

    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.done {
                return None;
            }
            if !self.follower.more_arrived().await {
                self.done = true;
                if let Some(error) = self.follower.stopped() {
                    self.ready.push_back(failure(&error));
                }
                continue;
            }
            match self.look().await {
                Ok(()) => {}
                // What it cannot look at now it looks at the next time.
                Err(error) if error.kind() == ErrorKind::Busy => {}
                Err(error) => {
                    tracing::warn!(%error, "a live tail ends");
                    self.done = true;
                    self.ready.push_back(failure(&error));
                }
            }
        }
    }

    async fn look(&mut self) -> Result<()> {
        let look = self.follower.look().await?;
        let found = self.find(&look).await?;
        self.catching_up = false;
        self.follower.reached(&look);
        if found.dropped > 0 {
            self.ready
                .push_back(dropped(Some(found.dropped), look.before));
        }
        if let Some(rows) = &found.rows {
            // A record of this look is not the last of it: where to go on is known from the look
            // before, and from the record itself.
            self.tell(rows, look.before.at_ms)?;
        }
        // Also when nothing matched, so that a client that comes back need not look again.
        let end = Event::default().event("mark").id(look.now.to_string());
        self.ready.push_back(end.data("{}"));
        Ok(())
    }

    async fn find(&self, look: &Look) -> Result<Found> {
        let session = &look.session;
        let most = if self.catching_up {
            self.rate * CATCH_UP_SECONDS
        } else {
            self.rate.div_ceil(LOOKS_A_SECOND)
        };
        // `now` is that of the look.
        let filter = to_expr(&self.query, Table::Logs)?;
        let wanted = filter.and(look.arrived());
        let matching = session
            .table(Table::Logs)
            .await?
            .filter(wanted)
            .map_err(from_datafusion)?;
        let newest = matching
            .clone()
            .sort(vec![col(RECORD_ID).sort(false, false)])
            .and_then(|frame| frame.limit(0, Some(most + 1)))
            .and_then(|frame| frame.sort(vec![col(RECORD_ID).sort(true, false)]))
            .map_err(from_datafusion)?;
        let batches = session.collect(newest).await?;
        let Some(first) = batches.first() else {
            return Ok(Found::default());
        };
        let rows = concat_batches(&first.schema(), &batches)?;
        if rows.num_rows() <= most {
            return Ok(Found {
                dropped: 0,
                rows: Some(rows),
            });
        }
        let total = session.collect(counted(matching)?).await?;
        let total: i64 = total
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values())
            .sum();
        let shown = rows.slice(rows.num_rows() - most, most);
        Ok(Found {
            dropped: usize::try_from(total)
                .unwrap_or_default()
                .saturating_sub(most),
            rows: Some(shown),
        })
    }

    fn tell(&mut self, rows: &RecordBatch, at_ms: u64) -> Result<()> {
        let columns = LogColumns::of(rows)?;
        let ids = rows
            .column_by_name(RECORD_ID)
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .ok_or_else(|| Error::internal("rows without record ids"))?
            .values();
        for (row, id) in ids.iter().enumerate() {
            let mark = Mark {
                record: RecordId(*id),
                at_ms,
            };
            self.ready.push_back(
                Event::default()
                    .event("log")
                    .id(mark.to_string())
                    .data(columns.json(row).to_string()),
            );
        }
        Ok(())
    }
}

fn counted(frame: datafusion::dataframe::DataFrame) -> Result<datafusion::dataframe::DataFrame> {
    frame
        .aggregate(vec![], vec![count(lit(1_i64)).alias("records")])
        .map_err(from_datafusion)
}

/// How many matching records are left out here; null if that cannot be known.
fn dropped(number: Option<usize>, mark: Mark) -> Event {
    Event::default()
        .event("dropped")
        .id(mark.to_string())
        .data(json!({"count": number}).to_string())
}

fn failure(error: &Error) -> Event {
    let body = json!({"error": {"code": error.kind().label(), "message": error.to_string(),
        "hint": error.hint()}});
    Event::default().event("error").data(body.to_string())
}

//! Which records a query means.
//!
//! The range is gone through in groups of hours, each a query of its own with its own deadline and
//! memory, over one snapshot: a deletion may be of months, and a query must be short.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, Hour, RecordSet, Result, Snapshot, Table, TenantId, TimeRange};

use crate::engine::QueryEngine;
use crate::failure::from_datafusion;
use crate::language::{self, Query};
use crate::listing::in_range;
use crate::session::QuerySession;

/// A group of hours ends when it has this many rows.
const GROUP_ROWS: u64 = 4_000_000;

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) records: RecordSet,
    pub(super) incomplete_reasons: Vec<String>,
}

/// The records of `range` that `query` means. `snapshot` should have the rows in it that
/// retention rules hide: what is to be deleted must not come back when a rule is changed.
pub(super) async fn choose(
    engine: &QueryEngine,
    snapshot: &Arc<Snapshot>,
    tenant: &TenantId,
    table: Table,
    range: TimeRange,
    query: &Query,
) -> Result<Chosen> {
    let mut chosen = Chosen {
        incomplete_reasons: snapshot.lost(tenant, table),
        ..Chosen::default()
    };
    let session = engine.begin_on(tenant, Arc::clone(snapshot)).await?;
    let filter = language::condition(&session, query, table, range).await?;
    chosen.note(&session);
    drop(session);
    for group in groups(snapshot, tenant, table, range) {
        let session = engine.begin_on(tenant, Arc::clone(snapshot)).await?;
        let time = table.time_column();
        let frame = session
            .table(table)
            .await?
            .filter(in_range(time, group).and(filter.clone()))
            .and_then(|frame| frame.select_columns(&[time, RECORD_ID]))
            .map_err(from_datafusion)?;
        let mut stream = session.stream(frame).await?;
        while let Some(batch) = session.next(&mut stream).await? {
            let times = batch
                .column_by_name(time)
                .and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
            let ids = batch
                .column_by_name(RECORD_ID)
                .and_then(|column| column.as_primitive_opt::<Int64Type>());
            let (Some(times), Some(ids)) = (times, ids) else {
                return Err(Error::internal("the rows lack their time or id"));
            };
            for (time_ns, id) in times.values().iter().zip(ids.values()) {
                chosen.records.insert(Hour::of(*time_ns), *id)?;
            }
        }
        chosen.note(&session);
    }
    Ok(chosen)
}

impl Chosen {
    /// What the session could not look at.
    fn note(&mut self, session: &QuerySession) {
        for reason in session.outcome().incomplete_reasons {
            if !self.incomplete_reasons.contains(&reason) {
                self.incomplete_reasons.push(reason);
            }
        }
    }
}

/// Ranges that hold all rows of `range`, oldest first, none overlapping.
fn groups(
    snapshot: &Snapshot,
    tenant: &TenantId,
    table: Table,
    range: TimeRange,
) -> Vec<TimeRange> {
    let mut hours: BTreeMap<Hour, u64> = BTreeMap::new();
    for file in snapshot.files(tenant, table, range) {
        *hours.entry(file.hour).or_default() += file.visible_rows();
    }
    for batch in snapshot.batches(tenant, table, range) {
        *hours.entry(batch.hour).or_default() += batch.batch.num_rows() as u64;
    }
    // Files that are set aside have no rows to count, and answers must still say so.
    for skipped in snapshot.skipped(tenant, table, range) {
        hours.entry(skipped.hour).or_default();
    }
    let mut groups: Vec<TimeRange> = Vec::new();
    let mut rows = u64::MAX;
    for (hour, hour_rows) in hours {
        let next = Hour(hour.0.saturating_add(1)).start_ns();
        let end_ns = next.min(range.end_ns);
        if rows >= GROUP_ROWS {
            groups.push(TimeRange {
                start_ns: hour.start_ns().max(range.start_ns),
                end_ns,
            });
            rows = 0;
        } else if let Some(group) = groups.last_mut() {
            group.end_ns = end_ns;
        }
        rows = rows.saturating_add(hour_rows);
    }
    groups
}

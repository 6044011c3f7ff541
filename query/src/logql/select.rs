//! The newest (or oldest) entries that a query leaves.
//!
//! Slices of time are read nearest first until there are enough entries. Where the condition decides which
//! rows are left, only the places of rows are read first, and wide columns only of those shown.

use std::collections::BTreeMap;

use spoor_storage::{Result, Table, TimeRange};

use super::ast::LogQuery;
use super::labels::Kind;
use super::pipeline::Entry;
use super::rows::{RowPlan, Rows};
use super::scan::{Budget, Processed, Scan, Wanted};
use crate::listing::{Listing, RowPlace, place_of};
use crate::parameters::Order;
use crate::session::QuerySession;

/// Rows that are read together where each entry depends on the one before.
const PAGE: usize = 2_000;

/// What is looked for.
#[derive(Debug)]
pub(crate) struct LogSearch<'q> {
    pub(crate) query: &'q LogQuery,
    pub(crate) range: TimeRange,
    pub(crate) order: Order,
    pub(crate) limit: usize,
    /// Entries that come sooner after the one before are left out; 0: none is.
    pub(crate) interval_ns: i64,
}

/// An entry that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) time_ns: i64,
    pub(crate) line: String,
    pub(crate) labels: Vec<(String, String, Kind)>,
}

impl Found {
    pub(crate) fn of(entry: &Entry<'_>) -> Self {
        let labels = entry.labels.iter();
        Self {
            time_ns: entry.time_ns,
            line: entry.line.clone().into_owned(),
            labels: labels
                .map(|label| (label.name.to_string(), label.value.to_string(), label.kind))
                .collect(),
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let labels = self.labels.iter().map(|(a, b, _)| a.len() + b.len() + 64);
        self.line.len() + 64 + labels.sum::<usize>()
    }
}

/// Finds entries, in order.
pub(crate) async fn find(
    session: &QuerySession,
    search: &LogSearch<'_>,
) -> Result<(Vec<Found>, Processed)> {
    let scan = Scan::new(session, search.query, search.range, &Wanted::all());
    if search.interval_ns > 0 {
        return one_by_one(session, search, &scan).await;
    }
    if scan.condition.exact {
        return places_first(session, search, &scan).await;
    }
    let mut slices = listing(session, search, &scan, None).slices();
    let budget = Budget::of(session, "log lines");
    let mut processed = Processed::default();
    let mut nearest: BTreeMap<(i64, i64), Found> = BTreeMap::new();
    while nearest.len() < search.limit
        && let Some(slice) = slices.next()
    {
        let before = nearest.len();
        let of_slice = scan
            .each(slice, |entry, record_id| {
                let key = match search.order {
                    Order::Asc => (entry.time_ns, record_id),
                    Order::Desc => (!entry.time_ns, !record_id),
                };
                let full = nearest.len() >= search.limit;
                if full && nearest.last_key_value().is_none_or(|(last, _)| key > *last) {
                    return Ok(());
                }
                let found = Found::of(&entry);
                budget.grow(found.bytes())?;
                nearest.insert(key, found);
                if nearest.len() > search.limit
                    && let Some((_, gone)) = nearest.pop_last()
                {
                    budget.shrink(gone.bytes());
                }
                Ok(())
            })
            .await?;
        processed.lines += of_slice.lines;
        processed.bytes += of_slice.bytes;
        let missing = search.limit.saturating_sub(nearest.len());
        slices.found(nearest.len().saturating_sub(before), missing);
    }
    Ok((nearest.into_values().collect(), processed))
}

fn listing<'a>(
    session: &'a QuerySession,
    search: &LogSearch<'_>,
    scan: &Scan<'_>,
    after: Option<RowPlace>,
) -> Listing<'a> {
    Listing {
        session,
        table: Table::Logs,
        range: search.range,
        order: search.order,
        filter: scan.condition.expr.clone(),
        after,
    }
}

async fn places_first(
    session: &QuerySession,
    search: &LogSearch<'_>,
    scan: &Scan<'_>,
) -> Result<(Vec<Found>, Processed)> {
    let batch = listing(session, search, scan, None)
        .first(search.limit)
        .await?;
    let plan = RowPlan::all();
    let rows = Rows::open(&plan, &batch)?;
    let mut processed = Processed {
        lines: rows.len() as u64,
        bytes: 0,
    };
    let mut found = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let mut entry = rows.entry(row);
        processed.bytes += entry.line.len() as u64;
        if scan.passes(&mut entry) {
            found.push(Found::of(&entry));
        }
    }
    Ok((found, processed))
}

/// In order, page by page.
async fn one_by_one(
    session: &QuerySession,
    search: &LogSearch<'_>,
    scan: &Scan<'_>,
) -> Result<(Vec<Found>, Processed)> {
    let plan = RowPlan::all();
    let mut processed = Processed::default();
    let mut found: Vec<Found> = Vec::new();
    let mut after = None;
    loop {
        let batch = listing(session, search, scan, after).first(PAGE).await?;
        let rows = Rows::open(&plan, &batch)?;
        processed.lines += rows.len() as u64;
        for row in 0..rows.len() {
            let mut entry = rows.entry(row);
            processed.bytes += entry.line.len() as u64;
            let soon = found.last().is_some_and(|last| {
                entry.time_ns.abs_diff(last.time_ns) < search.interval_ns.unsigned_abs()
            });
            if !soon && scan.passes(&mut entry) {
                found.push(Found::of(&entry));
                if found.len() == search.limit {
                    return Ok((found, processed));
                }
            }
        }
        if rows.len() < PAGE {
            return Ok((found, processed));
        }
        after = Some(place_of(&batch, Table::Logs, PAGE - 1)?);
    }
}

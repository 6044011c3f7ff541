//! Rows that are durable in the log but not in a file yet, as Arrow batches by event hour.

mod prepare;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

pub(crate) use prepare::{Prepared, check_hours, prepare, times_of};

use crate::error::Result;
use crate::model::{Hour, Table, TenantId, schema_of};
use crate::snapshot::BufferedBatch;

/// Where rows of a batch belong.
pub(crate) type Place = (TenantId, Table, Hour);

/// Batches with fewer rows are merged in the background of inserting, so that thousands of tiny
/// requests do not make thousands of tiny batches to scan. Those of exporters that collect (512 records by default) stay
/// as they are: to copy each of their rows once more would cost more than it saves.
const TIERS: [usize; 2] = [32, 256];
/// How many batches of a tier are merged into one of the next.
const FAN_IN: usize = 16;

/// The mutable buffer; changed only by the committer.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    places: HashMap<Place, Vec<Arc<BufferedBatch>>>,
    bytes: usize,
    rows: usize,
    oldest: Option<Instant>,
    /// Of the first and the last request inserted.
    requests: Option<(u64, u64)>,
}

impl Buffer {
    /// Adds the rows of request `sequence`; merges small batches.
    pub(crate) fn insert(&mut self, sequence: u64, batches: Vec<Arc<BufferedBatch>>) -> Result<()> {
        let first = self.requests.map_or(sequence, |(first, _)| first);
        self.requests = Some((first, sequence));
        self.oldest.get_or_insert_with(Instant::now);
        for batch in batches {
            self.bytes += batch.batch.get_array_memory_size();
            self.rows += batch.batch.num_rows();
            let place = (batch.tenant.clone(), batch.table, batch.hour);
            let list = self.places.entry(place).or_default();
            list.push(batch);
            let (before, after) = merge_small(list)?;
            self.bytes = (self.bytes + after).saturating_sub(before);
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Places with rows: files that a flush of this buffer makes.
    pub(crate) fn place_count(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// When the oldest row came in.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.oldest
    }

    /// The sequence of the last request inserted.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.requests().1
    }

    /// The sequences of the first and the last request inserted.
    pub(crate) fn requests(&self) -> (u64, u64) {
        self.requests.unwrap_or_default()
    }

    /// All batches, in no order.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Arc<BufferedBatch>> {
        self.places.values().flatten()
    }

    /// The batches of each place.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Place, &[Arc<BufferedBatch>])> {
        self.places
            .iter()
            .map(|(place, list)| (place, list.as_slice()))
    }
}

/// Merges the run of small batches at the end of `list` tier by tier, as a log-structured merge
/// does: each row is copied once a tier. Returns the bytes of what was merged before and after.
fn merge_small(list: &mut Vec<Arc<BufferedBatch>>) -> Result<(usize, usize)> {
    let (mut before, mut after) = (0, 0);
    for limit in TIERS {
        let run = list
            .iter()
            .rev()
            .take_while(|batch| batch.batch.num_rows() < limit)
            .count();
        if run < FAN_IN {
            break;
        }
        let from = list.len() - run;
        let tail = list.split_off(from);
        let merged = merge(&tail)?;
        before += tail
            .iter()
            .map(|batch| batch.batch.get_array_memory_size())
            .sum::<usize>();
        after += merged.batch.get_array_memory_size();
        list.push(Arc::new(merged));
    }
    Ok((before, after))
}

fn merge(batches: &[Arc<BufferedBatch>]) -> Result<BufferedBatch> {
    let first = &batches[0];
    let parts: Vec<&RecordBatch> = batches.iter().map(|batch| &batch.batch).collect();
    Ok(BufferedBatch {
        tenant: first.tenant.clone(),
        table: first.table,
        hour: first.hour,
        min_time_ns: batches.iter().map(|b| b.min_time_ns).min().unwrap_or(0),
        max_time_ns: batches.iter().map(|b| b.max_time_ns).max().unwrap_or(0),
        batch: concat_batches(&schema_of(first.table), parts)?,
    })
}

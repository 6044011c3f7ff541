//! Merges sorted inputs into one sorted sequence, by (event time, record id).
//!
//! Streaming: of each input one batch is in memory, from the first of its rows that is wanted to
//! the last, and those whose rows wait to be given out.
//! Rows are not moved one by one: the merge works on *runs* of rows that one input has before
//! the next row of any other, so inputs that hardly overlap (flushes, one after the other) cost
//! no more than copying.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::{Int64Array, TimestampNanosecondArray};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::record_batch::RecordBatch;

use super::read::BATCH_ROWS;
use crate::buffer::times_of;
use crate::error::{Error, Result};
use crate::model::schema::RECORD_ID;
use crate::model::{Table, schema_of};

/// Runs at least this long are copied as slices; shorter ones row by row.
const LONG_RUN: usize = 32;

/// A row's place in the order of a file.
type Key = (i64, i64);

/// Something that gives sorted batches.
pub(crate) trait Sorted {
    /// No row has an earlier event time. Before the merge has come so far, nothing is asked of it.
    fn begins_ns(&self) -> i64;

    /// The next batch; `None` after the last. Rows are in ascending (event time, record id).
    async fn next(&mut self) -> Result<Option<RecordBatch>>;
}

/// The batch of an input that is being given out.
struct Cursor {
    /// Which of `held`.
    batch: usize,
    times: TimestampNanosecondArray,
    ids: Int64Array,
    at: usize,
}

impl Cursor {
    fn key(&self, row: usize) -> Key {
        (self.times.value(row), self.ids.value(row))
    }

    fn len(&self) -> usize {
        self.ids.len()
    }

    /// The first row from `at` on that comes after `bound`. Gallops: runs may be short or long.
    fn end_of_run(&self, bound: Key) -> usize {
        let (mut low, mut step) = (self.at, 1);
        while low + step < self.len() && self.key(low + step) <= bound {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(self.len());
        while low + 1 < high {
            let middle = low.midpoint(high);
            if self.key(middle) <= bound {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

/// Rows `from..to` of a held batch.
#[derive(Clone, Copy)]
struct Run {
    batch: usize,
    from: usize,
    to: usize,
}

/// The merge of several inputs.
pub(crate) struct SortMerge<S> {
    table: Table,
    inputs: Vec<S>,
    cursors: Vec<Option<Cursor>>,
    /// First keys of the cursors, and for inputs that were not asked yet where they begin at the
    /// earliest; smallest on top.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
    /// Batches that cursors or runs point into.
    held: Vec<RecordBatch>,
    runs: Vec<Run>,
    waiting_rows: usize,
    last: Option<Key>,
    started: bool,
    /// Most batches held at once.
    pub(crate) most_held: usize,
    /// Which input failed, if one did.
    pub(crate) failed: Option<usize>,
}

impl<S: Sorted> SortMerge<S> {
    pub(crate) fn new(table: Table, inputs: Vec<S>) -> Self {
        Self {
            table,
            cursors: inputs.iter().map(|_| None).collect(),
            inputs,
            heads: BinaryHeap::new(),
            held: Vec::new(),
            runs: Vec::new(),
            waiting_rows: 0,
            last: None,
            started: false,
            most_held: 0,
            failed: None,
        }
    }

    /// The next rows of the merge; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if !self.started {
            self.started = true;
            for (input, sorted) in self.inputs.iter().enumerate() {
                let earliest = (sorted.begins_ns(), i64::MIN);
                self.heads.push(Reverse((earliest, input)));
            }
        }
        while self.waiting_rows < BATCH_ROWS {
            let Some(Reverse((_, input))) = self.heads.pop() else {
                break;
            };
            let bound = self
                .heads
                .peek()
                .map_or((i64::MAX, i64::MAX), |Reverse((key, _))| *key);
            let Some(cursor) = &mut self.cursors[input] else {
                self.load(input).await?;
                continue;
            };
            let most = cursor.at + (BATCH_ROWS - self.waiting_rows);
            let to = cursor.end_of_run(bound).min(most);
            let run = Run {
                batch: cursor.batch,
                from: cursor.at,
                to,
            };
            cursor.at = to;
            let more = (to < cursor.len()).then(|| cursor.key(to));
            self.waiting_rows += run.to - run.from;
            self.add(run);
            if let Some(key) = more {
                self.heads.push(Reverse((key, input)));
            } else if !self.load(input).await? {
                // One batch of each input and one that has ended for each: else give out.
                continue;
            }
            if self.held.len() > 2 * self.inputs.len() {
                break;
            }
        }
        self.give_out()
    }

    fn add(&mut self, run: Run) {
        match self.runs.last_mut() {
            Some(last) if last.batch == run.batch && last.to == run.from => last.to = run.to,
            _ => self.runs.push(run),
        }
    }

    /// Takes the next batch of an input; `false` when there is none.
    async fn load(&mut self, input: usize) -> Result<bool> {
        self.cursors[input] = None;
        loop {
            let next = self.inputs[input].next().await;
            let Some(batch) = next.inspect_err(|_| self.failed = Some(input))? else {
                return Ok(false);
            };
            if batch.num_rows() == 0 {
                continue;
            }
            let cursor = cursor(self.table, &batch, self.held.len())
                .and_then(|cursor| {
                    if cursor.key(0).0 < self.inputs[input].begins_ns() {
                        return Err(Error::corrupt("rows before the first time of their file"));
                    }
                    Ok(cursor)
                })
                .inspect_err(|_| self.failed = Some(input))?;
            self.heads.push(Reverse((cursor.key(0), input)));
            self.cursors[input] = Some(cursor);
            self.held.push(batch);
            self.most_held = self.most_held.max(self.held.len());
            return Ok(true);
        }
    }

    fn give_out(&mut self) -> Result<Option<RecordBatch>> {
        let runs = std::mem::take(&mut self.runs);
        let rows = std::mem::take(&mut self.waiting_rows);
        let out = match runs.as_slice() {
            [] => return Ok(None),
            [run] => self.slice(*run),
            many if rows / many.len() >= LONG_RUN => {
                let slices: Vec<_> = many.iter().map(|run| self.slice(*run)).collect();
                concat_batches(&schema_of(self.table), &slices)?
            }
            many => {
                let held: Vec<&RecordBatch> = self.held.iter().collect();
                let places: Vec<(usize, usize)> = many
                    .iter()
                    .flat_map(|run| (run.from..run.to).map(|row| (run.batch, row)))
                    .collect();
                interleave_record_batch(&held, &places)?
            }
        };
        self.check_order(&out)?;
        self.let_go();
        Ok(Some(out))
    }

    fn slice(&self, run: Run) -> RecordBatch {
        self.held[run.batch].slice(run.from, run.to - run.from)
    }

    /// An input that is not sorted would give a file whose times in the catalog are wrong, and
    /// queries would miss rows.
    fn check_order(&mut self, out: &RecordBatch) -> Result<()> {
        let cursor = cursor(self.table, out, 0)?;
        for row in 0..cursor.len() {
            let key = cursor.key(row);
            if self.last.is_some_and(|last| last > key) {
                return Err(Error::internal("a merge got rows that are not in order"));
            }
            self.last = Some(key);
        }
        Ok(())
    }

    /// Drops batches that nothing points into.
    fn let_go(&mut self) {
        let held = std::mem::take(&mut self.held);
        let mut cursors: Vec<&mut Cursor> = self.cursors.iter_mut().flatten().collect();
        cursors.sort_unstable_by_key(|cursor| cursor.batch);
        let mut cursors = cursors.into_iter().peekable();
        for (at, batch) in held.into_iter().enumerate() {
            if let Some(cursor) = cursors.next_if(|cursor| cursor.batch == at) {
                cursor.batch = self.held.len();
                self.held.push(batch);
            }
        }
    }
}

fn cursor(table: Table, batch: &RecordBatch, held: usize) -> Result<Cursor> {
    times_of(table, batch)?;
    let times = batch
        .column_by_name(table.time_column())
        .and_then(|column| column.as_any().downcast_ref::<TimestampNanosecondArray>());
    let ids = batch
        .column_by_name(RECORD_ID)
        .and_then(|column| column.as_any().downcast_ref::<Int64Array>());
    match (times, ids) {
        (Some(times), Some(ids)) => Ok(Cursor {
            batch: held,
            times: times.clone(),
            ids: ids.clone(),
            at: 0,
        }),
        _ => Err(Error::corrupt("rows without times or record ids")),
    }
}

#[cfg(test)]
mod tests;

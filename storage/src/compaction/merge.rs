//! Merges files into one sequence of stretches (see `file/stretches.rs`): what is given out comes before all
//! that follows, by (event time, record id), and is within itself in the order of record ids.
//!
//! Streaming: of each input one stretch is in memory, from the first of its rows that is wanted to
//! the last, and those whose rows wait to be given out.
//! Rows are not moved one by one: the merge works on *runs* of rows that one input has before
//! the next row of any other. A stretch that no other input has rows within passes as it is, so inputs that hardly
//! overlap (flushes, one after the other) cost next to nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::record_batch::RecordBatch;

use super::policy::MAX_OPEN;
use crate::buffer::times_of;
use crate::error::{Error, Result};
use crate::file::{STRETCH_BYTES, STRETCH_ROWS, bytes_of, gather, record_ids};
use crate::model::Table;

/// A row's place in the order of a file.
type Key = (i64, i64);

/// Something that gives stretches, or batches in order.
pub(crate) trait Sorted {
    /// No row has an earlier event time. Before the merge has come so far, nothing is asked of it.
    fn begins_ns(&self) -> i64;

    /// The next rows; `None` after the last. They all come before those after them in (event time, record id).
    async fn next(&mut self) -> Result<Option<RecordBatch>>;
}

/// Rows of an input, and their order.
struct Held {
    rows: RecordBatch,
    /// Keys with the rows that have them, ascending.
    order: Vec<(Key, usize)>,
    row_bytes: usize,
}

impl Held {
    fn new(table: Table, rows: RecordBatch) -> Result<Self> {
        let times = times_of(table, &rows)?;
        let ids = record_ids(&rows)?.values();
        let keys = times.iter().copied().zip(ids.iter().copied());
        let mut order: Vec<_> = keys.zip(0..).collect();
        // Made of ascending runs, which this sort makes use of.
        order.sort_by_key(|(key, _)| *key);
        Ok(Self {
            row_bytes: bytes_of(&rows)? / rows.num_rows().max(1),
            rows,
            order,
        })
    }
}

/// The rows of an input that are being given out.
#[derive(Clone, Copy)]
struct Cursor {
    /// Which of `held`.
    batch: usize,
    /// Place in its order.
    at: usize,
}

impl Held {
    fn key(&self, at: usize) -> Key {
        self.order[at].0
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    /// The first place from `at` on that comes after `bound`. Gallops: runs may be short or long.
    fn end_of_run(&self, at: usize, bound: Key) -> usize {
        let (mut low, mut step) = (at, 1);
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

/// Places `from..to` in the order of held rows.
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
    /// Rows that cursors or runs point into.
    held: Vec<Held>,
    runs: Vec<Run>,
    waiting_rows: usize,
    waiting_bytes: usize,
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
            waiting_bytes: 0,
            last: None,
            started: false,
            most_held: 0,
            failed: None,
        }
    }

    /// The next stretch of the merge, of at most `most` rows (at least one); `None` after the last.
    pub(crate) async fn next(&mut self, most: usize) -> Result<Option<RecordBatch>> {
        if !self.started {
            self.started = true;
            for (input, sorted) in self.inputs.iter().enumerate() {
                let earliest = (sorted.begins_ns(), i64::MIN);
                self.heads.push(Reverse((earliest, input)));
            }
        }
        let most = most.clamp(1, STRETCH_ROWS);
        while self.waiting_rows < most && self.waiting_bytes < STRETCH_BYTES {
            let Some(Reverse((key, input))) = self.heads.pop() else {
                break;
            };
            let bound = self
                .heads
                .peek()
                .map_or((i64::MAX, i64::MAX), |Reverse((key, _))| *key);
            let Some(cursor) = self.cursors[input] else {
                self.load(input).await?;
                continue;
            };
            let held = &self.held[cursor.batch];
            let end = held.end_of_run(cursor.at, bound);
            let whole = cursor.at == 0 && end == held.len();
            let passes = whole && end <= most && end * 2 >= most;
            if passes && self.waiting_rows > 0 {
                self.heads.push(Reverse((key, input)));
                break;
            }
            let room = most - self.waiting_rows;
            let bytes_left = STRETCH_BYTES - self.waiting_bytes;
            let fit = room.min(bytes_left / held.row_bytes.max(1)).max(1);
            let to = if passes {
                end
            } else {
                end.min(cursor.at + fit)
            };
            let run = Run {
                batch: cursor.batch,
                from: cursor.at,
                to,
            };
            self.waiting_rows += to - run.from;
            self.waiting_bytes += (to - run.from) * held.row_bytes;
            let more = (to < held.len()).then(|| held.key(to));
            self.add(run);
            if let Some(key) = more {
                self.cursors[input] = Some(Cursor { at: to, ..cursor });
                self.heads.push(Reverse((key, input)));
            } else if !self.load(input).await? {
                continue;
            }
            // One batch of each input that is open and one that has ended for each: else give out.
            if passes || self.held.len() > 2 * self.inputs.len().min(MAX_OPEN) {
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
            let held = Held::new(self.table, batch)
                .and_then(|held| {
                    if held.key(0).0 < self.inputs[input].begins_ns() {
                        return Err(Error::corrupt("rows before the first time of their file"));
                    }
                    Ok(held)
                })
                .inspect_err(|_| self.failed = Some(input))?;
            self.heads.push(Reverse((held.key(0), input)));
            self.cursors[input] = Some(Cursor {
                batch: self.held.len(),
                at: 0,
            });
            self.held.push(held);
            self.most_held = self.most_held.max(self.held.len());
            return Ok(true);
        }
    }

    fn give_out(&mut self) -> Result<Option<RecordBatch>> {
        let runs = std::mem::take(&mut self.runs);
        let rows = std::mem::take(&mut self.waiting_rows);
        self.waiting_bytes = 0;
        self.check_order(&runs)?;
        let out = match runs.as_slice() {
            [] => return Ok(None),
            many => {
                let mut places = Vec::with_capacity(rows);
                for run in many {
                    let ordered = &self.held[run.batch].order[run.from..run.to];
                    places.extend(
                        ordered
                            .iter()
                            .map(|((time, id), row)| (*id, *time, (run.batch, *row))),
                    );
                }
                places.sort_unstable();
                let places: Vec<_> = places.into_iter().map(|(_, _, place)| place).collect();
                let sources: Vec<&RecordBatch> = self.held.iter().map(|held| &held.rows).collect();
                gather(&sources, &places)?
            }
        };
        self.let_go();
        Ok(Some(out))
    }

    /// An input that is not in order would give a file with times where queries do not look for them.
    fn check_order(&mut self, runs: &[Run]) -> Result<()> {
        for run in runs {
            let held = &self.held[run.batch];
            if self.last.is_some_and(|last| last > held.key(run.from)) {
                return Err(Error::internal("a merge got rows that are not in order"));
            }
            self.last = Some(held.key(run.to - 1));
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

#[cfg(test)]
mod tests;

//! Counting that reads a file once.
//!
//! ```text
//!  files ─┬─ counted before ─► from memory ───────────────────────────────────┐
//!         │     └─ of which the range cuts a bucket ─► read that bucket ────┐  │
//!         └─ others ─► read together, told apart by a number ─► to memory ──┴──┴─► added up
//!  buffer ───────────► read with them ──────────────────────────────────────┘
//! ```
//! Buckets begin at multiples of their width (those of windows that have their end, just after), so that a
//! file's counts serve every range, and those of finer buckets serve coarser ones. Of a file that lies in the range as a whole all is kept, of others
//! the buckets that do. What depends on more than the rows of a file is never kept.

mod asked;
mod cells;
mod groups;
mod matching;
mod places;
mod questions;
mod rows;
mod sorted;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::Expr;
use spoor_storage::{DataFile, FileId, Result, Table, TimeRange};

use crate::api::Buckets;
use crate::failure::from_datafusion;
use crate::listing::in_range;
use crate::session::QuerySession;
use crate::table::Part;

pub(crate) use cells::{Cell, Cells};
pub(crate) use groups::{GroupColumn, GroupCount, parts};
pub(crate) use matching::Matching;
pub(crate) use places::Places;
pub(crate) use questions::Questions;
pub(crate) use rows::{RowCount, distinct_values};
pub(crate) use sorted::{Sorted, file_numbers};

use asked::{Asked, Memory};
use sorted::MAX_CELLS;

/// All values that have no series of their own.
pub(crate) const OTHER: &str = "(other)";

/// How rows are counted.
pub(crate) trait Count: Sync {
    /// What is counted by value and bucket.
    type Cell: Cell;

    /// Tells apart what cells hold, where the rest is the same.
    const WHAT: &'static str;

    /// Bytes that a row may add to a cell that is there, at most, until the cell has [`Count::CELL_BYTES`].
    const ROW_BYTES: u64 = 0;

    /// Bytes that a cell may have beside itself.
    const CELL_BYTES: u64 = 0;

    /// By what, if by anything.
    fn by(&self) -> Option<&Expr>;

    /// How many values a file may have, about.
    fn values(&self, file: &DataFile) -> u64;

    /// What is read of rows. They have the number of their file ([`FILE_NUMBER`](crate::table::FILE_NUMBER)).
    fn read(&self, rows: DataFrame) -> Result<DataFrame>;

    /// Counts what was read.
    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Self::Cell>) -> Result<()>;

    /// Values with what is counted of all rows of a file, where the catalog says it.
    fn known(&self, _: &DataFile) -> Option<Vec<(Box<str>, Self::Cell)>> {
        None
    }
}

/// Which rows are counted, and in which buckets of time.
#[derive(Debug)]
pub(crate) struct ByFile<'a> {
    pub(crate) session: &'a QuerySession,
    pub(crate) table: Table,
    pub(crate) range: TimeRange,
    /// Of rows in the range those that match.
    pub(crate) filter: Expr,
    /// `None`: all times are one bucket, with the number 0.
    pub(crate) buckets: Option<Buckets>,
}

/// Rows to be read, and the files among them that have numbers.
type Read = (DataFrame, Vec<Arc<DataFile>>);

/// Where the cells of files are to come from.
#[derive(Debug, Default)]
struct Sources {
    /// Of which the cells are in memory.
    known: HashSet<FileId>,
    /// Those of them that have rows in a bucket of which the range has the end, or the beginning.
    first_cut: HashSet<FileId>,
    last_cut: HashSet<FileId>,
    /// To be read, and what is counted kept.
    counted: Vec<Arc<DataFile>>,
    /// How many others are read, and how many cells they have together, about.
    others: usize,
    other_cells: u64,
}

impl ByFile<'_> {
    /// The cells of all rows; `None` if there are too many to be held.
    pub(crate) async fn cells<C: Count>(&self, count: &C) -> Result<Option<Cells<C::Cell>>> {
        self.session.note_skipped(self.table, self.range);
        let asked = Asked::new(self, count);
        let mut cells = Cells::default();
        let sources = self.sources(&asked, &mut cells);
        if !cells.have_room() || sources.other_cells > MAX_CELLS as u64 {
            return Ok(None);
        }
        for (rows, files) in self.parts(&asked, sources)? {
            if !self.read(&asked, rows, &files, &mut cells).await? {
                return Ok(None);
            }
        }
        Ok(Some(cells))
    }

    /// Whether what is counted of each file is kept, as far as it is known beforehand.
    pub(crate) fn are_kept<C: Count>(&self, count: &C) -> bool {
        let asked = Asked::new(self, count);
        let (snapshot, tenant) = (self.session.snapshot(), self.session.tenant());
        let files = snapshot.files(tenant, self.table, self.range);
        files.iter().all(|file| asked.is_small(file))
    }

    /// What is to be read, with the files that are counted each by itself.
    fn parts<C: Count>(&self, asked: &Asked<'_, C>, sources: Sources) -> Result<Vec<Read>> {
        let mut parts = Vec::new();
        for (files, condition) in [
            (sources.first_cut, self.first_cut()),
            (sources.last_cut, self.last_cut()),
        ] {
            if !files.is_empty() {
                let rows = self.rows(Part::OnlyFiles(Arc::new(files)), &[], self.range)?;
                let rows = rows.filter(condition).map_err(from_datafusion)?;
                parts.push((rows, Vec::new()));
            }
        }
        // Of files that the range has all rows of, none is asked for its time: most of what it costs to
        // open a small one is to make plans of conditions.
        let counted = sources.counted.into_iter();
        let (whole, cut) = counted.partition(|file| self.has_all_of(file));
        let mut apart = sources.known;
        for (files, range) in [(whole, TimeRange::ALL), (cut, self.range)] {
            for group in asked.groups(files) {
                let ids: HashSet<FileId> = group.iter().map(|file| file.id).collect();
                apart.extend(&ids);
                let rows = self.rows(Part::OnlyFiles(Arc::new(ids)), &group, range)?;
                parts.push((rows, group));
            }
        }
        if sources.others > 0 || self.has_buffered() {
            let rest = self.rows(Part::WithoutFiles(Arc::new(apart)), &[], self.range)?;
            parts.push((rest, Vec::new()));
        }
        Ok(parts)
    }

    fn has_buffered(&self) -> bool {
        let (snapshot, tenant) = (self.session.snapshot(), self.session.tenant());
        !snapshot.batches(tenant, self.table, self.range).is_empty()
    }

    /// As [`ByFile::cells`], in one go, and nothing is kept. For counts that have a bound of their own.
    pub(crate) async fn of_all<C: Count>(&self, count: &C) -> Result<Cells<C::Cell>> {
        let asked = Asked::of_no_file(self, count);
        let mut cells = Cells::default();
        self.read(&asked, self.all_rows()?, &[], &mut cells).await?;
        Ok(cells)
    }

    /// By file if there is room for it, else of all.
    pub(crate) async fn cells_or_all<C: Count>(&self, count: &C) -> Result<Cells<C::Cell>> {
        match self.cells(count).await? {
            Some(cells) => Ok(cells),
            None => self.of_all(count).await,
        }
    }

    /// All rows that match, for those who count them in another way.
    pub(crate) fn all_rows(&self) -> Result<DataFrame> {
        self.rows(Part::All, &[], self.range)
    }

    /// Adds up what is in memory, and says what else there is.
    fn sources<C: Count>(&self, asked: &Asked<'_, C>, cells: &mut Cells<C::Cell>) -> Sources {
        let mut sources = Sources::default();
        let (snapshot, tenant) = (self.session.snapshot(), self.session.tenant());
        for file in snapshot.files(tenant, self.table, self.range) {
            let needed = self.needed(&file);
            match asked.add_known(&file, &needed, cells) {
                Memory::Added => {
                    let first = self.bucket(file.min_time_ns.max(self.range.start_ns));
                    let last = self.range.end_ns.saturating_sub(1);
                    let last = self.bucket(file.max_time_ns.min(last));
                    if first < needed.start {
                        sources.first_cut.insert(file.id);
                    }
                    if last >= needed.end {
                        sources.last_cut.insert(file.id);
                    }
                    sources.known.insert(file.id);
                }
                Memory::Unknown if asked.is_worth_keeping(&file, &needed) => {
                    sources.counted.push(file);
                }
                Memory::Unknown | Memory::TooMany => {
                    sources.others += 1;
                    sources.other_cells += asked.cells(&file);
                }
            }
        }
        sources
    }

    /// Rows that match of a part of the snapshot, where these files have their places as numbers.
    fn rows(&self, part: Part, files: &[Arc<DataFile>], range: TimeRange) -> Result<DataFrame> {
        let wanted = in_range(self.table.time_column(), range).and(self.filter.clone());
        let numbers = files.iter().map(|file| file.id).zip(0..).collect();
        self.session
            .part_of(self.table, part, numbers)?
            .filter(wanted)
            .map_err(from_datafusion)
    }

    /// Reads rows, adds them to `cells`, and keeps what was counted of the files that have numbers.
    /// Whether all had room.
    async fn read<C: Count>(
        &self,
        asked: &Asked<'_, C>,
        rows: DataFrame,
        files: &[Arc<DataFile>],
        cells: &mut Cells<C::Cell>,
    ) -> Result<bool> {
        let before = self.session.notes();
        let mut sorted = Sorted::new(files.len(), self.buckets.map_or(0, Buckets::first_number));
        let mut stream = self.session.stream(asked.count.read(rows)?).await?;
        while let Some(batch) = self.session.next(&mut stream).await? {
            asked.count.add(&batch, &mut sorted)?;
            if !asked.is_of_all && !sorted.has_room() {
                return Ok(false);
            }
        }
        let (of_files, rest) = sorted.finish();
        // A file that could not be read looks like one without rows.
        let all_read = self.session.notes() == before;
        for (file, counted) in files.iter().zip(of_files) {
            if all_read {
                asked.keep(file, &self.needed(file), counted.as_ref());
            }
            if let Some(counted) = counted {
                cells.add(&counted);
            }
        }
        cells.add(&rest);
        Ok(cells.have_room())
    }

    /// The number of the bucket of an instant.
    fn bucket(&self, time_ns: i64) -> i64 {
        self.buckets.map_or(0, |buckets| buckets.number_at(time_ns))
    }

    fn has_all_of(&self, file: &DataFile) -> bool {
        self.range.start_ns <= file.min_time_ns && file.max_time_ns < self.range.end_ns
    }

    /// The buckets in which a file has rows and the range has all of them.
    fn needed(&self, file: &DataFile) -> Range<i64> {
        if self.buckets.is_none() && !self.has_all_of(file) {
            return 0..0;
        }
        let from = if self.range.start_ns <= file.min_time_ns {
            self.bucket(file.min_time_ns)
        } else {
            self.first_whole()
        };
        let to = if file.max_time_ns < self.range.end_ns {
            self.bucket(file.max_time_ns).saturating_add(1)
        } else {
            self.bucket(self.range.end_ns)
        };
        from..to
    }

    /// The first bucket that the range does not begin within.
    fn first_whole(&self) -> i64 {
        let before = self.bucket(self.range.start_ns.saturating_sub(1));
        before.saturating_add(1)
    }

    /// The condition for rows of the bucket that the range begins within.
    fn first_cut(&self) -> Expr {
        let first = self.first_whole();
        let end_ns = self.buckets.map_or(0, |buckets| buckets.begin_of(first));
        let start_ns = i64::MIN;
        in_range(self.table.time_column(), TimeRange { start_ns, end_ns })
    }

    /// The condition for rows of the bucket that the range ends within.
    fn last_cut(&self) -> Expr {
        let last = self.bucket(self.range.end_ns);
        let start_ns = self.buckets.map_or(0, |buckets| buckets.begin_of(last));
        let end_ns = i64::MAX;
        in_range(self.table.time_column(), TimeRange { start_ns, end_ns })
    }
}

#[cfg(test)]
mod tests;

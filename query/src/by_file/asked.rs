//! What is asked of files, what is in memory of it, and what is put there.

use std::ops::Range;
use std::sync::Arc;

use datafusion::logical_expr::{Expr, lit};
use spoor_storage::{DataFile, QuestionId};

use super::cells::{ALL, Cells, ENTRY_BYTES, Kept};
use super::questions::Question;
use super::sorted::{MAX_BYTES, MAX_CELLS, MAX_FILE_BYTES, MAX_FILE_CELLS, MAX_KEPT_BYTES};
use super::{ByFile, Count};
use crate::api::Buckets;

/// A question, and those whose answers can stand in.
#[derive(Debug)]
pub(super) struct Asked<'a, C> {
    by_file: &'a ByFile<'a>,
    pub(super) count: &'a C,
    /// Nothing is told apart by file.
    pub(super) is_of_all: bool,
    /// Of files whose rows are all in one bucket, however long it is.
    whole: Option<QuestionId>,
    /// By bucket as asked, and then by finer ones, each with how many of them make one.
    bucketed: Vec<(QuestionId, i64)>,
}

/// What is in memory of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// The cells that are needed, and they were added.
    Added,
    /// That it has more cells than are kept.
    TooMany,
    /// Nothing that is of use.
    Unknown,
}

impl<'a, C: Count> Asked<'a, C> {
    pub(super) fn new(by_file: &'a ByFile<'a>, count: &'a C) -> Self {
        let mut asked = Self {
            is_of_all: false,
            ..Self::of_no_file(by_file, count)
        };
        let mut question = Question {
            table: by_file.table,
            filter: by_file.filter.clone(),
            by: count.by().cloned(),
            what: C::WHAT,
            width_ns: 0,
            origin_ns: 0,
        };
        if !question.is_about_rows_alone() {
            return asked;
        }
        let (questions, counted) = (by_file.session.questions(), by_file.session.counted());
        asked.whole = Some(questions.number(&question, counted));
        if let Some(buckets) = by_file.buckets {
            let (width_ns, origin_ns) = (buckets.width_ns, buckets.origin_ns());
            (question.width_ns, question.origin_ns) = (width_ns, origin_ns);
            let as_asked = questions.number(&question, counted);
            asked.bucketed.push((as_asked, 1));
            let finer = Buckets::finer(width_ns);
            for finer_ns in finer.filter(|finer_ns| origin_ns < *finer_ns) {
                question.width_ns = finer_ns;
                let finer = questions.find(&question);
                let finer = finer.map(|finer| (finer, width_ns / finer_ns));
                asked.bucketed.extend(finer);
            }
        }
        asked
    }

    /// The same question, of rows that are not told apart by file.
    pub(super) fn of_no_file(by_file: &'a ByFile<'a>, count: &'a C) -> Self {
        Self {
            by_file,
            count,
            is_of_all: true,
            whole: None,
            bucketed: Vec::new(),
        }
    }

    /// Adds what is in memory of the buckets `needed` of a file.
    pub(super) fn add_known(
        &self,
        file: &DataFile,
        needed: &Range<i64>,
        cells: &mut Cells<C::Cell>,
    ) -> Memory {
        let Some(whole) = self.whole.filter(|_| !needed.is_empty()) else {
            return Memory::Unknown;
        };
        let in_one = self.is_in_one_bucket(file);
        if in_one && let Some(known) = self.known(file) {
            for (value, counted) in known {
                super::Cell::add(cells.cell(&value, needed.start), &counted);
            }
            return Memory::Added;
        }
        let one = in_one.then_some((whole, 0));
        let answers: Vec<_> = one
            .into_iter()
            .chain(self.bucketed.iter().copied())
            .collect();
        let questions: Vec<QuestionId> = answers.iter().map(|(question, _)| *question).collect();
        let serves = |at: usize, kept: &Kept<C::Cell>| {
            let (_, parts) = answers[at];
            let of_parts = |bucket: i64| bucket.saturating_mul(parts);
            kept.values.is_none() || kept.has(&(of_parts(needed.start)..of_parts(needed.end)))
        };
        let counted = self.by_file.session.counted();
        let Some((at, kept)) = counted.get(file, &questions, serves) else {
            return Memory::Unknown;
        };
        if kept.values.is_none() {
            return Memory::TooMany;
        }
        let parts = answers[at].1;
        kept.add_to(cells, |bucket| match parts {
            0 => Some(needed.start),
            parts => Some(bucket.div_euclid(parts)).filter(|bucket| needed.contains(bucket)),
        });
        Memory::Added
    }

    /// What the catalog says of all rows of a file, if all are counted.
    fn known(&self, file: &DataFile) -> Option<Vec<(Box<str>, C::Cell)>> {
        let all: Expr = lit(true);
        (file.hidden.is_none() && self.by_file.filter == all)
            .then(|| self.count.known(file))
            .flatten()
    }

    /// Keeps what was counted of the buckets `needed` of a file; `None` is more than is kept.
    pub(super) fn keep(
        &self,
        file: &DataFile,
        needed: &Range<i64>,
        cells: Option<&Cells<C::Cell>>,
    ) {
        let by_bucket = self.bucketed.first().map(|(question, _)| *question);
        let in_one = self.is_in_one_bucket(file);
        let Some(question) = self.whole.filter(|_| in_one).or(by_bucket) else {
            return;
        };
        let mut kept = match cells {
            None => Kept::TOO_MANY,
            Some(cells) if in_one => cells.keep(ALL, |_| 0),
            Some(cells) => cells.keep(self.covered(file, needed), |bucket| bucket),
        };
        let mut bytes = kept.bytes();
        if bytes > MAX_KEPT_BYTES {
            kept = Kept::TOO_MANY;
            bytes = 0;
        }
        let counted = self.by_file.session.counted();
        counted.keep(file, question, Arc::new(kept), bytes);
    }

    /// The buckets of which all is known of a file whose buckets `needed` are.
    fn covered(&self, file: &DataFile, needed: &Range<i64>) -> Range<i64> {
        let range = self.by_file.range;
        let begins = range.start_ns <= file.min_time_ns;
        let ends = file.max_time_ns < range.end_ns;
        Range {
            start: if begins { ALL.start } else { needed.start },
            end: if ends { ALL.end } else { needed.end },
        }
    }

    /// Whether all rows of a file are in the range and in one bucket.
    fn is_in_one_bucket(&self, file: &DataFile) -> bool {
        let bucket = |time_ns| self.by_file.bucket(time_ns);
        self.by_file.has_all_of(file) && bucket(file.min_time_ns) == bucket(file.max_time_ns)
    }

    /// Whether some bucket of a file can be kept, and is not too much for that.
    pub(super) fn is_worth_keeping(&self, file: &DataFile, needed: &Range<i64>) -> bool {
        !needed.is_empty() && self.is_small(file)
    }

    /// Whether what is counted of a file depends on its rows alone, and is not too much to be kept.
    pub(super) fn is_small(&self, file: &DataFile) -> bool {
        self.whole.is_some() && self.cells(file) <= MAX_FILE_CELLS as u64
    }

    /// How many cells a file may have in the range, about.
    pub(super) fn cells(&self, file: &DataFile) -> u64 {
        let range = self.by_file.range;
        let first = self.by_file.bucket(file.min_time_ns.max(range.start_ns));
        let last = self.by_file.bucket(file.max_time_ns.min(range.end_ns));
        let buckets = last.saturating_sub(first).saturating_add(1).max(1);
        let values = self.count.values(file).max(1);
        file.rows.min(values.saturating_mul(buckets.unsigned_abs()))
    }

    /// Bytes that the cells of a file may take while its rows are added, about.
    fn bytes(&self, file: &DataFile) -> u64 {
        let cells = self.cells(file);
        let rows = file.rows.saturating_mul(C::ROW_BYTES);
        let cell = (ENTRY_BYTES + size_of::<C::Cell>()) as u64;
        let bytes = cells
            .saturating_mul(cell)
            .saturating_add(rows.min(cells.saturating_mul(C::CELL_BYTES)));
        bytes.min(MAX_FILE_BYTES as u64)
    }

    /// Files in groups that can be counted together.
    pub(super) fn groups(&self, files: Vec<Arc<DataFile>>) -> Vec<Vec<Arc<DataFile>>> {
        let mut groups: Vec<Vec<Arc<DataFile>>> = Vec::new();
        let (mut cells, mut bytes) = (0, 0);
        for file in files {
            cells += self.cells(&file);
            bytes += self.bytes(&file);
            match groups.last_mut() {
                Some(group) if cells <= MAX_CELLS as u64 && bytes <= MAX_BYTES as u64 / 2 => {
                    group.push(file);
                }
                _ => {
                    (cells, bytes) = (self.cells(&file), self.bytes(&file));
                    groups.push(vec![file]);
                }
            }
        }
        groups
    }
}

//! Entries counted by labels, from what is known of files.
//!
//! A file's entries are the same in every query that has the selector and the line filters, so they are counted
//! once (`by_file`), with the rows that the condition left, which answers tell as well. Pipelines that take
//! lines apart are not: what they make of a line may be as much as the line.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, lit};
use spoor_storage::{DataFile, Result, Table, TimeRange};

use super::{Processed, Scan, Stage};
use crate::api::Buckets;
use crate::by_file::{ByFile, Cell, Cells, Count, Places, Sorted, distinct_values};
use crate::failure::from_datafusion;
use crate::logql::labels::{Kind, Label, LabelSet};
use crate::logql::rows::{DETECTED_LEVEL, LEVEL, Rows, SERVICE};

/// In place of labels, for the rows that the condition left.
const READ: &str = "\0";
/// Between the parts of a key.
const MARK: char = '\0';
/// Levels with none.
const LEVELS: u64 = 7;

/// Entries, and the bytes of their lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Cell for Lines {
    type Kept = Self;

    fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }

    fn kept(&self) -> Self {
        *self
    }

    fn add_kept(&mut self, kept: &Self) {
        self.add(kept);
    }

    fn rows(&self) -> u64 {
        self.entries
    }
}

/// By what entries are told apart.
#[derive(Debug, Clone)]
pub(crate) enum By {
    /// The labels of these names.
    Labels(BTreeSet<String>),
    /// The labels of their streams.
    Streams,
}

/// Entries with the same labels in one bucket.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) labels: LabelSet,
    /// Of the part of this number; the bucket's number counts from the beginning of time.
    pub(crate) part: usize,
    pub(crate) bucket: i64,
    pub(crate) lines: Lines,
}

/// A range to be counted, in buckets or as a whole.
pub(crate) type Part = (TimeRange, Option<Buckets>);

impl Scan<'_> {
    /// The rows that the query leaves, to be counted file by file; `None` if only reading them tells which.
    pub(crate) fn rows_left(&self, range: TimeRange, buckets: Buckets) -> Option<ByFile<'_>> {
        let decided = self.condition.exact && self.stages.is_empty();
        let fits = buckets.start_ns <= range.start_ns
            && buckets.end_ns().checked_sub(buckets.start_ns).is_some();
        (decided && fits).then(|| self.rows(range, Some(buckets)))
    }

    /// The rows that the condition leaves.
    fn rows(&self, range: TimeRange, buckets: Option<Buckets>) -> ByFile<'_> {
        ByFile {
            session: self.session,
            table: Table::Logs,
            range,
            filter: self.condition.expr.clone(),
            buckets,
        }
    }

    /// Counts the entries of some ranges; `None` if they cannot be counted file by file, or if there are too
    /// many different ones.
    pub(crate) async fn count(
        &self,
        by: By,
        parts: &[Part],
    ) -> Result<Option<(Vec<Counted>, Processed)>> {
        if !self
            .stages
            .iter()
            .all(|stage| matches!(stage, Stage::Line(_)))
        {
            return Ok(None);
        }
        // What a pattern matches is not in the condition.
        let key = lit(format!("{by:?} {} {:?}", self.plan.has_line(), self.query));
        let (mut counted, mut processed) = (Vec::new(), Processed::default());
        for (part, (range, buckets)) in parts.iter().enumerate() {
            let rows = self.rows(*range, *buckets);
            let count = LineCount {
                scan: self,
                by: &by,
                key: &key,
                buckets: *buckets,
            };
            let Some(cells) = rows.cells(&count).await? else {
                return Ok(None);
            };
            take(cells, part, &mut counted, &mut processed);
        }
        Ok(Some((counted, processed)))
    }
}

fn take(cells: Cells<Lines>, part: usize, counted: &mut Vec<Counted>, processed: &mut Processed) {
    for (key, buckets) in cells.into_values() {
        if &*key == READ {
            processed.lines += buckets.values().map(|lines| lines.entries).sum::<u64>();
            processed.bytes += buckets.values().map(|lines| lines.bytes).sum::<u64>();
            continue;
        }
        let labels = labels_of(&key);
        counted.extend(buckets.into_iter().map(|(bucket, lines)| Counted {
            labels: labels.clone(),
            part,
            bucket,
            lines,
        }));
    }
}

#[derive(Debug)]
struct LineCount<'a> {
    scan: &'a Scan<'a>,
    by: &'a By,
    key: &'a Expr,
    buckets: Option<Buckets>,
}

impl Count for LineCount<'_> {
    type Cell = Lines;

    const WHAT: &'static str = "entries and bytes of lines by labels";

    fn by(&self) -> Option<&Expr> {
        Some(self.key)
    }

    fn values(&self, file: &DataFile) -> u64 {
        let of = |name: &str| match name {
            LEVEL | DETECTED_LEVEL => LEVELS,
            name => distinct_values(file, Table::Logs, name),
        };
        let values = match self.by {
            By::Labels(names) => names
                .iter()
                .map(|name| of(name))
                .fold(1, u64::saturating_mul),
            By::Streams => of(SERVICE).saturating_mul(LEVELS),
        };
        values.saturating_add(1)
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let mut columns = Places::columns(Table::Logs, self.buckets);
        columns.extend(self.scan.plan.select());
        rows.select(columns).map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Lines>) -> Result<()> {
        let places = Places::open(batch)?;
        let rows = Rows::open(&self.scan.plan, batch)?;
        let mut key = String::new();
        for row in 0..rows.len() {
            let place = places.of(row);
            let mut entry = rows.entry(row);
            let lines = Lines {
                entries: 1,
                bytes: entry.line.len() as u64,
            };
            sorted.cell(place, READ).add(&lines);
            if self.scan.passes(&mut entry) {
                write_key(
                    entry.labels.iter().filter(|label| self.by.has(label)),
                    &mut key,
                );
                sorted.cell(place, &key).add(&lines);
            }
        }
        Ok(())
    }
}

impl By {
    fn has(&self, label: &Label<'_>) -> bool {
        match self {
            Self::Labels(names) => names.contains(&*label.name),
            Self::Streams => label.kind == Kind::Stream,
        }
    }
}

/// `level␀5␀error`: no two sets of labels have the same.
fn write_key<'a, 'b: 'a>(labels: impl Iterator<Item = &'a Label<'b>>, key: &mut String) {
    let mut labels: Vec<(&str, &str)> = labels
        .map(|label| (label.name.as_ref(), label.value.as_ref()))
        .collect();
    labels.sort_unstable();
    key.clear();
    for (name, value) in labels {
        key.push_str(name);
        key.push(MARK);
        key.push_str(&value.len().to_string());
        key.push(MARK);
        key.push_str(value);
    }
}

fn labels_of(key: &str) -> LabelSet {
    let mut labels = LabelSet::new();
    let mut rest = key;
    while let Some((name, after)) = rest.split_once(MARK)
        && let Some((length, after)) = after.split_once(MARK)
        && let Ok(length) = length.parse()
        && let Some((value, after)) = after.split_at_checked(length)
    {
        labels.insert(name.to_owned(), value.to_owned());
        rest = after;
    }
    labels
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn keys_tell_labels_apart() {
        let sets: [&[(&str, &str)]; 6] = [
            &[],
            &[("a", "")],
            &[("a", "b"), ("c", "d")],
            &[("a", "b\u{0}c\u{0}1\u{0}d")],
            &[("a", "b"), ("c", "\0")],
            &[("level", "ä"), ("service_name", "1\u{0}x")],
        ];
        let mut keys = BTreeSet::new();
        for set in sets {
            let label = |(name, value): &(&'static str, &'static str)| Label {
                name: Cow::Borrowed(*name),
                value: Cow::Borrowed(*value),
                kind: Kind::Stream,
            };
            let labels: Vec<Label<'_>> = set.iter().rev().map(label).collect();
            let mut key = "before".to_owned();
            write_key(labels.iter(), &mut key);
            let expected = set
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(labels_of(&key), expected.collect::<LabelSet>());
            assert!(key != READ && keys.insert(key));
        }
    }
}

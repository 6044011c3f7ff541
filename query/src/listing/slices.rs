//! Time in slices, nearest first: who looks for the first rows seldom needs more than the first slices.
//!
//! How many rows a slice has is estimated: those of a file, or of a batch in memory, are taken to be spread evenly
//! over its time. A wrong estimate costs time and no row: slices do not overlap, and together they are the whole
//! range. A slice may begin within a file, of which then only the pages of that time are read.

use datafusion::logical_expr::Expr;
use spoor_storage::{Result, Table, TimeRange};

use crate::parameters::Order;
use crate::session::{Planned, QuerySession};
use crate::table::is_looked_up;

/// A slice has at most so many times the rows of the one before: if that had nothing, what is looked for is rare, and few
/// steps lead to it.
const MAX_GROWTH: u64 = 64;

/// The slices of a range.
#[derive(Debug)]
pub(crate) struct Slices {
    order: Order,
    /// What no slice has had yet; `None`: nothing.
    left: Option<TimeRange>,
    /// In the order of slices.
    marks: Vec<Mark>,
    /// Rows before the next slice, about.
    taken: f64,
    /// Rows that the first slice was to have, and the next is to have.
    first: u64,
    rows: u64,
    /// Indexes are to be asked whether they leave few rows of all that is left.
    asks: Asks,
}

/// Whether indexes are asked of all that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Never,
    /// Once the first slice was not enough.
    Second,
    Next,
}

/// Up to where there are about how many rows.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Of an instant that which grows along the slices.
    at: i128,
    rows: f64,
}

/// Rows of which the first and the last instant are known.
type Stretch = (i64, i64, u64);

impl Slices {
    /// Those of the rows of a table that a query sees.
    pub(crate) fn new(
        session: &QuerySession,
        table: Table,
        range: TimeRange,
        order: Order,
    ) -> Self {
        let (snapshot, tenant) = (session.snapshot(), session.tenant());
        let files = snapshot.files(tenant, table, range);
        let files = files
            .iter()
            .map(|file| (file.min_time_ns, file.max_time_ns, file.visible_rows()));
        let batches = snapshot.batches(tenant, table, range);
        let batches = batches.iter().map(|batch| {
            let rows = batch.batch.num_rows() as u64;
            (batch.min_time_ns, batch.max_time_ns, rows)
        });
        let first = session.options().first_slice_rows;
        Self::of(files.chain(batches), range, order, first)
    }

    /// A range as one slice.
    pub(crate) fn whole(range: TimeRange) -> Self {
        Self {
            order: Order::Desc,
            left: Some(range),
            marks: Vec::new(),
            taken: 0.0,
            first: 1,
            rows: 1,
            asks: Asks::Never,
        }
    }

    /// If indexes are asked where rows are that pass the filter.
    pub(crate) fn of_rows_that(mut self, table: Table, filter: &Expr) -> Self {
        if is_looked_up(table, filter) {
            self.asks = Asks::Second;
        }
        self
    }

    fn of(
        stretches: impl Iterator<Item = Stretch>,
        range: TimeRange,
        order: Order,
        first: u64,
    ) -> Self {
        let marks = marks(stretches, range, order);
        Self {
            order,
            left: (!marks.is_empty()).then_some(range),
            marks,
            taken: 0.0,
            first: first.max(1),
            rows: first.max(1),
            asks: Asks::Never,
        }
    }

    /// The next slice with the plan of it. What the first slice has not enough of may be rare: where indexes leave few rows
    /// of all that is left, that is the second slice.
    pub(crate) async fn next_planned<F: Future<Output = Result<Planned>>>(
        &mut self,
        plan: impl Fn(TimeRange) -> F,
    ) -> Result<Option<(TimeRange, Planned)>> {
        if self.asks == Asks::Next
            && let Some(rest) = self.left
        {
            self.asks = Asks::Never;
            let planned = plan(rest).await?;
            if planned.rows_to_read()? <= self.first {
                self.left = None;
                return Ok(Some((rest, planned)));
            }
        }
        if self.asks == Asks::Second {
            self.asks = Asks::Next;
        }
        match self.next() {
            Some(slice) => Ok(Some((slice, plan(slice).await?))),
            None => Ok(None),
        }
    }

    /// What no slice has had yet; `None` if nothing is left.
    pub(crate) fn left(&self) -> Option<TimeRange> {
        self.left
    }

    /// The last instant of all that is left; `None` if nothing is.
    pub(crate) fn next_ns(&self) -> Option<i64> {
        self.left.map(|left| left.end_ns.saturating_sub(1))
    }

    /// The next slice; `None` after the last.
    pub(crate) fn next(&mut self) -> Option<TimeRange> {
        let left = self.left.take()?;
        let Some(cut_ns) = self.cut(left) else {
            return Some(left);
        };
        let (before, behind) = (
            TimeRange {
                end_ns: cut_ns,
                ..left
            },
            TimeRange {
                start_ns: cut_ns,
                ..left
            },
        );
        let (slice, rest) = match self.order {
            Order::Asc => (before, behind),
            Order::Desc => (behind, before),
        };
        self.left = Some(rest);
        Some(slice)
    }

    /// Where the next slice of what is left ends; `None` where all of that does.
    fn cut(&mut self, left: TimeRange) -> Option<i64> {
        let all = self.marks.last()?.rows;
        let (rows, taken) = (self.rows as f64, self.taken + self.rows as f64);
        // Of what hardly anything would be left, nothing is.
        if taken + rows / 4.0 >= all {
            return None;
        }
        let behind = self.marks.partition_point(|mark| mark.rows < taken);
        let (a, b) = (
            self.marks.get(behind.checked_sub(1)?)?,
            self.marks.get(behind)?,
        );
        let length = b.at - a.at;
        let part = (taken - a.rows) / (b.rows - a.rows);
        let part_ns = within(length, part);
        self.taken = a.rows + (b.rows - a.rows) * (part_ns as f64 / length as f64);
        let cut_ns = self.instant(a.at + part_ns);
        // At its end it would cut off nothing.
        let cut_ns = match self.order {
            Order::Asc => cut_ns.max(left.start_ns.saturating_add(1)),
            Order::Desc => cut_ns.min(left.end_ns.saturating_sub(1)),
        };
        (left.start_ns < cut_ns && cut_ns < left.end_ns).then_some(cut_ns)
    }

    /// Says what came of the last slice, and how much is still missing: the next is as long as is likely to be enough.
    pub(crate) fn found(&mut self, found: usize, missing: usize) {
        let most = self.rows.saturating_mul(MAX_GROWTH);
        self.rows = match found as u64 {
            0 => most,
            // Twice as many as at the same rate.
            found => (self.rows.saturating_mul(2).saturating_mul(missing as u64) / found)
                .clamp(self.rows.saturating_mul(2), most),
        };
    }

    fn instant(&self, at: i128) -> i64 {
        let at = match self.order {
            Order::Asc => at,
            Order::Desc => -at,
        };
        i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
    }
}

/// A part of a length, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is between nothing and the length"
)]
fn within(length: i128, part: f64) -> i128 {
    ((length as f64 * part.clamp(0.0, 1.0)).ceil() as i128).min(length)
}

/// Where stretches begin and end, with the rows before.
fn marks(stretches: impl Iterator<Item = Stretch>, range: TimeRange, order: Order) -> Vec<Mark> {
    // By how much there are more rows a nanosecond from an instant on.
    let mut changes: Vec<(i128, f64)> = Vec::new();
    let range_end = match range.end_ns {
        i64::MAX => i128::MAX,
        end_ns => end_ns.into(),
    };
    for (min_ns, max_ns, rows) in stretches {
        let (first, end) = (i128::from(min_ns), i128::from(max_ns) + 1);
        let rate = rows as f64 / (end - first).max(1) as f64;
        let first = first.max(range.start_ns.into());
        let end = end.min(range_end);
        if first < end {
            let (from, to) = match order {
                Order::Asc => (first, end),
                Order::Desc => (-end, -first),
            };
            changes.extend([(from, rate), (to, -rate)]);
        }
    }
    changes.sort_unstable_by_key(|(at, _)| *at);
    let mut marks: Vec<Mark> = Vec::with_capacity(changes.len());
    let (mut rows, mut rate) = (0.0, 0.0);
    for (at, change) in changes {
        if let Some(last) = marks.last() {
            rows += f64::max(rate, 0.0) * (at - last.at) as f64;
        }
        rate += change;
        marks.push(Mark { at, rows });
    }
    marks
}

#[cfg(test)]
mod tests;

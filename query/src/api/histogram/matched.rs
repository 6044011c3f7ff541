//! Buckets over a range, or over what matches where the range is open.

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampNanosecondType;
use arrow::record_batch::RecordBatch;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, col};
use spoor_storage::{DataFile, Result, Table, TimeRange};

use super::Buckets;
use crate::by_file::{ByFile, Cell, Count, Sorted, file_numbers};
use crate::failure::from_datafusion;
use crate::session::QuerySession;
use crate::table::FILE_NUMBER;

impl Buckets {
    /// The buckets over `range`; where it is unbounded, over the first to the last value of the
    /// column `time` in `matching`, which is asked for only then. `None` if nothing matches and
    /// there is no range to show.
    pub(crate) async fn over_matching(
        session: &QuerySession,
        matching: impl Future<Output = Result<DataFrame>>,
        time: &str,
        range: TimeRange,
        most: usize,
    ) -> Result<Option<Self>> {
        let found = async { first_and_last(session, matching.await?, time).await };
        Self::over_found(range, found, most).await
    }

    /// As [`Buckets::over_matching`], for rows that are counted by file.
    pub(crate) async fn over_counted(rows: &ByFile<'_>, most: usize) -> Result<Option<Self>> {
        let extent = Extent(rows.table);
        let found = async {
            let Some(cells) = rows.cells(&extent).await? else {
                return Ok(None);
            };
            let mut cells = cells.into_values().flat_map(|(_, buckets)| buckets);
            Ok(cells.find_map(|(_, times)| times.0))
        };
        Self::over_found(rows.range, found, most).await
    }

    async fn over_found(
        mut range: TimeRange,
        found: impl Future<Output = Result<Option<(i64, i64)>>>,
        most: usize,
    ) -> Result<Option<Self>> {
        if range.start_ns == i64::MIN || range.end_ns == i64::MAX {
            let Some((first, last)) = found.await? else {
                return Ok(None);
            };
            if range.start_ns == i64::MIN {
                range.start_ns = first;
            }
            if range.end_ns == i64::MAX {
                range.end_ns = last.saturating_add(1);
            }
        }
        Self::over(range, most).map(Some)
    }
}

async fn first_and_last(
    session: &QuerySession,
    matching: DataFrame,
    time: &str,
) -> Result<Option<(i64, i64)>> {
    let frame = matching
        .aggregate(vec![], vec![min(col(time)), max(col(time))])
        .map_err(from_datafusion)?;
    let batches = session.collect(frame).await?;
    Ok(batches.iter().find_map(|batch| {
        let [first, last] = [0, 1].map(|at| time_in(batch, at, 0));
        Some((first?, last?))
    }))
}

fn time_in(batch: &RecordBatch, column: usize, row: usize) -> Option<i64> {
    let times = batch.column(column);
    let times = times.as_primitive_opt::<TimestampNanosecondType>()?;
    (row < times.len() && times.is_valid(row)).then(|| times.value(row))
}

/// The first and the last time of rows, if there are any.
#[derive(Debug, Clone, Copy, Default)]
struct Times(Option<(i64, i64)>);

impl Cell for Times {
    type Kept = Self;

    fn add(&mut self, other: &Self) {
        let both = self.0.zip(other.0);
        let joined = both.map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)));
        self.0 = joined.or(self.0).or(other.0);
    }

    fn kept(&self) -> Self {
        *self
    }

    fn add_kept(&mut self, kept: &Self) {
        self.add(kept);
    }

    fn rows(&self) -> u64 {
        u64::from(self.0.is_some())
    }
}

/// Finds the first and the last time of rows.
#[derive(Debug)]
struct Extent(Table);

impl Count for Extent {
    type Cell = Times;

    const WHAT: &'static str = "first and last time";

    fn by(&self) -> Option<&Expr> {
        None
    }

    fn values(&self, _: &DataFile) -> u64 {
        1
    }

    fn read(&self, rows: DataFrame) -> Result<DataFrame> {
        let time = || col(self.0.time_column());
        rows.aggregate(vec![col(FILE_NUMBER)], vec![min(time()), max(time())])
            .map_err(from_datafusion)
    }

    fn add(&self, batch: &RecordBatch, sorted: &mut Sorted<Times>) -> Result<()> {
        let files = file_numbers(batch.column(0))?;
        for row in 0..batch.num_rows() {
            let file = files.is_valid(row).then(|| files.value(row));
            let [first, last] = [1, 2].map(|at| time_in(batch, at, row));
            sorted.cell((file, 0), "").add(&Times(first.zip(last)));
        }
        Ok(())
    }

    fn known(&self, file: &DataFile) -> Option<Vec<(Box<str>, Times)>> {
        let times = Times(Some((file.min_time_ns, file.max_time_ns)));
        Some(vec![("".into(), times)])
    }
}

//! Lists in order of time that stop early.
//!
//! ```text
//!  slices of time, nearest first ─► places of the first rows of one ─► those rows
//!      until there are enough           (time, record_id)             (all columns)
//!                                     └─► if few rows come into question, those at once ──┘
//! ```
//! Slices do not overlap, so the first rows of the first slices are the first rows of all. The
//! places are found by decoding only what order and filter need; the wide columns are decoded only
//! for the rows that are shown. Of a word that is hardly anywhere the indexes leave so little that to open its file
//! a second time would cost more than that saves. Who has little [`Patience`] gets what was found by then, and the place where
//! the slices begin that were not looked at.

mod patience;
mod slices;

use arrow::array::{AsArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, in_list, lit};
use datafusion::prelude::col;
use serde::{Deserialize, Serialize};
use spoor_storage::index::BLOCK_ROWS;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{Error, Result, Table, TimeRange};

use crate::failure::from_datafusion;
use crate::parameters::Order;
use crate::session::{Planned, QuerySession};
use crate::table::logical_schema;

pub(crate) use patience::Patience;
pub(crate) use slices::Slices;

/// So many rows are read with all columns at once: two blocks of an index.
const FEW_ROWS: u64 = 2 * BLOCK_ROWS;

/// The place of a row in the total order of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RowPlace {
    /// Event time, nanoseconds.
    pub(crate) time_ns: i64,
    /// Breaks ties.
    pub(crate) record_id: i64,
}

/// A list of rows in total order.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) session: &'a QuerySession,
    pub(crate) table: Table,
    pub(crate) range: TimeRange,
    pub(crate) order: Order,
    /// Which rows.
    pub(crate) filter: Expr,
    /// Only rows that come after this one.
    pub(crate) after: Option<RowPlace>,
}

/// The first rows of a list, as far as they were looked for.
#[derive(Debug)]
pub(crate) struct FirstRows {
    /// In order, of the logical schema.
    pub(crate) rows: RecordBatch,
    /// What comes after this place was not looked at, because patience ended; `None` if there was enough of it.
    pub(crate) left: Option<RowPlace>,
}

impl Listing<'_> {
    /// The first `limit` rows in order, as one batch of the logical schema.
    pub(crate) async fn first(&self, limit: usize) -> Result<RecordBatch> {
        let first = self.first_within(Patience::default(), limit).await?;
        Ok(first.rows)
    }

    /// The first `limit` rows in order, or as many as are found while patience lasts.
    pub(crate) async fn first_within(&self, patience: Patience, limit: usize) -> Result<FirstRows> {
        if let Some(rows) = self.few(patience, limit).await? {
            return Ok(FirstRows { rows, left: None });
        }
        let mut found: Vec<RecordBatch> = Vec::new();
        let mut missing = limit;
        let mut slices = self.slices();
        let mut left = None;
        while missing > 0 {
            let rest = slices.left();
            let step = self.next_slice(&mut slices, missing);
            let Some(step) = patience.step(missing < limit, step).await? else {
                left = rest.map(|rest| self.before(rest));
                break;
            };
            let Some(rows) = step else { break };
            let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
            missing = missing.saturating_sub(count);
            slices.found(count, missing);
            found.extend(rows);
        }
        let rows = self.together(&found)?;
        Ok(FirstRows { rows, left })
    }

    /// The first `limit` rows in order, if indexes leave few of all that come into question and these are read while patience
    /// lasts: they come all at once, and who is hasty is given the nearest first.
    async fn few(&self, patience: Patience, limit: usize) -> Result<Option<RecordBatch>> {
        let here = self.in_order_from(in_range(self.table.time_column(), self.range_left()));
        let here = here.and(self.filter.clone());
        let reading = async {
            match self
                .session
                .few(self.table, &here, (self.order, limit))
                .await?
            {
                Some(few) => few.first(self.order, limit).await.map(Some),
                None => Ok(None),
            }
        };
        let read = patience.step(true, reading).await?.flatten();
        read.map(|rows| self.in_order(&rows)).transpose()
    }

    /// The first rows of the next slice, in order; `None` after the last.
    async fn next_slice(
        &self,
        slices: &mut Slices,
        limit: usize,
    ) -> Result<Option<Vec<RecordBatch>>> {
        let next = slices.next_planned(|slice| self.places_in(slice, limit));
        match next.await? {
            Some((slice, places)) => self.first_of(slice, places, limit).await.map(Some),
            None => Ok(None),
        }
    }

    /// The place after which come all rows of `rest`, which is what is left of the range, and no others.
    fn before(&self, rest: TimeRange) -> RowPlace {
        match self.order {
            Order::Asc => RowPlace {
                time_ns: rest.start_ns,
                record_id: i64::MIN,
            },
            Order::Desc => RowPlace {
                time_ns: rest.end_ns.saturating_sub(1),
                record_id: i64::MAX,
            },
        }
    }

    fn together(&self, rows: &[RecordBatch]) -> Result<RecordBatch> {
        let schema = rows
            .first()
            .map_or_else(|| logical_schema(self.table), RecordBatch::schema);
        Ok(concat_batches(&schema, rows)?)
    }

    /// Rows as one batch in order.
    fn in_order(&self, rows: &[RecordBatch]) -> Result<RecordBatch> {
        let rows = self.together(rows)?;
        let (times, ids) = place_columns(&rows, self.table.time_column())?;
        let mut order: Vec<_> = times.iter().zip(ids).zip(0_u32..).collect();
        match self.order {
            Order::Asc => order.sort_unstable(),
            Order::Desc => order.sort_unstable_by(|a, b| b.cmp(a)),
        }
        let order: UInt32Array = order.into_iter().map(|(_, row)| row).collect();
        Ok(take_record_batch(&rows, &order)?)
    }

    /// The range in slices.
    pub(crate) fn slices(&self) -> Slices {
        Slices::new(self.session, self.table, self.range_left(), self.order)
            .of_rows_that(self.table, &self.filter)
    }

    /// The range without what lies before the cursor.
    fn range_left(&self) -> TimeRange {
        match (self.after, self.order) {
            (None, _) => self.range,
            (Some(after), Order::Asc) => TimeRange {
                start_ns: self.range.start_ns.max(after.time_ns),
                ..self.range
            },
            (Some(after), Order::Desc) => TimeRange {
                end_ns: self.range.end_ns.min(after.time_ns.saturating_add(1)),
                ..self.range
            },
        }
    }

    /// Plans to find the places of the first rows in `range`.
    async fn places_in(&self, range: TimeRange, limit: usize) -> Result<Planned> {
        let rows = self.in_question(range).await?;
        let places = rows.select_columns(&[self.table.time_column(), RECORD_ID]);
        let places = self.sorted(places.map_err(from_datafusion)?, limit)?;
        self.session.planned(places).await
    }

    /// The first rows in `range`, in order.
    async fn first_of(
        &self,
        range: TimeRange,
        places: Planned,
        limit: usize,
    ) -> Result<Vec<RecordBatch>> {
        match places.rows_to_read()? {
            0 => Ok(Vec::new()),
            1..=FEW_ROWS => {
                let rows = self.in_question(range).await?;
                self.session.collect(self.sorted(rows, limit)?).await
            }
            _ => {
                let places = self.session.run(places).await?;
                self.rows(&self.places_of(&places)?).await
            }
        }
    }

    /// All rows in `range` that may be shown.
    async fn in_question(&self, range: TimeRange) -> Result<DataFrame> {
        let here = in_range(self.table.time_column(), range);
        self.filtered(self.in_order_from(here)).await
    }

    /// Rows that are `here` and come after the cursor.
    fn in_order_from(&self, here: Expr) -> Expr {
        match self.after {
            Some(after) => here.and(self.comes_after(after)),
            None => here,
        }
    }

    fn places_of(&self, batches: &[RecordBatch]) -> Result<Vec<RowPlace>> {
        let mut places = Vec::new();
        for batch in batches {
            let (times, ids) = place_columns(batch, self.table.time_column())?;
            places.extend(times.iter().zip(ids).map(|(time_ns, record_id)| RowPlace {
                time_ns: *time_ns,
                record_id: *record_id,
            }));
        }
        Ok(places)
    }

    /// All columns of the rows at `places`, in order.
    async fn rows(&self, places: &[RowPlace]) -> Result<Vec<RecordBatch>> {
        let time = self.table.time_column();
        let (Some(min), Some(max)) = (
            places.iter().map(|place| place.time_ns).min(),
            places.iter().map(|place| place.time_ns).max(),
        ) else {
            return Ok(Vec::new());
        };
        let ids = places.iter().map(|place| lit(place.record_id)).collect();
        let here = col(time)
            .gt_eq(instant(min))
            .and(col(time).lt_eq(instant(max)))
            .and(in_list(col(RECORD_ID), ids, false));
        let frame = self.filtered(here).await?;
        self.session
            .collect(self.sorted(frame, places.len())?)
            .await
    }

    async fn filtered(&self, bounds: Expr) -> Result<DataFrame> {
        self.session
            .table(self.table)
            .await?
            .filter(bounds.and(self.filter.clone()))
            .map_err(from_datafusion)
    }

    fn sorted(&self, frame: DataFrame, limit: usize) -> Result<DataFrame> {
        let ascending = self.order == Order::Asc;
        let by = [self.table.time_column(), RECORD_ID]
            .map(|column| col(column).sort(ascending, false))
            .to_vec();
        frame
            .sort(by)
            .and_then(|frame| frame.limit(0, Some(limit)))
            .map_err(from_datafusion)
    }

    fn comes_after(&self, place: RowPlace) -> Expr {
        let (time, id) = (|| col(self.table.time_column()), || col(RECORD_ID));
        let (later, tie) = match self.order {
            Order::Asc => (
                time().gt(instant(place.time_ns)),
                id().gt(lit(place.record_id)),
            ),
            Order::Desc => (
                time().lt(instant(place.time_ns)),
                id().lt(lit(place.record_id)),
            ),
        };
        later.or(time().eq(instant(place.time_ns)).and(tie))
    }
}

/// The place of each row of a batch that has the time column and `record_id`.
pub(crate) fn place_of(batch: &RecordBatch, table: Table, row: usize) -> Result<RowPlace> {
    let (times, ids) = place_columns(batch, table.time_column())?;
    match (times.get(row), ids.get(row)) {
        (Some(time_ns), Some(record_id)) => Ok(RowPlace {
            time_ns: *time_ns,
            record_id: *record_id,
        }),
        _ => Err(Error::internal("a row has no place")),
    }
}

fn place_columns<'a>(batch: &'a RecordBatch, time: &str) -> Result<(&'a [i64], &'a [i64])> {
    let missing = || Error::internal("the rows lack their time or id");
    let times = batch
        .column_by_name(time)
        .and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>())
        .ok_or_else(missing)?;
    let ids = batch
        .column_by_name(RECORD_ID)
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .ok_or_else(missing)?;
    Ok((times.values(), ids.values()))
}

/// An instant as a literal of the time columns' type.
pub(crate) fn instant(time_ns: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(
        Some(time_ns),
        Some("UTC".into()),
    ))
}

/// The condition that `time` is in `range`; true if it is unbounded.
pub(crate) fn in_range(time: &str, range: TimeRange) -> Expr {
    let from = (range.start_ns > i64::MIN).then(|| col(time).gt_eq(instant(range.start_ns)));
    let to = (range.end_ns < i64::MAX).then(|| col(time).lt(instant(range.end_ns)));
    match (from, to) {
        (Some(from), Some(to)) => from.and(to),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => lit(true),
    }
}

//! Where rows count: the file that a row is of, and the bucket of its time.

use arrow::array::{Array as _, Int64Array, UInt32Array};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::col;
use spoor_storage::{Result, Table};

use super::sorted::file_numbers;
use crate::api::Buckets;
use crate::otlp::integers;
use crate::table::FILE_NUMBER;

/// The bucket's column, which no field and no label is called.
const BUCKET: &str = "bucket of time";

/// The file of a row, if it has a number, and its bucket, counted from the first that was asked for.
pub(crate) type Place = (Option<u32>, i64);

/// The places of the rows of a batch whose first columns are [`Places::columns`].
pub(crate) struct Places {
    files: UInt32Array,
    buckets: Int64Array,
}

impl Places {
    /// What places are read from; without buckets all rows are in one.
    pub(crate) fn columns(table: Table, buckets: Option<Buckets>) -> Vec<Expr> {
        let time = || col(table.time_column());
        let bucket = buckets.map_or(lit(0_i64), |buckets| buckets.number_of(time()));
        vec![col(FILE_NUMBER), bucket.alias(BUCKET)]
    }

    pub(crate) fn open(batch: &RecordBatch) -> Result<Self> {
        Ok(Self {
            files: file_numbers(batch.column(0))?,
            buckets: integers(batch.column(1))?,
        })
    }

    pub(crate) fn of(&self, row: usize) -> Place {
        let file = self.files.is_valid(row).then(|| self.files.value(row));
        (file, self.buckets.value(row))
    }
}

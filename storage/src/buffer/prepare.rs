//! Splits a decoded batch by event hour. Done by the request's own task, before the committer.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, TimestampNanosecondArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::model::schema::decoded_schema_of;
use crate::model::{Hour, RecordId, Table, TenantId, schema_of};
use crate::snapshot::BufferedBatch;

/// The rows of one request in one hour, waiting for the request's sequence number.
#[derive(Debug)]
pub(crate) struct Prepared {
    hour: Hour,
    min_time_ns: i64,
    max_time_ns: i64,
    batch: RecordBatch,
    /// Places in the request; `None` means 0, 1, 2, …
    places: Option<Vec<u32>>,
}

/// Hours that the records of one request may fall into: half a year. Each becomes a batch, and a
/// file at the next flush.
const MAX_HOURS: usize = 4096;

/// Refuses a request whose records fall into more hours than a request may touch. Not asked at
/// recovery: what is in the log was acknowledged.
pub(crate) fn check_hours(table: Table, batch: &RecordBatch) -> Result<()> {
    let mut hours = HashSet::new();
    for time in times_of(table, batch)? {
        hours.insert(Hour::of(*time));
        if hours.len() > MAX_HOURS {
            return Err(Error::invalid(format!(
                "the records of one request fall into more than {MAX_HOURS} different hours"
            ))
            .with_hint("send records of fewer hours at a time; are their times right?"));
        }
    }
    Ok(())
}

/// Splits `batch` (decoded schema of `table`) into one part an hour.
pub(crate) fn prepare(table: Table, batch: RecordBatch) -> Result<Vec<Prepared>> {
    if batch.schema_ref() != &decoded_schema_of(table) {
        return Err(Error::internal(format!(
            "decoded batch has not the schema of `{table}`"
        )));
    }
    if batch.num_rows() >= 1 << RecordId::PLACE_BITS {
        return Err(Error::invalid(format!(
            "a request holds {} records; at most {} are taken",
            batch.num_rows(),
            (1_u32 << RecordId::PLACE_BITS) - 1
        )));
    }
    let times = times_of(table, &batch)?;
    let (Some(min), Some(max)) = (times.iter().min(), times.iter().max()) else {
        return Ok(Vec::new());
    };
    let (min_time_ns, max_time_ns) = (*min, *max);
    if Hour::of(min_time_ns) == Hour::of(max_time_ns) {
        return Ok(vec![Prepared {
            hour: Hour::of(min_time_ns),
            min_time_ns,
            max_time_ns,
            batch,
            places: None,
        }]);
    }
    let mut rows_of: BTreeMap<Hour, Vec<u32>> = BTreeMap::new();
    for (row, time) in (0_u32..).zip(times.iter()) {
        rows_of.entry(Hour::of(*time)).or_default().push(row);
    }
    rows_of
        .into_iter()
        .map(|(hour, rows)| {
            let of = |pick: fn(i64, i64) -> i64| {
                rows.iter()
                    .map(|row| times[*row as usize])
                    .reduce(pick)
                    .unwrap_or(0)
            };
            Ok(Prepared {
                hour,
                min_time_ns: of(i64::min),
                max_time_ns: of(i64::max),
                batch: take_record_batch(&batch, &UInt32Array::from(rows.clone()))?,
                places: Some(rows),
            })
        })
        .collect()
}

impl Prepared {
    /// Gives the rows their record ids.
    pub(crate) fn finish(
        self,
        tenant: &TenantId,
        table: Table,
        sequence: u64,
    ) -> Result<Arc<BufferedBatch>> {
        let ids: Int64Array = match &self.places {
            None => (0..self.batch.num_rows())
                .map(|place| RecordId::new(sequence, place).0)
                .collect(),
            Some(places) => places
                .iter()
                .map(|place| RecordId::new(sequence, *place as usize).0)
                .collect(),
        };
        let mut columns: Vec<ArrayRef> = self.batch.columns().to_vec();
        columns.push(Arc::new(ids));
        Ok(Arc::new(BufferedBatch {
            tenant: tenant.clone(),
            table,
            hour: self.hour,
            min_time_ns: self.min_time_ns,
            max_time_ns: self.max_time_ns,
            batch: RecordBatch::try_new(schema_of(table), columns)?,
        }))
    }
}

/// The event times of a batch of either schema.
pub(crate) fn times_of(table: Table, batch: &RecordBatch) -> Result<&[i64]> {
    batch
        .column_by_name(table.time_column())
        .and_then(|column| column.as_any().downcast_ref::<TimestampNanosecondArray>())
        .map(|column| column.values().as_ref())
        .ok_or_else(|| Error::internal(format!("a `{table}` batch without its time column")))
}

//! From records to the rows of files that hold them now.
//!
//! Who evaluates a query knows records by their id, which they keep for ever, while merges move
//! them from file to file. So deletions are asked for by record id, and only here, at the last
//! moment, become row numbers: by reading the id column of the files of the hours concerned.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use object_store::ObjectStore;
use roaring::{RoaringBitmap, RoaringTreemap};

use crate::compaction::FileRows;
use crate::error::{Error, ErrorKind, Result};
use crate::model::schema::RECORD_ID;
use crate::model::{Hour, Table, TenantId, TraceId};
use crate::snapshot::{DataFile, FileSet};

/// Records that one request may choose: bounds the memory of choosing.
const MAX_RECORDS: u64 = 50_000_000;
/// The column that pins look at.
const TRACE_ID: &str = "trace_id";

/// Records by the hour they lie in.
#[derive(Debug, Clone, Default)]
pub struct RecordSet {
    hours: BTreeMap<Hour, RoaringTreemap>,
    count: u64,
}

impl RecordSet {
    /// Adds the record `record_id`, whose event time falls into `hour`. Errors with
    /// [`ErrorKind::TooLarge`] over what one request may choose.
    pub fn insert(&mut self, hour: Hour, record_id: i64) -> Result<()> {
        if self.count >= MAX_RECORDS {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("more than {MAX_RECORDS} records match"),
            )
            .with_hint("narrow the time range and ask several times"));
        }
        if self
            .hours
            .entry(hour)
            .or_default()
            .insert(record_id.cast_unsigned())
        {
            self.count += 1;
        }
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Rows of one file.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) file: Arc<DataFile>,
    /// Rows that were looked for and are not hidden for good.
    pub(crate) rows: RoaringBitmap,
    /// How many more there are that belong to pinned traces.
    pub(crate) pinned: u64,
}

/// Where `records` are. Rows of `pinned` traces are counted and left out.
pub(crate) async fn locate(
    store: &Arc<dyn ObjectStore>,
    files: &FileSet,
    tenant: &TenantId,
    table: Table,
    records: &RecordSet,
    pinned: &HashSet<TraceId>,
) -> Result<Vec<Located>> {
    let mut found = Vec::new();
    for (hour, ids) in &records.hours {
        for file in files.of_hour(tenant, table, *hour) {
            let located = locate_in(store, file, ids, pinned).await?;
            if !located.rows.is_empty() || located.pinned > 0 {
                found.push(located);
            }
        }
    }
    Ok(found)
}

async fn locate_in(
    store: &Arc<dyn ObjectStore>,
    file: &Arc<DataFile>,
    ids: &RoaringTreemap,
    pinned: &HashSet<TraceId>,
) -> Result<Located> {
    let mut located = Located {
        file: Arc::clone(file),
        rows: RoaringBitmap::new(),
        pinned: 0,
    };
    // Rows that a retention rule hides may come back: they must not come back undeleted.
    let hidden = file.hidden.as_ref().map(|hidden| hidden.droppable());
    let is_gone = |row| hidden.as_ref().is_some_and(|hidden| hidden.contains(row));
    if hidden
        .as_ref()
        .is_some_and(|hidden| hidden.len() == file.rows)
    {
        return Ok(located);
    }
    let columns: &[&str] = if pinned.is_empty() {
        &[RECORD_ID]
    } else {
        &[RECORD_ID, TRACE_ID]
    };
    let mut row = 0_u32;
    let mut batches = FileRows::open_columns(Arc::clone(store), file, columns).await?;
    while let Some(batch) = batches.next().await? {
        let record_ids = batch
            .column_by_name(RECORD_ID)
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .ok_or_else(|| Error::corrupt(format!("file `{}` has no record ids", file.path)))?;
        let traces = batch.column_by_name(TRACE_ID);
        for (place, id) in record_ids.values().iter().enumerate() {
            let wanted = ids.contains(id.cast_unsigned());
            if wanted && !is_gone(row) {
                if traces.is_some_and(|traces| is_pinned(traces, place, pinned)) {
                    located.pinned += 1;
                } else {
                    located.rows.insert(row);
                }
            }
            row += 1;
        }
    }
    located.rows.optimize();
    Ok(located)
}

/// Whether the trace id in row `place` of a trace id column is one of `pinned`.
pub(crate) fn is_pinned(column: &dyn Array, place: usize, pinned: &HashSet<TraceId>) -> bool {
    column
        .as_fixed_size_binary_opt()
        .filter(|ids| ids.is_valid(place))
        .and_then(|ids| TraceId::from_bytes(ids.value(place)))
        .is_some_and(|id| pinned.contains(&id))
}

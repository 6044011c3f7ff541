//! The part of a snapshot that may hold what has arrived since an earlier one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use crate::buffer::Buffer;
use crate::model::schema::RECORD_ID;
use crate::model::{FileId, RecordId, Table, TenantId};
use crate::snapshot::{BufferedBatch, FileSet, Snapshot};

impl Snapshot {
    /// Only the rows of `table` that may have become visible after `record`: exactly those of the
    /// buffer, and the files made at `made_after` or later. `record` is the last record of a
    /// snapshot that was taken at `made_after` or later; merged files hold older rows too.
    #[must_use]
    pub fn arrived_since(
        &self,
        tenant: &TenantId,
        table: Table,
        record: RecordId,
        made_after: SystemTime,
    ) -> Self {
        let buffers = self.sealed.iter().map(|sealed| &sealed.buffer);
        let batches = buffers.flat_map(Buffer::batches).chain(&self.active);
        let files: Vec<_> = self
            .files
            .of(tenant, table)
            .filter(|file| made_at(file.id).is_none_or(|made| made >= made_after))
            .map(Arc::clone)
            .collect();
        Self {
            version: self.version,
            removals: None,
            last_record: self.last_record,
            active: batches
                .filter(|batch| batch.table == table && batch.tenant == *tenant)
                .filter_map(|batch| later_rows(batch, record))
                .collect(),
            sealed: Vec::new(),
            files: Arc::new(FileSet::default().with(&files, &[])),
            skipped: Arc::clone(&self.skipped),
            lost: Arc::clone(&self.lost),
        }
    }
}

/// When a file was named, to the millisecond below; `None` if its name does not say.
fn made_at(file: FileId) -> Option<SystemTime> {
    let (seconds, nanos) = file.0.get_timestamp()?.to_unix();
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

/// The rows after `record`; rows of a batch are in order of arrival.
pub(super) fn later_rows(
    batch: &Arc<BufferedBatch>,
    record: RecordId,
) -> Option<Arc<BufferedBatch>> {
    let ids = batch
        .batch
        .column_by_name(RECORD_ID)?
        .as_primitive_opt::<Int64Type>()?
        .values();
    let from = ids.partition_point(|id| *id <= record.0);
    match from {
        0 => Some(Arc::clone(batch)),
        from if from == ids.len() => None,
        from => Some(Arc::new(BufferedBatch {
            batch: batch.batch.slice(from, ids.len() - from),
            ..BufferedBatch::clone(batch)
        })),
    }
}

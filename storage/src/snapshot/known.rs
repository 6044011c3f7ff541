//! Whether what was read of a snapshot is all that a later one has.

use std::sync::Arc;

use arrow::array::AsArray;

use crate::buffer::Buffer;
use crate::model::{FileId, RecordId, Table, TenantId, TraceId};
use crate::snapshot::since::later_rows;
use crate::snapshot::{BufferedBatch, DataFile, Snapshot};

/// What to remember of a snapshot to tell later what has become of its rows. It holds no file.
///
/// Rows come with larger record ids and go only by changes that are counted; flushes and merges move them. So
/// with the count as it was nothing has gone, and what has come is in rows of the buffer after the last
/// record, in files of a flush with a later request, or in merged files that were not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    version: u64,
    removals: u64,
    last_record: RecordId,
    /// Merged files, which do not say which requests they are of. Ascending.
    merged: Arc<[FileId]>,
}

/// Where rows may be that have come since.
#[derive(Debug)]
pub struct Arrived {
    /// Exactly those of the buffer.
    pub batches: Vec<Arc<BufferedBatch>>,
    /// Files that may have such rows, beside others.
    pub files: Vec<Arc<DataFile>>,
    /// Later rows have larger ids than this.
    pub after: RecordId,
}

impl Known {
    /// The number of its snapshot.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.merged.len() * size_of::<FileId>()
    }
}

impl Snapshot {
    /// What to remember of the rows of a table; `None` if this is only a part of a state.
    pub fn known(&self, tenant: &TenantId, table: Table) -> Option<Known> {
        let files = self.files.of(tenant, table);
        let mut merged: Vec<FileId> = files
            .filter(|file| last_request(file).is_none())
            .map(|file| file.id)
            .collect();
        merged.sort_unstable();
        Some(Known {
            version: self.version,
            removals: self.removals?,
            last_record: self.last_record,
            merged: merged.into(),
        })
    }

    /// Where rows of a table may be that have come since `known`, in this or in an earlier state: then nowhere, but what
    /// was read with `known` may have rows with larger ids than [`Snapshot::last_record`]. `None` if rows may have gone
    /// or come back, or if this is only a part of a state.
    pub fn arrived(&self, known: &Known, tenant: &TenantId, table: Table) -> Option<Arrived> {
        let after = known.last_record;
        if self.removals? != known.removals {
            return None;
        }
        if self.version <= known.version || self.last_record == after {
            return Some(Arrived {
                batches: Vec::new(),
                files: Vec::new(),
                after,
            });
        }
        let is_new = |file: &Arc<DataFile>| match last_request(file) {
            Some(last) => RecordId::new(last.saturating_add(1), 0) > after,
            None => known.merged.binary_search(&file.id).is_err(),
        };
        let files = self.files.of(tenant, table);
        let buffers = self.sealed.iter().map(|sealed| &sealed.buffer);
        let batches = buffers.flat_map(Buffer::batches);
        Some(Arrived {
            batches: batches
                .chain(&self.active)
                .filter(|batch| batch.table == table && batch.tenant == *tenant)
                .filter_map(|batch| later_rows(batch, after))
                .collect(),
            files: files.filter(|file| is_new(file)).map(Arc::clone).collect(),
            after,
        })
    }
}

impl BufferedBatch {
    /// Whether a row belongs to this trace.
    pub fn has_trace(&self, id: TraceId) -> bool {
        let ids = self.batch.column_by_name("trace_id");
        ids.and_then(|ids| ids.as_fixed_size_binary_opt())
            .is_some_and(|ids| ids.iter().any(|row| row == Some(id.0.as_slice())))
    }
}

/// The last request of which a file has rows, if it is of a flush.
fn last_request(file: &DataFile) -> Option<u64> {
    Some(file.facts?.requests?.1)
}

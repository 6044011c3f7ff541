//! What a query sees: the buffer's batches and the list of files at one instant.

mod files;
mod known;
mod since;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::buffer::Buffer;
use crate::file::FileFacts;
use crate::hidden::HiddenRows;
use crate::model::{FileId, HOUR_NS, Hour, RecordId, Table, TenantId, TimeRange};
use crate::recovery::Loss;
use crate::statistics::{FieldCounter, Sketch, StatisticsSum};

pub(crate) use files::FileSet;
pub use known::{Arrived, Known};

/// A batch of rows that are not in a file yet. Rows are in order of arrival.
#[derive(Debug, Clone)]
pub struct BufferedBatch {
    /// Whose rows.
    pub tenant: TenantId,
    /// Of which table; the batch has that table's stored schema.
    pub table: Table,
    /// The hour all rows fall into.
    pub hour: Hour,
    /// Smallest event time in the batch, nanoseconds.
    pub min_time_ns: i64,
    /// Largest event time in the batch, nanoseconds.
    pub max_time_ns: i64,
    /// The rows.
    pub batch: RecordBatch,
}

/// One immutable Parquet file and what the catalog knows of it.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Its name.
    pub id: FileId,
    /// Whose rows.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// The hour all rows fall into.
    pub hour: Hour,
    /// 0 for flushed files, one more for each compaction.
    pub level: u32,
    /// Rows.
    pub rows: u64,
    /// Size of the Parquet file.
    pub bytes: u64,
    /// Size of the index file; 0 if it has none.
    pub index_bytes: u64,
    /// Smallest event time, nanoseconds.
    pub min_time_ns: i64,
    /// Largest event time, nanoseconds.
    pub max_time_ns: i64,
    /// Services with rows in it.
    pub services: Vec<String>,
    /// What attribute keys it holds, and their most frequent values.
    pub fields: FieldStatistics,
    /// What its last bytes must be, and which requests it is of, as far as that was noted.
    pub facts: Option<FileFacts>,
    /// Where the Parquet file is in [`crate::Storage::object_store`].
    pub path: Path,
    /// Where the index file is, if it has one.
    pub index_path: Path,
    /// Rows in it that do not count any more.
    pub hidden: Option<Arc<HiddenRows>>,
    /// The same for every state of the file: while anybody holds it, its bytes stay.
    pub(crate) held: Arc<()>,
}

impl DataFile {
    /// Rows that are not hidden.
    pub fn visible_rows(&self) -> u64 {
        let hidden = self.hidden.as_ref().map_or(0, |hidden| hidden.count());
        self.rows.saturating_sub(hidden)
    }

    /// Whether a merge may take it: it has rows to keep, and none that may have to come back.
    pub(crate) fn can_be_merged(&self) -> bool {
        match &self.hidden {
            None => true,
            Some(hidden) => !hidden.is_undoable() && self.visible_rows() > 0,
        }
    }

    /// The same file with other rows hidden.
    pub(crate) fn hiding(&self, hidden: Option<Arc<HiddenRows>>) -> Arc<Self> {
        Arc::new(Self {
            hidden,
            ..self.clone()
        })
    }
}

/// Keys, types, counts and most frequent values: of a file or of several together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldStatistics {
    /// By qualified name: a fixed column (`service_name`, `name`, …), or `attributes.<key>`,
    /// `resource.<key>`, `scope.<key>`, `body.<key>`.
    pub fields: BTreeMap<String, FieldStatistic>,
}

/// Of one field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldStatistic {
    /// Rows that have it.
    pub count: u64,
    /// Type letters seen (see [`crate::ValueType`]) with the number of rows of each.
    pub types: BTreeMap<char, u64>,
    /// Most frequent values as text with their number of rows, most frequent first.
    pub top_values: Vec<(String, u64)>,
    /// Whether `top_values` holds every value with its exact count.
    pub exact: bool,
    /// How many distinct values there are: exactly if `exact`, else about (0: not known).
    #[serde(default)]
    pub distinct: u64,
    /// All values, where they are more than `top_values` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<Sketch>,
    /// The mean place of the attribute in its rows.
    #[serde(default)]
    pub position: u32,
}

/// A buffer that takes no more rows and is being written to files.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) buffer: Buffer,
    /// Its files, once they are written.
    pub(crate) files: OnceCell<Vec<Arc<DataFile>>>,
}

/// A place that could not be read, and why answers that need it are incomplete.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// Of which table.
    pub table: Table,
    /// Which hour is affected.
    pub hour: Hour,
    /// Why, for the user.
    pub reason: String,
}

/// One immutable state of storage.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) version: u64,
    /// How often rows may have gone, or come back, until now; `None`: this is only a part of a state.
    pub(crate) removals: Option<u64>,
    /// No record in here has a larger id.
    pub(crate) last_record: RecordId,
    pub(crate) active: Vec<Arc<BufferedBatch>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) files: Arc<FileSet>,
    pub(crate) skipped: Arc<Vec<(TenantId, Skipped)>>,
    pub(crate) lost: Arc<Vec<Loss>>,
}

impl Snapshot {
    /// Its number; a later snapshot has a larger one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// No record in here has a larger id, and every record that becomes visible later has one.
    pub fn last_record(&self) -> RecordId {
        self.last_record
    }

    /// Buffered batches of a table that overlap `range` (rows outside may be in them).
    pub fn batches(
        &self,
        tenant: &TenantId,
        table: Table,
        range: TimeRange,
    ) -> Vec<Arc<BufferedBatch>> {
        self.sealed
            .iter()
            .flat_map(|sealed| sealed.buffer.batches())
            .chain(&self.active)
            .filter(|batch| {
                batch.table == table
                    && batch.tenant == *tenant
                    && range.overlaps(batch.min_time_ns, batch.max_time_ns)
            })
            .map(Arc::clone)
            .collect()
    }

    /// Files of a table that overlap `range`, oldest hour first. Some of a file's rows may be
    /// hidden ([`DataFile::hidden`]); files without any other rows are left out.
    pub fn files(&self, tenant: &TenantId, table: Table, range: TimeRange) -> Vec<Arc<DataFile>> {
        self.files_of(tenant, table)
            .filter(|file| range.overlaps(file.min_time_ns, file.max_time_ns))
            .map(Arc::clone)
            .collect()
    }

    /// As [`Snapshot::files`], of any time.
    pub fn files_of<'a>(
        &'a self,
        tenant: &'a TenantId,
        table: Table,
    ) -> impl Iterator<Item = &'a Arc<DataFile>> {
        let files = self.files.of(tenant, table);
        files.filter(|file| file.visible_rows() > 0)
    }

    /// The same state with the rows that may come back.
    pub(crate) fn with_undoable(self: &Arc<Self>) -> Arc<Self> {
        let changed: Vec<_> = self
            .files
            .iter()
            .filter(|file| {
                file.hidden
                    .as_ref()
                    .is_some_and(|hidden| hidden.is_undoable())
            })
            .map(|file| {
                let parts = file.hidden.iter().flat_map(|hidden| hidden.parts());
                let fixed = parts.filter(|part| !part.undoable).cloned().collect();
                file.hiding(HiddenRows::of(fixed))
            })
            .collect();
        if changed.is_empty() {
            return Arc::clone(self);
        }
        Arc::new(Self {
            version: self.version,
            removals: None,
            last_record: self.last_record,
            active: self.active.clone(),
            sealed: self.sealed.clone(),
            files: Arc::new(self.files.with(&changed, &changed)),
            skipped: Arc::clone(&self.skipped),
            lost: Arc::clone(&self.lost),
        })
    }

    /// Files of a table in `range` that were set aside as broken: answers are incomplete there.
    pub fn skipped(&self, tenant: &TenantId, table: Table, range: TimeRange) -> Vec<Skipped> {
        self.skipped
            .iter()
            .filter(|(of, skipped)| {
                let start = skipped.hour.start_ns();
                of == tenant
                    && skipped.table == table
                    && range.overlaps(start, start.saturating_add(HOUR_NS - 1))
            })
            .map(|(_, skipped)| skipped.clone())
            .collect()
    }

    /// Why answers about a table may lack records of any time: requests that the log did not give
    /// back.
    pub fn lost(&self, tenant: &TenantId, table: Table) -> Vec<String> {
        let of_table = self.lost.iter().filter(|loss| loss.concerns(tenant, table));
        of_table.map(Loss::reason).collect()
    }

    /// Field statistics of a table over `range`: the files' from the catalog, the buffer's
    /// counted now. Files and batches that overlap the range count whole; those of which rows are
    /// hidden count these as well, are not exact, and leave out values that may be deleted.
    pub fn field_statistics(
        &self,
        tenant: &TenantId,
        table: Table,
        range: TimeRange,
    ) -> FieldStatistics {
        let mut sum = if range == TimeRange::ALL {
            StatisticsSum::clone(&self.files.statistics(tenant, table))
        } else {
            StatisticsSum::of_files(&self.files(tenant, table, range))
        };
        let mut counter = FieldCounter::new(table);
        for batch in self.batches(tenant, table, range) {
            counter.add(&batch.batch);
        }
        sum.add_file(&counter.finish());
        sum.finish()
    }
}

//! Which rows pass, of those that come into question.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::{StreamExt, TryStreamExt};
use spoor_storage::DataFile;
use spoor_storage::index::RowSet;
use spoor_storage::model::schema_of;
use spoor_storage::snapshot::BufferedBatch;

use super::FewRows;
use super::file::{OneFile, SomeOfFile};
use super::filter::{Filter, Test};
use super::nearest::OfFile;
use crate::table::prune::Pruning;
use crate::table::scan::Scan;
use crate::table::scan::checked::{CheckedReader, Counts};
use crate::table::scan::counted::Counted;
use crate::table::scan::explained::{Buffered, ExplainedScan, Way};
use crate::table::scan::files::FILES_AT_ONCE;
use crate::table::scan::rows::RowsLeft;

/// What is looked for, and where.
pub(super) struct Search<'a> {
    pub(super) scan: &'a Scan<'a>,
    pub(super) state: &'a dyn Session,
    pub(super) pruning: Pruning,
    pub(super) filter: Filter,
    pub(super) counts: Counts,
}

impl Search<'_> {
    pub(super) fn nothing(&self) -> FewRows {
        let memory = &self.state.runtime_env().memory_pool;
        FewRows {
            table: self.scan.table,
            stored: schema_of(self.scan.table),
            files: Vec::new(),
            batches: Vec::new(),
            counts: self.counts.clone(),
            reserved: MemoryConsumer::new("few rows").register(memory),
        }
    }

    /// The rows in memory that pass.
    pub(super) fn of_memory(
        &self,
        batches: &[Arc<BufferedBatch>],
    ) -> Result<Vec<(RecordBatch, RowSet)>> {
        let mut found = Vec::new();
        for buffered in batches {
            let truth = self.filter.truth(&buffered.batch)?;
            let passing = truth
                .iter()
                .zip(0_u32..)
                .filter(|(is_true, _)| *is_true == Some(true));
            let rows: RowSet = passing.map(|(_, row)| row).collect();
            if !rows.is_empty() {
                found.push((buffered.batch.clone(), rows));
            }
        }
        Ok(found)
    }

    /// The rows of files that pass.
    pub(super) async fn of_files(
        &self,
        files: Vec<OfFile>,
        few: &FewRows,
    ) -> Result<Vec<(SomeOfFile, RowSet)>> {
        let rows = files.iter().map(|(_, left)| left.count());
        self.scan.scope.read().plan_rows(rows.sum());
        let mut reading = Vec::with_capacity(files.len());
        for file in files {
            reading.push(self.of_file(file, few));
        }
        let mut reading = futures::stream::iter(reading).buffered(FILES_AT_ONCE);
        let mut found = Vec::new();
        while let Some((file, rows)) = reading.try_next().await? {
            self.counts.scan.add_direct_rows(rows.len());
            if !rows.is_empty() {
                found.push((file, rows));
            }
        }
        Ok(found)
    }

    async fn of_file(&self, (file, left): OfFile, few: &FewRows) -> Result<(SomeOfFile, RowSet)> {
        let of_file = OneFile {
            id: file.id,
            reader: self.reader(&file, &left),
            rows: left.count(),
        };
        let pages = &self.scan.scope.shared.pages;
        let mut some = SomeOfFile::new(of_file, &few.stored, few.reserved.new_empty(), pages);
        let decided = left.decided.numbers(left.rows);
        let decided = passing(&mut some, decided, self.filter.of_decided(&file)).await?;
        let undecided = left.undecided.numbers(left.rows);
        let undecided = passing(&mut some, undecided, &self.filter.whole).await?;
        Ok((some, decided.union(&undecided)))
    }

    fn reader(&self, file: &DataFile, left: &RowsLeft) -> CheckedReader {
        let cache = self
            .state
            .runtime_env()
            .cache_manager
            .get_file_metadata_cache();
        let store = self.scan.scope.shared.storage.object_store();
        CheckedReader::of(
            left.meta.clone(),
            file.facts,
            (&store, &cache),
            &self.counts,
        )
    }

    pub(super) fn explain(
        &self,
        way: Way,
        (counted, planned_in): (Counted, Duration),
        buffer: Buffered,
    ) {
        if let Some(scans) = self.scan.scope.explained() {
            scans.add(ExplainedScan {
                table: self.scan.table,
                way,
                pruning: self.pruning.clone(),
                counted,
                buffer,
                planned_in,
                measured: Arc::clone(&self.counts.scan),
            });
        }
    }
}

/// Those of `rows` that pass.
async fn passing(file: &mut SomeOfFile, rows: RowSet, test: &Test) -> Result<RowSet> {
    let Some(test) = test.as_ref().filter(|_| !rows.is_empty()) else {
        return Ok(rows);
    };
    let mut numbers = rows.iter();
    let mut passing = Vec::new();
    let each = |columns: Vec<ArrayRef>| {
        let Some(truth) = columns.first().and_then(|column| column.as_boolean_opt()) else {
            return internal_err!("a filter is not true or false");
        };
        // In this order: at its end no number is lost.
        for (is_true, number) in truth.iter().zip(numbers.by_ref()) {
            passing.extend((is_true == Some(true)).then_some(number));
        }
        Ok(())
    };
    file.evaluate(&rows, std::slice::from_ref(test), each)
        .await?;
    Ok(passing.into_iter().collect())
}

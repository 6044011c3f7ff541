//! Which rows pass, of those that come into question.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use datafusion::common::cast::as_boolean_array;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use futures::{StreamExt, TryStreamExt};
use spoor_storage::DataFile;
use spoor_storage::index::RowSet;

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
    pub(super) pruning: Pruning,
    pub(super) footers: Arc<FileMetadataCache>,
    pub(super) counts: Counts,
}

impl Search<'_> {
    /// The rows of files that pass.
    pub(super) async fn of_files(
        &self,
        files: Vec<OfFile>,
        filter: &Filter,
        few: &FewRows,
    ) -> Result<Vec<(SomeOfFile, RowSet)>> {
        let rows = files.iter().map(|(_, left)| left.count());
        self.scan.scope.read().plan_rows(rows.sum());
        let mut reading = Vec::with_capacity(files.len());
        for file in files {
            reading.push(self.of_file(file, filter, few));
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

    async fn of_file(
        &self,
        (file, left): OfFile,
        filter: &Filter,
        few: &FewRows,
    ) -> Result<(SomeOfFile, RowSet)> {
        let of_file = OneFile {
            id: file.id,
            reader: self.reader(&file, &left),
            rows: left.count(),
        };
        let pages = &self.scan.scope.shared.pages;
        let mut some = SomeOfFile::new(of_file, &few.stored, few.reserved.new_empty(), pages);
        let decided = left.decided.numbers(left.rows);
        let decided = passing(&mut some, decided, filter.of_decided(&file)).await?;
        let undecided = left.undecided.numbers(left.rows);
        let undecided = passing(&mut some, undecided, &filter.whole).await?;
        Ok((some, decided.union(&undecided)))
    }

    fn reader(&self, file: &DataFile, left: &RowsLeft) -> CheckedReader {
        let store = self.scan.scope.shared.storage.object_store();
        CheckedReader::of(
            left.meta.clone(),
            file.facts,
            (&store, &self.footers),
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
        for column in &columns {
            // In this order: at its end no number is lost.
            for (is_true, number) in as_boolean_array(column)?.iter().zip(numbers.by_ref()) {
                passing.extend((is_true == Some(true)).then_some(number));
            }
        }
        Ok(())
    };
    file.evaluate(&rows, std::slice::from_ref(test), each)
        .await?;
    Ok(passing.into_iter().collect())
}

//! Which rows of a file a scan reads: those that its index leaves, without those that are hidden or of another time.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::RowSelection;
use spoor_storage::index::RowSet;
use spoor_storage::{DataFile, refuse_newer};

use super::counted::Counted;
use super::footer::footer;
use super::in_time::rows_in_time;
use super::index;
use crate::failure::from_datafusion;
use crate::session::QueryScope;
use crate::table::prune::Pruning;

/// How many rows of a file are read once it is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowsToRead(pub(super) u64);

/// Which rows of a file to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rows {
    None,
    These(RowSet),
    All,
}

/// Rows of one file, of `rows` that it has.
pub(super) struct RowsLeft {
    /// Those that pass the word filters for sure.
    pub(super) decided: Rows,
    /// Those that may.
    pub(super) undecided: Rows,
    pub(super) meta: ObjectMeta,
    pub(super) rows: u64,
}

impl RowsLeft {
    /// How many they are.
    pub(super) fn count(&self) -> u64 {
        self.decided.count(self.rows) + self.undecided.count(self.rows)
    }
}

/// The rows of a file that may match and are not hidden, if there are any.
pub(super) async fn rows_left(
    scope: &QueryScope,
    cache: Arc<FileMetadataCache>,
    file: &Arc<DataFile>,
    pruning: &Pruning,
    beforehand: bool,
) -> (Option<RowsLeft>, Counted) {
    let asked = index::ask(scope, file, pruning).await;
    let mut counted = Counted {
        index: asked.used,
        ..Counted::default()
    };
    let count =
        |decided: &Rows, undecided: &Rows| decided.count(file.rows) + undecided.count(file.rows);
    let left = count(&asked.decided, &asked.undecided);
    counted.by_index.add(file, left);
    let (decided, undecided) = (
        asked.decided.visible_in(file),
        asked.undecided.visible_in(file),
    );
    let visible = count(&decided, &undecided);
    counted.hidden_rows = left - visible;
    if visible == 0 {
        return (None, counted);
    }
    let meta = meta_of(file);
    let store = scope.shared.storage.object_store();
    // What the catalog has a checksum of is as long as the catalog says.
    let is_known = file.facts.is_some() && !beforehand;
    let read = if is_known {
        Ok((file.rows, None))
    } else {
        let in_memory = cache.contains_key(&meta.location);
        scope.shared.metrics.footer(in_memory);
        rows_of((&store, &cache), file, &meta, pruning).await
    };
    let (rows, in_time) = match read {
        Ok(read) => read,
        Err(error) => {
            tracing::error!(file = %file.path, %error, "data file not readable, left out");
            scope.suspect(file).await;
            scope.note_incomplete(format!(
                "{} of {}: file `{}` cannot be read: {}",
                file.table,
                file.hour,
                file.id,
                error.message()
            ));
            counted.broken_files += 1;
            return (None, counted);
        }
    };
    scope.scanned(file);
    // Row numbers mean nothing in a file of another length than the catalog says.
    if rows != file.rows && file.hidden.is_some() {
        scope.suspect(file).await;
        scope.note_incomplete(format!(
            "{} of {}: file `{}` has {rows} rows instead of {}",
            file.table, file.hour, file.id, file.rows
        ));
        counted.broken_files += 1;
        return (None, counted);
    }
    let (decided, undecided) = match rows == file.rows {
        true => (
            decided.within(in_time.as_ref()),
            undecided.within(in_time.as_ref()),
        ),
        false if pruning.words.is_empty() => (Rows::All, Rows::None),
        false => (Rows::None, Rows::All),
    };
    counted.visible.add(file, visible);
    let left = RowsLeft {
        decided,
        undecided,
        meta,
        rows,
    };
    (Some(left), counted)
}

/// A file as its store knows it.
fn meta_of(file: &DataFile) -> ObjectMeta {
    ObjectMeta {
        location: file.path.clone(),
        // Files never change; the cache wants a time to compare.
        last_modified: DateTime::<Utc>::UNIX_EPOCH,
        size: file.bytes,
        e_tag: None,
        version: None,
    }
}

/// How many rows the file itself says it has, and which of them may be in the range of a query that cuts it.
async fn rows_of(
    (store, cache): (&Arc<dyn ObjectStore>, &Arc<FileMetadataCache>),
    file: &DataFile,
    meta: &ObjectMeta,
    pruning: &Pruning,
) -> spoor_storage::Result<(u64, Option<RowSet>)> {
    let footer = footer(store, cache, meta, file.facts)
        .await
        .map_err(from_datafusion)?;
    refuse_newer(&footer)?;
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
    let range = pruning.range;
    let is_cut = file.min_time_ns < range.start_ns || range.end_ns <= file.max_time_ns;
    let in_time = is_cut.then(|| rows_in_time(&footer, file.table.time_column(), range));
    Ok((rows, in_time.flatten()))
}

impl Rows {
    /// Those of them that are not hidden.
    fn visible_in(self, file: &DataFile) -> Self {
        let Some(hidden) = &file.hidden else {
            return self;
        };
        let visible = hidden.visible(file.rows);
        match self {
            Self::None => Self::None,
            Self::These(rows) => Self::These(rows.intersection(&visible)),
            Self::All => Self::These(visible),
        }
    }

    /// Of a list those that are in another. All are left to Parquet, which has no list to take in then.
    fn within(self, others: Option<&RowSet>) -> Self {
        match (self, others) {
            (Self::These(rows), Some(others)) => Self::These(rows.intersection(others)),
            (rows, _) => rows,
        }
    }

    /// Their numbers, of a file of `total`.
    pub(super) fn numbers(self, total: u64) -> RowSet {
        match self {
            Self::None => RowSet::default(),
            Self::These(rows) => rows,
            Self::All => std::iter::once(0..u32::try_from(total).unwrap_or(u32::MAX)).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::These(rows) => rows.is_empty(),
            Self::All => false,
        }
    }

    /// How many they are of a file of `total`.
    pub(super) fn count(&self, total: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::These(rows) => rows.len(),
            Self::All => total,
        }
    }

    /// The file with these rows of its `total` selected, if there are any.
    pub(super) fn of(
        &self,
        file: &DataFile,
        meta: &ObjectMeta,
        total: u64,
        exactly: bool,
    ) -> Option<PartitionedFile> {
        let file = || {
            let of_meta = PartitionedFile::new_from_meta(meta.clone());
            match file.facts {
                Some(facts) => of_meta.with_extension(facts),
                None => of_meta,
            }
        };
        let file = |rows: u64| file().with_extension(RowsToRead(rows));
        match self {
            Self::None => None,
            Self::These(rows) if rows.is_empty() => None,
            Self::These(rows) => Some(match selection(rows, total, exactly) {
                Some(selection) => {
                    file(rows.len()).with_extension(ParquetRowSelection::new(selection))
                }
                None => file(total),
            }),
            Self::All => Some(file(total)),
        }
    }
}

/// `rows` of a file of `total`; `None` if all are selected, or nearly all and it need not be exact:
/// there skipping costs more than it saves.
fn selection(rows: &RowSet, total: u64, exactly: bool) -> Option<RowSelection> {
    if rows.len() >= total || !exactly && rows.len() * 10 >= total * 9 {
        return None;
    }
    Some(RowSelection::from_consecutive_ranges(
        rows.ranges(),
        usize::try_from(total).unwrap_or(usize::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_cover_the_file_and_only_the_rows() {
        let rows: RowSet = [0, 5, 6, 7, 99].into_iter().collect();
        let found = selection(&rows, 100, true).unwrap();
        assert_eq!((found.row_count(), found.skipped_row_count()), (5, 95));
        let most: RowSet = (0..95).collect();
        assert!(selection(&most, 100, false).is_none());
        assert_eq!(selection(&most, 100, true).unwrap().row_count(), 95);
        let all: RowSet = (0..100).collect();
        assert!(selection(&all, 100, true).is_none());
    }
}

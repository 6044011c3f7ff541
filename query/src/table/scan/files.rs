//! Which files a scan reads, and which rows of them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use spoor_storage::index::{BLOCK_ROWS, Lookup};
use spoor_storage::{DataFile, Table};

use crate::session::QueryScope;
use crate::table::prune::Pruning;

/// Files whose index and footer are read at the same time.
const FILES_AT_ONCE: usize = 16;

/// Footers are read with the last this many bytes of the file in one request.
const FOOTER_HINT_BYTES: usize = 64 << 10;

/// The files that may hold matching rows, each with the rows to read. A file that cannot be opened
/// is left out and the query's outcome says so.
pub(super) async fn select(
    scope: &Arc<QueryScope>,
    state: &dyn Session,
    table: Table,
    pruning: &Pruning,
) -> Result<Vec<PartitionedFile>> {
    scope.note_skipped(table, pruning.range);
    let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
    let files = scope.snapshot.files(&scope.tenant, table, pruning.range);
    let wanted = files.into_iter().filter(|file| match &pruning.services {
        Some(services) => file
            .services
            .iter()
            .any(|service| services.contains(service)),
        None => true,
    });
    futures::stream::iter(wanted)
        .map(|file| {
            let cache = Arc::clone(&cache);
            async move { select_rows(scope, cache, &file, &pruning.lookup).await }
        })
        .buffered(FILES_AT_ONCE)
        .try_filter_map(|file| async move { Ok(file) })
        .try_collect()
        .await
}

async fn select_rows(
    scope: &QueryScope,
    cache: Arc<FileMetadataCache>,
    file: &DataFile,
    lookup: &Lookup,
) -> Result<Option<PartitionedFile>> {
    let blocks = match lookup {
        Lookup::All => None,
        lookup => {
            let found = scope
                .shared
                .storage
                .indexes()
                .candidate_blocks(file, lookup)
                .await;
            // An index that cannot be read costs time, never an answer.
            found.unwrap_or_else(|error| {
                tracing::warn!(file = %file.id, %error, "index not readable, reading the whole file");
                None
            })
        }
    };
    if blocks.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let meta = ObjectMeta {
        location: file.path.clone(),
        // Files never change; the cache wants a time to compare.
        last_modified: DateTime::<Utc>::UNIX_EPOCH,
        size: file.bytes,
        e_tag: None,
        version: None,
    };
    let store = scope.shared.storage.object_store();
    let footer = DFParquetMetadata::new(&store, &meta)
        .with_metadata_size_hint(Some(FOOTER_HINT_BYTES))
        .with_file_metadata_cache(Some(cache))
        .fetch_metadata()
        .await;
    let footer = match footer {
        Ok(footer) => footer,
        Err(error) => {
            tracing::error!(file = %file.path, %error, "data file not readable, left out");
            scope.note_incomplete(format!(
                "{} of {}: file `{}` cannot be read",
                file.table, file.hour, file.id
            ));
            return Ok(None);
        }
    };
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
    let partitioned = PartitionedFile::new_from_meta(meta);
    Ok(Some(
        match blocks.and_then(|blocks| selection(&blocks, rows)) {
            Some(selection) => partitioned.with_extension(ParquetRowSelection::new(selection)),
            None => partitioned,
        },
    ))
}

/// The rows of `blocks` (ascending) in a file of `rows`; `None` if nearly all are selected, where
/// skipping costs more than it saves.
fn selection(blocks: &[u32], rows: u64) -> Option<RowSelection> {
    let total = rows.div_ceil(BLOCK_ROWS);
    if u64::try_from(blocks.len()).unwrap_or(u64::MAX) * 10 >= total * 9 {
        return None;
    }
    let mut selectors: Vec<RowSelector> = Vec::with_capacity(blocks.len() * 2 + 1);
    let mut at = 0;
    for block in blocks {
        let start = (u64::from(*block) * BLOCK_ROWS).clamp(at, rows);
        let end = (start + BLOCK_ROWS).min(rows);
        if start > at {
            selectors.push(RowSelector::skip(count(start - at)));
        }
        if end > start {
            selectors.push(RowSelector::select(count(end - start)));
        }
        at = end;
    }
    if rows > at {
        selectors.push(RowSelector::skip(count(rows - at)));
    }
    Some(RowSelection::from(selectors))
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_cover_the_file_and_only_the_blocks() {
        let rows = 10 * BLOCK_ROWS + 5;
        let found = selection(&[0, 3, 4, 10], rows).unwrap();
        assert_eq!(found.row_count(), 3 * 1024 + 5);
        assert_eq!(
            found.row_count() + found.skipped_row_count(),
            usize::try_from(rows).unwrap()
        );
        assert!(selection(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], rows).is_none());
    }

    #[test]
    fn blocks_beyond_the_file_select_nothing() {
        let found = selection(&[1, 99], 5 * BLOCK_ROWS).unwrap();
        assert_eq!((found.row_count(), found.skipped_row_count()), (1024, 4096));
    }
}

//! Merges the small files of an hour into larger ones.
//!
//! Size-tiered: when a place (tenant, table, hour) has [`FAN_IN`] files of fewer than
//! [`TARGET_ROWS`] rows, the smallest of them become one. Each row is rewritten about
//! log₁₆(rows of the hour) times, and an hour never keeps more than [`FAN_IN`] small files.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::buffer::Place;
use crate::catalog::{Catalog, Change};
use crate::error::{Error, ErrorKind, Result};
use crate::file::FileWriter;
use crate::snapshot::{DataFile, FileSet};

/// Small files that a place may have before they are merged.
pub(crate) const FAN_IN: usize = 8;
/// Files with this many rows are large enough to stay as they are.
const TARGET_ROWS: u64 = 500_000;
/// Arrow bytes that one merge may hold in memory.
const MEMORY_BYTES: usize = 384 << 20;

/// Rows of a batch while reading.
const BATCH_ROWS: usize = 16_384;

/// Files that should be merged into one.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) place: Place,
    pub(crate) files: Vec<Arc<DataFile>>,
}

/// The most urgent merge, if any place has too many small files.
pub(crate) fn plan(files: &FileSet) -> Option<Merge> {
    files
        .places()
        .filter_map(|(place, files)| {
            let mut small: Vec<_> = files
                .iter()
                .filter(|file| file.rows < TARGET_ROWS)
                .map(Arc::clone)
                .collect();
            if small.len() < FAN_IN {
                return None;
            }
            small.sort_by_key(|file| (file.rows, file.id));
            Some(Merge {
                place: place.clone(),
                files: small,
            })
        })
        .max_by_key(|merge| merge.files.len())
}

/// Files over the limit of all places: what compaction has still to do.
pub(crate) fn debt(files: &FileSet) -> usize {
    files
        .places()
        .map(|(_, files)| files.iter().filter(|file| file.rows < TARGET_ROWS).count())
        .filter(|small| *small >= FAN_IN)
        .sum()
}

/// What came of a merge.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The new file and those it replaces.
    Merged(Arc<DataFile>, Vec<Arc<DataFile>>),
    /// A file that cannot be read, and why; nothing was changed.
    Broken(Arc<DataFile>, String),
}

/// Merges as many files of `merge` as fit in memory (at least two) and records it.
pub(crate) async fn run(writer: &FileWriter, catalog: &Catalog, merge: Merge) -> Result<Outcome> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut merged = Vec::new();
    let (mut bytes, mut rows) = (0, 0);
    for file in merge.files {
        if merged.len() >= 2 && (bytes >= MEMORY_BYTES || rows >= TARGET_ROWS) {
            break;
        }
        let read = match read_file(Arc::clone(&writer.store), &file).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                return Ok(Outcome::Broken(file, error.to_string()));
            }
            read => read?,
        };
        bytes += read
            .iter()
            .map(RecordBatch::get_array_memory_size)
            .sum::<usize>();
        rows += file.rows;
        batches.extend(read);
        merged.push(file);
    }
    let level = merged.iter().map(|file| file.level).max().unwrap_or(0) + 1;
    let added = writer.write(&merge.place, level, batches).await?;
    if added.rows != rows {
        return Err(Error::corrupt(format!(
            "a merge of {rows} rows gave {}",
            added.rows
        )));
    }
    let change = Change {
        add: std::slice::from_ref(&added),
        remove: &merged,
        wal_mark: None,
    };
    catalog.commit(&change).await?;
    Ok(Outcome::Merged(added, merged))
}

/// All rows of a file, in its order.
pub(crate) async fn read_file(
    store: Arc<dyn ObjectStore>,
    file: &DataFile,
) -> Result<Vec<RecordBatch>> {
    let unreadable = || Error::corrupt(format!("file `{}` is not readable", file.path));
    let bytes = match store.get(&file.path).await {
        Ok(object) => object.bytes().await?,
        Err(source @ object_store::Error::NotFound { .. }) => {
            return Err(unreadable().with_source(source));
        }
        Err(source) => return Err(source.into()),
    };
    let batches = tokio::task::spawn_blocking(move || decode(bytes))
        .await
        .map_err(|source| unreadable().with_source(source))?
        .map_err(|source| unreadable().with_source(source))?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows as u64 != file.rows {
        return Err(Error::corrupt(format!(
            "file `{}` has {rows} rows instead of {}",
            file.path, file.rows
        )));
    }
    Ok(batches)
}

fn decode(bytes: Bytes) -> Result<Vec<RecordBatch>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?
        .with_batch_size(BATCH_ROWS)
        .build()?;
    Ok(reader.collect::<std::result::Result<_, _>>()?)
}

//! Writes sealed buffers to files, oldest first, each with one catalog transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::{self, StreamExt};

use crate::buffer::Place;
use crate::catalog::{Catalog, Change};
use crate::error::Result;
use crate::fault::Point;
use crate::file::FileWriter;
use crate::snapshot::{DataFile, Sealed};

/// Files of one flush that are written at a time; how many of these are encoded is up to the [`FileWriter`].
const PARALLEL: usize = 4;

/// Writes everything in `sealed` and records it; when this returns, the log up to the sealed
/// buffer's last sequence is no longer needed. After an error it can be tried again: files that are
/// written are not written twice.
pub(crate) async fn flush(
    writer: &FileWriter,
    catalog: &Catalog,
    sealed: &Arc<Sealed>,
) -> Result<Vec<Arc<DataFile>>> {
    let last = sealed.buffer.last_sequence();
    let files = sealed
        .files
        .get_or_try_init(|| write(writer, sealed))
        .await?;
    // The answer to a commit can get lost on its way: then the mark says that it is done.
    if catalog.wal_mark().await? < last {
        let change = Change {
            add: files,
            wal_mark: Some(last),
            ..Change::default()
        };
        writer.layout.fault(Point::FlushCommit)?;
        catalog.commit(&change).await?;
        writer.layout.fault(Point::FlushCommitted)?;
    }
    Ok(files.clone())
}

/// One file for each place, or nothing: what an attempt wrote that failed for want of space must
/// not fill the disk.
async fn write(writer: &FileWriter, sealed: &Sealed) -> Result<Vec<Arc<DataFile>>> {
    let places: Vec<(Place, Vec<_>)> = sealed
        .buffer
        .places()
        .map(|(place, batches)| {
            let rows = batches.iter().map(|batch| batch.batch.clone()).collect();
            (place.clone(), rows)
        })
        .collect();
    // After a failure no more are begun, and those that have begun are seen to their end: what
    // is dropped halfway is not deleted.
    let failed = AtomicBool::new(false);
    let requests = sealed.buffer.requests();
    let outcomes: Vec<Result<Option<Arc<DataFile>>>> = stream::iter(places)
        .map(|(place, rows)| {
            let failed = &failed;
            async move {
                if failed.load(Ordering::Acquire) {
                    return Ok(None);
                }
                let written = writer.write(&place, requests, rows).await;
                failed.fetch_or(written.is_err(), Ordering::AcqRel);
                written.map(Some)
            }
        })
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    let mut files = Vec::with_capacity(outcomes.len());
    let mut error = None;
    for outcome in outcomes {
        match outcome {
            Ok(file) => files.extend(file),
            Err(failure) => error = Some(failure),
        }
    }
    let Some(error) = error else {
        return Ok(files);
    };
    for file in &files {
        writer.discard(file).await;
    }
    Err(error)
}

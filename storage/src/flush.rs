//! Writes sealed buffers to files, oldest first, each with one catalog transaction.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::buffer::Place;
use crate::catalog::{Catalog, Change};
use crate::error::Result;
use crate::fault::Point;
use crate::file::FileWriter;
use crate::snapshot::{DataFile, Sealed};

/// Files of one flush that are encoded at a time.
const PARALLEL: usize = 2;

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

/// One file for each place.
async fn write(writer: &FileWriter, sealed: &Sealed) -> Result<Vec<Arc<DataFile>>> {
    let places: Vec<(Place, Vec<_>)> = sealed
        .buffer
        .places()
        .map(|(place, batches)| {
            let rows = batches.iter().map(|batch| batch.batch.clone()).collect();
            (place.clone(), rows)
        })
        .collect();
    stream::iter(places)
        .map(|(place, rows)| async move { writer.write(&place, 0, rows).await })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await
}

//! Writes sealed buffers to files, oldest first, each with one catalog transaction.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::buffer::Place;
use crate::catalog::{Catalog, Change};
use crate::error::Result;
use crate::file::FileWriter;
use crate::snapshot::{DataFile, Sealed};

/// Files of one flush that are encoded at a time.
const PARALLEL: usize = 2;

/// Writes everything in `sealed` and records it; when this returns, the log up to the sealed
/// buffer's last sequence is no longer needed.
pub(crate) async fn flush(
    writer: &FileWriter,
    catalog: &Catalog,
    sealed: &Arc<Sealed>,
) -> Result<Vec<Arc<DataFile>>> {
    let places: Vec<(Place, Vec<_>)> = sealed
        .buffer
        .places()
        .map(|(place, batches)| {
            let rows = batches.iter().map(|batch| batch.batch.clone()).collect();
            (place.clone(), rows)
        })
        .collect();
    let files: Vec<Arc<DataFile>> = stream::iter(places)
        .map(|(place, rows)| async move { writer.write(&place, 0, rows).await })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    let change = Change {
        add: &files,
        wal_mark: Some(sealed.buffer.last_sequence()),
        ..Change::default()
    };
    catalog.commit(&change).await?;
    Ok(files)
}

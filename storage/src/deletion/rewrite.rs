//! Writes a file again without some of its rows, or with other values in them. Streams, as merges
//! do: memory holds one row group and the index.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use roaring::RoaringBitmap;

use super::Redaction;
use crate::attributes::Promotion;
use crate::buffer::Place;
use crate::compaction::FileRows;
use crate::error::{Error, Result};
use crate::file::{FileSink, FileWriter};
use crate::hidden::{HiddenPart, HiddenRows, renumbered, row_number, without};
use crate::snapshot::DataFile;

/// Writes `file` without the rows that may be dropped, and with those of `redaction` replaced.
/// `None`: nothing is left of it. Runs where it may take its time.
pub(crate) async fn rewrite(
    writer: &FileWriter,
    file: &Arc<DataFile>,
    redaction: Option<(RoaringBitmap, Redaction)>,
) -> Result<Option<Arc<DataFile>>> {
    let (writer, file) = (writer.clone(), Arc::clone(file));
    let runtime = tokio::runtime::Handle::current();
    let work = move || runtime.block_on(write(&writer, &file, redaction.as_ref()));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::internal("writing a file again failed").with_source(source))?
}

/// The new file is in the same order, so rows that stay hidden only change their numbers.
async fn write(
    writer: &FileWriter,
    file: &DataFile,
    redaction: Option<&(RoaringBitmap, Redaction)>,
) -> Result<Option<Arc<DataFile>>> {
    let dropped = file
        .hidden
        .as_ref()
        .map(|hidden| hidden.droppable())
        .unwrap_or_default();
    if dropped.len() == file.rows {
        return Ok(None);
    }
    let place: Place = (file.tenant.clone(), file.table, file.hour);
    let mut rows = FileRows::open(Arc::clone(writer.store.objects()), file).await?;
    let promotion = Promotion::of_statistics(file.rows, [&file.fields]);
    let left = file.rows - dropped.len();
    let mut sink = writer.begin(&place, file.level, left, &promotion, true)?;
    let copied = copy(&mut rows, &mut sink, &dropped, redaction).await;
    if let Err(error) = copied {
        sink.abort().await;
        return Err(error);
    }
    let new = sink.finish().await?;
    if new.rows + dropped.len() != file.rows {
        writer.discard(&new).await;
        return Err(Error::internal(format!(
            "`{}` without {} of {} rows has {}",
            file.path,
            dropped.len(),
            file.rows,
            new.rows
        )));
    }
    let stays = file.hidden.iter().flat_map(|hidden| hidden.parts());
    let hidden = stays
        .filter(|part| part.undoable)
        .map(|part| HiddenPart {
            rows: renumbered(&part.rows, &dropped),
            ..part.clone()
        })
        .collect();
    Ok(Some(new.hiding(HiddenRows::of(hidden))))
}

async fn copy(
    rows: &mut FileRows,
    sink: &mut FileSink,
    dropped: &RoaringBitmap,
    redaction: Option<&(RoaringBitmap, Redaction)>,
) -> Result<()> {
    let mut first = 0;
    while let Some(batch) = rows.next_stretch().await? {
        let batch = match redaction {
            None => batch,
            Some((chosen, redaction)) => changed(&batch, first, chosen, redaction)?,
        };
        sink.push(&without(dropped, first, &batch)?).await?;
        first += batch.num_rows() as u64;
    }
    Ok(())
}

fn changed(
    batch: &RecordBatch,
    first: u64,
    chosen: &RoaringBitmap,
    redaction: &Redaction,
) -> Result<RecordBatch> {
    let first = row_number(first)?;
    redaction.apply(batch, &|row| {
        u32::try_from(row).is_ok_and(|row| chosen.contains(first + row))
    })
}

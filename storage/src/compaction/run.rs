//! Makes one merge: files in, files out. What it wrote is not live until the catalog says so.

use std::sync::Arc;

use super::late::LateRows;
use super::merge::SortMerge;
use super::policy::{MAX_WEIGHT, Merge};
use crate::attributes::Promotion;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{FileSink, FileWriter};
use crate::snapshot::DataFile;
use crate::statistics::StatisticsSum;

/// Bytes at which an output file is ended early: rows later in the hour are wider than the
/// earlier ones were.
const CUT_BYTES: u64 = MAX_WEIGHT * 128 * 3 / 2;

/// What a merge wrote and what that replaces.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) added: Vec<Arc<DataFile>>,
    pub(crate) removed: Vec<Arc<DataFile>>,
}

/// What came of a merge.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The new files are written and synced.
    Merged(Merged),
    /// A file that cannot be read, and why; nothing was changed.
    Broken(Arc<DataFile>, String),
}

/// Reads the files of `merge` and writes their rows that are not hidden as new ones. `pace` is told of every few
/// thousand rows how many encoded bytes they were, and may wait or stop the merge by an error.
/// Whatever was written before an error is deleted.
pub(crate) async fn run(
    writer: &FileWriter,
    merge: Merge,
    mut pace: impl AsyncFnMut(Paced) -> Result<()>,
) -> Result<Outcome> {
    let mut writer = writer.clone();
    if merge.indexed {
        writer.index_from_rows = 0;
    }
    let writer = &writer;
    let inputs = merge
        .files
        .iter()
        .map(|file| LateRows::new(Arc::clone(writer.store.objects()), Arc::clone(file)));
    let inputs = inputs.collect();
    let mut sorted = SortMerge::new(merge.place.1, inputs);
    let rows: u64 = merge.files.iter().map(|file| file.rows).sum();
    let mut outputs = Outputs {
        writer,
        merge: &merge,
        promotion: Promotion::of_statistics(rows, merge.files.iter().map(|file| &file.fields)),
        whole: rows <= merge.rows_per_file && merge.files.iter().all(|file| file.hidden.is_none()),
        open: None,
        written: Vec::new(),
    };
    let outcome = outputs.write(&mut sorted, &mut pace).await;
    let Outputs { open, written, .. } = outputs;
    match outcome {
        Ok(()) => Ok(Outcome::Merged(Merged {
            added: written,
            removed: merge.files,
        })),
        Err(error) => {
            if let Some(open) = open {
                open.abort().await;
            }
            for file in written {
                writer.discard(&file).await;
            }
            match sorted.failed {
                Some(input) => broken(&merge.files[input], error),
                None => Err(error),
            }
        }
    }
}

/// Encoded bytes that a step of a merge read and wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paced {
    pub(crate) read: u64,
    pub(crate) written: u64,
}

fn broken(file: &Arc<DataFile>, error: Error) -> Result<Outcome> {
    if error.kind() == ErrorKind::Corrupt {
        Ok(Outcome::Broken(Arc::clone(file), error.to_string()))
    } else {
        Err(error)
    }
}

struct Outputs<'a> {
    writer: &'a FileWriter,
    merge: &'a Merge,
    /// The keys that are common in all inputs together.
    promotion: Promotion,
    /// One file gets all rows of the inputs: what is known of their fields holds for it. It is not ended early.
    whole: bool,
    open: Option<FileSink>,
    written: Vec<Arc<DataFile>>,
}

impl Outputs<'_> {
    async fn write(
        &mut self,
        sorted: &mut SortMerge<LateRows>,
        pace: &mut impl AsyncFnMut(Paced) -> Result<()>,
    ) -> Result<()> {
        let rows_in: u64 = self
            .merge
            .files
            .iter()
            .map(|file| file.visible_rows())
            .sum();
        let bytes_in = self.merge.bytes();
        let level = self.merge.files.iter().map(|file| file.level).max();
        let level = level.unwrap_or(0) + 1;
        let place = &self.merge.place;
        while let Some(stretch) = sorted.next(self.room()).await? {
            let read = bytes_in * stretch.num_rows() as u64 / rows_in.max(1);
            let sink = match &mut self.open {
                Some(sink) => sink,
                none => {
                    let (rows, stays) = (self.merge.rows_per_file, self.merge.stays);
                    let mut begun =
                        self.writer
                            .begin(place, level, rows, &self.promotion, stays)?;
                    if self.whole {
                        let fields = self.merge.files.iter().map(|file| &file.fields);
                        begun.knows(StatisticsSum::that_follow(fields));
                    }
                    none.insert(begun)
                }
            };
            let mut written = sink.push(&stretch).await?;
            let is_large = sink.bytes() >= CUT_BYTES && !self.whole;
            if sink.rows() >= self.merge.rows_per_file || is_large {
                written += self.end_file().await?;
            }
            pace(Paced { read, written }).await?;
        }
        let written = self.end_file().await?;
        pace(Paced { read: 0, written }).await?;
        let rows_out: u64 = self.written.iter().map(|file| file.rows).sum();
        if rows_out != rows_in {
            return Err(Error::internal(format!(
                "a merge of {rows_in} rows gave {rows_out}"
            )));
        }
        Ok(())
    }

    /// Rows that the open file may still get, or the next one.
    fn room(&self) -> usize {
        let rows = self.open.as_ref().map_or(0, FileSink::rows);
        let room = self.merge.rows_per_file.saturating_sub(rows);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Ends the open file, if there is one. Returns the bytes that [`FileSink::push`] has not
    /// told of: the last row group and the index.
    async fn end_file(&mut self) -> Result<u64> {
        let Some(sink) = self.open.take() else {
            return Ok(0);
        };
        let told = sink.bytes();
        let file = Box::pin(sink.finish()).await?;
        let rest = file.bytes + file.index_bytes - told;
        self.written.push(file);
        Ok(rest)
    }
}

#[cfg(test)]
mod tests;

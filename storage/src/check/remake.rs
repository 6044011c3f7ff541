//! A lost file whose rows the log still has.
//!
//! A file of a flush is made of the requests from one number to another, and the log loses them only when
//! it has a whole segment of such. Decoding is deterministic, so what the log has of the file's place
//! are rows of the file and no others: if they are as many as it had, they are those that it had, and
//! sorted again they have the same numbers, so that what was hidden of the file stays hidden.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use crate::buffer::prepare;
use crate::catalog::Catalog;
use crate::engine::Decode;
use crate::error::Result;
use crate::file::FileWriter;
use crate::layout::Layout;
use crate::snapshot::DataFile;
use crate::wal::{ReplayRecord, SegmentReader, list_segments};

/// What the log has of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InLog {
    /// All of its rows; made anew if that was asked for.
    Whole,
    /// So many of them, too few.
    Part(u64),
    /// It is not a file of a flush, or of one before it was noted which requests it is of.
    Unknown,
}

/// What makes files anew.
pub(super) struct Remaker<'a> {
    pub(super) layout: &'a Layout,
    pub(super) catalog: &'a Catalog,
    pub(super) decoder: &'a dyn Decode,
    pub(super) writer: FileWriter,
}

impl Remaker<'_> {
    /// Looks for the rows of `file` in the log. With `repair`, and if they are all there, it is written
    /// again and live; the new file comes with the answer.
    pub(super) async fn look(
        &self,
        file: &DataFile,
        repair: bool,
    ) -> Result<(InLog, Option<Arc<DataFile>>)> {
        let Some(requests) = file.facts.and_then(|facts| facts.requests) else {
            return Ok((InLog::Unknown, None));
        };
        let rows = self.rows_of(file, requests)?;
        let count: u64 = rows.iter().map(|batch| batch.num_rows() as u64).sum();
        if count != file.rows {
            return Ok((InLog::Part(count), None));
        }
        if !repair {
            return Ok((InLog::Whole, None));
        }
        let new = self.writer.write_again(file, requests, rows).await?;
        self.catalog.remade(&new).await?;
        Ok((InLog::Whole, Some(new)))
    }

    fn rows_of(&self, file: &DataFile, (first, last): (u64, u64)) -> Result<Vec<RecordBatch>> {
        let mut rows = Vec::new();
        let mut newest = 0;
        for segment in list_segments(self.layout)? {
            let mut reader = SegmentReader::open(&segment)?;
            while let Some(outcome) = reader.next()? {
                // A broken record is not a reason to stop: the count tells if it matters.
                let Ok(record) = outcome else { continue };
                if record.sequence <= newest {
                    continue;
                }
                newest = record.sequence;
                let of_file = record.table == file.table && record.tenant == file.tenant;
                if of_file && (first..=last).contains(&record.sequence) {
                    self.take(&record, file, &mut rows)?;
                }
            }
        }
        Ok(rows)
    }

    fn take(
        &self,
        record: &ReplayRecord,
        file: &DataFile,
        rows: &mut Vec<RecordBatch>,
    ) -> Result<()> {
        let decoded = self
            .decoder
            .decode(record.table, record.received_time_ns, &record.payload);
        let Ok(decoded) = decoded else {
            return Ok(());
        };
        for part in prepare(record.table, decoded)? {
            let batch = part.finish(&record.tenant, record.table, record.sequence)?;
            if batch.hour == file.hour {
                rows.push(batch.batch.clone());
            }
        }
        Ok(())
    }
}

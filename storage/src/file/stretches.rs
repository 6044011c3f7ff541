//! Stretches: in which order a file's rows lie.
//!
//! ```text
//! file    = stretch*      all rows of one come before all rows of the next, by (event time, record id)
//! stretch = row*          in the order in which they came, by record id
//! ```
//! Rows of a request come from one sender: resource, time of receipt, traces and neighbouring ids are the same or
//! follow each other, and cost next to nothing where they lie together. In order of time alone the requests of all
//! senders alternate row by row, and each of a dozen columns pays for the alternation. A stretch is short, so that
//! the times of a page still say whether to read it.
//!
//! The key-value metadata says how long stretches are, since a merge needs all rows of one to put them in order
//! of time: `spoor.stretches` = rows of each, `8192*36,511`. Files of before version 3 do not have it; they are
//! in order of time as a whole.

use arrow::array::{Array, AsArray, Int64Array};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::record_batch::RecordBatch;
use parquet::file::metadata::{KeyValue, ParquetMetaData};

use crate::error::{Error, Result};
use crate::model::schema::RECORD_ID;

/// Most rows of a stretch.
pub(crate) const STRETCH_ROWS: usize = 8192;
/// Bytes in memory that a stretch of more than one row does not exceed: a merge holds one or two of each input.
pub(crate) const STRETCH_BYTES: usize = 8 << 20;
/// Under which key a file says how long its stretches are.
const METADATA_KEY: &str = "spoor.stretches";
/// Rows that lie together for at least so many are copied as slices, fewer one by one.
const LONG_RUN: usize = 32;

/// The lengths of a file's stretches as they are written.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    text: String,
    /// The last length and how often it came.
    last: (usize, u64),
}

impl Lengths {
    pub(super) fn push(&mut self, rows: usize) {
        if rows == self.last.0 {
            self.last.1 += 1;
            return;
        }
        self.end();
        self.last = (rows, 1);
    }

    fn end(&mut self) {
        let (rows, times) = self.last;
        if times == 0 {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(&rows.to_string());
        if times > 1 {
            self.text.push('*');
            self.text.push_str(&times.to_string());
        }
    }

    pub(super) fn finish(mut self) -> KeyValue {
        self.end();
        KeyValue::new(METADATA_KEY.to_owned(), self.text)
    }
}

/// The lengths of a file's stretches, one after the other; `None` for a file in order of time. Errors with
/// [`crate::ErrorKind::Corrupt`] if they are not those of its rows.
pub(crate) fn stretches_of(
    footer: &ParquetMetaData,
) -> Result<Option<impl Iterator<Item = usize> + Send + use<>>> {
    let entries = footer.file_metadata().key_value_metadata();
    let entry = entries
        .into_iter()
        .flatten()
        .find(|entry| entry.key == METADATA_KEY);
    let Some(text) = entry.and_then(|entry| entry.value.as_deref()) else {
        return Ok(None);
    };
    let wrong = || Error::corrupt("a file's list of stretches is not that of its rows");
    let lengths = text
        .split(',')
        .map(|part| {
            let (rows, times) = part.split_once('*').unwrap_or((part, "1"));
            Some((
                rows.parse::<u32>().ok()? as usize,
                times.parse::<u32>().ok()? as usize,
            ))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(wrong)?;
    let sum = lengths.iter().try_fold(0_i64, |sum, (rows, times)| {
        sum.checked_add(i64::try_from(rows.checked_mul(*times)?).ok()?)
    });
    let within = lengths
        .iter()
        .all(|(rows, _)| (1..=STRETCH_ROWS).contains(rows));
    if !within || sum != Some(footer.file_metadata().num_rows()) {
        return Err(wrong());
    }
    let repeated = |(rows, times)| std::iter::repeat_n(rows, times);
    Ok(Some(lengths.into_iter().flat_map(repeated)))
}

/// The record ids of a batch of the stored schema.
pub(crate) fn record_ids(batch: &RecordBatch) -> Result<&Int64Array> {
    batch
        .column_by_name(RECORD_ID)
        .and_then(|column| column.as_primitive_opt())
        .ok_or_else(|| Error::internal("rows without record ids"))
}

/// The rows at `places` (which of `sources`, and the row in it), in this order; of one schema and at least one.
pub(crate) fn gather(sources: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
    let follows = |a: &(usize, usize), b: &(usize, usize)| a.0 == b.0 && a.1 + 1 == b.1;
    let runs = places.chunk_by(follows);
    if runs.clone().count() * LONG_RUN > places.len() {
        return Ok(interleave_record_batch(sources, places)?);
    }
    let slices: Vec<RecordBatch> = runs
        .map(|run| sources[run[0].0].slice(run[0].1, run.len()))
        .collect();
    match slices.as_slice() {
        [only] => Ok(only.clone()),
        _ => Ok(concat_batches(&sources[0].schema(), &slices)?),
    }
}

/// Bytes in memory of a batch, without what a slice leaves out.
pub(crate) fn bytes_of(batch: &RecordBatch) -> Result<usize> {
    let columns = batch.columns().iter();
    columns
        .map(|column| Ok(column.to_data().get_slice_memory_size()?))
        .sum()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaDataReader;

    use super::*;
    use crate::test_rows::{LogRow, logs};

    #[test]
    fn lengths_are_short_where_they_repeat() {
        let mut lengths = Lengths::default();
        for rows in [8192, 8192, 8192, 511, 8192, 8192, 7] {
            lengths.push(rows);
        }
        let written = lengths.finish();
        assert_eq!(written.value.as_deref(), Some("8192*3,511,8192*2,7"));
    }

    fn read_back(list: &str, rows: usize) -> Result<Option<Vec<usize>>> {
        let rows: Vec<LogRow> = (0..).take(rows).map(LogRow::at).collect();
        let rows = logs(&rows);
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None)?;
        writer.write(&rows)?;
        writer.append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), list.to_owned()));
        let bytes = Bytes::from(writer.into_inner()?);
        let footer = ParquetMetaDataReader::new().parse_and_finish(&bytes)?;
        Ok(stretches_of(&footer)?.map(Iterator::collect))
    }

    #[test]
    fn a_list_that_is_not_of_the_rows_is_an_error() {
        let lengths = read_back("2*2,1", 5).unwrap();
        assert_eq!(lengths, Some(vec![2, 2, 1]));
        let many = format!("{}*18446744073709551615", u32::MAX);
        for list in [
            "", "4", "6", "0,5", "8193", "5,", "five", "-1,6", "2*", "5*0", &many,
        ] {
            let error = read_back(list, 5).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{list}: {error}");
        }
    }

    #[test]
    fn rows_are_gathered_in_the_order_asked_for_also_in_long_runs() {
        let rows: Vec<LogRow> = (0..200).map(LogRow::at).collect();
        let (a, b) = (logs(&rows), logs(&rows[100..]));
        let long: Vec<(usize, usize)> = (50..150)
            .map(|row| (0, row))
            .chain((0..100).map(|row| (1, row)))
            .collect();
        let short: Vec<(usize, usize)> = (0..100)
            .flat_map(|row| [(1, row), (0, 199 - row)])
            .collect();
        for places in [long, short, vec![(0, 7)]] {
            let found = gather(&[&a, &b], &places).unwrap();
            let slices: Vec<RecordBatch> = places
                .iter()
                .map(|(of, row)| [&a, &b][*of].slice(*row, 1))
                .collect();
            assert_eq!(found, concat_batches(&a.schema(), &slices).unwrap());
        }
    }
}

//! Which rows of a file may be in a range of time.
//!
//! Parquet leaves out pages by their times itself, but only once it has taken in the whole list of rows that an index gave:
//! of a word in a tenth of the rows that is most of the work, where a few thousand of them are looked at.

use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use spoor_storage::TimeRange;
use spoor_storage::index::RowSet;

/// The rows of the pages that have times in `range`, as the page index of the column of times says; `None` if it does not.
pub(super) fn rows_in_time(
    footer: &ParquetMetaData,
    column: &str,
    range: TimeRange,
) -> Option<RowSet> {
    let columns = footer.file_metadata().schema_descr().columns();
    let column = columns
        .iter()
        .position(|leaf| leaf.path().parts() == [column])?;
    let (indexes, offsets) = (footer.column_index()?, footer.offset_index()?);
    let mut ranges = Vec::new();
    let mut before = 0_u32;
    for (group, (index, offsets)) in footer.row_groups().iter().zip(indexes.iter().zip(offsets)) {
        let rows = u32::try_from(group.num_rows()).ok()?;
        let end = before.checked_add(rows)?;
        let ColumnIndexMetaData::INT64(times) = index.get(column)? else {
            return None;
        };
        let pages = offsets.get(column)?.page_locations();
        for (at, page) in pages.iter().enumerate() {
            let next = pages
                .get(at + 1)
                .map_or(i64::from(rows), |next| next.first_row_index);
            let first = before.checked_add(u32::try_from(page.first_row_index).ok()?)?;
            let last = before.checked_add(u32::try_from(next).ok()?)?.min(end);
            let (min_ns, max_ns) = (*times.min_value(at)?, *times.max_value(at)?);
            if range.overlaps(min_ns, max_ns) {
                ranges.push(first..last);
            }
        }
        before = end;
    }
    let is_whole = indexes.len() == footer.num_row_groups() && offsets.len() == indexes.len();
    is_whole.then(|| ranges.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, TimestampNanosecondArray};
    use arrow::record_batch::RecordBatch;
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    use super::*;

    /// A file of rows at these instants: groups of 20, pages of 5.
    fn footer(times: &[i64], statistics: EnabledStatistics) -> ParquetMetaData {
        let numbers = Int64Array::from_iter_values((0..).take(times.len()));
        let times = TimestampNanosecondArray::from_iter_values(times.iter().copied());
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(numbers) as _),
            ("time", Arc::new(times) as _),
        ])
        .unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(20))
            .set_data_page_row_count_limit(5)
            .set_write_batch_size(5)
            .set_statistics_enabled(statistics)
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let bytes = Bytes::from(writer.into_inner().unwrap());
        let mut reader =
            ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        reader.try_parse(&bytes).unwrap();
        reader.finish().unwrap()
    }

    fn found(footer: &ParquetMetaData, start_ns: i64, end_ns: i64) -> Option<Vec<usize>> {
        let rows = rows_in_time(footer, "time", TimeRange { start_ns, end_ns })?;
        Some(rows.ranges().flatten().collect())
    }

    #[test]
    fn pages_outside_the_range_are_left_out() {
        let times: Vec<i64> = (0..48).map(|at| at * 10).collect();
        let footer = footer(&times, EnabledStatistics::Page);
        let rows = |from: usize, to: usize| Some((from..to).collect::<Vec<_>>());
        assert_eq!(found(&footer, 0, 1), rows(0, 5));
        assert_eq!(found(&footer, 195, 210), rows(20, 25));
        assert_eq!(found(&footer, 190, 201), rows(15, 25));
        assert_eq!(found(&footer, 450, i64::MAX), rows(45, 48));
        assert_eq!(found(&footer, i64::MIN, i64::MAX), rows(0, 48));
        assert_eq!(found(&footer, 1_000, 2_000), Some(Vec::new()));
    }

    #[test]
    fn rows_in_no_order_are_all_among_those_that_are_found() {
        let times: Vec<i64> = (0..100).map(|at| (at * 37) % 101).collect();
        let footer = footer(&times, EnabledStatistics::Page);
        for (start, end) in [(0, 3), (50, 60), (99, 200)] {
            let found = found(&footer, start, end).unwrap();
            for (row, time) in times.iter().enumerate() {
                let is_in = (start..end).contains(time);
                assert!(!is_in || found.contains(&row), "{row} at {time}");
            }
        }
    }

    #[test]
    fn nothing_is_left_out_where_pages_do_not_say_their_times() {
        let footer = footer(&[1, 2, 3], EnabledStatistics::None);
        assert_eq!(found(&footer, 100, 200), None);
        let named = rows_in_time(&footer, "no such column", TimeRange::ALL);
        assert_eq!(named, None);
    }
}

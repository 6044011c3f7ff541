use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::unpack::unpack;
use super::*;

/// Texts with and without dictionary, nulls and lists: 1,000 rows in groups of 400, pages of 50.
fn file(version: WriterVersion, compression: Compression) -> Bytes {
    let rows = || 0..1_000_i64;
    let text = |row: i64| (row % 7 != 0).then(|| format!("text {}", row % 11));
    let list = |row: i64| Some((0..row % 4).map(Some).collect::<Vec<_>>());
    let columns: [(&str, ArrayRef); 4] = [
        ("number", Arc::new(Int64Array::from_iter_values(rows()))),
        ("few", Arc::new(rows().map(text).collect::<StringArray>())),
        (
            "many",
            Arc::new(
                rows()
                    .map(|row| Some(format!("{row:80}")))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(
                rows().map(list),
            )),
        ),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, name != "number")),
    )
    .unwrap();
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(compression)
        .set_max_row_group_row_count(Some(400))
        .set_data_page_row_count_limit(50)
        .set_write_batch_size(50)
        .set_column_dictionary_enabled(ColumnPath::from("many"), false)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

fn footer(file: &Bytes) -> Arc<ParquetMetaData> {
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    reader.try_parse(file).unwrap();
    Arc::new(reader.finish().unwrap())
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(3).unwrap())
}

/// Rows of the second row group, and how many pages were read for them.
fn read(
    file: &Bytes,
    cache: &Arc<PageCache>,
    rows: &[(usize, usize)],
) -> std::result::Result<(RecordBatch, usize), ParquetError> {
    let footer = footer(file);
    let mut pages = GroupPages::of(cache, FileId(uuid::Uuid::from_u128(1)), &footer, 1).unwrap();
    let selection =
        RowSelection::from_consecutive_ranges(rows.iter().map(|(from, to)| *from..*to), 400);
    let ranges = pages.to_read(0..4, &selection)?;
    let part = |range: &Range<u64>| {
        file.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
    };
    pages.add(&ranges, ranges.iter().map(part).collect());
    let descriptor = footer.file_metadata().schema_descr();
    let levels = parquet_to_arrow_field_levels(descriptor, ProjectionMask::all(), None)?;
    let reader =
        ParquetRecordBatchReader::try_new_with_row_groups(&levels, &pages, 64, Some(selection))?;
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
    let schema = batches[0].schema();
    Ok((concat_batches(&schema, &batches)?, ranges.len()))
}

/// The same by Parquet's own reader.
fn expected(file: &Bytes, rows: &[(usize, usize)]) -> RecordBatch {
    let selection =
        RowSelection::from_consecutive_ranges(rows.iter().map(|(from, to)| *from..*to), 400);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone())
        .unwrap()
        .with_row_groups(vec![1])
        .with_row_selection(selection)
        .build()
        .unwrap();
    let batches: Vec<RecordBatch> = reader.map(std::result::Result::unwrap).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[test]
fn rows_are_those_of_parquets_own_reader_from_the_file_and_from_memory() {
    let wanted: [&[(usize, usize)]; 5] = [
        &[(0, 1)],
        &[(399, 400)],
        &[(49, 51), (350, 352)],
        &[(3, 4), (60, 61), (120, 240)],
        &[(0, 400)],
    ];
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [zstd(), Compression::UNCOMPRESSED] {
            let file = file(version, compression);
            for rows in wanted {
                let cache = Arc::new(PageCache::new(16 << 20, PageCacheMetrics::default()));
                let expected = expected(&file, rows);
                let (first, pages) = read(&file, &cache, rows).unwrap();
                assert_eq!(first, expected, "{rows:?}");
                assert!(pages >= 4, "{pages}");
                let (again, pages) = read(&file, &cache, rows).unwrap();
                assert_eq!((again, pages), (expected, 0), "{rows:?}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_into_the_cache_is_read_again() {
    let file = file(WriterVersion::PARQUET_1_0, zstd());
    let cache = Arc::new(PageCache::new(0, PageCacheMetrics::default()));
    for _ in 0..2 {
        let (rows, pages) = read(&file, &cache, &[(7, 9)]).unwrap();
        assert_eq!(rows, expected(&file, &[(7, 9)]));
        assert!(pages >= 4 && cache.bytes() == 0, "{pages}");
    }
    let cache = Arc::new(PageCache::new(50_000, PageCacheMetrics::default()));
    for row in 0..400 {
        read(&file, &cache, &[(row, row + 1)]).unwrap();
        assert!(cache.bytes() <= 50_000, "{}", cache.bytes());
    }
}

#[test]
fn broken_pages_are_errors() {
    let whole = file(WriterVersion::PARQUET_1_0, zstd());
    let footer = footer(&whole);
    let chunk = footer.row_group(1).column(2).byte_range();
    let mut failed = 0;
    for at in chunk.0..chunk.0 + 400 {
        let mut bytes = whole.to_vec();
        bytes[usize::try_from(at).unwrap()] ^= 0xff;
        let cache = Arc::new(PageCache::new(16 << 20, PageCacheMetrics::default()));
        failed += usize::from(read(&Bytes::from(bytes), &cache, &[(0, 1)]).is_err());
    }
    assert!(failed > 0);
}

#[test]
fn a_page_that_says_that_it_is_larger_than_its_column_is_refused() {
    let packed = Bytes::from(zstd::bulk::compress(&[7; 1_000], 3).unwrap());
    assert_eq!(unpack(&packed, 0, 1_000).unwrap(), [7; 1_000].as_slice());
    let error = unpack(&packed, 0, 999).unwrap_err().to_string();
    assert!(error.contains("1000 bytes in a column of 999"), "{error}");
    assert!(unpack(&packed, packed.len() + 1, 1_000).is_err());
    assert!(unpack(&packed.slice(..packed.len() - 1), 0, 1_000).is_err());
}

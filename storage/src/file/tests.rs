use arrow::compute::concat_batches;
use parquet::file::metadata::ColumnChunkMetaData;

use super::*;
use crate::compaction::read_file;
use crate::model::{Hour, TenantId, schema_of};
use crate::test_rows::{LogRow, logs};

#[tokio::test]
async fn rows_come_back_sorted_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let writer = FileWriter::new(Store::local(&layout).unwrap(), layout, 0);
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let mut rows: Vec<LogRow> = (0..3000).map(|n| LogRow::at((n * 7919) % 3000)).collect();
    rows[5].attributes = vec![("k".into(), "v".into()), ("k".into(), "w".into())];
    let batch = logs(&rows);
    let file = writer
        .write(
            &place,
            (1, 1),
            vec![batch.slice(0, 1000), batch.slice(1000, 2000)],
        )
        .await
        .unwrap();
    assert_eq!(
        (file.rows, file.min_time_ns, file.max_time_ns),
        (3000, 0, 2999)
    );
    assert_eq!(file.services, ["test"]);
    assert_eq!(file.fields.fields["attributes.k"].count, 2);

    let read = read_file(Arc::clone(writer.store.objects()), &file)
        .await
        .unwrap();
    // All in one stretch: as they came.
    let read = concat_batches(&schema_of(Table::Logs), &read).unwrap();
    assert_eq!(read, batch);
}

/// Rows with ids of their own whose times go up and down, `width` bytes of body each.
fn shuffled(count: i64, width: usize) -> RecordBatch {
    let rows: Vec<LogRow> = (0..count)
        .map(|row| LogRow {
            body: format!("{row:width$}"),
            ..LogRow::at((row * 7919) % count)
        })
        .collect();
    logs(&rows)
}

/// What is hidden of a file is said by places, so it must be made again in the order that it had.
#[tokio::test]
async fn a_lost_file_is_made_again_in_the_order_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let batch = shuffled(500, 1);
    let file = writer
        .write(&place, (1, 1), vec![batch.clone()])
        .await
        .unwrap();
    let of_before = |file: &DataFile| DataFile {
        facts: file.facts.map(|facts| FileFacts {
            stretches: false,
            ..facts
        }),
        ..file.clone()
    };
    for (lost, by_time) in [(DataFile::clone(&file), false), (of_before(&file), true)] {
        let again = writer
            .write_again(&lost, (1, 1), vec![batch.clone()])
            .await
            .unwrap();
        let rows = stretches_in(&writer, &again).await;
        let times = times_of(Table::Logs, &rows[0]).unwrap();
        assert_eq!((rows.len(), times.is_sorted()), (1, by_time));
        assert_eq!(rows[0] == batch, !by_time);
        assert_eq!(again.facts.unwrap().stretches, !by_time);
    }
}

async fn stretches_in(writer: &FileWriter, file: &DataFile) -> Vec<RecordBatch> {
    let store = Arc::clone(writer.store.objects());
    let mut rows = crate::compaction::FileRows::open(store, file)
        .await
        .unwrap();
    let mut stretches = Vec::new();
    while let Some(stretch) = rows.next_stretch().await.unwrap() {
        stretches.push(stretch);
    }
    stretches
}

#[tokio::test]
async fn stretches_follow_each_other_in_time_and_keep_the_order_of_arrival_within() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let place = (TenantId::default(), Table::Logs, Hour(0));
    for (count, width, least, most) in [(20_000, 1, 3, 3), (2_000, 20_000, 5, 16)] {
        let batch = shuffled(count, width);
        // However the rows are cut into batches, the file is the same.
        let mut files = Vec::new();
        for cut in [batch.num_rows() / 3, batch.num_rows() / 2] {
            let parts = vec![
                batch.slice(0, cut),
                batch.slice(cut, batch.num_rows() - cut),
            ];
            let file = writer.write(&place, (1, 1), parts).await.unwrap();
            assert_eq!((file.min_time_ns, file.max_time_ns), (0, count - 1));
            let stretches = stretches_in(&writer, &file).await;
            assert!(
                (least..=most).contains(&stretches.len()),
                "{}",
                stretches.len()
            );
            let mut before = -1;
            for stretch in &stretches {
                let times = times_of(Table::Logs, stretch).unwrap();
                assert!(record_ids(stretch).unwrap().values().is_sorted());
                assert!(times.iter().all(|time| *time > before));
                before = *times.iter().max().unwrap();
            }
            files.push(concat_batches(&schema_of(Table::Logs), &stretches).unwrap());
        }
        assert_eq!(files[0], files[1]);
        assert_eq!(files[0].num_rows(), batch.num_rows());
    }
}

fn writer(folder: &tempfile::TempDir) -> FileWriter {
    let layout = Layout::new(folder.path());
    FileWriter::new(Store::local(&layout).unwrap(), layout, u64::MAX)
}

/// Where the footer of a Parquet file begins.
fn footer_start(bytes: &[u8]) -> usize {
    let (_, len) = bytes[..bytes.len() - 4].split_last_chunk().unwrap();
    bytes.len() - 8 - u32::from_le_bytes(*len) as usize
}

#[tokio::test]
async fn a_flipped_bit_in_any_column_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let rows: Vec<LogRow> = (0..50)
        .map(|n| LogRow {
            body: format!("number {n} of some that differ"),
            ..LogRow::at(n)
        })
        .collect();
    let file = writer
        .write(&place, (1, 1), vec![logs(&rows)])
        .await
        .unwrap();
    let store = writer.store.objects();
    let path = folder.path().join(file.path.as_ref());
    let good = std::fs::read(&path).unwrap();
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::from(good.clone()))
        .unwrap();
    let columns = metadata.row_group(0).columns();
    let end = columns.iter().map(ColumnChunkMetaData::byte_range);
    let end = usize::try_from(end.map(|(start, len)| start + len).max().unwrap()).unwrap();
    assert!(end > 1_000 && end < footer_start(&good), "{end}");
    read_file(Arc::clone(store), &file).await.unwrap();
    for at in (4..end).step_by(17).chain([4, end - 1]) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, bytes).unwrap();
        let error = read_file(Arc::clone(store), &file).await.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "byte {at}");
        assert!(error.to_string().contains("checksum"), "byte {at}: {error}");
    }
}

#[tokio::test]
async fn row_groups_of_a_file_that_is_sent_in_parts_have_checksums_too() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let promotion = Promotion::of_batches(&[]);
    let mut sink = writer.begin(&place, 1, 0, &promotion, true).unwrap();
    let rows: Vec<LogRow> = (0..30_000).map(LogRow::at).collect();
    for at in 0..20 {
        sink.push(&logs(&rows).slice(at % 4 * 7_500, 7_500))
            .await
            .unwrap();
    }
    let file = sink.finish().await.unwrap();
    assert_eq!(file.rows, 150_000);
    let path = folder.path().join(file.path.as_ref());
    let mut bytes = std::fs::read(&path).unwrap();
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::from(bytes.clone()))
        .unwrap();
    assert_eq!(metadata.num_row_groups(), 2);
    let store = writer.store.objects();
    crate::compaction::verify_file(Arc::clone(store), &file)
        .await
        .unwrap();
    let (start, len) = metadata.row_group(1).column(0).byte_range();
    let last = usize::try_from(start + len).unwrap() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = crate::compaction::verify_file(Arc::clone(store), &file)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

/// Pages, page indexes and footer: no bit of a file can be another without notice.
#[tokio::test]
async fn a_flipped_bit_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let rows: Vec<LogRow> = (0..20).map(LogRow::at).collect();
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let file = writer
        .write(&place, (1, 1), vec![logs(&rows)])
        .await
        .unwrap();
    let path = folder.path().join(file.path.as_ref());
    let whole = std::fs::read(&path).unwrap();
    let tail = file.facts.unwrap().tail(file.bytes);
    assert!(tail.start > 4 && tail.end == whole.len() as u64);
    let store = writer.store.objects();
    assert!(read_file(Arc::clone(store), &file).await.is_ok());
    // The first four bytes say that it is Parquet, and nothing is read from where they say so.
    for at in 4..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, bytes).unwrap();
        let read = read_file(Arc::clone(store), &file).await;
        assert_eq!(
            read.unwrap_err().kind(),
            crate::ErrorKind::Corrupt,
            "byte {at}"
        );
    }
}

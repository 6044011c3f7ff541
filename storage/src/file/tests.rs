use super::*;
use crate::compaction::read_file;
use crate::model::{Hour, TenantId};
use crate::test_rows::{LogRow, logs};

#[tokio::test]
async fn rows_come_back_sorted_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let writer = FileWriter {
        store: Store::local(&layout).unwrap(),
        layout,
        index_from_rows: 0,
    };
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let mut rows: Vec<LogRow> = (0..3000).map(|n| LogRow::at((n * 7919) % 3000)).collect();
    rows[5].attributes = vec![("k".into(), "v".into()), ("k".into(), "w".into())];
    let batch = logs(&rows);
    let file = writer
        .write(
            &place,
            0,
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
    let read = concat_batches(&schema_of(Table::Logs), &read).unwrap();
    let times = times_of(Table::Logs, &read).unwrap();
    assert!(times.is_sorted());
    let order = sorted_order(Table::Logs, &batch).unwrap();
    let expected = take_record_batch(&batch, &UInt32Array::from(order)).unwrap();
    assert_eq!(read, expected);
}

mod clock;
mod damage;
mod deletion;
mod formats;
mod freshness;
mod limits;
mod matrix;
mod model;
mod recovery;
mod remote;
mod repair;
mod retention;
mod searches;
mod since;
mod tenants;
mod unsettled;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::model::schema::RECORD_ID;
use crate::model::{HOUR_NS, Hour, TimeRange};
use crate::test_rows::{LogRow, decoded_logs};
use crate::{ErrorKind, FileId};

/// Payloads are lines `time body`; enough of a wire format for storage.
struct Lines;

impl Decode for Lines {
    fn decode(&self, _: Table, _: i64, payload: &[u8]) -> Result<RecordBatch> {
        Ok(decoded_logs(&rows_of(
            std::str::from_utf8(payload).unwrap(),
        )))
    }
}

fn rows_of(payload: &str) -> Vec<LogRow> {
    payload
        .lines()
        .map(|line| {
            let (time, body) = line.split_once(' ').unwrap();
            LogRow {
                body: body.to_owned(),
                ..LogRow::at(time.parse().unwrap())
            }
        })
        .collect()
}

async fn open(folder: &tempfile::TempDir) -> Storage {
    open_with(StorageOptions::new(folder.path())).await
}

async fn open_with(options: StorageOptions) -> Storage {
    Storage::open(options, Arc::new(Lines)).await.unwrap()
}

async fn send(storage: &Storage, payload: &str) -> Result<()> {
    let _admission = storage.admit(payload.len())?;
    storage
        .append(Ingest {
            tenant: TenantId::default(),
            table: Table::Logs,
            received_time_ns: 1,
            payload: Bytes::from(payload.to_owned()),
            batch: decoded_logs(&rows_of(payload)),
        })
        .await
}

/// Every row as (record id, body), from buffer and files.
async fn rows(storage: &Storage) -> Vec<(i64, String)> {
    rows_in(storage, TimeRange::ALL).await
}

/// As [`rows`], of what overlaps `range`.
async fn rows_in(storage: &Storage, range: TimeRange) -> Vec<(i64, String)> {
    rows_read(storage, range, &mut BTreeMap::new()).await
}

/// The rows of files, as they were read before.
type Read = BTreeMap<FileId, Vec<(i64, String)>>;

/// As [`rows_in`]; a file in `read` is not read again, and what is read is put there.
async fn rows_read(storage: &Storage, range: TimeRange, read: &mut Read) -> Vec<(i64, String)> {
    let snapshot = storage.snapshot();
    let tenant = TenantId::default();
    let buffered = snapshot.batches(&tenant, Table::Logs, range);
    let mut rows = rows_of_batches(buffered.iter().map(|batch| &batch.batch));
    for file in snapshot.files(&tenant, Table::Logs, range) {
        // Rows of a file may be hidden at any time; without, it never changes.
        if let (None, Some(known)) = (&file.hidden, read.get(&file.id)) {
            rows.extend_from_slice(known);
            continue;
        }
        let batches = crate::compaction::read_visible(storage.object_store(), &file)
            .await
            .unwrap();
        let of_file = rows_of_batches(&batches);
        rows.extend_from_slice(&of_file);
        if file.hidden.is_none() {
            read.insert(file.id, of_file);
        }
    }
    rows.sort_unstable();
    rows
}

fn rows_of_batches<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Vec<(i64, String)> {
    use arrow::array::AsArray;
    let mut rows = Vec::new();
    for batch in batches {
        let ids = batch.column_by_name(RECORD_ID).unwrap();
        let ids = ids.as_primitive::<arrow::datatypes::Int64Type>();
        let bodies = batch.column_by_name("body").unwrap().as_string::<i32>();
        for row in 0..batch.num_rows() {
            rows.push((ids.value(row), bodies.value(row).to_owned()));
        }
    }
    rows
}

fn bodies(rows: &[(i64, String)]) -> Vec<&str> {
    rows.iter().map(|(_, body)| body.as_str()).collect()
}

/// Drops the engine as a crash would: no flush, no close. The lock goes with the last clone.
async fn crash(storage: Storage) {
    let shared = Arc::downgrade(&storage.shared);
    let tasks = std::mem::take(&mut *storage.shared.tasks.lock());
    for task in tasks {
        task.abort();
        drop(task.await);
    }
    drop(storage);
    assert_eq!(shared.strong_count(), 0, "something still holds the engine");
}

#[tokio::test]
async fn acknowledged_is_visible_at_once_and_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a\n2 b").await.unwrap();
    assert_eq!(bodies(&rows(&storage).await), ["a", "b"]);
    let before = rows(&storage).await;
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(rows(&storage).await, before, "also the record ids");
}

#[tokio::test]
async fn flushed_rows_are_in_files_once_and_are_not_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, &format!("1 a\n{} later", HOUR_NS + 1))
        .await
        .unwrap();
    storage.flush().await.unwrap();
    send(&storage, "3 c").await.unwrap();
    let snapshot = storage.snapshot();
    let files = snapshot.files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert_eq!(
        files.iter().map(|file| file.hour).collect::<Vec<_>>(),
        [Hour(0), Hour(1)]
    );
    drop((snapshot, files));
    let before = rows(&storage).await;
    assert_eq!(bodies(&before), ["a", "later", "c"]);
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(rows(&storage).await, before);
    storage.close().await.unwrap();
    drop(storage);
    let storage = open(&folder).await;
    assert_eq!(rows(&storage).await, before);
    assert_eq!(
        std::fs::read_dir(folder.path().join("wal"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn many_small_files_become_few_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let mut sent = BTreeSet::new();
    for number in 0..20 {
        send(&storage, &format!("{number} body{number}"))
            .await
            .unwrap();
        sent.insert(format!("body{number}"));
        storage.flush().await.unwrap();
    }
    storage.compact().await.unwrap();
    let files = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert!(
        files.len() < crate::compaction::FAN_IN,
        "{} files",
        files.len()
    );
    drop(files);
    let kept = rows(&storage).await;
    assert_eq!(kept.len(), 20);
    assert_eq!(
        kept.iter()
            .map(|(_, body)| body.clone())
            .collect::<BTreeSet<_>>(),
        sent
    );
    storage.close().await.unwrap();
    drop(storage);
    let report = crate::check(&StorageOptions::new(folder.path()), &Lines, false)
        .await
        .unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.rows, 20);
}

#[tokio::test]
async fn a_snapshot_keeps_its_files_while_they_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    for number in 0..8 {
        send(&storage, &format!("{number} x")).await.unwrap();
        storage.flush().await.unwrap();
    }
    let snapshot = storage.snapshot();
    let files = snapshot.files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    storage.compact().await.unwrap();
    assert!(storage.shared.state.unreachable().is_empty());
    for file in &files {
        assert!(
            crate::compaction::read_visible(storage.object_store(), file)
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn requests_at_the_same_time_share_syncs_and_all_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        flush_bytes: 200_000,
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    let sends = (0..200).map(|number| {
        let storage = storage.clone();
        async move { send(&storage, &format!("{number} n{number}")).await }
    });
    futures::future::try_join_all(sends).await.unwrap();
    assert_eq!(rows(&storage).await.len(), 200);
    assert!(storage.shared.metrics.wal_syncs.get() < 200);
    crash(storage).await;
    let ids: BTreeSet<i64> = rows(&open(&folder).await)
        .await
        .iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(ids.len(), 200, "record ids are unique");
}

#[tokio::test]
async fn a_second_process_is_refused_and_a_full_budget_says_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        ingest_memory_bytes: 10_000,
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options.clone()).await;
    let second = Storage::open(options, Arc::new(Lines)).await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Conflict);
    send(&storage, "1 a").await.unwrap();
    let busy = storage.admit(9_999).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    assert!(busy.retry_after().is_some());
    storage.close().await.unwrap();
    assert_eq!(storage.admit(1).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        send(&storage, "2 b").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_missing_file_is_set_aside_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a").await.unwrap();
    storage.flush().await.unwrap();
    let path = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL)[0]
        .path
        .clone();
    storage.close().await.unwrap();
    drop(storage);
    std::fs::remove_file(folder.path().join(path.as_ref())).unwrap();
    let storage = open(&folder).await;
    assert!(rows(&storage).await.is_empty());
    let skipped = storage
        .snapshot()
        .skipped(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert_eq!(skipped.len(), 1);
    assert!(
        skipped[0].reason.contains(path.as_ref()),
        "{}",
        skipped[0].reason
    );
}

#[tokio::test]
async fn check_names_broken_bytes_and_repairs_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a").await.unwrap();
    storage.close().await.unwrap();
    let file = Arc::clone(
        &storage
            .snapshot()
            .files(&TenantId::default(), Table::Logs, TimeRange::ALL)[0],
    );
    drop(storage);
    let options = StorageOptions::new(folder.path());
    let index = folder.path().join(file.index_path.as_ref());
    std::fs::remove_file(&index).unwrap();
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(!report.is_clean());
    let report = crate::check(&options, &Lines, true).await.unwrap();
    assert!(report.is_clean() && report.problems.len() == 1, "{report}");
    assert!(
        crate::check(&options, &Lines, false)
            .await
            .unwrap()
            .problems
            .is_empty()
    );

    let parquet = folder.path().join(file.path.as_ref());
    let mut bytes = std::fs::read(&parquet).unwrap();
    let len = bytes.len();
    bytes[len - 20] ^= 0xff;
    std::fs::write(&parquet, bytes).unwrap();
    let report = crate::check(&options, &Lines, true).await.unwrap();
    assert!(!report.is_clean(), "{report}");
}

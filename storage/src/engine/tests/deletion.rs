//! Deleting and redacting: effective at once, for good, whatever merges and crashes do meanwhile.

use std::time::Duration;

use arrow::array::AsArray;

use super::*;
use crate::compaction::{self, Merge, Outcome};
use crate::deletion::{DeletionState, RecordSet, Redaction};
use crate::engine::change::Replacement;
use crate::fault::{Point, script};

/// A request for the records whose bodies are `wanted`.
pub(super) async fn request(storage: &Storage, wanted: &[&str]) -> DeletionRequest {
    let mut records = RecordSet::default();
    let snapshot = storage.snapshot_with_undoable();
    for (hour, id, body) in records_of(storage, &snapshot).await {
        if wanted.contains(&body.as_str()) {
            records.insert(hour, id).unwrap();
        }
    }
    DeletionRequest {
        tenant: TenantId::default(),
        table: Table::Logs,
        query: wanted.join(" OR "),
        start_ns: None,
        end_ns: None,
        asked_by: Some("test".to_owned()),
        records,
    }
}

/// Every record of a snapshot with its hour, id and body.
async fn records_of(storage: &Storage, snapshot: &Snapshot) -> Vec<(Hour, i64, String)> {
    let tenant = TenantId::default();
    let mut batches: Vec<(Hour, RecordBatch)> = snapshot
        .batches(&tenant, Table::Logs, TimeRange::ALL)
        .iter()
        .map(|batch| (batch.hour, batch.batch.clone()))
        .collect();
    for file in snapshot.files(&tenant, Table::Logs, TimeRange::ALL) {
        let read = compaction::read_visible(storage.object_store(), &file)
            .await
            .unwrap();
        batches.extend(read.into_iter().map(|batch| (file.hour, batch)));
    }
    let mut records = Vec::new();
    for (hour, batch) in batches {
        let ids = batch.column_by_name(RECORD_ID).unwrap();
        let ids = ids.as_primitive::<arrow::datatypes::Int64Type>();
        let bodies = batch.column_by_name("body").unwrap().as_string::<i32>();
        for row in 0..batch.num_rows() {
            records.push((hour, ids.value(row), bodies.value(row).to_owned()));
        }
    }
    records
}

async fn snapshot_bodies(storage: &Storage, snapshot: &Snapshot) -> Vec<String> {
    let records = records_of(storage, snapshot).await;
    let mut bodies: Vec<_> = records.into_iter().map(|(_, _, body)| body).collect();
    bodies.sort_unstable();
    bodies
}

async fn visible(storage: &Storage) -> Vec<String> {
    let mut bodies: Vec<_> = rows(storage).await.into_iter().map(|row| row.1).collect();
    bodies.sort_unstable();
    bodies
}

/// Whether any Parquet file holds this body. Bodies are short, so they are stored as they are.
pub(super) async fn on_disk(storage: &Storage, wanted: &str) -> bool {
    for file in storage.shared.state.files_with_bytes() {
        let batches = compaction::read_file(storage.object_store(), &file).await;
        for batch in batches.unwrap() {
            let bodies = batch.column_by_name("body").unwrap().as_string::<i32>();
            if bodies.iter().flatten().any(|body| body == wanted) {
                return true;
            }
        }
    }
    false
}

#[tokio::test]
async fn deleted_is_gone_for_every_later_snapshot_and_no_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let payload = format!("1 a\n2 b\n3 c\n4 d\n5 e\n{HOUR_NS} f");
    send(&storage, &payload).await.unwrap();
    let request = request(&storage, &["b", "f"]).await;
    assert_eq!(request.records.len(), 2);
    storage.flush().await.unwrap();
    let before = storage.snapshot();
    let deletion = storage.delete(request.clone(), 2).await.unwrap();
    assert_eq!((deletion.rows, deletion.files), (2, 2));
    assert_eq!(visible(&storage).await, ["a", "c", "d", "e"]);
    assert_eq!(
        snapshot_bodies(&storage, &before).await,
        ["a", "b", "c", "d", "e", "f"]
    );
    let files = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert_eq!(files.len(), 1, "a file without rows is not read");
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(visible(&storage).await, ["a", "c", "d", "e"]);
    storage.close().await.unwrap();
    drop(storage);
    let report = crate::check(&StorageOptions::new(folder.path()), &Lines, false).await;
    assert!(report.unwrap().is_clean());
}

#[tokio::test]
async fn more_rows_than_confirmed_are_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a\n2 b").await.unwrap();
    let request = request(&storage, &["a", "b"]).await;
    let preview = storage
        .preview_deletion(request.clone(), false)
        .await
        .unwrap();
    assert_eq!((preview.rows, preview.files), (2, 1));
    let refused = storage.delete(request.clone(), 1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(visible(&storage).await, ["a", "b"]);
    assert!(
        storage
            .deletions(&TenantId::default(), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_merge_that_ran_meanwhile_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    // Too few for a merge by themselves.
    for number in 0..3 {
        send(&storage, &format!("{number} r{number}"))
            .await
            .unwrap();
        storage.flush().await.unwrap();
    }
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let files = storage.shared.state.files();
    let merge = Merge {
        files: files.of_hour(&place.0, place.1, place.2).to_vec(),
        place,
        rows_per_file: 9,
        indexed: false,
        stays: true,
    };
    drop(files);
    let merged = compaction::run(&storage.shared.writer, merge, async |_| Ok(())).await;
    storage
        .delete(request(&storage, &["r1"]).await, 1)
        .await
        .unwrap();
    let Outcome::Merged(merged) = merged.unwrap() else {
        panic!("all files are whole");
    };
    let replacement = Replacement {
        added: &merged.added,
        removed: &merged.removed,
        ..Replacement::default()
    };
    assert!(!storage.shared.replace(&replacement).await.unwrap());
    let path = storage.shared.layout.local(&merged.added[0].path);
    assert!(!path.try_exists().unwrap(), "its file is deleted");
    assert_eq!(visible(&storage).await, ["r0", "r2"]);
}

#[tokio::test]
async fn merges_leave_deleted_rows_behind() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let send_file = async |number: usize| {
        let lines: Vec<_> = "abcdefgh"
            .chars()
            .map(|c| format!("{number} {c}{number}"))
            .collect();
        send(&storage, &lines.join("\n")).await.unwrap();
        storage.flush().await.unwrap();
    };
    for number in 1..compaction::FAN_IN {
        send_file(number).await;
    }
    let deletion = storage
        .delete(request(&storage, &["a3", "h5"]).await, 2)
        .await
        .unwrap();
    send_file(0).await;
    let before = visible(&storage).await;
    storage.compact().await.unwrap();
    assert_eq!(visible(&storage).await, before);
    storage.retain().await.unwrap();
    assert!(!on_disk(&storage, "a3").await && !on_disk(&storage, "h5").await);
    let report = storage
        .deletion(&deletion.tenant, deletion.id)
        .await
        .unwrap();
    assert_eq!(report.deletion.state, DeletionState::Done);
    assert_eq!(report.rows_left, 0);
}

#[tokio::test]
async fn bytes_are_gone_by_the_deadline_and_not_while_a_query_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = StorageOptions::new(folder.path());
    options.delete_deadline = Duration::ZERO;
    let storage = open_with(options).await;
    send(&storage, "1 a\n2 b\n3 c\n4 d\n5 e").await.unwrap();
    storage.flush().await.unwrap();
    let reader = storage.snapshot();
    let deletion = storage
        .delete(request(&storage, &["d"]).await, 1)
        .await
        .unwrap();
    storage.retain().await.unwrap();
    let report = storage
        .deletion(&deletion.tenant, deletion.id)
        .await
        .unwrap();
    assert_eq!(
        snapshot_bodies(&storage, &reader).await,
        ["a", "b", "c", "d", "e"],
        "a reader keeps what it has"
    );
    assert_eq!(report.deletion.state, DeletionState::Hidden);
    drop(reader);
    // The background pass may be at it as well; both take turns.
    storage.retain().await.unwrap();
    storage.retain().await.unwrap();
    assert!(!on_disk(&storage, "d").await);
    let report = storage
        .deletion(&deletion.tenant, deletion.id)
        .await
        .unwrap();
    assert_eq!(report.deletion.state, DeletionState::Done);
    assert_eq!(visible(&storage).await, ["a", "b", "c", "e"]);
}

#[tokio::test]
async fn redacted_values_are_replaced_when_it_returns() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a\n2 secret\n3 c").await.unwrap();
    let request = request(&storage, &["secret"]).await;
    let redaction = Redaction::new(Table::Logs, vec!["body".to_owned()], "***".to_owned());
    let deletion = storage
        .redact(request, redaction.unwrap(), 1)
        .await
        .unwrap();
    assert_eq!(visible(&storage).await, ["***", "a", "c"]);
    storage.retain().await.unwrap();
    assert!(!on_disk(&storage, "secret").await);
    let report = storage
        .deletion(&deletion.tenant, deletion.id)
        .await
        .unwrap();
    assert_eq!(report.deletion.state, DeletionState::Done);
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(visible(&storage).await, ["***", "a", "c"]);
}

/// Whether every file on disk is one that the catalog knows.
async fn assert_clean(folder: &tempfile::TempDir) {
    let report = crate::check(&StorageOptions::new(folder.path()), &Lines, false).await;
    let report = report.unwrap();
    assert!(report.is_clean(), "{report}");
}

fn redaction() -> Redaction {
    Redaction::new(Table::Logs, vec!["body".to_owned()], "***".to_owned()).unwrap()
}

#[tokio::test]
async fn a_request_whose_client_leaves_comes_to_its_end() {
    for redact in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(&folder).await;
        send(&storage, "1 a\n2 secret\n3 c\n4 d\n5 e")
            .await
            .unwrap();
        storage.flush().await.unwrap();
        let request = request(&storage, &["secret"]).await;
        {
            let asked = async {
                if redact {
                    storage.redact(request, redaction(), 1).await
                } else {
                    storage.delete(request, 1).await
                }
            };
            let mut asked = Box::pin(asked);
            assert!(futures::poll!(&mut asked).is_pending());
        }
        // Closing waits for it; it may also have come before.
        storage.close().await.unwrap();
        let seen = visible(&storage).await;
        drop(storage);
        let storage = open(&folder).await;
        assert_eq!(visible(&storage).await, seen, "redact: {redact}");
        storage.close().await.unwrap();
        drop(storage);
        assert_clean(&folder).await;
    }
}

#[tokio::test]
async fn closing_leaves_no_half_of_a_redaction() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let lines: Vec<String> = (0..20)
        .map(|hour| format!("{} secret", hour * HOUR_NS))
        .collect();
    send(&storage, &lines.join("\n")).await.unwrap();
    let request = request(&storage, &["secret"]).await;
    storage.flush().await.unwrap();
    let (redacted, closed) =
        tokio::join!(storage.redact(request, redaction(), 20), storage.close());
    closed.unwrap();
    let expected = match redacted {
        Ok(_) => "***",
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            "secret"
        }
    };
    drop(storage);
    assert_clean(&folder).await;
    let storage = open(&folder).await;
    assert_eq!(visible(&storage).await, [expected; 20]);
    storage.close().await.unwrap();
}

#[tokio::test]
async fn a_deletion_is_not_done_while_bytes_that_could_not_be_deleted_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a\n2 b").await.unwrap();
    storage.flush().await.unwrap();
    let path = {
        let files = storage.shared.state.files();
        let file = files.iter().next().unwrap();
        folder.path().join(file.path.as_ref())
    };
    let faults = script::of(folder.path());
    for _ in 0..3 {
        faults.plan(Point::DeleteFile, 0, script::Fault::Fail);
    }
    let request = request(&storage, &["a"]).await;
    storage.delete(request, 1).await.unwrap();
    let mut failed = 0;
    loop {
        failed += u64::from(storage.retain().await.is_err());
        let reports = storage.deletions(&TenantId::default(), 1).await.unwrap();
        if reports[0].deletion.state == DeletionState::Done {
            break;
        }
    }
    assert!(!path.try_exists().unwrap(), "after {failed} failures");
    assert_eq!(visible(&storage).await, ["b"]);
    storage.close().await.unwrap();
}

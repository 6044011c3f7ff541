//! What a start does with a log that is not as this version left it.

use parking_lot::Mutex;

use super::*;
use crate::RecoveryProgress;
use crate::wal::{WalRecord, WalWriter};

/// Reads `Lines`, except that some have become unreadable; notes how far recovery says it is.
#[derive(Default)]
struct Picky {
    progress: Arc<RecoveryProgress>,
    said: Mutex<Vec<String>>,
}

impl Decode for Picky {
    fn decode(&self, table: Table, time: i64, payload: &[u8]) -> Result<RecordBatch> {
        self.said.lock().push(self.progress.to_string());
        if payload.ends_with(b"poison") {
            return Err(Error::invalid("not of this version"));
        }
        Lines.decode(table, time, payload)
    }
}

async fn open_picky(folder: &Path, decoder: &Arc<Picky>) -> Storage {
    let decoder = Arc::clone(decoder);
    let progress = Arc::clone(&decoder.progress);
    Storage::open_watched(StorageOptions::new(folder), decoder, &progress)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_request_that_does_not_decode_any_more_is_set_aside_and_the_rest_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    for line in ["1 a", "2 poison", "3 c"] {
        send(&storage, line).await.unwrap();
    }
    crash(storage).await;
    let kept = folder.path().join("quarantine/00000000000000000002.logs");
    // The log still has it at the second start: that is no second request.
    for _ in 0..2 {
        let decoder = Arc::new(Picky::default());
        let storage = open_picky(folder.path(), &decoder).await;
        assert_eq!(bodies(&rows(&storage).await), ["a", "c"]);
        assert_eq!(std::fs::read(&kept).unwrap(), b"2 poison");
        let metrics = &storage.shared.metrics;
        assert_eq!(metrics.wal_undecodable_requests.get(), 1);
        assert_eq!(metrics.replayed_requests.get(), 2);
        crash(storage).await;
    }
    let storage = open_picky(folder.path(), &Arc::default()).await;
    send(&storage, "4 d").await.unwrap();
    storage.close().await.unwrap();
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(segments(folder.path()).len(), 0, "its segment is deleted");
    assert_eq!(std::fs::read(&kept).unwrap(), b"2 poison", "it is not");
    assert_eq!(bodies(&rows(&storage).await), ["a", "c", "d"]);
}

fn segments(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

/// Writes segments of one request each, as a server would that rotates after each.
fn write_log(folder: &Path, payloads: &[&str]) {
    let layout = Layout::new(folder);
    prepare_directory(&layout).unwrap();
    let mut log = WalWriter::new(layout, Vec::new());
    for (sequence, payload) in (1..).zip(payloads) {
        log.append(&[WalRecord {
            sequence,
            received_time_ns: 1,
            table: Table::Logs,
            tenant: &TenantId::default(),
            payload: payload.as_bytes(),
        }])
        .unwrap();
        log.rotate();
    }
}

#[tokio::test]
async fn replay_says_which_segment_it_is_at() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path(), &["1 a", "2 b", "3 c"]);
    let decoder = Arc::new(Picky::default());
    let before = decoder.progress.to_string();
    assert_eq!(before, "opening the data directory");
    let storage = open_picky(folder.path(), &decoder).await;
    assert_eq!(
        *decoder.said.lock(),
        [
            "replaying the log, segment 1 of 3",
            "replaying the log, segment 2 of 3",
            "replaying the log, segment 3 of 3",
        ]
    );
    let after = decoder.progress.to_string();
    assert_eq!(after, "replayed 3 of 3 log segments");
    assert_eq!(rows(&storage).await.len(), 3);
}

#[tokio::test]
async fn a_newer_log_is_refused_before_anything_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a").await.unwrap();
    storage.flush().await.unwrap();
    crash(storage).await;
    write_log(folder.path(), &["1 a", "2 b", "3 c"]);
    let newest = segments(folder.path()).pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes[8] = 99;
    std::fs::write(&newest, &bytes).unwrap();
    model::orphans(folder.path());
    model::tear(folder.path(), 10);
    let before = contents(folder.path());
    let options = StorageOptions::new(folder.path());
    let refused = Storage::open(options, Arc::new(Lines)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    assert!(refused.message().contains("version 99"), "{refused}");
    assert!(refused.hint().unwrap().contains("version 1"));
    assert!(before == contents(folder.path()), "a file has changed");
}

fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// What answers about a table lack.
fn lost(storage: &Storage, table: Table) -> Vec<String> {
    storage.snapshot().lost(&TenantId::default(), table)
}

#[tokio::test]
async fn a_gap_in_the_log_makes_answers_incomplete_until_it_is_acknowledged() {
    for broken in ["a record", "a whole segment"] {
        let folder = tempfile::tempdir().unwrap();
        write_log(folder.path(), &["1 a", "2 b", "3 c", "4 d"]);
        let segment = &segments(folder.path())[1];
        if broken == "a whole segment" {
            std::fs::remove_file(segment).unwrap();
        } else {
            let mut bytes = std::fs::read(segment).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(segment, bytes).unwrap();
        }
        // Found again at each start, and still known when the log is in files.
        for start in 0..3 {
            let storage = open(&folder).await;
            assert_eq!(bodies(&rows(&storage).await), ["a", "c", "d"], "{start}");
            for table in [Table::Logs, Table::Spans] {
                let reasons = lost(&storage, table);
                assert_eq!(reasons.len(), 1, "{reasons:?}");
                assert!(
                    reasons[0].contains("request 2 is damaged or missing"),
                    "{reasons:?}"
                );
            }
            assert_eq!(storage.shared.metrics.lost_requests.get(), 1);
            if start == 1 {
                storage.close().await.unwrap();
            }
            crash(storage).await;
        }
        let options = StorageOptions::new(folder.path());
        let report = crate::check(&options, &Lines, false).await.unwrap();
        assert!(
            !report.is_clean() && report.to_string().contains("request 2"),
            "{report}"
        );
        let report = crate::check(&options, &Lines, true).await.unwrap();
        assert!(report.is_clean(), "{report}");
        let report = crate::check(&options, &Lines, false).await.unwrap();
        assert!(report.problems.is_empty(), "{report}");
        let storage = open(&folder).await;
        assert!(lost(&storage, Table::Logs).is_empty());
        assert_eq!(storage.shared.metrics.lost_requests.get(), 0);
    }
}

#[tokio::test]
async fn a_check_acknowledges_a_loss_that_no_start_has_seen() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path(), &["1 a", "2 b", "3 c"]);
    std::fs::remove_file(&segments(folder.path())[1]).unwrap();
    let options = StorageOptions::new(folder.path());
    let report = crate::check(&options, &Lines, true).await.unwrap();
    assert!(report.is_clean() && report.problems.len() == 1, "{report}");
    let storage = open(&folder).await;
    assert_eq!(bodies(&rows(&storage).await), ["a", "c"]);
    assert!(lost(&storage, Table::Logs).is_empty());
}

#[tokio::test]
async fn a_request_that_decodes_again_is_not_lost_any_more() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path(), &["1 a", "2 poison", "3 c"]);
    let storage = open_picky(folder.path(), &Arc::default()).await;
    assert!(lost(&storage, Table::Logs)[0].contains("request 2 cannot be decoded"));
    assert!(
        lost(&storage, Table::Spans).is_empty(),
        "it is known to be of logs"
    );
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(bodies(&rows(&storage).await), ["a", "poison", "c"]);
    assert!(lost(&storage, Table::Logs).is_empty());
}

//! What happens at the limits: who is told what, and that nothing needs a restart.

use std::path::PathBuf;
use std::time::Duration;

use super::*;

/// Waits for what the engine does by itself.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "{what} did not come");
}

#[tokio::test]
async fn a_log_at_its_limit_is_busy_and_gets_shorter_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        wal_max_bytes: 4_000,
        flush_interval: Duration::from_hours(1),
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    let body = "x".repeat(1_500);
    let mut sent = 0;
    let refused = loop {
        match send(&storage, &format!("{sent} {body}")).await {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 1_000, "nothing was refused");
    };
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    assert!(refused.retry_after().is_some());
    until("room in the log", || storage.admit(1).is_ok()).await;
    send(&storage, "5 after").await.unwrap();
    assert_eq!(rows(&storage).await.len(), sent + 1);
}

#[tokio::test]
async fn merging_that_is_behind_holds_writers_off_until_it_has_caught_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        max_waiting_files: 9,
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    let merges = &storage.shared.merges;
    merges.hold((TenantId::default(), Table::Logs, Hour(0)));
    for number in 0..10 {
        send(&storage, &format!("{number} x")).await.unwrap();
        storage.flush().await.unwrap();
    }
    let mut refused = None;
    until("a refusal", || {
        refused = storage.admit(1).err();
        refused.is_some()
    })
    .await;
    let refused = refused.unwrap();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.retry_after().is_some());
    assert_eq!(storage.shared.metrics.compaction_debt_files.get(), 10);
    assert_eq!(rows(&storage).await.len(), 10, "reads go on");
    merges.release();
    storage.compact().await.unwrap();
    until("an end of it", || storage.admit(1).is_ok()).await;
    assert_eq!(storage.shared.metrics.compaction_debt_files.get(), 0);
    assert_eq!(rows(&storage).await.len(), 10);
}

#[tokio::test]
async fn memory_that_is_refused_is_freed_before_the_buffer_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        ingest_memory_bytes: 100_000,
        flush_bytes: 100_000,
        flush_interval: Duration::from_hours(1),
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    send(&storage, "1 a").await.unwrap();
    assert_eq!(storage.admit(99_999).unwrap_err().kind(), ErrorKind::Busy);
    until("memory", || storage.admit(99_999).is_ok()).await;
    assert_eq!(
        storage.admit(100_001).unwrap_err().kind(),
        ErrorKind::TooLarge,
        "this one can never be taken"
    );
}

#[tokio::test]
async fn a_request_of_too_many_hours_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let hours = |count: i64| -> String {
        let lines: Vec<String> = (0..count)
            .map(|hour| format!("{} h", hour * HOUR_NS))
            .collect();
        lines.join("\n")
    };
    let error = send(&storage, &hours(5_000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.retry_after().is_none());
    send(&storage, &hours(50)).await.unwrap();
    assert_eq!(rows(&storage).await.len(), 50);
}

/// One record in each of so many hours.
fn in_hours(count: i64) -> String {
    let lines: Vec<String> = (0..count)
        .map(|hour| format!("{} h", hour * HOUR_NS))
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_buffer_of_very_many_places_is_sealed_however_small_it_is() {
    const PLACES: i64 = 4096;
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        flush_interval: Duration::from_hours(1),
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    let places = || storage.shared.state.buffered().active_places;
    send(&storage, &in_hours(PLACES - 1)).await.unwrap();
    assert_eq!(places(), 4095, "it is not old and not large");
    send(&storage, &format!("{} one more", PLACES * HOUR_NS))
        .await
        .unwrap();
    assert_eq!(places(), 0, "each place is a file to write");
    assert_eq!(rows(&storage).await.len(), 4096);
    crash(storage).await;
}

#[tokio::test]
async fn buffers_are_flushed_less_often_while_merging_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        flush_interval: Duration::from_secs(30),
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    let shared = &storage.shared;
    assert_eq!(shared.flush_interval(), Duration::from_secs(30));
    shared.limits.busy.store(true, Ordering::Release);
    assert_eq!(shared.flush_interval(), Duration::from_mins(2));
    shared.limits.busy.store(false, Ordering::Release);
    assert_eq!(shared.flush_interval(), Duration::from_secs(30));
}

/// A small file system of its own, for as long as this lives.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, with a message, where file systems may not be mounted.
    fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder }),
            Ok(output) => {
                println!("SKIPPED: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                println!("SKIPPED: cannot run mount: {error}");
                None
            }
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.folder.path().join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 16, 4_096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let folder: &Path = self.folder.path();
        let done = std::process::Command::new("umount")
            .arg("-l")
            .arg(folder)
            .status();
        assert!(done.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_loses_nothing_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::mount(6 << 20) else {
        return;
    };
    // No mark, so that the log and the flush really meet the end of the disk.
    let options = StorageOptions {
        min_free_bytes: 0,
        flush_interval: Duration::from_hours(1),
        ..StorageOptions::new(disk.data())
    };
    let storage = open_with(options.clone()).await;
    let body = "y".repeat(20_000);
    for number in 0..20 {
        send(&storage, &format!("{number} {body}")).await.unwrap();
    }
    let filler = disk.fill();
    let mut refused = 0;
    for number in 100..110 {
        match send(&storage, &format!("{number} {body}")).await {
            // The last page of the log's file may have had room.
            Ok(()) => panic!("a full disk took 20 kB"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                assert!(error.retry_after().is_some(), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 10);
    assert_eq!(rows(&storage).await.len(), 20, "reads go on");
    assert!(storage.flush().await.is_err());
    assert!(storage.flush().await.is_err());
    assert_eq!(rows(&storage).await.len(), 20);
    std::fs::remove_file(filler).unwrap();
    send(&storage, "50 later").await.unwrap();
    storage.flush().await.unwrap();
    assert_eq!(rows(&storage).await.len(), 21);
    let before = rows(&storage).await;
    crash(storage).await;
    let storage = open_with(options.clone()).await;
    assert_eq!(rows(&storage).await, before);
    storage.close().await.unwrap();
    drop(storage);
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(report.problems.is_empty(), "failed flushes left: {report}");
}

#[tokio::test]
async fn writes_stop_before_the_disk_is_full_and_merges_leave_room() {
    let Some(disk) = SmallDisk::mount(8 << 20) else {
        return;
    };
    let options = StorageOptions {
        min_free_bytes: 2 << 20,
        ..StorageOptions::new(disk.data())
    };
    let storage = open_with(options).await;
    for number in 0..4 {
        send(&storage, &format!("{number} a")).await.unwrap();
        storage.flush().await.unwrap();
    }
    let filler = disk.fill();
    until("a refusal", || {
        storage
            .admit(1)
            .is_err_and(|error| error.kind() == ErrorKind::Unavailable)
    })
    .await;
    assert!(!storage.shared.has_room(1), "no merge begins now");
    assert_eq!(rows(&storage).await.len(), 4);
    std::fs::remove_file(filler).unwrap();
    until("an end of it", || storage.admit(1).is_ok()).await;
    assert!(storage.shared.has_room(1));
    send(&storage, "9 a").await.unwrap();
}

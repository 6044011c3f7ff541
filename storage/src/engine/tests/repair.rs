//! What `spoor check --repair` does with files that are broken, gone, and back again.

use std::path::PathBuf;

use super::*;

/// A closed directory with two rows in hour 0 and one in hour 5, its rows, and the paths of the two
/// files.
async fn directory() -> (tempfile::TempDir, Vec<(i64, String)>, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        index_from_rows: 0,
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    send(&storage, &format!("1 a\n2 b\n{} c", 5 * HOUR_NS))
        .await
        .unwrap();
    storage.close().await.unwrap();
    let rows = rows(&storage).await;
    let snapshot = storage.snapshot();
    let files = snapshot.files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    let paths = [0, 1].map(|at: usize| folder.path().join(files[at].path.as_ref()));
    (folder, rows, paths)
}

async fn repaired(folder: &Path) -> crate::CheckReport {
    crate::check(&StorageOptions::new(folder), &Lines, true)
        .await
        .unwrap()
}

/// Bytes of pages are others; the footer is as it was.
fn break_pages(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[4..40].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_broken_file_is_set_aside_and_taken_back_once_its_bytes_are_whole() {
    let (folder, before, [path, _]) = directory().await;
    let whole = std::fs::read(&path).unwrap();
    break_pages(&path);
    let options = StorageOptions::new(folder.path());
    let looked = crate::check(&options, &Lines, false).await.unwrap();
    let first = repaired(folder.path()).await;
    let second = repaired(folder.path()).await;
    for report in [looked, first, second] {
        assert!(!report.is_clean(), "{report}");
        let text = report.to_string();
        assert!(text.contains("lost: 2 logs of 1970-01-01T00 "), "{text}");
        assert!(!text.contains("1970-01-01T05"), "{text}");
    }
    let storage = open(&folder).await;
    assert_eq!(bodies(&rows(&storage).await), ["c"]);
    let hour = |storage: &Storage| {
        let snapshot = storage.snapshot();
        let skipped = snapshot.skipped(&TenantId::default(), Table::Logs, TimeRange::ALL);
        skipped.iter().map(|file| file.hour).collect::<Vec<_>>()
    };
    assert_eq!(hour(&storage), [Hour(0)]);
    storage.close().await.unwrap();
    crash(storage).await;

    std::fs::write(&path, whole).unwrap();
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(
        !report.is_clean() && report.lost_rows.is_empty(),
        "{report}"
    );
    let report = repaired(folder.path()).await;
    assert!(report.is_clean() && report.problems.len() == 1, "{report}");
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(report.problems.is_empty(), "{report}");
    let storage = open(&folder).await;
    assert_eq!(rows(&storage).await, before);
    assert!(hour(&storage).is_empty());
}

#[tokio::test]
async fn a_lost_file_and_its_index_are_taken_back_and_the_index_is_built_if_it_is_not() {
    let (folder, before, [path, other]) = directory().await;
    let whole = std::fs::read(&path).unwrap();
    for path in [&path, &other] {
        std::fs::remove_file(path).unwrap();
    }
    std::fs::remove_file(path.with_extension("idx")).unwrap();
    // A start sets aside what is missing.
    let storage = open(&folder).await;
    assert!(rows(&storage).await.is_empty());
    storage.close().await.unwrap();
    crash(storage).await;
    std::fs::write(&path, whole).unwrap();
    let report = repaired(folder.path()).await;
    let text = report.to_string();
    assert!(text.contains("lost: 1 logs of 1970-01-01T05 "), "{text}");
    assert!(!text.contains("lost: 2"), "{text}");
    let said: Vec<_> = report.problems.iter().map(|of| of.repaired).collect();
    assert_eq!(said, [true, true, false], "{text}");
    assert!(path.with_extension("idx").is_file());
    let storage = open(&folder).await;
    assert_eq!(rows(&storage).await, before[..2]);
}

/// A directory whose log still has what is in its files: rows `a` to `d` of hour 0 in one file, `b` deleted
/// and not yet gone, and one of hour 5. With the paths of the files.
async fn directory_with_log() -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let options = StorageOptions {
        index_from_rows: 0,
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options).await;
    let segment = wal_segment(folder.path());
    send(&storage, &format!("4 d\n1 a\n{} e", 5 * HOUR_NS))
        .await
        .unwrap();
    let kept = std::fs::read(segment(0)).unwrap();
    send(&storage, "2 b\n3 c\n5 f\n6 g").await.unwrap();
    let whole = std::fs::read(segment(0)).unwrap();
    assert!(whole.len() > kept.len());
    let request = deletion::request(&storage, &["b"]).await;
    storage.delete(request, 1).await.unwrap();
    let files = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    let paths = [0, 1].map(|at: usize| folder.path().join(files[at].path.as_ref()));
    drop(files);
    crash(storage).await;
    // As a longer segment would have stayed, that has newer requests besides.
    std::fs::write(folder.path().join("wal/00000000000000000001.wal"), whole).unwrap();
    (folder, paths)
}

/// Where the log has its segment.
fn wal_segment(folder: &Path) -> impl Fn(usize) -> PathBuf + use<> {
    let folder = folder.join("wal");
    move |at| {
        let entries = std::fs::read_dir(&folder).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.swap_remove(at)
    }
}

#[tokio::test]
async fn a_lost_file_is_made_anew_from_the_log_with_its_hidden_rows() {
    for what in ["missing", "broken", "set aside"] {
        let (folder, [path, other]) = directory_with_log().await;
        let whole = std::fs::read(&path).unwrap();
        match what {
            "broken" => break_pages(&path),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        std::fs::remove_file(path.with_extension("idx")).unwrap();
        let options = StorageOptions {
            index_from_rows: 0,
            ..StorageOptions::new(folder.path())
        };
        if what == "set aside" {
            let log = std::fs::read(folder.path().join("wal/00000000000000000001.wal")).unwrap();
            let storage = open_with(options.clone()).await;
            assert_eq!(bodies(&rows(&storage).await), ["e"]);
            crash(storage).await;
            std::fs::write(folder.path().join("wal/00000000000000000001.wal"), log).unwrap();
        }
        let looked = crate::check(&options, &Lines, false).await.unwrap();
        assert!(
            !looked.is_clean() && looked.lost_rows.is_empty(),
            "{looked}"
        );
        assert!(
            looked.to_string().contains("--repair makes it anew"),
            "{looked}"
        );
        let report = crate::check(&options, &Lines, true).await.unwrap();
        assert!(report.is_clean(), "{what}: {report}");
        assert!(
            report.to_string().contains("had all its 6 rows"),
            "{report}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), whole, "byte by byte");
        let report = crate::check(&options, &Lines, false).await.unwrap();
        assert!(report.problems.is_empty(), "{what}: {report}");
        let storage = open_with(options).await;
        let left = rows(&storage).await;
        assert_eq!(
            bodies(&left),
            ["d", "a", "e", "c", "f", "g"],
            "{what}: `b` stays deleted"
        );
        assert!(other.is_file());
    }
}

#[tokio::test]
async fn a_lost_file_of_which_the_log_has_a_part_is_lost_and_the_check_says_how_much() {
    let (folder, [path, _]) = directory_with_log().await;
    std::fs::remove_file(&path).unwrap();
    // The second request is broken: four rows of six are gone.
    let segment = folder.path().join("wal/00000000000000000001.wal");
    let mut log = std::fs::read(&segment).unwrap();
    let at = log.windows(3).position(|bytes| bytes == b"3 c").unwrap();
    log[at] ^= 1;
    std::fs::write(&segment, log).unwrap();
    let report = repaired(folder.path()).await;
    let text = report.to_string();
    assert!(
        !report.is_clean() && text.contains("the log has 2 of its 6 rows"),
        "{text}"
    );
    assert!(text.contains("lost: 6 logs of 1970-01-01T00 "), "{text}");
    let storage = open(&folder).await;
    assert_eq!(bodies(&rows(&storage).await), ["e"]);
}

/// Writes another format version into a file, as if a newer Spoor had written it.
fn make_newer(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let key = b"spoor.format_version";
    let at = bytes
        .windows(key.len())
        .rposition(|window| window == key)
        .unwrap();
    let value = at + bytes[at..].iter().position(|byte| *byte == b'3').unwrap();
    bytes[value] = b'9';
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_set_aside_as_it_is_and_never_misread() {
    let (folder, [path, _]) = directory_with_log().await;
    make_newer(&path);
    let newer = std::fs::read(&path).unwrap();
    // The catalog knows another checksum; a newer version would have written that too.
    let catalog = sqlx::SqlitePool::connect(&format!(
        "sqlite://{}",
        folder.path().join("catalog.sqlite").display()
    ))
    .await
    .unwrap();
    sqlx::query("DELETE FROM file_facts")
        .execute(&catalog)
        .await
        .unwrap();
    catalog.close().await;
    let storage = open(&folder).await;
    let snapshot = storage.snapshot();
    let file = Arc::clone(&snapshot.files(&TenantId::default(), Table::Logs, TimeRange::ALL)[0]);
    assert!(storage.set_aside_if_broken(&file).await.unwrap());
    assert_eq!(bodies(&rows(&storage).await), ["e"]);
    let skipped = storage
        .snapshot()
        .skipped(&TenantId::default(), Table::Logs, TimeRange::ALL);
    let reason = &skipped[0].reason;
    assert!(
        reason.contains("newer version") && reason.contains('9'),
        "{reason}"
    );
    storage.close().await.unwrap();
    drop((file, snapshot));
    crash(storage).await;
    let report = repaired(folder.path()).await;
    assert!(!report.is_clean(), "{report}");
    assert_eq!(std::fs::read(&path).unwrap(), newer, "not touched");
}

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
    crate::check(&StorageOptions::new(folder), true)
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
    let looked = crate::check(&options, false).await.unwrap();
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
    let report = crate::check(&options, false).await.unwrap();
    assert!(
        !report.is_clean() && report.lost_rows.is_empty(),
        "{report}"
    );
    let report = repaired(folder.path()).await;
    assert!(report.is_clean() && report.problems.len() == 1, "{report}");
    let report = crate::check(&options, false).await.unwrap();
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

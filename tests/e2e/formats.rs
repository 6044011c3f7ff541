//! Directories of earlier versions open with every row, and those of later ones are left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::api::{Api, rows};
use crate::data;
use crate::harness::Home;

/// `tests/data/format-1`: what the first version had written when it was killed.
fn golden() -> Home {
    let home = Home::new();
    copy(&data::path("format-1/data"), &home.data_dir());
    home
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every row as the version that wrote it had answered, in order of `record_id`.
async fn assert_all_there(api: &Api) {
    let expected: Value = serde_json::from_str(&data::text("format-1/rows.json")).unwrap();
    for table in ["logs", "spans"] {
        let columns: Vec<&str> = expected[table]["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["name"].as_str().unwrap())
            .collect();
        let columns = columns.join(", ");
        let query = format!("SELECT {columns} FROM {table} ORDER BY record_id");
        let found = api.sql(&query).await;
        let wanted = rows(&expected[table]["rows"]);
        assert_eq!(found.len(), wanted.len(), "{table}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found, wanted, "{table}");
        }
    }
    assert_eq!(api.count_logs("\"golden record\"").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_version_1_opens_with_every_row() {
    let home = golden();
    let tail = home.files(".wal");
    assert_eq!(tail.len(), 1, "a part of it is in the log: {tail:?}");
    // As the killed server left it (with its `spoor.json`), its log in memory.
    let server = home.serve_with(&["--flush-interval", "1h"]).await;
    assert_all_there(&server.api()).await;
    server.kill();
    // Again, and then with its log in files.
    let server = home.serve_with(&["--flush-interval", "1h"]).await;
    server.stop().await;
    assert_eq!(home.files(".wal"), Vec::<PathBuf>::new());
    let server = home.serve().await;
    assert_all_there(&server.api()).await;
    // New rows beside the old ones, of either table.
    let record = data::record("of the version of today");
    let logs = data::logs_of("new", vec![record]);
    server.otlp().export_logs(&logs).await;
    assert_eq!(server.api().count_logs("version today").await, 1);
    server.stop().await;
}

/// Names and bytes of everything below a folder but the address file.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !path.ends_with("spoor.json") {
            let bytes = std::fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_a_newer_version_is_refused_and_nothing_is_touched() {
    let home = golden();
    let segment = home.files(".wal").remove(0);
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[8] = 99;
    std::fs::write(&segment, bytes).unwrap();
    // What the next start of the right version deletes must still be there for it.
    let hour = "tenant=default/logs/date=2024-05-01/hour=12";
    let unfinished = home.data_dir().join(hour).join("0123.parquet");
    std::fs::write(&unfinished, b"half").unwrap();
    std::fs::write(home.data_dir().join("LOCK"), b"").unwrap();
    let before = contents(&home.data_dir());
    let mut server = home.launch(&[]);
    assert!(!server.exited().await.success());
    let log = server.log();
    assert!(log.contains("version 99"), "{log}");
    let after = contents(&home.data_dir());
    let names = |of: &BTreeMap<PathBuf, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    assert!(after == before, "some file has changed");
}

//! What earlier versions wrote is read. `testdata/vN` is a data directory as Spoor closed it when
//! its files had format version N.

use arrow::array::{Array, AsArray};

use super::*;
use crate::buffer::times_of;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

async fn opened(version: &str) -> (tempfile::TempDir, Storage) {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(version);
    copy(&golden, folder.path());
    let storage = open(&folder).await;
    (folder, storage)
}

async fn rows_of_table(storage: &Storage, table: Table) -> RecordBatch {
    let files = storage
        .snapshot()
        .files(&TenantId::default(), table, TimeRange::ALL);
    let mut batches = Vec::new();
    for file in &files {
        let read = crate::compaction::read_file(storage.object_store(), file).await;
        batches.extend(read.unwrap());
    }
    arrow::compute::concat_batches(&crate::model::schema_of(table), &batches).unwrap()
}

#[tokio::test]
async fn a_catalog_of_version_3_is_read_and_files_that_are_written_now_are_known_better() {
    let (folder, storage) = opened("v3").await;
    let files = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert!(files.len() == 2 && files.iter().all(|file| file.facts.is_none()));
    let logs = rows_of_table(&storage, Table::Logs).await;
    assert_eq!(logs.num_rows(), 9);
    assert_eq!(attributes(&logs, 0), "n=1 i");
    drop(files);
    send(&storage, "1 new").await.unwrap();
    storage.flush().await.unwrap();
    let hour = TimeRange {
        start_ns: 0,
        end_ns: HOUR_NS,
    };
    let files = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, hour);
    assert!(files[0].facts.is_some_and(|facts| facts.requests.is_some()));
    drop(files);
    storage.close().await.unwrap();
    crash(storage).await;
    let options = StorageOptions::new(folder.path());
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(report.problems.is_empty() && report.rows == 10, "{report}");
}

#[tokio::test]
async fn a_catalog_of_version_4_keeps_its_pins_and_rules_and_takes_saved_searches() {
    let (folder, storage) = opened("v4").await;
    let tenant = TenantId::default();
    assert_eq!(rows(&storage).await.len(), 2);
    let pins = storage.pins(&tenant);
    assert_eq!((pins.len(), pins[0].1.note.as_str()), (1, "golden"));
    let policy = storage.retention().record;
    assert_eq!((policy.version, policy.policy.rules.len()), (1, 1));
    assert!(
        storage
            .saved_searches(&tenant, None)
            .await
            .unwrap()
            .is_empty()
    );
    let content = searches::content("mine", crate::SearchView::Logs);
    let saved = storage.save_search(&tenant, content).await.unwrap();
    storage.close().await.unwrap();
    crash(storage).await;
    let storage = open(&folder).await;
    assert_eq!(
        storage.saved_searches(&tenant, None).await.unwrap(),
        [saved]
    );
    assert_eq!(
        (storage.pins(&tenant), storage.retention().record),
        (pins, policy)
    );
    storage.close().await.unwrap();
    crash(storage).await;
    let options = StorageOptions::new(folder.path());
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(report.problems.is_empty() && report.files == 1, "{report}");
}

#[tokio::test]
async fn files_in_order_of_time_are_read_and_merged_with_those_in_stretches() {
    let (folder, storage) = opened("v5").await;
    let before = rows_of_table(&storage, Table::Logs).await;
    assert_eq!(before.num_rows(), 400);
    assert!(times_of(Table::Logs, &before).unwrap().is_sorted());
    assert_eq!(attributes(&before, 3), "n=1 i");
    for flush in 0..7 {
        let lines: Vec<String> = (0..100)
            .map(|line| format!("{} new {flush}", 1_674_979_200_000_000_000_i64 + 4 * line))
            .collect();
        send(&storage, &lines.join("\n")).await.unwrap();
        storage.flush().await.unwrap();
    }
    storage.compact().await.unwrap();
    let files = storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert_eq!((files.len(), files[0].rows), (1, 1_100));
    drop(files);
    // All in one stretch: in the order of arrival.
    let merged = rows(&storage).await;
    let expected = ["cart", "email"]
        .iter()
        .flat_map(|service| (0..200).map(move |n| format!("{service} {n}")))
        .chain((0..700).map(|n| format!("new {}", n / 100)));
    assert!(merged.iter().map(|(_, body)| body.clone()).eq(expected));
    storage.close().await.unwrap();
    crash(storage).await;
    let options = StorageOptions::new(folder.path());
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(
        report.problems.is_empty() && report.rows == 1_100,
        "{report}"
    );
}

/// The attributes of a row as `key=value` with the type letters behind.
fn attributes(rows: &RecordBatch, row: usize) -> String {
    let map = rows.column_by_name("attributes").unwrap().as_map();
    let types = rows.column_by_name("attribute_types").unwrap();
    let entries = map.value(row);
    let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1));
    let values = values.as_string::<i32>();
    let mut shown = String::new();
    for entry in 0..entries.len() {
        let value = if values.is_null(entry) {
            "null"
        } else {
            values.value(entry)
        };
        shown.push_str(keys.value(entry));
        shown.push('=');
        shown.push_str(value);
        shown.push(' ');
    }
    shown + types.as_string::<i32>().value(row)
}

#[tokio::test]
async fn files_and_catalog_of_version_1_are_read() {
    let (_folder, storage) = opened("v1").await;
    let spans = rows_of_table(&storage, Table::Spans).await;
    assert_eq!(spans.num_rows(), 2);
    assert_eq!(
        attributes(&spans, 0),
        r#"http.route=/cart http.response.status_code=500 ratio=0.25 cached=false raw=AAE= list={"values":[{"intValue":"1"},{"stringValue":"a"}]} map={"values":[{"key":"k","value":{"stringValue":"v"}}]} nothing=null http.route=twice sidbxamns"#
    );
    let logs = rows_of_table(&storage, Table::Logs).await;
    assert_eq!(
        [
            attributes(&logs, 0),
            attributes(&logs, 1),
            attributes(&logs, 2)
        ],
        ["n=NaN n=9007199254740993 di", "", "empty= s"]
    );
    let bodies = logs.column_by_name("body").unwrap().as_string::<i32>();
    assert_eq!(bodies.value(0), "connection refused");
    let snapshot = storage.snapshot();
    let statistics = snapshot.field_statistics(&TenantId::default(), Table::Spans, TimeRange::ALL);
    assert_eq!(statistics.fields["attributes.http.route"].count, 2);
    assert_eq!(statistics.fields["attributes.http.route"].distinct, 2);
}

#[tokio::test]
async fn a_directory_of_version_1_takes_new_rows_and_passes_the_check() {
    let (folder, storage) = opened("v1").await;
    send(&storage, "1674979203000000000 new").await.unwrap();
    storage.close().await.unwrap();
    crash(storage).await;
    let options = StorageOptions::new(folder.path());
    // Its indexes are of a version that is not read any more: they are built anew.
    let report = crate::check(&options, &Lines, true).await.unwrap();
    assert_eq!((report.files, report.rows), (3, 6), "{report}");
    assert!(
        report
            .problems
            .iter()
            .all(|problem| problem.what.contains("index"))
    );
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(report.is_clean() && report.problems.is_empty(), "{report}");
}

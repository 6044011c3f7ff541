use std::collections::BTreeMap;

use super::*;
use crate::layout::{index_path, parquet_path};
use crate::model::{Hour, Table, TenantId};
use crate::snapshot::{FieldStatistic, FieldStatistics};

fn file(hour: i64) -> Arc<DataFile> {
    let (id, tenant, table, hour) = (
        FileId::generate(),
        TenantId::default(),
        Table::Logs,
        Hour(hour),
    );
    let statistic = FieldStatistic {
        count: 3,
        types: BTreeMap::from([('s', 3)]),
        top_values: vec![("a".to_owned(), 3)],
        exact: true,
    };
    Arc::new(DataFile {
        id,
        path: parquet_path(&tenant, table, hour, id),
        index_path: index_path(&tenant, table, hour, id),
        tenant,
        table,
        hour,
        level: 0,
        rows: 3,
        bytes: 100,
        index_bytes: 50,
        min_time_ns: -5,
        max_time_ns: 7,
        services: vec!["cart".to_owned()],
        fields: FieldStatistics {
            fields: BTreeMap::from([("attributes.x".to_owned(), statistic)]),
        },
    })
}

#[tokio::test]
async fn a_change_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let catalog = Catalog::open(&path).await.unwrap();
    let (kept, gone) = (file(1), file(2));
    let added = [Arc::clone(&kept), Arc::clone(&gone)];
    catalog
        .commit(&Change {
            add: &added,
            wal_mark: Some(9),
            ..Change::default()
        })
        .await
        .unwrap();
    let removed = [Arc::clone(&gone)];
    catalog
        .commit(&Change {
            remove: &removed,
            ..Change::default()
        })
        .await
        .unwrap();
    catalog.close().await;

    let catalog = Catalog::open(&path).await.unwrap();
    assert_eq!(catalog.wal_mark().await.unwrap(), 9);
    let rows = catalog.files().await.unwrap();
    assert_eq!(rows[0].file.fields, kept.fields);
    assert_eq!(rows[0].file.path, kept.path);
    assert_eq!(rows[0].state, FileState::Live);
    assert_eq!(rows[1].state, FileState::Removed);
    catalog.forget(gone.id).await.unwrap();
    catalog.forget(kept.id).await.unwrap();
    assert_eq!(
        catalog.files().await.unwrap().len(),
        1,
        "live files are not forgotten"
    );
}

#[tokio::test]
async fn removing_what_is_not_live_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalog.sqlite"))
        .await
        .unwrap();
    let (added, never) = ([file(1)], [file(2)]);
    let outcome = catalog
        .commit(&Change {
            add: &added,
            remove: &never,
            wal_mark: Some(4),
        })
        .await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(catalog.files().await.unwrap().is_empty());
    assert_eq!(catalog.wal_mark().await.unwrap(), 0);
}

//! Catalogs of other versions, of other directories, and with broken rows.

use super::*;

#[tokio::test]
async fn a_newer_catalog_is_refused() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let newer = schema::set_meta("format_version", "99");
        catalog.database.apply(&[newer]).await.unwrap();
        catalog.close().await;
        let refused = place.try_open().await;
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("99"), "{error}");
    }
}

#[tokio::test]
async fn a_catalog_of_version_1_is_opened() {
    let place = Place::sqlite();
    let database = Database::open_sqlite(&place.layout.catalog())
        .await
        .unwrap();
    database
        .define(
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE files (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, table_name TEXT NOT NULL,
               hour INTEGER NOT NULL, level INTEGER NOT NULL, row_count INTEGER NOT NULL,
               bytes INTEGER NOT NULL, index_bytes INTEGER NOT NULL, min_time_ns INTEGER NOT NULL,
               max_time_ns INTEGER NOT NULL, services TEXT NOT NULL, field_statistics BLOB NOT NULL,
               state TEXT NOT NULL, reason TEXT) WITHOUT ROWID;
             INSERT INTO meta VALUES ('format_version', '1'), ('wal_mark', '77');",
        )
        .await
        .unwrap();
    let old = file(3);
    database.apply(&[row::insert(&old).unwrap()]).await.unwrap();
    database.close().await;

    let catalog = place.open().await;
    assert_eq!(catalog.wal_mark().await.unwrap(), 77);
    let rows = catalog.files().await.unwrap().files;
    assert_eq!(rows[0].file.path, old.path);
    assert_eq!(rows[0].file.fields, old.fields);
    let version = catalog.database.meta("format_version").await.unwrap();
    assert_eq!(version, Some(schema::FORMAT_VERSION.to_string()));
}

#[tokio::test]
async fn a_broken_row_sets_its_file_aside_and_no_other() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let (whole, negative, torn) = (file(1), file(2), file(3));
        let added = [&whole, &negative, &torn].map(Arc::clone);
        catalog.commit(&adding(&added, 1)).await.unwrap();
        for (sql, id) in [
            ("UPDATE files SET row_count = -1 WHERE id = $1", negative.id),
            (
                "UPDATE files SET field_statistics = substr(field_statistics, 1, 9) WHERE id = $1",
                torn.id,
            ),
        ] {
            let broken = Statement::new(sql, vec![id.to_string().into()]);
            let broken = broken.changes_one_row("no such row");
            catalog.database.apply(&[broken]).await.unwrap();
        }
        let listed = catalog.files().await.unwrap();
        assert_eq!(listed.files.len(), 1);
        assert_eq!(listed.files[0].file.id, whole.id);
        for (broken, id, what) in [
            (&listed.broken[0], negative.id, "`row_count` is -1"),
            (&listed.broken[1], torn.id, "`field_statistics`"),
        ] {
            assert_eq!(broken.id, id);
            assert!(broken.reason.contains(what), "{}", broken.reason);
            assert!(broken.reason.contains(&id.to_string()), "{}", broken.reason);
        }
    }
}

#[tokio::test]
async fn a_catalog_keeps_to_its_directory() {
    for place in Place::all().await {
        place.open().await.close().await;
        let again = place.open().await;
        again.close().await;
        std::fs::write(place.layout.id(), "another").unwrap();
        let error = place.try_open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    if let Some(place) = Place::postgres().await {
        place.open().await.close().await;
        std::fs::remove_file(place.layout.id()).unwrap();
        let error = place.try_open().await.unwrap_err();
        assert!(
            error.to_string().contains("another data directory"),
            "{error}"
        );
        assert!(binding::read_id(&place.layout).unwrap().is_none());
    }
}

#[tokio::test]
async fn an_empty_catalog_is_not_taken_for_a_directory_with_files() {
    for place in Place::all().await {
        let path = place.layout.local(&file(4).path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "rows").unwrap();
        for _ in 0..2 {
            let error = place.try_open().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.to_string().contains("is missing"), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        place.open().await;
    }
}

//! Every fact holds for both databases. PostgreSQL is the one that `SPOOR_TEST_POSTGRES_URL` names
//! (`tests/run.sh` starts one); each test makes a database of its own in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::deletion::{DeletionKind, DeletionState};
use crate::error::ErrorKind;
use crate::hidden::{HiddenPart, HiddenRows};
use crate::layout::{index_path, parquet_path};
use crate::model::{DeletionId, Hour, Table, TenantId, TraceId};
use crate::retention::{Pin, PolicyRecord};
use crate::snapshot::{FieldStatistic, FieldStatistics};

/// A place for a catalog.
struct Place {
    location: CatalogLocation,
    layout: Layout,
    _folder: TempDir,
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            location: CatalogLocation::Sqlite,
            layout: Layout::new(folder.path()),
            _folder: folder,
        }
    }

    /// An empty database, or `None` if there is no server.
    async fn postgres() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "no settings in tests")]
        let Ok(url) = std::env::var("SPOOR_TEST_POSTGRES_URL") else {
            eprintln!("SKIPPED on PostgreSQL: SPOOR_TEST_POSTGRES_URL is not set");
            return None;
        };
        let name = format!("test_{}", Uuid::now_v7().simple());
        let mut server = sqlx::PgConnection::connect(&url).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        server
            .execute(sqlx::AssertSqlSafe(create.as_str()))
            .await
            .unwrap();
        let (server_url, _) = url.rsplit_once('/').unwrap();
        Some(Self {
            location: format!("{server_url}/{name}").parse().unwrap(),
            ..Self::sqlite()
        })
    }

    async fn all() -> Vec<Self> {
        let mut places = vec![Self::sqlite()];
        places.extend(Self::postgres().await);
        places
    }

    async fn open(&self) -> Catalog {
        self.try_open().await.unwrap()
    }

    async fn try_open(&self) -> Result<Catalog> {
        let store = Store::local(&self.layout)?;
        Catalog::open(&self.location, &self.layout, &store).await
    }
}

pub(super) fn file(hour: i64) -> Arc<DataFile> {
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
        distinct: 1,
        ..FieldStatistic::default()
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
        hidden: None,
        held: Arc::default(),
    })
}

fn adding(files: &[Arc<DataFile>], mark: u64) -> Change<'_> {
    Change {
        add: files,
        wal_mark: Some(mark),
        ..Change::default()
    }
}

#[tokio::test]
async fn a_change_survives_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let (kept, gone) = (file(1), file(2));
        let added = [Arc::clone(&kept), Arc::clone(&gone)];
        catalog.commit(&adding(&added, 9)).await.unwrap();
        let removed = [Arc::clone(&gone)];
        catalog
            .commit(&Change {
                remove: &removed,
                ..Change::default()
            })
            .await
            .unwrap();
        catalog.close().await;

        let catalog = place.open().await;
        assert_eq!(catalog.wal_mark().await.unwrap(), 9);
        let rows = catalog.files().await.unwrap().files;
        assert_eq!(rows[0].file.fields, kept.fields);
        assert_eq!(rows[0].file.path, kept.path);
        assert_eq!(rows[0].file.min_time_ns, -5);
        assert_eq!(rows[0].state, FileState::Live);
        assert_eq!(rows[1].state, FileState::Removed);
        catalog.set_index_bytes(kept.id, 51).await.unwrap();
        catalog.quarantine(kept.id, "bits flipped").await.unwrap();
        catalog.forget(gone.id).await.unwrap();
        catalog.forget(kept.id).await.unwrap();
        let rows = catalog.files().await.unwrap().files;
        assert_eq!(rows.len(), 1, "only removed files are forgotten");
        assert_eq!(rows[0].state, FileState::Quarantined);
        assert_eq!(rows[0].reason.as_deref(), Some("bits flipped"));
        assert_eq!(rows[0].file.index_bytes, 51);
    }
}

/// A deletion of one of the three rows of [`file`].
fn deletion(kind: DeletionKind) -> Deletion {
    Deletion {
        id: DeletionId::generate(),
        kind,
        state: DeletionState::Hidden,
        tenant: TenantId::default(),
        table: Table::Logs,
        query: "it's \"quoted\"".to_owned(),
        start_ns: None,
        end_ns: Some(i64::MAX),
        fields: Vec::new(),
        asked_by: None,
        asked_ns: 1,
        policy: 0,
        rows: 1,
        pinned_rows: 0,
        files: 1,
        deadline_ns: i64::MAX,
        waited_ns: 0,
        done_ns: None,
    }
}

#[tokio::test]
async fn hidden_rows_and_what_hides_them_survive_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let file = file(1);
        catalog
            .commit(&adding(&[Arc::clone(&file)], 1))
            .await
            .unwrap();
        let (last, soon) = (
            deletion(DeletionKind::Delete),
            deletion(DeletionKind::Retention),
        );
        let part = |of: &Deletion, row: u32| HiddenPart {
            deletion: of.id,
            undoable: of.kind == DeletionKind::Retention,
            rows: [row].into_iter().collect(),
        };
        let hidden = HiddenRows::of(vec![part(&last, 0), part(&soon, 2)]);
        let change =
            |file: Arc<DataFile>, deletion: &Deletion| (vec![file], vec![deletion.clone()]);
        for (files, deletions) in [
            change(file.hiding(HiddenRows::of(vec![part(&last, 0)])), &last),
            change(file.hiding(hidden.clone()), &soon),
        ] {
            catalog
                .commit(&Change {
                    rehide: &files,
                    deletions: &deletions,
                    ..Change::default()
                })
                .await
                .unwrap();
        }
        catalog.close().await;

        let catalog = place.open().await;
        let sorted = |hidden: &HiddenRows| {
            let mut parts = hidden.parts().to_vec();
            parts.sort_by_key(|part| part.rows.min());
            parts
        };
        let found = catalog.files().await.unwrap().files.remove(0).file;
        assert_eq!(
            sorted(found.hidden.as_deref().unwrap()),
            sorted(hidden.as_deref().unwrap())
        );
        let open = catalog.unfinished_deletions().await.unwrap();
        assert_eq!(open, [last.clone(), soon.clone()]);
        let undone = Deletion {
            state: DeletionState::Undone,
            ..soon.clone()
        };
        catalog
            .commit(&Change {
                remove: &[found],
                deletions: std::slice::from_ref(&undone),
                ..Change::default()
            })
            .await
            .unwrap();
        assert_eq!(catalog.unfinished_deletions().await.unwrap(), [last]);
        assert_eq!(
            catalog.deletion(soon.id).await.unwrap().as_ref(),
            Some(&undone)
        );
        assert_eq!(catalog.deletions(1).await.unwrap(), [undone]);
        assert!(catalog.hidden_rows().await.unwrap().is_empty());
        catalog.close().await;
    }
}

#[tokio::test]
async fn rules_and_pins_survive_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        assert_eq!(catalog.policy().await.unwrap(), PolicyRecord::default());
        let rules = r#"{"rules": [{"table": "logs", "attributes": {"a": "it's"}, "keep": "30d"}]}"#;
        let record = PolicyRecord {
            policy: serde_json::from_str(rules).unwrap(),
            version: 2,
            changed_ns: Some(5),
            changed_by: Some("somebody".to_owned()),
        };
        catalog.set_policy(&PolicyRecord::default()).await.unwrap();
        catalog.set_policy(&record).await.unwrap();
        let trace = |byte| TraceId([byte; 16]);
        let pin = |note: &str| Pin {
            pinned_ns: 7,
            pinned_by: None,
            note: note.to_owned(),
        };
        let tenant = TenantId::default();
        for (byte, note) in [(1, "first"), (2, "other"), (1, "second")] {
            catalog
                .put_pin(&tenant, trace(byte), &pin(note))
                .await
                .unwrap();
        }
        catalog.remove_pin(&tenant, trace(2)).await.unwrap();
        catalog.close().await;

        let catalog = place.open().await;
        assert_eq!(catalog.policy().await.unwrap(), record);
        let pins = catalog.pins().await.unwrap();
        assert_eq!(pins, [(tenant.clone(), trace(1), pin("second"))]);
        catalog.close().await;
    }
}

#[tokio::test]
async fn removing_what_is_not_live_changes_nothing() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let (added, never) = ([file(1)], [file(2)]);
        let outcome = catalog
            .commit(&Change {
                add: &added,
                remove: &never,
                wal_mark: Some(4),
                ..Change::default()
            })
            .await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Conflict);
        assert!(catalog.files().await.unwrap().files.is_empty());
        assert_eq!(catalog.wal_mark().await.unwrap(), 0);
        catalog.commit(&adding(&added, 5)).await.unwrap();
        assert_eq!(catalog.wal_mark().await.unwrap(), 5);
    }
}

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
async fn a_second_writer_is_refused_and_one_who_was_replaced_changes_nothing() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let first = place.open().await;
    let refused = place.try_open().await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);

    // The first loses its connection, and with it the lock, without knowing.
    end_sessions(&place).await;
    let second = place.open().await;
    second.commit(&adding(&[file(1)], 1)).await.unwrap();
    let error = first.commit(&adding(&[file(2)], 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    second.close().await;
    let error = first.commit(&adding(&[file(3)], 3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("taken over"), "{error}");

    let third = place.open().await;
    assert_eq!(third.files().await.unwrap().files.len(), 1);
    assert_eq!(third.wal_mark().await.unwrap(), 1);
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let catalog = place.open().await;
    for mark in 1..4 {
        end_sessions(&place).await;
        assert_eq!(catalog.wal_mark().await.unwrap(), mark - 1);
        end_sessions(&place).await;
        catalog.commit(&adding(&[file(1)], mark)).await.unwrap();
    }
    assert_eq!(catalog.files().await.unwrap().files.len(), 3);
}

/// Passes bytes on between a client and PostgreSQL at `server`, and cuts a connection off once a
/// `COMMIT` was sent, while `cuts` lasts: before passing it on or, if `made`, after its answer.
async fn cutting_proxy(server: (String, u16), cuts: Arc<AtomicUsize>, made: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(pass_on(client, upstream, Arc::clone(&cuts), made));
        }
    });
    port
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, cuts: Arc<AtomicUsize>, made: bool) {
    let (mut asked, mut answered) = ([0; 16 << 10], [0; 16 << 10]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let len = read.unwrap_or(0);
                let commits = asked[..len].windows(6).any(|word| word == b"COMMIT");
                let cut = commits && cuts.load(Ordering::SeqCst) > 0;
                if cut {
                    cuts.fetch_sub(1, Ordering::SeqCst);
                }
                if len == 0 || (cut && !made) || server.write_all(&asked[..len]).await.is_err() {
                    return;
                }
                if cut {
                    // The server has committed when it answers; the client never hears of it.
                    drop(server.read(&mut answered).await);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let len = read.unwrap_or(0);
                if len == 0 || client.write_all(&answered[..len]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_neither_lost_nor_made_twice() {
    for made in [true, false] {
        let Some(mut place) = Place::postgres().await else {
            return;
        };
        let CatalogLocation::Postgres(options) = &place.location else {
            panic!("not on PostgreSQL");
        };
        let server = (options.get_host().to_owned(), options.get_port());
        let cuts = Arc::new(AtomicUsize::new(0));
        let port = cutting_proxy(server, Arc::clone(&cuts), made).await;
        let options = (**options).clone().host("127.0.0.1").port(port);
        place.location = CatalogLocation::Postgres(Box::new(options));

        let catalog = place.open().await;
        for mark in 1..4 {
            cuts.store(1, Ordering::SeqCst);
            let added = [file(1)];
            match catalog.commit(&adding(&added, mark)).await {
                Ok(()) => assert!(made, "it never arrived"),
                Err(error) => {
                    assert!(!made, "{error}");
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                    catalog.commit(&adding(&added, mark)).await.unwrap();
                }
            }
            assert_eq!(cuts.load(Ordering::SeqCst), 0, "the answer was not lost");
            assert_eq!(catalog.wal_mark().await.unwrap(), mark);
        }
        assert_eq!(catalog.files().await.unwrap().files.len(), 3);
    }
}

/// Ends every session in the database of `place`, as a restart of the server does.
async fn end_sessions(place: &Place) {
    let CatalogLocation::Postgres(options) = &place.location else {
        panic!("not on PostgreSQL");
    };
    let mut connection = sqlx::PgConnection::connect_with(options).await.unwrap();
    connection
        .execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .await
        .unwrap();
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

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        proptest::collection::vec(any::<char>(), 0..9)
            .prop_map(|text| Value::Text(text.into_iter().collect())),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(Value::Bytes),
        Just(Value::Unreadable("of type REAL".to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_row_makes_reading_panic(
        wrong in proptest::collection::vec((0_usize..14, any_value()), 0..4),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let whole = file(5);
        let statement = row::insert(&whole).unwrap();
        let names = [
            "id", "tenant", "table_name", "hour", "level", "row_count", "bytes", "index_bytes",
            "min_time_ns", "max_time_ns", "services", "field_statistics", "state", "reason",
        ];
        let mut values = statement.values;
        values.push(Value::Null);
        if let Value::Bytes(statistics) = &mut values[11] {
            for (at, byte) in flips {
                let at = at.index(statistics.len());
                statistics[at] ^= byte;
            }
        }
        for (at, value) in wrong {
            values[at] = value;
        }
        let row = Row::new(names.into_iter().zip(values).collect());
        match FileRow::read(&row) {
            Ok(read) => prop_assert_eq!(
                &read.file.path,
                &parquet_path(&read.file.tenant, read.file.table, read.file.hour, read.file.id)
            ),
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
                if let Ok(broken) = BrokenRow::read(&row, &error) {
                    prop_assert!(broken.reason.contains("the catalog's row"));
                }
            }
        }
    }
}

//! Every fact holds for both databases. PostgreSQL is the one that `SPOOR_TEST_POSTGRES_URL` names
//! (`tests/run.sh` starts one); each test makes a database of its own in it.

mod connection;
mod deletions;
mod searches;
mod versions;

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;
use crate::file::FileFacts;
use crate::layout::parquet_path;
use crate::model::{Table, TenantId};
use crate::recovery::Loss;
pub(super) use crate::test_rows::data_file as file;

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

#[tokio::test]
async fn what_is_known_of_files_and_what_the_log_has_lost_survive_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let mut known = DataFile::clone(&file(1));
        let facts = |tail_bytes| FileFacts {
            tail_bytes,
            tail_crc32c: u32::MAX,
            requests: Some((3, 9)),
            stretches: false,
        };
        known.facts = Some(facts(700));
        let (known, unknown) = (Arc::new(known), file(2));
        let files = [Arc::clone(&known), Arc::clone(&unknown)];
        catalog.commit(&adding(&files, 9)).await.unwrap();
        assert!(catalog.losses().await.unwrap().is_empty());
        let lost = [
            Loss::gap(10, 12),
            Loss::undecodable(14, TenantId::default(), Table::Logs),
        ];
        catalog.set_losses(&lost).await.unwrap();
        catalog.quarantine(known.id, "gone").await.unwrap();
        catalog.close().await;

        let catalog = place.open().await;
        assert_eq!(catalog.losses().await.unwrap(), lost);
        let listed = async |catalog: &Catalog| {
            let files = catalog.files().await.unwrap().files;
            let of = |row: &FileRow| (row.file.id, (row.state, row.file.bytes, row.file.facts));
            files.iter().map(of).collect::<HashMap<_, _>>()
        };
        let found = listed(&catalog).await;
        let set_aside = (FileState::Quarantined, known.bytes, known.facts);
        assert_eq!(found[&known.id], set_aside);
        assert_eq!(found[&unknown.id], (FileState::Live, unknown.bytes, None));
        let mut remade = DataFile::clone(&known);
        (remade.bytes, remade.facts) = (known.bytes + 1, Some(facts(701)));
        catalog.remade(&remade).await.unwrap();
        let found = listed(&catalog).await;
        let live = (FileState::Live, remade.bytes, remade.facts);
        assert_eq!(found[&known.id], live);
        remade.id = FileId::generate();
        let gone = catalog.remade(&remade).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Conflict);
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
        match FileRow::read(&row, &mut Unpacker::new()) {
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

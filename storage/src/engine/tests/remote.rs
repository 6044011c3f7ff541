//! The engine on an object store that fails in every way a remote one does.

use std::collections::BTreeMap;
use std::fmt::Write;

use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;
use crate::store::{FaultyStore, StoreLocation};

#[derive(Debug, Clone)]
enum Action {
    /// Send so many records, to hours 0 to 2.
    Send(u8),
    Flush,
    Compact,
    Query,
    Crash,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => (1..6_u8).prop_map(Action::Send),
        4 => Just(Action::Flush),
        1 => Just(Action::Compact),
        2 => Just(Action::Query),
        1 => Just(Action::Crash),
    ]
}

/// How often each record is in an answer, or the error of a file that could not be read.
async fn answer(storage: &Storage) -> Result<BTreeMap<String, usize>> {
    use arrow::array::AsArray;
    let snapshot = storage.snapshot();
    let tenant = TenantId::default();
    let mut batches: Vec<RecordBatch> = snapshot
        .batches(&tenant, Table::Logs, TimeRange::ALL)
        .iter()
        .map(|batch| batch.batch.clone())
        .collect();
    assert!(
        snapshot
            .skipped(&tenant, Table::Logs, TimeRange::ALL)
            .is_empty()
    );
    for file in snapshot.files(&tenant, Table::Logs, TimeRange::ALL) {
        batches.extend(crate::compaction::read_file(storage.object_store(), &file).await?);
    }
    let mut found = BTreeMap::new();
    for batch in batches {
        let bodies = batch.column_by_name("body").unwrap().as_string::<i32>();
        for body in bodies.iter().flatten() {
            *found.entry(body.to_owned()).or_default() += 1;
        }
    }
    Ok(found)
}

/// What may fail while the store fails: for a while, never for good.
fn may_pass(outcome: Result<()>) {
    if let Err(error) = outcome {
        assert!(
            !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Conflict),
            "{error}"
        );
    }
}

async fn run(seed: u64, actions: Vec<Action>) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), seed));
    let options = || StorageOptions {
        store: StoreLocation::Test(Arc::clone(&faulty) as _),
        ..StorageOptions::new(folder.path())
    };
    let mut storage = open_with(options()).await;
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    faulty.set_calm(false);
    for (number, action) in actions.into_iter().enumerate() {
        match action {
            Action::Send(records) => {
                let mut payload = String::new();
                for place in 0..records {
                    let body = format!("{number}-{place}");
                    let time = i64::from(place % 3) * HOUR_NS + i64::from(place);
                    writeln!(payload, "{time} {body}").unwrap();
                    expected.insert(body, 1);
                }
                // The store is not on the way of an acknowledgement.
                send(&storage, &payload).await.unwrap();
            }
            Action::Flush => may_pass(storage.flush().await),
            Action::Compact => may_pass(storage.compact().await),
            Action::Query => match answer(&storage).await {
                Ok(found) => assert_eq!(found, expected),
                Err(error) => may_pass(Err(error)),
            },
            Action::Crash => {
                crash(storage).await;
                storage = loop {
                    match Storage::open(options(), Arc::new(Lines)).await {
                        Ok(storage) => break storage,
                        Err(error) => may_pass(Err(error)),
                    }
                };
            }
        }
    }
    faulty.set_calm(true);
    storage.flush().await.unwrap();
    storage.compact().await.unwrap();
    assert_eq!(answer(&storage).await.unwrap(), expected);
    storage.close().await.unwrap();
    drop(storage);
    let report = crate::check(&options(), &Lines, false).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.rows, expected.len() as u64);
    faulty.faults()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_failing_store_loses_and_doubles_nothing(
        seed in any::<u64>(),
        actions in prop::collection::vec(action(), 4..24)
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let faults = runtime.block_on(run(seed, actions));
        prop_assume!(faults > 0);
    }
}

#[tokio::test]
async fn an_away_store_sets_nothing_aside() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), 3));
    let options = || StorageOptions {
        store: StoreLocation::Test(Arc::clone(&faulty) as _),
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options()).await;
    send(&storage, "1 a\n2 b").await.unwrap();
    storage.flush().await.unwrap();
    storage.close().await.unwrap();
    drop(storage);
    faulty.set_away(true);
    let error = Storage::open(options(), Arc::new(Lines)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    faulty.set_away(false);
    let storage = open_with(options()).await;
    assert_eq!(answer(&storage).await.unwrap().len(), 2);

    // Requests go on without the store, and queries of what is in memory too.
    faulty.set_away(true);
    send(&storage, "3 c").await.unwrap();
    assert_eq!(
        storage.flush().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    faulty.set_away(false);
    assert_eq!(answer(&storage).await.unwrap().len(), 3);
    storage.flush().await.unwrap();
    assert_eq!(answer(&storage).await.unwrap().len(), 3);
}

#[tokio::test]
async fn files_are_looked_for_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a").await.unwrap();
    storage.close().await.unwrap();
    drop(storage);
    let elsewhere = StorageOptions {
        store: StoreLocation::Test(Arc::new(InMemory::new())),
        ..StorageOptions::new(folder.path())
    };
    let error = Storage::open(elsewhere, Arc::new(Lines)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(
        rows(&open(&folder).await).await.len(),
        1,
        "nothing was set aside"
    );
}

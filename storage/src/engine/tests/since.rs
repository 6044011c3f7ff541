//! What has arrived since an earlier snapshot: from the buffer exactly, from files at least.

use std::time::SystemTime;

use super::*;

/// Bodies of the buffered rows, and the number of files, of what arrived after `record`.
fn since(storage: &Storage, record: RecordId, made_after: SystemTime) -> (Vec<String>, usize) {
    let tenant = TenantId::default();
    let part = storage
        .snapshot()
        .arrived_since(&tenant, Table::Logs, record, made_after);
    let mut bodies: Vec<String> = part
        .batches(&tenant, Table::Logs, TimeRange::ALL)
        .iter()
        .flat_map(|batch| {
            let bodies = batch.batch.column_by_name("body").unwrap();
            let bodies = arrow::compute::cast(bodies, &arrow::datatypes::DataType::Utf8).unwrap();
            let bodies = arrow::array::AsArray::as_string::<i32>(bodies.as_ref()).clone();
            bodies
                .iter()
                .flatten()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    bodies.sort();
    let files = part.files(&tenant, Table::Logs, TimeRange::ALL);
    (bodies, files.len())
}

#[tokio::test]
async fn the_buffer_gives_exactly_what_arrived_after_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let mut arrivals = storage.arrivals();
    let none = storage.snapshot().last_record();
    send(&storage, "1 a\n2 b").await.unwrap();
    let first = storage.snapshot().last_record();
    assert_eq!(*arrivals.borrow_and_update(), first);
    assert!(first > none);
    // Sixteen small batches become one: its rows are told apart all the same.
    for at in 0..20 {
        send(&storage, &format!("{at} c{at:02}")).await.unwrap();
    }
    let all = since(&storage, none, SystemTime::UNIX_EPOCH).0;
    assert_eq!(all.len(), 22);
    let later = since(&storage, first, SystemTime::UNIX_EPOCH).0;
    let expected: Vec<String> = (0..20).map(|at| format!("c{at:02}")).collect();
    assert_eq!(later, expected);
    let last = storage.snapshot().last_record();
    assert!(arrivals.has_changed().unwrap());
    assert_eq!(
        since(&storage, last, SystemTime::UNIX_EPOCH),
        (Vec::new(), 0)
    );
}

#[tokio::test]
async fn files_made_before_hold_nothing_that_arrived_since() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a").await.unwrap();
    storage.flush().await.unwrap();
    let record = storage.snapshot().last_record();
    // File names are exact to the millisecond.
    let made_by_now = SystemTime::now() + std::time::Duration::from_millis(1);
    let now = {
        while SystemTime::now() < made_by_now {
            tokio::task::yield_now().await;
        }
        SystemTime::now()
    };
    assert_eq!(since(&storage, record, now).1, 0);
    send(&storage, "2 b").await.unwrap();
    storage.flush().await.unwrap();
    assert_eq!(since(&storage, record, now), (Vec::new(), 1));
    assert_eq!(since(&storage, record, SystemTime::UNIX_EPOCH).1, 2);
}

#[tokio::test]
async fn the_last_record_is_known_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    send(&storage, "1 a").await.unwrap();
    let last = storage.snapshot().last_record();
    storage.close().await.unwrap();
    drop(storage);
    let storage = open(&folder).await;
    assert_eq!(storage.snapshot().last_record(), last);
    assert_eq!(*storage.arrivals().borrow(), last);
    send(&storage, "2 b").await.unwrap();
    assert!(storage.snapshot().last_record() > last);
    assert_eq!(since(&storage, last, SystemTime::now()).0, ["b"]);
}

//! A record that was acknowledged is in every later snapshot: none may miss it while buffers become
//! files and files become larger files.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::matrix::fast_folder;
use super::*;

/// Snapshots that the readers look at.
const READS: u64 = 1_000_000;
const READERS: u64 = 2;

/// Rows of a snapshot by what it says of its batches and files.
fn count(storage: &Storage) -> u64 {
    let snapshot = storage.snapshot();
    let tenant = TenantId::default();
    let buffered = snapshot.batches(&tenant, Table::Logs, TimeRange::ALL);
    let files = snapshot.files(&tenant, Table::Logs, TimeRange::ALL);
    let buffered: usize = buffered.iter().map(|batch| batch.batch.num_rows()).sum();
    buffered as u64 + files.iter().map(|file| file.rows).sum::<u64>()
}

fn read(storage: &Storage, acknowledged: &AtomicU64, begun: &AtomicU64) {
    let mut last = 0;
    for at in 0..READS * u64::from(model::soak()) / READERS {
        let before = acknowledged.load(Ordering::SeqCst);
        let rows = count(storage);
        let after = begun.load(Ordering::SeqCst);
        assert!(
            before <= rows && rows <= after && rows >= last,
            "read {at}: {rows} rows; {before} were acknowledged, {after} begun, {last} seen before"
        );
        last = rows;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_snapshots_miss_nothing_that_was_acknowledged() {
    let folder = fast_folder();
    let storage = open(&folder).await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let begun = Arc::new(AtomicU64::new(0));
    let reading = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (storage, acknowledged, begun) = (
                storage.clone(),
                Arc::clone(&acknowledged),
                Arc::clone(&begun),
            );
            std::thread::spawn(move || read(&storage, &acknowledged, &begun))
        })
        .collect();
    let waiting = Arc::clone(&reading);
    let readers = tokio::task::spawn_blocking(move || {
        let outcomes: Vec<_> = readers
            .into_iter()
            .map(std::thread::JoinHandle::join)
            .collect();
        waiting.store(false, Ordering::SeqCst);
        outcomes
    });
    let mut sent = 0_u64;
    while reading.load(Ordering::SeqCst) {
        begun.fetch_add(2, Ordering::SeqCst);
        let hour = i64::try_from(sent % 3).unwrap() * HOUR_NS;
        let rows = format!("{} a{sent}\n{} b{sent}", hour + 1, hour + 2);
        while let Err(error) = send(&storage, &rows).await {
            // Readers that keep all processors busy leave merges behind: then it is to be sent again later.
            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        acknowledged.fetch_add(2, Ordering::SeqCst);
        sent += 1;
        if sent.is_multiple_of(5) {
            storage.flush().await.unwrap();
        }
    }
    for outcome in readers.await.unwrap() {
        outcome.unwrap();
    }
    storage.compact().await.unwrap();
    assert!(sent > 20, "only {sent} requests were sent meanwhile");
    assert!(
        storage.shared.metrics.compactions.get() > 0,
        "nothing was merged meanwhile"
    );
    let found: BTreeSet<String> = rows(&storage).await.into_iter().map(|row| row.1).collect();
    assert_eq!(found.len() as u64, 2 * sent);
}

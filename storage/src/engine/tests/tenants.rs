//! Several tenants in one store: nothing of one is in another, in memory, in files, merged or replayed.

use super::*;
use crate::tenants::TableUsage;

fn tenant(number: usize) -> TenantId {
    TenantId::new(&format!("team-{number}")).unwrap()
}

pub(super) async fn send_of(storage: &Storage, tenant: &TenantId, payload: &str) -> Result<()> {
    let ingest = Ingest {
        tenant: tenant.clone(),
        table: Table::Logs,
        received_time_ns: 1,
        payload: Bytes::from(payload.to_owned()),
        batch: decoded_logs(&rows_of(payload)),
    };
    storage.append(ingest).await
}

/// Bodies of a tenant's rows, in order of arrival.
async fn bodies_of(storage: &Storage, tenant: &TenantId) -> Vec<String> {
    let snapshot = storage.snapshot();
    let buffered = snapshot.batches(tenant, Table::Logs, TimeRange::ALL);
    let mut rows = rows_of_batches(buffered.iter().map(|batch| &batch.batch));
    for file in snapshot.files(tenant, Table::Logs, TimeRange::ALL) {
        let batches = crate::compaction::read_visible(storage.object_store(), &file)
            .await
            .unwrap();
        rows.extend(rows_of_batches(&batches));
    }
    rows.sort_unstable();
    rows.into_iter().map(|(_, body)| body).collect()
}

fn logs_of(storage: &Storage, tenant: &TenantId) -> TableUsage {
    storage.snapshot().tenants()[tenant][&Table::Logs]
}

#[tokio::test]
async fn a_hundred_tenants_are_kept_apart_in_memory_in_files_merged_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let options = || StorageOptions {
        compaction_threads: 0,
        ..StorageOptions::new(folder.path())
    };
    let mut storage = open_with(options()).await;
    let mut expected = vec![Vec::new(); 100];
    // Files of the first hour, of ten tenants so many that they are merged; of the second hour only rows
    // in the log.
    for round in 0..9 {
        let (time, senders) = match round {
            0 => (10, 100),
            8 => (HOUR_NS + 1, 100),
            _ => (20, 10),
        };
        let sent = (0..senders).map(|number| {
            let (storage, payload) = (storage.clone(), format!("{time} {number}/{round}"));
            async move { send_of(&storage, &tenant(number), &payload).await }
        });
        for sent in futures::future::join_all(sent).await {
            sent.unwrap();
        }
        for (number, expected) in expected.iter_mut().enumerate().take(senders) {
            expected.push(format!("{number}/{round}"));
        }
        if round < 8 {
            storage.flush().await.unwrap();
        }
    }
    for stage in ["buffered and in files", "replayed", "merged", "flushed"] {
        match stage {
            "replayed" => {
                crash(storage).await;
                storage = open_with(options()).await;
            }
            "merged" => storage.compact().await.unwrap(),
            "flushed" => storage.flush().await.unwrap(),
            _ => {}
        }
        for (number, expected) in expected.iter().enumerate() {
            let tenant = tenant(number);
            let found = bodies_of(&storage, &tenant).await;
            assert_eq!(&found, expected, "{stage}: {tenant}");
            let usage = logs_of(&storage, &tenant);
            assert_eq!(usage.rows, expected.len() as u64, "{stage}");
            assert_eq!((usage.min_time_ns, usage.max_time_ns), (10, HOUR_NS + 1));
            let files = match stage {
                "merged" => 1,
                "flushed" => 2,
                _ if number < 10 => 8,
                _ => 1,
            };
            assert_eq!(usage.files, files, "{stage}: {tenant}");
            assert!(usage.bytes > 0, "{stage}");
        }
        assert_eq!(storage.snapshot().tenants().len(), 100, "{stage}");
    }
    assert!(
        rows(&storage).await.is_empty(),
        "nobody sent as the default one"
    );
    // It is one more, and then it is none.
    let error = send(&storage, "1 x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("`default`"), "{error}");
}

#[tokio::test]
async fn a_tenant_too_many_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let options = |max_tenants| StorageOptions {
        max_tenants,
        ..StorageOptions::new(folder.path())
    };
    let storage = open_with(options(2)).await;
    // Of requests that come together, too, only two are of new tenants.
    let sent = (0..8).map(|number| {
        let storage = storage.clone();
        async move { send_of(&storage, &tenant(number), "1 a").await.is_ok() }
    });
    let sent = futures::future::join_all(sent).await;
    assert_eq!(sent.iter().filter(|taken| **taken).count(), 2);
    let refused = storage.shared.metrics.refused.clone();
    assert_eq!(refused.get_or_create(&[("reason", "tenants")]).get(), 6);
    let taken: Vec<usize> = (0..8).filter(|number| sent[*number]).collect();
    for (number, taken) in sent.iter().enumerate() {
        let rows = bodies_of(&storage, &tenant(number)).await;
        assert_eq!(rows.len(), usize::from(*taken));
    }
    // Those that are there go on, also in files and after a crash; others still may not.
    storage.flush().await.unwrap();
    send_of(&storage, &tenant(taken[0]), "2 b").await.unwrap();
    crash(storage).await;
    let storage = open_with(options(2)).await;
    assert_eq!(bodies_of(&storage, &tenant(taken[0])).await, ["a", "b"]);
    send_of(&storage, &tenant(taken[1]), "3 c").await.unwrap();
    send_of(&storage, &tenant(9), "3 c").await.unwrap_err();
    crash(storage).await;
    // A smaller limit takes nothing away.
    let storage = open_with(options(1)).await;
    send_of(&storage, &tenant(taken[1]), "4 d").await.unwrap();
    assert_eq!(
        bodies_of(&storage, &tenant(taken[1])).await,
        ["a", "c", "d"]
    );
    send_of(&storage, &tenant(9), "3 c").await.unwrap_err();
}

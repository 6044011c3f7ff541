//! The clock that says when a request came in jumps: that is data, and orders and loses nothing.

use super::*;

/// Lines without a time of their own: each is at the time it came in, as the collector does it.
struct Received;

impl Decode for Received {
    fn decode(&self, _: Table, received_time_ns: i64, payload: &[u8]) -> Result<RecordBatch> {
        let body = std::str::from_utf8(payload).unwrap().to_owned();
        Ok(decoded_logs(&[LogRow {
            body,
            ..LogRow::at(received_time_ns)
        }]))
    }
}

async fn open_received(folder: &tempfile::TempDir) -> Storage {
    let options = StorageOptions::new(folder.path());
    Storage::open(options, Arc::new(Received)).await.unwrap()
}

async fn send_at(storage: &Storage, received_time_ns: i64, body: &str) {
    let payload = Bytes::from(body.to_owned());
    storage
        .append(Ingest {
            tenant: TenantId::default(),
            table: Table::Logs,
            received_time_ns,
            batch: Received
                .decode(Table::Logs, received_time_ns, &payload)
                .unwrap(),
            payload,
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_receive_clock_that_jumps_loses_and_reorders_nothing() {
    let folder = matrix::fast_folder();
    let storage = open_received(&folder).await;
    let now = 1_790_000_000_000_000_000;
    let hour = HOUR_NS;
    // An hour back, a day forth, before 1970, the far future, the ends of time, and on as usual.
    let jumps = [
        now,
        now - hour,
        now + 24 * hour,
        -hour,
        4_102_444_800_000_000_000,
        i64::MAX,
        i64::MIN,
        0,
        now + 1,
    ];
    for (at, time) in jumps.into_iter().enumerate() {
        send_at(&storage, time, &format!("body{at}")).await;
    }
    let sent: Vec<String> = (0..jumps.len()).map(|at| format!("body{at}")).collect();
    let before = rows(&storage).await;
    assert_eq!(bodies(&before), sent, "ids follow the log, not the clock");
    crash(storage).await;
    let storage = open_received(&folder).await;
    assert_eq!(rows(&storage).await, before, "replayed");
    storage.flush().await.unwrap();
    assert_eq!(rows(&storage).await, before, "in files");
    storage.compact().await.unwrap();
    storage.close().await.unwrap();
    crash(storage).await;
    let options = StorageOptions::new(folder.path());
    let report = crate::check(&options, &Lines, false).await.unwrap();
    assert!(report.problems.is_empty(), "{report}");
    let storage = open_received(&folder).await;
    assert_eq!(rows(&storage).await, before, "after a restart");
    let range = TimeRange {
        start_ns: now,
        end_ns: now + 2,
    };
    let found = rows_in(&storage, range).await;
    assert_eq!(bodies(&found), ["body0", "body8"]);
}

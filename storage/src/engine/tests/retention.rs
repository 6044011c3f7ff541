//! Retention: what expires is hidden, what should not comes back, and nothing is
//! removed before its deadline has passed on both clocks.

mod earlier;
mod model;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use super::deletion::{on_disk, request};
use super::*;
use crate::clock::Clock;
use crate::deletion::DeletionState;
use crate::model::TraceId;
use crate::retention::{Pin, RetentionPolicy, RetentionRule};

const UNDO: Duration = Duration::from_hours(5);
const HOUR: Duration = Duration::from_hours(1);

/// Clocks that only move when told to.
#[derive(Debug, Default)]
struct TestClock {
    now_ns: AtomicI64,
    passed_ns: AtomicU64,
}

impl TestClock {
    fn advance(&self, time: Duration) {
        self.jump(crate::clock::nanoseconds(time));
        let passed = u64::try_from(time.as_nanos()).unwrap();
        self.passed_ns.fetch_add(passed, Ordering::SeqCst);
    }

    /// Sets the wall clock forwards or back; no time passes.
    fn jump(&self, by_ns: i64) {
        self.now_ns.fetch_add(by_ns, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ns(&self) -> i64 {
        self.now_ns.load(Ordering::SeqCst)
    }

    fn passed(&self) -> Duration {
        Duration::from_nanos(self.passed_ns.load(Ordering::SeqCst))
    }
}

/// Payloads are lines `time service severity trace body`.
struct Fields;

impl Decode for Fields {
    fn decode(&self, _: Table, _: i64, payload: &[u8]) -> Result<RecordBatch> {
        Ok(decoded_logs(&fields_of(
            std::str::from_utf8(payload).unwrap(),
        )))
    }
}

fn fields_of(payload: &str) -> Vec<LogRow> {
    payload
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap();
            let mut row = LogRow::at(word().parse().unwrap());
            row.service = word().to_owned();
            row.severity_number = word().parse().unwrap();
            let trace: u8 = word().parse().unwrap();
            row.trace_id = (trace > 0).then_some([trace; 16]);
            row.body = word().to_owned();
            row
        })
        .collect()
}

struct Case {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::default(),
        }
    }

    fn options(&self) -> StorageOptions {
        let mut options = StorageOptions::new(self.folder.path());
        options.retention_undo = UNDO;
        options.delete_deadline = HOUR;
        options.clock = Arc::<TestClock>::clone(&self.clock);
        options
    }

    async fn open(&self) -> Storage {
        Storage::open(self.options(), Arc::new(Fields))
            .await
            .unwrap()
    }
}

async fn send_fields(storage: &Storage, payload: &str) {
    storage
        .append(Ingest {
            tenant: TenantId::default(),
            table: Table::Logs,
            received_time_ns: 1,
            payload: Bytes::from(payload.to_owned()),
            batch: decoded_logs(&fields_of(payload)),
        })
        .await
        .unwrap();
}

fn rule(keep: &str) -> RetentionRule {
    RetentionRule {
        table: Table::Logs,
        service: None,
        severity_below: None,
        severity_at_least: None,
        status: None,
        attributes: BTreeMap::new(),
        query: None,
        keep: keep.to_owned(),
    }
}

fn policy(rules: &[RetentionRule]) -> RetentionPolicy {
    RetentionPolicy {
        rules: rules.to_vec(),
        max_total_bytes: None,
    }
}

fn pin() -> Pin {
    Pin {
        pinned_ns: 0,
        pinned_by: None,
        note: "test".to_owned(),
    }
}

async fn visible(storage: &Storage) -> Vec<String> {
    let mut bodies: Vec<_> = rows(storage).await.into_iter().map(|row| row.1).collect();
    bodies.sort_unstable();
    bodies
}

#[tokio::test]
async fn a_clock_that_jumps_years_ahead_removes_nothing() {
    let case = Case::new();
    let storage = case.open().await;
    send_fields(&storage, "1 a 9 0 one\n2 b 9 0 two").await;
    storage.flush().await.unwrap();
    storage
        .set_retention(policy(&[rule("30d")]), None)
        .await
        .unwrap();
    assert_eq!(visible(&storage).await, ["one", "two"]);
    let years = i64::from(u32::MAX) * 1_000_000_000;
    case.clock.jump(years);
    storage.retain().await.unwrap();
    assert!(visible(&storage).await.is_empty(), "they look old");
    case.clock.jump(years / 2);
    storage.retain().await.unwrap();
    assert!(on_disk(&storage, "one").await);
    let hidden = storage.retention().hidden;
    assert_eq!(hidden[0].report.rows_left, 2);
    let undo_ns = crate::clock::nanoseconds(UNDO);
    assert_eq!(hidden[0].purge_ns, case.clock.now_ns() + undo_ns);
    case.clock.jump(-years - years / 2);
    storage.retain().await.unwrap();
    assert_eq!(visible(&storage).await, ["one", "two"]);
    let reports = storage.deletions(&TenantId::default(), 9).await.unwrap();
    assert_eq!(reports[0].deletion.state, DeletionState::Undone);
}

#[tokio::test]
async fn expired_rows_are_removed_when_the_deadline_has_passed() {
    let case = Case::new();
    let storage = case.open().await;
    send_fields(&storage, "1 a 9 0 old\n2 a 9 7 pinned\n3 keep 9 0 kept").await;
    storage.flush().await.unwrap();
    storage
        .pin(&TenantId::default(), TraceId([7; 16]), pin())
        .await
        .unwrap();
    let forever = RetentionRule {
        service: Some("keep".into()),
        ..rule("forever")
    };
    case.clock.advance(HOUR * 3);
    storage
        .set_retention(policy(&[forever, rule("1h")]), Some("me".into()))
        .await
        .unwrap();
    assert_eq!(visible(&storage).await, ["kept", "pinned"]);
    case.clock.advance(UNDO);
    storage.retain().await.unwrap();
    assert!(!on_disk(&storage, "old").await);
    assert_eq!(visible(&storage).await, ["kept", "pinned"]);
    let report = &storage.deletions(&TenantId::default(), 9).await.unwrap()[0];
    assert_eq!(report.deletion.state, DeletionState::Done);
    assert_eq!(report.deletion.asked_by.as_deref(), Some("me"));
    // Too late: only what is still there can come back.
    storage.set_retention(policy(&[]), None).await.unwrap();
    assert_eq!(visible(&storage).await, ["kept", "pinned"]);
}

#[tokio::test]
async fn the_policy_of_the_settings_is_in_force_and_nobody_sets_another() {
    let case = Case::new();
    let storage = case.open().await;
    send_fields(&storage, "1 a 9 0 one\n2 b 9 0 two").await;
    storage.flush().await.unwrap();
    storage
        .set_retention(policy(&[rule("30d")]), Some("me".into()))
        .await
        .unwrap();
    storage.close().await.unwrap();
    drop(storage);
    case.clock.advance(HOUR * 3);

    let of_a = RetentionRule {
        service: Some("a".into()),
        ..rule("1h")
    };
    let mut options = case.options();
    options.retention = Some(FixedRetention {
        policy: policy(std::slice::from_ref(&of_a)),
        set_in: "a file".to_owned(),
    });
    for version in [2, 2] {
        let storage = Storage::open(options.clone(), Arc::new(Fields))
            .await
            .unwrap();
        storage.retain().await.unwrap();
        assert_eq!(visible(&storage).await, ["two"]);
        let retention = storage.retention();
        assert_eq!(retention.set_in.as_deref(), Some("a file"));
        assert_eq!(
            retention.record.version, version,
            "the same policy is no change"
        );
        let refused = storage.set_retention(policy(&[]), None).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.message().contains("a file"), "{refused}");
        let would = storage.preview_retention(policy(&[])).await.unwrap();
        assert_eq!(would.restored_rows, 1, "but it can be tried");
        storage.close().await.unwrap();
    }
    // Without it in the settings the rules stay, and can be changed here again.
    let storage = case.open().await;
    assert_eq!(storage.retention().record.policy, policy(&[of_a]));
    storage.set_retention(policy(&[]), None).await.unwrap();
    assert_eq!(visible(&storage).await, ["one", "two"]);
}

#[tokio::test]
async fn the_size_limit_takes_the_oldest_hours() {
    let case = Case::new();
    let storage = case.open().await;
    for hour in 0..4 {
        let time = hour * HOUR_NS + 1;
        send_fields(&storage, &format!("{time} a 9 0 h{hour}")).await;
    }
    storage.flush().await.unwrap();
    let total = storage.retention().total_bytes;
    let limit = RetentionPolicy {
        rules: Vec::new(),
        max_total_bytes: Some(total * 3 / 4 - total / 8),
    };
    storage.set_retention(limit.clone(), None).await.unwrap();
    assert_eq!(visible(&storage).await, ["h2", "h3"]);
    storage.retain().await.unwrap();
    assert_eq!(visible(&storage).await, ["h2", "h3"], "and stays so");
    storage.set_retention(policy(&[]), None).await.unwrap();
    assert_eq!(visible(&storage).await, ["h0", "h1", "h2", "h3"]);
}

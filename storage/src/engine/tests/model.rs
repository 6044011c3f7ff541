//! Random histories against a model: what was acknowledged is there, once, whatever happens.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Action {
    /// Send records at these (hour, body) places.
    Send(Vec<(u8, u16)>),
    Flush,
    Compact,
    /// Close in good order and open again.
    Restart,
    /// Stop without a flush and open again.
    Crash,
    /// As `Crash`, with the first bytes of a record that was never acknowledged in the log.
    CrashWithTornTail(u8),
    /// As `Crash`, with files that no catalog knows.
    CrashWithOrphans,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => prop::collection::vec((0..3_u8, any::<u16>()), 1..5).prop_map(Action::Send),
        2 => Just(Action::Flush),
        1 => Just(Action::Compact),
        1 => Just(Action::Restart),
        1 => Just(Action::Crash),
        1 => (1..60_u8).prop_map(Action::CrashWithTornTail),
        1 => Just(Action::CrashWithOrphans),
    ]
}

pub(super) fn tear(folder: &tempfile::TempDir, bytes: u8) {
    use std::io::Write as _;
    let segments = std::fs::read_dir(folder.path().join("wal")).unwrap();
    let newest = segments.map(|entry| entry.unwrap().path()).max();
    if let Some(path) = newest {
        let whole = std::fs::read(&path).unwrap();
        // The beginning of a real record, as a write that the power cut in two.
        let tail = whole
            .get(16..16 + usize::from(bytes))
            .unwrap_or(&[1, 2, 3])
            .to_vec();
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(&tail)
            .unwrap();
    }
}

pub(super) fn orphans(folder: &tempfile::TempDir) {
    let hour = folder
        .path()
        .join("tenant=default/logs/date=1970-01-01/hour=00");
    std::fs::create_dir_all(&hour).unwrap();
    for name in ["0123.parquet", "0123.idx", "4567.parquet#1"] {
        std::fs::write(hour.join(name), b"half").unwrap();
    }
}

async fn run(actions: Vec<Action>) {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = open(&folder).await;
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (number, action) in actions.into_iter().enumerate() {
        match action {
            Action::Send(records) => {
                let mut payload = String::new();
                for (place, (hour, word)) in records.iter().enumerate() {
                    let body = format!("{number}-{place}-{word}");
                    let time = i64::from(*hour) * HOUR_NS + i64::from(*word);
                    writeln!(payload, "{time} {body}").unwrap();
                    expected.insert(body, 1);
                }
                send(&storage, &payload).await.unwrap();
            }
            Action::Flush => storage.flush().await.unwrap(),
            Action::Compact => storage.compact().await.unwrap(),
            Action::Restart => {
                storage.close().await.unwrap();
                drop(storage);
                storage = open(&folder).await;
            }
            Action::Crash | Action::CrashWithTornTail(_) | Action::CrashWithOrphans => {
                crash(storage).await;
                match action {
                    Action::CrashWithTornTail(bytes) => tear(&folder, bytes),
                    Action::CrashWithOrphans => orphans(&folder),
                    _ => {}
                }
                storage = open(&folder).await;
            }
        }
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for (_, body) in rows(&storage).await {
            *found.entry(body).or_default() += 1;
        }
        assert_eq!(found, expected);
    }
    storage.close().await.unwrap();
    drop(storage);
    let report = crate::check(&StorageOptions::new(folder.path()), false)
        .await
        .unwrap();
    assert!(report.problems.is_empty(), "{report}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn acknowledged_records_are_there_once_after_any_history(
        actions in prop::collection::vec(action(), 1..24)
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(run(actions));
    }
}

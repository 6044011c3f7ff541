//! Random histories against a model: what was acknowledged is there, once, whatever happens.
//!
//! The model is a map of requests to their fate ([`World`]). A history sends, flushes, merges, asks,
//! restarts, crashes, leaves rubbish behind, and lets steps at random fail points fail or stop the
//! engine; after every action the engine's answer must be the model's. Failing histories are kept
//! beside this file and run first. `SPOOR_SOAK=100` runs a hundred times as many.

use proptest::prelude::*;

use super::matrix::World;
use super::*;
use crate::fault::Point;
use crate::fault::script::Fault;

#[derive(Debug, Clone)]
enum Action {
    /// Send a request with a record in each of these hours.
    Send(Vec<i64>),
    Flush,
    Compact,
    /// Delete what merges have replaced.
    Delete,
    /// Ask for the records of one hour.
    Ask(i64),
    /// Close in good order and open again.
    Restart,
    /// Stop without a flush and open again.
    Crash,
    /// As `Crash`, with the first bytes of a record that was never acknowledged in the log.
    CrashWithTornTail(u8),
    /// As `Crash`, with files that no catalog knows.
    CrashWithOrphans,
    /// Let something happen at a fail point, some time later.
    Arm(Point, u64, Fault),
}

fn action() -> impl Strategy<Value = Action> {
    let fault = prop_oneof![Just(Fault::Crash), Just(Fault::Fail)];
    prop_oneof![
        8 => prop::collection::vec(0..4_i64, 1..5).prop_map(Action::Send),
        4 => Just(Action::Flush),
        1 => Just(Action::Compact),
        1 => Just(Action::Delete),
        1 => (0..5_i64).prop_map(Action::Ask),
        1 => Just(Action::Restart),
        1 => Just(Action::Crash),
        1 => (1..60_u8).prop_map(Action::CrashWithTornTail),
        1 => Just(Action::CrashWithOrphans),
        3 => (prop::sample::select(Point::ALL), 0..6_u64, fault)
            .prop_map(|(point, skip, fault)| Action::Arm(point, skip, fault)),
    ]
}

/// Adds the beginning of a real record to the newest segment, as a write that the power cut in two.
pub(super) fn tear(folder: &Path, bytes: u8) {
    use std::io::Write as _;
    let segments = std::fs::read_dir(folder.join("wal")).unwrap();
    let newest = segments.map(|entry| entry.unwrap().path()).max();
    if let Some(path) = newest {
        let whole = std::fs::read(&path).unwrap();
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

/// Files that no catalog row names.
pub(super) fn orphans(folder: &Path) {
    let hour = folder.join("tenant=default/logs/date=1970-01-01/hour=00");
    std::fs::create_dir_all(&hour).unwrap();
    for name in ["0123.parquet", "0123.idx", "4567.parquet#1"] {
        std::fs::write(hour.join(name), b"half").unwrap();
    }
}

async fn act(world: &mut World, action: &Action) -> Result<()> {
    match action {
        Action::Send(hours) => world.send(hours).await,
        Action::Flush => world.storage().flush().await,
        Action::Compact => world.storage().compact().await,
        Action::Delete => world.storage().shared.delete_unreachable().await,
        Action::Ask(hour) => {
            world.ask(*hour).await;
            Ok(())
        }
        Action::Restart => {
            let closed = world.close().await;
            world.open().await.and(closed)
        }
        Action::Crash | Action::CrashWithTornTail(_) | Action::CrashWithOrphans => {
            world.crash().await;
            match action {
                Action::CrashWithTornTail(bytes) => tear(world.folder.path(), *bytes),
                Action::CrashWithOrphans => orphans(world.folder.path()),
                _ => {}
            }
            world.open().await
        }
        Action::Arm(point, skip, fault) => {
            world.faults.plan(*point, *skip, *fault);
            Ok(())
        }
    }
}

async fn run(actions: Vec<Action>, indexes: bool) {
    let mut world = if indexes {
        World::new()
    } else {
        World::without_indexes()
    };
    world.open().await.unwrap();
    for (at, action) in actions.iter().enumerate() {
        let context = format!("action {at}, {action:?}");
        let outcome = act(&mut world, action).await;
        if let Err(error) = &outcome {
            let text = error.to_string();
            assert!(
                text.contains(" at ") || text.contains("crashed"),
                "{context}: {text}"
            );
        }
        if world.faults.crashed() || !world.is_open() {
            world.crash().await;
            world.faults.clear();
            world.open().await.unwrap();
            world.verify(&context).await;
        } else {
            world.compare(&context).await;
        }
    }
    world.crash().await;
    world.faults.clear();
    world.open().await.unwrap();
    world.verify("at the end").await;
    world.close().await.unwrap();
    world.assert_clean("at the end").await;
}

fn histories(cases: u32) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: cases * soak(),
        max_shrink_iters: 200,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let actions = prop::collection::vec(action(), 1..20);
    let strategy = (actions, prop::bool::weighted(0.1));
    runner
        .run(&strategy, |(actions, indexes)| {
            runtime.block_on(run(actions, indexes));
            Ok(())
        })
        .unwrap();
}

/// How many times more than usual is tested.
pub(super) fn soak() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let soak = std::env::var("SPOOR_SOAK");
    soak.map_or(1, |times| times.parse().unwrap())
}

// Two of the same, so that two processors share the work.
#[test]
fn acknowledged_records_are_there_once_after_any_history() {
    histories(1_000);
}

#[test]
fn acknowledged_records_are_there_once_after_any_other_history() {
    histories(1_000);
}

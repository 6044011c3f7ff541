//! The crash matrix: at every fail point the engine stops, or the step fails. Whatever was
//! acknowledged is there once, a request in flight is there whole or not at all, and after the next
//! start no file is left that nobody knows.

mod rules;
mod saved;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::Redaction;
use crate::fault::Point;
use crate::fault::script::{self, Fault, Script};

/// A folder in memory where there is one: thousands of syncs cost nothing there.
pub(super) fn fast_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// What is known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Must be there.
    Acknowledged,
    /// Answered with an error, or not at all: whole or not there.
    Open,
    /// Was in a file that the test has destroyed.
    Doomed,
}

/// A directory, what was sent to it, and the engine if it is open.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) faults: Arc<Script>,
    storage: Option<Storage>,
    /// Files with fewer rows get no index.
    index_from_rows: u64,
    /// What was read of files since the last [`World::verify`].
    read: Read,
    next: u64,
    /// Request to its records and fate. A record's body is `<request>-<place>`.
    pub(super) requests: BTreeMap<u64, (usize, Fate)>,
    /// The hours of each request's records.
    hours: BTreeMap<u64, Vec<i64>>,
    rules: rules::Rules,
    searches: saved::Searches,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = fast_folder();
        Self {
            faults: script::of(folder.path()),
            folder,
            storage: None,
            index_from_rows: 0,
            read: Read::new(),
            next: 0,
            requests: BTreeMap::new(),
            hours: BTreeMap::new(),
            rules: rules::Rules::default(),
            searches: saved::Searches::default(),
        }
    }

    /// An index costs more than all else of a small file.
    pub(super) fn without_indexes() -> Self {
        Self {
            index_from_rows: u64::MAX,
            ..Self::new()
        }
    }

    pub(super) fn storage(&self) -> &Storage {
        self.storage.as_ref().unwrap()
    }

    pub(super) async fn open(&mut self) -> Result<()> {
        let options = StorageOptions {
            index_from_rows: self.index_from_rows,
            ..StorageOptions::new(self.folder.path())
        };
        self.storage = Some(Storage::open(options, Arc::new(Lines)).await?);
        Ok(())
    }

    /// Sends one request with a record in each of `hours`.
    pub(super) async fn send(&mut self, hours: &[i64]) -> Result<()> {
        let number = self.next;
        self.next += 1;
        let payload = (0_i64..)
            .zip(hours)
            .map(|(place, hour)| format!("{} {number}-{place}", hour * HOUR_NS + place))
            .collect::<Vec<_>>()
            .join("\n");
        self.requests.insert(number, (hours.len(), Fate::Open));
        self.hours.insert(number, hours.to_vec());
        send(self.storage(), &payload).await?;
        self.requests
            .insert(number, (hours.len(), Fate::Acknowledged));
        Ok(())
    }

    pub(super) fn is_open(&self) -> bool {
        self.storage.is_some()
    }

    /// The records of one hour are the model's.
    pub(super) async fn ask(&self, hour: i64) {
        let range = TimeRange {
            start_ns: hour * HOUR_NS,
            end_ns: (hour + 1) * HOUR_NS,
        };
        let found: BTreeSet<String> = rows_in(self.storage(), range)
            .await
            .into_iter()
            .map(|(_, body)| body)
            .filter(|body| {
                let (number, place) = body.split_once('-').unwrap();
                let (number, place): (u64, usize) =
                    (number.parse().unwrap(), place.parse().unwrap());
                self.hours[&number][place] == hour
            })
            .collect();
        let expected: BTreeSet<String> = self
            .requests
            .iter()
            .filter(|(_, (_, fate))| *fate == Fate::Acknowledged)
            .flat_map(|(number, _)| {
                let places = self.hours[number].iter().enumerate();
                places
                    .filter(|(_, of)| **of == hour)
                    .map(move |(place, _)| format!("{number}-{place}"))
            })
            .collect();
        let missing: Vec<_> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "hour {hour} lacks {missing:?}");
    }

    fn bodies_of_last(&self) -> Vec<String> {
        let number = self.next - 1;
        let (records, _) = self.requests[&number];
        (0..records)
            .map(|place| format!("{number}-{place}"))
            .collect()
    }

    /// Writes the files of the last request again, with nothing in them changed.
    pub(super) async fn redact_last(&mut self) -> Result<()> {
        let bodies = self.bodies_of_last();
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        let request = deletion::request(self.storage(), &bodies).await;
        let fields = vec!["a key that no record has".to_owned()];
        let redaction = Redaction::new(Table::Logs, fields, "***".to_owned())?;
        let done = self.storage().redact(request, redaction, u64::MAX).await?;
        assert_eq!(done.rows, bodies.len() as u64);
        Ok(())
    }

    /// Deletes the records of the last request. If that fails, all of them are gone or none.
    pub(super) async fn delete_last(&mut self) -> Result<()> {
        let number = self.next - 1;
        let (records, _) = self.requests[&number];
        let bodies = self.bodies_of_last();
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        self.requests.insert(number, (records, Fate::Open));
        let request = deletion::request(self.storage(), &bodies).await;
        let deletion = self.storage().delete(request, u64::MAX).await?;
        assert_eq!(deletion.rows, records as u64);
        self.requests.remove(&number);
        Ok(())
    }

    /// Stops as a killed process would.
    pub(super) async fn crash(&mut self) {
        if let Some(storage) = self.storage.take() {
            crash(storage).await;
        }
    }

    pub(super) async fn close(&mut self) -> Result<()> {
        self.storage.take().unwrap().close().await
    }

    /// Compares what is stored with what was sent, all files read anew, and settles open requests by
    /// it: what a start does not find must never come back.
    pub(super) async fn verify(&mut self, context: &str) {
        self.read.clear();
        self.verify_rules(context);
        self.verify_searches(context).await;
        let found = self.compare(context).await;
        self.requests.retain(|number, (_, fate)| {
            let there = *fate != Fate::Open || found.contains(number);
            if *fate == Fate::Open {
                *fate = Fate::Acknowledged;
            }
            there
        });
    }

    /// Compares what is stored with what was sent; the requests that are there.
    pub(super) async fn compare(&mut self, context: &str) -> BTreeSet<u64> {
        let mut found: BTreeMap<u64, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let storage = self.storage.as_ref().unwrap();
        for (id, body) in rows_read(storage, TimeRange::ALL, &mut self.read).await {
            assert!(
                seen.insert(body.clone()),
                "{context}: `{body}` is doubled (record {id})"
            );
            let (number, _) = body.split_once('-').unwrap();
            *found.entry(number.parse().unwrap()).or_default() += 1;
        }
        for (number, (records, fate)) in &self.requests {
            let there = found.get(number);
            match fate {
                Fate::Acknowledged => {
                    assert_eq!(there, Some(records), "{context}: request {number} is lost");
                }
                Fate::Open => assert!(
                    there.is_none_or(|there| there == records),
                    "{context}: request {number} is there in part"
                ),
                Fate::Doomed => {}
            }
        }
        let found: BTreeSet<u64> = found.into_keys().collect();
        assert!(
            found
                .iter()
                .all(|number| self.requests.contains_key(number)),
            "{context}: never sent, or not there before: {found:?}"
        );
        found
    }

    /// `spoor check` finds nothing but what the test has destroyed itself.
    pub(super) async fn assert_clean(&self, context: &str) {
        let options = StorageOptions::new(self.folder.path());
        let report = crate::check(&options, &Lines, false).await.unwrap();
        let unexpected: Vec<_> = report
            .problems
            .iter()
            .filter(|problem| !problem.what.starts_with("set aside"))
            .collect();
        assert!(unexpected.is_empty(), "{context}: {report}");
    }

    fn data_files(&self, ending: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.to_string_lossy().ends_with(ending) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// Everything that recovery has to put right: a torn record, a segment that was only created,
    /// files that no catalog knows, and a data file that is gone.
    fn damage(&mut self) {
        model::tear(self.folder.path(), 40);
        let wal = self.folder.path().join("wal");
        std::fs::write(wal.join("00000000000000900000.wal"), b"SPOORWAL").unwrap();
        model::orphans(self.folder.path());
        for path in self.data_files(".parquet") {
            if path.to_string_lossy().contains("hour=07/") {
                std::fs::remove_file(path).unwrap();
            }
        }
        for (_, fate) in self
            .requests
            .values_mut()
            .filter(|(n, _)| *n == DOOMED.len())
        {
            *fate = Fate::Doomed;
        }
    }
}

/// The hours of the one request whose file is destroyed; no other has as many records.
const DOOMED: [i64; 5] = [7; 5];

/// Flushes into one hour: enough for a merge.
const ROUNDS: i64 = 9;

/// A life that passes every point. Ends early when the engine has stopped.
async fn live(world: &mut World) -> Result<()> {
    world.open().await?;
    world.send(&DOOMED).await?;
    world.storage().flush().await?;
    for round in 0..ROUNDS {
        world.send(&[1, round % 2]).await?;
        world.send(&[1]).await?;
        world.storage().flush().await?;
    }
    world.storage().compact().await?;
    world.send(&[1, 8, 1, 8]).await?;
    world.redact_last().await?;
    world.delete_last().await?;
    world.change_rules().await?;
    world.change_searches().await?;
    world.storage().retain().await?;
    world.storage().shared.delete_unreachable().await?;
    world.send(&[2, 3, 2]).await?;
    world.crash().await;
    if world
        .requests
        .values()
        .all(|(_, fate)| *fate != Fate::Doomed)
    {
        world.damage();
    }
    world.open().await?;
    world.send(&[1, 2]).await?;
    world.storage().flush().await?;
    world.send(&[4]).await?;
    world.close().await
}

/// Does what an operator does after a failure: tries again, and starts again after a crash.
async fn run(plans: &[(Point, u64, Fault)]) -> BTreeMap<Point, u64> {
    let context = format!("{plans:?}");
    let mut world = World::new();
    for (point, skip, fault) in plans {
        world.faults.plan(*point, *skip, *fault);
    }
    let lived = live(&mut world).await;
    if let Err(error) = &lived {
        let text = error.to_string();
        let planned = plans
            .iter()
            .any(|(point, _, _)| text.contains(&format!("at {point:?}")));
        assert!(
            planned || world.faults.crashed() || error.kind() == ErrorKind::Unavailable,
            "{context}: {error}"
        );
    }
    let hits = world.faults.hits();
    if world.storage.is_some() && !world.faults.crashed() {
        // The engine goes on: what failed once is tried again.
        world.storage().flush().await.unwrap();
        world.storage().compact().await.unwrap();
        world.compare(&context).await;
    }
    world.crash().await;
    world.faults.clear();
    for start in 0..2 {
        world.open().await.unwrap();
        world.verify(&format!("{context}, start {start}")).await;
        world.close().await.unwrap();
        world
            .assert_clean(&format!("{context}, start {start}"))
            .await;
    }
    world.open().await.unwrap();
    world.send(&[1, 5]).await.unwrap();
    world.storage().flush().await.unwrap();
    world.storage().compact().await.unwrap();
    world.verify(&format!("{context}, going on")).await;
    world.close().await.unwrap();
    world.assert_clean(&context).await;
    hits
}

/// Points on the way back from a failure.
const AFTER_A_FAILURE: [Point; 3] = [Point::WalUndo, Point::Discard, Point::AskCatalog];

/// Walks through all points; those in `only_after` are reached only after another failure.
async fn every_point(fault: Fault, skips: &[u64], only_after: &[Point]) {
    let mut unreached: BTreeSet<Point> = Point::ALL.iter().copied().collect();
    unreached.retain(|point| !only_after.contains(point));
    for point in Point::ALL {
        for skip in skips {
            let hits = run(&[(*point, *skip, fault)]).await;
            unreached.retain(|point| !hits.contains_key(point));
        }
    }
    assert!(
        unreached.is_empty(),
        "points that no test reaches: {unreached:?}"
    );
}

/// How often a point is passed before it counts; more of them where there is time.
fn later() -> &'static [u64] {
    if model::soak() > 1 {
        &[1, 2, 3, 5, 9]
    } else {
        &[2]
    }
}

#[tokio::test]
async fn a_crash_at_any_point_loses_and_doubles_nothing() {
    every_point(Fault::Crash, &[0], &AFTER_A_FAILURE).await;
}

#[tokio::test]
async fn a_crash_at_any_point_later_on_loses_and_doubles_nothing() {
    every_point(Fault::Crash, later(), Point::ALL).await;
}

#[tokio::test]
async fn a_failure_at_any_point_loses_and_doubles_nothing() {
    every_point(Fault::Fail, &[0], &[]).await;
    every_point(Fault::Fail, later(), Point::ALL).await;
}

#[tokio::test]
async fn a_change_of_which_the_catalog_says_nothing_is_settled_when_it_does() {
    for point in [
        Point::HideCommit,
        Point::HideCommitted,
        Point::MergeCommit,
        Point::MergeCommitted,
        Point::PolicyCommit,
        Point::PolicyCommitted,
        Point::PinCommitted,
        Point::SearchCommitted,
    ] {
        for skip in [0, 1] {
            let ask = (Point::AskCatalog, 0, Fault::Fail);
            run(&[(point, skip, Fault::Fail), ask]).await;
        }
    }
}

#[tokio::test]
async fn a_failed_append_that_cannot_be_cut_off_is_void() {
    for skip in [0, 1, 5] {
        for undo in [Fault::Fail, Fault::Crash] {
            let sync = (Point::WalSync, skip, Fault::Fail);
            run(&[sync, (Point::WalUndo, 0, undo)]).await;
        }
    }
}

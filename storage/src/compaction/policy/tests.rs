use uuid::{NoContext, Timestamp, Uuid};

use super::*;
use crate::layout::{index_path, parquet_path};
use crate::model::{Hour, Table, TenantId};
use crate::snapshot::FieldStatistics;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Files of so many rows have an index from the start, as the server has it.
const INDEXED_ROWS: u64 = 8_192;

fn time_ns(ms: u64) -> i64 {
    i64::try_from(ms).unwrap() * 1_000_000
}

fn file(rows: u64, hour: i64, now_ms: u64) -> Arc<DataFile> {
    written(rows, hour, now_ms, false)
}

fn written(rows: u64, hour: i64, now_ms: u64, indexed: bool) -> Arc<DataFile> {
    let nanos = u32::try_from(now_ms % 1000).unwrap() * 1_000_000;
    let id = FileId(Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        now_ms / 1000,
        nanos,
    )));
    let (tenant, table, hour) = (TenantId::default(), Table::Logs, Hour(hour));
    Arc::new(DataFile {
        id,
        path: parquet_path(&tenant, table, hour, id),
        index_path: index_path(&tenant, table, hour, id),
        tenant,
        table,
        hour,
        level: 0,
        rows,
        bytes: rows * 80,
        index_bytes: u64::from(indexed),
        min_time_ns: time_ns(now_ms - 30_000),
        max_time_ns: time_ns(now_ms),
        services: Vec::new(),
        fields: FieldStatistics::default(),
        facts: None,
        hidden: None,
        held: Arc::default(),
    })
}

/// An engine without rows: files arrive, merges are made at once, rows written are counted.
struct Simulation {
    files: FileSet,
    now_ms: u64,
    arrived_rows: u64,
    rewritten_rows: u64,
    most_files: usize,
}

impl Simulation {
    fn new() -> Self {
        Self {
            files: FileSet::default(),
            now_ms: 1_700_000_000_000,
            arrived_rows: 0,
            rewritten_rows: 0,
            most_files: 0,
        }
    }

    fn flush(&mut self, rows: u64) {
        self.arrived_rows += rows;
        let added = written(rows, 0, self.now_ms, rows >= INDEXED_ROWS);
        self.files = self.files.with(&[added], &[]);
        self.settle();
        self.most_files = self.most_files.max(self.count());
    }

    fn settle(&mut self) {
        while let Some(merge) = plan(&self.files, &HashSet::new(), self.now_ms).first() {
            let rows: u64 = merge.files.iter().map(|file| file.rows).sum();
            self.rewritten_rows += rows;
            let mut left = rows;
            let mut added = Vec::new();
            while left > 0 {
                let now = left.min(merge.rows_per_file);
                let indexed = merge.indexed || now >= INDEXED_ROWS;
                added.push(written(now, 0, self.now_ms, indexed));
                left -= now;
            }
            let indexes = merge.indexed && merge.files[0].index_bytes == 0;
            let saves = added.len() < merge.files.len();
            assert!(
                saves || indexes,
                "a merge must save files or give one an index"
            );
            self.files = self.files.with(&added, &merge.files);
        }
    }

    /// Time passes; the compactor looks every minute.
    fn wait(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.now_ms < end {
            self.now_ms = end.min(self.now_ms + MINUTE_MS);
            self.settle();
        }
    }

    fn count(&self) -> usize {
        self.files.iter().count()
    }

    /// Rows written for each row that arrived, the flush included.
    fn amplification(&self) -> f64 {
        (self.arrived_rows + self.rewritten_rows) as f64 / self.arrived_rows as f64
    }

    fn report(&self, what: &str) {
        println!(
            "{what}: {} rows arrived, written {:.2} times; at most {} files, {} now",
            self.arrived_rows,
            self.amplification(),
            self.most_files,
            self.count()
        );
    }
}

/// An hour of a flush every 30 s, then a day and a half of nothing.
fn hour_of(rows_per_flush: u64) -> Simulation {
    let mut simulation = Simulation::new();
    for _ in 0..120 {
        simulation.flush(rows_per_flush);
        simulation.wait(30_000);
    }
    simulation.report(&format!("steady hour, flushes of {rows_per_flush} rows"));
    simulation
}

#[test]
fn a_steady_hour_is_written_a_few_times_and_ends_as_one_file_or_full_ones() {
    for (rows, most_written, most_files) in [
        // Its last file has too few rows for an index, and is written once more with one.
        (10, 5.0, 21),
        (1_000, 4.5, 21),
        (10_000, 3.5, 35),
        (20_000, 2.0, 64),
        (50_000, 2.0, 28),
        (300_000, 2.1, 40),
    ] {
        let mut hour = hour_of(rows);
        assert!(hour.most_files <= most_files, "{} files", hour.most_files);
        hour.wait(2 * HOUR_MS);
        hour.report("  quiet");
        let small = hour.files.iter().filter(|f| weight(f) < FULL).count();
        assert!(small <= 3, "{small} small files in a quiet hour");
        hour.wait(36 * HOUR_MS);
        hour.report("  cold");
        let small = hour.files.iter().filter(|f| weight(f) < FULL).count();
        assert!(small <= 1, "{small} small files in a cold hour");
        let full = rows * 120 / FULL;
        assert!(hour.count() as u64 <= full + 1, "{} files", hour.count());
        assert!(
            hour.amplification() <= most_written,
            "written {} times",
            hour.amplification()
        );
    }
}

#[test]
fn late_data_does_not_rewrite_what_is_large() {
    let mut hour = hour_of(7_000);
    hour.wait(2 * HOUR_MS);
    let large = hour.files.iter().map(|file| file.rows).max().unwrap();
    assert!(large < FULL, "a file that could be rewritten: {large}");
    let (arrived, rewritten) = (hour.arrived_rows, hour.rewritten_rows);
    // Two days with 500 late rows each quarter of an hour.
    for _ in 0..2 * 24 * 4 {
        hour.flush(500);
        hour.wait(15 * MINUTE_MS);
    }
    hour.report("late rows");
    let late = hour.arrived_rows - arrived;
    let rewritten = hour.rewritten_rows - rewritten;
    println!("  {late} late rows made {rewritten} rows be rewritten");
    assert!(rewritten <= 12 * late, "{rewritten} rewritten for {late}");
    assert!(hour.count() <= 12, "{} files", hour.count());
    hour.wait(36 * HOUR_MS);
    hour.report("  cold");
    assert_eq!(hour.count(), 1);
}

#[test]
fn full_files_are_left_alone_and_big_merges_are_cut() {
    let files: Vec<_> = (0..10).map(|_| file(FULL, 0, 1_000_000)).collect();
    let set = FileSet::default().with(&files, &[]);
    assert!(plan(&set, &HashSet::new(), u64::MAX / 2).is_empty());
    let files: Vec<_> = (0..8).map(|_| file(FULL - 1, 0, 1_000_000)).collect();
    let set = FileSet::default().with(&files, &[]);
    let merges = plan(&set, &HashSet::new(), 1_000_000);
    assert_eq!(merges.len(), 1);
    assert_eq!(merges[0].rows_per_file, 2 * (FULL - 1), "four outputs");
}

#[test]
fn files_of_the_last_tier_wait_until_they_make_a_full_one() {
    let start = 1_700_000_000_000;
    assert_eq!(FULL / LAST_TIER_FROM, MAX_INPUTS as u64);
    let rows = LAST_TIER_FROM;
    let files: Vec<_> = (0..64)
        .map(|number| file(rows, 0, start + number * 30_000))
        .collect();
    let now_ms = start + 64 * 30_000;
    let set = FileSet::default().with(&files[..63], &[]);
    assert!(plan(&set, &HashSet::new(), now_ms).is_empty());
    assert_eq!(debt(&set, now_ms).files, 0);
    let set = set.with(&files[63..], &[]);
    assert_eq!(debt(&set, now_ms).files, 64);
    let merges = plan(&set, &HashSet::new(), now_ms);
    assert_eq!(merges.len(), 1);
    assert_eq!((merges[0].files.len(), merges[0].rows_per_file), (64, FULL));
    assert!(merges[0].stays, "its file is full");
    let two = [file(FULL / 2, 0, start), file(FULL / 2, 0, start + 30_000)];
    let set = FileSet::default().with(&two, &[]);
    assert_eq!(debt(&set, now_ms).files, 2);
    assert_eq!(plan(&set, &HashSet::new(), now_ms).len(), 1);
    let light: Vec<_> = (0..8).map(|_| file(100, 0, start)).collect();
    let set = FileSet::default().with(&light, &[]);
    assert!(!plan(&set, &HashSet::new(), start)[0].stays);
}

#[test]
fn a_merge_takes_many_files_but_few_of_the_same_time() {
    let start = 1_700_000_000_000;
    let one_after_the_other: Vec<_> = (0..80)
        .map(|number| file(20_000, 0, start + number * 30_001))
        .collect();
    assert_eq!(fit(one_after_the_other.iter()).len(), MAX_INPUTS);
    // Each overlaps the one before and the one after it.
    let touching: Vec<_> = (0..80)
        .map(|number| file(20_000, 0, start + number * 20_000))
        .collect();
    assert_eq!(fit(touching.iter()).len(), MAX_INPUTS);
    let same: Vec<_> = (0..80).map(|_| file(20_000, 0, start)).collect();
    assert_eq!(fit(same.iter()).len(), MAX_OPEN);
    // Late rows of all the time that the others have: one more is open everywhere.
    let late = Arc::new(DataFile {
        min_time_ns: 0,
        max_time_ns: i64::MAX,
        ..(*same[0]).clone()
    });
    assert_eq!(fit([&late].into_iter().chain(&same)).len(), MAX_OPEN);
    let chosen = fit([&late].into_iter().chain(&one_after_the_other));
    assert_eq!(chosen.len(), MAX_INPUTS);
    let wide = |number: u64| {
        Arc::new(DataFile {
            bytes: MAX_GROUP_BYTES / 3,
            ..(*file(20_000, 0, start + number)).clone()
        })
    };
    let wide: Vec<_> = (0..10).map(wide).collect();
    assert_eq!(fit(wide.iter()).len(), 3, "row groups are held whole");
}

#[test]
fn files_of_a_running_merge_are_not_chosen_again() {
    let files: Vec<_> = (0..16).map(|_| file(100, 0, 1_000_000)).collect();
    let set = FileSet::default().with(&files, &[]);
    let busy: HashSet<FileId> = files[..12].iter().map(|file| file.id).collect();
    assert!(plan(&set, &busy, 1_000_000).is_empty(), "four are left");
}

#[test]
fn the_cheapest_way_to_few_files_comes_first() {
    let large: Vec<_> = (0..8).map(|_| file(300_000, 1, 1_000_000)).collect();
    let small: Vec<_> = (0..8).map(|_| file(100, 2, 1_000_000)).collect();
    let set = FileSet::default().with(&large, &[]).with(&small, &[]);
    let merges = plan(&set, &HashSet::new(), 1_000_000);
    let hours: Vec<i64> = merges.iter().map(|merge| merge.place.2.0).collect();
    assert_eq!(hours, [2, 1]);
    let debt = debt(&set, 1_060_000);
    assert_eq!((debt.files, debt.most_files), (16, 8));
    assert_eq!(debt.rows, 8 * 300_100);
    assert_eq!(debt.age, Duration::from_mins(1));
}

#[test]
fn a_clock_that_jumps_changes_when_and_not_what() {
    let files: Vec<_> = (0..3).map(|_| file(100, 0, 5_000_000_000)).collect();
    let set = FileSet::default().with(&files, &[]);
    // Back by weeks: nothing is quiet. Ahead by years: one merge, and then nothing more.
    assert!(plan(&set, &HashSet::new(), 1_000).is_empty());
    let merges = plan(&set, &HashSet::new(), u64::MAX / 2);
    assert_eq!(merges.len(), 1);
    let one = written(300, 0, 5_000_000_000, true);
    let set = set.with(&[one], &merges[0].files);
    assert!(plan(&set, &HashSet::new(), u64::MAX / 2).is_empty());
    assert_eq!(
        debt(&set, 1_000),
        Debt {
            most_files: 1,
            ..Debt::default()
        }
    );
}

#[test]
fn a_file_that_stays_gets_an_index_once_its_place_is_cold_and_after_all_merges() {
    let start = 1_700_000_000_000;
    let cold = u64::try_from(COLD.as_millis()).unwrap();
    let alone = file(20, 1, start);
    let mut files = FileSet::default().with(&[Arc::clone(&alone)], &[]);
    let at = |files: &FileSet, now_ms| plan(files, &HashSet::new(), now_ms);
    assert!(
        at(&files, start + cold - 1).is_empty(),
        "it is cheap to read"
    );
    let two = [file(50_000, 2, start), file(60_000, 2, start + 1)];
    files = files.with(&two, &[]);
    let merges = at(&files, start + cold + 1);
    assert_eq!(merges.len(), 2);
    assert_eq!((merges[0].files.len(), merges[0].indexed), (2, true));
    assert_eq!((merges[1].files[0].id, merges[1].indexed), (alone.id, true));
    let merged = written(110_000, 2, start + cold, true);
    files = files.with(&[written(20, 1, start + cold, true), merged], &[]);
    files = files.with(&[], &[alone, Arc::clone(&two[0]), Arc::clone(&two[1])]);
    assert!(
        at(&files, start + 9 * cold).is_empty(),
        "nothing is left to do"
    );
    let full = written(FULL, 3, start, false);
    files = files.with(&[full], &[]);
    assert!(
        at(&files, start + 9 * cold).is_empty(),
        "what is full had its index from the start"
    );
}

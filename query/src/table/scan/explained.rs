//! A scan of a query that is explained: with what it was planned, and what it came to.

use std::sync::Arc;
use std::time::Duration;

use spoor_storage::{Table, TimeRange};

use super::asked::asked;
use super::counted::{Counted, Left};
use super::measured::{Measured, Pruned, Ran};
use crate::explain::{Scan, Step, StepName};
use crate::parameters::format_time;
use crate::table::prune::Pruning;

/// A list of names is cut off here.
const MAX_NAMES: usize = 20;

/// Kept until the query is over: what runs after it was planned adds to what is measured.
#[derive(Debug)]
pub(crate) struct ExplainedScan {
    pub(super) table: Table,
    pub(super) way: Way,
    pub(super) pruning: Pruning,
    pub(super) counted: Counted,
    pub(super) buffer: Buffered,
    /// How long it took to ask the indexes and to look at the files.
    pub(super) planned_in: Duration,
    pub(super) measured: Arc<Measured>,
}

/// How rows are read once it is known which may match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By a plan.
    Plan,
    /// By themselves, since they are few.
    Direct,
    /// Not by this scan: so many, or more, are left to a plan.
    LeftToPlan(u64),
}

/// Batches in memory that a scan looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Buffered {
    pub(super) batches: u64,
    pub(super) rows: u64,
    /// Of the columns that are looked at.
    pub(super) bytes: u64,
}

impl ExplainedScan {
    /// As far as it has come.
    pub(crate) fn report(&self) -> Scan {
        let mut steps = self.planned_steps();
        let (ran, of_files) = match self.way {
            Way::Plan => self.planned(),
            Way::Direct => (true, self.direct_steps()),
            Way::LeftToPlan(rows) => {
                let detail = format!("not few: {rows} rows or more are left to a plan");
                (false, unknown(&detail))
            }
        };
        steps.extend(of_files);
        steps.push(self.buffer_step());
        Scan {
            table: self.table.name(),
            ran,
            steps,
        }
    }

    /// Whether its plan ran, and what came of it.
    fn planned(&self) -> (bool, [Step; 3]) {
        match self.measured.ran() {
            Some(ran) => (true, file_steps(&ran)),
            // There is nothing that could run.
            None if self.counted.visible.files == 0 => (true, file_steps(&Ran::default())),
            None => (false, unknown("known once it runs")),
        }
    }

    fn direct_steps(&self) -> [Step; 3] {
        let (direct, files, bytes) = self.measured.direct();
        let in_memory = direct.pages_in_memory;
        [
            Step {
                row_groups: Some(direct.row_groups),
                ..Step::new(StepName::RowGroups, "those that have these rows")
            },
            Step {
                pages: Some(direct.pages),
                ..Step::new(
                    StepName::Pages,
                    format!("those that have these rows; {in_memory} of them were in memory"),
                )
            },
            Step {
                files: Some(files),
                rows: Some(direct.rows),
                read_bytes: Some(bytes),
                elapsed_ns: Some(direct.elapsed_ns),
                ..Step::new(
                    StepName::Read,
                    "few rows are read by themselves, without a plan",
                )
            },
        ]
    }

    fn planned_steps(&self) -> Vec<Step> {
        let (counted, pruning) = (&self.counted, &self.pruning);
        let services = match &pruning.services {
            None => "the query names no service".to_owned(),
            Some(names) => format!("service_name is {}", names_of(names.iter())),
        };
        vec![
            left(StepName::Snapshot, counted.snapshot, String::new()),
            left(StepName::Time, counted.in_time, range_text(pruning.range)),
            left(StepName::Services, counted.of_services, services),
            Step {
                read_bytes: Some(counted.index.bytes),
                elapsed_ns: Some(nanoseconds(self.planned_in)),
                ..left(StepName::Index, counted.by_index, self.index_text())
            },
            left(StepName::Visible, counted.visible, self.visible_text()),
        ]
    }

    /// What the indexes were asked, and how far they could answer.
    fn index_text(&self) -> String {
        let used = &self.counted.index;
        let lookups = [&self.pruning.words_lookup, &self.pruning.lookup];
        let Some(asked) = asked(self.table, &lookups) else {
            return "not asked: the query has no word, attribute value or trace id that all rows must have"
                .to_owned();
        };
        let mut parts = vec![format!("asked for {asked}")];
        let mut say = |files: u64, what: &str| {
            if files > 0 {
                parts.push(format!("{} {what}", counted_files(files)));
            }
        };
        say(used.answered, "answered");
        say(used.without, "without an index: all rows may match");
        say(
            used.unusable,
            "with an index that cannot be read: all rows may match",
        );
        say(used.all_rows, "of which all rows may match");
        if used.decided_rows > 0 {
            let rows = used.decided_rows;
            parts.push(format!(
                "{rows} rows match these words for sure, their text is not tested"
            ));
        }
        parts.join("; ")
    }

    fn visible_text(&self) -> String {
        let counted = &self.counted;
        let mut parts = Vec::new();
        if counted.broken_files > 0 {
            let files = counted_files(counted.broken_files);
            parts.push(format!("{files} cannot be read"));
        }
        if counted.hidden_rows > 0 {
            parts.push(format!(
                "{} rows are deleted or expired",
                counted.hidden_rows
            ));
        }
        parts.join("; ")
    }

    fn buffer_step(&self) -> Step {
        let Buffered {
            batches,
            rows,
            bytes,
        } = self.buffer;
        let bytes = bytes + self.measured.buffer_bytes();
        Step {
            rows: Some(rows),
            bytes: Some(bytes),
            read_bytes: Some(bytes),
            ..Step::new(
                StepName::Buffer,
                match batches {
                    1 => "1 batch in memory overlaps the time range".to_owned(),
                    _ => format!("{batches} batches in memory overlap the time range"),
                },
            )
        }
    }
}

/// The steps of Parquet of a scan that does not run them.
fn unknown(detail: &str) -> [Step; 3] {
    [StepName::RowGroups, StepName::Pages, StepName::Read].map(|name| Step::new(name, detail))
}

fn left(name: StepName, left: Left, detail: String) -> Step {
    Step {
        files: Some(left.files),
        rows: Some(left.rows),
        bytes: Some(left.bytes),
        ..Step::new(name, detail)
    }
}

/// What Parquet left out, and what came out of it.
fn file_steps(ran: &Ran) -> [Step; 3] {
    let by_statistics = dropped(ran.by_statistics);
    let otherwise = ran.by_statistics.left.saturating_sub(ran.row_groups);
    let groups = format!(
        "of {} in opened files statistics rule out {by_statistics}, limits {otherwise}",
        ran.by_statistics.before
    );
    let pages = match ran.pages.before {
        0 => "no filter that pages have bounds for".to_owned(),
        all => format!(
            "of {all} the page index rules out {}, with {} rows",
            dropped(ran.pages),
            dropped(ran.page_rows)
        ),
    };
    let read = match ran.filtered_rows {
        0 => String::new(),
        rows => format!("{rows} rows were dropped by filters while columns were decoded"),
    };
    [
        Step {
            row_groups: Some(ran.row_groups),
            elapsed_ns: Some(ran.groups_ns),
            ..Step::new(StepName::RowGroups, groups)
        },
        Step {
            pages: Some(ran.pages.left),
            elapsed_ns: Some(ran.pages_ns),
            ..Step::new(StepName::Pages, pages)
        },
        Step {
            files: Some(ran.files),
            rows: Some(ran.rows),
            read_bytes: Some(ran.bytes),
            elapsed_ns: Some(ran.elapsed_ns),
            ..Step::new(StepName::Read, read)
        },
    ]
}

fn dropped(pruned: Pruned) -> u64 {
    pruned.before.saturating_sub(pruned.left)
}

fn counted_files(files: u64) -> String {
    match files {
        1 => "1 file".to_owned(),
        _ => format!("{files} files"),
    }
}

fn names_of<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown: Vec<String> = names
        .take(MAX_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => shown.join(" or "),
        (_, more) => format!("{} or one of {more} others", shown.join(" or ")),
    }
}

fn range_text(range: TimeRange) -> String {
    let from = (range.start_ns > i64::MIN).then(|| format!("from {}", format_time(range.start_ns)));
    let to = (range.end_ns < i64::MAX).then(|| format!("before {}", format_time(range.end_ns)));
    match (from, to) {
        _ if range.start_ns >= range.end_ns => "no instant can match".to_owned(),
        (None, None) => "any time".to_owned(),
        (from, to) => from.into_iter().chain(to).collect::<Vec<_>>().join(" "),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

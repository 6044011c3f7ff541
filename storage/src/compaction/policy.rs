//! Which files are merged, and when. Pure: files and ages in, a choice out.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::buffer::Place;
use crate::model::FileId;
use crate::snapshot::{DataFile, FileSet};

/// Files of one tier that a place may have before they are merged; of the last tier it may have more, see
/// [`LAST_TIER`].
pub(crate) const FAN_IN: usize = 8;
/// A file of this weight is full: it is never merged again.
pub(crate) const FULL: u64 = 1 << 20;
/// The most a file is meant to weigh: 2,097,152 rows or 256 MiB.
pub(crate) const MAX_WEIGHT: u64 = 2 * FULL;
/// Bytes of Parquet that weigh as much as a row.
const ROW_BYTES: u64 = 128;
/// The tier of files that wait until together they make a full one. What is made of them is not written again, unless too
/// many are of the same time for one merge (see [`MAX_OPEN`]).
const LAST_TIER: u32 = 5;
/// Files of this weight and heavier ones are of the last tier: at most 64 wait. A flush at full speed has about twice as
/// many rows of each signal; were it below this, each row would be written three times instead of twice.
const LAST_TIER_FROM: u64 = 1 << 14;
/// Files of one merge.
const MAX_INPUTS: usize = 64;
/// Files of one merge that are open at the same time, as their times overlap.
pub(super) const MAX_OPEN: usize = 16;
/// The most that one merge reads: it must end some day, and its result needs room beside it.
const MAX_MERGE: u64 = 8 * FULL;
/// Encoded bytes of row groups that one merge may hold in memory, of the files that are open.
const MAX_GROUP_BYTES: u64 = 128 << 20;
/// Rows of a row group.
const GROUP_ROWS: u64 = 131_072;
/// A place with no new file for this long is quiet: what it has left is merged, as far as the
/// small ones together are worth it.
pub(crate) const QUIET: Duration = Duration::from_mins(10);
/// A quiet place's larger file is rewritten only if the smaller ones together have this part of
/// its weight.
const WORTH: u64 = 4;
/// A place with no new file for this long becomes one file with an index, whatever that costs: it will be
/// searched for as long as it is kept, and thousands of such hours without one are read for every needle.
pub(crate) const COLD: Duration = Duration::from_hours(24);

/// Files that should be merged into one, or into few when they are many rows.
#[derive(Debug, Clone)]
pub(crate) struct Merge {
    pub(crate) place: Place,
    pub(crate) files: Vec<Arc<DataFile>>,
    /// Rows of each output file.
    pub(crate) rows_per_file: u64,
    /// Output files have an index, however few their rows are.
    pub(crate) indexed: bool,
    /// Output files will not be written again, or nobody knows when: it pays to make them small.
    pub(crate) stays: bool,
}

impl Merge {
    fn new(place: &Place, files: Vec<Arc<DataFile>>, quiet: Duration) -> Self {
        let rows: u64 = files.iter().map(|file| file.visible_rows()).sum();
        let outputs = outputs(&files);
        Self {
            place: place.clone(),
            rows_per_file: rows.div_ceil(outputs).max(1),
            indexed: quiet >= COLD,
            stays: quiet >= QUIET || total(&files) / outputs >= FULL,
            files,
        }
    }

    /// Bytes that the merge reads, and about what it writes.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// How much a file weighs: its rows that are not hidden, or its bytes if its rows are wide.
pub(crate) fn weight(file: &DataFile) -> u64 {
    file.visible_rows().max(file.bytes / ROW_BYTES).max(1)
}

fn total(files: &[Arc<DataFile>]) -> u64 {
    files.iter().map(|file| weight(file)).sum()
}

/// How many files a merge of these gives.
fn outputs(files: &[Arc<DataFile>]) -> u64 {
    total(files).div_ceil(MAX_WEIGHT).max(1)
}

/// Files between 8ⁿ and 8ⁿ⁺¹ are of tier n, so a merge of eight of a tier is of a higher one, up to the last.
fn tier(file: &DataFile) -> u32 {
    let weight = weight(file);
    if weight >= LAST_TIER_FROM {
        LAST_TIER
    } else {
        weight.ilog2() / 3
    }
}

/// Whether the files of a tier are too many.
fn crowded(files: &[&Arc<DataFile>]) -> bool {
    match files {
        [heavy, ..] if tier(heavy) == LAST_TIER => {
            files.iter().map(|file| weight(file)).sum::<u64>() >= FULL
        }
        _ => files.len() >= FAN_IN,
    }
}

/// When a file was written, milliseconds since the Unix epoch: its id says so.
pub(crate) fn written_ms(file: &DataFile) -> u64 {
    let (seconds, nanos) = file
        .id
        .0
        .get_timestamp()
        .map_or((0, 0), |written| written.to_unix());
    seconds * 1000 + u64::from(nanos / 1_000_000)
}

/// What compaction has still to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Debt {
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// How long the oldest of these files has been there.
    pub(crate) age: Duration,
    /// Most files that any place has.
    pub(crate) most_files: u64,
}

/// The files of a set that wait to be merged at `now_ms`: those of tiers that are over their
/// bound. What is merged only because its place is quiet is no debt.
pub(crate) fn debt(files: &FileSet, now_ms: u64) -> Debt {
    let mut debt = Debt::default();
    for (_, files) in files.places() {
        debt.most_files = debt.most_files.max(files.len() as u64);
        if files.len() < 2 {
            continue;
        }
        for waiting in over_bound(&mergeable(files, &HashSet::new())) {
            debt.files += 1;
            debt.rows += waiting.rows;
            debt.bytes += waiting.bytes;
            let age = Duration::from_millis(now_ms.saturating_sub(written_ms(waiting)));
            debt.age = debt.age.max(age);
        }
    }
    debt
}

/// All merges that are due at `now_ms`, the one that saves most files for its bytes first.
/// `busy` are files that are being merged already.
pub(crate) fn plan(files: &FileSet, busy: &HashSet<FileId>, now_ms: u64) -> Vec<Merge> {
    let mut merges: Vec<Merge> = files
        .places()
        .filter_map(|(place, files)| {
            let quiet = quiet_for(files, now_ms);
            let sorted = mergeable(files, busy);
            let chosen = choose(&sorted, quiet).or_else(|| without_index(&sorted, quiet))?;
            Some(Merge::new(place, chosen, quiet))
        })
        .collect();
    merges.sort_by_key(|merge| {
        let saved = merge.files.len() as u64 - outputs(&merge.files);
        let only_index = saved == 0;
        (
            only_index,
            total(&merge.files) / saved.max(1),
            merge.files[0].id,
        )
    });
    merges
}

/// For how long a place has had no new file. A clock that went backwards makes that nothing:
/// merging by age waits then, merging by number goes on.
fn quiet_for(files: &[Arc<DataFile>], now_ms: u64) -> Duration {
    let newest = files.iter().map(|file| written_ms(file)).max().unwrap_or(0);
    Duration::from_millis(now_ms.saturating_sub(newest))
}

/// Files that are not full and not busy, and whose hidden rows need not come back, by tier and then by age.
fn mergeable<'a>(files: &'a [Arc<DataFile>], busy: &HashSet<FileId>) -> Vec<&'a Arc<DataFile>> {
    let mut small: Vec<_> = files
        .iter()
        .filter(|file| weight(file) < FULL && file.can_be_merged() && !busy.contains(&file.id))
        .collect();
    small.sort_by_key(|file| (tier(file), file.id));
    small
}

/// The files of tiers that have too many.
fn over_bound<'a>(sorted: &[&'a Arc<DataFile>]) -> Vec<&'a Arc<DataFile>> {
    sorted
        .chunk_by(|a, b| tier(a) == tier(b))
        .filter(|tier| crowded(tier))
        .flatten()
        .copied()
        .collect()
}

/// The merge that a place needs, if any.
fn choose(sorted: &[&Arc<DataFile>], quiet: Duration) -> Option<Vec<Arc<DataFile>>> {
    let crowded = sorted
        .chunk_by(|a, b| tier(a) == tier(b))
        .find(|tier| crowded(tier))
        .map(|crowd| {
            // Oldest first, so that what a merge writes lies close in time; and what is lighter
            // goes along, as it is little.
            let at = tier(crowd[0]);
            let lighter = sorted.iter().filter(|file| tier(file) < at);
            fit(crowd.iter().chain(lighter).copied())
        });
    let chosen = match crowded {
        Some(chosen) => chosen,
        None if quiet >= COLD => fit(sorted.iter().copied()),
        None if quiet >= QUIET => fit(worth(sorted.to_vec()).into_iter()),
        None => return None,
    };
    let saves = outputs(&chosen) < chosen.len() as u64;
    (chosen.len() >= 2 && saves).then_some(chosen)
}

/// A file of a cold place that has no index, to be written with one.
fn without_index(sorted: &[&Arc<DataFile>], quiet: Duration) -> Option<Vec<Arc<DataFile>>> {
    let file = sorted.iter().find(|file| file.index_bytes == 0)?;
    (quiet >= COLD).then(|| vec![Arc::clone(file)])
}

/// The lightest files up to the last one that the ones before it are worth rewriting.
fn worth(mut files: Vec<&Arc<DataFile>>) -> Vec<&Arc<DataFile>> {
    files.sort_by_key(|file| (weight(file), file.id));
    let mut before = 0;
    let mut upto = 0;
    for (at, file) in files.iter().enumerate() {
        if at > 0 && before >= weight(file) / WORTH {
            upto = at + 1;
        }
        before += weight(file);
    }
    files.truncate(upto);
    files
}

/// As many of these as one merge may take: at least two.
fn fit<'a>(files: impl Iterator<Item = &'a Arc<DataFile>>) -> Vec<Arc<DataFile>> {
    let mut chosen: Vec<Arc<DataFile>> = Vec::new();
    let mut weighs = 0;
    for file in files.take(MAX_INPUTS) {
        weighs += weight(file);
        if chosen.len() >= 2 && (weighs > MAX_MERGE || !can_be_open(file, &chosen)) {
            break;
        }
        chosen.push(Arc::clone(file));
    }
    chosen
}

/// Whether a merge of `others` can have this file open, too: it opens a file when it has come to its first
/// time, and closes it after its last.
fn can_be_open(file: &DataFile, others: &[Arc<DataFile>]) -> bool {
    let (first, last) = (file.min_time_ns, file.max_time_ns);
    let beside: Vec<&DataFile> = others
        .iter()
        .map(|other| &**other)
        .filter(|other| other.min_time_ns <= last && other.max_time_ns >= first)
        .collect();
    // Most are open when one of them has just been opened.
    let openings = beside.iter().map(|other| other.min_time_ns.max(first));
    openings.chain([first]).all(|at| {
        let open = beside
            .iter()
            .filter(|other| other.min_time_ns <= at && other.max_time_ns >= at);
        let (files, bytes) = open.fold((1, group_bytes(file)), |(files, bytes), other| {
            (files + 1, bytes + group_bytes(other))
        });
        files <= MAX_OPEN && bytes <= MAX_GROUP_BYTES
    })
}

/// About the encoded bytes of a row group.
fn group_bytes(file: &DataFile) -> u64 {
    file.bytes * GROUP_ROWS.min(file.rows) / file.rows.max(1)
}

#[cfg(test)]
mod tests;

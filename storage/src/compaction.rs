//! Merges the small files of an hour into few large ones.
//!
//! **Policy.** A *place* is a tenant, a table and an hour of event time; only files of one place
//! are merged. A file weighs its rows, or its bytes / 128 if that is more. From 1,048,576 on it
//! is *full* and never touched again. Lighter files belong to tiers by powers of eight (1, 8,
//! 64, 512, 4,096), the last one is of all from 16,384 on; three rules say what is merged:
//!
//! 1. *Crowded*: eight or more files of one tier become one (lighter ones go along); of the last
//!    tier, as many as make a full one, which are 64 at most. The result is of a higher tier or full, so
//!    this rule rewrites a row at most once a tier: six times from a file of one row, at most twice
//!    from a flush of 10,000 rows, once from one of 16,384 (twice where more than sixteen files have rows of
//!    the same time: one merge does not open more).
//! 2. *Quiet*: ten minutes after the place's last new file, what is left is merged from the
//!    lightest up, as long as the lighter files together have a quarter of the next one's
//!    weight. So late data does not rewrite a large file: it has to add a quarter to it first.
//! 3. *Cold*: a day after the last new file, all that is not full becomes one file. At most once
//!    for each day on which late data came.
//!
//! So a place that is written to keeps at most seven files a tier and 63 of the last besides the full ones, a quiet
//! one at most one for each factor of five, and a cold one at most one. A merge of more than
//! 2,097,152 rows or 256 MiB is cut into files of equal numbers of rows, one after the other in
//! time. Of the merges that are due, the one that saves most files for its weight comes first.
//!
//! Texts of files that are full, quiet or cold are compressed harder: they stay, or nobody knows for how long.
//!
//! Hidden rows are left behind. A file with rows that a retention rule hides and that may come back
//! is not merged before that is decided (see `retention`).
//!
//! **Cost.** A merge streams: it holds one row group (encoded) and one or two stretches of each
//! input whose times it has reached and not passed, and one row group and the index of the output. It runs on a thread of its own with low
//! priority. Numbers are in `docs/decisions/0007-compaction.md`.

mod late;
mod merge;
mod policy;
mod read;
mod run;
mod throttle;

pub(crate) use policy::{Debt, Merge, debt, plan};
pub(crate) use read::{FileRows, read_file, verify_file};
pub(crate) use run::{Merged, Outcome, Paced, run};
pub(crate) use throttle::Throttle;

#[cfg(test)]
pub(crate) use policy::FAN_IN;
#[cfg(test)]
pub(crate) use read::read_visible;

//! What the index of a file says about the rows that a scan is for.

use std::sync::atomic::AtomicU64;

use spoor_storage::DataFile;
use spoor_storage::index::{Lookup, RowAnswer, RowSet};

use super::counted::IndexUse;
use super::rows::Rows;
use crate::session::QueryScope;
use crate::table::prune::Pruning;

/// What an index says.
pub(super) struct Asked {
    /// Rows that pass the word filters for sure.
    pub(super) decided: Rows,
    /// Rows that may, besides.
    pub(super) undecided: Rows,
    pub(super) used: IndexUse,
}

/// Asks the index of a file, unless this query has before.
pub(super) async fn ask(scope: &QueryScope, file: &DataFile, pruning: &Pruning) -> Asked {
    let mut used = IndexUse::default();
    let narrowed = answer(scope, file, &pruning.lookup, &mut used).await;
    let narrowed = narrowed.map(|answer| answer.maybe);
    let within = |rows: RowSet| match &narrowed {
        Some(narrowed) => rows.intersection(narrowed),
        None => rows,
    };
    let mut answers = vec![(&pruning.lookup, narrowed.is_some())];
    let (decided, undecided) = if pruning.words.is_empty() {
        (narrowed.map_or(Rows::All, Rows::These), Rows::None)
    } else {
        let words = answer(scope, file, &pruning.words_lookup, &mut used).await;
        answers.push((&pruning.words_lookup, words.is_some()));
        match words {
            Some(answer) => {
                let undecided = answer.maybe.difference(&answer.sure);
                (
                    Rows::These(within(answer.sure)),
                    Rows::These(within(undecided)),
                )
            }
            None => (Rows::None, narrowed.map_or(Rows::All, Rows::These)),
        }
    };
    scope.read().add_bytes(used.bytes);
    answers.retain(|(lookup, _)| !matches!(lookup, Lookup::All));
    if !answers.is_empty() {
        let is_answered = answers.iter().all(|(_, answered)| *answered);
        let left = decided.count(file.rows) + undecided.count(file.rows);
        used.without = u64::from(file.index_bytes == 0);
        used.answered = u64::from(is_answered);
        used.unusable = u64::from(file.index_bytes > 0 && !is_answered);
        used.all_rows = u64::from(is_answered && left == file.rows);
        if !pruning.words.is_empty() {
            used.decided_rows = decided.count(file.rows);
        }
    }
    Asked {
        decided,
        undecided,
        used,
    }
}

async fn answer(
    scope: &QueryScope,
    file: &DataFile,
    lookup: &Lookup,
    used: &mut IndexUse,
) -> Option<RowAnswer> {
    if let Some(known) = scope.answers.get(file.id, lookup) {
        return Some(known);
    }
    let (indexes, read) = (scope.shared.storage.indexes(), AtomicU64::new(0));
    let answer = indexes.answer(file, lookup, &read).await?;
    used.bytes += read.into_inner();
    scope.answers.keep(file.id, lookup, &answer);
    Some(answer)
}

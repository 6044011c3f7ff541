//! Which files a scan reads, and which rows of them.

use std::cmp::Reverse;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use datafusion::catalog::Session;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use futures::StreamExt;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::RowSelection;
use spoor_storage::index::{Lookup, RowSet};
use spoor_storage::{DataFile, refuse_newer};

use super::Scan;
use super::counted::{Counted, IndexUse};
use super::footer::footer;
use super::in_time::rows_in_time;
use crate::failure::from_datafusion;
use crate::parameters::Order;
use crate::session::QueryScope;
use crate::table::prune::Pruning;

/// Files whose index and footer are read at the same time.
const FILES_AT_ONCE: usize = 16;

/// How many rows of a file are read once it is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowsToRead(pub(super) u64);

/// Files with the rows to read of each. A file is in both lists if the index has decided about some
/// of its rows only; no row is in both.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// All these rows pass the word filters.
    pub(super) decided: Vec<PartitionedFile>,
    /// On these rows the word filters must be evaluated.
    pub(super) undecided: Vec<PartitionedFile>,
    /// How it came to these.
    pub(super) counted: Counted,
}

/// Rows of one file, of `rows` that it has.
struct RowsLeft {
    /// Those that pass the word filters for sure, and those that may.
    decided: Rows,
    undecided: Rows,
    meta: ObjectMeta,
    rows: u64,
}

/// What is read of one file.
#[derive(Default)]
struct Chosen {
    decided: Option<PartitionedFile>,
    undecided: Option<PartitionedFile>,
}

/// The files that may hold matching rows. A file that cannot be opened is left out and the query's
/// outcome says so.
pub(super) async fn select(
    scan: &Scan<'_>,
    state: &dyn Session,
    pruning: &Pruning,
) -> Result<Selected> {
    let (scope, table) = (scan.scope, scan.table);
    // Who names files knows which are there; the range is that of others.
    if scan.part.has_buffer() {
        scope.note_skipped(table, pruning.range);
    }
    let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
    let mut files = Selected::default();
    let wanted = scan.wanted(pruning, &mut files.counted);
    let beforehand = wanted.len() <= scope.shared.options.footers_beforehand;
    let selected = futures::stream::iter(wanted).map(|file| {
        let cache = Arc::clone(&cache);
        async move {
            let (chosen, counted) = select_rows(scope, cache, &file, pruning, beforehand).await;
            let numbered =
                |selected: Option<PartitionedFile>| Some(scan.numbered(&file, selected?));
            (
                numbered(chosen.decided),
                numbered(chosen.undecided),
                counted,
            )
        }
    });
    let mut selected = selected.buffered(FILES_AT_ONCE);
    while let Some((decided, undecided, counted)) = selected.next().await {
        files.decided.extend(decided);
        files.undecided.extend(undecided);
        files.counted += counted;
    }
    Ok(files)
}

/// Rows of a file that may match.
pub(super) type FewOfFile = (Arc<DataFile>, RowSet);

/// The files that may hold matching rows with these rows, if there are at most `most` of them: as soon as there are more,
/// no further index is asked. The nearest file is asked alone, since it says of most of what is not rare that it is not.
pub(super) async fn select_few(
    scan: &Scan<'_>,
    cache: &Arc<FileMetadataCache>,
    pruning: &Pruning,
    order: Order,
    most: u64,
) -> Option<(Vec<FewOfFile>, Counted)> {
    let scope = scan.scope;
    let mut counted = Counted::default();
    let mut wanted = scan.wanted(pruning, &mut counted);
    match order {
        Order::Asc => wanted.sort_by_key(|file| file.min_time_ns),
        Order::Desc => wanted.sort_by_key(|file| Reverse(file.max_time_ns)),
    }
    let beforehand = wanted.len() <= scope.shared.options.footers_beforehand;
    let rows_of = async |file: Arc<DataFile>| {
        let cache = Arc::clone(cache);
        let (left, counted) = rows_left(scope, cache, &file, pruning, beforehand).await;
        (left.map(|left| (left.all(), file)), counted)
    };
    let mut few = Vec::new();
    let mut found = 0;
    let mut wanted = wanted.into_iter();
    let nearest = futures::stream::iter(wanted.next()).then(&rows_of);
    let others = futures::stream::iter(wanted).map(&rows_of);
    let mut all = pin!(nearest.chain(others.buffered(FILES_AT_ONCE)));
    while let Some((left, of_file)) = all.next().await {
        counted += of_file;
        let Some((rows, file)) = left else {
            continue;
        };
        found += rows.len();
        if found > most {
            return None;
        }
        few.push((file, rows));
    }
    Some((few, counted))
}

impl Scan<'_> {
    /// The files that the catalog does not rule out.
    fn wanted(&self, pruning: &Pruning, counted: &mut Counted) -> Vec<Arc<DataFile>> {
        let mut wanted = Vec::new();
        let of_table = self.scope.snapshot.files_of(&self.scope.tenant, self.table);
        for file in of_table.filter(|file| self.part.has_file(file.id)) {
            counted.snapshot.add(file, file.rows);
            if !pruning.range.overlaps(file.min_time_ns, file.max_time_ns) {
                continue;
            }
            counted.in_time.add(file, file.rows);
            if let Some(services) = &pruning.services
                && !file.services.iter().any(|name| services.contains(name))
            {
                continue;
            }
            counted.of_services.add(file, file.rows);
            wanted.push(Arc::clone(file));
        }
        wanted
    }

    /// With the number of the file as the value of the column for it, if that is wanted.
    fn numbered(&self, file: &DataFile, mut selected: PartitionedFile) -> PartitionedFile {
        if let Some(numbers) = self.numbers {
            let number = numbers.get(&file.id).copied();
            selected.partition_values = vec![ScalarValue::UInt32(number)];
        }
        selected
    }
}

/// Which rows of a file to read.
#[derive(Debug, Clone, PartialEq)]
enum Rows {
    None,
    These(RowSet),
    All,
}

/// What the index of a file says.
struct Asked {
    /// Rows that pass the word filters for sure.
    decided: Rows,
    /// Rows that may, besides.
    undecided: Rows,
    used: IndexUse,
}

async fn ask_index(scope: &QueryScope, file: &DataFile, pruning: &Pruning) -> Asked {
    let indexes = scope.shared.storage.indexes();
    let read = AtomicU64::new(0);
    let all = indexes.answer(file, &pruning.lookup, &read).await;
    // Of a search for words alone both ask the same.
    let same = (pruning.words_lookup == pruning.lookup).then(|| all.clone());
    let narrowed = all.map(|answer| answer.maybe);
    let within = |rows: RowSet| match &narrowed {
        Some(narrowed) => rows.intersection(narrowed),
        None => rows,
    };
    let mut answers = vec![(&pruning.lookup, narrowed.is_some())];
    let (decided, undecided) = if pruning.words.is_empty() {
        (narrowed.map_or(Rows::All, Rows::These), Rows::None)
    } else {
        let words = match same {
            Some(words) => words,
            None => indexes.answer(file, &pruning.words_lookup, &read).await,
        };
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
    let bytes = read.into_inner();
    scope.read().add_bytes(bytes);
    let mut used = IndexUse {
        bytes,
        ..IndexUse::default()
    };
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

async fn select_rows(
    scope: &QueryScope,
    cache: Arc<FileMetadataCache>,
    file: &Arc<DataFile>,
    pruning: &Pruning,
    beforehand: bool,
) -> (Chosen, Counted) {
    let (left, counted) = rows_left(scope, cache, file, pruning, beforehand).await;
    let chosen = left.map(|left| left.chosen(file, pruning));
    (chosen.unwrap_or_default(), counted)
}

/// The rows of a file that may match and are not hidden, if there are any.
async fn rows_left(
    scope: &QueryScope,
    cache: Arc<FileMetadataCache>,
    file: &Arc<DataFile>,
    pruning: &Pruning,
    beforehand: bool,
) -> (Option<RowsLeft>, Counted) {
    let asked = ask_index(scope, file, pruning).await;
    let mut counted = Counted {
        index: asked.used,
        ..Counted::default()
    };
    let count =
        |decided: &Rows, undecided: &Rows| decided.count(file.rows) + undecided.count(file.rows);
    let left = count(&asked.decided, &asked.undecided);
    counted.by_index.add(file, left);
    let (decided, undecided) = (
        asked.decided.visible_in(file),
        asked.undecided.visible_in(file),
    );
    let visible = count(&decided, &undecided);
    counted.hidden_rows = left - visible;
    if visible == 0 {
        return (None, counted);
    }
    let meta = meta_of(file);
    let store = scope.shared.storage.object_store();
    // What the catalog has a checksum of is as long as the catalog says.
    let is_known = file.facts.is_some() && !beforehand;
    let read = if is_known {
        Ok((file.rows, None))
    } else {
        let in_memory = cache.contains_key(&meta.location);
        scope.shared.metrics.footer(in_memory);
        rows_of((&store, &cache), file, &meta, pruning).await
    };
    let (rows, in_time) = match read {
        Ok(read) => read,
        Err(error) => {
            tracing::error!(file = %file.path, %error, "data file not readable, left out");
            scope.suspect(file).await;
            scope.note_incomplete(format!(
                "{} of {}: file `{}` cannot be read: {}",
                file.table,
                file.hour,
                file.id,
                error.message()
            ));
            counted.broken_files += 1;
            return (None, counted);
        }
    };
    scope.scanned(file);
    // Row numbers mean nothing in a file of another length than the catalog says.
    if rows != file.rows && file.hidden.is_some() {
        scope.suspect(file).await;
        scope.note_incomplete(format!(
            "{} of {}: file `{}` has {rows} rows instead of {}",
            file.table, file.hour, file.id, file.rows
        ));
        counted.broken_files += 1;
        return (None, counted);
    }
    let (decided, undecided) = match rows == file.rows {
        true => (
            decided.within(in_time.as_ref()),
            undecided.within(in_time.as_ref()),
        ),
        false if pruning.words.is_empty() => (Rows::All, Rows::None),
        false => (Rows::None, Rows::All),
    };
    counted.visible.add(file, visible);
    let left = RowsLeft {
        decided,
        undecided,
        meta,
        rows,
    };
    (Some(left), counted)
}

impl RowsLeft {
    /// All of them.
    fn all(self) -> RowSet {
        let last = u32::try_from(self.rows).unwrap_or(u32::MAX);
        match (self.decided, self.undecided) {
            (Rows::All, _) | (_, Rows::All) => std::iter::once(0..last).collect(),
            (Rows::These(rows), Rows::None) | (Rows::None, Rows::These(rows)) => rows,
            (Rows::These(a), Rows::These(b)) => a.union(&b),
            (Rows::None, Rows::None) => RowSet::default(),
        }
    }

    fn chosen(&self, file: &DataFile, pruning: &Pruning) -> Chosen {
        let (decided, undecided) = (&self.decided, &self.undecided);
        // Rows beside those that may match can be read too, but none that the other list has.
        let alone = decided.is_empty() || pruning.words.is_empty();
        // Nor any that is hidden.
        let hides = file.hidden.is_some();
        let exactly = hides || !pruning.words.is_empty();
        Chosen {
            decided: decided.of(file, &self.meta, self.rows, exactly),
            undecided: undecided.of(file, &self.meta, self.rows, hides || !alone),
        }
    }
}

/// A file as its store knows it.
pub(super) fn meta_of(file: &DataFile) -> ObjectMeta {
    ObjectMeta {
        location: file.path.clone(),
        // Files never change; the cache wants a time to compare.
        last_modified: DateTime::<Utc>::UNIX_EPOCH,
        size: file.bytes,
        e_tag: None,
        version: None,
    }
}

/// How many rows the file itself says it has, and which of them may be in the range of a query that cuts it.
async fn rows_of(
    (store, cache): (&Arc<dyn ObjectStore>, &Arc<FileMetadataCache>),
    file: &DataFile,
    meta: &ObjectMeta,
    pruning: &Pruning,
) -> spoor_storage::Result<(u64, Option<RowSet>)> {
    let footer = footer(store, cache, meta, file.facts)
        .await
        .map_err(from_datafusion)?;
    refuse_newer(&footer)?;
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
    let range = pruning.range;
    let is_cut = file.min_time_ns < range.start_ns || range.end_ns <= file.max_time_ns;
    let in_time = is_cut.then(|| rows_in_time(&footer, file.table.time_column(), range));
    Ok((rows, in_time.flatten()))
}

impl Rows {
    /// Those of them that are not hidden.
    fn visible_in(self, file: &DataFile) -> Self {
        let Some(hidden) = &file.hidden else {
            return self;
        };
        let visible = hidden.visible(file.rows);
        match self {
            Self::None => Self::None,
            Self::These(rows) => Self::These(rows.intersection(&visible)),
            Self::All => Self::These(visible),
        }
    }

    /// Of a list those that are in another. All are left to Parquet, which has no list to take in then.
    fn within(self, others: Option<&RowSet>) -> Self {
        match (self, others) {
            (Self::These(rows), Some(others)) => Self::These(rows.intersection(others)),
            (rows, _) => rows,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::These(rows) => rows.is_empty(),
            Self::All => false,
        }
    }

    /// How many they are of a file of `total`.
    fn count(&self, total: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::These(rows) => rows.len(),
            Self::All => total,
        }
    }

    /// The file with these rows of its `total` selected, if there are any.
    fn of(
        &self,
        file: &DataFile,
        meta: &ObjectMeta,
        total: u64,
        exactly: bool,
    ) -> Option<PartitionedFile> {
        let file = || {
            let of_meta = PartitionedFile::new_from_meta(meta.clone());
            match file.facts {
                Some(facts) => of_meta.with_extension(facts),
                None => of_meta,
            }
        };
        let file = |rows: u64| file().with_extension(RowsToRead(rows));
        match self {
            Self::None => None,
            Self::These(rows) if rows.is_empty() => None,
            Self::These(rows) => Some(match selection(rows, total, exactly) {
                Some(selection) => {
                    file(rows.len()).with_extension(ParquetRowSelection::new(selection))
                }
                None => file(total),
            }),
            Self::All => Some(file(total)),
        }
    }
}

/// `rows` of a file of `total`; `None` if all are selected, or nearly all and it need not be exact:
/// there skipping costs more than it saves.
fn selection(rows: &RowSet, total: u64, exactly: bool) -> Option<RowSelection> {
    if rows.len() >= total || !exactly && rows.len() * 10 >= total * 9 {
        return None;
    }
    Some(RowSelection::from_consecutive_ranges(
        rows.ranges(),
        usize::try_from(total).unwrap_or(usize::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_cover_the_file_and_only_the_rows() {
        let rows: RowSet = [0, 5, 6, 7, 99].into_iter().collect();
        let found = selection(&rows, 100, true).unwrap();
        assert_eq!((found.row_count(), found.skipped_row_count()), (5, 95));
        let most: RowSet = (0..95).collect();
        assert!(selection(&most, 100, false).is_none());
        assert_eq!(selection(&most, 100, true).unwrap().row_count(), 95);
        let all: RowSet = (0..100).collect();
        assert!(selection(&all, 100, true).is_none());
    }
}

//! Which files a scan reads: those that the catalog does not rule out, with the rows of each.

use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use futures::StreamExt;
use spoor_storage::DataFile;

use super::Scan;
use super::counted::Counted;
use super::rows::{RowsLeft, rows_left};
use crate::session::QueryScope;
use crate::table::prune::Pruning;

/// Files whose index and footer are read at the same time.
pub(super) const FILES_AT_ONCE: usize = 16;

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

impl Scan<'_> {
    /// The files that the catalog does not rule out.
    pub(super) fn wanted(&self, pruning: &Pruning, counted: &mut Counted) -> Vec<Arc<DataFile>> {
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

async fn select_rows(
    scope: &QueryScope,
    cache: Arc<FileMetadataCache>,
    file: &Arc<DataFile>,
    pruning: &Pruning,
    beforehand: bool,
) -> (Chosen, Counted) {
    let (left, counted) = rows_left(scope, cache, file, pruning, beforehand).await;
    let chosen = left.map(|left| Chosen::of(&left, file, pruning));
    (chosen.unwrap_or_default(), counted)
}

impl Chosen {
    fn of(left: &RowsLeft, file: &DataFile, pruning: &Pruning) -> Self {
        let (decided, undecided) = (&left.decided, &left.undecided);
        // Rows beside those that may match can be read too, but none that the other list has.
        let alone = decided.is_empty() || pruning.words.is_empty();
        // Nor any that is hidden.
        let hides = file.hidden.is_some();
        let exactly = hides || !pruning.words.is_empty();
        Self {
            decided: decided.of(file, &left.meta, left.rows, exactly),
            undecided: undecided.of(file, &left.meta, left.rows, hides || !alone),
        }
    }
}

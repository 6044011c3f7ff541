//! Which files have rows that may match, and whether these are few: indexes are asked from the nearest file on.

use std::cmp::Reverse;
use std::pin::pin;
use std::sync::Arc;

use datafusion::execution::cache::cache_manager::FileMetadataCache;
use futures::StreamExt;
use spoor_storage::DataFile;
use spoor_storage::index::{BLOCK_ROWS, Lookup};

use crate::parameters::Order;
use crate::table::prune::Pruning;
use crate::table::scan::Scan;
use crate::table::scan::counted::Counted;
use crate::table::scan::files::FILES_AT_ONCE;
use crate::table::scan::rows::{RowsLeft, rows_left};

/// So many rows are few, wherever they are: two blocks of an index.
const FEW_ROWS: u64 = 2 * BLOCK_ROWS;

/// A file with its rows that may match.
pub(super) type OfFile = (Arc<DataFile>, RowsLeft);

/// What is gathered file by file.
struct Gathered {
    files: Vec<OfFile>,
    counted: Counted,
    /// Rows that may match.
    rows: u64,
    /// A slice of time has so many rows, and there must not be more that may match.
    slice_rows: u64,
    /// Rows of the nearest slice that were not looked at yet.
    slice_left: u64,
    /// Of those that were, the ones that match for sure, about.
    sure_in_slice: u64,
    /// Whoever has so many needs no more.
    enough: u64,
}

/// The files that have rows that may match, if these are few; `None` as soon as they are too many, or if the nearest slice
/// of time is likely to have `enough`: then no further index is asked. So files are asked one by one as long as it may be so.
pub(super) async fn nearest_few(
    scan: &Scan<'_>,
    cache: &Arc<FileMetadataCache>,
    pruning: &Pruning,
    (order, enough): (Order, usize),
) -> (Option<Vec<OfFile>>, Counted) {
    let options = &scan.scope.shared.options;
    let mut gathered = Gathered {
        files: Vec::new(),
        counted: Counted::default(),
        rows: 0,
        slice_rows: options.first_slice_rows,
        slice_left: options.first_slice_rows,
        sure_in_slice: 0,
        enough: enough as u64,
    };
    let mut wanted = scan.wanted(pruning, &mut gathered.counted);
    match order {
        Order::Asc => wanted.sort_by_key(|file| file.min_time_ns),
        Order::Desc => wanted.sort_by_key(|file| Reverse(file.max_time_ns)),
    }
    let beforehand = wanted.len() <= options.footers_beforehand;
    let rows_of = async |file: Arc<DataFile>| {
        let cache = Arc::clone(cache);
        let (left, counted) = rows_left(scan.scope, cache, &file, pruning, beforehand).await;
        (file, left, counted)
    };
    let mut wanted = wanted.into_iter();
    // The nearest says of most of what is not rare that it is not.
    let mut next = wanted.next();
    while let Some(file) = next {
        gathered.add(rows_of(file).await, pruning);
        if gathered.are_many() {
            return (None, gathered.counted);
        }
        next = gathered.may_be_enough().then(|| wanted.next()).flatten();
    }
    let mut others = pin!(
        futures::stream::iter(wanted)
            .map(&rows_of)
            .buffered(FILES_AT_ONCE)
    );
    while let Some(one) = others.next().await {
        gathered.add(one, pruning);
        if gathered.are_many() {
            return (None, gathered.counted);
        }
    }
    (Some(gathered.files), gathered.counted)
}

impl Gathered {
    fn add(
        &mut self,
        (file, left, counted): (Arc<DataFile>, Option<RowsLeft>, Counted),
        pruning: &Pruning,
    ) {
        self.counted += counted;
        let in_slice = self.slice_left.min(file.rows);
        self.slice_left -= in_slice;
        let Some(left) = left else {
            return;
        };
        // Blocks in which a value is somewhere say little of how many rows have it.
        if pruning.lookup == Lookup::All && !pruning.words.is_empty() {
            let sure = left.decided.count(left.rows);
            self.sure_in_slice += sure.saturating_mul(in_slice) / file.rows.max(1);
        }
        self.rows += left.count();
        self.files.push((file, left));
    }

    /// Whether the nearest slice is likely to have enough.
    fn may_be_enough(&self) -> bool {
        self.sure_in_slice >= self.enough
    }

    fn are_many(&self) -> bool {
        self.rows > self.slice_rows || self.rows > FEW_ROWS && self.may_be_enough()
    }
}

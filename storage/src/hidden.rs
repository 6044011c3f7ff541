//! Rows of an immutable file that no query sees any more, until a rewrite drops their bytes.
//!
//! A file never changes; what changes is which of its rows count. Each deletion (a request, or one
//! pass of a retention rule) hides a set of row numbers of a file. The sets of a file are disjoint,
//! so that what one deletion hid can be shown again without touching what another did. A set costs
//! about 2 bits a row at worst and a few bytes when it is a run, as when a whole file expires.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use roaring::RoaringBitmap;

use crate::error::{Error, Result};
use crate::index::RowSet;
use crate::model::DeletionId;

/// What one deletion hides of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HiddenPart {
    pub(crate) deletion: DeletionId,
    /// Whether the rows may have to be shown again: then no rewrite may drop them.
    pub(crate) undoable: bool,
    pub(crate) rows: RoaringBitmap,
}

/// The hidden rows of one file; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenRows {
    parts: Vec<HiddenPart>,
    all: RoaringBitmap,
}

impl HiddenRows {
    /// The rows of `parts`; `None` if there are none.
    pub(crate) fn of(parts: Vec<HiddenPart>) -> Option<Arc<Self>> {
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|part| !part.rows.is_empty())
            .collect();
        if parts.is_empty() {
            return None;
        }
        let mut all = RoaringBitmap::new();
        for part in &parts {
            all |= &part.rows;
        }
        all.optimize();
        Some(Arc::new(Self { parts, all }))
    }

    pub(crate) fn parts(&self) -> &[HiddenPart] {
        &self.parts
    }

    pub(crate) fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// How many rows are hidden.
    pub fn count(&self) -> u64 {
        self.all.len()
    }

    /// Whether some of them may have to be shown again.
    pub(crate) fn is_undoable(&self) -> bool {
        self.parts.iter().any(|part| part.undoable)
    }

    /// Rows that a rewrite may drop.
    pub(crate) fn droppable(&self) -> RoaringBitmap {
        let mut rows = RoaringBitmap::new();
        for part in self.parts.iter().filter(|part| !part.undoable) {
            rows |= &part.rows;
        }
        rows
    }

    /// The rows that are not hidden, of a file of `rows`.
    pub fn visible(&self, rows: u64) -> RowSet {
        let mut visible = RoaringBitmap::new();
        visible.insert_range(0..u32::try_from(rows).unwrap_or(u32::MAX));
        visible -= &self.all;
        RowSet::of(visible)
    }

    /// The rows of `batch` that are not hidden; its first row is row `first` of the file.
    pub(crate) fn visible_of(&self, first: u64, batch: &RecordBatch) -> Result<RecordBatch> {
        without(&self.all, first, batch)
    }
}

/// The rows of `batch` that are not in `rows`; its first row is row `first` of the file.
pub(crate) fn without(
    rows: &RoaringBitmap,
    first: u64,
    batch: &RecordBatch,
) -> Result<RecordBatch> {
    let from = row_number(first)?;
    let to = row_number(first + batch.num_rows() as u64)?;
    if rows.range_cardinality(from..to) == 0 {
        return Ok(batch.clone());
    }
    let keep = BooleanBuffer::collect_bool(batch.num_rows(), |row| {
        u32::try_from(row).is_ok_and(|row| !rows.contains(from + row))
    });
    Ok(filter_record_batch(batch, &BooleanArray::new(keep, None))?)
}

/// The numbers that the rows of `rows` have once those of `dropped` are gone; none may be in both.
pub(crate) fn renumbered(rows: &RoaringBitmap, dropped: &RoaringBitmap) -> RoaringBitmap {
    let mut numbers = RoaringBitmap::new();
    for row in rows {
        let before = u32::try_from(dropped.rank(row)).unwrap_or(row);
        numbers.insert(row - before.min(row));
    }
    numbers.optimize();
    numbers
}

/// All rows of a file.
pub(crate) fn whole(rows: u64) -> Result<RoaringBitmap> {
    let mut all = RoaringBitmap::new();
    all.insert_range(0..row_number(rows)?);
    all.optimize();
    Ok(all)
}

/// A row number as bitmaps take it; a file has fewer rows than that (see the file writer).
pub(crate) fn row_number(row: u64) -> Result<u32> {
    u32::try_from(row).map_err(|_| Error::internal("more rows than a file may hold"))
}

pub(crate) fn encode(rows: &RoaringBitmap) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(rows.serialized_size());
    rows.serialize_into(&mut bytes)
        .map_err(|source| Error::from_io("cannot write a set of rows", source))?;
    Ok(bytes)
}

/// Reads what [`encode`] wrote for a file of `rows`.
pub(crate) fn decode(bytes: &[u8], rows: u64) -> Result<RoaringBitmap> {
    let set = RoaringBitmap::deserialize_from(bytes)
        .map_err(|source| Error::corrupt("a set of rows is not readable").with_source(source))?;
    if set.max().is_some_and(|last| u64::from(last) >= rows) {
        return Err(Error::corrupt("a set of rows goes beyond its file"));
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_rows::{LogRow, logs};

    fn hidden(rows: impl IntoIterator<Item = u32>) -> Arc<HiddenRows> {
        HiddenRows::of(vec![HiddenPart {
            deletion: DeletionId::generate(),
            undoable: false,
            rows: rows.into_iter().collect(),
        }])
        .unwrap()
    }

    #[test]
    fn visible_is_what_is_left() {
        let runs = |rows: &HiddenRows, of| rows.visible(of).ranges().collect::<Vec<_>>();
        assert_eq!(runs(&hidden([0, 1, 5, 9]), 10), [2..5, 6..9]);
        assert!(hidden(0..10).visible(10).is_empty());
        assert_eq!(hidden([3]).visible(4).len(), 3);
    }

    #[test]
    fn nothing_hidden_is_no_set() {
        assert_eq!(HiddenRows::of(Vec::new()), None);
    }

    #[test]
    fn a_whole_file_costs_few_bytes() {
        assert!(encode(&whole(1_000_000).unwrap()).unwrap().len() < 256);
    }

    #[test]
    fn broken_sets_are_errors() {
        let bytes = encode(&[1, 5].into_iter().collect()).unwrap();
        assert!(decode(&bytes, 6).is_ok());
        assert!(decode(&bytes, 5).is_err(), "row 5 of 5 rows");
        assert!(decode(&bytes[..bytes.len() - 1], 6).is_err());
    }

    proptest! {
        #[test]
        fn batches_lose_exactly_the_hidden_rows(
            rows in prop::collection::btree_set(0_u32..100, 1..60),
            cut in 0_usize..100,
        ) {
            let set = hidden(rows.iter().copied());
            let batch = logs(&(0..100).map(LogRow::at).collect::<Vec<_>>());
            let parts = [
                set.visible_of(0, &batch.slice(0, cut)).unwrap(),
                set.visible_of(cut as u64, &batch.slice(cut, 100 - cut)).unwrap(),
            ];
            let left: usize = parts.iter().map(RecordBatch::num_rows).sum();
            prop_assert_eq!(left, 100 - rows.len());
            prop_assert_eq!(set.visible(100).len(), left as u64);
        }

        #[test]
        fn numbers_after_a_drop_are_positions_among_the_rest(
            dropped in prop::collection::btree_set(0_u32..100, 0..60),
        ) {
            let dropped: RoaringBitmap = dropped.into_iter().collect();
            let rest: Vec<u32> = (0..100).filter(|row| !dropped.contains(*row)).collect();
            let kept: RoaringBitmap = rest.iter().copied().filter(|row| row % 3 == 0).collect();
            let expected: RoaringBitmap = (0_u32..)
                .zip(&rest)
                .filter(|(_, row)| kept.contains(**row))
                .map(|(place, _)| place)
                .collect();
            prop_assert_eq!(renumbered(&kept, &dropped), expected);
        }
    }
}

//! What the index knows about rows: which surely match, and which may.

use std::ops::Range;

use roaring::RoaringBitmap;

/// A set of rows of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowSet(pub(super) RoaringBitmap);

impl RowSet {
    pub(crate) fn of(rows: RoaringBitmap) -> Self {
        Self(rows)
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rows it has.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// The rows that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    /// The rows that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// The rows that are in one of them.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    /// Its rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter()
    }

    /// Those of its rows that are in a range.
    #[must_use]
    pub fn within(&self, range: Range<u32>) -> Self {
        let mut within = RoaringBitmap::new();
        within.insert_range(range);
        within &= &self.0;
        Self(within)
    }

    /// Its rows as ranges, ascending; none touches the next.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut rows = self.0.iter();
        std::iter::from_fn(move || {
            let range = rows.next_range()?;
            Some(*range.start() as usize..*range.end() as usize + 1)
        })
    }
}

impl FromIterator<Range<u32>> for RowSet {
    fn from_iter<T: IntoIterator<Item = Range<u32>>>(ranges: T) -> Self {
        let mut rows = RoaringBitmap::new();
        for range in ranges {
            rows.insert_range(range);
        }
        Self(rows)
    }
}

impl FromIterator<u32> for RowSet {
    fn from_iter<I: IntoIterator<Item = u32>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

/// An answer of the index to one [`super::Lookup`]: `sure` ⊆ rows that match ⊆ `maybe`. It is exact
/// where both are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct RowAnswer {
    /// Rows that match.
    pub sure: RowSet,
    /// Rows without which no row matches; all of `sure` are among them.
    pub maybe: RowSet,
}

impl RowAnswer {
    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.sure.0.serialized_size() + self.maybe.0.serialized_size()
    }

    pub(super) fn exact(rows: RoaringBitmap) -> Self {
        Self {
            sure: RowSet(rows.clone()),
            maybe: RowSet(rows),
        }
    }

    pub(super) fn superset(rows: RoaringBitmap) -> Self {
        Self {
            sure: RowSet::default(),
            maybe: RowSet(rows),
        }
    }

    pub(super) fn bounds(sure: RoaringBitmap, maybe: RoaringBitmap) -> Self {
        Self {
            sure: RowSet(sure),
            maybe: RowSet(maybe),
        }
    }

    pub(super) fn and(&mut self, other: &Self) {
        self.sure.0 &= &other.sure.0;
        self.maybe.0 &= &other.maybe.0;
    }

    pub(super) fn or(&mut self, other: &Self) {
        self.sure.0 |= &other.sure.0;
        self.maybe.0 |= &other.maybe.0;
    }

    /// The rows of `all` that do not match.
    pub(super) fn not(self, all: &RoaringBitmap) -> Self {
        Self {
            sure: RowSet(all - &self.maybe.0),
            maybe: RowSet(all - &self.sure.0),
        }
    }
}

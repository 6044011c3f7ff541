//! Counts by value and bucket, while they are added up and as they are kept.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::ops::Range;

use super::sorted::{MAX_BYTES, MAX_CELLS};

/// All buckets there can be.
pub(super) const ALL: Range<i64> = i64::MIN..i64::MAX;
/// What a value, and a cell, costs besides its bytes while rows are added.
pub(super) const ENTRY_BYTES: usize = 96;

/// What is counted for one value in one bucket of time.
pub(crate) trait Cell: Clone + Debug + Default + Send + Sync + 'static {
    /// The same, as small as it gets: this is in memory for long.
    type Kept: Any + Debug + Send + Sync;

    /// Adds what was counted of other rows.
    fn add(&mut self, other: &Self);

    /// What is kept of it.
    fn kept(&self) -> Self::Kept;

    /// Adds what was kept of other rows.
    fn add_kept(&mut self, kept: &Self::Kept);

    /// How many rows it is of.
    fn rows(&self) -> u64;

    /// About the bytes it takes beside itself.
    fn more_bytes(&self) -> usize {
        0
    }

    /// The bytes that what is kept takes beside itself.
    fn more_kept_bytes(_: &Self::Kept) -> usize {
        0
    }
}

/// A number of rows.
impl Cell for u64 {
    type Kept = Self;

    fn add(&mut self, other: &Self) {
        *self += other;
    }

    fn kept(&self) -> Self {
        *self
    }

    fn add_kept(&mut self, kept: &Self) {
        *self += kept;
    }

    fn rows(&self) -> u64 {
        *self
    }
}

/// Cells while rows are added. Buckets have numbers from the beginning of time on.
#[derive(Debug)]
pub(crate) struct Cells<C> {
    values: Vec<(Box<str>, BTreeMap<i64, C>)>,
    /// Of each value in the list.
    places: HashMap<Box<str>, usize>,
    count: usize,
    value_bytes: usize,
}

impl<C> Default for Cells<C> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            places: HashMap::new(),
            count: 0,
            value_bytes: 0,
        }
    }
}

impl<C: Cell> Cells<C> {
    /// The cell of a value in a bucket.
    pub(super) fn cell(&mut self, value: &str, bucket: i64) -> &mut C {
        let place = self.place(value);
        let count = &mut self.count;
        self.values[place].1.entry(bucket).or_insert_with(|| {
            *count += 1;
            C::default()
        })
    }

    fn place(&mut self, value: &str) -> usize {
        if let Some(place) = self.places.get(value) {
            return *place;
        }
        let place = self.values.len();
        self.value_bytes += 2 * value.len();
        self.values.push((value.into(), BTreeMap::new()));
        self.places.insert(value.into(), place);
        place
    }

    /// How many cells there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// About the bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        let cells = self.values.iter().flat_map(|(_, buckets)| buckets.values());
        self.value_bytes
            + self.values.len() * ENTRY_BYTES
            + self.count * (ENTRY_BYTES + size_of::<C>())
            + cells.map(Cell::more_bytes).sum::<usize>()
    }

    /// Whether there is room for these and others.
    pub(super) fn have_room(&self) -> bool {
        self.count <= MAX_CELLS && self.bytes() <= MAX_BYTES
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (value, buckets) in &other.values {
            for (bucket, cell) in buckets {
                self.cell(value, *bucket).add(cell);
            }
        }
    }

    /// The `most` values with the most rows, ties by value.
    pub(crate) fn top(&self, most: usize) -> Vec<Box<str>> {
        let rows = |buckets: &BTreeMap<i64, C>| buckets.values().map(Cell::rows).sum::<u64>();
        let values = self.values.iter();
        let mut values: Vec<(&Box<str>, u64)> = values
            .map(|(value, buckets)| (value, rows(buckets)))
            .collect();
        values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        values.truncate(most);
        values.into_iter().map(|(value, _)| value.clone()).collect()
    }

    /// The values `top` in their order, then all others together as `rest`, as far as there are any.
    pub(crate) fn only(self, top: &[Box<str>], rest: &str) -> Vec<(Box<str>, BTreeMap<i64, C>)> {
        let mut named = Self::default();
        for value in top.iter().map(Box::as_ref).chain([rest]) {
            named.place(value);
        }
        for (value, buckets) in self.values {
            let is_named = named.places.contains_key(&value);
            let name = if is_named { value.as_ref() } else { rest };
            for (bucket, cell) in buckets {
                named.cell(name, bucket).add(&cell);
            }
        }
        named.values.retain(|(_, buckets)| !buckets.is_empty());
        named.values
    }

    /// Values with their buckets, in no order.
    pub(crate) fn into_values(self) -> impl Iterator<Item = (Box<str>, BTreeMap<i64, C>)> {
        self.values.into_iter()
    }

    /// Those of some buckets, to be kept, each for the bucket that `at` says.
    pub(super) fn keep(&self, covers: Range<i64>, at: impl Fn(i64) -> i64) -> Kept<C> {
        let within = |(bucket, cell): (&i64, &C)| {
            let at = at(*bucket);
            covers.contains(bucket).then(|| (at, cell.kept()))
        };
        let values = self.values.iter();
        let values = values.map(|(value, buckets)| {
            let cells: Box<[(i64, C::Kept)]> = buckets.iter().filter_map(within).collect();
            (value.clone(), cells)
        });
        let values = values.filter(|(_, cells)| !cells.is_empty()).collect();
        Kept {
            covers,
            values: Some(values),
        }
    }
}

/// Values with their cells by bucket.
type KeptValues<K> = Box<[KeptValue<K>]>;
type KeptValue<K> = (Box<str>, Box<[(i64, K)]>);

/// Cells of a file that are kept.
#[derive(Debug)]
pub(super) struct Kept<C: Cell> {
    /// The buckets of which all rows of the file are counted.
    pub(super) covers: Range<i64>,
    /// `None`: there are more of them than are kept.
    pub(super) values: Option<KeptValues<C::Kept>>,
}

impl<C: Cell> Kept<C> {
    /// Of a file with more than is kept.
    pub(super) const TOO_MANY: Self = Self {
        covers: ALL,
        values: None,
    };

    /// Whether it says all of these buckets.
    pub(super) fn has(&self, buckets: &Range<i64>) -> bool {
        self.covers.start <= buckets.start && buckets.end <= self.covers.end
    }

    /// About the bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        /// What a value costs besides its bytes.
        const VALUE_BYTES: usize = 32;
        let of_value = |(value, cells): &KeptValue<C::Kept>| {
            let more = cells.iter().map(|(_, kept)| C::more_kept_bytes(kept));
            VALUE_BYTES + value.len() + size_of_val::<[(i64, C::Kept)]>(cells) + more.sum::<usize>()
        };
        size_of::<Self>() + self.values.iter().flatten().map(of_value).sum::<usize>()
    }

    /// Adds the cells to others, each to the bucket that `at` says, if it says one.
    pub(super) fn add_to(&self, cells: &mut Cells<C>, at: impl Fn(i64) -> Option<i64>) {
        for (value, buckets) in self.values.iter().flatten() {
            for (bucket, cell) in buckets {
                if let Some(bucket) = at(*bucket) {
                    cells.cell(value, bucket).add_kept(cell);
                }
            }
        }
    }
}

//! The values of one field while they are counted.

use std::collections::BTreeMap;

use super::sketch::{Sketch, hash};
use crate::attributes::same_bytes;
use crate::by_hash::ByHash;
use crate::model::ValueType;
use crate::snapshot::FieldStatistic;

/// Distinct values that are counted for a field; later new ones only make it inexact.
const COUNTED_VALUES: usize = 256;
/// Values longer than this are not worth completing.
const MAX_VALUE_BYTES: usize = 256;
/// Most frequent values that are kept for a field of a file.
pub(super) const KEPT_VALUES: usize = 100;

/// Types in the order of the counts.
const LETTERS: [ValueType; 8] = [
    ValueType::String,
    ValueType::Bool,
    ValueType::Int,
    ValueType::Double,
    ValueType::Bytes,
    ValueType::Array,
    ValueType::KeyValueList,
    ValueType::Empty,
];

/// Counts one field. A value costs one comparison if it is the last one again, else one hash and one look-up;
/// only new ones allocate.
#[derive(Debug, Default)]
pub(super) struct Counter {
    count: u64,
    types: [u64; LETTERS.len()],
    /// Sum of the places in their rows.
    places: u64,
    /// Values with how often there were, and their places by their hashes.
    values: Vec<(Box<str>, u64)>,
    by_hash: ByHash<usize>,
    /// The place of the last one: mostly the next is the same.
    last: usize,
    /// All values, once they are too many to be kept.
    sketch: Option<Sketch>,
    /// Whether `values` lacks some.
    overflowed: bool,
}

impl Counter {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Counts a value that is there so many times, of a type and at a place in its rows. `room` is how many bytes of
    /// values may still be kept.
    pub(super) fn add(
        &mut self,
        (letter, place): (u8, usize),
        value: &str,
        times: u64,
        room: &mut usize,
    ) {
        self.count += times;
        self.places += place as u64 * times;
        let kind = LETTERS.iter().position(|kind| *kind as u8 == letter);
        if let Some(count) = kind.and_then(|kind| self.types.get_mut(kind)) {
            *count += times;
        }
        // What is among the values is in the sketch, if there is one.
        if let Some((last, count)) = self.values.get_mut(self.last)
            && same_bytes(last.as_bytes(), value.as_bytes())
        {
            *count += times;
            return;
        }
        let hash = hash(value.as_bytes());
        if let Some(sketch) = &mut self.sketch {
            sketch.add(hash);
        }
        let known = self.values.len();
        let place = self.by_hash.get(&hash).copied();
        match place.and_then(|place| Some((place, self.values.get_mut(place)?))) {
            Some((place, (known, count))) if same_bytes(known.as_bytes(), value.as_bytes()) => {
                *count += times;
                self.last = place;
            }
            None if known < COUNTED_VALUES && value.len() <= MAX_VALUE_BYTES.min(*room) => {
                *room -= value.len();
                self.by_hash.insert(hash, known);
                self.values.push((value.into(), times));
                self.last = known;
            }
            // Another value with the same hash, or one too many.
            _ => self.overflow(hash),
        }
    }

    fn overflow(&mut self, hash: u64) {
        self.overflowed = true;
        if self.sketch.is_none() {
            let mut sketch = self.sketch_of_values();
            sketch.add(hash);
            self.sketch = Some(sketch);
        }
    }

    fn sketch_of_values(&self) -> Sketch {
        let mut sketch = Sketch::default();
        self.by_hash.keys().for_each(|hash| sketch.add(*hash));
        sketch
    }

    pub(super) fn finish(self) -> FieldStatistic {
        let known = self.values.len();
        let cut = known > KEPT_VALUES;
        let sketch = if cut && self.sketch.is_none() {
            Some(self.sketch_of_values())
        } else {
            self.sketch
        };
        let distinct = match &sketch {
            Some(sketch) if self.overflowed => sketch.estimate().max(known as u64),
            _ => known as u64,
        };
        let values = self.values.into_iter();
        let types = LETTERS.iter().zip(self.types);
        FieldStatistic {
            count: self.count,
            types: types
                .filter(|(_, count)| *count > 0)
                .map(|(kind, count)| (kind.letter(), count))
                .collect::<BTreeMap<_, _>>(),
            top_values: most_frequent(
                values.map(|(value, count)| (value.into(), count)),
                KEPT_VALUES,
            ),
            exact: !self.overflowed && !cut,
            distinct,
            sketch,
            position: u32::try_from(self.places / self.count.max(1)).unwrap_or(u32::MAX),
        }
    }
}

/// The `limit` most frequent values, ties by text.
pub(super) fn most_frequent(
    values: impl Iterator<Item = (String, u64)>,
    limit: usize,
) -> Vec<(String, u64)> {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(limit);
    sorted
}

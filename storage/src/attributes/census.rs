//! How often each key occurs, of which types and where in its row: what promotion is decided by.

use std::collections::HashMap;

use arrow::array::{AsArray, MapArray, StringArray};
use arrow::record_batch::RecordBatch;

use super::keys::{KeyTable, OVERFLOW};
use super::runs::alike;
use super::scalar::ColumnKind;
use crate::snapshot::FieldStatistics;
use crate::statistics::MAPS;

/// Of one key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyCount {
    pub(super) count: u64,
    /// Entries by [`ColumnKind`]; others are in none.
    pub(super) kinds: [u64; 4],
    /// Sum of its places in its rows.
    pub(super) places: u64,
    /// Distinct values, if known.
    pub(super) distinct: Option<u64>,
}

impl KeyCount {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.places += other.places;
        for (kind, count) in self.kinds.iter_mut().zip(other.kinds) {
            *kind += count;
        }
        // Of two files with the same values and of two with none in common alike: an upper bound.
        self.distinct = self.distinct.zip(other.distinct).map(|(a, b)| a + b);
    }

    /// The most frequent kind and how many entries are of it.
    pub(super) fn kind(&self) -> Option<(ColumnKind, u64)> {
        KINDS
            .into_iter()
            .zip(self.kinds)
            .max_by_key(|(_, count)| *count)
            .filter(|(_, count)| *count > 0)
    }
}

const KINDS: [ColumnKind; 4] = [
    ColumnKind::Text,
    ColumnKind::Bool,
    ColumnKind::Int,
    ColumnKind::Double,
];

fn kind_place(letter: u8) -> Option<usize> {
    let kind = ColumnKind::of_letter(letter)?;
    KINDS.iter().position(|other| *other == kind)
}

/// The counts of every scope, in the order of [`MAPS`].
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) rows: u64,
    pub(super) scopes: [HashMap<String, KeyCount>; MAPS.len()],
}

impl Census {
    /// Of rows in the canonical form.
    pub(super) fn of_batches(batches: &[RecordBatch]) -> Self {
        let mut census = Self {
            rows: batches.iter().map(|batch| batch.num_rows() as u64).sum(),
            ..Self::default()
        };
        for (at, (map, types, _)) in MAPS.into_iter().enumerate() {
            let mut keys = KeyTable::default();
            let mut counts: Vec<KeyCount> = Vec::new();
            for batch in batches {
                let columns = batch.column_by_name(map).zip(batch.column_by_name(types));
                let Some((map, types)) = columns.and_then(|(map, types)| {
                    Some((map.as_map_opt()?, types.as_string_opt::<i32>()?))
                }) else {
                    continue;
                };
                count_entries(&mut keys, &mut counts, map, types);
            }
            census.scopes[at] = keys
                .names()
                .iter()
                .map(ToString::to_string)
                .zip(counts)
                .collect();
        }
        census
    }

    /// Of files, from what the catalog knows of them.
    pub(super) fn of_statistics<'a>(
        rows: u64,
        files: impl IntoIterator<Item = &'a FieldStatistics>,
    ) -> Self {
        let mut census = Self {
            rows,
            ..Self::default()
        };
        for file in files {
            for (name, field) in &file.fields {
                let found = MAPS
                    .iter()
                    .enumerate()
                    .find_map(|(at, (_, _, prefix))| Some((at, name.strip_prefix(prefix)?)));
                let Some((at, key)) = found else {
                    continue;
                };
                let mut count = KeyCount {
                    count: field.count,
                    places: field.count.saturating_mul(u64::from(field.position)),
                    distinct: (field.distinct > 0).then_some(field.distinct),
                    ..KeyCount::default()
                };
                for (letter, entries) in &field.types {
                    if let Some(place) = u8::try_from(*letter).ok().and_then(kind_place) {
                        count.kinds[place] += entries;
                    }
                }
                match census.scopes[at].get_mut(key) {
                    Some(sum) => sum.add(&count),
                    None => {
                        census.scopes[at].insert(key.to_owned(), count);
                    }
                }
            }
        }
        census
    }
}

fn count_entries(
    keys: &mut KeyTable,
    counts: &mut Vec<KeyCount>,
    map: &MapArray,
    types: &StringArray,
) {
    let runs = keys.runs(map);
    counts.resize(keys.names().len(), KeyCount::default());
    for run in runs.iter() {
        for rows in alike(types, run.rows) {
            let letters = types.value(rows.start).as_bytes();
            let rows = rows.len() as u64;
            for (place, number) in run.keys.iter().enumerate() {
                if *number == OVERFLOW {
                    continue;
                }
                let count = &mut counts[*number as usize];
                count.count += rows;
                count.places += place as u64 * rows;
                if let Some(kind) = letters.get(place).and_then(|letter| kind_place(*letter)) {
                    count.kinds[kind] += rows;
                }
            }
        }
    }
}

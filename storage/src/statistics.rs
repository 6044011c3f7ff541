//! Field statistics: which keys a file holds, of which types, how many distinct values they have
//! and which are the most frequent.
//!
//! Written once a file into the catalog, so that completion and facets over the whole retention
//! read no data. Counting is exact for fields with few distinct values and says when it is not.

mod sketch;
mod sum;
mod values;

use std::collections::BTreeMap;

use arrow::array::{Array, MapArray, StringArray};
use arrow::record_batch::RecordBatch;

use crate::attributes::{Entries, KeyTable, MapRuns, OVERFLOW, Promotion, alike};
use crate::model::{Table, ValueType};
use crate::snapshot::{FieldStatistic, FieldStatistics};
use values::Counter;

pub use sketch::Sketch;
pub(crate) use sum::StatisticsSum;

/// Fields that are kept of a file, the most frequent ones.
const MAX_FIELDS: usize = 4096;
/// Fields of a file whose sketch is kept, the most frequent ones.
const MAX_SKETCHES: usize = 64;
/// Bytes of values that are kept of a file.
const KEPT_VALUE_BYTES: usize = 512 << 10;
/// Bytes of values that are in memory while a file is counted.
const COUNTED_VALUE_BYTES: usize = 16 << 20;

/// The map columns with their type columns and the prefix of their fields' qualified names.
pub(crate) const MAPS: [(&str, &str, &str); 4] = [
    ("attributes", "attribute_types", "attributes."),
    (
        "resource_attributes",
        "resource_attribute_types",
        "resource.",
    ),
    ("scope_attributes", "scope_attribute_types", "scope."),
    ("body_fields", "body_field_types", "body."),
];

fn text_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Spans => &[
            "service_name",
            "name",
            "kind",
            "status_code",
            "status_message",
            "scope_name",
            "scope_version",
        ],
        Table::Logs => &[
            "service_name",
            "severity_text",
            "event_name",
            "scope_name",
            "scope_version",
        ],
    }
}

/// The runs of a batch's maps, in the order of [`MAPS`].
pub(crate) type BatchRuns = [MapRuns; MAPS.len()];

/// Counts the fields of batches of one table.
#[derive(Debug)]
pub(crate) struct FieldCounter {
    table: Table,
    columns: BTreeMap<&'static str, Counter>,
    keys: [KeyTable; MAPS.len()],
    /// By the keys' numbers; none for fields that are known.
    counters: [Vec<Option<Counter>>; MAPS.len()],
    /// Fields that need not be counted.
    known: FieldStatistics,
    /// Bytes of values that may still be kept.
    room: usize,
}

impl FieldCounter {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table,
            columns: BTreeMap::new(),
            keys: Default::default(),
            counters: Default::default(),
            known: FieldStatistics::default(),
            room: COUNTED_VALUE_BYTES,
        }
    }

    /// The same for a file with these promoted keys, which get the first numbers.
    pub(crate) fn for_file(table: Table, promotion: &Promotion) -> Self {
        let mut counter = Self::new(table);
        for (keys, columns) in counter.keys.iter_mut().zip(&promotion.scopes) {
            for column in columns {
                keys.number(&column.key);
            }
        }
        counter
    }

    /// Takes these statistics, see [`StatisticsSum::that_follow`], for those of all rows that will be added, and counts
    /// only other fields. To be called before there are rows.
    pub(crate) fn knows(&mut self, known: FieldStatistics) {
        self.known = known;
    }

    /// The keys of each map by their numbers.
    pub(crate) fn keys(&self) -> &[KeyTable; MAPS.len()] {
        &self.keys
    }

    /// Counts every row of `batch`, which has the table's stored schema, and says which runs its maps have and of which
    /// keys.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> BatchRuns {
        for name in text_columns(self.table) {
            if self.known.fields.contains_key(*name) {
                continue;
            }
            let Some(texts) = column_of::<StringArray>(batch, name) else {
                continue;
            };
            let counter = self.columns.entry(name).or_default();
            for text in texts.iter().flatten() {
                counter.add((ValueType::String as u8, 0), text, 1, &mut self.room);
            }
        }
        let mut found = BatchRuns::default();
        for (at, (values, types, prefix)) in MAPS.iter().enumerate() {
            let columns =
                column_of::<MapArray>(batch, values).zip(column_of::<StringArray>(batch, types));
            if let Some((map, types)) = columns {
                found[at] = self.keys[at].runs(map);
                let counters = &mut self.counters[at];
                for name in self.keys[at].names().iter().skip(counters.len()) {
                    let known = self.known.fields.contains_key(&format!("{prefix}{name}"));
                    counters.push((!known).then(Counter::default));
                }
                if counters.iter().any(Option::is_some) {
                    self.add_map(at, map, types, &found[at]);
                }
            }
        }
        found
    }

    fn add_map(&mut self, at: usize, map: &MapArray, types: &StringArray, found: &MapRuns) {
        let entries = Entries::of(map);
        for run in found.iter().filter(|run| !run.keys.is_empty()) {
            let of_row = entries.of_row(run.rows.start);
            for rows in alike(types, run.rows) {
                let letters = types.value(rows.start).as_bytes();
                let values = of_row.clone().map(|entry| entries.value(entry));
                let known = run.keys.iter().zip(letters).zip(values);
                for (place, ((number, letter), value)) in known.enumerate() {
                    if *number != OVERFLOW
                        && let Some(Some(counter)) = self.counters[at].get_mut(*number as usize)
                    {
                        let value = value.unwrap_or_default();
                        let times = rows.len() as u64;
                        counter.add((*letter, place), value, times, &mut self.room);
                    }
                }
            }
        }
    }

    /// The statistics of everything added.
    pub(crate) fn finish(self) -> FieldStatistics {
        let mut found: Vec<(String, Found)> = self
            .columns
            .into_iter()
            .map(|(name, counter)| (name.to_owned(), Found::Counted(counter)))
            .collect();
        for ((keys, counters), (_, _, prefix)) in self.keys.iter().zip(self.counters).zip(MAPS) {
            let counted = keys.names().iter().zip(counters);
            found.extend(counted.filter_map(|(key, counter)| {
                Some((format!("{prefix}{key}"), Found::Counted(counter?)))
            }));
        }
        let known = self.known.fields.into_iter();
        found.extend(known.map(|(name, field)| (name, Found::Known(field))));
        found.retain(|(_, field)| field.count() > 0);
        found.sort_unstable_by(|a, b| (b.1.count().cmp(&a.1.count())).then_with(|| a.0.cmp(&b.0)));
        found.truncate(MAX_FIELDS);
        let mut kept = Kept {
            sketches: MAX_SKETCHES,
            value_bytes: KEPT_VALUE_BYTES,
        };
        let fields = found
            .into_iter()
            .map(|(name, field)| (name, kept.of(field.finish())))
            .collect();
        FieldStatistics { fields }
    }
}

/// A field of a file.
enum Found {
    Counted(Counter),
    Known(FieldStatistic),
}

impl Found {
    fn count(&self) -> u64 {
        match self {
            Self::Counted(counter) => counter.count(),
            Self::Known(field) => field.count,
        }
    }

    fn finish(self) -> FieldStatistic {
        match self {
            Self::Counted(counter) => counter.finish(),
            Self::Known(field) => field,
        }
    }
}

/// What a file's statistics may still hold.
struct Kept {
    sketches: usize,
    value_bytes: usize,
}

impl Kept {
    fn of(&mut self, mut field: FieldStatistic) -> FieldStatistic {
        if field.sketch.is_some() {
            match self.sketches.checked_sub(1) {
                Some(left) => self.sketches = left,
                None => field.sketch = None,
            }
        }
        let mut bytes = 0;
        let fit = field
            .top_values
            .iter()
            .take_while(|(value, _)| {
                bytes += value.len();
                bytes <= self.value_bytes
            })
            .count();
        if fit < field.top_values.len() {
            field.top_values.truncate(fit);
            field.exact = false;
        }
        self.value_bytes -= field
            .top_values
            .iter()
            .map(|(value, _)| value.len())
            .sum::<usize>();
        field
    }
}

fn column_of<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a A> {
    batch.column_by_name(name)?.as_any().downcast_ref::<A>()
}

#[cfg(test)]
mod tests;

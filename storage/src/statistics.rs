//! Field statistics: which keys a file holds, of which types, and their most frequent values.
//!
//! Written once a file into the catalog, so that completion and facets over the whole retention
//! read no data. Counting is exact for fields with few distinct values and says when it is not.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, MapArray, StringArray};
use arrow::record_batch::RecordBatch;

use crate::model::{Table, ValueType};
use crate::snapshot::{FieldStatistic, FieldStatistics};

/// Distinct values that are counted for a field; later new ones only make it inexact.
const COUNTED_VALUES: usize = 256;
/// Most frequent values that are kept for a field of a file.
const KEPT_VALUES: usize = 100;
/// Values longer than this are not worth completing.
const MAX_VALUE_BYTES: usize = 256;
/// Distinct fields that are counted in a file: keys that carry ids must not grow the catalog.
const MAX_FIELDS: usize = 4096;

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

#[derive(Debug, Default)]
struct Counter {
    count: u64,
    types: BTreeMap<char, u64>,
    values: HashMap<String, u64>,
    overflowed: bool,
}

impl Counter {
    fn add(&mut self, letter: char, value: &str) {
        self.count += 1;
        *self.types.entry(letter).or_default() += 1;
        if let Some(count) = self.values.get_mut(value) {
            *count += 1;
        } else if self.values.len() < COUNTED_VALUES && value.len() <= MAX_VALUE_BYTES {
            self.values.insert(value.to_owned(), 1);
        } else {
            self.overflowed = true;
        }
    }

    fn finish(self) -> FieldStatistic {
        let (top_values, cut) = top(self.values, KEPT_VALUES);
        FieldStatistic {
            count: self.count,
            types: self.types,
            top_values,
            exact: !self.overflowed && !cut,
        }
    }
}

/// The `limit` most frequent values, ties by text; whether any was left out.
fn top(values: HashMap<String, u64>, limit: usize) -> (Vec<(String, u64)>, bool) {
    let mut sorted: Vec<_> = values.into_iter().collect();
    sorted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let cut = sorted.len() > limit;
    sorted.truncate(limit);
    (sorted, cut)
}

/// Counts the fields of batches of one table.
#[derive(Debug)]
pub(crate) struct FieldCounter {
    table: Table,
    columns: BTreeMap<&'static str, Counter>,
    maps: [HashMap<String, Counter>; 4],
    fields: usize,
}

impl FieldCounter {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table,
            columns: BTreeMap::new(),
            maps: Default::default(),
            fields: 0,
        }
    }

    /// Counts every row of `batch`, which has the table's stored schema.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        for name in text_columns(self.table) {
            let Some(column) = batch.column_by_name(name) else {
                continue;
            };
            let Some(texts) = column.as_any().downcast_ref::<StringArray>() else {
                continue;
            };
            let counter = self.columns.entry(name).or_default();
            for text in texts.iter().flatten() {
                counter.add(ValueType::String.letter(), text);
            }
        }
        for (at, (values, types, _)) in MAPS.iter().enumerate() {
            let (Some(values), Some(types)) =
                (batch.column_by_name(values), batch.column_by_name(types))
            else {
                continue;
            };
            let (Some(map), Some(types)) = (
                values.as_any().downcast_ref::<MapArray>(),
                types.as_any().downcast_ref::<StringArray>(),
            ) else {
                continue;
            };
            self.add_map(at, map, types);
        }
    }

    fn add_map(&mut self, at: usize, map: &MapArray, types: &StringArray) {
        let keys = map.keys().as_string::<i32>();
        let values = map.values().as_string::<i32>();
        let offsets = map.value_offsets();
        for row in 0..map.len() {
            let letters = types.value(row).as_bytes();
            let from = offsets[row] as usize;
            let to = offsets[row + 1] as usize;
            for (entry, letter) in (from..to).zip(letters) {
                let value = if values.is_null(entry) {
                    ""
                } else {
                    values.value(entry)
                };
                self.add_entry(at, keys.value(entry), char::from(*letter), value);
            }
        }
    }

    fn add_entry(&mut self, at: usize, key: &str, letter: char, value: &str) {
        if let Some(counter) = self.maps[at].get_mut(key) {
            counter.add(letter, value);
        } else if self.fields < MAX_FIELDS {
            self.fields += 1;
            self.maps[at]
                .entry(key.to_owned())
                .or_default()
                .add(letter, value);
        }
    }

    /// The statistics of everything added.
    pub(crate) fn finish(self) -> FieldStatistics {
        let mut fields = BTreeMap::new();
        for (name, counter) in self.columns {
            if counter.count > 0 {
                fields.insert(name.to_owned(), counter.finish());
            }
        }
        for (map, (_, _, prefix)) in self.maps.into_iter().zip(MAPS) {
            for (key, counter) in map {
                fields.insert(format!("{prefix}{key}"), counter.finish());
            }
        }
        FieldStatistics { fields }
    }
}

/// Adds up statistics of several files.
#[derive(Debug, Default)]
pub(crate) struct StatisticsSum {
    fields: BTreeMap<String, FieldSum>,
}

#[derive(Debug)]
struct FieldSum {
    count: u64,
    types: BTreeMap<char, u64>,
    values: HashMap<String, u64>,
    exact: bool,
}

impl Default for FieldSum {
    fn default() -> Self {
        Self {
            count: 0,
            types: BTreeMap::new(),
            values: HashMap::new(),
            exact: true,
        }
    }
}

impl StatisticsSum {
    pub(crate) fn add_file(&mut self, statistics: &FieldStatistics) {
        for (name, field) in &statistics.fields {
            if !self.fields.contains_key(name) {
                self.fields.insert(name.clone(), FieldSum::default());
            }
            let Some(sum) = self.fields.get_mut(name) else {
                continue;
            };
            sum.count += field.count;
            sum.exact &= field.exact;
            for (letter, rows) in &field.types {
                *sum.types.entry(*letter).or_default() += rows;
            }
            for (value, rows) in &field.top_values {
                *sum.values.entry(value.clone()).or_default() += rows;
            }
        }
    }

    pub(crate) fn finish(self) -> FieldStatistics {
        let fields = self
            .fields
            .into_iter()
            .map(|(name, sum)| {
                let statistic = FieldStatistic {
                    count: sum.count,
                    types: sum.types,
                    top_values: top(sum.values, usize::MAX).0,
                    exact: sum.exact,
                };
                (name, statistic)
            })
            .collect();
        FieldStatistics { fields }
    }
}

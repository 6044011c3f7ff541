//! The statistics of several files together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::MAX_FIELDS;
use super::sketch::{Sketch, hash};
use super::values::{KEPT_VALUES, most_frequent};
use crate::snapshot::{DataFile, FieldStatistic, FieldStatistics};

/// Adds up statistics of several files.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatisticsSum {
    fields: BTreeMap<String, FieldSum>,
}

#[derive(Debug, Clone)]
struct FieldSum {
    count: u64,
    types: BTreeMap<char, u64>,
    values: HashMap<String, u64>,
    exact: bool,
    sketch: Option<Sketch>,
    /// There are at least this many distinct values.
    least: u64,
    places: u64,
}

impl Default for FieldSum {
    fn default() -> Self {
        Self {
            count: 0,
            types: BTreeMap::new(),
            values: HashMap::new(),
            exact: true,
            sketch: None,
            least: 0,
            places: 0,
        }
    }
}

impl StatisticsSum {
    /// The sum of what the files' statistics say of the rows that are visible now.
    pub(crate) fn of_files<'a>(files: impl IntoIterator<Item = &'a Arc<DataFile>>) -> Self {
        let mut sum = Self::default();
        for file in files {
            match &file.hidden {
                None => sum.add_file(&file.fields),
                Some(_) => sum.add_file(&with_hidden_rows(file)),
            }
        }
        sum
    }

    /// The fields of the rows of all files together, of which nothing is hidden, as counting these rows again would give
    /// them; only of a field with more values than are kept, the frequencies are what the files still know. Left out
    /// is what does not follow from the files' statistics: fields of which one of them has neither all values nor a
    /// sketch, and all of them if one may have lost some.
    pub(crate) fn that_follow<'a>(
        files: impl IntoIterator<Item = &'a FieldStatistics>,
    ) -> FieldStatistics {
        let mut sum = Self::default();
        let mut unclear = HashSet::new();
        for file in files {
            if file.fields.is_empty() || file.fields.len() >= MAX_FIELDS {
                return FieldStatistics::default();
            }
            let fields = file.fields.iter();
            unclear.extend(fields.filter_map(|(name, field)| {
                let clear = field.distinct > 0 && (field.exact || field.sketch.is_some());
                (!clear).then_some(name.as_str())
            }));
            sum.add_file(file);
        }
        let fields = sum.finish().fields.into_iter();
        let fields = fields
            .filter(|(name, _)| !unclear.contains(name.as_str()))
            .map(|(name, field)| (name, of_one_file(field)))
            .collect();
        FieldStatistics { fields }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        /// Of a field with its sketch, and of a value, besides their texts.
        const FIELD_BYTES: usize = 512;
        const VALUE_BYTES: usize = 48;
        self.fields
            .iter()
            .map(|(name, field)| {
                let values = field.values.keys().map(|value| value.len() + VALUE_BYTES);
                let sketch = field.sketch.as_ref().map_or(0, |_| Sketch::BYTES);
                FIELD_BYTES + name.len() + sketch + values.sum::<usize>()
            })
            .sum()
    }

    pub(crate) fn add_file(&mut self, statistics: &FieldStatistics) {
        for (name, field) in &statistics.fields {
            if !self.fields.contains_key(name) {
                self.fields.insert(name.clone(), FieldSum::default());
            }
            if let Some(sum) = self.fields.get_mut(name) {
                sum.add(field);
            }
        }
    }

    pub(crate) fn finish(self) -> FieldStatistics {
        let fields = self
            .fields
            .into_iter()
            .map(|(name, sum)| (name, sum.finish()))
            .collect();
        FieldStatistics { fields }
    }
}

impl FieldSum {
    fn add(&mut self, field: &FieldStatistic) {
        self.count += field.count;
        self.exact &= field.exact;
        self.least = self.least.max(field.distinct);
        self.places += field.count.saturating_mul(u64::from(field.position));
        for (letter, rows) in &field.types {
            *self.types.entry(*letter).or_default() += rows;
        }
        for (value, rows) in &field.top_values {
            if let Some(sum) = self.values.get_mut(value) {
                *sum += rows;
            } else {
                self.values.insert(value.clone(), *rows);
            }
        }
        if let Some(sketch) = &field.sketch {
            match &mut self.sketch {
                Some(sum) => sum.merge(sketch),
                None => self.sketch = Some(sketch.clone()),
            }
        }
    }

    fn finish(self) -> FieldStatistic {
        let known = self.values.len() as u64;
        let sketch = self.sketch.map(|mut sketch| {
            for value in self.values.keys() {
                sketch.add(hash(value.as_bytes()));
            }
            sketch
        });
        let distinct = if self.exact {
            known
        } else {
            let estimate = sketch.as_ref().map_or(0, Sketch::estimate);
            estimate.max(self.least).max(known)
        };
        FieldStatistic {
            count: self.count,
            types: self.types,
            top_values: most_frequent(self.values.into_iter(), usize::MAX),
            exact: self.exact,
            distinct,
            sketch,
            position: u32::try_from(self.places / self.count.max(1)).unwrap_or(u32::MAX),
        }
    }
}

/// With as many values as are kept of a file.
fn of_one_file(mut field: FieldStatistic) -> FieldStatistic {
    if field.top_values.len() > KEPT_VALUES {
        field.sketch.get_or_insert_with(|| {
            let mut sketch = Sketch::default();
            for (value, _) in &field.top_values {
                sketch.add(hash(value.as_bytes()));
            }
            sketch
        });
        field.top_values.truncate(KEPT_VALUES);
        field.exact = false;
    }
    field
}

/// Statistics of a file that were counted before rows of it were hidden. A value that may have been
/// in deleted rows only is not named any more.
fn with_hidden_rows(file: &DataFile) -> FieldStatistics {
    let mut statistics = file.fields.clone();
    let deleted = file
        .hidden
        .as_ref()
        .map_or(0, |hidden| hidden.droppable().len());
    for field in statistics.fields.values_mut() {
        field.count = field.count.min(file.visible_rows());
        field.top_values.retain(|(_, rows)| *rows > deleted);
        field.exact = false;
    }
    statistics
}

//! Values counted on both sides.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BooleanArray, MapArray, StringArray};
use arrow::record_batch::RecordBatch;
use spoor_storage::{Error, Result};

use super::score::surely_more;
use crate::otlp::strings;

/// Fields that are counted.
const MAX_FIELDS: usize = 1_000;
/// A field with more values is left out.
const MAX_VALUES: usize = 1_000;
/// Bytes of a value; longer ones are texts and not values.
const MAX_VALUE: usize = 256;

/// Rows in the selection and in the baseline.
pub(super) type Both = [u64; 2];

/// One field.
#[derive(Debug, Default)]
struct Field {
    rows: Both,
    values: HashMap<Box<str>, Both>,
    too_many: bool,
    /// The row that had it last: where a key came twice the first one counts.
    last_row: u64,
}

/// Counts while rows are added.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows: Both,
    row: u64,
    /// By place (empty for columns) and key.
    fields: HashMap<String, HashMap<String, Field>>,
    field_count: usize,
    /// Whether some fields are not counted.
    pub(super) lacks_fields: bool,
}

/// A value that is surely more frequent in the selection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    pub(super) field: String,
    /// `None`: the rows without the field.
    pub(super) value: Option<String>,
    pub(super) rows: Both,
    pub(super) score: f64,
}

/// The first two columns: whether a row is in the selection, and in the baseline.
struct Sides {
    selected: BooleanArray,
    other: BooleanArray,
}

impl Counts {
    /// Adds a batch: two columns of booleans, then text columns and maps, each a place with its name.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let boolean = |at: usize| {
            let column = batch.column(at).as_boolean_opt();
            column
                .cloned()
                .ok_or_else(|| Error::internal("a side is no condition"))
        };
        let sides = Sides {
            selected: boolean(0)?,
            other: boolean(1)?,
        };
        let schema = batch.schema();
        let first = self.row;
        for row in 0..batch.num_rows() {
            let of = sides.of(row);
            self.rows = [self.rows[0] + of[0], self.rows[1] + of[1]];
            self.row += 1;
        }
        for (column, field) in batch.columns().iter().zip(schema.fields()).skip(2) {
            match column.as_map_opt() {
                Some(map) => self.add_map(field.name(), map, &sides, first)?,
                None => self.add_texts(field.name(), &strings(column)?, &sides, first),
            }
        }
        Ok(())
    }

    fn add_texts(&mut self, name: &str, texts: &StringArray, sides: &Sides, first: u64) {
        let mut place = self.fields.remove("").unwrap_or_default();
        for row in 0..texts.len() {
            if texts.is_valid(row) {
                let number = first + row as u64 + 1;
                self.count(
                    &mut place,
                    name,
                    Some(texts.value(row)),
                    sides.of(row),
                    number,
                );
            }
        }
        self.fields.insert(String::new(), place);
    }

    fn add_map(&mut self, name: &str, map: &MapArray, sides: &Sides, first: u64) -> Result<()> {
        let mut place = self.fields.remove(name).unwrap_or_default();
        let (keys, values) = (strings(map.keys())?, strings(map.values())?);
        let offsets = map.value_offsets();
        for row in (0..map.len()).filter(|row| map.is_valid(*row)) {
            let number = first + row as u64 + 1;
            let (from, to) = (
                offsets[row].cast_unsigned(),
                offsets[row + 1].cast_unsigned(),
            );
            for entry in from as usize..to as usize {
                let value = values.is_valid(entry).then(|| values.value(entry));
                self.count(&mut place, keys.value(entry), value, sides.of(row), number);
            }
        }
        self.fields.insert(name.to_owned(), place);
        Ok(())
    }

    fn count(
        &mut self,
        place: &mut HashMap<String, Field>,
        key: &str,
        value: Option<&str>,
        of: Both,
        row: u64,
    ) {
        if !place.contains_key(key) {
            if self.field_count >= MAX_FIELDS {
                self.lacks_fields = true;
                return;
            }
            self.field_count += 1;
            place.insert(key.to_owned(), Field::default());
        }
        let Some(field) = place.get_mut(key).filter(|field| field.last_row != row) else {
            return;
        };
        field.last_row = row;
        field.rows = [field.rows[0] + of[0], field.rows[1] + of[1]];
        let Some(value) = value.filter(|_| !field.too_many) else {
            return;
        };
        if let Some(rows) = field.values.get_mut(value) {
            *rows = [rows[0] + of[0], rows[1] + of[1]];
        } else if field.values.len() >= MAX_VALUES || value.len() > MAX_VALUE {
            field.too_many = true;
            field.values = HashMap::new();
        } else {
            field.values.insert(value.into(), of);
        }
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 128;
        let places = self.fields.values().flat_map(HashMap::values);
        places.map(|field| (field.values.len() + 2) * EACH).sum()
    }

    /// The `most` values that are most surely more frequent in the selection, and the fields that are
    /// left out because they have too many values.
    pub(super) fn differences(self, most: usize) -> (Vec<Difference>, Vec<String>) {
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        let [selection, baseline] = self.rows;
        for (place, fields) in self.fields {
            for (key, field) in fields {
                let name = match place.as_str() {
                    "" => key,
                    place => format!("{}.{key}", prefix_of(place)),
                };
                let mut add = |value: Option<&str>, rows: Both| {
                    let score = surely_more(rows[0], selection, rows[1], baseline);
                    if score > 0.0 {
                        found.push(Difference {
                            field: name.clone(),
                            value: value.map(str::to_owned),
                            rows,
                            score,
                        });
                    }
                };
                for (value, rows) in &field.values {
                    add(Some(value), *rows);
                }
                add(None, [selection - field.rows[0], baseline - field.rows[1]]);
                if field.too_many {
                    left_out.push(name);
                }
            }
        }
        found.sort_by(|a, b| {
            let names = |of: &Difference| (of.field.clone(), of.value.clone());
            b.score
                .total_cmp(&a.score)
                .then_with(|| names(a).cmp(&names(b)))
        });
        found.truncate(most);
        left_out.sort_unstable();
        (found, left_out)
    }
}

impl Sides {
    fn of(&self, row: usize) -> Both {
        let counts = |side: &BooleanArray| u64::from(side.is_valid(row) && side.value(row));
        [counts(&self.selected), counts(&self.other)]
    }
}

/// How the search language calls the attributes of a map column.
fn prefix_of(column: &str) -> &str {
    match column {
        "resource_attributes" => "resource",
        "scope_attributes" => "scope",
        "body_fields" => "body",
        other => other,
    }
}

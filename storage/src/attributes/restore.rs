//! From the columns of a file back to the canonical form.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StringArray, StringBuilder};
use arrow::record_batch::RecordBatch;

use super::map::map_column;
use super::scalar::text_of;
use super::shape::{self, Step};
use super::{FileAttributes, ScopeColumns};
use crate::error::{Error, Result};
use crate::model::{Table, schema_of};

/// The orders that are kept parsed at a time.
const KEPT_SHAPES: usize = 1024;

/// The rows of a batch of a file, with all of its columns, in the stored schema of `table`. Errors
/// with [`crate::ErrorKind::Corrupt`] if the columns do not fit together.
pub fn restore(
    table: Table,
    attributes: &FileAttributes,
    batch: &RecordBatch,
) -> Result<RecordBatch> {
    let schema = schema_of(table);
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        match attributes.restored(field.name()) {
            None => columns.push(column(batch, field.name())?),
            // The column of types follows its map in both tables.
            Some(scope) if scope.map == field.name() => {
                let (map, types) = scope.restore(&scope.arrays(batch)?)?;
                columns.push(map);
                columns.push(types);
            }
            Some(_) => {}
        }
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn column(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    batch
        .column_by_name(name)
        .map(Arc::clone)
        .ok_or_else(|| Error::corrupt(format!("a file has no column `{name}`")))
}

impl ScopeColumns {
    /// The columns that [`Self::restore`] needs, in its order.
    pub fn needed(&self) -> impl Iterator<Item = &str> {
        [self.map, self.types, self.shape].into_iter().chain(
            self.promoted
                .iter()
                .map(|promoted| promoted.column.as_str()),
        )
    }

    fn arrays(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.needed().map(|name| column(batch, name)).collect()
    }

    /// The scope's canonical map and types, from the columns that [`Self::needed`] names.
    pub fn restore(&self, columns: &[ArrayRef]) -> Result<(ArrayRef, ArrayRef)> {
        let [map, types, shapes, promoted @ ..] = columns else {
            return Err(Error::internal(
                "too few columns to restore attributes from",
            ));
        };
        let parts = (map.as_map_opt())
            .zip(types.as_string_opt::<i32>())
            .zip(shapes.as_string_opt::<i32>());
        let Some(((map, types), shapes)) = parts else {
            return Err(Error::corrupt("attribute columns are not of their types"));
        };
        if promoted.len() != self.promoted.len() {
            return Err(Error::internal("not all promoted columns are here"));
        }
        let texts = promoted.iter().map(text_of).collect::<Result<Vec<_>>>()?;
        let texts: Vec<&StringArray> = texts.iter().map(AsArray::as_string).collect();
        let rows = Rows {
            map,
            keys: map
                .keys()
                .as_string_opt()
                .ok_or_else(|| Error::corrupt("attribute keys are not texts"))?,
            values: map
                .values()
                .as_string_opt()
                .ok_or_else(|| Error::corrupt("attribute values are not texts"))?,
            types,
            texts: &texts,
            scope: self,
        };
        let mut out = Out::new(map.len(), &rows.size());
        let mut shapes_seen: HashMap<&str, Vec<Step>> = HashMap::new();
        for row in 0..map.len() {
            if shapes.is_null(row) {
                rows.usual(row, &mut out);
            } else {
                let text = shapes.value(row);
                if !shapes_seen.contains_key(text) {
                    if shapes_seen.len() >= KEPT_SHAPES {
                        shapes_seen.clear();
                    }
                    shapes_seen.insert(text, shape::parse(text)?);
                }
                let steps = shapes_seen.get(text).map_or(&[][..], Vec::as_slice);
                rows.in_order(row, text, steps, &mut out)?;
            }
            out.end_row();
        }
        out.finish()
    }
}

/// The columns of one scope.
struct Rows<'a> {
    map: &'a MapArray,
    keys: &'a StringArray,
    values: &'a StringArray,
    types: &'a StringArray,
    texts: &'a [&'a StringArray],
    scope: &'a ScopeColumns,
}

impl Rows<'_> {
    fn entries(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.map.value_offsets();
        offsets[row] as usize..offsets[row + 1] as usize
    }

    /// What the canonical form holds, so that nothing grows while it is built.
    fn size(&self) -> Size {
        let mut size = Size {
            entries: self.keys.len(),
            key_bytes: text_bytes(self.keys),
            value_bytes: text_bytes(self.values),
        };
        for (text, promoted) in self.texts.iter().zip(&self.scope.promoted) {
            let entries = text.len() - text.null_count();
            size.entries += entries;
            size.key_bytes += entries * promoted.key.len();
            size.value_bytes += text_bytes(text);
        }
        size
    }

    fn letters(&self, row: usize) -> &str {
        if self.types.is_valid(row) {
            self.types.value(row)
        } else {
            ""
        }
    }

    /// Columns as they come, then the map.
    fn usual(&self, row: usize, out: &mut Out) {
        for (column, text) in self.texts.iter().enumerate() {
            if text.is_valid(row) {
                self.push_column(row, column, out);
            }
        }
        for entry in self.entries(row) {
            self.push_entry(entry, out);
        }
        out.letters.push_str(self.letters(row));
    }

    fn in_order(&self, row: usize, text: &str, steps: &[Step], out: &mut Out) -> Result<()> {
        let letters = self.letters(row);
        let mut entries = self.entries(row);
        if letters.len() != entries.len() {
            return Err(shape::wrong(text));
        }
        let mut letters = letters.chars();
        let mut columns = 0;
        for step in steps {
            match *step {
                Step::Column(column) => {
                    if !self
                        .texts
                        .get(column)
                        .is_some_and(|text| text.is_valid(row))
                    {
                        return Err(shape::wrong(text));
                    }
                    self.push_column(row, column, out);
                    columns += 1;
                }
                Step::Map(count) => {
                    for _ in 0..count {
                        let (Some(entry), Some(letter)) = (entries.next(), letters.next()) else {
                            return Err(shape::wrong(text));
                        };
                        self.push_entry(entry, out);
                        out.letters.push(letter);
                    }
                }
            }
        }
        let present = self.texts.iter().filter(|text| text.is_valid(row)).count();
        if columns != present || entries.next().is_some() {
            return Err(shape::wrong(text));
        }
        Ok(())
    }

    fn push_column(&self, row: usize, column: usize, out: &mut Out) {
        let promoted = &self.scope.promoted[column];
        out.keys.append_value(&promoted.key);
        out.values.append_value(self.texts[column].value(row));
        out.letters.push(char::from(promoted.kind.letter()));
        out.count += 1;
    }

    fn push_entry(&self, entry: usize, out: &mut Out) {
        out.keys.append_value(self.keys.value(entry));
        let value = self
            .values
            .is_valid(entry)
            .then(|| self.values.value(entry));
        out.values.append_option(value);
        out.count += 1;
    }
}

/// How much there is of a canonical form.
struct Size {
    entries: usize,
    key_bytes: usize,
    value_bytes: usize,
}

/// Bytes of an array's texts, those of a slice counted alone.
fn text_bytes(texts: &StringArray) -> usize {
    let offsets = texts.value_offsets();
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => usize::try_from(last - first).unwrap_or(0),
        _ => 0,
    }
}

/// The canonical form while it is built.
struct Out {
    keys: StringBuilder,
    values: StringBuilder,
    count: usize,
    offsets: Vec<i32>,
    types: StringBuilder,
    letters: String,
}

impl Out {
    fn new(rows: usize, size: &Size) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            keys: StringBuilder::with_capacity(size.entries, size.key_bytes),
            values: StringBuilder::with_capacity(size.entries, size.value_bytes),
            count: 0,
            offsets,
            types: StringBuilder::with_capacity(rows, size.entries),
            letters: String::new(),
        }
    }

    fn end_row(&mut self) {
        // Arrow's own builders would have overflowed before.
        self.offsets
            .push(i32::try_from(self.count).unwrap_or(i32::MAX));
        self.types.append_value(&self.letters);
        self.letters.clear();
    }

    fn finish(mut self) -> Result<(ArrayRef, ArrayRef)> {
        let map = map_column(self.keys.finish(), self.values.finish(), self.offsets)?;
        Ok((map, Arc::new(self.types.finish())))
    }
}

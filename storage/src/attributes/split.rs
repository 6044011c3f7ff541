//! From the canonical form to the columns of a file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Builder, MapArray,
    StringArray, StringBuilder,
};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::keys::KeyTable;
use super::map::map_column;
use super::promotion::{Column, Promotion};
use super::runs::{MapRuns, alike};
use super::scalar::{ColumnKind, parse_bool, parse_double, parse_int};
use super::shape::ShapeWriter;
use super::{ColumnMetadata, ScopeMetadata};
use crate::error::{Error, Result};
use crate::model::Table;
use crate::statistics::MAPS;

/// Longer values stay in the map: one of them would fill a page or a dictionary.
const MAX_VALUE_BYTES: usize = 4096;
/// Keys of the map that the file's metadata lists, and their bytes together.
const MAX_LISTED_KEYS: usize = 256;
const MAX_LISTED_BYTES: usize = 16 << 10;

/// Splits batches of one file.
#[derive(Debug)]
pub(crate) struct Splitter {
    schema: SchemaRef,
    scopes: [Option<ScopeSplitter>; MAPS.len()],
}

impl Splitter {
    pub(crate) fn new(table: Table, promotion: &Promotion) -> Self {
        let scopes = promotion
            .scopes
            .each_ref()
            .map(|columns| (!columns.is_empty()).then(|| ScopeSplitter::new(columns.clone())));
        Self {
            schema: promotion.schema(table),
            scopes,
        }
    }

    /// The columns of the file.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows of `batch` in the file's columns. `keys` number the keys of each scope's map, and `runs` are those of
    /// the maps, as [`KeyTable::runs`] finds them.
    pub(crate) fn split(
        &mut self,
        batch: &RecordBatch,
        keys: &[KeyTable; MAPS.len()],
        runs: &[MapRuns; MAPS.len()],
    ) -> Result<RecordBatch> {
        if self.scopes.iter().all(Option::is_none) {
            return Ok(batch.clone());
        }
        let mut parts: Vec<Option<ScopeParts>> = Vec::with_capacity(MAPS.len());
        for (at, (map, types, _)) in MAPS.into_iter().enumerate() {
            let Some(scope) = &mut self.scopes[at] else {
                parts.push(None);
                continue;
            };
            let columns = batch.column_by_name(map).zip(batch.column_by_name(types));
            let (map, types) = columns
                .and_then(|(map, types)| Some((map.as_map_opt()?, types.as_string_opt::<i32>()?)))
                .ok_or_else(|| Error::internal(format!("rows without the map `{map}`")))?;
            parts.push(Some(scope.split(
                map,
                types,
                keys[at].names(),
                &runs[at],
            )?));
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let scope = MAPS
                .iter()
                .zip(&parts)
                .find(|((map, types, _), _)| map == field.name() || types == field.name());
            match scope {
                Some(((map, ..), Some(parts))) if map == field.name() => {
                    columns.push(Arc::clone(&parts.map));
                }
                Some((_, Some(parts))) => {
                    columns.push(Arc::clone(&parts.types));
                    columns.push(Arc::clone(&parts.shapes));
                }
                _ => columns.push(Arc::clone(column)),
            }
        }
        for scope in parts.into_iter().flatten() {
            columns.extend(scope.promoted);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// What the file's metadata says of all rows that were split.
    pub(crate) fn metadata(&self, keys: &[KeyTable; MAPS.len()]) -> Result<String> {
        let scopes: BTreeMap<&str, ScopeMetadata> = MAPS
            .iter()
            .zip(&self.scopes)
            .zip(keys)
            .filter(|(((map, ..), _), _)| self.schema.column_with_name(map).is_some())
            .map(|(((map, ..), scope), keys)| {
                let metadata = match scope {
                    Some(scope) => scope.metadata(keys.names()),
                    None => ScopeMetadata {
                        columns: Vec::new(),
                        map_keys: listed(keys.names().iter(), keys.overflowed()),
                    },
                };
                (*map, metadata)
            })
            .collect();
        Ok(serde_json::to_string(&scopes)?)
    }
}

/// The keys of a map in order, unless they are too many.
fn listed<'a>(keys: impl Iterator<Item = &'a Box<str>>, overflowed: bool) -> Option<Vec<String>> {
    let mut listed: Vec<String> = keys.map(ToString::to_string).collect();
    listed.sort_unstable();
    let few = listed.len() <= MAX_LISTED_KEYS
        && listed.iter().map(String::len).sum::<usize>() <= MAX_LISTED_BYTES;
    (few && !overflowed).then_some(listed)
}

/// The columns of one scope.
struct ScopeParts {
    map: ArrayRef,
    types: ArrayRef,
    shapes: ArrayRef,
    promoted: Vec<ArrayRef>,
}

/// Where an entry goes: a column's number, or into the map.
const MAP: u16 = u16::MAX;

#[derive(Debug)]
struct ScopeSplitter {
    columns: Vec<Column>,
    /// The column of a key number; grows with the numbers.
    column_of: Vec<u16>,
    /// Whether an entry with a key number is in the map.
    in_map: Vec<bool>,
    /// An entry whose key has no number is in the map.
    unknown_in_map: bool,
    /// The row that last had the column, and the place of that entry in its row.
    last: Vec<(usize, usize)>,
    /// Rows so far, over all batches; tells rows apart in `last`.
    rows: usize,
    /// Where the entries of the row go.
    places: Vec<u16>,
    shape: ShapeWriter,
    scratch: Vec<u8>,
}

impl ScopeSplitter {
    fn new(columns: Vec<Column>) -> Self {
        Self {
            last: vec![(usize::MAX, 0); columns.len()],
            columns,
            column_of: Vec::new(),
            in_map: Vec::new(),
            unknown_in_map: false,
            rows: 0,
            places: Vec::new(),
            shape: ShapeWriter::default(),
            scratch: Vec::new(),
        }
    }

    fn learn(&mut self, names: &[Box<str>]) {
        for name in names.iter().skip(self.column_of.len()) {
            let column = self.columns.iter().position(|column| *column.key == **name);
            self.column_of
                .push(column.map_or(MAP, |at| u16::try_from(at).unwrap_or(MAP)));
        }
        self.in_map.resize(names.len(), false);
    }

    fn split(
        &mut self,
        map: &MapArray,
        types: &StringArray,
        names: &[Box<str>],
        runs: &MapRuns,
    ) -> Result<ScopeParts> {
        self.learn(names);
        let keys = map.keys().as_string::<i32>();
        let values = map.values().as_string::<i32>();
        let offsets = map.value_offsets();
        let mut out = Builders::new(&self.columns, map.len());
        for run in runs.iter() {
            // What is decided of a row holds for all that have its entries and their types.
            for rows in alike(types, run.rows) {
                let letters = types.value(rows.start);
                self.place(run.keys, letters.as_bytes());
                let from = offsets[rows.start] as usize;
                let value = |at| values.is_valid(from + at).then(|| values.value(from + at));
                for (at, number) in run.keys.iter().enumerate() {
                    let column = self.places[at];
                    let taken = column != MAP
                        && value(at).is_some_and(|value| {
                            let column = &mut out.columns[usize::from(column)];
                            column.take(&rows, value, &mut self.scratch)
                        });
                    if !taken {
                        self.places[at] = MAP;
                        match self.in_map.get_mut(*number as usize) {
                            Some(seen) => *seen = true,
                            None => self.unknown_in_map = true,
                        }
                        out.letters
                            .push_str(letters.get(at..=at).unwrap_or_default());
                    }
                }
                if letters.len() != run.keys.len() {
                    out.types_as_they_are(letters);
                }
                for _ in rows.clone() {
                    for (at, _) in self
                        .places
                        .iter()
                        .enumerate()
                        .filter(|(_, place)| **place == MAP)
                    {
                        out.keys.append_value(keys.value(from + at));
                        out.values.append_option(value(at));
                    }
                    out.end_row();
                }
                out.end_rows(rows.len(), self.shape());
                self.rows += rows.len();
            }
        }
        out.finish(map.len())
    }

    /// The order of the row whose entries went to `places`; `None` if it is the usual one, in
    /// which they ascend, since the map has the largest number.
    fn shape(&mut self) -> Option<&str> {
        if self.places.is_sorted() {
            return None;
        }
        self.shape.clear();
        for place in &self.places {
            match *place {
                MAP => self.shape.map_entry(),
                column => self.shape.column(usize::from(column)),
            }
        }
        Some(self.shape.finish())
    }

    /// Says for each entry of a row which column it may go into.
    fn place(&mut self, numbers: &[u32], letters: &[u8]) {
        self.places.clear();
        // Types that do not fit the entries are given back as they are only from the map.
        if letters.len() != numbers.len() {
            self.places.resize(numbers.len(), MAP);
            return;
        }
        for (at, (number, letter)) in numbers.iter().zip(letters).enumerate() {
            let column = self
                .column_of
                .get(*number as usize)
                .map_or(MAP, |column| *column);
            if column == MAP {
                self.places.push(MAP);
                continue;
            }
            let (row, place) = self.last[usize::from(column)];
            if row == self.rows {
                // A key that a row has twice is in the map, all of it.
                self.places[place] = MAP;
                self.places.push(MAP);
                continue;
            }
            self.last[usize::from(column)] = (self.rows, at);
            let fits = self.columns[usize::from(column)].kind.letter() == *letter;
            self.places.push(if fits { column } else { MAP });
        }
    }

    fn metadata(&self, names: &[Box<str>]) -> ScopeMetadata {
        let in_map = || {
            let seen = names.iter().zip(&self.in_map);
            seen.filter(|(_, seen)| **seen).map(|(name, _)| name)
        };
        let columns = self
            .columns
            .iter()
            .map(|column| ColumnMetadata {
                key: column.key.clone(),
                in_map: self.unknown_in_map || in_map().any(|name| **name == *column.key),
            })
            .collect();
        ScopeMetadata {
            columns,
            map_keys: listed(in_map(), self.unknown_in_map),
        }
    }
}

/// The values of one promoted column.
enum ColumnBuilder {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
}

impl ColumnBuilder {
    fn new(kind: ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Text => Self::Text(StringBuilder::with_capacity(rows, rows * 8)),
            ColumnKind::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnKind::Int => Self::Int(Int64Builder::with_capacity(rows)),
            ColumnKind::Double => Self::Double(Float64Builder::with_capacity(rows)),
        }
    }

    /// Puts a value into all of `rows`, unless it would come back as another text.
    fn take(&mut self, rows: &Range<usize>, value: &str, scratch: &mut Vec<u8>) -> bool {
        match self {
            Self::Text(builder) if value.len() <= MAX_VALUE_BYTES => {
                builder.append_nulls(rows.start - builder.len());
                builder.append_value_n(value, rows.len());
            }
            Self::Text(_) => return false,
            Self::Bool(builder) => match parse_bool(value) {
                Some(value) => {
                    builder.append_nulls(rows.start - builder.len());
                    builder.append_n(rows.len(), value);
                }
                None => return false,
            },
            Self::Int(builder) => match parse_int(value) {
                Some(value) => {
                    builder.append_nulls(rows.start - builder.len());
                    builder.append_value_n(value, rows.len());
                }
                None => return false,
            },
            Self::Double(builder) => match parse_double(value, scratch) {
                Some(value) => {
                    builder.append_nulls(rows.start - builder.len());
                    builder.append_value_n(value, rows.len());
                }
                None => return false,
            },
        }
        true
    }

    fn finish(self, rows: usize) -> ArrayRef {
        match self {
            Self::Text(mut builder) => {
                builder.append_nulls(rows - builder.len());
                Arc::new(builder.finish())
            }
            Self::Bool(mut builder) => {
                builder.append_nulls(rows - builder.len());
                Arc::new(builder.finish())
            }
            Self::Int(mut builder) => {
                builder.append_nulls(rows - builder.len());
                Arc::new(builder.finish())
            }
            Self::Double(mut builder) => {
                builder.append_nulls(rows - builder.len());
                Arc::new(builder.finish())
            }
        }
    }
}

/// The columns of a scope while a batch is split.
struct Builders {
    columns: Vec<ColumnBuilder>,
    keys: StringBuilder,
    values: StringBuilder,
    offsets: Vec<i32>,
    types: StringBuilder,
    letters: String,
    shapes: StringBuilder,
}

impl Builders {
    fn new(columns: &[Column], rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            columns: columns
                .iter()
                .map(|column| ColumnBuilder::new(column.kind, rows))
                .collect(),
            keys: StringBuilder::new(),
            values: StringBuilder::new(),
            offsets,
            types: StringBuilder::with_capacity(rows, rows),
            letters: String::new(),
            shapes: StringBuilder::with_capacity(rows, 0),
        }
    }

    /// Types that are not one for each entry.
    fn types_as_they_are(&mut self, letters: &str) {
        self.letters.clear();
        self.letters.push_str(letters);
    }

    fn end_row(&mut self) {
        // The builder of the keys would have overflowed before.
        self.offsets
            .push(i32::try_from(self.keys.len()).unwrap_or(i32::MAX));
    }

    /// Ends rows whose entries have the same types and order.
    fn end_rows(&mut self, rows: usize, shape: Option<&str>) {
        self.types.append_value_n(&self.letters, rows);
        self.letters.clear();
        match shape {
            Some(shape) => self.shapes.append_value_n(shape, rows),
            None => self.shapes.append_nulls(rows),
        }
    }

    fn finish(mut self, rows: usize) -> Result<ScopeParts> {
        let map = map_column(self.keys.finish(), self.values.finish(), self.offsets)?;
        Ok(ScopeParts {
            map,
            types: Arc::new(self.types.finish()),
            shapes: Arc::new(self.shapes.finish()),
            promoted: self
                .columns
                .into_iter()
                .map(|column| column.finish(rows))
                .collect(),
        })
    }
}

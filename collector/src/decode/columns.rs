//! Growing Arrow columns that take bytes from the wire without an allocation per value.
//!
//! Arrow's own builders want a `&str` at once; these let a value be written in pieces, copy whole
//! encoded maps from row to row, and can take back what was written last.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, ListArray, MapArray, NullBufferBuilder, StringArray,
    StructArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use spoor_storage::model::schema::map_type;

/// Offsets of Arrow's `Utf8` are 32-bit; [`super::meter::MAX_DECODED_BYTES`] keeps every column
/// far below.
fn offset(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Makes `copies` of what is there from `start` on.
fn repeat(out: &mut Vec<u8>, start: usize, copies: usize) {
    let end = start + (out.len() - start) * copies;
    out.truncate(end);
    out.reserve(end - out.len());
    // What is there already is copied: some ten large copies instead of a small one for each.
    while out.len() < end {
        let more = (out.len() - start).min(end - out.len());
        out.extend_from_within(start..start + more);
    }
}

/// Appends the ends of another column's values several times over, as if its bytes (or entries) were.
fn extend_offsets(out: &mut Vec<i32>, offsets: &[i32], copies: usize) {
    let [_, ends @ ..] = offsets else {
        return;
    };
    let length = ends.last().copied().unwrap_or_default();
    let mut shift = out.last().copied().unwrap_or_default();
    out.reserve(ends.len() * copies);
    for _ in 0..copies {
        out.extend(ends.iter().map(|end| end + shift));
        shift += length;
    }
}

/// Without the room that was kept for more: rows wait in memory until they are in a file, and so would the room.
pub(crate) fn fitted<T>(mut values: Vec<T>) -> Vec<T> {
    if values.capacity() - values.len() > values.len() / 8 {
        values.shrink_to_fit();
    }
    values
}

/// A `Utf8` column.
#[derive(Debug)]
pub(crate) struct TextColumn {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl TextColumn {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// How many values are complete.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The bytes of the value `index`.
    pub(crate) fn value(&self, index: usize) -> &[u8] {
        let (Some(start), Some(end)) = (self.offsets.get(index), self.offsets.get(index + 1))
        else {
            return &[];
        };
        let (start, end) = (start.cast_unsigned() as usize, end.cast_unsigned() as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Where the pieces of the next value are written; [`TextColumn::end_value`] completes it.
    /// What is written must be UTF-8.
    #[inline]
    pub(crate) fn open_value(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Completes the value whose pieces have been written.
    #[inline]
    pub(crate) fn end_value(&mut self) {
        self.offsets.push(offset(self.bytes.len()));
        self.nulls.append_non_null();
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.end_value();
    }

    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.offsets.push(offset(self.bytes.len()));
        self.nulls.append_null();
    }

    /// Appends bytes that should be UTF-8; what is not becomes U+FFFD. Returns whether anything
    /// had to be replaced.
    #[inline]
    pub(crate) fn push_lossy(&mut self, raw: &[u8]) -> bool {
        let replaced = extend_lossy(&mut self.bytes, raw);
        self.end_value();
        replaced
    }

    /// As [`TextColumn::push_lossy`], with null for the empty text.
    #[inline]
    pub(crate) fn push_lossy_or_null(&mut self, raw: &[u8]) -> bool {
        if raw.is_empty() {
            self.push_null();
            return false;
        }
        self.push_lossy(raw)
    }

    /// Appends a text several times; as [`TextColumn::push_lossy`] otherwise.
    pub(crate) fn push_lossy_copies(&mut self, raw: &[u8], copies: usize) {
        let start = self.bytes.len();
        extend_lossy(&mut self.bytes, raw);
        let length = self.bytes.len() - start;
        repeat(&mut self.bytes, start, copies);
        let ends = (1..=copies).map(|copy| offset(start + copy * length));
        self.offsets.extend(ends);
        self.nulls.append_n_non_nulls(copies);
    }

    /// The same with null for the empty text.
    pub(crate) fn push_lossy_or_null_copies(&mut self, raw: &[u8], copies: usize) {
        if raw.is_empty() {
            let end = offset(self.bytes.len());
            self.offsets.extend(std::iter::repeat_n(end, copies));
            self.nulls.append_n_nulls(copies);
        } else {
            self.push_lossy_copies(raw, copies);
        }
    }

    /// Appends all values of another column, several times over.
    fn extend_copies(&mut self, other: &Self, copies: usize) {
        extend_offsets(&mut self.offsets, &other.offsets, copies);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        repeat(&mut self.bytes, start, copies);
        if other.nulls.as_slice().is_none() {
            self.nulls.append_n_non_nulls(other.len() * copies);
            return;
        }
        for _ in 0..copies {
            for index in 0..other.len() {
                self.nulls.append(other.nulls.is_valid(index));
            }
        }
    }

    /// Keeps the first `len` values.
    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        let end = self.offsets.last().copied().unwrap_or_default();
        self.bytes.truncate(end.cast_unsigned() as usize);
        self.nulls.truncate(len);
    }

    fn clear(&mut self) {
        self.truncate(0);
    }

    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(fitted(self.offsets)));
        let values = Buffer::from_vec(fitted(self.bytes));
        Ok(Arc::new(StringArray::try_new(
            offsets,
            values,
            self.nulls.finish(),
        )?))
    }
}

/// Appends `raw` as UTF-8, with U+FFFD for what is not. Returns whether anything was replaced.
#[inline]
pub(crate) fn extend_lossy(out: &mut Vec<u8>, raw: &[u8]) -> bool {
    if std::str::from_utf8(raw).is_ok() {
        out.extend_from_slice(raw);
        return false;
    }
    out.extend_from_slice(String::from_utf8_lossy(raw).as_bytes());
    true
}

/// A `Map<Utf8, Utf8?>` column of attributes, and beside it the column with a type letter an entry.
#[derive(Debug)]
pub(crate) struct MapColumn {
    pub(crate) keys: TextColumn,
    pub(crate) values: TextColumn,
    types: TextColumn,
    offsets: Vec<i32>,
}

impl MapColumn {
    pub(crate) fn new() -> Self {
        Self {
            keys: TextColumn::new(),
            values: TextColumn::new(),
            types: TextColumn::new(),
            offsets: vec![0],
        }
    }

    /// Records the type of the entry whose key and value have just been pushed.
    #[inline]
    pub(crate) fn end_entry(&mut self, letter: u8) {
        self.types.bytes.push(letter);
    }

    /// Completes the row.
    #[inline]
    pub(crate) fn end_row(&mut self) {
        self.offsets.push(offset(self.keys.len()));
        self.types.end_value();
    }

    /// Entries so far, of all rows.
    pub(crate) fn entries(&self) -> usize {
        self.keys.len()
    }

    /// Takes back all entries after the first `entries`; they must belong to the open row.
    pub(crate) fn truncate_entries(&mut self, entries: usize) {
        self.keys.truncate(entries);
        self.values.truncate(self.values.len().min(entries));
        // One letter an entry, over all rows.
        self.types.bytes.truncate(entries);
    }

    /// Appends the rows of another map several times over, in practice the one row of a resource or scope.
    pub(crate) fn extend_copies(&mut self, other: &Self, copies: usize) {
        extend_offsets(&mut self.offsets, &other.offsets, copies);
        self.keys.extend_copies(&other.keys, copies);
        self.values.extend_copies(&other.values, copies);
        self.types.extend_copies(&other.types, copies);
    }

    /// Bytes that one more copy of this map costs.
    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.bytes.len() + self.values.bytes.len() + 9 * self.entries() + 8
    }

    /// Empties it for reuse.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.types.bytes.clear();
        self.types.clear();
        self.offsets.truncate(1);
    }

    /// The text of the first non-null entry with this key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&[u8]> {
        (0..self.entries())
            .find(|&index| self.keys.value(index) == key && self.values.nulls.is_valid(index))
            .map(|index| self.values.value(index))
    }

    /// The map array and the types array.
    pub(crate) fn finish(self) -> Result<(ArrayRef, ArrayRef), ArrowError> {
        let DataType::Map(entries_field, sorted) = map_type() else {
            return Err(ArrowError::SchemaError(
                "the map type is not a map".to_owned(),
            ));
        };
        let DataType::Struct(fields) = entries_field.data_type() else {
            return Err(ArrowError::SchemaError(
                "map entries are not a struct".to_owned(),
            ));
        };
        let columns = vec![self.keys.finish()?, self.values.finish()?];
        let entries = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(fitted(self.offsets)));
        let map = MapArray::try_new(entries_field, offsets, entries, None, sorted)?;
        Ok((Arc::new(map), self.types.finish()?))
    }
}

/// A `FixedSizeBinary` column of ids.
#[derive(Debug)]
pub(crate) struct IdColumn<const N: usize> {
    bytes: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl<const N: usize> IdColumn<N> {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, id: [u8; N]) {
        self.bytes.extend_from_slice(&id);
        self.nulls.append_non_null();
    }

    #[inline]
    pub(crate) fn push_option(&mut self, id: Option<[u8; N]>) {
        self.bytes.extend_from_slice(&id.unwrap_or([0; N]));
        self.nulls.append(id.is_some());
    }

    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let values = Buffer::from_vec(fitted(self.bytes));
        let array = FixedSizeBinaryArray::try_new(offset(N), values, self.nulls.finish())?;
        Ok(Arc::new(array))
    }
}

/// The `list<struct>` of what was pushed to `columns` since the list was begun.
pub(crate) fn finish_list(
    list_type: &DataType,
    offsets: Vec<i32>,
    columns: Vec<ArrayRef>,
) -> Result<ArrayRef, ArrowError> {
    let DataType::List(item) = list_type else {
        return Err(ArrowError::SchemaError(format!(
            "`{list_type}` is not a list"
        )));
    };
    let DataType::Struct(fields) = item.data_type() else {
        return Err(ArrowError::SchemaError(
            "list items are not structs".to_owned(),
        ));
    };
    let items = StructArray::try_new(fields.clone(), columns, None)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let list = ListArray::try_new(FieldRef::clone(item), offsets, Arc::new(items), None)?;
    Ok(Arc::new(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    fn entry(map: &mut MapColumn, key: &str, value: Option<&str>) {
        map.keys.push(key);
        match value {
            Some(text) => map.values.push(text),
            None => map.values.push_null(),
        }
        map.end_entry(if value.is_some() { b's' } else { b'n' });
    }

    #[test]
    fn copied_rows_equal_written_ones() {
        let mut resource = MapColumn::new();
        entry(&mut resource, "a", Some("1"));
        entry(&mut resource, "b", None);
        resource.end_row();
        let mut column = MapColumn::new();
        entry(&mut column, "x", Some("y"));
        column.end_row();
        column.extend_copies(&resource, 0);
        column.extend_copies(&resource, 1);
        column.extend_copies(&resource, 4);
        let (map, types) = column.finish().unwrap();
        let map = map.as_map();
        assert_eq!(map.value_offsets(), [0, 1, 3, 5, 7, 9, 11]);
        let types: Vec<_> = types.as_string::<i32>().iter().flatten().collect();
        assert_eq!(types, ["s", "sn", "sn", "sn", "sn", "sn"]);
        let keys: Vec<_> = map.keys().as_string::<i32>().iter().flatten().collect();
        assert_eq!(
            keys,
            ["x", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b"]
        );
        let values: Vec<_> = map.values().as_string::<i32>().iter().collect();
        assert_eq!(values[..3], [Some("y"), Some("1"), None]);
        assert_eq!(values[9..], [Some("1"), None]);
    }

    #[test]
    fn texts_come_several_times() {
        let mut column = TextColumn::new();
        column.push("first");
        column.push_lossy_copies(b"ab", 5);
        column.push_lossy_or_null_copies(b"", 2);
        column.push_lossy_or_null_copies(b"c", 1);
        column.push_lossy_copies(b"", 1);
        column.push_lossy_copies(b"never", 0);
        let array = column.finish().unwrap();
        let texts: Vec<_> = array.as_string::<i32>().iter().collect();
        let ab = Some("ab");
        let expected = [
            Some("first"),
            ab,
            ab,
            ab,
            ab,
            ab,
            None,
            None,
            Some("c"),
            Some(""),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn what_is_kept_has_little_room_for_more() {
        let mut values = Vec::with_capacity(100);
        values.extend(0..60);
        assert!(fitted(values).capacity() < 70);
    }

    #[test]
    fn entries_can_be_taken_back() {
        let mut column = MapColumn::new();
        entry(&mut column, "a", Some("1"));
        let before = column.entries();
        entry(&mut column, "b", None);
        column.keys.push("half");
        column.truncate_entries(before);
        entry(&mut column, "c", Some("3"));
        column.end_row();
        let (map, types) = column.finish().unwrap();
        let keys: Vec<_> = map
            .as_map()
            .keys()
            .as_string::<i32>()
            .iter()
            .flatten()
            .collect();
        assert_eq!(keys, ["a", "c"]);
        assert_eq!(types.as_string::<i32>().value(0), "ss");
        assert!(map.as_map().values().is_valid(1));
    }

    #[test]
    fn a_cleared_map_starts_again() {
        let mut column = MapColumn::new();
        entry(&mut column, "a", None);
        column.end_row();
        column.clear();
        entry(&mut column, "b", Some("2"));
        column.end_row();
        assert_eq!(column.find(b"b"), Some(&b"2"[..]));
        assert_eq!(column.find(b"a"), None);
        let (map, types) = column.finish().unwrap();
        assert_eq!(map.len(), 1);
        assert_eq!(types.as_string::<i32>().value(0), "s");
    }

    #[test]
    fn text_that_is_not_utf8_is_replaced_and_said() {
        let mut column = TextColumn::new();
        assert!(!column.push_lossy("ü".as_bytes()));
        assert!(column.push_lossy(b"a\xffb"));
        assert!(!column.push_lossy_or_null(b""));
        let array = column.finish().unwrap();
        let texts: Vec<_> = array.as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("ü"), Some("a\u{fffd}b"), None]);
    }
}

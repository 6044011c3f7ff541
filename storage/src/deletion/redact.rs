//! Replaces values of chosen rows: attributes by key, bodies, names.
//!
//! A field is `body`, `name`, `status_message`, `event_name`, an attribute of one scope
//! (`attributes.<key>`, `resource.<key>`, `scope.<key>`, `body.<key>`), or a bare key, which means
//! every scope, events and links included: who wants an e-mail address gone wants it gone
//! everywhere. A body one of whose fields is replaced is replaced as a whole, since its text holds
//! the value too. The replacement is a string, whatever type the value had.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::model::{Table, ValueType};
use crate::statistics::MAPS;

/// Fixed columns whose text can be replaced.
const TEXTS: [&str; 4] = ["body", "name", "status_message", "event_name"];
/// The lists whose entries have attributes.
const LISTS: [&str; 2] = ["events", "links"];
/// Replacements longer than this are a mistake.
const MAX_REPLACEMENT_BYTES: usize = 1024;

/// Which values are replaced, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    fields: Vec<String>,
    replacement: String,
}

impl Redaction {
    /// Replaces the values of `fields`. Errors if one of them cannot be a field of `table`.
    pub fn new(table: Table, fields: Vec<String>, replacement: String) -> Result<Self> {
        if fields.is_empty() {
            return Err(Error::invalid("`fields` names nothing to redact")
                .with_hint("send the keys of attributes, or `body`"));
        }
        if replacement.len() > MAX_REPLACEMENT_BYTES {
            return Err(Error::invalid(format!(
                "`replacement` is longer than {MAX_REPLACEMENT_BYTES} bytes"
            )));
        }
        let schema = crate::model::schema_of(table);
        for field in &fields {
            let is_column = schema.column_with_name(field).is_some();
            if field.is_empty() || is_column && !TEXTS.contains(&field.as_str()) {
                return Err(Error::invalid(format!("`{field}` cannot be redacted")).with_hint(
                    "`body`, `name`, `status_message`, `event_name` and attributes by key can; delete the records instead",
                ));
            }
        }
        Ok(Self {
            fields,
            replacement,
        })
    }

    /// The fields, as they were asked for.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// `batch` with the values of the rows for which `chosen` says so replaced.
    pub(crate) fn apply(
        &self,
        batch: &RecordBatch,
        chosen: &dyn Fn(usize) -> bool,
    ) -> Result<RecordBatch> {
        let schema = batch.schema();
        let mut columns = batch.columns().to_vec();
        let mut bodies = vec![self.names("body"); batch.num_rows()];
        for (map, types, prefix) in MAPS {
            let (Some((at, _)), Some((types_at, _))) =
                (schema.column_with_name(map), schema.column_with_name(types))
            else {
                continue;
            };
            let is_body = prefix == "body.";
            let all = is_body && self.names("body");
            let hits = |key: &str| all || self.names(key) || self.names_in(prefix, key);
            let new = self.maps(
                columns[at].as_map(),
                columns[types_at].as_string(),
                chosen,
                &hits,
            )?;
            if is_body {
                for (body, hit) in bodies.iter_mut().zip(&new.hit) {
                    *body |= hit;
                }
            }
            columns[at] = Arc::new(new.map);
            columns[types_at] = Arc::new(new.types);
        }
        for list in LISTS {
            if let Some((at, _)) = schema.column_with_name(list) {
                columns[at] = self.list(columns[at].as_list(), chosen)?;
            }
        }
        for name in TEXTS {
            let Some((at, _)) = schema.column_with_name(name) else {
                continue;
            };
            let hit = |row: usize| match name {
                "body" => bodies[row],
                other => self.names(other),
            };
            columns[at] = self.texts(columns[at].as_string(), &|row| chosen(row) && hit(row));
        }
        if let Some((at, _)) = schema.column_with_name("body_type") {
            let letter = ValueType::String.letter().to_string();
            let old: &StringArray = columns[at].as_string();
            let has_body = batch.column_by_name("body").map(Arc::clone);
            let new = StringArray::from_iter_values(old.iter().enumerate().map(|(row, kind)| {
                let replaced = chosen(row)
                    && bodies[row]
                    && has_body.as_ref().is_some_and(|body| body.is_valid(row));
                if replaced {
                    letter.as_str()
                } else {
                    kind.unwrap_or_default()
                }
            }));
            columns[at] = Arc::new(new);
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|name| name == field)
    }

    fn names_in(&self, prefix: &str, key: &str) -> bool {
        self.fields
            .iter()
            .any(|name| name.strip_prefix(prefix) == Some(key))
    }

    /// The text of chosen rows that have one.
    fn texts(&self, old: &StringArray, chosen: &dyn Fn(usize) -> bool) -> ArrayRef {
        let new: StringArray = old
            .iter()
            .enumerate()
            .map(|(row, text)| text.map(|text| if chosen(row) { &self.replacement } else { text }))
            .collect();
        Arc::new(new)
    }

    fn maps(
        &self,
        map: &MapArray,
        types: &StringArray,
        chosen: &dyn Fn(usize) -> bool,
        hits: &dyn Fn(&str) -> bool,
    ) -> Result<NewMap> {
        let keys: &StringArray = map.keys().as_string();
        let old: &StringArray = map.values().as_string();
        let offsets = map.value_offsets();
        let mut values = StringBuilder::with_capacity(old.len(), old.values().len());
        let mut letters = StringBuilder::with_capacity(types.len(), types.values().len());
        let mut hit = vec![false; map.len()];
        // A sliced map has entries before its first row.
        let first = offsets.first().map_or(0, |offset| *offset as usize);
        for entry in 0..first {
            values.append_option(old.is_valid(entry).then(|| old.value(entry)));
        }
        for row in 0..map.len() {
            let mut kinds = types.value(row).to_owned().into_bytes();
            let entries = offsets[row] as usize..offsets[row + 1] as usize;
            for (place, entry) in entries.enumerate() {
                if chosen(row) && hits(keys.value(entry)) {
                    hit[row] = true;
                    values.append_value(&self.replacement);
                    if let Some(kind) = kinds.get_mut(place) {
                        *kind = ValueType::String.letter() as u8;
                    }
                } else {
                    values.append_option(old.is_valid(entry).then(|| old.value(entry)));
                }
            }
            letters.append_value(String::from_utf8_lossy(&kinds));
        }
        for entry in offsets[map.len()] as usize..old.len() {
            values.append_option(old.is_valid(entry).then(|| old.value(entry)));
        }
        let DataType::Map(entries_field, sorted) = map.data_type() else {
            return Err(Error::internal("a map column is no map"));
        };
        let DataType::Struct(fields) = entries_field.data_type() else {
            return Err(Error::internal("a map column has no entries"));
        };
        let entries = StructArray::try_new(
            fields.clone(),
            vec![Arc::clone(map.keys()), Arc::new(values.finish())],
            None,
        )?;
        let map = MapArray::try_new(
            Arc::clone(entries_field),
            map.offsets().clone(),
            entries,
            map.nulls().cloned(),
            *sorted,
        )?;
        Ok(NewMap {
            map,
            types: letters.finish(),
            hit,
        })
    }

    /// Attributes of events or links; only bare keys reach them.
    fn list(&self, list: &ListArray, chosen: &dyn Fn(usize) -> bool) -> Result<ArrayRef> {
        let items = list.values().as_struct();
        let mut item_chosen = vec![false; items.len()];
        for row in (0..list.len()).filter(|row| chosen(*row)) {
            let offsets = list.value_offsets();
            item_chosen[offsets[row] as usize..offsets[row + 1] as usize].fill(true);
        }
        let column = |name: &str| items.column_by_name(name);
        let (Some(map), Some(types)) = (column("attributes"), column("attribute_types")) else {
            return Err(Error::internal("a list of spans has no attributes"));
        };
        let new = self.maps(
            map.as_map(),
            types.as_string(),
            &|item| item_chosen[item],
            &|key| self.names(key),
        )?;
        let (map, types): (ArrayRef, ArrayRef) = (Arc::new(new.map), Arc::new(new.types));
        let columns = items
            .fields()
            .iter()
            .zip(items.columns())
            .map(|(field, old)| match field.name().as_str() {
                "attributes" => Arc::clone(&map),
                "attribute_types" => Arc::clone(&types),
                _ => Arc::clone(old),
            })
            .collect();
        let items = StructArray::try_new(items.fields().clone(), columns, items.nulls().cloned())?;
        let field: Arc<Field> = match list.data_type() {
            DataType::List(field) => Arc::clone(field),
            _ => return Err(Error::internal("a list column is no list")),
        };
        Ok(Arc::new(ListArray::try_new(
            field,
            list.offsets().clone(),
            Arc::new(items),
            list.nulls().cloned(),
        )?))
    }
}

/// A map column with its values replaced.
struct NewMap {
    map: MapArray,
    types: StringArray,
    /// Rows in which something was replaced.
    hit: Vec<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rows::{LogRow, logs};

    fn rows() -> RecordBatch {
        let row = |body: &str, email: &str| LogRow {
            body: body.to_owned(),
            attributes: vec![
                ("user.email".to_owned(), email.to_owned()),
                ("n".to_owned(), "1".to_owned()),
            ],
            ..LogRow::at(5)
        };
        logs(&[row("one", "a@b"), row("two", "c@d"), row("three", "e@f")])
    }

    fn values(batch: &RecordBatch) -> Vec<String> {
        let map = batch.column_by_name("attributes").unwrap().as_map();
        let values: &StringArray = map.values().as_string();
        let offsets = map.value_offsets();
        (offsets[0]..offsets[map.len()])
            .map(|entry| values.value(entry as usize).to_owned())
            .collect()
    }

    fn redaction(field: &str) -> Redaction {
        Redaction::new(Table::Logs, vec![field.to_owned()], "x".to_owned()).unwrap()
    }

    #[test]
    fn only_the_chosen_rows_and_keys_change() {
        for field in ["user.email", "attributes.user.email"] {
            let new = redaction(field).apply(&rows(), &|row| row == 1).unwrap();
            assert_eq!(values(&new), ["a@b", "1", "x", "1", "e@f", "1"], "{field}");
        }
        let new = redaction("resource.user.email")
            .apply(&rows(), &|_| true)
            .unwrap();
        assert_eq!(new, rows());
    }

    #[test]
    fn a_slice_changes_its_own_rows() {
        let slice = rows().slice(1, 2);
        let new = redaction("user.email")
            .apply(&slice, &|row| row == 1)
            .unwrap();
        assert_eq!(values(&new), ["c@d", "1", "x", "1"]);
    }

    #[test]
    fn bodies_become_strings() {
        let new = redaction("body").apply(&rows(), &|row| row == 2).unwrap();
        let bodies: &StringArray = new.column_by_name("body").unwrap().as_string();
        let kinds: &StringArray = new.column_by_name("body_type").unwrap().as_string();
        assert_eq!(
            bodies.iter().flatten().collect::<Vec<_>>(),
            ["one", "two", "x"]
        );
        assert_eq!(kinds.value(2), "s");
    }

    #[test]
    fn identity_and_time_cannot_be_redacted() {
        for field in ["trace_id", "time", "record_id", "service_name", ""] {
            let outcome = Redaction::new(Table::Logs, vec![field.to_owned()], "x".to_owned());
            assert!(outcome.is_err(), "{field}");
        }
    }
}

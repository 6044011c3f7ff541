//! Attributes from the wire into map columns, and what is shared by all rows of a resource or scope.

use super::any_value::{JsonStyle, KeyValue, Notes, push_value};
use super::columns::MapColumn;
use super::wire::{Reader, WireError};

type Result<T> = std::result::Result<T, WireError>;

/// Pushes one `KeyValue` message as an entry of the open row.
#[inline]
pub(crate) fn push_attribute(
    map: &mut MapColumn,
    message: Reader<'_>,
    notes: &mut Notes,
) -> Result<()> {
    let entry = KeyValue::read(message)?;
    notes.invalid_utf8 |= map.keys.push_lossy(entry.key);
    let letter = push_value(&mut map.values, entry.value, JsonStyle::Otlp, 1, notes)?;
    map.end_entry(letter);
    Ok(())
}

fn with_texts(mut notes: Notes, texts: &[&[u8]]) -> Notes {
    notes.invalid_utf8 |= texts.iter().any(|text| std::str::from_utf8(text).is_err());
    notes
}

/// A resource, encoded once and copied to each of its rows.
#[derive(Debug)]
pub(crate) struct Resource<'a> {
    pub(crate) attributes: MapColumn,
    pub(crate) service_name: Vec<u8>,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) schema_url: &'a [u8],
    pub(crate) notes: Notes,
}

/// What a resource without `service.name` is called.
const UNKNOWN_SERVICE: &[u8] = b"unknown_service";

impl<'a> Resource<'a> {
    pub(crate) fn new() -> Self {
        Self {
            attributes: MapColumn::new(),
            service_name: Vec::new(),
            dropped_attributes_count: 0,
            schema_url: &[],
            notes: Notes::default(),
        }
    }

    /// Reads the resource of a `ResourceSpans` or `ResourceLogs` message, wherever in it it lies.
    pub(crate) fn read(&mut self, mut holder: Reader<'a>) -> Result<()> {
        self.attributes.clear();
        self.dropped_attributes_count = 0;
        self.schema_url = &[];
        self.notes = Notes::default();
        while let Some(field) = holder.next()? {
            match field.number {
                1 => self.read_message(field.message()?)?,
                3 => self.schema_url = field.bytes()?,
                _ => {}
            }
        }
        self.attributes.end_row();
        self.service_name.clear();
        let name = self
            .attributes
            .find(b"service.name")
            .filter(|name| !name.is_empty());
        self.service_name
            .extend_from_slice(name.unwrap_or(UNKNOWN_SERVICE));
        Ok(())
    }

    /// What was noticed in it, its URL included.
    pub(crate) fn all_notes(&self) -> Notes {
        with_texts(self.notes, &[self.schema_url])
    }

    fn read_message(&mut self, mut resource: Reader<'a>) -> Result<()> {
        while let Some(field) = resource.next()? {
            match field.number {
                1 => push_attribute(&mut self.attributes, field.message()?, &mut self.notes)?,
                2 => self.dropped_attributes_count = field.uint32()?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// An instrumentation scope, encoded once and copied to each of its rows.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) version: &'a [u8],
    pub(crate) attributes: MapColumn,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) schema_url: &'a [u8],
    pub(crate) notes: Notes,
}

impl<'a> Scope<'a> {
    pub(crate) fn new() -> Self {
        Self {
            name: &[],
            version: &[],
            attributes: MapColumn::new(),
            dropped_attributes_count: 0,
            schema_url: &[],
            notes: Notes::default(),
        }
    }

    /// Reads the scope of a `ScopeSpans` or `ScopeLogs` message, wherever in it it lies.
    pub(crate) fn read(&mut self, mut holder: Reader<'a>) -> Result<()> {
        self.attributes.clear();
        self.name = &[];
        self.version = &[];
        self.dropped_attributes_count = 0;
        self.schema_url = &[];
        self.notes = Notes::default();
        while let Some(field) = holder.next()? {
            match field.number {
                1 => self.read_message(field.message()?)?,
                3 => self.schema_url = field.bytes()?,
                _ => {}
            }
        }
        self.attributes.end_row();
        Ok(())
    }

    fn read_message(&mut self, mut scope: Reader<'a>) -> Result<()> {
        while let Some(field) = scope.next()? {
            match field.number {
                1 => self.name = field.bytes()?,
                2 => self.version = field.bytes()?,
                3 => push_attribute(&mut self.attributes, field.message()?, &mut self.notes)?,
                4 => self.dropped_attributes_count = field.uint32()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What was noticed in it, its texts included.
    pub(crate) fn all_notes(&self) -> Notes {
        with_texts(self.notes, &[self.name, self.version, self.schema_url])
    }

    /// Bytes that its name, version and URL cost a row.
    pub(crate) fn text_bytes(&self) -> usize {
        self.name.len() + self.version.len() + self.schema_url.len()
    }
}

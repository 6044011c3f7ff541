//! The lists inside a span: its events and its links.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::attributes::push_attribute;
use super::columns::{IdColumn, MapColumn, TextColumn, finish_list};
use super::outcome::Adjustment;
use super::row::Row;
use super::tail::{counts, push_map, time_array};
use super::wire::{Reader, WireError};

/// Bytes of an event's numbers and offsets, roughly.
pub(crate) const EVENT_BYTES: usize = 32;
/// Bytes of a link's ids, numbers and offsets, roughly.
pub(crate) const LINK_BYTES: usize = 64;

/// Stands for an event time that does not fit, until the span's start is known.
const TIME_TO_REPLACE: i64 = i64::MIN;

/// The column `events` while it grows.
#[derive(Debug)]
pub(crate) struct Events {
    offsets: Vec<i32>,
    time: Vec<i64>,
    name: TextColumn,
    attributes: MapColumn,
    dropped_attributes_count: Vec<u32>,
    any_to_replace: bool,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            offsets: vec![0],
            time: Vec::new(),
            name: TextColumn::new(),
            attributes: MapColumn::new(),
            dropped_attributes_count: Vec::new(),
            any_to_replace: false,
        }
    }

    pub(crate) fn push(&mut self, mut event: Reader<'_>, row: &mut Row) -> Result<(), WireError> {
        let (mut time, mut name, mut dropped) = (0, &[][..], 0);
        while let Some(field) = event.next()? {
            match field.number {
                1 => time = field.fixed64()?,
                2 => name = field.bytes()?,
                3 => push_attribute(&mut self.attributes, field.message()?, &mut row.notes)?,
                4 => dropped = field.uint32()?,
                _ => {}
            }
        }
        self.attributes.end_row();
        let time = i64::try_from(time).unwrap_or(TIME_TO_REPLACE);
        if time == TIME_TO_REPLACE {
            self.any_to_replace = true;
            row.outcome.adjustments.add(Adjustment::EventTimeOutOfRange);
        }
        self.time.push(time);
        row.notes.invalid_utf8 |= self.name.push_lossy(name);
        self.dropped_attributes_count.push(dropped);
        Ok(())
    }

    pub(crate) fn end_row(&mut self, span_start_ns: i64) {
        if std::mem::take(&mut self.any_to_replace) {
            let first = self
                .offsets
                .last()
                .copied()
                .unwrap_or_default()
                .cast_unsigned() as usize;
            for time in self.time.iter_mut().skip(first) {
                if *time == TIME_TO_REPLACE {
                    *time = span_start_ns;
                }
            }
        }
        self.offsets.push(list_end(self.time.len()));
    }

    pub(crate) fn finish(self, list_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let mut columns = vec![time_array(self.time), self.name.finish()?];
        push_map(&mut columns, self.attributes)?;
        columns.push(counts(self.dropped_attributes_count));
        finish_list(list_type, self.offsets, columns)
    }
}

/// The column `links` while it grows.
#[derive(Debug)]
pub(crate) struct Links {
    offsets: Vec<i32>,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    trace_state: TextColumn,
    flags: Vec<u32>,
    attributes: MapColumn,
    dropped_attributes_count: Vec<u32>,
}

impl Links {
    pub(crate) fn new() -> Self {
        Self {
            offsets: vec![0],
            trace_id: IdColumn::new(),
            span_id: IdColumn::new(),
            trace_state: TextColumn::new(),
            flags: Vec::new(),
            attributes: MapColumn::new(),
            dropped_attributes_count: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, mut link: Reader<'_>, row: &mut Row) -> Result<(), WireError> {
        let (mut trace_id, mut span_id, mut trace_state) = (&[][..], &[][..], &[][..]);
        let (mut flags, mut dropped) = (0, 0);
        while let Some(field) = link.next()? {
            match field.number {
                1 => trace_id = field.bytes()?,
                2 => span_id = field.bytes()?,
                3 => trace_state = field.bytes()?,
                4 => push_attribute(&mut self.attributes, field.message()?, &mut row.notes)?,
                5 => dropped = field.uint32()?,
                6 => flags = field.fixed32()?,
                _ => {}
            }
        }
        self.attributes.end_row();
        let (trace, span) = (<[u8; 16]>::try_from(trace_id), <[u8; 8]>::try_from(span_id));
        let wrong = trace.is_err() || span.is_err();
        row.outcome
            .adjustments
            .add_if(wrong, Adjustment::InvalidLinkId);
        self.trace_id.push(trace.unwrap_or_default());
        self.span_id.push(span.unwrap_or_default());
        row.notes.invalid_utf8 |= self.trace_state.push_lossy_or_null(trace_state);
        self.flags.push(flags);
        self.dropped_attributes_count.push(dropped);
        Ok(())
    }

    pub(crate) fn end_row(&mut self) {
        self.offsets.push(list_end(self.flags.len()));
    }

    pub(crate) fn finish(self, list_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let mut columns = vec![
            self.trace_id.finish()?,
            self.span_id.finish()?,
            self.trace_state.finish()?,
            counts(self.flags),
        ];
        push_map(&mut columns, self.attributes)?;
        columns.push(counts(self.dropped_attributes_count));
        finish_list(list_type, self.offsets, columns)
    }
}

/// The meter keeps the number of events and links far below 31 bits.
fn list_end(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

//! `ExportTraceServiceRequest` to rows of `spans`.
//!
//! A span is rejected if its trace or span id is zero, missing or of the wrong length, if its
//! start or end does not fit 63 bits of nanoseconds (the year 2262), or if a value in it lies too
//! deep. Everything else is kept as it is: clocks that are wrong are data too.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::error::ArrowError;
use spoor_storage::model::schema::decoded_schema_of;
use spoor_storage::{SpanId, Table, TraceId};

use super::any_value::Notes;
use super::attributes::push_attribute;
use super::columns::{IdColumn, TextColumn, fitted};
use super::meter::Meter;
use super::outcome::{Adjustment, Rejection};
use super::row::{Row, RowOutcome};
use super::span_lists::{EVENT_BYTES, Events, LINK_BYTES, Links};
use super::tail::{Tail, counts, time_array};
use super::walk::{Failure, Rows, Shared};
use super::wire::{Reader, WireError};

/// The rows of `spans` while they grow.
#[derive(Debug)]
pub(crate) struct SpanRows {
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    parent_span_id: IdColumn<8>,
    trace_state: TextColumn,
    flags: Vec<u32>,
    name: TextColumn,
    kind: TextColumn,
    start_time: Vec<i64>,
    duration_ns: Vec<i64>,
    status_code: TextColumn,
    status_message: TextColumn,
    events: Events,
    links: Links,
    dropped_events_count: Vec<u32>,
    dropped_links_count: Vec<u32>,
    tail: Tail,
}

/// The scalar fields of a span, as sent.
#[derive(Default)]
struct SpanFields<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    trace_state: &'a [u8],
    flags: u32,
    name: &'a [u8],
    kind: i32,
    start_time_unix_nano: u64,
    end_time_unix_nano: u64,
    status_code: i32,
    status_message: &'a [u8],
    dropped_attributes_count: u32,
    dropped_events_count: u32,
    dropped_links_count: u32,
}

impl SpanRows {
    pub(crate) fn new(received_time_ns: i64) -> Self {
        Self {
            trace_id: IdColumn::new(),
            span_id: IdColumn::new(),
            parent_span_id: IdColumn::new(),
            trace_state: TextColumn::new(),
            flags: Vec::new(),
            name: TextColumn::new(),
            kind: TextColumn::new(),
            start_time: Vec::new(),
            duration_ns: Vec::new(),
            status_code: TextColumn::new(),
            status_message: TextColumn::new(),
            events: Events::new(),
            links: Links::new(),
            dropped_events_count: Vec::new(),
            dropped_links_count: Vec::new(),
            tail: Tail::new(received_time_ns),
        }
    }

    /// Reads the fields of a span; attributes, events and links go straight to their columns.
    fn read<'a>(
        &mut self,
        mut span: Reader<'a>,
        meter: &mut Meter<'_>,
        row: &mut Row,
    ) -> Result<SpanFields<'a>, Failure> {
        let mut fields = SpanFields::default();
        while let Some(field) = span.next()? {
            match field.number {
                1 => fields.trace_id = field.bytes()?,
                2 => fields.span_id = field.bytes()?,
                3 => fields.trace_state = field.bytes()?,
                4 => fields.parent_span_id = field.bytes()?,
                5 => fields.name = field.bytes()?,
                6 => fields.kind = field.int32()?,
                7 => fields.start_time_unix_nano = field.fixed64()?,
                8 => fields.end_time_unix_nano = field.fixed64()?,
                9 => {
                    push_attribute(&mut self.tail.attributes, field.message()?, &mut row.notes)?;
                }
                10 => fields.dropped_attributes_count = field.uint32()?,
                11 if row.has_room(meter, EVENT_BYTES)? => {
                    self.events.push(field.message()?, row)?;
                }
                12 => fields.dropped_events_count = field.uint32()?,
                13 if row.has_room(meter, LINK_BYTES)? => self.links.push(field.message()?, row)?,
                14 => fields.dropped_links_count = field.uint32()?,
                15 => read_status(field.message()?, &mut fields)?,
                16 => fields.flags = field.fixed32()?,
                _ => {}
            }
        }
        Ok(fields)
    }

    fn push_ids(&mut self, fields: &SpanFields<'_>, row: &mut Row) {
        let trace_id = TraceId::from_bytes(fields.trace_id);
        let span_id = SpanId::from_bytes(fields.span_id);
        if trace_id.is_none() {
            row.reject(Rejection::InvalidTraceId);
        }
        if span_id.is_none() {
            row.reject(Rejection::InvalidSpanId);
        }
        self.trace_id.push(trace_id.map_or([0; 16], |id| id.0));
        self.span_id.push(span_id.map_or([0; 8], |id| id.0));
        let wrong_parent = !matches!(fields.parent_span_id.len(), 0 | 8);
        row.outcome
            .adjustments
            .add_if(wrong_parent, Adjustment::InvalidParentSpanId);
        self.parent_span_id
            .push_option(SpanId::from_bytes(fields.parent_span_id).map(|id| id.0));
    }

    fn push_times(&mut self, fields: &SpanFields<'_>, row: &mut Row) {
        let start = i64::try_from(fields.start_time_unix_nano);
        let end = i64::try_from(fields.end_time_unix_nano);
        let (Ok(start), Ok(end)) = (start, end) else {
            row.reject(Rejection::TimeOutOfRange);
            self.start_time.push(0);
            self.duration_ns.push(0);
            return;
        };
        self.start_time.push(start);
        self.duration_ns.push(end - start);
    }
}

fn read_status<'a>(mut status: Reader<'a>, fields: &mut SpanFields<'a>) -> Result<(), WireError> {
    while let Some(field) = status.next()? {
        match field.number {
            2 => fields.status_message = field.bytes()?,
            3 => fields.status_code = field.int32()?,
            _ => {}
        }
    }
    Ok(())
}

impl Rows for SpanRows {
    fn push(
        &mut self,
        record: Reader<'_>,
        notes: Notes,
        meter: &mut Meter<'_>,
    ) -> Result<RowOutcome, Failure> {
        let mut row = Row::new(notes);
        let fields = self.read(record, meter, &mut row)?;
        self.push_ids(&fields, &mut row);
        self.push_times(&fields, &mut row);
        let mut replaced = self.trace_state.push_lossy_or_null(fields.trace_state);
        replaced |= self.name.push_lossy(fields.name);
        replaced |= self
            .status_message
            .push_lossy_or_null(fields.status_message);
        row.notes.invalid_utf8 |= replaced;
        self.flags.push(fields.flags);
        push_word(&mut self.kind, kind_word(fields.kind), fields.kind);
        push_word(
            &mut self.status_code,
            status_word(fields.status_code),
            fields.status_code,
        );
        self.events
            .end_row(self.start_time.last().copied().unwrap_or_default());
        self.links.end_row();
        self.dropped_events_count.push(fields.dropped_events_count);
        self.dropped_links_count.push(fields.dropped_links_count);
        self.tail.end_row(fields.dropped_attributes_count);
        Ok(row.finish())
    }

    fn end_scope(&mut self, shared: &Shared<'_>, rows: usize) {
        self.tail.end_scope(shared, rows);
    }

    fn finish(self) -> Result<Vec<ArrayRef>, ArrowError> {
        let schema = decoded_schema_of(Table::Spans);
        let list_type = |name: &str| Ok::<_, ArrowError>(schema.field_with_name(name)?.data_type());
        let mut columns: Vec<ArrayRef> = vec![
            self.trace_id.finish()?,
            self.span_id.finish()?,
            self.parent_span_id.finish()?,
            self.trace_state.finish()?,
            counts(self.flags),
            self.name.finish()?,
            self.kind.finish()?,
            time_array(self.start_time),
            Arc::new(Int64Array::from(fitted(self.duration_ns))),
            self.status_code.finish()?,
            self.status_message.finish()?,
            self.events.finish(list_type("events")?)?,
            self.links.finish(list_type("links")?)?,
            counts(self.dropped_events_count),
            counts(self.dropped_links_count),
        ];
        self.tail.finish(&mut columns)?;
        Ok(columns)
    }
}

/// OTLP's word for a span kind, without its prefix.
fn kind_word(kind: i32) -> Option<&'static str> {
    Some(match kind {
        0 => "UNSPECIFIED",
        1 => "INTERNAL",
        2 => "SERVER",
        3 => "CLIENT",
        4 => "PRODUCER",
        5 => "CONSUMER",
        _ => return None,
    })
}

/// OTLP's word for a status code, without its prefix.
fn status_word(code: i32) -> Option<&'static str> {
    Some(match code {
        0 => "UNSET",
        1 => "OK",
        2 => "ERROR",
        _ => return None,
    })
}

/// The word, or the number of an enum value that OTLP does not have yet.
fn push_word(column: &mut TextColumn, word: Option<&str>, number: i32) {
    match word {
        Some(word) => column.push(word),
        None => column.push(itoa::Buffer::new().format(number)),
    }
}

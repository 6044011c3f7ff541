//! `ExportLogsServiceRequest` to rows of `logs`.
//!
//! No log is rejected for its time: one that does not fit (0, or past the year 2262) is filed
//! under its observed time, else under the time it was received, and the sent number is kept in
//! `original_time_unix_nano`. Ids of the wrong length are left out and counted.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, UInt64Array};
use arrow::error::ArrowError;
use spoor_storage::{SpanId, TraceId};

use super::any_value::{JsonStyle, Notes, as_kvlist, as_string, push_value, set_case};
use super::attributes::push_attribute;
use super::body_fields::{open_json_text, open_kvlist};
use super::columns::{IdColumn, MapColumn, TextColumn, fitted};
use super::meter::Meter;
use super::outcome::Adjustment;
use super::row::{Row, RowOutcome};
use super::tail::{Tail, counts, optional_time_array, push_map, time_array};
use super::walk::{Failure, Rows, Shared};
use super::wire::{Field, Reader, WireError};

/// The rows of `logs` while they grow.
#[derive(Debug)]
pub(crate) struct LogRows {
    open_json_bodies: bool,
    time: Vec<i64>,
    observed_time: Vec<Option<i64>>,
    original_time_unix_nano: Vec<Option<u64>>,
    severity_number: Vec<i32>,
    severity_text: TextColumn,
    body: TextColumn,
    body_type: TextColumn,
    body_fields: MapColumn,
    event_name: TextColumn,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    flags: Vec<u32>,
    tail: Tail,
}

/// The scalar fields of a log record, as sent.
#[derive(Default)]
struct LogFields<'a> {
    time_unix_nano: u64,
    observed_time_unix_nano: u64,
    severity_number: i32,
    severity_text: &'a [u8],
    body: Option<Reader<'a>>,
    event_name: &'a [u8],
    trace_id: &'a [u8],
    span_id: &'a [u8],
    flags: u32,
    dropped_attributes_count: u32,
}

impl LogRows {
    pub(crate) fn new(received_time_ns: i64, open_json_bodies: bool) -> Self {
        Self {
            open_json_bodies,
            time: Vec::new(),
            observed_time: Vec::new(),
            original_time_unix_nano: Vec::new(),
            severity_number: Vec::new(),
            severity_text: TextColumn::new(),
            body: TextColumn::new(),
            body_type: TextColumn::new(),
            body_fields: MapColumn::new(),
            event_name: TextColumn::new(),
            trace_id: IdColumn::new(),
            span_id: IdColumn::new(),
            flags: Vec::new(),
            tail: Tail::new(received_time_ns),
        }
    }

    /// Reads the fields of a record; attributes go straight to their column.
    fn read<'a>(
        &mut self,
        mut record: Reader<'a>,
        row: &mut Row,
    ) -> Result<LogFields<'a>, WireError> {
        let mut fields = LogFields::default();
        while let Some(field) = record.next()? {
            match field.number {
                1 => fields.time_unix_nano = field.fixed64()?,
                2 => fields.severity_number = field.int32()?,
                3 => fields.severity_text = field.bytes()?,
                5 => fields.body = Some(field.message()?),
                6 => {
                    push_attribute(&mut self.tail.attributes, field.message()?, &mut row.notes)?;
                }
                7 => fields.dropped_attributes_count = field.uint32()?,
                8 => fields.flags = field.fixed32()?,
                9 => fields.trace_id = field.bytes()?,
                10 => fields.span_id = field.bytes()?,
                11 => fields.observed_time_unix_nano = field.fixed64()?,
                12 => fields.event_name = field.bytes()?,
                _ => {}
            }
        }
        Ok(fields)
    }

    fn push_times(&mut self, fields: &LogFields<'_>, row: &mut Row) {
        let observed = stated_time(fields.observed_time_unix_nano);
        if observed.is_none() && fields.observed_time_unix_nano != 0 {
            row.outcome
                .adjustments
                .add(Adjustment::ObservedTimeOutOfRange);
        }
        let sent = fields.time_unix_nano;
        let time = stated_time(sent);
        if time.is_none() && sent != 0 {
            row.outcome.adjustments.add(Adjustment::TimeOutOfRange);
        }
        self.original_time_unix_nano
            .push(time.is_none().then_some(sent));
        self.time
            .push(time.or(observed).unwrap_or(self.tail.received_time_ns()));
        self.observed_time.push(observed);
    }

    fn push_ids(&mut self, fields: &LogFields<'_>, row: &mut Row) {
        let adjustments = &mut row.outcome.adjustments;
        let wrong_trace_id = !matches!(fields.trace_id.len(), 0 | 16);
        adjustments.add_if(wrong_trace_id, Adjustment::InvalidTraceId);
        let wrong_span_id = !matches!(fields.span_id.len(), 0 | 8);
        adjustments.add_if(wrong_span_id, Adjustment::InvalidSpanId);
        self.trace_id
            .push_option(TraceId::from_bytes(fields.trace_id).map(|id| id.0));
        self.span_id
            .push_option(SpanId::from_bytes(fields.span_id).map(|id| id.0));
    }

    fn push_body(&mut self, body: Option<Reader<'_>>, row: &mut Row) -> Result<(), WireError> {
        let Some(message) = body else {
            self.body.push_null();
            self.body_type.push("");
            self.body_fields.end_row();
            return Ok(());
        };
        let value = set_case(message)?;
        let letter = push_value(&mut self.body, value, JsonStyle::Plain, 1, &mut row.notes)?;
        self.body_type.open_value().push(letter);
        self.body_type.end_value();
        if let (true, Some(value)) = (self.open_json_bodies, value) {
            self.open_body(&value, row)?;
        }
        self.body_fields.end_row();
        Ok(())
    }

    fn open_body(&mut self, value: &Field<'_>, row: &mut Row) -> Result<(), WireError> {
        if let Some(list) = as_kvlist(value)? {
            open_kvlist(&mut self.body_fields, list, &mut row.notes)?;
        } else if as_string(value)?.is_some() {
            // The column's copy is repaired UTF-8.
            let text = self.body.value(self.body.len() - 1);
            open_json_text(&mut self.body_fields, text);
        }
        Ok(())
    }
}

/// A time that was stated (not 0) and fits a timestamp column.
fn stated_time(unix_nano: u64) -> Option<i64> {
    i64::try_from(unix_nano).ok().filter(|time| *time != 0)
}

impl Rows for LogRows {
    fn push(
        &mut self,
        record: Reader<'_>,
        notes: Notes,
        _meter: &mut Meter<'_>,
    ) -> Result<RowOutcome, Failure> {
        let mut row = Row::new(notes);
        let fields = self.read(record, &mut row)?;
        self.push_times(&fields, &mut row);
        self.push_ids(&fields, &mut row);
        self.push_body(fields.body, &mut row)?;
        self.severity_number.push(fields.severity_number);
        let mut replaced = self.severity_text.push_lossy_or_null(fields.severity_text);
        replaced |= self.event_name.push_lossy_or_null(fields.event_name);
        row.notes.invalid_utf8 |= replaced;
        self.flags.push(fields.flags);
        self.tail.end_row(fields.dropped_attributes_count);
        Ok(row.finish())
    }

    fn end_scope(&mut self, shared: &Shared<'_>, rows: usize) {
        self.tail.end_scope(shared, rows);
    }

    fn finish(self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns: Vec<ArrayRef> = vec![
            time_array(self.time),
            optional_time_array(self.observed_time),
            Arc::new(UInt64Array::from(self.original_time_unix_nano)),
            Arc::new(Int32Array::from(fitted(self.severity_number))),
            self.severity_text.finish()?,
            self.body.finish()?,
            self.body_type.finish()?,
        ];
        push_map(&mut columns, self.body_fields)?;
        columns.push(self.event_name.finish()?);
        columns.push(self.trace_id.finish()?);
        columns.push(self.span_id.finish()?);
        columns.push(counts(self.flags));
        self.tail.finish(&mut columns)?;
        Ok(columns)
    }
}

//! A batch of `spans` opened for reading by row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int64Array, ListArray, MapArray, StringArray,
    StructArray, UInt32Array, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampNanosecondType, UInt32Type};
use arrow::record_batch::RecordBatch;
use spoor_storage::model::schema_of;
use spoor_storage::{Error, Result, Table, ValueType};

/// The columns of one batch of `spans`, with their types checked once.
///
/// Ids may be binary, as stored, or hex text, as queries see them.
#[derive(Debug)]
pub struct SpanColumns {
    pub(super) trace_id: IdColumn<16>,
    pub(super) span_id: IdColumn<8>,
    pub(super) parent_span_id: IdColumn<8>,
    pub(super) trace_state: StringArray,
    pub(super) flags: UInt32Array,
    pub(super) name: StringArray,
    pub(super) kind: StringArray,
    pub(super) start_time: Int64Array,
    pub(super) duration_ns: Int64Array,
    pub(super) status_code: StringArray,
    pub(super) status_message: StringArray,
    pub(super) events: EventColumn,
    pub(super) links: LinkColumn,
    pub(super) dropped_events_count: UInt32Array,
    pub(super) dropped_links_count: UInt32Array,
    pub(super) service_name: StringArray,
    pub(super) dropped_attributes_count: UInt32Array,
    pub(super) attributes: AttributeColumn,
    pub(super) resource_attributes: AttributeColumn,
    pub(super) resource_dropped_attributes_count: UInt32Array,
    pub(super) resource_schema_url: StringArray,
    pub(super) scope_name: StringArray,
    pub(super) scope_version: StringArray,
    pub(super) scope_attributes: AttributeColumn,
    pub(super) scope_dropped_attributes_count: UInt32Array,
    pub(super) scope_schema_url: StringArray,
    pub(super) record_id: Int64Array,
}

/// One attribute as stored: see [`ValueType`] for what the text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its value's text; `None` if it has no value.
    pub text: Option<&'a str>,
    /// Its value's type.
    pub value_type: ValueType,
}

/// The attributes of one row, in the order they were sent.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    column: &'a AttributeColumn,
    start: usize,
    end: usize,
    types: &'a [u8],
}

/// One event of a span.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// When, nanoseconds since the Unix epoch.
    pub time_ns: i64,
    /// What.
    pub name: &'a str,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
}

/// One link of a span.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The other span's trace.
    pub trace_id: [u8; 16],
    /// The other span.
    pub span_id: [u8; 8],
    /// W3C trace state.
    pub trace_state: Option<&'a str>,
    /// W3C trace flags and OTLP's own.
    pub flags: u32,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
}

/// Name and version of the instrumentation scope.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its version.
    pub version: Option<&'a str>,
}

#[derive(Debug)]
pub(super) enum IdColumn<const N: usize> {
    Binary(FixedSizeBinaryArray),
    Text(StringArray),
}

/// A map of attributes and the column of type letters beside it.
#[derive(Debug)]
pub(super) struct AttributeColumn {
    map: MapArray,
    keys: StringArray,
    values: StringArray,
    types: StringArray,
}

#[derive(Debug)]
pub(super) struct EventColumn {
    list: ListArray,
    time: Int64Array,
    name: StringArray,
    attributes: AttributeColumn,
    dropped_attributes_count: UInt32Array,
}

#[derive(Debug)]
pub(super) struct LinkColumn {
    list: ListArray,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    trace_state: StringArray,
    flags: UInt32Array,
    attributes: AttributeColumn,
    dropped_attributes_count: UInt32Array,
}

// === impl SpanColumns ===

impl SpanColumns {
    /// Opens a batch that has all columns of `spans`, in any order. Errors if one is missing or
    /// of a wrong type.
    pub fn open(batch: &RecordBatch) -> Result<Self> {
        Self::open_with(|name| {
            batch
                .column_by_name(name)
                .map(Arc::clone)
                .ok_or_else(|| Error::internal(format!("rows of spans lack the column `{name}`")))
        })
    }

    /// Opens a batch that has some columns of `spans`; the others read as if nothing had been sent.
    pub(crate) fn open_part(batch: &RecordBatch) -> Result<Self> {
        let schema = schema_of(Table::Spans);
        Self::open_with(|name| {
            if let Some(column) = batch.column_by_name(name) {
                return Ok(Arc::clone(column));
            }
            let field = schema.field_with_name(name).map_err(|_| {
                Error::internal(format!("the table of spans has no column `{name}`"))
            })?;
            Ok(new_null_array(field.data_type(), batch.num_rows()))
        })
    }

    fn open_with(column: impl Fn(&str) -> Result<ArrayRef>) -> Result<Self> {
        let attributes =
            |map: &str, types: &str| AttributeColumn::open(&column(map)?, &column(types)?);
        Ok(Self {
            trace_id: IdColumn::open(&column("trace_id")?)?,
            span_id: IdColumn::open(&column("span_id")?)?,
            parent_span_id: IdColumn::open(&column("parent_span_id")?)?,
            trace_state: strings(&column("trace_state")?)?,
            flags: counts(&column("flags")?)?,
            name: strings(&column("name")?)?,
            kind: strings(&column("kind")?)?,
            start_time: nanoseconds(&column("start_time")?)?,
            duration_ns: integers(&column("duration_ns")?)?,
            status_code: strings(&column("status_code")?)?,
            status_message: strings(&column("status_message")?)?,
            events: EventColumn::open(&column("events")?)?,
            links: LinkColumn::open(&column("links")?)?,
            dropped_events_count: counts(&column("dropped_events_count")?)?,
            dropped_links_count: counts(&column("dropped_links_count")?)?,
            service_name: strings(&column("service_name")?)?,
            dropped_attributes_count: counts(&column("dropped_attributes_count")?)?,
            attributes: attributes("attributes", "attribute_types")?,
            resource_attributes: attributes("resource_attributes", "resource_attribute_types")?,
            resource_dropped_attributes_count: counts(&column(
                "resource_dropped_attributes_count",
            )?)?,
            resource_schema_url: strings(&column("resource_schema_url")?)?,
            scope_name: strings(&column("scope_name")?)?,
            scope_version: strings(&column("scope_version")?)?,
            scope_attributes: attributes("scope_attributes", "scope_attribute_types")?,
            scope_dropped_attributes_count: counts(&column("scope_dropped_attributes_count")?)?,
            scope_schema_url: strings(&column("scope_schema_url")?)?,
            record_id: integers(&column(spoor_storage::model::schema::RECORD_ID)?)?,
        })
    }

    /// How many spans.
    pub fn len(&self) -> usize {
        self.name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The span's trace.
    pub fn trace_id(&self, row: usize) -> [u8; 16] {
        self.trace_id.value(row).unwrap_or_default()
    }

    /// The span's id.
    pub fn span_id(&self, row: usize) -> [u8; 8] {
        self.span_id.value(row).unwrap_or_default()
    }

    /// Its parent's id.
    pub fn parent_span_id(&self, row: usize) -> Option<[u8; 8]> {
        self.parent_span_id.value(row)
    }

    /// Its name.
    pub fn name(&self, row: usize) -> &str {
        self.name.value(row)
    }

    /// Its kind: OTLP's word without prefix.
    pub fn kind(&self, row: usize) -> &str {
        self.kind.value(row)
    }

    /// Nanoseconds since the Unix epoch.
    pub fn start_ns(&self, row: usize) -> i64 {
        self.start_time.value(row)
    }

    /// Its duration in nanoseconds; negative if it ends before it starts.
    pub fn duration_ns(&self, row: usize) -> i64 {
        self.duration_ns.value(row)
    }

    /// OTLP's word without prefix.
    pub fn status_code(&self, row: usize) -> &str {
        self.status_code.value(row)
    }

    /// What the status says.
    pub fn status_message(&self, row: usize) -> Option<&str> {
        optional(&self.status_message, row)
    }

    /// W3C trace state.
    pub fn trace_state(&self, row: usize) -> Option<&str> {
        optional(&self.trace_state, row)
    }

    /// W3C trace flags in the lowest byte, OTLP's own above.
    pub fn flags(&self, row: usize) -> u32 {
        self.flags.value(row)
    }

    /// Its service.
    pub fn service_name(&self, row: usize) -> &str {
        self.service_name.value(row)
    }

    /// The span's own attributes.
    pub fn attributes(&self, row: usize) -> Attributes<'_> {
        self.attributes.row(row)
    }

    /// Its resource's attributes.
    pub fn resource(&self, row: usize) -> Attributes<'_> {
        self.resource_attributes.row(row)
    }

    /// Its scope's attributes.
    pub fn scope_attributes(&self, row: usize) -> Attributes<'_> {
        self.scope_attributes.row(row)
    }

    /// Its scope.
    pub fn scope(&self, row: usize) -> Scope<'_> {
        Scope {
            name: optional(&self.scope_name, row),
            version: optional(&self.scope_version, row),
        }
    }

    /// Its events in the order they were sent.
    pub fn events(&self, row: usize) -> impl ExactSizeIterator<Item = Event<'_>> {
        self.events.row(row)
    }

    /// Its links in the order they were sent.
    pub fn links(&self, row: usize) -> impl ExactSizeIterator<Item = Link<'_>> {
        self.links.row(row)
    }

    /// Which record it is.
    pub fn record_id(&self, row: usize) -> i64 {
        self.record_id.value(row)
    }
}

// === impl Attributes ===

impl<'a> Attributes<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// One by one, in the order they were sent.
    pub fn iter(self) -> impl Iterator<Item = Attribute<'a>> {
        (self.start..self.end)
            .enumerate()
            .map(move |(place, entry)| Attribute {
                key: self.column.keys.value(entry),
                text: optional(&self.column.values, entry),
                // A letter that is missing or new reads as text, which shows what is stored.
                value_type: self
                    .types
                    .get(place)
                    .and_then(|letter| ValueType::from_letter(*letter))
                    .unwrap_or(ValueType::String),
            })
    }

    /// Appends bytes that are equal for equal attributes and differ for different ones.
    pub(super) fn fingerprint(&self, out: &mut Vec<u8>) {
        // One letter an entry: null texts are those with the letter of empty.
        out.extend_from_slice(&self.len().to_le_bytes());
        out.extend_from_slice(self.types);
        for column in [&self.column.keys, &self.column.values] {
            let offsets = &column.value_offsets()[self.start..=self.end];
            let base = offsets[0];
            for offset in offsets {
                out.extend_from_slice(&(offset - base).to_le_bytes());
            }
            let (from, to) = (
                base.cast_unsigned() as usize,
                offsets[self.len()].cast_unsigned(),
            );
            out.extend_from_slice(&column.value_data()[from..to as usize]);
        }
    }
}

// === impl columns ===

impl<const N: usize> IdColumn<N> {
    fn open(column: &ArrayRef) -> Result<Self> {
        Ok(match column.data_type() {
            DataType::FixedSizeBinary(length) if usize::try_from(*length) == Ok(N) => {
                Self::Binary(column.as_fixed_size_binary().clone())
            }
            _ => Self::Text(strings(column)?),
        })
    }

    fn value(&self, row: usize) -> Option<[u8; N]> {
        match self {
            Self::Binary(ids) => ids.is_valid(row).then(|| ids.value(row).try_into().ok())?,
            Self::Text(ids) => {
                let mut id = [0; N];
                hex::decode_to_slice(optional(ids, row)?, &mut id).ok()?;
                Some(id)
            }
        }
    }
}

impl AttributeColumn {
    fn open(map: &ArrayRef, types: &ArrayRef) -> Result<Self> {
        let map = map
            .as_map_opt()
            .ok_or_else(|| unexpected(map.data_type()))?
            .clone();
        Ok(Self {
            keys: strings(map.keys())?,
            values: strings(map.values())?,
            types: strings(types)?,
            map,
        })
    }

    fn row(&self, row: usize) -> Attributes<'_> {
        let (start, end) = bounds(self.map.value_offsets(), row);
        Attributes {
            column: self,
            start,
            end,
            types: self.types.value(row).as_bytes(),
        }
    }
}

impl EventColumn {
    fn open(column: &ArrayRef) -> Result<Self> {
        let (list, items) = list_of_structs(column)?;
        let field = |name| field(&items, name);
        Ok(Self {
            time: nanoseconds(field("time")?)?,
            name: strings(field("name")?)?,
            attributes: AttributeColumn::open(field("attributes")?, field("attribute_types")?)?,
            dropped_attributes_count: counts(field("dropped_attributes_count")?)?,
            list,
        })
    }

    fn row(&self, row: usize) -> impl ExactSizeIterator<Item = Event<'_>> {
        let (start, end) = bounds(self.list.value_offsets(), row);
        (start..end).map(|item| Event {
            time_ns: self.time.value(item),
            name: self.name.value(item),
            attributes: self.attributes.row(item),
            dropped_attributes_count: self.dropped_attributes_count.value(item),
        })
    }
}

impl LinkColumn {
    fn open(column: &ArrayRef) -> Result<Self> {
        let (list, items) = list_of_structs(column)?;
        let field = |name| field(&items, name);
        Ok(Self {
            trace_id: IdColumn::open(field("trace_id")?)?,
            span_id: IdColumn::open(field("span_id")?)?,
            trace_state: strings(field("trace_state")?)?,
            flags: counts(field("flags")?)?,
            attributes: AttributeColumn::open(field("attributes")?, field("attribute_types")?)?,
            dropped_attributes_count: counts(field("dropped_attributes_count")?)?,
            list,
        })
    }

    fn row(&self, row: usize) -> impl ExactSizeIterator<Item = Link<'_>> {
        let (start, end) = bounds(self.list.value_offsets(), row);
        (start..end).map(|item| Link {
            trace_id: self.trace_id.value(item).unwrap_or_default(),
            span_id: self.span_id.value(item).unwrap_or_default(),
            trace_state: optional(&self.trace_state, item),
            flags: self.flags.value(item),
            attributes: self.attributes.row(item),
            dropped_attributes_count: self.dropped_attributes_count.value(item),
        })
    }
}

/// The text of a row, or `None` if it is null.
pub(crate) fn optional(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn bounds(offsets: &[i32], row: usize) -> (usize, usize) {
    (
        offsets[row].cast_unsigned() as usize,
        offsets[row + 1].cast_unsigned() as usize,
    )
}

fn unexpected(found: &DataType) -> Error {
    Error::internal(format!("rows of spans have a column of type `{found}`"))
}

/// A text column, whichever of Arrow's string types it has.
pub(crate) fn strings(column: &ArrayRef) -> Result<StringArray> {
    let column = cast(column, &DataType::Utf8)?;
    Ok(column.as_string::<i32>().clone())
}

pub(crate) fn integers(column: &ArrayRef) -> Result<Int64Array> {
    let column = cast(column, &DataType::Int64)?;
    Ok(column.as_primitive::<Int64Type>().clone())
}

fn counts(column: &ArrayRef) -> Result<UInt32Array> {
    let column = cast(column, &DataType::UInt32)?;
    Ok(column.as_primitive::<UInt32Type>().clone())
}

/// Times as nanoseconds since the Unix epoch.
pub(crate) fn nanoseconds(column: &ArrayRef) -> Result<Int64Array> {
    let column = cast(column, &DataType::Timestamp(TimeUnit::Nanosecond, None))?;
    Ok(column
        .as_primitive::<TimestampNanosecondType>()
        .reinterpret_cast())
}

fn list_of_structs(column: &ArrayRef) -> Result<(ListArray, StructArray)> {
    let list = column
        .as_list_opt::<i32>()
        .ok_or_else(|| unexpected(column.data_type()))?;
    let items = list
        .values()
        .as_struct_opt()
        .ok_or_else(|| unexpected(column.data_type()))?;
    Ok((list.clone(), items.clone()))
}

fn field<'a>(items: &'a StructArray, name: &str) -> Result<&'a ArrayRef> {
    items
        .column_by_name(name)
        .ok_or_else(|| Error::internal(format!("list items of spans lack the field `{name}`")))
}

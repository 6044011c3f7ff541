//! The columns that both tables share: service, scope, resource and attributes.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampNanosecondArray, UInt32Array};
use arrow::error::ArrowError;

use super::attributes::{Resource, Scope};
use super::columns::{MapColumn, TextColumn, fitted};
use super::walk::Shared;

/// Bytes of a row's numbers, offsets and ids, roughly.
pub(crate) const ROW_BYTES: usize = 256;

/// A column of instants.
pub(crate) fn time_array(times: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(fitted(times)).with_timezone("UTC"))
}

/// A column of instants with gaps.
pub(crate) fn optional_time_array(times: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(times).with_timezone("UTC"))
}

/// A column of counts or flags.
pub(crate) fn counts(numbers: Vec<u32>) -> ArrayRef {
    Arc::new(UInt32Array::from(fitted(numbers)))
}

/// The shared columns while they grow.
#[derive(Debug)]
pub(crate) struct Tail {
    received_time_ns: i64,
    rows: usize,
    pub(crate) attributes: MapColumn,
    service_name: TextColumn,
    scope_name: TextColumn,
    scope_version: TextColumn,
    dropped_attributes_count: Vec<u32>,
    resource_attributes: MapColumn,
    resource_dropped_attributes_count: Vec<u32>,
    resource_schema_url: TextColumn,
    scope_attributes: MapColumn,
    scope_dropped_attributes_count: Vec<u32>,
    scope_schema_url: TextColumn,
}

impl Tail {
    pub(crate) fn new(received_time_ns: i64) -> Self {
        Self {
            received_time_ns,
            rows: 0,
            attributes: MapColumn::new(),
            service_name: TextColumn::new(),
            scope_name: TextColumn::new(),
            scope_version: TextColumn::new(),
            dropped_attributes_count: Vec::new(),
            resource_attributes: MapColumn::new(),
            resource_dropped_attributes_count: Vec::new(),
            resource_schema_url: TextColumn::new(),
            scope_attributes: MapColumn::new(),
            scope_dropped_attributes_count: Vec::new(),
            scope_schema_url: TextColumn::new(),
        }
    }

    pub(crate) fn received_time_ns(&self) -> i64 {
        self.received_time_ns
    }

    /// Completes the row whose attributes have been pushed, but for what [`Tail::end_scope`] adds.
    pub(crate) fn end_row(&mut self, dropped: u32) {
        self.attributes.end_row();
        self.dropped_attributes_count.push(dropped);
    }

    /// Adds resource and scope to the last `rows` rows.
    pub(crate) fn end_scope(&mut self, shared: &Shared<'_>, rows: usize) {
        self.rows += rows;
        self.push_resource(&shared.resource, rows);
        self.push_scope(&shared.scope, rows);
    }

    fn push_resource(&mut self, resource: &Resource<'_>, rows: usize) {
        self.service_name
            .push_lossy_copies(&resource.service_name, rows);
        self.resource_attributes
            .extend_copies(&resource.attributes, rows);
        self.resource_dropped_attributes_count
            .resize(self.rows, resource.dropped_attributes_count);
        self.resource_schema_url
            .push_lossy_or_null_copies(resource.schema_url, rows);
    }

    fn push_scope(&mut self, scope: &Scope<'_>, rows: usize) {
        self.scope_name.push_lossy_or_null_copies(scope.name, rows);
        self.scope_version
            .push_lossy_or_null_copies(scope.version, rows);
        self.scope_attributes.extend_copies(&scope.attributes, rows);
        self.scope_dropped_attributes_count
            .resize(self.rows, scope.dropped_attributes_count);
        self.scope_schema_url
            .push_lossy_or_null_copies(scope.schema_url, rows);
    }

    /// The columns in the schema's order.
    pub(crate) fn finish(self, columns: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        columns.push(self.service_name.finish()?);
        columns.push(self.scope_name.finish()?);
        columns.push(self.scope_version.finish()?);
        columns.push(counts(self.dropped_attributes_count));
        columns.push(time_array(vec![self.received_time_ns; self.rows]));
        push_map(columns, self.attributes)?;
        push_map(columns, self.resource_attributes)?;
        columns.push(counts(self.resource_dropped_attributes_count));
        columns.push(self.resource_schema_url.finish()?);
        push_map(columns, self.scope_attributes)?;
        columns.push(counts(self.scope_dropped_attributes_count));
        columns.push(self.scope_schema_url.finish()?);
        Ok(())
    }
}

/// Adds a map and its types, which follow it in every schema.
pub(crate) fn push_map(columns: &mut Vec<ArrayRef>, map: MapColumn) -> Result<(), ArrowError> {
    let (map, types) = map.finish()?;
    columns.push(map);
    columns.push(types);
    Ok(())
}

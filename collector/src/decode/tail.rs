//! The columns that both tables share: service, scope, resource and attributes.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampNanosecondArray, UInt32Array};
use arrow::error::ArrowError;

use super::any_value::Notes;
use super::attributes::{Resource, Scope};
use super::columns::{MapColumn, TextColumn};
use super::walk::Shared;

/// Bytes of a row's numbers, offsets and ids, roughly.
pub(crate) const ROW_BYTES: usize = 256;

/// A column of instants.
pub(crate) fn time_array(times: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(times).with_timezone("UTC"))
}

/// A column of instants with gaps.
pub(crate) fn optional_time_array(times: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(times).with_timezone("UTC"))
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

    /// Completes the row whose attributes have been pushed. Adds to `notes` what was wrong with
    /// its resource and scope.
    pub(crate) fn end_row(&mut self, shared: &Shared<'_>, dropped: u32, notes: &mut Notes) {
        let Shared { resource, scope } = shared;
        self.rows += 1;
        self.attributes.end_row();
        self.dropped_attributes_count.push(dropped);
        self.push_resource(resource, notes);
        self.push_scope(scope, notes);
    }

    fn push_resource(&mut self, resource: &Resource<'_>, notes: &mut Notes) {
        notes.merge(resource.notes);
        self.service_name.push_lossy(&resource.service_name);
        self.resource_attributes.extend(&resource.attributes);
        self.resource_dropped_attributes_count
            .push(resource.dropped_attributes_count);
        notes.invalid_utf8 |= self
            .resource_schema_url
            .push_lossy_or_null(resource.schema_url);
    }

    fn push_scope(&mut self, scope: &Scope<'_>, notes: &mut Notes) {
        notes.merge(scope.notes);
        notes.invalid_utf8 |= self.scope_name.push_lossy_or_null(scope.name);
        notes.invalid_utf8 |= self.scope_version.push_lossy_or_null(scope.version);
        self.scope_attributes.extend(&scope.attributes);
        self.scope_dropped_attributes_count
            .push(scope.dropped_attributes_count);
        notes.invalid_utf8 |= self.scope_schema_url.push_lossy_or_null(scope.schema_url);
    }

    /// The columns in the schema's order.
    pub(crate) fn finish(self, columns: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        columns.push(self.service_name.finish()?);
        columns.push(self.scope_name.finish()?);
        columns.push(self.scope_version.finish()?);
        columns.push(Arc::new(UInt32Array::from(self.dropped_attributes_count)));
        columns.push(time_array(vec![self.received_time_ns; self.rows]));
        push_map(columns, self.attributes)?;
        push_map(columns, self.resource_attributes)?;
        columns.push(Arc::new(UInt32Array::from(
            self.resource_dropped_attributes_count,
        )));
        columns.push(self.resource_schema_url.finish()?);
        push_map(columns, self.scope_attributes)?;
        columns.push(Arc::new(UInt32Array::from(
            self.scope_dropped_attributes_count,
        )));
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

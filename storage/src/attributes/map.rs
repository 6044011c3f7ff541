//! The map column of attributes, out of its parts.

use std::sync::Arc;

use arrow::array::{ArrayRef, MapArray, StringArray, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::model::schema::map_type;

/// A column of [`map_type`]; the entries of row `n` are `offsets[n]..offsets[n + 1]`.
pub(super) fn map_column(
    keys: StringArray,
    values: StringArray,
    offsets: Vec<i32>,
) -> Result<ArrayRef> {
    let DataType::Map(field, sorted) = map_type() else {
        return Err(Error::internal("the type of attribute maps is not a map"));
    };
    let DataType::Struct(entry_fields) = field.data_type() else {
        return Err(Error::internal(
            "the entries of attribute maps are no structs",
        ));
    };
    let entries = StructArray::try_new(
        entry_fields.clone(),
        vec![Arc::new(keys), Arc::new(values)],
        None,
    )?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let map = MapArray::try_new(field, offsets, entries, None, sorted)?;
    Ok(Arc::new(map))
}

//! `id_text(id)`: binary ids as lower-case hex, also where they are nested in `links`.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, ListArray, StringArray, StructArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

const ID_TEXT: &str = "id_text";
const HEX: &[u8; 16] = b"0123456789abcdef";

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Arc::new(ScalarUDF::new_from_impl(IdText {
        signature: Signature::any(1, Volatility::Immutable),
    }))
});

/// The function; its name in plans is `id_text`.
pub(crate) fn id_text_function() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// The type `id_text` gives for a stored type: fixed-size binary becomes text, at any depth.
pub(crate) fn logical_type(stored: &DataType) -> DataType {
    match stored {
        DataType::FixedSizeBinary(_) => DataType::Utf8,
        DataType::List(item) => DataType::List(logical_field(item)),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(logical_field).collect::<Fields>())
        }
        other => other.clone(),
    }
}

fn logical_field(field: &FieldRef) -> FieldRef {
    let logical = logical_type(field.data_type());
    if logical == *field.data_type() {
        Arc::clone(field)
    } else {
        Arc::new(Field::new(field.name(), logical, field.is_nullable()))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IdText {
    signature: Signature,
}

impl ScalarUDFImpl for IdText {
    fn name(&self) -> &str {
        ID_TEXT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [stored] = types else {
            return exec_err!("`id_text` takes one argument");
        };
        Ok(logical_type(stored))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [stored] = args.arg_fields else {
            return exec_err!("`id_text` takes one argument");
        };
        let logical = logical_type(stored.data_type());
        Ok(Arc::new(Field::new(ID_TEXT, logical, stored.is_nullable())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [stored] = args.args.as_slice() else {
            return exec_err!("`id_text` takes one argument");
        };
        Ok(ColumnarValue::Array(to_logical(
            &stored.to_array(args.number_rows)?,
        )?))
    }
}

/// The rows of `batch`, which are stored ones, in the logical `schema` of their table.
pub(crate) fn logical_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(to_logical);
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn to_logical(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::FixedSizeBinary(_) => Ok(Arc::new(hex_array(array.as_fixed_size_binary())?)),
        stored @ DataType::List(item) if logical_type(stored) != *stored => {
            let list = array.as_list::<i32>();
            Ok(Arc::new(ListArray::try_new(
                logical_field(item),
                list.offsets().clone(),
                to_logical(list.values())?,
                list.nulls().cloned(),
            )?))
        }
        stored @ DataType::Struct(fields) if logical_type(stored) != *stored => {
            let rows = array.as_struct();
            let columns = rows
                .columns()
                .iter()
                .map(to_logical)
                .collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(
                fields.iter().map(logical_field).collect(),
                columns,
                rows.nulls().cloned(),
                rows.len(),
            )?))
        }
        _ => Ok(Arc::clone(array)),
    }
}

/// Writes all digits into one buffer; a null row has no digits.
fn hex_array(ids: &FixedSizeBinaryArray) -> Result<StringArray> {
    let width = usize::try_from(ids.value_length()).unwrap_or(0) * 2;
    let mut digits = Vec::with_capacity(ids.len() * width);
    let mut offsets = Vec::with_capacity(ids.len() + 1);
    offsets.push(0_i32);
    for row in 0..ids.len() {
        if ids.is_valid(row) {
            for byte in ids.value(row) {
                digits.push(HEX[usize::from(byte >> 4)]);
                digits.push(HEX[usize::from(byte & 15)]);
            }
        }
        match i32::try_from(digits.len()) {
            Ok(end) => offsets.push(end),
            Err(_) => return exec_err!("too many ids in one batch"),
        }
    }
    Ok(StringArray::try_new(
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Buffer::from_vec(digits),
        ids.nulls().cloned(),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_lower_case_hex_and_null_stays_null() {
        let ids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
            [Some([0xAB_u8, 0x01]), None, Some([0, 0xFF])].into_iter(),
            2,
        )
        .unwrap();
        let text = to_logical(&(Arc::new(ids) as ArrayRef)).unwrap();
        let found: Vec<_> = text.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("ab01"), None, Some("00ff")]);
    }

    #[test]
    fn ids_inside_lists_of_structs_are_text_too() {
        let schema = spoor_storage::model::spans_schema();
        let links = schema.field_with_name("links").unwrap().data_type();
        let empty = arrow::array::new_empty_array(links);
        let logical = to_logical(&empty).unwrap();
        assert_eq!(logical.data_type(), &logical_type(links));
        let DataType::List(item) = logical.data_type() else {
            panic!("a list")
        };
        let DataType::Struct(fields) = item.data_type() else {
            panic!("of structs")
        };
        assert_eq!(
            fields.find("trace_id").unwrap().1.data_type(),
            &DataType::Utf8
        );
    }
}

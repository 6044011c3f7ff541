//! Access to attribute maps: `attribute_value(map, 'key')` and `attribute_exists(map, 'key')`.
//!
//! The first entry with the key counts; OTLP says keys are unique, and where a sender breaks that
//! every place here reads the same one.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, MapArray, StringArray, StringBuilder,
};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};

/// The name of the function that gives a value.
pub(crate) const ATTRIBUTE_VALUE: &str = "attribute_value";
/// The name of the function that tells whether a key is there.
const ATTRIBUTE_EXISTS: &str = "attribute_exists";

static VALUE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| MapFunction::udf(Answer::Value));
static EXISTS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| MapFunction::udf(Answer::Exists));

pub(super) fn value_function() -> Arc<ScalarUDF> {
    Arc::clone(&VALUE)
}

pub(super) fn exists_function() -> Arc<ScalarUDF> {
    Arc::clone(&EXISTS)
}

/// The text of `key`'s value in `map`, or null.
pub(crate) fn attribute_value(map: Expr, key: &str) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(value_function(), vec![map, lit(key)]))
}

/// Whether `map` has `key`, be its value null or not; never null itself.
pub(crate) fn attribute_exists(map: Expr, key: &str) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(exists_function(), vec![map, lit(key)]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Value,
    Exists,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MapFunction {
    answer: Answer,
    signature: Signature,
}

impl MapFunction {
    fn udf(answer: Answer) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Self {
            answer,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    }
}

impl ScalarUDFImpl for MapFunction {
    fn name(&self) -> &str {
        match self.answer {
            Answer::Value => ATTRIBUTE_VALUE,
            Answer::Exists => ATTRIBUTE_EXISTS,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [map @ DataType::Map(..), key] if key.is_string() => {
                Ok(vec![map.clone(), DataType::Utf8])
            }
            _ => plan_err!("`{}` takes an attribute map and a key", self.name()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.answer {
            Answer::Value => DataType::Utf8,
            Answer::Exists => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [map, ColumnarValue::Scalar(key)] = args.args.as_slice() else {
            return exec_err!("the key of `{}` must be a constant", self.name());
        };
        let Some(key) = key.try_as_str().flatten() else {
            return Ok(ColumnarValue::Scalar(match self.answer {
                Answer::Value => ScalarValue::Utf8(None),
                Answer::Exists => ScalarValue::Boolean(Some(false)),
            }));
        };
        let array = map.to_array(rows)?;
        let Some(map) = array.as_map_opt() else {
            return exec_err!("`{}` takes an attribute map", self.name());
        };
        let answer: ArrayRef = match self.answer {
            Answer::Value => Arc::new(values(map, key)?),
            Answer::Exists => Arc::new(exists(map, key)?),
        };
        Ok(ColumnarValue::Array(answer))
    }
}

/// The keys of a map column, or an error if they are not text.
fn keys(map: &MapArray) -> Result<&StringArray> {
    match map.keys().as_string_opt() {
        Some(keys) => Ok(keys),
        None => exec_err!("an attribute map has keys that are not text"),
    }
}

/// The place of the first entry of `row` that has `key`, in `keys` and `values`.
fn map_entry_index(map: &MapArray, keys: &StringArray, row: usize, key: &str) -> Option<usize> {
    if map.is_null(row) {
        return None;
    }
    let offsets = map.value_offsets();
    let (start, end) = (offset(offsets, row), offset(offsets, row + 1));
    let ends = keys.value_offsets();
    // Lengths first: comparing two offsets is cheaper than touching the text.
    (start..end).find(|entry| {
        offset(ends, entry + 1) - offset(ends, *entry) == key.len() && keys.value(*entry) == key
    })
}

fn offset(offsets: &[i32], at: usize) -> usize {
    offsets.get(at).map_or(0, |offset| usize::try_from(*offset).unwrap_or(0))
}

fn values(map: &MapArray, key: &str) -> Result<StringArray> {
    let keys = keys(map)?;
    let Some(values) = map.values().as_string_opt::<i32>() else {
        return exec_err!("an attribute map has values that are not text");
    };
    let mut found = StringBuilder::with_capacity(map.len(), map.len() * 8);
    for row in 0..map.len() {
        match map_entry_index(map, keys, row, key) {
            Some(entry) if values.is_valid(entry) => found.append_value(values.value(entry)),
            _ => found.append_null(),
        }
    }
    Ok(found.finish())
}

fn exists(map: &MapArray, key: &str) -> Result<BooleanArray> {
    let keys = keys(map)?;
    Ok((0..map.len())
        .map(|row| Some(map_entry_index(map, keys, row, key).is_some()))
        .collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{MapBuilder, MapFieldNames};

    use super::*;

    fn maps() -> MapArray {
        let names = MapFieldNames {
            entry: "entries".into(),
            key: "keys".into(),
            value: "values".into(),
        };
        let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
        for row in [vec![("a", Some("1")), ("b", None)], vec![], vec![("b", Some("2")), ("b", Some("3"))]] {
            for (key, value) in row {
                builder.keys().append_value(key);
                builder.values().append_option(value);
            }
            builder.append(true).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn gives_the_first_value_and_knows_null_from_absent() {
        let maps = maps();
        let found = values(&maps, "b").unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [None, None, Some("2")]);
        let there = exists(&maps, "b").unwrap();
        assert_eq!(there.iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
    }

    #[test]
    fn reads_slices_at_their_own_rows() {
        let maps = maps().slice(2, 1);
        assert_eq!(values(&maps, "b").unwrap().value(0), "2");
        assert!(values(&maps, "a").unwrap().is_null(0));
    }
}

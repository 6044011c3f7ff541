//! Access to attribute maps: `attribute_value(map, …, 'key')` and `attribute_exists(map, 'key')`.
//!
//! Of several maps the first one that has a value for the key counts. In plans over a file a map
//! may be replaced by the column that the file has for the key ([`crate::table`]), or follow it.
//!
//! The first entry with the key counts; OTLP says keys are unique, and where a sender breaks that
//! every place here reads the same one.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, MapArray, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExpressionPlacement, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use datafusion::physical_expr::expressions::lit as physical_lit;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use spoor_storage::attributes::text_of;

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
    first_attribute_value(vec![map], key)
}

/// The text of `key`'s value in the first of `maps` that has one, or null.
pub(crate) fn first_attribute_value(maps: Vec<Expr>, key: &str) -> Expr {
    let mut args = maps;
    args.push(lit(key));
    Expr::ScalarFunction(ScalarFunction::new_udf(value_function(), args))
}

/// Whether `map` has `key`, be its value null or not; never null itself.
pub(crate) fn attribute_exists(map: Expr, key: &str) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(
        exists_function(),
        vec![map, lit(key)],
    ))
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
        let most = match self.answer {
            Answer::Value => usize::MAX,
            Answer::Exists => 1,
        };
        match types {
            [maps @ .., key]
                if key.is_string()
                    && (1..=most).contains(&maps.len())
                    && maps.iter().all(|map| matches!(map, DataType::Map(..))) =>
            {
                Ok(maps.iter().cloned().chain([DataType::Utf8]).collect())
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

    /// Near the data, where a file may have the key in a column and the map need not be read.
    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        match args {
            [maps @ .., ExpressionPlacement::Literal]
                if maps.iter().all(|map| *map == ExpressionPlacement::Column) =>
            {
                ExpressionPlacement::MoveTowardsLeafNodes
            }
            _ => ExpressionPlacement::KeepInPlace,
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [maps @ .., ColumnarValue::Scalar(key)] = args.args.as_slice() else {
            return exec_err!("the key of `{}` must be a constant", self.name());
        };
        let Some(key) = key.try_as_str().flatten() else {
            return Ok(ColumnarValue::Scalar(match self.answer {
                Answer::Value => ScalarValue::Utf8(None),
                Answer::Exists => ScalarValue::Boolean(Some(false)),
            }));
        };
        let arrays = maps
            .iter()
            .map(|map| map.to_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let parts = arrays.iter().map(Part::of).collect::<Result<Vec<_>>>()?;
        let answer: ArrayRef = match self.answer {
            Answer::Value => Arc::new(values(&parts, key, rows)),
            Answer::Exists => Arc::new(exists(&parts, key, rows)),
        };
        Ok(ColumnarValue::Array(answer))
    }
}

/// `expr` as a call of one of these functions.
pub(crate) fn map_call(expr: &dyn PhysicalExpr) -> Option<&ScalarFunctionExpr> {
    ScalarFunctionExpr::try_downcast_func::<MapFunction>(expr)
}

/// The same call with other places to look into; nowhere is null, or false.
pub(crate) fn call_on(
    call: &ScalarFunctionExpr,
    parts: Vec<Arc<dyn PhysicalExpr>>,
) -> Result<Arc<dyn PhysicalExpr>> {
    let is_value = call.name() == ATTRIBUTE_VALUE;
    match parts.as_slice() {
        [] if is_value => return Ok(physical_lit(ScalarValue::Utf8(None))),
        [] => return Ok(physical_lit(false)),
        _ => {}
    }
    let mut args = parts;
    args.extend(call.args().last().map(Arc::clone));
    Ok(Arc::new(ScalarFunctionExpr::new(
        call.name(),
        Arc::new(call.fun().clone()),
        args,
        call.return_field(&Schema::empty())?,
        Arc::new(call.config_options().clone()),
    )))
}

/// A place where an attribute may be.
enum Part<'a> {
    Map(Entries<'a>),
    /// The texts of the key's own column.
    Column(StringArray),
}

impl<'a> Part<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self> {
        if matches!(array.data_type(), DataType::Map(..)) {
            return Entries::of(array).map(Self::Map);
        }
        let texts = text_of(array).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(Self::Column(texts.as_string::<i32>().clone()))
    }

    fn value(&self, row: usize, key: &str) -> Option<&str> {
        match self {
            Self::Map(map) => map.value(row, key),
            Self::Column(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }

    fn exists(&self, row: usize, key: &str) -> bool {
        match self {
            Self::Map(map) => map.find(row, key).is_some(),
            Self::Column(texts) => texts.is_valid(row),
        }
    }
}

/// A map column with its keys and values.
struct Entries<'a> {
    map: &'a MapArray,
    keys: &'a StringArray,
    values: &'a StringArray,
}

impl<'a> Entries<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self> {
        let found = array.as_map_opt().and_then(|map| {
            Some(Self {
                map,
                keys: map.keys().as_string_opt()?,
                values: map.values().as_string_opt()?,
            })
        });
        if let Some(entries) = found {
            Ok(entries)
        } else {
            exec_err!("an attribute map is not one of text to text")
        }
    }

    /// The place of the first entry of `row` that has `key`.
    fn find(&self, row: usize, key: &str) -> Option<usize> {
        if self.map.is_null(row) {
            return None;
        }
        let offsets = self.map.value_offsets();
        let (start, end) = (offset(offsets, row), offset(offsets, row + 1));
        let ends = self.keys.value_offsets();
        // Lengths first: comparing two offsets is cheaper than touching the text.
        (start..end).find(|entry| {
            offset(ends, entry + 1) - offset(ends, *entry) == key.len()
                && self.keys.value(*entry) == key
        })
    }

    fn value(&self, row: usize, key: &str) -> Option<&'a str> {
        let entry = self.find(row, key)?;
        self.values
            .is_valid(entry)
            .then(|| self.values.value(entry))
    }
}

fn offset(offsets: &[i32], at: usize) -> usize {
    offsets
        .get(at)
        .map_or(0, |offset| usize::try_from(*offset).unwrap_or(0))
}

fn values(parts: &[Part<'_>], key: &str, rows: usize) -> StringArray {
    let mut found = StringBuilder::with_capacity(rows, rows * 8);
    for row in 0..rows {
        found.append_option(parts.iter().find_map(|part| part.value(row, key)));
    }
    found.finish()
}

fn exists(parts: &[Part<'_>], key: &str, rows: usize) -> BooleanArray {
    (0..rows)
        .map(|row| Some(parts.iter().any(|part| part.exists(row, key))))
        .collect()
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
        for row in [
            vec![("a", Some("1")), ("b", None)],
            vec![],
            vec![("b", Some("2")), ("b", Some("3"))],
        ] {
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
        let array: ArrayRef = Arc::new(maps());
        let maps = [Part::of(&array).unwrap()];
        let found = values(&maps, "b", 3);
        assert_eq!(found.iter().collect::<Vec<_>>(), [None, None, Some("2")]);
        let there = exists(&maps, "b", 3);
        assert_eq!(
            there.iter().collect::<Vec<_>>(),
            [Some(true), Some(false), Some(true)]
        );
    }

    #[test]
    fn reads_slices_at_their_own_rows() {
        let array: ArrayRef = Arc::new(maps().slice(2, 1));
        let maps = [Part::of(&array).unwrap()];
        assert_eq!(values(&maps, "b", 1).value(0), "2");
        assert!(values(&maps, "a", 1).is_null(0));
    }

    #[test]
    fn the_first_map_with_a_value_counts() {
        let (first, second): (ArrayRef, ArrayRef) =
            (Arc::new(maps().slice(0, 1)), Arc::new(maps().slice(2, 1)));
        let both = [Part::of(&first).unwrap(), Part::of(&second).unwrap()];
        assert_eq!(values(&both, "a", 1).value(0), "1");
        assert_eq!(values(&both, "b", 1).value(0), "2", "a null is no value");
        assert!(values(&both, "c", 1).is_null(0));
    }
}

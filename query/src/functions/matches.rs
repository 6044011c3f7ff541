//! `matches(text, 'query')`: full-text search as a boolean function.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, StringArrayType};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};

use super::text_query::TextQuery;

/// The function's name in SQL.
pub(crate) const MATCHES: &str = "matches";

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Arc::new(ScalarUDF::new_from_impl(Matches {
        signature: Signature::string(2, Volatility::Immutable),
    }))
});

pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// The call `matches(text, query)`.
pub(crate) fn matches(text: Expr, query: &str) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(function(), vec![text, lit(query)]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Matches {
    signature: Signature,
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        MATCHES
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    /// Reads the query here so that a malformed one is a planning error.
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.scalar_arguments.get(1).copied().flatten() {
            Some(query) => {
                compile(query)?;
            }
            None => {
                return plan_err!("the second argument of `matches` must be a text constant");
            }
        }
        let nullable = args
            .arg_fields
            .first()
            .is_none_or(|field| field.is_nullable());
        Ok(Arc::new(Field::new(MATCHES, DataType::Boolean, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, ColumnarValue::Scalar(query)] = args.args.as_slice() else {
            return exec_err!("the second argument of `matches` must be a text constant");
        };
        let query = compile(query)?;
        match text {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(test(&query, array)?)),
            ColumnarValue::Scalar(scalar) => {
                let text = scalar.try_as_str().flatten();
                Ok(ColumnarValue::Scalar(ScalarValue::Boolean(
                    text.map(|text| query.matches(text)),
                )))
            }
        }
    }
}

fn compile(query: &ScalarValue) -> Result<TextQuery> {
    let Some(text) = query.try_as_str().flatten() else {
        return plan_err!("the second argument of `matches` must be a text, not null");
    };
    TextQuery::parse(text)
        .or_else(|error| plan_err!("the query of `matches` is malformed: {error}"))
}

fn test(query: &TextQuery, array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8 => test_each(query, array.as_string::<i32>()),
        DataType::LargeUtf8 => test_each(query, array.as_string::<i64>()),
        DataType::Utf8View => test_each(query, array.as_string_view()),
        other => return exec_err!("`matches` takes text, not {other}"),
    })
}

fn test_each<'a>(query: &TextQuery, texts: impl StringArrayType<'a> + Copy) -> ArrayRef {
    let mut values = BooleanBufferBuilder::new(texts.len());
    for row in 0..texts.len() {
        values.append(texts.is_valid(row) && query.matches(texts.value(row)));
    }
    Arc::new(BooleanArray::new(values.finish(), texts.nulls().cloned()))
}

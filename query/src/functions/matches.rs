//! `matches(text, 'query')`: full-text search as a boolean function.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, StringArrayType};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{Expr, ScalarUDF, Signature, Volatility};

use super::constant::{ConstantTest, constant_call, constant_function};
use super::text_query::TextQuery;

/// The function's name in SQL.
pub(crate) const MATCHES: &str = "matches";

static FUNCTION: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| constant_function(Matches, Signature::string(2, Volatility::Immutable)));

pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// The call `matches(text, query)`.
pub(crate) fn matches(text: Expr, query: &str) -> Expr {
    constant_call(function(), text, query)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Matches;

impl ConstantTest for Matches {
    const NAME: &'static str = MATCHES;

    type Constant = TextQuery;

    fn read(text: &str) -> Result<TextQuery> {
        TextQuery::parse(text)
            .or_else(|error| plan_err!("the query of `matches` is malformed: {error}"))
    }

    fn test(texts: &ArrayRef, query: &TextQuery) -> Result<BooleanArray> {
        Ok(match texts.data_type() {
            DataType::Utf8 => test_each(query, texts.as_string::<i32>()),
            DataType::LargeUtf8 => test_each(query, texts.as_string::<i64>()),
            DataType::Utf8View => test_each(query, texts.as_string_view()),
            other => return exec_err!("`matches` takes text, not {other}"),
        })
    }
}

fn test_each<'a>(query: &TextQuery, texts: impl StringArrayType<'a> + Copy) -> BooleanArray {
    let mut values = BooleanBufferBuilder::new(texts.len());
    for row in 0..texts.len() {
        values.append(texts.is_valid(row) && query.matches(texts.value(row)));
    }
    BooleanArray::new(values.finish(), texts.nulls().cloned())
}

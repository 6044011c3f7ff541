//! `search('query')`: what the search bar finds, as a condition of a `WHERE` in SQL.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::literal_text;

/// The function's name in SQL.
pub(crate) const SEARCH: &str = "search";

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Arc::new(ScalarUDF::new_from_impl(Search {
        // Nothing may work it out before it is known of which table it is.
        signature: Signature::string(1, Volatility::Volatile),
    }))
});

pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// The query of a call of it; `None` for any other expression. Errors if the query is not a text constant.
pub(crate) fn searched_for(expr: &Expr) -> Result<Option<&str>> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else {
        return Ok(None);
    };
    if func.name() != SEARCH {
        return Ok(None);
    }
    let query = args.first().and_then(literal_text);
    if query.is_none() {
        return plan_err!("the argument of `search` must be a text constant");
    }
    Ok(query)
}

/// Only a name: before a statement is planned to the end, the condition that it stands for is in its place.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Search {
    signature: Signature,
}

impl ScalarUDFImpl for Search {
    fn name(&self) -> &'static str {
        SEARCH
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan_err!("`search` has a meaning only in a WHERE")
    }
}

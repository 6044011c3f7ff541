//! `links_to(links, 'trace id')`: whether a span links to a trace.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};
use spoor_storage::TraceId;

use super::literal_text;

const NAME: &str = "links_to";

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Arc::new(ScalarUDF::new_from_impl(LinksTo {
        signature: Signature::any(2, Volatility::Immutable),
    }))
});

pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// The call `links_to(links, id)`.
pub(crate) fn links_to(links: Expr, id: TraceId) -> Expr {
    let arguments = vec![links, lit(id.to_string())];
    Expr::ScalarFunction(ScalarFunction::new_udf(function(), arguments))
}

/// The links and the trace of a call of it.
pub(crate) fn link_asked_for(call: &ScalarFunction) -> Option<(&Expr, TraceId)> {
    if call.name() != NAME {
        return None;
    }
    let [links, id] = call.args.as_slice() else {
        return None;
    };
    Some((links, literal_text(id)?.parse().ok()?))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LinksTo {
    signature: Signature,
}

impl ScalarUDFImpl for LinksTo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    /// Reads the id here so that a malformed one is a planning error.
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.scalar_arguments.get(1).copied().flatten() {
            Some(id) => {
                trace_of(id)?;
            }
            None => return plan_err!("the second argument of `links_to` must be a text constant"),
        }
        let links = args.arg_fields.first();
        let nullable = links.is_none_or(|field| field.is_nullable());
        Ok(Arc::new(Field::new(NAME, DataType::Boolean, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [links, ColumnarValue::Scalar(id)] = args.args.as_slice() else {
            return exec_err!("the second argument of `links_to` must be a text constant");
        };
        let links = links.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(Arc::new(test(&links, trace_of(id)?)?)))
    }
}

fn trace_of(id: &ScalarValue) -> Result<TraceId> {
    let text = id.try_as_str().flatten().unwrap_or_default();
    text.parse().or_else(|_| {
        plan_err!(
            "the second argument of `links_to` is `{text}`; a trace id is 32 hexadecimal digits"
        )
    })
}

fn test(links: &ArrayRef, id: TraceId) -> Result<BooleanArray> {
    let traces = links
        .as_list_opt::<i32>()
        .and_then(|list| list.values().as_struct_opt())
        .and_then(|link| link.column_by_name("trace_id"));
    let Some(traces) = traces else {
        return exec_err!("`links_to` takes links, not {}", links.data_type());
    };
    let text = id.to_string();
    let is_it: Vec<bool> = match traces.data_type() {
        DataType::FixedSizeBinary(16) => {
            let traces = traces.as_fixed_size_binary();
            traces.iter().map(|trace| trace == Some(&id.0)).collect()
        }
        DataType::Utf8 => {
            let traces = traces.as_string::<i32>();
            traces.iter().map(|trace| trace == Some(&text)).collect()
        }
        other => return exec_err!("`links_to` takes links with ids, not {other}"),
    };
    let list = links.as_list::<i32>();
    let offsets = list.value_offsets();
    let has = |row: usize| {
        let of_row = offsets[row] as usize..offsets[row + 1] as usize;
        is_it[of_row].contains(&true)
    };
    let rows = (0..list.len()).map(|row| list.is_valid(row).then(|| has(row)));
    Ok(rows.collect())
}

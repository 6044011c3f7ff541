//! `links_to(links, 'trace id')`: whether a span links to a trace.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF, Signature, Volatility};
use spoor_storage::TraceId;

use super::constant::{ConstantTest, constant_call, constant_function};
use super::literal_text;

static FUNCTION: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| constant_function(LinksTo, Signature::any(2, Volatility::Immutable)));

pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// The call `links_to(links, id)`.
pub(crate) fn links_to(links: Expr, id: TraceId) -> Expr {
    constant_call(function(), links, &id.to_string())
}

/// The links and the trace of a call of it.
pub(crate) fn link_asked_for(call: &ScalarFunction) -> Option<(&Expr, TraceId)> {
    if call.name() != LinksTo::NAME {
        return None;
    }
    let [links, id] = call.args.as_slice() else {
        return None;
    };
    Some((links, literal_text(id)?.parse().ok()?))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LinksTo;

impl ConstantTest for LinksTo {
    const NAME: &'static str = "links_to";

    type Constant = TraceId;

    fn read(text: &str) -> Result<TraceId> {
        text.parse().or_else(|_| {
            plan_err!(
                "the second argument of `links_to` is `{text}`; a trace id is 32 hexadecimal digits"
            )
        })
    }

    fn test(links: &ArrayRef, id: &TraceId) -> Result<BooleanArray> {
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
}

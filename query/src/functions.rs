//! Functions of ours in SQL and in the plans of the search language.
//!
//! | function | what it does |
//! |---|---|
//! | `matches(text, 'query')` | full text: see [`text_query`] |
//! | `attribute_value(map, …, 'key')` | what `attributes['key']` becomes: the value's text or null |
//! | `attribute_exists(map, 'key')` | whether the map has the key, also with a null value |
//! | `anywhere(…, 'query')` | whether any text of the row, also of its attributes, has what is looked for |
//! | `in_spans(span_id)` | whether the row is of one of the spans that the function knows |
//! | `in_traces(trace_id)` | whether the row is of one of the traces that the function holds |
//! | `links_to(links, 'trace id')` | whether a span links to a trace |
//! | `search('query')` | what the search bar finds; only in a `WHERE`, where its condition is put in its place |
//! | `id_text(id)` | lower-case hex of binary ids, also of those inside `links` |

mod anywhere;
mod constant;
mod id_text;
mod in_ids;
mod in_spans;
mod in_traces;
mod links_to;
mod map;
mod matches;
mod restored;
mod search;
pub mod text_query;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, ScalarUDF, lit};

pub(crate) use anywhere::{anywhere, anywhere_regex};
pub(crate) use id_text::{id_text_function, logical_batch, logical_type};
pub(crate) use in_spans::{SpanSet, in_spans};
pub(crate) use in_traces::{TraceSet, TraceSetBuilder, in_traces, traces_asked_for};
pub(crate) use links_to::{link_asked_for, links_to};
pub(crate) use map::{
    ATTRIBUTE_VALUE, attribute_exists, attribute_value, call_on, first_attribute_value, map_call,
};
pub(crate) use matches::{MATCHES, matches};
pub(crate) use restored::restored_column;
pub(crate) use search::searched_for;

/// All of them, to be registered.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        matches::function(),
        map::value_function(),
        map::exists_function(),
        links_to::function(),
        search::function(),
        id_text_function(),
    ]
}

/// What makes `attributes['key']` work.
pub(crate) fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    vec![Arc::new(MapAccessPlanner)]
}

/// Plans `map['key']` as [`attribute_value`] and `struct['field']` as DataFusion's own access.
#[derive(Debug)]
struct MapAccessPlanner;

impl ExprPlanner for MapAccessPlanner {
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = access;
        let GetFieldAccess::NamedStructField { name } = &field_access else {
            return Ok(PlannerResult::Original(RawFieldAccessExpr {
                field_access,
                expr,
            }));
        };
        let planned = match (expr.get_type(schema)?, name) {
            (DataType::Map(..), ScalarValue::Utf8(Some(key))) => attribute_value(expr, key),
            (DataType::Struct(_), name) => Expr::ScalarFunction(ScalarFunction::new_udf(
                datafusion::functions::core::get_field(),
                vec![expr, lit(name.clone())],
            )),
            (_, _) => {
                return Ok(PlannerResult::Original(RawFieldAccessExpr {
                    field_access,
                    expr,
                }));
            }
        };
        Ok(PlannerResult::Planned(planned))
    }
}

/// The string of a literal argument, whatever string type it has.
pub(crate) fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Cast(cast) => literal_text(&cast.expr),
        Expr::Alias(alias) => literal_text(&alias.expr),
        _ => None,
    }
}

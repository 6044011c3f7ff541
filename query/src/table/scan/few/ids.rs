//! Ids that a filter compares with texts, compared as they are stored: nobody has to write out the digits of each row.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, binary_expr, in_list};

/// The same comparison of the stored column, if this is one of an id with texts that are ids.
pub(super) fn as_stored(filter: &Expr, stored: &Schema) -> Option<Expr> {
    match filter {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::Eq | Operator::NotEq),
            right,
        }) => {
            let width = width_of(left, stored)?;
            Some(binary_expr(*left.clone(), *op, id(right, width)?))
        }
        Expr::InList(InList {
            expr,
            list,
            negated,
        }) => {
            let width = width_of(expr, stored)?;
            let ids = list.iter().map(|text| id(text, width));
            Some(in_list(
                *expr.clone(),
                ids.collect::<Option<_>>()?,
                *negated,
            ))
        }
        _ => None,
    }
}

/// Bytes of the id that a column has.
fn width_of(column: &Expr, stored: &Schema) -> Option<i32> {
    let Expr::Column(column) = column else {
        return None;
    };
    match stored.field_with_name(&column.name).ok()?.data_type() {
        DataType::FixedSizeBinary(width) => Some(*width),
        _ => None,
    }
}

/// The id of which this is the text; other spellings are the text of none.
fn id(text: &Expr, width: i32) -> Option<Expr> {
    let Expr::Literal(value, _) = text else {
        return None;
    };
    let text = value.try_as_str().flatten()?;
    let bytes = hex::decode(text).ok()?;
    let is_text_of_it = i32::try_from(bytes.len()) == Ok(width) && hex::encode(&bytes) == text;
    let id = ScalarValue::FixedSizeBinary(width, Some(bytes));
    is_text_of_it.then_some(Expr::Literal(id, None))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};
    use spoor_storage::Table;
    use spoor_storage::model::schema_of;

    use super::*;

    #[test]
    fn only_ids_that_are_spelt_as_they_are_shown_are_compared_by_their_bytes() {
        let stored = schema_of(Table::Logs);
        let id = |text: &str, width| {
            let bytes = hex::decode(text).unwrap();
            lit(ScalarValue::FixedSizeBinary(width, Some(bytes)))
        };
        let (trace, other) = ("0af7651916cd43dd8448eb211c80319c", "00".repeat(16));
        let span = "b7ad6b7169203331";
        for (filter, expected) in [
            (
                col("trace_id").eq(lit(trace)),
                Some(col("trace_id").eq(id(trace, 16))),
            ),
            (
                col("span_id").not_eq(lit(span)),
                Some(col("span_id").not_eq(id(span, 8))),
            ),
            (
                col("trace_id").in_list(vec![lit(trace), lit(other.as_str())], true),
                Some(in_list(
                    col("trace_id"),
                    vec![id(trace, 16), id(&other, 16)],
                    true,
                )),
            ),
            (col("trace_id").eq(lit(trace.to_uppercase())), None),
            (col("trace_id").eq(lit(span)), None),
            (col("trace_id").eq(lit("")), None),
            (
                col("trace_id").in_list(vec![lit(trace), lit("x")], false),
                None,
            ),
            (col("trace_id").gt(lit(trace)), None),
            (col("trace_id").eq(col("body")), None),
            (col("body").eq(lit(trace)), None),
            (col("trace_id").is_null(), None),
        ] {
            assert_eq!(as_stored(&filter, &stored), expected, "{filter}");
        }
    }
}

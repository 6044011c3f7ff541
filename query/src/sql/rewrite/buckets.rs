//! `time_bucket('5m', time)`: the beginning of the bucket that an instant is in.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Interval, ObjectName,
    Value,
};
use spoor_storage::{Error, Result};

use crate::language::duration_ns;

/// Makes it DataFusion's `date_bin`, with a width as the search language writes durations or an
/// `INTERVAL`.
pub(super) fn of_time(call: &mut Function) -> Result<()> {
    let FunctionArguments::List(list) = &mut call.args else {
        return Err(wrong());
    };
    let (2 | 3, Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(width)))) =
        (list.args.len(), list.args.first_mut())
    else {
        return Err(wrong());
    };
    if let Expr::Value(value) = width
        && let Value::SingleQuotedString(text) = &value.value
        && let Some(ns) = duration_ns(text).filter(|ns| *ns >= 1.0)
    {
        value.value = Value::SingleQuotedString(format!("{ns:.0} nanoseconds"));
    }
    let width_as_written = width.clone();
    if !matches!(width, Expr::Interval(_)) {
        *width = Expr::Interval(Interval {
            value: Box::new(width_as_written),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        });
    }
    call.name = ObjectName::from(vec![Ident::new("date_bin")]);
    Ok(())
}

fn wrong() -> Error {
    Error::invalid("`time_bucket` takes a width and a time")
        .with_hint("write time_bucket('5m', start_time)")
}

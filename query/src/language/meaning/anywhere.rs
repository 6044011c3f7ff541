//! `*:word`: which texts a record has.

use datafusion::logical_expr::Expr;
use datafusion::prelude::col;
use spoor_storage::Table;

use super::{Result, check_regex, full_text, or_of_trace};
use crate::functions;
use crate::language::Anywhere;

/// Texts, then attributes with the types of their values, then lists of what has attributes. The
/// cheap ones first: a row is decided by the first that has what is looked for.
fn columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Logs => &[
            "body",
            "service_name",
            "severity_text",
            "event_name",
            "scope_name",
            "attributes",
            "attribute_types",
            "body_fields",
            "body_field_types",
            "scope_attributes",
            "scope_attribute_types",
            "resource_attributes",
            "resource_attribute_types",
        ],
        Table::Spans => &[
            "name",
            "service_name",
            "status_message",
            "scope_name",
            "attributes",
            "attribute_types",
            "scope_attributes",
            "scope_attribute_types",
            "resource_attributes",
            "resource_attribute_types",
            "events",
            "links",
        ],
    }
}

pub(super) fn anywhere_expr(sought: &Anywhere, table: Table) -> Result<Expr> {
    let value = &sought.value;
    let columns = columns(table).iter().map(|name| col(*name)).collect();
    if sought.is_regex {
        check_regex(value)?;
        return Ok(functions::anywhere_regex(columns, &value.text));
    }
    let found = functions::anywhere(columns, &full_text(&value.text, value.quoted));
    Ok(or_of_trace(found, &value.text, value.quoted))
}

//! Queries of retention rules: the search language, tested on rows as storage has them.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::execution::context::SessionContext;
use datafusion::physical_expr::PhysicalExpr;
use spoor_storage::{CompileFilter, Error, Result, RowFilter, Table};

use super::fields::{Meaning, meaning};
use super::{Name, Query, SyntaxError, Value, parse, to_expr};
use crate::failure::from_datafusion;
use crate::functions::logical_batch;
use crate::parameters::is_relative;
use crate::table::logical_schema;

/// Knows the search language; see [`spoor_storage::StorageOptions::filters`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RuleQueries;

impl CompileFilter for RuleQueries {
    fn compile(&self, table: Table, query: &str) -> Result<Arc<dyn RowFilter>> {
        let query = parse(query)?;
        if query.is_everything() {
            let error = Error::invalid("the `query` is empty");
            return Err(error.with_hint("leave it out if the rule is for all records"));
        }
        let expr = to_expr(&query, table)?;
        if let Some(moving) = moving_time(&query, table) {
            return Err(moving.into());
        }
        let schema = logical_schema(table);
        let of_names = DFSchema::try_from(Schema::clone(&schema)).map_err(from_datafusion)?;
        let test = SessionContext::new()
            .create_physical_expr(expr, &of_names)
            .map_err(from_datafusion)?;
        Ok(Arc::new(Test { table, test }))
    }
}

/// What is wrong with a time that moves on with the clock, if there is one: a rule looks at a file once for each rule that
/// begins to apply to it, so that what it says of a record must not change.
fn moving_time(query: &Query, table: Table) -> Option<SyntaxError> {
    let of_time = |name: &Name, value: &Value| {
        let moves =
            matches!(meaning(&name.text, table), Meaning::Time(_)) && is_relative(&value.text);
        moves.then(|| {
            let message = format!("`{}` moves on with the clock, and a rule does not", value.text);
            SyntaxError::new(value.position, message).with_hint(
                "say with `keep` how old records get; a time in the query must be a fixed one: 2023-01-29T08:00:00Z",
            )
        })
    };
    match query {
        Query::And(parts) | Query::Or(parts) => {
            parts.iter().find_map(|part| moving_time(part, table))
        }
        Query::Not(inner) => moving_time(inner, table),
        Query::Field(field) => of_time(&field.name, &field.value),
        Query::Range(range) => {
            let mut ends = range.low.iter().chain(&range.high);
            ends.find_map(|end| of_time(&range.name, &end.value))
        }
        Query::Text(_)
        | Query::Has(_)
        | Query::Anywhere(_)
        | Query::Related(_)
        | Query::Traces(_) => None,
    }
}

#[derive(Debug)]
struct Test {
    table: Table,
    test: Arc<dyn PhysicalExpr>,
}

impl RowFilter for Test {
    fn passes(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let rows = logical_batch(batch, &logical_schema(self.table)).map_err(from_datafusion)?;
        let passes = self
            .test
            .evaluate(&rows)
            .and_then(|value| value.into_array(rows.num_rows()))
            .map_err(from_datafusion)?;
        passes
            .as_boolean_opt()
            .cloned()
            .ok_or_else(|| Error::internal("a query is not a condition"))
    }
}

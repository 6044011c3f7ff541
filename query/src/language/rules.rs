//! Queries of retention rules: the search language, tested on rows as storage has them.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::execution::context::SessionContext;
use datafusion::physical_expr::PhysicalExpr;
use spoor_storage::{CompileFilter, Error, Result, RowFilter, Table};

use super::{parse, to_expr};
use crate::failure::from_datafusion;
use crate::functions::logical_batch;
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
        let schema = logical_schema(table);
        let of_names = DFSchema::try_from(Schema::clone(&schema)).map_err(from_datafusion)?;
        let test = SessionContext::new()
            .create_physical_expr(expr, &of_names)
            .map_err(from_datafusion)?;
        Ok(Arc::new(Test { table, test }))
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

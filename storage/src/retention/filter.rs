//! What a rule's query means. Storage does not know the search language; who does gives it this.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::record_batch::RecordBatch;

use super::RetentionPolicy;
use super::policy::of_rule;
use crate::error::{Error, Result};
use crate::model::Table;

/// Makes tests of rows from queries.
pub trait CompileFilter: Debug + Send + Sync {
    /// The test that `query` means for rows of `table`. Errors with [`crate::ErrorKind::Invalid`] if it
    /// means nothing.
    fn compile(&self, table: Table, query: &str) -> Result<Arc<dyn RowFilter>>;
}

/// A test of rows.
pub trait RowFilter: Debug + Send + Sync {
    /// For each row of `batch`, which has the table's stored schema
    /// ([`crate::model::schema_of`]), whether it passes; null is no.
    fn passes(&self, batch: &RecordBatch) -> Result<BooleanArray>;
}

/// The tests of a policy's rules, one for each rule; `None` for a rule without a query.
pub(crate) type Filters = Vec<Option<Arc<dyn RowFilter>>>;

/// Compiles the queries of all rules. Errors with the first that means nothing.
pub(crate) fn compile(
    policy: &RetentionPolicy,
    compiler: Option<&dyn CompileFilter>,
) -> Result<Filters> {
    let rules = policy.rules.iter().enumerate();
    rules
        .map(|(at, rule)| {
            let Some(query) = &rule.query else {
                return Ok(None);
            };
            let compiler = compiler
                .ok_or_else(|| Error::internal("nobody is here who understands queries"))?;
            let filter = compiler
                .compile(rule.table, query)
                .map_err(|error| of_rule(at, &error))?;
            Ok(Some(filter))
        })
        .collect()
}

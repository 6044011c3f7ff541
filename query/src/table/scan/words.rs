//! Filters for words, evaluated by the scan itself on rows about which the index has not decided.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::table::prune::Pruning;

/// The stored columns that are needed and those that the word filters are about, ascending.
pub(super) fn columns_tested(
    pruning: &Pruning,
    stored: &SchemaRef,
    needed: &[usize],
) -> Result<Vec<usize>> {
    let mut columns: BTreeSet<usize> = needed.iter().copied().collect();
    for filter in &pruning.words {
        for column in filter.column_refs() {
            columns.insert(stored.index_of(&column.name)?);
        }
    }
    Ok(columns.into_iter().collect())
}

/// Those rows of `source`, which has the stored columns `tested`, that the word filters let pass;
/// of them the columns `needed`.
pub(super) fn test(
    state: &dyn Session,
    source: Arc<dyn ExecutionPlan>,
    pruning: &Pruning,
    stored: &SchemaRef,
    (tested, needed): (&[usize], &[usize]),
) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(filter) = conjunction(pruning.words.iter().cloned()) else {
        return Ok(source);
    };
    // The indexed texts are the same in the stored and in the logical schema.
    let schema = DFSchema::try_from(stored.project(tested)?)?;
    let predicate = state.create_physical_expr(filter, &schema)?;
    let passed: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(predicate, source)?);
    if tested == needed {
        return Ok(passed);
    }
    let columns = tested
        .iter()
        .enumerate()
        .filter(|(_, column)| needed.contains(column))
        .map(|(at, column)| {
            let name = stored.field(*column).name();
            ProjectionExpr::new(Arc::new(Column::new(name, at)), name.clone())
        });
    Ok(Arc::new(ProjectionExec::try_new(
        columns.collect::<Vec<_>>(),
        passed,
    )?))
}

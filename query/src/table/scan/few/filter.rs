//! What is left of a filter for rows about which an index has decided.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use spoor_storage::index::RowSet;
use spoor_storage::snapshot::BufferedBatch;
use spoor_storage::{DataFile, Table, TimeRange};

use super::ids;
use super::outputs::columns_of;
use crate::table::prune::{split_time, words_only};
use crate::table::scan::stored_expr;

/// A condition on the stored columns; `None`: all rows pass.
pub(super) type Test = Option<Arc<dyn PhysicalExpr>>;

/// A filter, as far as it is not known to be true.
pub(super) struct Filter {
    /// Of rows of which nothing is known.
    pub(super) whole: Test,
    /// Of rows that have the words for sure.
    without_words: Test,
    /// And are in the range of time.
    without_time: Test,
    range: TimeRange,
}

impl Filter {
    /// The filter that these are together.
    pub(super) fn of(
        (state, table): (&dyn Session, Table),
        conjuncts: &[Expr],
        stored: &SchemaRef,
    ) -> Result<Self> {
        let test = |conjuncts: Vec<Expr>| {
            let is_true = Expr::Literal(ScalarValue::Boolean(Some(true)), None);
            let not_true = conjuncts.into_iter().filter(|one| *one != is_true);
            let test = conjunction(not_true).map(|filter| over_stored(state, filter, stored));
            test.transpose()
        };
        let without_words: Vec<Expr> = conjuncts
            .iter()
            .filter(|one| words_only(table, one).is_none())
            .cloned()
            .collect();
        let (range, without_time) = split_time(without_words.clone(), table);
        Ok(Self {
            whole: test(conjuncts.to_vec())?,
            without_words: test(without_words)?,
            without_time: test(without_time)?,
            range,
        })
    }

    /// What is left of it for rows of a file that have the words for sure.
    pub(super) fn of_decided(&self, file: &DataFile) -> &Test {
        let TimeRange { start_ns, end_ns } = self.range;
        if start_ns <= file.min_time_ns && file.max_time_ns < end_ns {
            &self.without_time
        } else {
            &self.without_words
        }
    }

    /// The stored columns that it is about.
    pub(super) fn columns(&self) -> Vec<usize> {
        columns_of(&self.whole)
    }

    /// The rows in memory of which it is true: batches that have some, with the numbers of these.
    pub(super) fn of_memory(
        &self,
        batches: &[Arc<BufferedBatch>],
    ) -> Result<Vec<(RecordBatch, RowSet)>> {
        let mut found = Vec::new();
        for buffered in batches {
            let rows = self.passing(&buffered.batch)?;
            if !rows.is_empty() {
                found.push((buffered.batch.clone(), rows));
            }
        }
        Ok(found)
    }

    fn passing(&self, batch: &RecordBatch) -> Result<RowSet> {
        let rows = batch.num_rows();
        let Some(test) = &self.whole else {
            return Ok((0..u32::try_from(rows).unwrap_or(u32::MAX)).collect());
        };
        let tested = test.evaluate(batch)?.into_array(rows)?;
        let truth = as_boolean_array(&tested)?.iter().zip(0_u32..);
        let passing = truth.filter(|(is_true, _)| *is_true == Some(true));
        Ok(passing.map(|(_, row)| row).collect())
    }
}

/// A filter on the logical columns as one on the stored ones.
pub(super) fn over_stored(
    state: &dyn Session,
    filter: Expr,
    stored: &SchemaRef,
) -> Result<Arc<dyn PhysicalExpr>> {
    let filter = filter.transform_down(|expr| match &expr {
        Expr::Column(column) => {
            let stored = stored_expr(stored, stored.index_of(&column.name)?);
            Ok(Transformed::new(stored, true, TreeNodeRecursion::Jump))
        }
        _ => Ok(match ids::as_stored(&expr, stored) {
            Some(stored) => Transformed::new(stored, true, TreeNodeRecursion::Jump),
            None => Transformed::no(expr),
        }),
    });
    let schema = DFSchema::try_from(stored.as_ref().clone())?;
    state.create_physical_expr(filter.data()?, &schema)
}

//! Reading a table without a planner. Of a question that is answered in a moment, and is asked for every trace that somebody
//! opens, planning is a good part.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::{DFSchema, Result as PlanResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use spoor_storage::{Result, Table};

use super::QuerySession;
use crate::parameters::Order;

impl QuerySession {
    /// The rows of a table that pass a filter, at most `most`: what [`QuerySession::collect`] gives of a frame of these. The
    /// filter must be on columns, not on attributes: only a plan brings those down to the files.
    pub(crate) async fn matching(
        &self,
        table: Table,
        filter: Expr,
        most: usize,
    ) -> Result<Vec<RecordBatch>> {
        let few = self.few(table, &filter, (Order::Desc, usize::MAX));
        if let Some(few) = few.await?
            && few.len() <= most
        {
            return few.all().await;
        }
        let stream = self.begun(self.scan(table, filter, most)).await?;
        self.gather(stream, usize::MAX).await
    }

    async fn scan(
        &self,
        table: Table,
        filter: Expr,
        most: usize,
    ) -> PlanResult<SendableRecordBatchStream> {
        let (state, provider) = (self.context.state(), self.provider(table, &[]));
        let filters = std::slice::from_ref(&filter);
        let rows = provider.scan(&state, None, filters, None).await?;
        let schema = DFSchema::try_from(provider.schema())?;
        let test = state.create_physical_expr(filter.clone(), &schema)?;
        let passing = Arc::new(FilterExec::try_new(test, rows)?);
        CoalescePartitionsExec::new(passing)
            .with_fetch(Some(most))
            .execute(0, state.task_ctx())
    }
}

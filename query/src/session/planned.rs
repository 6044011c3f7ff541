//! A plan that is looked at before it is run: whether another is cheaper is known once the indexes were asked.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use spoor_storage::Result;

use super::QuerySession;
use crate::failure::from_datafusion;
use crate::table::rows_to_read;

/// A plan of a query, not run yet.
pub(crate) struct Planned {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
}

impl Planned {
    /// Rows that its scans will look at: of files those that their indexes leave, and all in memory of its time.
    pub(crate) fn rows_to_read(&self) -> Result<u64> {
        rows_to_read(&self.plan).map_err(from_datafusion)
    }
}

impl QuerySession {
    /// Plans without running: indexes are asked, rows are not read.
    pub(crate) async fn planned(&self, frame: DataFrame) -> Result<Planned> {
        let context = Arc::new(frame.task_ctx());
        match self.scope.in_time(frame.create_physical_plan()).await? {
            Ok(plan) => Ok(Planned { plan, context }),
            Err(error) => Err(self.scope.diagnosed(from_datafusion(error)).await),
        }
    }

    /// Runs a plan to its end, as [`QuerySession::collect`] does.
    pub(crate) async fn run(&self, planned: Planned) -> Result<Vec<RecordBatch>> {
        let begun = async { execute_stream(planned.plan, planned.context) };
        let stream = self.begun(begun).await?;
        self.gather(stream, usize::MAX).await
    }
}

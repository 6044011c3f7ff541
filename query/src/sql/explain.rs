//! `EXPLAIN`: beside DataFusion's plans, how each scan comes to what it reads.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result as PlanResult;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use spoor_storage::Result;

use crate::explain::text_of;
use crate::session::{QueryScope, QuerySession};

/// What stands in the column `plan_type` beside a scan.
const PLAN_TYPE: &str = "pruning";

/// Starts a statement. After the plans of an `EXPLAIN` comes a row for each scan, with a table of its steps
/// as text; of a statement that runs, once it has.
pub(crate) async fn stream(
    session: &QuerySession,
    frame: DataFrame,
) -> Result<SendableRecordBatchStream> {
    let plans = session.stream(frame).await?;
    let scope = session.scope();
    if scope.explained().is_none() {
        return Ok(plans);
    }
    let schema = plans.schema();
    let of_scans = {
        let schema = Arc::clone(&schema);
        stream::once(async move { rows(&scope, &schema) })
    };
    let all = plans.chain(of_scans);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
}

fn rows(scope: &QueryScope, schema: &SchemaRef) -> PlanResult<RecordBatch> {
    let scans = scope.scans().unwrap_or_default();
    let kinds = StringArray::from_iter_values(scans.iter().map(|_| PLAN_TYPE));
    let texts = StringArray::from_iter_values(scans.iter().map(text_of));
    let columns = vec![Arc::new(kinds) as _, Arc::new(texts) as _];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

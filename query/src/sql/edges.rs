//! The table `service_edges`: the service graph, made when a plan reads it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::in_memory;
use crate::services::{edge_rows, edge_schema};
use crate::session::{QueryScope, QuerySession};

/// Its name.
pub(super) const NAME: &str = "service_edges";

/// The edges as one query sees them. It has no session: the session has this table.
#[derive(Debug)]
pub(super) struct ServiceEdges(pub(super) Arc<QueryScope>);

#[async_trait]
impl TableProvider for ServiceEdges {
    fn schema(&self) -> SchemaRef {
        edge_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = async {
            let session = QuerySession::of_part(&self.0, state.runtime_env());
            edge_rows(&session).await
        };
        let rows = rows
            .await
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        in_memory(rows, projection)
    }
}

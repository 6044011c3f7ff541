//! Tables that are computed from the two stored ones, each time they are asked for.
//!
//! They are SQL themselves: of their columns only those that a statement names are computed, and a
//! filter on what they are grouped by reaches the files.

use std::sync::Arc;

use datafusion::catalog::SchemaProvider;
use datafusion::common::TableReference;
use datafusion::datasource::ViewTable;
use datafusion::execution::session_state::SessionState;
use spoor_storage::{Error, Result};

use crate::failure::from_datafusion;

/// A computed table.
#[derive(Debug)]
pub(super) struct View {
    /// Its name.
    pub(super) name: &'static str,
    sql: &'static str,
}

/// All of them. What a column means is said in docs/api.md.
pub(super) const VIEWS: [View; 2] = [
    View {
        name: "traces",
        sql: "SELECT trace_id,
                min(start_time) AS start_time,
                max(arrow_cast(start_time, 'Int64') + duration_ns) - min(arrow_cast(start_time, 'Int64')) AS duration_ns,
                first_value(service_name ORDER BY start_time, record_id) FILTER (WHERE parent_span_id IS NULL) AS root_service_name,
                first_value(name ORDER BY start_time, record_id) FILTER (WHERE parent_span_id IS NULL) AS root_name,
                first_value(status_code ORDER BY start_time, record_id) FILTER (WHERE parent_span_id IS NULL) AS root_status_code,
                count(*) AS span_count,
                count(*) FILTER (WHERE status_code = 'ERROR') AS error_count,
                count(DISTINCT service_name) AS service_count,
                array_agg(DISTINCT service_name ORDER BY service_name) AS service_names
              FROM spans GROUP BY trace_id",
    },
    View {
        name: "services",
        sql: "SELECT service_name,
                sum(span_count) AS span_count,
                sum(error_count) AS error_count,
                sum(log_count) AS log_count,
                min(first_time) AS first_time,
                max(last_time) AS last_time
              FROM (
                SELECT service_name, count(*) AS span_count,
                  count(*) FILTER (WHERE status_code = 'ERROR') AS error_count, 0 AS log_count,
                  min(start_time) AS first_time, max(start_time) AS last_time
                FROM spans GROUP BY service_name
                UNION ALL
                SELECT service_name, 0, 0, count(*), min(time), max(time)
                FROM logs GROUP BY service_name
              ) GROUP BY service_name",
    },
];

/// The view of this name.
pub(super) fn view(name: &str) -> Option<&'static View> {
    VIEWS.iter().find(|view| view.name == name)
}

/// Plans the views that are among `references` and puts them beside the stored tables.
pub(super) async fn register(
    state: &SessionState,
    schema: &Arc<dyn SchemaProvider>,
    references: &[TableReference],
) -> Result<()> {
    for view in references.iter().filter_map(|name| view(name.table())) {
        let plan = state
            .create_logical_plan(view.sql)
            .await
            .map_err(|error| Error::internal("a view cannot be planned").with_source(error))?;
        let table = ViewTable::new(plan, Some(view.sql.to_owned()));
        schema
            .register_table(view.name.to_owned(), Arc::new(table))
            .map_err(from_datafusion)?;
    }
    Ok(())
}

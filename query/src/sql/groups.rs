//! Numbers of rows by columns, as they are counted by file ([`crate::by_file`]).
//!
//! ```text
//!  rows of a stored table ─► grouped by columns; nothing but `count(*)` ─► a table of groups
//!                                                 (what was counted of a file is kept) ─┘
//! ```
//! So a statement that says how many rows each of a few groups has reads a file once. Where groups are too many to be kept,
//! and in an `EXPLAIN`, rows are read as the plan says that there was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DataFusionError, Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::datasource::source_as_provider;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, TableType, lit};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use spoor_storage::{Error, Table, TimeRange};

use super::in_memory;
use crate::api::Buckets;
use crate::by_file::{ByFile, GroupColumn, GroupCount, parts};
use crate::session::{QueryScope, QuerySession};
use crate::table::{SnapshotTable, split_time};

/// What the next table of groups is called in plans. No two have the same name: plans take scans of one name and one
/// schema for the same, whatever is scanned.
fn next_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("groups {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Puts tables of groups in the place of what counts rows.
#[derive(Debug)]
pub(crate) struct GroupsByFile;

impl OptimizerRule for GroupsByFile {
    fn name(&self) -> &'static str {
        "groups_by_file"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else {
            return Ok(Transformed::no(plan));
        };
        let Some(groups) = Groups::of(aggregate)? else {
            return Ok(Transformed::no(plan));
        };
        let name = TableReference::bare(next_name());
        // Under the names that the groups have in the statement.
        let names = aggregate.schema.iter().map(|(qualifier, field)| {
            let column = Column::new(Some(name.clone()), field.name());
            Expr::Column(column).alias_qualified(qualifier.cloned(), field.name())
        });
        let source = provider_as_source(Arc::new(groups));
        let replaced = LogicalPlanBuilder::scan(name.clone(), source, None)?
            .project(names)?
            .build()?;
        Ok(Transformed::yes(replaced))
    }
}

/// The groups of the rows of a stored table that pass a filter: their columns, then as many columns as there are counts.
#[derive(Debug)]
struct Groups {
    scope: Arc<QueryScope>,
    table: Table,
    range: TimeRange,
    filter: Expr,
    columns: Vec<GroupColumn>,
    schema: SchemaRef,
    /// What counts the rows otherwise.
    otherwise: LogicalPlan,
}

impl Groups {
    /// What an aggregation counts; `None` if that is anything else than rows by columns.
    fn of(aggregate: &Aggregate) -> Result<Option<Self>> {
        let schema = aggregate.schema.inner();
        let Some((source, filters)) = rows_of(&aggregate.input)? else {
            return Ok(None);
        };
        let table = source.downcast_ref::<SnapshotTable>();
        let Some((table, scope, dynamic)) = table.and_then(SnapshotTable::of_all_rows) else {
            return Ok(None);
        };
        let counts_rows = aggregate.aggr_expr.iter().all(counts_rows);
        if !counts_rows || scope.explained().is_some() || has_duplicates(schema) {
            return Ok(None);
        }
        // Over the stored columns.
        let stored = |expr: Expr| {
            expr.transform(|part| {
                let Expr::Column(column) = &part else {
                    return Ok(Transformed::no(part));
                };
                let computed = dynamic.iter().find(|dynamic| dynamic.name == column.name);
                Ok(Transformed::yes(match computed {
                    Some(dynamic) => dynamic.expr.clone(),
                    None => Expr::Column(Column::new_unqualified(&column.name)),
                }))
            })
            .data()
        };
        let mut columns = Vec::new();
        for (expr, field) in aggregate.group_expr.iter().zip(schema.fields()) {
            let Expr::Column(column) = expr.clone().unalias() else {
                return Ok(None);
            };
            if !comes_back_from_text(field.data_type()) {
                return Ok(None);
            }
            columns.push(GroupColumn {
                name: column.name.clone(),
                value: stored(Expr::Column(column))?,
            });
        }
        let (range, filters) = split_time(filters, table);
        let filters = filters.into_iter().map(stored);
        let filters = filters.collect::<Result<Vec<_>>>()?;
        Ok(Some(Self {
            scope: Arc::clone(scope),
            table,
            range,
            filter: conjunction(filters).unwrap_or_else(|| lit(true)),
            columns,
            schema: Arc::clone(schema),
            otherwise: LogicalPlan::Aggregate(aggregate.clone()),
        }))
    }

    /// All groups; `None` if they are too many to be kept.
    async fn counted(&self, session: &QuerySession) -> spoor_storage::Result<Option<RecordBatch>> {
        let mut groups: BTreeMap<Box<str>, u64> = BTreeMap::new();
        for (range, buckets) in Buckets::hours_and_ends(self.range) {
            let rows = ByFile {
                session,
                table: self.table,
                range,
                filter: self.filter.clone(),
                buckets,
            };
            let count = GroupCount::by(self.table, &self.columns, buckets);
            if !rows.are_kept(&count) {
                return Ok(None);
            }
            let Some(cells) = rows.cells(&count).await? else {
                return Ok(None);
            };
            for (name, buckets) in cells.into_values() {
                *groups.entry(name).or_default() += buckets.into_values().sum::<u64>();
            }
        }
        if self.columns.is_empty() {
            groups.entry("".into()).or_default();
        }
        self.batch(&groups).map(Some)
    }

    fn batch(&self, groups: &BTreeMap<Box<str>, u64>) -> spoor_storage::Result<RecordBatch> {
        let mut values: Vec<Vec<Option<&str>>> = vec![Vec::new(); self.columns.len()];
        for name in groups.keys() {
            let mut parts = parts(name);
            for values in &mut values {
                let part = parts.next();
                let part = part.ok_or_else(|| Error::internal("a group lacks a value"))?;
                values.push(part);
            }
        }
        let counts = groups.values().map(|rows| i64::try_from(*rows).ok());
        let counts: ArrayRef = Arc::new(counts.collect::<Int64Array>());
        let columns = self.schema.fields().iter().enumerate();
        let columns = columns.map(|(at, field)| match values.get(at) {
            Some(values) => {
                let texts = StringArray::from(values.clone());
                Ok(cast(&texts, field.data_type())?)
            }
            None => Ok(Arc::clone(&counts)),
        });
        let columns = columns.collect::<spoor_storage::Result<Vec<_>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(groups.len()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &rows,
        )?)
    }
}

#[async_trait]
impl TableProvider for Groups {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
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
        let session = QuerySession::of_part(&self.scope, state.runtime_env());
        let counted = self.counted(&session).await;
        let counted = counted.map_err(|error| DataFusionError::External(Box::new(error)))?;
        if let Some(rows) = counted {
            return in_memory(rows, projection);
        }
        let state = state.as_any().downcast_ref::<SessionState>();
        let state = state.ok_or_else(|| {
            DataFusionError::Internal("statements are planned by something else".to_owned())
        })?;
        // It is optimized already.
        let plan = state.query_planner();
        let plan = plan.create_physical_plan(&self.otherwise, state).await?;
        match projection {
            None => Ok(plan),
            Some(wanted) => projected(plan, wanted),
        }
    }
}

/// Some columns of a plan.
fn projected(plan: Arc<dyn ExecutionPlan>, wanted: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let columns = wanted.iter().map(|at| {
        let name = schema.field(*at).name();
        ProjectionExpr::new(Arc::new(PhysicalColumn::new(name, *at)), name.clone())
    });
    let columns: Vec<_> = columns.collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}

/// A table with the filters that its rows must pass.
type Filtered = (Arc<dyn TableProvider>, Vec<Expr>);

/// A table of which all columns are read, and the filters that its rows must pass; `None` for anything else.
fn rows_of(plan: &LogicalPlan) -> Result<Option<Filtered>> {
    let mut filters: Vec<Expr> = Vec::new();
    let mut add = |filter: &Expr| {
        for part in split_conjunction(filter) {
            // What the scan was given as well is said once.
            if !filters.contains(part) {
                filters.push(part.clone());
            }
        }
    };
    let mut plan = plan;
    loop {
        plan = match plan {
            LogicalPlan::Filter(filter) => {
                add(&filter.predicate);
                &filter.input
            }
            LogicalPlan::SubqueryAlias(named) => &named.input,
            // What only filters need is left out there.
            LogicalPlan::Projection(columns)
                if columns
                    .expr
                    .iter()
                    .all(|expr| matches!(expr, Expr::Column(_))) =>
            {
                &columns.input
            }
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                scan.filters.iter().for_each(add);
                return Ok(Some((source_as_provider(&scan.source)?, filters)));
            }
            _ => return Ok(None),
        };
    }
}

/// Whether a schema has two columns of one name.
fn has_duplicates(schema: &SchemaRef) -> bool {
    let mut names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether an aggregate is the number of rows of its group.
fn counts_rows(expr: &Expr) -> bool {
    let Expr::AggregateFunction(call) = expr.clone().unalias() else {
        return false;
    };
    let given = &call.params;
    let of_literal = matches!(given.args.as_slice(), [Expr::Literal(value, _)] if !value.is_null());
    call.func.name() == "count"
        && of_literal
        && !given.distinct
        && given.filter.is_none()
        && given.order_by.is_empty()
}

/// Whether values are the same once they were text and read again.
fn comes_back_from_text(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8 | DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::UInt32
    )
}

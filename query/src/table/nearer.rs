//! Brings attribute accesses down to the files, where they need not read whole maps.
//!
//! DataFusion moves projections down too, but through a union only those that make rows narrower
//! by the count of columns, and one attribute is as many columns as its map.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr, make_with_child};
use datafusion::physical_plan::union::UnionExec;

use crate::functions::map_call;

/// Pushes projections with attribute accesses into what is below them.
#[derive(Debug)]
pub(crate) struct AttributesNearer;

impl PhysicalOptimizerRule for AttributesNearer {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            let brought = bring(Arc::clone(&plan))?;
            Ok(if Arc::ptr_eq(&brought, &plan) {
                Transformed::no(plan)
            } else {
                Transformed::yes(brought)
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "attributes_nearer"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same plan with a projection at its top as far down as it goes.
pub(super) fn bring(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else {
        return Ok(plan);
    };
    if !projection.expr().iter().any(|part| accesses(&part.expr)) {
        return Ok(plan);
    }
    let input = projection.input();
    if let Some(union) = input.downcast_ref::<UnionExec>() {
        let children = union
            .inputs()
            .iter()
            .map(|child| bring(make_with_child(projection, child)?))
            .collect::<Result<_>>()?;
        return UnionExec::try_new(children);
    }
    if let Some(filter) = input.downcast_ref::<FilterExec>()
        && filter.projection().is_none()
    {
        return under_filter(projection, filter);
    }
    match input.try_swapping_with_projection(projection)? {
        Some(swapped) => bring(swapped),
        None => Ok(plan),
    }
}

/// Computes a projection below a filter: what the filter tests goes along and is left out above.
fn under_filter(
    projection: &ProjectionExec,
    filter: &FilterExec,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut below = projection.expr().to_vec();
    let mut places: HashMap<usize, Column> = HashMap::new();
    let mut tested: Vec<Column> = collect_columns(filter.predicate()).into_iter().collect();
    tested.sort_by_key(Column::index);
    for column in tested {
        let name = format!("__tested_{}", column.index());
        places.insert(column.index(), Column::new(&name, below.len()));
        below.push(ProjectionExpr::new(Arc::new(column), name));
    }
    let predicate = Arc::clone(filter.predicate()).transform(|expr| {
        let moved = expr
            .downcast_ref::<Column>()
            .and_then(|column| places.get(&column.index()));
        Ok(match moved {
            Some(column) => Transformed::yes(Arc::new(column.clone()) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(expr),
        })
    });
    let input = Arc::new(ProjectionExec::try_new(below, Arc::clone(filter.input()))?);
    let passed = Arc::new(FilterExec::try_new(predicate.data()?, bring(input)?)?);
    let columns: Vec<ProjectionExpr> = projection
        .expr()
        .iter()
        .enumerate()
        .map(|(at, part)| {
            ProjectionExpr::new(Arc::new(Column::new(&part.alias, at)), part.alias.clone())
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, passed)?))
}

/// Whether an attribute is looked up in `expr`.
fn accesses(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let mut found = false;
    let visited = expr.apply(|expr| {
        found |= map_call(expr.as_ref()).is_some();
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    visited.is_ok() && found
}

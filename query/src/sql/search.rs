//! `search('…')` in a `WHERE`: the search language within SQL.
//!
//! ```text
//!  WHERE search('level:error') ─► which table the rows are of ─► the condition that the search bar would ask
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan};
use spoor_storage::{Error, Result, Table, TimeRange};

use crate::failure::from_datafusion;
use crate::functions::searched_for;
use crate::language;
use crate::session::QuerySession;

/// Calls with different queries in one statement; each may have to look at other tables.
const MAX_SEARCHES: usize = 8;

type Conditions = HashMap<(Table, String), Expr>;

/// The plan with the conditions that calls of `search` stand for in their places. Errors with
/// [`spoor_storage::ErrorKind::Invalid`] for a query that cannot be read, and for calls elsewhere than in
/// a `WHERE` on rows of one stored table.
pub(super) async fn resolved(session: &QuerySession, plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut conditions = Conditions::new();
    for (table, text) in calls(&plan)? {
        let of = |error: Error| {
            let said = Error::invalid(format!("in `search`: {}", error.message()));
            match error.hint() {
                Some(hint) => said.with_hint(hint.to_owned()),
                None => said,
            }
        };
        let query = language::parse(&text).map_err(|error| of(error.into()))?;
        language::check(&query, table).map_err(|error| of(error.into()))?;
        let condition = language::condition(session, &query, table, TimeRange::ALL).await?;
        conditions.insert((table, text), condition);
    }
    if conditions.is_empty() {
        return Ok(plan);
    }
    let plan = plan
        .transform_up_with_subqueries(|node| put_in(node, &conditions))
        .map_err(from_datafusion)?;
    Ok(plan.data)
}

/// What is searched for, each query once.
fn calls(plan: &LogicalPlan) -> Result<Vec<(Table, String)>> {
    let mut calls = Vec::new();
    plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            expr.apply(|part| {
                if let Some(text) = searched_for(part)? {
                    let (table, _) = table_of(node).map_err(external)?;
                    let call = (table, text.to_owned());
                    if !calls.contains(&call) {
                        calls.push(call);
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(from_datafusion)?;
    if calls.len() > MAX_SEARCHES {
        return Err(Error::invalid(format!(
            "the statement has {} different searches; it can have {MAX_SEARCHES}",
            calls.len()
        )));
    }
    Ok(calls)
}

fn put_in(
    node: LogicalPlan,
    conditions: &Conditions,
) -> datafusion::common::Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Filter(filter) = &node else {
        return Ok(Transformed::no(node));
    };
    let Ok((table, qualifier)) = table_of(&node) else {
        return Ok(Transformed::no(node));
    };
    let predicate = filter.predicate.clone().transform_up(|part| {
        let Some(text) = searched_for(&part)? else {
            return Ok(Transformed::no(part));
        };
        let Some(condition) = conditions.get(&(table, text.to_owned())) else {
            return Ok(Transformed::no(part));
        };
        qualified(condition.clone(), &qualifier)
    })?;
    if !predicate.transformed {
        return Ok(Transformed::no(node));
    }
    let filter = Filter::try_new(predicate.data, Arc::clone(&filter.input))?;
    Ok(Transformed::yes(LogicalPlan::Filter(filter)))
}

/// The expression with its columns under the name that the table has in the statement.
fn qualified(
    expr: Expr,
    qualifier: &TableReference,
) -> datafusion::common::Result<Transformed<Expr>> {
    let expr = expr.transform_up(|part| match part {
        Expr::Column(Column { name, .. }) => {
            let column = Column::new(Some(qualifier.clone()), name);
            Ok(Transformed::yes(Expr::Column(column)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(Transformed::yes(expr.data))
}

/// The stored table whose rows a `WHERE` is about, and what it is called there.
fn table_of(node: &LogicalPlan) -> Result<(Table, TableReference)> {
    let LogicalPlan::Filter(filter) = node else {
        return Err(misplaced());
    };
    let mut input = filter.input.as_ref();
    let mut alias = None;
    loop {
        input = match input {
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::SubqueryAlias(named) if alias.is_none() => {
                alias = Some(named.alias.clone());
                &named.input
            }
            LogicalPlan::TableScan(scan) => {
                let table = scan.table_name.table().parse();
                let table = table.map_err(|_| misplaced())?;
                return Ok((table, alias.unwrap_or_else(|| scan.table_name.clone())));
            }
            _ => return Err(misplaced()),
        };
    }
}

fn misplaced() -> Error {
    Error::invalid("`search` can only be asked in the WHERE of a SELECT from `logs` or from `spans` alone")
        .with_hint("of a join, search each side in a SELECT of its own: FROM (SELECT … FROM logs WHERE search('…')) AS l")
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests;

//! Joins on trace ids, where one side is of few traces: the other side is read for these only.
//!
//! ```text
//!  join ─► ids of a side that is cheap to ask, as far as they are few ─► in_traces(trace_id) on the other side
//!          (else of the other side)                                      └► scan: index, row groups, rows
//! ```
//! A semi or anti join (`IN`, `EXISTS` and their negations) whose inner side is known so is that filter
//! alone. What is not few stays the join that it is, within the memory of the query.

use std::sync::Arc;

use datafusion::common::{Column, JoinType};
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, LogicalPlanBuilder, lit};
use futures::future::BoxFuture;
use spoor_storage::{Result, Table, TraceId};

use crate::failure::from_datafusion;
use crate::functions::{TraceSet, TraceSetBuilder, in_traces};
use crate::otlp::strings;
use crate::session::QuerySession;

/// Joins of one statement that are looked at; each may cost a search.
const MAX_JOINS: usize = 8;

/// The plan with joins on trace ids narrowed. A plan without such joins comes back as it is.
pub(super) async fn narrowed(
    session: &QuerySession,
    state: &SessionState,
    plan: LogicalPlan,
) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Explain(mut explain) => {
            let inner = Box::pin(narrowed(session, state, Arc::unwrap_or_clone(explain.plan)));
            explain.plan = Arc::new(inner.await?);
            Ok(LogicalPlan::Explain(explain))
        }
        LogicalPlan::Analyze(mut analyze) => {
            let inner = Box::pin(narrowed(
                session,
                state,
                Arc::unwrap_or_clone(analyze.input),
            ));
            analyze.input = Arc::new(inner.await?);
            Ok(LogicalPlan::Analyze(analyze))
        }
        plan => {
            // Subqueries become joins only there.
            let optimized = state.optimize(&plan).map_err(from_datafusion)?;
            let mut work = Narrowing {
                session,
                state,
                joins: 0,
            };
            let narrowed = work.visit(optimized).await?;
            Ok(if work.joins > 0 { narrowed } else { plan })
        }
    }
}

struct Narrowing<'a> {
    session: &'a QuerySession,
    state: &'a SessionState,
    joins: usize,
}

/// One side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Ids of one side.
struct Ids {
    traces: Arc<TraceSet>,
    /// Whether there are rows without an id, too.
    has_null: bool,
}

impl Narrowing<'_> {
    /// The plan with its joins narrowed, those below first.
    fn visit(&mut self, plan: LogicalPlan) -> BoxFuture<'_, Result<LogicalPlan>> {
        Box::pin(async move {
            let before = self.joins;
            let mut inputs = Vec::new();
            for input in plan.inputs() {
                inputs.push(self.visit(input.clone()).await?);
            }
            let plan = if self.joins > before {
                plan.with_new_exprs(plan.expressions(), inputs)
                    .map_err(from_datafusion)?
            } else {
                plan
            };
            match plan {
                LogicalPlan::Join(join) if self.joins < MAX_JOINS => self.join(join).await,
                other => Ok(other),
            }
        })
    }

    async fn join(&mut self, join: Join) -> Result<LogicalPlan> {
        let Some((left, right)) = trace_columns(&join) else {
            return Ok(LogicalPlan::Join(join));
        };
        self.joins += 1;
        let few = self.session.few_traces();
        let semi = is_replaceable(&join);
        // The side that is asked, if it may narrow the other.
        let mut sides = vec![Side::Right, Side::Left];
        sides.sort_by_key(|side| !is_cheap(side.of(&join)));
        for side in sides {
            let replaces = semi && side == Side::Right;
            let other = side.other();
            let (asked, narrowed) = match side {
                Side::Left => (&left, &right),
                Side::Right => (&right, &left),
            };
            let worth = is_cheap(side.of(&join)) || replaces;
            if !(replaces || narrows(&join, side))
                || !worth
                || !is_trace_id(other.of(&join), narrowed)
            {
                continue;
            }
            let Some(ids) = self.ids(side.of(&join), asked, few).await? else {
                continue;
            };
            return if replaces {
                replaced(&join, narrowed, &ids)
            } else {
                filtered(join, other, narrowed, &ids.traces)
            };
        }
        // Ids alone take less room than the rows that a join holds.
        if semi && is_trace_id(&join.left, &left) {
            let most = self.session.options().max_traces;
            if let Some(ids) = self.ids(&join.right, &right, most).await? {
                return replaced(&join, &left, &ids);
            }
        }
        Ok(LogicalPlan::Join(join))
    }

    /// The ids in a column of a plan; `None` if they are more than `most`.
    async fn ids(&self, plan: &LogicalPlan, column: &Column, most: usize) -> Result<Option<Ids>> {
        let plan = LogicalPlanBuilder::from(plan.clone())
            .project([Expr::Column(column.clone())])
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_datafusion)?;
        let pool = &self.session.context().runtime_env().memory_pool;
        let mut found = TraceSetBuilder::new(MemoryConsumer::new("set of traces").register(pool));
        let mut has_null = false;
        let frame = DataFrame::new(self.state.clone(), plan);
        let mut stream = self.session.stream(frame).await?;
        while let Some(batch) = self.session.next(&mut stream).await? {
            for id in &strings(batch.column(0))? {
                let Some(id) = id else {
                    has_null = true;
                    continue;
                };
                // A text of another form is the id of no trace.
                if let Some(id) = canonical(id) {
                    found.insert(id).map_err(from_datafusion)?;
                }
                if found.len() > most {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Ids {
            traces: found.finish(),
            has_null,
        }))
    }
}

impl Side {
    fn of(self, join: &Join) -> &LogicalPlan {
        match self {
            Self::Left => &join.left,
            Self::Right => &join.right,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

fn canonical(text: &str) -> Option<TraceId> {
    let is_lower = text.len() == 32 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    text.parse().ok().filter(|_| is_lower)
}

/// The columns of both sides that must have the same trace id.
fn trace_columns(join: &Join) -> Option<(Column, Column)> {
    join.on
        .iter()
        .find_map(|(left, right)| match (left, right) {
            (Expr::Column(left_column), Expr::Column(right_column)) => {
                let either =
                    is_trace_id(&join.left, left_column) || is_trace_id(&join.right, right_column);
                either.then(|| (left_column.clone(), right_column.clone()))
            }
            _ => None,
        })
}

/// Whether the ids of `side` bound which rows of the other side matter.
fn narrows(join: &Join, side: Side) -> bool {
    match join.join_type {
        // `NOT IN` asks of all rows whether there are any, and any without an id.
        _ if join.null_aware => false,
        JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi => true,
        JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark => side == Side::Left,
        JoinType::Right | JoinType::RightAnti | JoinType::RightMark => side == Side::Right,
        JoinType::Full => false,
    }
}

/// Whether the join asks no more than whether the id is among those of its right side.
fn is_replaceable(join: &Join) -> bool {
    let asks = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti);
    asks && join.on.len() == 1 && join.filter.is_none()
}

/// A semi or anti join whose right side has these ids, as a filter.
fn replaced(join: &Join, column: &Column, ids: &Ids) -> Result<LogicalPlan> {
    let found = in_traces(Expr::Column(column.clone()), &ids.traces);
    let condition = match (join.join_type, join.null_aware) {
        (JoinType::LeftSemi, _) => found,
        // `x NOT IN (…, NULL)` is never true; of no values it is, whatever `x` is.
        (_, true) if ids.has_null => lit(false),
        (_, true) if !ids.traces.is_empty() => Expr::Not(Box::new(found)),
        (_, true) => lit(true),
        (_, false) => found.is_not_true(),
    };
    LogicalPlanBuilder::from(Arc::clone(&join.left))
        .filter(condition)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)
}

/// The join with one side narrowed to these traces.
fn filtered(
    mut join: Join,
    side: Side,
    column: &Column,
    traces: &Arc<TraceSet>,
) -> Result<LogicalPlan> {
    let condition = in_traces(Expr::Column(column.clone()), traces);
    let narrow = |plan: &Arc<LogicalPlan>| {
        LogicalPlanBuilder::from(Arc::clone(plan))
            .filter(condition)
            .and_then(LogicalPlanBuilder::build)
            .map(Arc::new)
            .map_err(from_datafusion)
    };
    match side {
        Side::Left => join.left = narrow(&join.left)?,
        Side::Right => join.right = narrow(&join.right)?,
    }
    Ok(LogicalPlan::Join(join))
}

/// Whether ids come out of a plan while it reads, without anything computed over all rows before.
fn is_cheap(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) | LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => true,
        LogicalPlan::Filter(_)
        | LogicalPlan::Projection(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::Limit(_) => plan.inputs().into_iter().all(is_cheap),
        _ => false,
    }
}

/// Whether a column of a plan is the trace id of a stored table, as it is there.
fn is_trace_id(plan: &LogicalPlan, column: &Column) -> bool {
    let at = plan.schema().maybe_index_of_column(column);
    at.is_some_and(|at| is_trace_id_at(plan, at))
}

fn is_trace_id_at(plan: &LogicalPlan, at: usize) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let is_stored = scan.table_name.table().parse::<Table>().is_ok();
            is_stored && scan.projected_schema.field(at).name() == "trace_id"
        }
        LogicalPlan::SubqueryAlias(alias) => is_trace_id_at(&alias.input, at),
        LogicalPlan::Filter(filter) => is_trace_id_at(&filter.input, at),
        LogicalPlan::Sort(sort) => is_trace_id_at(&sort.input, at),
        LogicalPlan::Limit(limit) => is_trace_id_at(&limit.input, at),
        LogicalPlan::Projection(projection) => {
            is_trace_id_expr(&projection.input, projection.expr.get(at))
        }
        LogicalPlan::Aggregate(aggregate) => {
            is_trace_id_expr(&aggregate.input, aggregate.group_expr.get(at))
        }
        LogicalPlan::Union(union) => union.inputs.iter().all(|input| is_trace_id_at(input, at)),
        LogicalPlan::Join(join) => {
            let column = join.schema.columns().swap_remove(at);
            is_trace_id(&join.left, &column) || is_trace_id(&join.right, &column)
        }
        _ => false,
    }
}

fn is_trace_id_expr(input: &LogicalPlan, expr: Option<&Expr>) -> bool {
    match expr {
        Some(Expr::Column(column)) => is_trace_id(input, column),
        Some(Expr::Alias(alias)) => is_trace_id_expr(input, Some(&alias.expr)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! What `trace:(…)` and `logs:(…)` mean: which traces have a span, or a log record, that matches.
//!
//! ```text
//!  inner ─► its traces, as far as they are few ─┬─► in_traces(trace_id)
//!    └─ many ─► traces of the rows that the rest of the query leaves, as far as they are few
//!                  └─► inner among these ───────┘
//! ```
//! So a needle on either side makes the search on the other side a small one: the set reaches the scan,
//! which asks the index for its ids. A set is in the memory of the query, and has a bound.

use std::sync::Arc;

use datafusion::logical_expr::Expr;
use datafusion::prelude::{col, lit};
use futures::future::BoxFuture;
use spoor_storage::{Error, ErrorKind, Result, Table, TimeRange};

use super::{Query, Related, SyntaxError, Traces, to_expr};
use crate::functions::{TraceSet, in_traces};
use crate::listing::in_range;
use crate::session::QuerySession;
use crate::trace::traces_where;

/// Whether names and values of the query mean something for `table`; errors say where they do not.
pub(crate) fn check(query: &Query, table: Table) -> std::result::Result<(), SyntaxError> {
    to_expr(&bound(query, true), table)?;
    let mut result = Ok(());
    query.each_related(&mut |related| {
        if result.is_ok() {
            result = check(&related.query, related.table);
        }
    });
    result
}

/// The query for rows whose trace has a log record that matches `text`.
pub(crate) fn with_logs(text: &str) -> std::result::Result<Query, SyntaxError> {
    let query = super::parse(text)?;
    let mut nested = None;
    query.each_related(&mut |related| nested = nested.or(Some((related.position, related.form()))));
    if let Some((position, form)) = nested {
        let error = SyntaxError::new(position, format!("`{form}` cannot be in `logs`"));
        return Err(error.with_hint("both are about the same trace: ask it of the traces"));
    }
    check(&query, Table::Logs)?;
    Ok(Query::Related(Related {
        table: Table::Logs,
        query: Box::new(query),
        position: 0,
    }))
}

/// The condition that a query stands for: [`to_expr`], once it is found out what it asks of other
/// rows. Of the rows only those in `range` will be looked at. Errors with
/// [`ErrorKind::TooLarge`] if too many traces match.
pub(crate) async fn condition(
    session: &QuerySession,
    query: &Query,
    table: Table,
    range: TimeRange,
) -> Result<Expr> {
    check(query, table)?;
    let mut search = Search {
        session,
        table,
        outer: to_expr(&bound(query, true), table)?.and(in_range(table.time_column(), range)),
        is_bounded: range != TimeRange::ALL || !bound(query, true).says_nothing(),
    };
    let found = search.resolved(query).await?;
    Ok(to_expr(&found, table)?)
}

/// The query without what it asks of other rows, so that it holds for all rows for which the query
/// holds; below a negation (`upper` is false) for none for which it does not.
fn bound(query: &Query, upper: bool) -> Query {
    let all = |parts: &[Query]| parts.iter().map(|part| bound(part, upper)).collect();
    match query {
        Query::And(parts) => Query::And(all(parts)),
        Query::Or(parts) => Query::Or(all(parts)),
        Query::Not(inner) => Query::Not(Box::new(bound(inner, !upper))),
        Query::Related(_) if upper => Query::And(Vec::new()),
        Query::Related(_) => Query::Or(Vec::new()),
        other => other.clone(),
    }
}

struct Search<'a> {
    session: &'a QuerySession,
    table: Table,
    /// All rows that can match meet this.
    outer: Expr,
    /// Whether that leaves out anything.
    is_bounded: bool,
}

impl Search<'_> {
    /// The query with sets of traces in the place of what it asks of other rows.
    fn resolved<'q>(&'q mut self, query: &'q Query) -> BoxFuture<'q, Result<Query>> {
        Box::pin(async move {
            Ok(match query {
                Query::And(parts) => Query::And(self.all_resolved(parts).await?),
                Query::Or(parts) => Query::Or(self.all_resolved(parts).await?),
                Query::Not(inner) => Query::Not(Box::new(self.resolved(inner).await?)),
                Query::Related(related) => Query::Traces(Traces(self.traces_of(related).await?)),
                other => other.clone(),
            })
        })
    }

    async fn all_resolved(&mut self, parts: &[Query]) -> Result<Vec<Query>> {
        let mut resolved = Vec::with_capacity(parts.len());
        for part in parts {
            resolved.push(self.resolved(part).await?);
        }
        Ok(resolved)
    }

    /// The traces that have a row that matches; those suffice that rows of the outer search belong to.
    async fn traces_of(&self, related: &Related) -> Result<Arc<TraceSet>> {
        let inner = to_expr(&related.query, related.table)?;
        let find = |table, condition, most| traces_where(self.session, table, condition, most);
        for most in [self.session.few_traces(), self.max_traces()] {
            if let Some(found) = find(related.table, inner.clone(), most).await? {
                return Ok(found);
            }
            if !self.is_bounded {
                continue;
            }
            if let Some(outer) = find(self.table, self.outer.clone(), most).await? {
                let among = inner.clone().and(among(&outer));
                // There are no more than those of the outer search.
                if let Some(found) = find(related.table, among, outer.len()).await? {
                    return Ok(found);
                }
            }
        }
        Err(self.too_many(related))
    }

    fn max_traces(&self) -> usize {
        self.session.options().max_traces
    }

    fn too_many(&self, related: &Related) -> Error {
        Error::new(
            ErrorKind::TooLarge,
            format!(
                "`{}` at character {} of the query matches more than {} traces",
                related.form(),
                related.position,
                self.max_traces()
            ),
        )
        .with_hint("narrow what is in the parentheses, or the rest of the query, or its time range")
    }
}

fn among(traces: &Arc<TraceSet>) -> Expr {
    if traces.is_empty() {
        lit(false)
    } else {
        in_traces(col("trace_id"), traces)
    }
}

// === impl Query ===

impl Query {
    /// Calls `each` with what is asked of other rows.
    fn each_related<'q>(&'q self, each: &mut dyn FnMut(&'q Related)) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.each_related(each);
                }
            }
            Self::Not(inner) => inner.each_related(each),
            Self::Related(related) => each(related),
            Self::Text(_)
            | Self::Field(_)
            | Self::Range(_)
            | Self::Anywhere(_)
            | Self::Has(_)
            | Self::Traces(_) => {}
        }
    }

    /// Whether it is plain that it holds for every row.
    fn says_nothing(&self) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(Self::says_nothing),
            Self::Or(parts) => parts.iter().any(Self::says_nothing),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;

//! How deep a statement is. The planner and its optimizer walk expressions, joins and set
//! operations by recursion, and a stack that overflows ends the process; so what is deeper than
//! their stack surely bears is refused. The parser bounds parentheses and subqueries itself, but
//! reads `a + b + c + …` and `… UNION …` in loops that nest to the left without end.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SetExpr, Statement, Visit, Visitor};
use spoor_storage::{Error, Result};

/// Operators, subqueries, joins, `UNION`s and `WITH` queries, one inside or after the other.
/// Measured: 300 are planned in an unoptimised build on the stack that the server gives its
/// threads (16 MiB), 400 are not.
const MAX_DEPTH: usize = 128;

/// Errors with [`spoor_storage::ErrorKind::Invalid`] for a statement that is too deep.
pub(super) fn check(statement: &Statement) -> Result<()> {
    match Visit::visit(statement, &mut Depth { now: 0 }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::invalid(format!(
            "the query is nested too deep: more than {MAX_DEPTH} operators, joins or unions in a row"
        ))
        .with_hint("write `x IN (…)` for `x = … OR x = …`, or ask in several queries")),
    }
}

struct Depth {
    now: usize,
}

impl Depth {
    fn deeper(&mut self, by: usize) -> ControlFlow<()> {
        self.now += by;
        if self.now > MAX_DEPTH {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Set operations that nest to the left, without recursion.
fn unions(query: &Query) -> usize {
    let mut body = query.body.as_ref();
    let mut count = 0;
    while let SetExpr::SetOperation { left, .. } = body {
        count += 1;
        body = left;
    }
    count
}

fn weight(query: &Query) -> usize {
    // Each of them may read from the one before.
    let common = query.with.as_ref().map_or(0, |with| with.cte_tables.len());
    1 + common + unions(query)
}

/// Tables are joined one after the other.
fn joins(select: &Select) -> usize {
    select.from.iter().map(|table| 1 + table.joins.len()).sum()
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.deeper(weight(query))
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.now -= weight(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.deeper(joins(select))
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.now -= joins(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.deeper(1)
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.now -= 1;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn is_fine(sql: &str) -> bool {
        let statements = Parser::parse_sql(&GenericDialect {}, sql).unwrap();
        check(&statements[0]).is_ok()
    }

    #[test]
    fn chains_and_nests_are_bounded_and_lists_are_not() {
        let deep: [fn(usize) -> String; 5] = [
            |n| format!("SELECT {}", vec!["1"; n].join(" + ")),
            |n| format!("SELECT 1 FROM logs WHERE {}", vec!["a = b"; n].join(" OR ")),
            |n| vec!["SELECT 1"; n].join(" UNION ALL "),
            |n| format!("SELECT 1 FROM {}", vec!["logs"; n].join(" CROSS JOIN ")),
            |n| {
                let common: Vec<_> = (1..n)
                    .map(|at| format!("t{at} AS (SELECT * FROM t{})", at - 1))
                    .collect();
                format!("WITH t0 AS (SELECT 1), {} SELECT 1", common.join(", "))
            },
        ];
        for statement in deep {
            assert!(is_fine(&statement(100)), "{}", statement(3));
            assert!(!is_fine(&statement(200)), "{}", statement(3));
        }
        assert!(is_fine(&format!(
            "SELECT {}",
            vec!["a + b"; 2000].join(", ")
        )));
        assert!(is_fine(&format!(
            "SELECT 1 WHERE a IN ({})",
            vec!["'x'"; 5000].join(", ")
        )));
    }
}

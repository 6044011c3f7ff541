//! `({ … } | count())`: a pipeline in parentheses that ends with a number, to be compared with another.
//!
//! The same parenthesis may open a spanset, `({ … } | count() > 2) >> { … }`. Which it is shows at its other
//! end, so that is looked at first; nothing is read twice.

use super::{Parsed, Parser, fields};
use crate::tokens::{MAX_DEPTH, Spanned};
use crate::traceql::ast::ScalarExpr;
use crate::traceql::lexer::Token;

const AGGREGATES: [&str; 5] = ["count", "min", "max", "sum", "avg"];

impl Parser<'_> {
    /// Whether what comes is made of such pipelines.
    pub(super) fn begins_scalar_pipeline(&self) -> bool {
        (0..MAX_DEPTH)
            .take_while(|by| self.is_symbol(*by, "("))
            .any(|by| self.ends_in_aggregate(by) && self.encloses_numbers(by))
    }

    /// Whether the parenthesis here is around such a pipeline.
    pub(super) fn is_wrapped_pipeline(&self) -> bool {
        self.ends_in_aggregate(0)
    }

    pub(super) fn scalar_pipeline(&mut self) -> Parsed<ScalarExpr> {
        let open = self.position();
        self.expect("(", "nothing")?;
        let mut stages = vec![self.stage()?];
        loop {
            self.expect("|", "a stage of the pipeline")?;
            if self.is_last_aggregate() {
                break;
            }
            stages.push(self.stage()?);
        }
        let aggregate = self.aggregate()?;
        self.close(")", open)?;
        Ok(ScalarExpr::Pipeline(stages, aggregate))
    }

    fn is_symbol(&self, by: usize, symbol: &str) -> bool {
        matches!(self.ahead(by), Some(Token::Symbol(found)) if *found == symbol)
    }

    fn is_aggregate(&self, by: usize) -> bool {
        matches!(self.ahead(by), Some(Token::Word(word)) if AGGREGATES.contains(&word.as_str()))
    }

    /// `count())`
    fn is_last_aggregate(&self) -> bool {
        let close = self.closing(1).filter(|_| self.is_aggregate(0));
        close.is_some_and(|close| self.is_symbol(close + 1, ")"))
    }

    /// Whether the parenthesis at `by` ends with `| count())` or its like.
    fn ends_in_aggregate(&self, by: usize) -> bool {
        let last = self.closing(by).and_then(|close| close.checked_sub(1));
        let open = last
            .filter(|last| self.is_symbol(*last, ")"))
            .and_then(|last| self.partner(last));
        open.is_some_and(|open| {
            open > by + 2 && self.is_aggregate(open - 1) && self.is_symbol(open - 2, "|")
        })
    }

    /// Whether the parentheses before `by` hold numbers: after a number comes arithmetic or their end.
    fn encloses_numbers(&self, by: usize) -> bool {
        let mut inner = by;
        (0..by).rev().all(|outer| {
            let Some(close) = self.closing(inner) else {
                return false;
            };
            inner = outer;
            let arithmetic = matches!(
                self.ahead(close + 1),
                Some(Token::Symbol(symbol)) if fields::arithmetic_op(symbol).is_some()
            );
            arithmetic || self.is_symbol(close + 1, ")")
        })
    }

    /// Where the parenthesis that opens at `by` closes.
    fn closing(&self, by: usize) -> Option<usize> {
        self.partner(by).filter(|_| self.is_symbol(by, "("))
    }

    /// The other one of a pair of parentheses.
    fn partner(&self, by: usize) -> Option<usize> {
        let other = *self.beside.get(self.place() + by)?;
        other?.checked_sub(self.place())
    }
}

/// For each parenthesis the place of its other one.
pub(super) fn pairs(tokens: &[Spanned<Token>]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, spanned) in tokens.iter().enumerate() {
        match spanned.token {
            Token::Symbol("(") => open.push(at),
            Token::Symbol(")") => {
                if let Some(opening) = open.pop() {
                    pairs[opening] = Some(at);
                    pairs[at] = Some(opening);
                }
            }
            _ => {}
        }
    }
    pairs
}

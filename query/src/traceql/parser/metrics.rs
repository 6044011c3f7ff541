//! Metrics: a function of time at the end of a pipeline.

use super::{Parsed, Parser, comparison, fields};
use crate::tokens::Failure;
use crate::traceql::ast::{
    FieldExpr, Function, Metrics, MetricsFunction, SecondStage, SpansetExpr,
};
use crate::traceql::lexer::Token;
use crate::traceql::value::Value;

/// The functions of time.
pub(super) const FUNCTIONS: &[&str] = &[
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
];

/// Values shown of each attribute where `compare` does not say.
const DEFAULT_TOP: usize = 10;

/// Series or values that are kept may be so many.
const MAX_TOP: i64 = 1_000;

impl Parser<'_> {
    /// Whether a function of time comes after `by` more tokens.
    pub(super) fn begins_metrics(&self, by: usize) -> bool {
        matches!(self.ahead(by), Some(Token::Word(word)) if FUNCTIONS.contains(&word.as_str()))
    }

    pub(super) fn metrics(&mut self) -> Parsed<Option<Metrics>> {
        if !self.take("|") {
            return Ok(None);
        }
        let function = self.metrics_function()?;
        let by_at = self.position();
        let by = match self.word() {
            Some("by") => {
                self.advance();
                self.arguments("by", Self::field)?
            }
            _ => Vec::new(),
        };
        if matches!(function, MetricsFunction::Compare { .. }) && !by.is_empty() {
            return Err(
                Failure::new(by_at, "`compare` looks at all attributes").hint("leave out `by (…)`")
            );
        }
        let mut then = Vec::new();
        while let Some(next) = self.second_stage()? {
            then.push(next);
        }
        Ok(Some(Metrics { function, by, then }))
    }

    fn metrics_function(&mut self) -> Parsed<MetricsFunction> {
        let name = self.word().unwrap_or_default();
        self.advance();
        let over_time = |function| move |of| MetricsFunction::Of(function, of);
        match name {
            "rate" => self.no_arguments(name).map(|()| MetricsFunction::Rate),
            "count_over_time" => self.no_arguments(name).map(|()| MetricsFunction::Count),
            "min_over_time" => self.number_argument().map(over_time(Function::Min)),
            "max_over_time" => self.number_argument().map(over_time(Function::Max)),
            "avg_over_time" => self.number_argument().map(over_time(Function::Avg)),
            "sum_over_time" => self.number_argument().map(over_time(Function::Sum)),
            "histogram_over_time" => self.number_argument().map(MetricsFunction::Histogram),
            "quantile_over_time" => self.quantile(),
            _ => self.compare(),
        }
    }

    /// `(duration)`
    fn number_argument(&mut self) -> Parsed<FieldExpr> {
        let open = self.position();
        self.expect("(", "the function")?;
        let of = self.number_expr()?;
        self.close(")", open)?;
        Ok(of)
    }

    fn number_expr(&mut self) -> Parsed<FieldExpr> {
        let at = self.position();
        let of = self.field_expr()?;
        fields::check_number(&of, at)?;
        Ok(of)
    }

    /// `(duration, .99, .5)`
    fn quantile(&mut self) -> Parsed<MetricsFunction> {
        let open = self.position();
        self.expect("(", "`quantile_over_time`")?;
        let of = self.number_expr()?;
        let mut quantiles = Vec::new();
        while self.take(",") {
            let at = self.position();
            match self.literal().and_then(|value| value.number()) {
                Some(quantile) if (0.0..=1.0).contains(&quantile) => quantiles.push(quantile),
                _ => {
                    return Err(Failure::new(at, "a quantile is a number from 0 to 1")
                        .hint("write `quantile_over_time(duration, .99, .5)`"));
                }
            }
        }
        if quantiles.is_empty() {
            return Err(Failure::new(self.position(), "the quantiles are missing")
                .hint("write `quantile_over_time(duration, .99, .5)`"));
        }
        self.close(")", open)?;
        Ok(MetricsFunction::Quantile { of, quantiles })
    }

    /// `({ status = error }, 10, start, end)`
    fn compare(&mut self) -> Parsed<MetricsFunction> {
        let open = self.position();
        self.expect("(", "`compare`")?;
        let at = self.position();
        let SpansetExpr::Filter(selection) = self.spanset_operand()? else {
            return Err(Failure::new(at, "`compare` takes one filter")
                .hint("write `compare({ status = error })`"));
        };
        let top = if self.take(",") {
            self.top()?
        } else {
            DEFAULT_TOP
        };
        let mut window_ns = None;
        if self.take(",") {
            let start = self.nanoseconds()?;
            self.expect(",", "the start of the selection")?;
            window_ns = Some((start, self.nanoseconds()?));
        }
        self.close(")", open)?;
        Ok(MetricsFunction::Compare {
            selection,
            top,
            window_ns,
        })
    }

    fn nanoseconds(&mut self) -> Parsed<i64> {
        let at = self.position();
        match self.literal() {
            Some(Value::Int(number)) => Ok(number),
            _ => Err(Failure::new(at, "a time is given in Unix nanoseconds here")),
        }
    }

    fn top(&mut self) -> Parsed<usize> {
        let at = self.position();
        match self.literal() {
            Some(Value::Int(number)) if (1..=MAX_TOP).contains(&number) => {
                Ok(usize::try_from(number).unwrap_or(1))
            }
            _ => Err(Failure::new(
                at,
                format!("this is a number from 1 to {MAX_TOP}"),
            )),
        }
    }

    /// `| topk(5)`, `| bottomk(5)`, `> 10`
    fn second_stage(&mut self) -> Parsed<Option<SecondStage>> {
        if let Some(op) = self.symbol().and_then(comparison) {
            self.advance();
            let at = self.position();
            return match self.literal() {
                Some(Value::Duration(nanoseconds)) => {
                    Ok(Some(SecondStage::Filter(op, nanoseconds as f64 / 1e9)))
                }
                Some(value) if value.number().is_some() => {
                    Ok(value.number().map(|number| SecondStage::Filter(op, number)))
                }
                _ => Err(Failure::new(at, "samples are compared with a number")),
            };
        }
        if !self.take("|") {
            return Ok(None);
        }
        let is_top = match self.word() {
            Some("topk") => true,
            Some("bottomk") => false,
            _ => {
                return Err(self
                    .unexpected("`topk(…)` or `bottomk(…)`")
                    .hint("functions of time come last"));
            }
        };
        self.advance();
        let open = self.position();
        self.expect("(", "the function")?;
        let count = self.top()?;
        self.close(")", open)?;
        Ok(Some(if is_top {
            SecondStage::Top(count)
        } else {
            SecondStage::Bottom(count)
        }))
    }
}

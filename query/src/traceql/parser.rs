//! From tokens to the tree. Depth and size are bounded; errors say where and what to write.
//!
//! Operators bind as in Tempo, loosest first: `|`; `&&` and `||` alike; comparisons in a filter and
//! structural operators between filters; `+ -`; `!`; `* / %`; `^`. All but `^` group to the left.

use super::ast::{
    Aggregate, Comparison, Field, FieldExpr, Function, Query, Relation, ScalarExpr, ScalarFilter,
    Shown, SpansetExpr, SpansetOp, Stage,
};
use super::lexer::{Token, tokens};
use super::value::Value;
use crate::failure::nearest;
use crate::language::SyntaxError;
use crate::tokens::{Failure, Parsed, Reader};

mod fields;
mod hints;
mod metrics;
mod scalar_pipelines;

pub(super) fn parse(text: &str) -> Result<Query, SyntaxError> {
    whole(text).map_err(|failure| failure.in_text(text))
}

fn whole(text: &str) -> Parsed<Query> {
    let tokens = tokens(text)?;
    let mut parser = Parser::new(&tokens, text, scalar_pipelines::pairs(&tokens));
    if tokens.is_empty() {
        return Err(Failure::new(0, "the query is empty").hint("`{ }` finds every trace"));
    }
    let stages = parser.pipeline()?;
    let metrics = parser.metrics()?;
    let hints = parser.hints()?;
    if parser.peek().is_some() {
        return Err(parser.unexpected("the end of the query"));
    }
    Ok(Query {
        stages,
        metrics,
        hints,
    })
}

/// It knows for each parenthesis where its other one is.
pub(super) type Parser<'a> = Reader<'a, Token, Vec<Option<usize>>>;

impl Parser<'_> {
    pub(super) fn expect(&mut self, symbol: &str, after: &str) -> Parsed<()> {
        if self.take(symbol) {
            return Ok(());
        }
        Err(Failure::new(
            self.position(),
            format!("`{symbol}` is missing after {after}"),
        ))
    }

    // === pipelines ===

    fn pipeline(&mut self) -> Parsed<Vec<Stage>> {
        let mut stages = vec![self.stage()?];
        while self.symbol() == Some("|") && !self.begins_metrics(1) {
            self.advance();
            stages.push(self.stage()?);
        }
        Ok(stages)
    }

    fn stage(&mut self) -> Parsed<Stage> {
        match self.word() {
            Some("by") => {
                self.advance();
                Ok(Stage::By(self.arguments("by", Self::field_expr)?))
            }
            Some("select") => {
                self.advance();
                Ok(Stage::Select(self.arguments("select", Self::field)?))
            }
            Some("coalesce") => {
                self.advance();
                self.no_arguments("coalesce")?;
                Ok(Stage::Coalesce)
            }
            _ if self.begins_scalar_pipeline() => Ok(Stage::Scalar(self.scalar_filter()?)),
            _ if self.begins_spanset() => Ok(Stage::Spans(self.spanset(0)?)),
            _ => Ok(Stage::Scalar(self.scalar_filter()?)),
        }
    }

    /// Whether a `{` comes after the opening parentheses here.
    fn begins_spanset(&self) -> bool {
        let mut by = 0;
        while self.ahead(by) == Some(&Token::Symbol("(")) {
            by += 1;
        }
        match self.ahead(by) {
            Some(Token::Symbol("{")) => true,
            Some(Token::Word(word)) if by > 0 => matches!(word.as_str(), "by" | "select"),
            _ => false,
        }
    }

    /// `(a, b)`
    fn arguments<T>(&mut self, of: &str, read: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let open = self.position();
        self.expect("(", &format!("`{of}`"))?;
        let mut arguments = vec![read(self)?];
        while self.take(",") {
            arguments.push(read(self)?);
        }
        self.close(")", open)?;
        Ok(arguments)
    }

    fn no_arguments(&mut self, of: &str) -> Parsed<()> {
        let open = self.position();
        self.expect("(", &format!("`{of}`"))?;
        self.close(")", open)
    }

    // === spansets ===

    fn spanset(&mut self, least: u8) -> Parsed<SpansetExpr> {
        let mut left = self.spanset_operand()?;
        while let Some((op, binds)) = self.symbol().and_then(spanset_op) {
            if binds < least {
                break;
            }
            self.advance();
            let right = self.deeper(|parser| parser.spanset(binds + 1))?;
            left = SpansetExpr::Combined {
                op,
                left: Box::new(left),
                right: Box::new(right),
            };
        }
        Ok(left)
    }

    fn spanset_operand(&mut self) -> Parsed<SpansetExpr> {
        self.count_term()?;
        let open = self.position();
        if self.take("{") {
            if self.take("}") {
                return Ok(SpansetExpr::Filter(FieldExpr::Literal(Value::Bool(true))));
            }
            let filter = self.field_expr()?;
            self.close("}", open)?;
            fields::check_condition(&filter, open)?;
            return Ok(SpansetExpr::Filter(filter));
        }
        if self.take("(") {
            let mut stages = self.deeper(Self::pipeline)?;
            self.close(")", open)?;
            return Ok(match stages.as_mut_slice() {
                [Stage::Spans(_)] => match stages.swap_remove(0) {
                    Stage::Spans(inner) => inner,
                    other => SpansetExpr::Pipeline(vec![other]),
                },
                _ => SpansetExpr::Pipeline(stages),
            });
        }
        let failure = self.unexpected("a `{ … }`");
        Err(match self.peek() {
            Some(Token::Field(field)) => failure.hint(format!("write `{{ {field} … }}`")),
            _ => failure,
        })
    }

    // === aggregates ===

    fn scalar_filter(&mut self) -> Parsed<ScalarFilter> {
        let start = self.position();
        let left = self.scalar(0)?;
        let Some(op) = self.symbol().and_then(comparison) else {
            return Err(self.unexpected("a comparison such as `> 2`"));
        };
        self.advance();
        let right = self.scalar(0)?;
        if !has_aggregate(&left) && !has_aggregate(&right) {
            return Err(Failure::new(start, "this compares no value of the spans")
                .hint("write `count() > 2` or `avg(duration) > 1s`"));
        }
        Ok(ScalarFilter { op, left, right })
    }

    fn scalar(&mut self, least: u8) -> Parsed<ScalarExpr> {
        let mut left = self.deeper(Self::scalar_operand)?;
        while let Some((op, binds, rightwards)) = self.symbol().and_then(fields::arithmetic_op) {
            if binds < least {
                break;
            }
            self.advance();
            let next = if rightwards { binds } else { binds + 1 };
            let right = self.deeper(|parser| parser.scalar(next))?;
            left = ScalarExpr::Arithmetic {
                op,
                left: Box::new(left),
                right: Box::new(right),
            };
        }
        Ok(left)
    }

    fn scalar_operand(&mut self) -> Parsed<ScalarExpr> {
        self.count_term()?;
        let open = self.position();
        if self.is_wrapped_pipeline() {
            return self.deeper(Self::scalar_pipeline);
        }
        if self.take("(") {
            let inner = self.deeper(|parser| parser.scalar(0))?;
            self.close(")", open)?;
            return Ok(inner);
        }
        if let Some(literal) = self.literal() {
            return Ok(ScalarExpr::Literal(literal));
        }
        self.aggregate().map(ScalarExpr::Aggregate)
    }

    fn aggregate(&mut self) -> Parsed<Aggregate> {
        let function = match self.word() {
            Some("count") => {
                self.advance();
                self.no_arguments("count")?;
                return Ok(Aggregate::Count);
            }
            Some("min") => Function::Min,
            Some("max") => Function::Max,
            Some("sum") => Function::Sum,
            Some("avg") => Function::Avg,
            _ => return Err(self.not_a_stage()),
        };
        self.advance();
        let open = self.position();
        self.expect("(", "the function")?;
        let of = self.field_expr()?;
        fields::check_number(&of, open)?;
        self.close(")", open)?;
        Ok(Aggregate::Of(function, of))
    }

    fn not_a_stage(&self) -> Failure {
        const SPANSETS: &[&str] = &[
            "count", "min", "max", "sum", "avg", "by", "select", "coalesce",
        ];
        let stages = [SPANSETS, metrics::FUNCTIONS, &["topk", "bottomk"]].concat();
        let failure = self.unexpected("a `{ … }` or a function");
        match self.peek() {
            Some(Token::Word(word)) => match nearest(word, &stages).first() {
                Some(near) => failure.hint(format!("did you mean `{near}()`?")),
                None => failure.hint(format!("the functions are {}", stages.join(", "))),
            },
            Some(Token::Field(field)) => failure.hint(format!("write `{{ {field} … }}`")),
            _ => failure,
        }
    }

    /// A field by itself, as `select` takes it.
    fn field(&mut self) -> Parsed<Field> {
        let start = self.position();
        match self.field_expr()? {
            FieldExpr::Field(field) => Ok(field),
            _ => Err(Failure::new(start, "`select` takes fields only")),
        }
    }
}

fn has_aggregate(expr: &ScalarExpr) -> bool {
    match expr {
        ScalarExpr::Literal(_) => false,
        ScalarExpr::Aggregate(_) | ScalarExpr::Pipeline(..) => true,
        ScalarExpr::Arithmetic { left, right, .. } => has_aggregate(left) || has_aggregate(right),
    }
}

/// A spanset operator and how strongly it binds.
fn spanset_op(symbol: &str) -> Option<(SpansetOp, u8)> {
    let (shown, rest) = match symbol {
        "&&" => return Some((SpansetOp::And, 0)),
        "||" => return Some((SpansetOp::Or, 0)),
        _ => match symbol.strip_prefix(['!', '&']) {
            Some(rest) if symbol.starts_with('!') => (Shown::RightWithout, rest),
            Some(rest) => (Shown::Both, rest),
            None => (Shown::Right, symbol),
        },
    };
    let relation = match rest {
        ">" => Relation::Child,
        ">>" => Relation::Descendant,
        "<" => Relation::Parent,
        "<<" => Relation::Ancestor,
        "~" => Relation::Sibling,
        _ => return None,
    };
    let op = SpansetOp::Structural {
        relation,
        result: shown,
    };
    Some((op, 1))
}

pub(super) fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "=" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;

//! From tokens to the tree. Depth and size are bounded; errors say where and what to write.
//!
//! Operators bind as in Loki, loosest first: `or`; `and`, `unless`; comparisons; `+ -`; `* / %`;
//! `^`, which groups to the right.

use regex::{Regex, RegexBuilder};

use super::ast::{Binary, BinaryOp, Comparison, Expr, Many, Matching};
use super::lexer::{Token, tokens};
use super::values::is_label_name;
use crate::failure::nearest;
use crate::language::SyntaxError;
use crate::tokens::{Failure, Parsed, Reader};

mod filters;
mod logs;
mod metrics;

/// A compiled regular expression may take so much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

pub(super) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    whole(text).map_err(|failure| failure.in_text(text))
}

fn whole(text: &str) -> Parsed<Expr> {
    let tokens = tokens(text)?;
    let mut parser = Parser::new(&tokens, text, ());
    if tokens.is_empty() {
        return Err(Failure::new(0, "the query is empty")
            .hint("`{service_name=~\".+\"}` finds every log line"));
    }
    let expr = parser.expr(0)?;
    if parser.peek().is_some() {
        return Err(parser.unexpected("the end of the query"));
    }
    Ok(expr)
}

pub(super) type Parser<'a> = Reader<'a, Token>;

impl Parser<'_> {
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.word() == Some(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{symbol}`")))
    }

    pub(super) fn text(&mut self, wanted: &str) -> Parsed<String> {
        match self.peek() {
            Some(Token::Text(text)) => {
                self.advance();
                Ok(text.clone())
            }
            Some(Token::Word(word)) => {
                Err(self.unexpected(wanted).hint(format!("write \"{word}\"")))
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    pub(super) fn number(&mut self, wanted: &str) -> Parsed<f64> {
        let negative = self.take("-");
        match self.peek() {
            Some(Token::Number(number)) => {
                self.advance();
                Ok(if negative { -number } else { *number })
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// The name of a label.
    pub(super) fn label(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.advance();
                Ok(word.clone())
            }
            // Newer Grafana quotes names.
            Some(Token::Text(text)) if is_label_name(text) => {
                self.advance();
                Ok(text.clone())
            }
            _ => Err(self.unexpected("the name of a label")),
        }
    }

    /// `(a, b)`
    pub(super) fn labels(&mut self) -> Parsed<Vec<String>> {
        let open = self.position();
        self.expect("(")?;
        let mut labels = Vec::new();
        while self.symbol() != Some(")") {
            self.count_term()?;
            labels.push(self.label()?);
            if !self.take(",") {
                break;
            }
        }
        self.close(")", open)?;
        Ok(labels)
    }

    /// A regular expression; `wrap` puts something around it.
    pub(super) fn regex(at: usize, pattern: &str, wrap: impl Fn(&str) -> String) -> Parsed<Regex> {
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(MAX_REGEX_BYTES)
                .build()
        };
        // By itself, so that the message shows what was written.
        compile(pattern)
            .and_then(|_| compile(&wrap(pattern)))
            .map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim().to_owned();
                let reason = reason.trim_start_matches("error: ").to_owned();
                Failure::new(at, format!("the regular expression is malformed: {reason}"))
            })
    }

    // === expressions ===

    fn expr(&mut self, loosest: u8) -> Parsed<Expr> {
        let start = self.position();
        let mut left = self.operand()?;
        while let Some((op, tightness)) = self.operator() {
            if tightness < loosest {
                break;
            }
            let at = self.position();
            self.advance();
            let as_bool = self.take_word("bool");
            if as_bool && !matches!(op, BinaryOp::Compare(_)) {
                return Err(Failure::new(at, "only comparisons have `bool`"));
            }
            let matching = self.matching(op)?;
            let next = if op == BinaryOp::Power {
                tightness
            } else {
                tightness + 1
            };
            let right_at = self.position();
            let right = self.deeper(|parser| parser.expr(next))?;
            numbers_only(&left, start)?;
            numbers_only(&right, right_at)?;
            left = fold(Binary {
                op,
                left,
                right,
                as_bool,
                matching,
            });
        }
        Ok(left)
    }

    fn operator(&self) -> Option<(BinaryOp, u8)> {
        use BinaryOp as B;
        Some(match self.peek()? {
            Token::Word(word) => match word.as_str() {
                "or" => (B::Or, 0),
                "and" => (B::And, 1),
                "unless" => (B::Unless, 1),
                _ => return None,
            },
            Token::Symbol(symbol) => match *symbol {
                "+" => (B::Add, 3),
                "-" => (B::Subtract, 3),
                "*" => (B::Multiply, 4),
                "/" => (B::Divide, 4),
                "%" => (B::Modulo, 4),
                "^" => (B::Power, 5),
                other => (B::Compare(comparison(other)?), 2),
            },
            _ => return None,
        })
    }

    fn matching(&mut self, op: BinaryOp) -> Parsed<Matching> {
        let mut matching = Matching::default();
        if let Some(word @ ("on" | "ignoring")) = self.word() {
            self.advance();
            matching.on = word == "on";
            matching.labels = self.labels()?;
            if let Some(side @ ("group_left" | "group_right")) = self.word() {
                if matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless) {
                    return Err(Failure::new(
                        self.position(),
                        format!("`{side}` goes with arithmetic and comparisons only"),
                    ));
                }
                self.advance();
                let include = match self.symbol() {
                    Some("(") => self.labels()?,
                    _ => Vec::new(),
                };
                matching.many = Some(Many {
                    left: side == "group_left",
                    include,
                });
            }
        }
        Ok(matching)
    }

    fn operand(&mut self) -> Parsed<Expr> {
        self.count_term()?;
        let at = self.position();
        match self.peek() {
            Some(Token::Number(number)) => {
                self.advance();
                Ok(Expr::Number(*number))
            }
            Some(Token::Symbol("-")) => {
                self.advance();
                let operand = self.deeper(|parser| parser.expr(5))?;
                numbers_only(&operand, at)?;
                Ok(fold(Binary {
                    op: BinaryOp::Multiply,
                    left: Expr::Number(-1.0),
                    right: operand,
                    as_bool: false,
                    matching: Matching::default(),
                }))
            }
            Some(Token::Symbol("+")) => {
                self.advance();
                self.deeper(|parser| parser.expr(5))
            }
            Some(Token::Symbol("(")) => {
                self.advance();
                let inner = self.deeper(|parser| parser.expr(0))?;
                self.close(")", at)?;
                Ok(inner)
            }
            Some(Token::Symbol("{")) => Ok(Expr::Logs(self.log_query()?)),
            Some(Token::Word(word)) => self.function(word, at),
            _ => Err(self
                .unexpected("a stream selector, a function or a number")
                .hint("begin with `{service_name=\"checkout\"}`")),
        }
    }
}

pub(super) fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "==" | "=" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// That nothing is called `name`, with what is.
pub(super) fn unknown(at: usize, what: &str, name: &str, known: &[&str]) -> Failure {
    let failure = Failure::new(at, format!("there is no {what} `{name}`"));
    match nearest(name, known).first() {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("there are {}", known.join(", "))),
    }
}

/// Lines are no operands.
pub(super) fn numbers_only(expr: &Expr, at: usize) -> Parsed<()> {
    match expr {
        Expr::Logs(_) => Err(Failure::new(at, "log lines are no numbers")
            .hint("count them: `count_over_time({…}[5m])`")),
        _ => Ok(()),
    }
}

/// Two numbers are one, unless that cannot be written as a number.
fn fold(binary: Binary) -> Expr {
    match (&binary.left, &binary.right) {
        (Expr::Number(left), Expr::Number(right)) => {
            match super::metrics::of_numbers(binary.op, *left, *right) {
                Some(number) if number.is_finite() => Expr::Number(number),
                _ => Expr::Binary(Box::new(binary)),
            }
        }
        _ => Expr::Binary(Box::new(binary)),
    }
}

#[cfg(test)]
mod tests;

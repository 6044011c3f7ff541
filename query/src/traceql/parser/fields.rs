//! Expressions on one span, and what can be said of their types before any span is seen.

use regex::RegexBuilder;

use super::{Parsed, Parser, comparison};
use crate::tokens::Failure;
use crate::traceql::ast::Intrinsic;
use crate::traceql::ast::{Arithmetic, Comparison, Field, FieldExpr, Pattern, Target, ValueKind};
use crate::traceql::lexer::{Token, unknown};
use crate::traceql::value::{self, Kind, Status, Value};

/// A compiled regular expression may have this size.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// An operator of a filter.
#[derive(Clone, Copy)]
enum FieldOp {
    And,
    Or,
    Compare(Comparison),
    Match { negated: bool },
    Arithmetic(Arithmetic),
}

const LOGICAL: u8 = 0;
const COMPARISON: u8 = 1;
const SUM: u8 = 2;
const NOT: u8 = 3;
const PRODUCT: u8 = 4;
const POWER: u8 = 5;

/// The operator, how strongly it binds, and whether it groups to the right.
pub(super) fn arithmetic_op(symbol: &str) -> Option<(Arithmetic, u8, bool)> {
    Some(match symbol {
        "+" => (Arithmetic::Add, SUM, false),
        "-" => (Arithmetic::Subtract, SUM, false),
        "*" => (Arithmetic::Multiply, PRODUCT, false),
        "/" => (Arithmetic::Divide, PRODUCT, false),
        "%" => (Arithmetic::Remainder, PRODUCT, false),
        "^" => (Arithmetic::Power, POWER, true),
        _ => return None,
    })
}

fn field_op(symbol: &str) -> Option<(FieldOp, u8, bool)> {
    if let Some((op, binds, rightwards)) = arithmetic_op(symbol) {
        return Some((FieldOp::Arithmetic(op), binds, rightwards));
    }
    let (op, binds) = match symbol {
        "&&" => (FieldOp::And, LOGICAL),
        "||" => (FieldOp::Or, LOGICAL),
        "=~" => (FieldOp::Match { negated: false }, COMPARISON),
        "!~" => (FieldOp::Match { negated: true }, COMPARISON),
        _ => (FieldOp::Compare(comparison(symbol)?), COMPARISON),
    };
    Some((op, binds, false))
}

impl Parser<'_> {
    pub(super) fn field_expr(&mut self) -> Parsed<FieldExpr> {
        self.deeper(|parser| parser.field_operators(LOGICAL))
    }

    fn field_operators(&mut self, least: u8) -> Parsed<FieldExpr> {
        let start = self.position();
        let mut left = self.field_operand()?;
        while let Some((op, binds, rightwards)) = self.symbol().and_then(field_op) {
            if binds < least {
                break;
            }
            let at = self.position();
            self.advance();
            let next = if rightwards { binds } else { binds + 1 };
            let right_at = self.position();
            let right = self.deeper(|parser| parser.field_operators(next))?;
            left = combine(op, left, right, [start, at, right_at])?;
        }
        Ok(left)
    }

    fn field_operand(&mut self) -> Parsed<FieldExpr> {
        self.count_term()?;
        let at = self.position();
        if self.take("!") {
            let inner = self.deeper(|parser| parser.field_operators(NOT))?;
            check_condition(&inner, at)?;
            return Ok(FieldExpr::Not(Box::new(inner)));
        }
        if let Some(literal) = self.literal() {
            return Ok(FieldExpr::Literal(literal));
        }
        if self.take("-") {
            let inner = self.deeper(|parser| parser.field_operators(PRODUCT))?;
            check_number(&inner, at)?;
            return Ok(FieldExpr::Negative(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.field_expr()?;
            self.close(")", at)?;
            return Ok(inner);
        }
        match self.peek() {
            Some(Token::Field(field)) => {
                self.advance();
                Ok(FieldExpr::Field(field.clone()))
            }
            Some(Token::Word(word)) => match Intrinsic::named(word) {
                Some(intrinsic) => {
                    self.advance();
                    Ok(FieldExpr::Field(Field::intrinsic(intrinsic)))
                }
                None => Err(unknown(at, word)),
            },
            _ => Err(self.unexpected("a field or a value")),
        }
    }

    /// A value that is written out, if one comes next; numbers with their sign.
    pub(super) fn literal(&mut self) -> Option<Value<'static>> {
        let signed = self.symbol() == Some("-");
        let number = match self.ahead(usize::from(signed)) {
            Some(Token::Int(number)) => Value::Int(*number),
            Some(Token::Float(number)) => Value::Float(*number),
            Some(Token::Duration(number)) => Value::Duration(*number),
            _ if signed => return None,
            Some(Token::Text(text)) => Value::Text(text.clone().into()),
            Some(Token::Word(word)) => constant(word)?,
            _ => return None,
        };
        if !signed {
            self.advance();
            return Some(number);
        }
        // `-2 ^ 2` is -(2 ^ 2), as everywhere.
        if self.ahead(2) == Some(&Token::Symbol("^")) {
            return None;
        }
        self.advance();
        self.advance();
        Some(value::negative(&number))
    }
}

fn constant(word: &str) -> Option<Value<'static>> {
    let status = Status::ALL.into_iter().find(|status| status.word() == word);
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word);
    match word {
        "nil" => Some(Value::Nil),
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "minInt" => Some(Value::Int(i64::MIN)),
        "maxInt" => Some(Value::Int(i64::MAX)),
        _ => status.map(Value::Status).or(kind.map(Value::Kind)),
    }
}

fn combine(
    op: FieldOp,
    left: FieldExpr,
    right: FieldExpr,
    [left_at, at, right_at]: [usize; 3],
) -> Parsed<FieldExpr> {
    match op {
        FieldOp::And | FieldOp::Or => {
            check_condition(&left, left_at)?;
            check_condition(&right, right_at)?;
            let (left, right) = (Box::new(left), Box::new(right));
            Ok(match op {
                FieldOp::And => FieldExpr::And(left, right),
                _ => FieldExpr::Or(left, right),
            })
        }
        FieldOp::Match { negated } => Ok(FieldExpr::Match {
            subject: Box::new(left),
            pattern: pattern(&right, right_at)?,
            negated,
        }),
        FieldOp::Compare(op) => {
            check_comparison(op, &left, &right, at)?;
            let (left, right) = ids_as_stored(left, right);
            Ok(FieldExpr::Compare {
                op,
                left: Box::new(left),
                right: Box::new(right),
            })
        }
        FieldOp::Arithmetic(op) => {
            check_number(&left, left_at)?;
            check_number(&right, right_at)?;
            Ok(FieldExpr::Arithmetic {
                op,
                left: Box::new(left),
                right: Box::new(right),
            })
        }
    }
}

/// Anchored at both ends, as in Tempo.
fn pattern(right: &FieldExpr, at: usize) -> Parsed<Pattern> {
    let FieldExpr::Literal(Value::Text(source)) = right else {
        return Err(Failure::new(at, "a regular expression is a text")
            .hint("write it in quotes: `name =~ \"GET.*\"`"));
    };
    let compiled = RegexBuilder::new(&format!("^(?:{source})$"))
        .size_limit(MAX_PATTERN_BYTES)
        .build();
    match compiled {
        Ok(regex) => Ok(Pattern {
            source: source.clone().into_owned(),
            regex,
        }),
        Err(error) => Err(Failure::new(
            at,
            format!("the regular expression `{source}` is malformed: {error}"),
        )),
    }
}

/// Ids are compared as lower-case digits with their leading zeros.
fn ids_as_stored(left: FieldExpr, right: FieldExpr) -> (FieldExpr, FieldExpr) {
    let digits = |expr: &FieldExpr| match expr {
        FieldExpr::Field(Field {
            target: Target::Intrinsic(intrinsic),
            ..
        }) => match intrinsic {
            Intrinsic::TraceId | Intrinsic::LinkTraceId => Some(32),
            Intrinsic::SpanId | Intrinsic::ParentId | Intrinsic::LinkSpanId => Some(16),
            _ => None,
        },
        _ => None,
    };
    let stored = |expr: FieldExpr, digits: Option<usize>| match (expr, digits) {
        (FieldExpr::Literal(Value::Text(text)), Some(digits)) => {
            let text = format!("{:0>digits$}", text.to_lowercase());
            FieldExpr::Literal(Value::Text(text.into()))
        }
        (expr, _) => expr,
    };
    let (of_left, of_right) = (digits(&left), digits(&right));
    (stored(left, of_right), stored(right, of_left))
}

/// What values an expression has, if that is known before any span is seen.
fn kind_of(expr: &FieldExpr) -> Option<ValueKind> {
    match expr {
        FieldExpr::Literal(value) => match value {
            Value::Nil | Value::List(_) => None,
            Value::Bool(_) => Some(ValueKind::Bool),
            Value::Int(_) | Value::Float(_) | Value::Duration(_) => Some(ValueKind::Number),
            Value::Text(_) => Some(ValueKind::Text),
            Value::Status(_) => Some(ValueKind::Status),
            Value::Kind(_) => Some(ValueKind::Kind),
        },
        FieldExpr::Field(field) => match &field.target {
            Target::Intrinsic(intrinsic) => Some(intrinsic.value_kind()),
            Target::Attribute { .. } => None,
        },
        FieldExpr::Negative(_) | FieldExpr::Arithmetic { .. } => Some(ValueKind::Number),
        _ => Some(ValueKind::Bool),
    }
}

fn noun(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Text => "a text",
        ValueKind::Number => "a number",
        ValueKind::Status => "a status",
        ValueKind::Kind => "a kind",
        ValueKind::Bool => "true or false",
    }
}

/// That `expr` can be true or false.
pub(super) fn check_condition(expr: &FieldExpr, at: usize) -> Parsed<()> {
    match kind_of(expr) {
        None | Some(ValueKind::Bool) => Ok(()),
        Some(kind) => Err(
            Failure::new(at, format!("`{expr}` is {} and no condition", noun(kind)))
                .hint(format!("compare it: `{expr} = …`")),
        ),
    }
}

/// That `expr` can be a number.
pub(super) fn check_number(expr: &FieldExpr, at: usize) -> Parsed<()> {
    match kind_of(expr) {
        None | Some(ValueKind::Number) => Ok(()),
        Some(kind) => Err(Failure::new(
            at,
            format!("`{expr}` is {} and not a number", noun(kind)),
        )),
    }
}

fn check_comparison(op: Comparison, left: &FieldExpr, right: &FieldExpr, at: usize) -> Parsed<()> {
    let is_nil = |expr: &FieldExpr| matches!(expr, FieldExpr::Literal(Value::Nil));
    let is_equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
    if is_nil(left) || is_nil(right) {
        if is_equality {
            return Ok(());
        }
        return Err(Failure::new(at, format!("nothing is `{op} nil`"))
            .hint("`= nil` is not there, `!= nil` is there"));
    }
    let (Some(a), Some(b)) = (kind_of(left), kind_of(right)) else {
        return Ok(());
    };
    if a != b {
        let failure = Failure::new(
            at,
            format!(
                "`{left}` is {} and `{right}` is {}: they are never equal",
                noun(a),
                noun(b)
            ),
        );
        return Err(match (a, b) {
            (ValueKind::Status, _) => failure.hint("write `status = error`: error, ok or unset"),
            (ValueKind::Kind, _) => failure.hint(
                "write `kind = server`: server, client, internal, producer, consumer or unspecified",
            ),
            _ => failure,
        });
    }
    let has_order = matches!(a, ValueKind::Text | ValueKind::Number);
    if !is_equality && !has_order {
        return Err(
            Failure::new(at, format!("{} has no order", noun(a))).hint("compare it with = or !=")
        );
    }
    Ok(())
}

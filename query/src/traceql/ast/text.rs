//! Expressions as they are written, so that they can be read again.

use std::fmt;

use super::{Aggregate, Arithmetic, Comparison, Field, FieldExpr, Function, Target};
use crate::tokens::in_quotes;
use crate::traceql::lexer::is_attribute_char;
use crate::traceql::value::{Kind, Status};

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of_parent {
            f.write_str("parent.")?;
        }
        match &self.target {
            Target::Intrinsic(intrinsic) => f.write_str(intrinsic.name()),
            Target::Attribute { scope, key } => {
                match scope {
                    Some(scope) => write!(f, "{}.", scope.word())?,
                    None if self.of_parent => {}
                    None => f.write_str(".")?,
                }
                if key.chars().all(is_attribute_char) && !key.is_empty() {
                    f.write_str(key)
                } else {
                    let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(f, "\"{escaped}\"")
                }
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "^",
        })
    }
}

impl fmt::Display for FieldExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => write!(f, "{}", value.quoted()),
            Self::Field(field) => write!(f, "{field}"),
            Self::Not(inner) => write!(f, "!({inner})"),
            Self::Negative(inner) => write!(f, "-({inner})"),
            Self::And(left, right) => write!(f, "({left} && {right})"),
            Self::Or(left, right) => write!(f, "({left} || {right})"),
            Self::Compare { op, left, right } => write!(f, "({left} {op} {right})"),
            Self::Match {
                subject,
                pattern,
                negated,
            } => {
                let op = if *negated { "!~" } else { "=~" };
                write!(f, "({subject} {op} {})", in_quotes(&pattern.source))
            }
            Self::Arithmetic { op, left, right } => write!(f, "({left} {op} {right})"),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Of(function, of) => {
                let word = match function {
                    Function::Min => "min",
                    Function::Max => "max",
                    Function::Sum => "sum",
                    Function::Avg => "avg",
                };
                write!(f, "{word}({of})")
            }
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

//! A query as text, written the one way.

use std::fmt::{Display, Formatter, Result};

use super::{
    Aggregation, Binary, BinaryOp, Comparison, Conversion, Expr, Grouping, LabelFilter,
    LabelFormat, LineFilter, LineTest, LogQuery, Matcher, Matching, Picked, Quantity,
    RangeAggregation, RangeFunction, Stage, TextOp, Unwrap, VectorFunction,
};
use crate::logql::values::{duration_text, number_text};
use crate::tokens::in_quotes;

fn list<T: Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join(", ")
}

impl Display for TextOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        })
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Matcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(
            f,
            "{}{}{}",
            self.name,
            self.test.op,
            in_quotes(&self.test.value)
        )
    }
}

impl Display for LogQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{{{}}}", list(&self.matchers))?;
        self.stages
            .iter()
            .try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl Display for LineFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let sign = if self.negated { '!' } else { '|' };
        let of = |test: &LineTest| match test {
            LineTest::Contains(text) => ('=', in_quotes(text)),
            LineTest::Regex(regex) => ('~', in_quotes(regex.as_str())),
            LineTest::Pattern(pattern) => ('>', in_quotes(pattern.as_str())),
            LineTest::Ip(range) => ('=', format!("ip({})", in_quotes(range.as_str()))),
        };
        for (place, test) in self.any.iter().enumerate() {
            let (op, text) = of(test);
            match place {
                0 => write!(f, "{sign}{op} {text}")?,
                _ => write!(f, " or {text}")?,
            }
        }
        Ok(())
    }
}

impl Display for LabelFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::And(left, right) => write!(f, "({left} and {right})"),
            Self::Or(left, right) => write!(f, "({left} or {right})"),
            Self::Text(matcher) => write!(f, "{matcher}"),
            Self::Number { name, op, value } => write!(f, "{name}{op}{value}"),
            Self::Ip {
                name,
                negated,
                range,
            } => {
                let op = if *negated { "!=" } else { "=" };
                write!(f, "{name}{op}ip({})", in_quotes(range.as_str()))
            }
        }
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Number(number) => f.write_str(&number_text(*number)),
            Self::Duration(duration) => f.write_str(&duration_text(*duration)),
            Self::Bytes(bytes) => write!(f, "{bytes}B"),
        }
    }
}

impl Display for Picked {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.test {
            None => f.write_str(&self.name),
            Some(test) => write!(f, "{}{}{}", self.name, test.op, in_quotes(&test.value)),
        }
    }
}

fn fields<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let pairs: Vec<String> = pairs
        .map(|(name, of)| format!("{name}={}", in_quotes(of)))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!(" {}", pairs.join(", "))
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Line(filter) => write!(f, "{filter}"),
            Self::Json(given) => {
                write!(
                    f,
                    "| json{}",
                    fields(given.iter().map(|(name, of, _)| (name, of)))
                )
            }
            Self::Logfmt {
                strict,
                keep_empty,
                fields: given,
            } => {
                let strict = if *strict { " --strict" } else { "" };
                let keep = if *keep_empty { " --keep-empty" } else { "" };
                let given = fields(given.iter().map(|(name, of)| (name, of)));
                write!(f, "| logfmt{strict}{keep}{given}")
            }
            Self::Regexp(regex) => write!(f, "| regexp {}", in_quotes(regex.as_str())),
            Self::Pattern(pattern) => write!(f, "| pattern {}", in_quotes(pattern.as_str())),
            Self::Unpack => f.write_str("| unpack"),
            Self::Filter(filter) => write!(f, "| {filter}"),
            Self::LineFormat(template) => {
                write!(f, "| line_format {}", in_quotes(template.as_str()))
            }
            Self::LabelFormat(given) => {
                let given = given.iter().map(|(name, format)| match format {
                    LabelFormat::Rename(of) => format!("{name}={of}"),
                    LabelFormat::Template(of) => format!("{name}={}", in_quotes(of.as_str())),
                });
                let given: Vec<String> = given.collect();
                write!(f, "| label_format {}", given.join(", "))
            }
            Self::Decolorize => f.write_str("| decolorize"),
            Self::Drop(picked) => write!(f, "| drop {}", list(picked)),
            Self::Keep(picked) => write!(f, "| keep {}", list(picked)),
        }
    }
}

impl Display for Unwrap {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.conversion {
            Conversion::Number => write!(f, "| unwrap {}", self.label),
            Conversion::Duration => write!(f, "| unwrap duration({})", self.label),
            Conversion::Bytes => write!(f, "| unwrap bytes({})", self.label),
        }?;
        self.filters
            .iter()
            .try_for_each(|filter| write!(f, " | {filter}"))
    }
}

impl Display for Grouping {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let word = if self.without { "without" } else { "by" };
        write!(f, "{word} ({})", self.labels.join(", "))
    }
}

impl RangeFunction {
    /// As queries name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::RateCounter => "rate_counter",
            Self::Count => "count_over_time",
            Self::Bytes => "bytes_over_time",
            Self::BytesRate => "bytes_rate",
            Self::Absent => "absent_over_time",
            Self::Sum => "sum_over_time",
            Self::Avg => "avg_over_time",
            Self::Min => "min_over_time",
            Self::Max => "max_over_time",
            Self::First => "first_over_time",
            Self::Last => "last_over_time",
            Self::Stdvar => "stdvar_over_time",
            Self::Stddev => "stddev_over_time",
            Self::Quantile(_) => "quantile_over_time",
        }
    }
}

impl Display for RangeAggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}(", self.function.name())?;
        if let RangeFunction::Quantile(quantile) = self.function {
            write!(f, "{quantile}, ")?;
        }
        write!(f, "{}", self.query)?;
        if let Some(unwrap) = &self.unwrap {
            write!(f, " {unwrap}")?;
        }
        write!(f, " [{}]", duration_text(self.range_ns))?;
        if self.offset_ns != 0 {
            write!(f, " offset {}", duration_text(self.offset_ns))?;
        }
        f.write_str(")")?;
        match &self.grouping {
            Some(grouping) => write!(f, " {grouping}"),
            None => Ok(()),
        }
    }
}

impl Display for Aggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (name, parameter) = match self.function {
            VectorFunction::Sum => ("sum", None),
            VectorFunction::Avg => ("avg", None),
            VectorFunction::Min => ("min", None),
            VectorFunction::Max => ("max", None),
            VectorFunction::Count => ("count", None),
            VectorFunction::Stddev => ("stddev", None),
            VectorFunction::Stdvar => ("stdvar", None),
            VectorFunction::Top(count) => ("topk", Some(count)),
            VectorFunction::Bottom(count) => ("bottomk", Some(count)),
            VectorFunction::Sort => ("sort", None),
            VectorFunction::SortDescending => ("sort_desc", None),
        };
        f.write_str(name)?;
        if let Some(grouping) = &self.grouping {
            write!(f, " {grouping} ")?;
        }
        match parameter {
            Some(count) => write!(f, "({count}, {})", self.of),
            None => write!(f, "({})", self.of),
        }
    }
}

impl Display for Matching {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.on || !self.labels.is_empty() {
            let word = if self.on { "on" } else { "ignoring" };
            write!(f, " {word} ({})", self.labels.join(", "))?;
        }
        if let Some(many) = &self.many {
            let word = if many.left {
                "group_left"
            } else {
                "group_right"
            };
            write!(f, " {word} ({})", many.include.join(", "))?;
        }
        Ok(())
    }
}

impl Display for BinaryOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::Compare(comparison) => return write!(f, "{comparison}"),
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        })
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let as_bool = if self.as_bool { " bool" } else { "" };
        write!(
            f,
            "({} {}{as_bool}{} {})",
            self.left, self.op, self.matching, self.right
        )
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Logs(query) => write!(f, "{query}"),
            Self::Number(number) => f.write_str(&number_text(*number)),
            Self::Vector(number) => write!(f, "vector({})", number_text(*number)),
            Self::Range(range) => write!(f, "{range}"),
            Self::Aggregate(aggregation) => write!(f, "{aggregation}"),
            Self::LabelReplace(replace) => write!(
                f,
                "label_replace({}, {}, {}, {}, {})",
                replace.of,
                in_quotes(&replace.target),
                in_quotes(&replace.replacement),
                in_quotes(&replace.source),
                in_quotes(&replace.written)
            ),
            Self::Binary(binary) => write!(f, "{binary}"),
        }
    }
}

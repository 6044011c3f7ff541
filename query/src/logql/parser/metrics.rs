//! Functions of time and of series.

use super::logs::Ending;
use super::{Parsed, Parser, numbers_only, unknown};
use crate::logql::ast::{
    Aggregation, Conversion, Expr, Grouping, LabelReplace, LogQuery, RangeAggregation,
    RangeFunction, Unwrap, VectorFunction,
};
use crate::logql::lexer::Token;
use crate::logql::values::is_label_name;
use crate::tokens::Failure;

const RANGE_FUNCTIONS: &[RangeFunction] = &[
    RangeFunction::Rate,
    RangeFunction::RateCounter,
    RangeFunction::Count,
    RangeFunction::Bytes,
    RangeFunction::BytesRate,
    RangeFunction::Absent,
    RangeFunction::Sum,
    RangeFunction::Avg,
    RangeFunction::Min,
    RangeFunction::Max,
    RangeFunction::First,
    RangeFunction::Last,
    RangeFunction::Stdvar,
    RangeFunction::Stddev,
    RangeFunction::Quantile(0.0),
];

const VECTOR_FUNCTIONS: &[(&str, VectorFunction)] = &[
    ("sum", VectorFunction::Sum),
    ("avg", VectorFunction::Avg),
    ("min", VectorFunction::Min),
    ("max", VectorFunction::Max),
    ("count", VectorFunction::Count),
    ("stddev", VectorFunction::Stddev),
    ("stdvar", VectorFunction::Stdvar),
    ("topk", VectorFunction::Top(0)),
    ("bottomk", VectorFunction::Bottom(0)),
    ("sort", VectorFunction::Sort),
    ("sort_desc", VectorFunction::SortDescending),
];

impl Parser<'_> {
    /// What a word begins.
    pub(super) fn function(&mut self, word: &str, at: usize) -> Parsed<Expr> {
        let range = RANGE_FUNCTIONS.iter().find(|known| known.name() == word);
        if let Some(function) = range {
            self.advance();
            return self.deeper(|parser| parser.range_aggregation(*function, at));
        }
        let vector = VECTOR_FUNCTIONS.iter().find(|(name, _)| *name == word);
        if let Some((_, function)) = vector {
            self.advance();
            return self.deeper(|parser| parser.aggregation(*function, at));
        }
        match word {
            "vector" => {
                self.advance();
                let open = self.position();
                self.expect("(")?;
                let number = self.number("a number")?;
                self.close(")", open)?;
                Ok(Expr::Vector(number))
            }
            "label_replace" => {
                self.advance();
                self.deeper(Self::label_replace)
            }
            _ => {
                let mut known: Vec<&str> = RANGE_FUNCTIONS.iter().map(|f| f.name()).collect();
                known.extend(VECTOR_FUNCTIONS.iter().map(|(name, _)| *name));
                known.extend(["vector", "label_replace"]);
                Err(unknown(at, "function", word, &known))
            }
        }
    }

    fn range_aggregation(&mut self, function: RangeFunction, at: usize) -> Parsed<Expr> {
        let open = self.position();
        self.expect("(")?;
        let function = match function {
            RangeFunction::Quantile(_) => {
                let quantile = self.number("a quantile from 0 to 1")?;
                self.expect(",")?;
                RangeFunction::Quantile(quantile)
            }
            other => other,
        };
        let mut brackets = 0;
        while self.take("(") {
            brackets += 1;
        }
        let mut query = LogQuery {
            matchers: self.selector()?,
            stages: Vec::new(),
        };
        let mut window = self.window()?;
        let mut ending = Ending::default();
        self.stages(&mut query.stages, &mut ending)?;
        for _ in 0..brackets {
            self.close(")", open)?;
        }
        if window.is_none() {
            window = self.window()?;
        }
        let Some((range_ns, offset_ns)) = window else {
            return Err(self
                .unexpected("a window of time such as `[5m]`")
                .hint(format!("write {}({{…}}[5m])", function.name())));
        };
        self.close(")", open)?;
        let aggregation = RangeAggregation {
            function,
            query,
            unwrap: ending.unwrap,
            range_ns,
            offset_ns,
            grouping: self.grouping()?,
        };
        check_range(&aggregation, at)?;
        Ok(Expr::Range(Box::new(aggregation)))
    }

    /// `[5m]`, with or without `offset 1h`.
    fn window(&mut self) -> Parsed<Option<(i64, i64)>> {
        let open = self.position();
        if !self.take("[") {
            return Ok(None);
        }
        let at = self.position();
        let range = self.duration()?;
        if range <= 0 {
            return Err(Failure::new(at, "a window of time is longer than nothing"));
        }
        self.close("]", open)?;
        let offset = if self.take_word("offset") {
            let negative = self.take("-");
            let offset = self.duration()?;
            if negative { -offset } else { offset }
        } else {
            0
        };
        Ok(Some((range, offset)))
    }

    fn duration(&mut self) -> Parsed<i64> {
        match self.peek() {
            Some(Token::Duration(duration)) => {
                self.advance();
                Ok(*duration)
            }
            _ => Err(self.unexpected("a duration such as `5m`")),
        }
    }

    pub(super) fn unwrap(&mut self) -> Parsed<Unwrap> {
        let at = self.position();
        let word = self.label()?;
        let open = self.position();
        let (label, conversion) = if self.take("(") {
            let conversion = match word.as_str() {
                "duration" | "duration_seconds" => Conversion::Duration,
                "bytes" => Conversion::Bytes,
                other => {
                    let known = ["duration", "duration_seconds", "bytes"];
                    return Err(unknown(at, "conversion", other, &known));
                }
            };
            let label = self.label()?;
            self.close(")", open)?;
            (label, conversion)
        } else {
            (word, Conversion::Number)
        };
        Ok(Unwrap {
            label,
            conversion,
            filters: Vec::new(),
        })
    }

    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let without = match self.word() {
            Some("by") => false,
            Some("without") => true,
            _ => return Ok(None),
        };
        self.advance();
        let labels = self.labels()?;
        Ok(Some(Grouping { without, labels }))
    }

    fn aggregation(&mut self, function: VectorFunction, at: usize) -> Parsed<Expr> {
        let before = self.grouping()?;
        let open = self.position();
        self.expect("(")?;
        let function = match function {
            VectorFunction::Top(_) => VectorFunction::Top(self.how_many()?),
            VectorFunction::Bottom(_) => VectorFunction::Bottom(self.how_many()?),
            other => other,
        };
        let of_at = self.position();
        let of = self.expr(0)?;
        numbers_only(&of, of_at)?;
        self.close(")", open)?;
        let after = self.grouping()?;
        if before.is_some() && after.is_some() {
            return Err(Failure::new(at, "the aggregation is grouped twice"));
        }
        let grouping = before.or(after);
        let sorts = matches!(
            function,
            VectorFunction::Sort | VectorFunction::SortDescending
        );
        if sorts && grouping.is_some() {
            return Err(Failure::new(at, "sorting has no groups"));
        }
        Ok(Expr::Aggregate(Box::new(Aggregation {
            function,
            of,
            grouping,
        })))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole, positive and small, checked"
    )]
    fn how_many(&mut self) -> Parsed<usize> {
        let at = self.position();
        let count = self.number("how many series")?;
        if count.fract() != 0.0 || !(1.0..=1e6).contains(&count) {
            return Err(Failure::new(
                at,
                "how many series must be a whole number from 1",
            ));
        }
        self.expect(",")?;
        Ok(count as usize)
    }

    fn label_replace(&mut self) -> Parsed<Expr> {
        let open = self.position();
        self.expect("(")?;
        let at = self.position();
        let of = self.expr(0)?;
        numbers_only(&of, at)?;
        self.expect(",")?;
        let target_at = self.position();
        let target = self.text("the label to be set, in quotes")?;
        if !is_label_name(&target) {
            return Err(Failure::new(
                target_at,
                format!("`{target}` is no name of a label"),
            ));
        }
        self.expect(",")?;
        let replacement = self.text("the replacement, in quotes")?;
        self.expect(",")?;
        let source = self.text("the label to be read, in quotes")?;
        self.expect(",")?;
        let regex_at = self.position();
        let written = self.text("a regular expression in quotes")?;
        let regex = Self::regex(regex_at, &written, |re| format!("^(?s:{re})$"))?;
        self.close(")", open)?;
        Ok(Expr::LabelReplace(Box::new(LabelReplace {
            of,
            target,
            replacement,
            source,
            written,
            regex,
        })))
    }
}

/// What goes with which function.
fn check_range(aggregation: &RangeAggregation, at: usize) -> Parsed<()> {
    use RangeFunction as F;
    let name = aggregation.function.name();
    let of_lines = matches!(aggregation.function, F::Count | F::Bytes | F::BytesRate);
    let of_either = matches!(aggregation.function, F::Rate | F::Absent);
    if of_lines && aggregation.unwrap.is_some() {
        return Err(
            Failure::new(at, format!("`{name}` counts lines and takes no `unwrap`"))
                .hint("`sum_over_time` adds up the numbers of a label"),
        );
    }
    if !of_lines && !of_either && aggregation.unwrap.is_none() {
        return Err(Failure::new(at, format!("`{name}` needs numbers"))
            .hint(format!("write {name}({{…}} | unwrap label [5m])")));
    }
    let grouped = matches!(
        aggregation.function,
        F::Avg | F::Min | F::Max | F::First | F::Last | F::Stdvar | F::Stddev | F::Quantile(_)
    );
    if aggregation.grouping.is_some() && !grouped {
        return Err(
            Failure::new(at, format!("`{name}` has no groups of its own"))
                .hint(format!("write sum by (…) ({name}(…))")),
        );
    }
    Ok(())
}

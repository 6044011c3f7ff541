//! A LogQL query as it was written.

use regex::Regex;

use super::ip::IpRange;
use super::pipeline::{JsonPath, LinePattern, PatternParser};
use super::template::Template;

mod text;

/// A query or a part of one.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    /// Log lines.
    Logs(LogQuery),
    /// A number by itself.
    Number(f64),
    /// `vector(1)`: one series without labels.
    Vector(f64),
    /// A function of the lines in a window of time.
    Range(Box<RangeAggregation>),
    /// An aggregation of series.
    Aggregate(Box<Aggregation>),
    /// `label_replace(…)`
    LabelReplace(Box<LabelReplace>),
    /// An operator between two of them.
    Binary(Box<Binary>),
}

/// A stream selector and what follows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogQuery {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) stages: Vec<Stage>,
}

/// `name="value"`
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    pub(crate) name: String,
    pub(crate) test: TextTest,
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextOp {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

/// A comparison with a text. Regular expressions match the whole of it.
#[derive(Debug, Clone)]
pub(crate) struct TextTest {
    pub(crate) op: TextOp,
    pub(crate) value: String,
    /// Of the two operators that need one.
    pub(crate) regex: Option<Regex>,
}

impl TextTest {
    /// Whether `text` meets it.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let matches = || {
            self.regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(text))
        };
        match self.op {
            TextOp::Equal => text == self.value,
            TextOp::NotEqual => text != self.value,
            TextOp::Regex => matches(),
            TextOp::NotRegex => !matches(),
        }
    }
}

/// One step of a pipeline.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    Line(LineFilter),
    /// Without expressions: all fields.
    Json(Vec<(String, String, JsonPath)>),
    Logfmt {
        strict: bool,
        keep_empty: bool,
        /// Label and key.
        fields: Vec<(String, String)>,
    },
    Regexp(Regex),
    Pattern(PatternParser),
    Unpack,
    Filter(LabelFilter),
    LineFormat(Template),
    LabelFormat(Vec<(String, LabelFormat)>),
    Decolorize,
    Drop(Vec<Picked>),
    Keep(Vec<Picked>),
}

/// A line passes if it meets any (or, negated, none) of the tests.
#[derive(Debug, Clone)]
pub(crate) struct LineFilter {
    pub(crate) negated: bool,
    pub(crate) any: Vec<LineTest>,
}

#[derive(Debug, Clone)]
pub(crate) enum LineTest {
    Contains(String),
    Regex(Regex),
    Pattern(LinePattern),
    Ip(IpRange),
}

/// A condition on labels.
#[derive(Debug, Clone)]
pub(crate) enum LabelFilter {
    And(Box<LabelFilter>, Box<LabelFilter>),
    Or(Box<LabelFilter>, Box<LabelFilter>),
    Text(Matcher),
    Number {
        name: String,
        op: Comparison,
        value: Quantity,
    },
    Ip {
        name: String,
        negated: bool,
        range: IpRange,
    },
}

impl LabelFilter {
    /// Calls `each` with the names of the labels that it is about.
    pub(crate) fn names(&self, each: &mut impl FnMut(&str)) {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.names(each);
                right.names(each);
            }
            Self::Text(matcher) => each(&matcher.name),
            Self::Number { name, .. } | Self::Ip { name, .. } => each(name),
        }
    }
}

/// A number with what unit it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantity {
    Number(f64),
    /// Nanoseconds.
    Duration(i64),
    Bytes(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            #[expect(clippy::float_cmp, reason = "what the query asks for")]
            Self::Equal => left == right,
            #[expect(clippy::float_cmp, reason = "what the query asks for")]
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum LabelFormat {
    /// The other label's value; the other label is gone.
    Rename(String),
    Template(Template),
}

/// A label of `drop` or `keep`, with a condition on its value or without.
#[derive(Debug, Clone)]
pub(crate) struct Picked {
    pub(crate) name: String,
    pub(crate) test: Option<TextTest>,
}

#[derive(Debug, Clone)]
pub(crate) struct RangeAggregation {
    pub(crate) function: RangeFunction,
    pub(crate) query: LogQuery,
    pub(crate) unwrap: Option<Unwrap>,
    pub(crate) range_ns: i64,
    pub(crate) offset_ns: i64,
    pub(crate) grouping: Option<Grouping>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RangeFunction {
    Rate,
    RateCounter,
    Count,
    Bytes,
    BytesRate,
    Absent,
    Sum,
    Avg,
    Min,
    Max,
    First,
    Last,
    Stdvar,
    Stddev,
    Quantile(f64),
}

/// Which label the numbers come from.
#[derive(Debug, Clone)]
pub(crate) struct Unwrap {
    pub(crate) label: String,
    pub(crate) conversion: Conversion,
    /// After it.
    pub(crate) filters: Vec<LabelFilter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Number,
    /// In seconds.
    Duration,
    Bytes,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grouping {
    pub(crate) without: bool,
    pub(crate) labels: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Aggregation {
    pub(crate) function: VectorFunction,
    pub(crate) of: Expr,
    pub(crate) grouping: Option<Grouping>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VectorFunction {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Stddev,
    Stdvar,
    Top(usize),
    Bottom(usize),
    Sort,
    SortDescending,
}

#[derive(Debug, Clone)]
pub(crate) struct LabelReplace {
    pub(crate) of: Expr,
    pub(crate) target: String,
    pub(crate) replacement: String,
    pub(crate) source: String,
    pub(crate) written: String,
    pub(crate) regex: Regex,
}

#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) left: Expr,
    pub(crate) right: Expr,
    /// Comparisons give 0 and 1 and do not filter.
    pub(crate) as_bool: bool,
    pub(crate) matching: Matching,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Compare(Comparison),
    And,
    Or,
    Unless,
}

/// Which series of both sides belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Matching {
    /// `on` these labels; else all but these.
    pub(crate) on: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) many: Option<Many>,
}

/// `group_left(…)` or `group_right(…)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Many {
    pub(crate) left: bool,
    /// Labels that are taken from the other side.
    pub(crate) include: Vec<String>,
}

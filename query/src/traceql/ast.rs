//! What a TraceQL query says, without its layout.

use regex::Regex;

use super::value::Value;

mod text;

/// A query: stages that each take spansets of one trace and give spansets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    /// At least one.
    pub(crate) stages: Vec<Stage>,
    /// What is counted over time of the spans that the stages leave.
    pub(crate) metrics: Option<Metrics>,
    pub(crate) hints: Hints,
}

/// What `with (…)` asks for, as far as an answer can be different for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hints {
    /// Traces that are shown with the series of a metrics query; `None`: as the request says.
    pub(crate) exemplars: Option<usize>,
}

/// Numbers over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metrics {
    pub(crate) function: MetricsFunction,
    /// One series for each combination of their values.
    pub(crate) by: Vec<Field>,
    pub(crate) then: Vec<SecondStage>,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetricsFunction {
    /// Spans a second.
    Rate,
    /// Spans.
    Count,
    /// `min_over_time` and its like.
    Of(Function, FieldExpr),
    Quantile {
        of: FieldExpr,
        /// From 0 to 1; at least one.
        quantiles: Vec<f64>,
    },
    Histogram(FieldExpr),
    Compare {
        /// Which spans are the selection; the others are the baseline.
        selection: FieldExpr,
        /// Values shown of each attribute.
        top: usize,
        /// Only spans that start in it can be of the selection.
        window_ns: Option<(i64, i64)>,
    },
}

/// What becomes of series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SecondStage {
    /// The largest so many at each instant.
    Top(usize),
    /// The smallest.
    Bottom(usize),
    /// Only samples that compare so.
    Filter(Comparison, f64),
}

/// One stage of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// Keeps spans.
    Spans(SpansetExpr),
    /// Keeps spansets of which a comparison of aggregates is true.
    Scalar(ScalarFilter),
    /// Splits spansets by the values of these.
    By(Vec<FieldExpr>),
    /// Shows these fields of the spans that are found.
    Select(Vec<Field>),
    /// Makes all spansets of a trace one again.
    Coalesce,
}

/// Spans of a trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SpansetExpr {
    /// Those of which this is true.
    Filter(FieldExpr),
    /// Made of two others.
    Combined {
        op: SpansetOp,
        left: Box<SpansetExpr>,
        right: Box<SpansetExpr>,
    },
    /// What a pipeline in parentheses leaves.
    Pipeline(Vec<Stage>),
}

/// How two spansets are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpansetOp {
    /// Both, if neither is empty.
    And,
    /// Both.
    Or,
    /// By their places in the tree.
    Structural { relation: Relation, result: Shown },
}

/// Where a span of the right side is, seen from one of the left side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `>`: directly below.
    Child,
    /// `>>`: below.
    Descendant,
    /// `<`: directly above.
    Parent,
    /// `<<`: above.
    Ancestor,
    /// `~`: below the same parent.
    Sibling,
}

/// What a structural operator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// `>`: spans of the right side that are in the relation to one of the left.
    Right,
    /// `!>`: spans of the right side that are in it to none.
    RightWithout,
    /// `&>`: spans of both sides that are in it.
    Both,
}

/// `count() > 2`
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScalarFilter {
    pub(crate) op: Comparison,
    pub(crate) left: ScalarExpr,
    pub(crate) right: ScalarExpr,
}

/// A value of a spanset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ScalarExpr {
    Literal(Value<'static>),
    Aggregate(Aggregate),
    /// Of the spans that a pipeline leaves.
    Pipeline(Vec<Stage>, Aggregate),
    Arithmetic {
        op: Arithmetic,
        left: Box<ScalarExpr>,
        right: Box<ScalarExpr>,
    },
}

/// One number of a spanset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Aggregate {
    Count,
    Of(Function, FieldExpr),
}

/// How the values of a spanset are made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Min,
    Max,
    Sum,
    Avg,
}

impl Function {
    /// Its name as a function of time.
    pub(crate) fn over_time(self) -> &'static str {
        match self {
            Self::Min => "min_over_time",
            Self::Max => "max_over_time",
            Self::Sum => "sum_over_time",
            Self::Avg => "avg_over_time",
        }
    }
}

/// A value of a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldExpr {
    Literal(Value<'static>),
    Field(Field),
    Not(Box<FieldExpr>),
    Negative(Box<FieldExpr>),
    And(Box<FieldExpr>, Box<FieldExpr>),
    Or(Box<FieldExpr>, Box<FieldExpr>),
    Compare {
        op: Comparison,
        left: Box<FieldExpr>,
        right: Box<FieldExpr>,
    },
    Match {
        subject: Box<FieldExpr>,
        pattern: Pattern,
        negated: bool,
    },
    Arithmetic {
        op: Arithmetic,
        left: Box<FieldExpr>,
        right: Box<FieldExpr>,
    },
}

/// A regular expression that a whole text must match.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// As written.
    pub(crate) source: String,
    pub(crate) regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

/// A field of a span, or of its parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Field {
    pub(crate) of_parent: bool,
    pub(crate) target: Target,
}

/// Which field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Intrinsic(Intrinsic),
    /// `None`: of the span, else of its resource.
    Attribute {
        scope: Option<Scope>,
        key: String,
    },
}

/// Whose attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    Span,
    Resource,
    Event,
    Link,
    Instrumentation,
}

/// What every span has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Intrinsic {
    Name,
    Status,
    StatusMessage,
    Kind,
    Duration,
    SpanId,
    ParentId,
    ChildCount,
    NestedSetLeft,
    NestedSetRight,
    NestedSetParent,
    TraceId,
    TraceDuration,
    RootName,
    RootServiceName,
    EventName,
    EventTimeSinceStart,
    LinkTraceId,
    LinkSpanId,
    InstrumentationName,
    InstrumentationVersion,
}

/// What values an intrinsic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Text,
    Number,
    Status,
    Kind,
    Bool,
}

/// Names of intrinsics: the word alone, with the scope, and which it is. The first of one is the
/// one that answers use.
pub(crate) const INTRINSICS: &[(&str, Intrinsic)] = &[
    ("name", Intrinsic::Name),
    ("span:name", Intrinsic::Name),
    ("status", Intrinsic::Status),
    ("span:status", Intrinsic::Status),
    ("statusMessage", Intrinsic::StatusMessage),
    ("span:statusMessage", Intrinsic::StatusMessage),
    ("kind", Intrinsic::Kind),
    ("span:kind", Intrinsic::Kind),
    ("duration", Intrinsic::Duration),
    ("span:duration", Intrinsic::Duration),
    ("span:id", Intrinsic::SpanId),
    ("spanID", Intrinsic::SpanId),
    ("span:parentID", Intrinsic::ParentId),
    ("parentID", Intrinsic::ParentId),
    ("span:childCount", Intrinsic::ChildCount),
    ("childCount", Intrinsic::ChildCount),
    ("nestedSetLeft", Intrinsic::NestedSetLeft),
    ("nestedSetRight", Intrinsic::NestedSetRight),
    ("nestedSetParent", Intrinsic::NestedSetParent),
    ("trace:id", Intrinsic::TraceId),
    ("traceID", Intrinsic::TraceId),
    ("traceDuration", Intrinsic::TraceDuration),
    ("trace:duration", Intrinsic::TraceDuration),
    ("rootName", Intrinsic::RootName),
    ("trace:rootName", Intrinsic::RootName),
    ("rootServiceName", Intrinsic::RootServiceName),
    ("trace:rootService", Intrinsic::RootServiceName),
    ("event:name", Intrinsic::EventName),
    ("event:timeSinceStart", Intrinsic::EventTimeSinceStart),
    ("link:traceID", Intrinsic::LinkTraceId),
    ("link:spanID", Intrinsic::LinkSpanId),
    ("instrumentation:name", Intrinsic::InstrumentationName),
    ("instrumentation:version", Intrinsic::InstrumentationVersion),
];

impl Intrinsic {
    pub(super) fn named(name: &str) -> Option<Self> {
        INTRINSICS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, intrinsic)| *intrinsic)
    }

    fn name(self) -> &'static str {
        INTRINSICS
            .iter()
            .find(|(_, intrinsic)| *intrinsic == self)
            .map_or("", |(name, _)| name)
    }

    /// What its values are.
    pub(super) fn value_kind(self) -> ValueKind {
        match self {
            Self::Name
            | Self::StatusMessage
            | Self::SpanId
            | Self::ParentId
            | Self::TraceId
            | Self::RootName
            | Self::RootServiceName
            | Self::EventName
            | Self::LinkTraceId
            | Self::LinkSpanId
            | Self::InstrumentationName
            | Self::InstrumentationVersion => ValueKind::Text,
            Self::Duration
            | Self::ChildCount
            | Self::NestedSetLeft
            | Self::NestedSetRight
            | Self::NestedSetParent
            | Self::TraceDuration
            | Self::EventTimeSinceStart => ValueKind::Number,
            Self::Status => ValueKind::Status,
            Self::Kind => ValueKind::Kind,
        }
    }
}

impl Scope {
    pub(super) const ALL: [Self; 5] = [
        Self::Span,
        Self::Resource,
        Self::Event,
        Self::Link,
        Self::Instrumentation,
    ];

    /// As it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }
}

impl Field {
    pub(crate) fn intrinsic(intrinsic: Intrinsic) -> Self {
        Self {
            of_parent: false,
            target: Target::Intrinsic(intrinsic),
        }
    }
}

impl FieldExpr {
    /// Calls `look` with every field in it.
    pub(crate) fn fields<'a>(&'a self, look: &mut impl FnMut(&'a Field)) {
        match self {
            Self::Literal(_) => {}
            Self::Field(field) => look(field),
            Self::Not(inner) | Self::Negative(inner) => inner.fields(look),
            Self::Match { subject, .. } => subject.fields(look),
            Self::And(left, right)
            | Self::Or(left, right)
            | Self::Compare { left, right, .. }
            | Self::Arithmetic { left, right, .. } => {
                left.fields(look);
                right.fields(look);
            }
        }
    }
}

impl SpansetExpr {
    fn fields<'a>(&'a self, look: &mut impl FnMut(&'a Field)) {
        match self {
            Self::Filter(filter) => filter.fields(look),
            Self::Combined { left, right, .. } => {
                left.fields(look);
                right.fields(look);
            }
            Self::Pipeline(stages) => stages.iter().for_each(|stage| stage.fields(look)),
        }
    }
}

impl ScalarExpr {
    fn fields<'a>(&'a self, look: &mut impl FnMut(&'a Field)) {
        match self {
            Self::Literal(_) => {}
            Self::Aggregate(aggregate) => aggregate.fields(look),
            Self::Pipeline(stages, aggregate) => {
                for stage in stages {
                    stage.fields(look);
                }
                aggregate.fields(look);
            }
            Self::Arithmetic { left, right, .. } => {
                left.fields(look);
                right.fields(look);
            }
        }
    }

    fn pipelines<'a>(&'a self, found: &mut Vec<&'a [Stage]>) {
        match self {
            Self::Literal(_) | Self::Aggregate(_) => {}
            Self::Pipeline(stages, _) => found.push(stages),
            Self::Arithmetic { left, right, .. } => {
                left.pipelines(found);
                right.pipelines(found);
            }
        }
    }
}

impl Aggregate {
    fn fields<'a>(&'a self, look: &mut impl FnMut(&'a Field)) {
        if let Self::Of(_, of) = self {
            of.fields(look);
        }
    }
}

impl ScalarFilter {
    /// The pipelines of which it compares values; none if it compares those of the spanset itself.
    pub(crate) fn pipelines(&self) -> Vec<&[Stage]> {
        let mut found = Vec::new();
        self.left.pipelines(&mut found);
        self.right.pipelines(&mut found);
        found
    }
}

impl Stage {
    /// Calls `look` with every field in it.
    pub(crate) fn fields<'a>(&'a self, look: &mut impl FnMut(&'a Field)) {
        match self {
            Self::Spans(spans) => spans.fields(look),
            Self::Scalar(filter) => {
                filter.left.fields(look);
                filter.right.fields(look);
            }
            Self::By(exprs) => exprs.iter().for_each(|expr| expr.fields(look)),
            Self::Select(fields) => fields.iter().for_each(look),
            Self::Coalesce => {}
        }
    }
}

impl Metrics {
    /// Calls `look` with every field in it.
    pub(crate) fn fields<'a>(&'a self, look: &mut impl FnMut(&'a Field)) {
        match &self.function {
            MetricsFunction::Rate | MetricsFunction::Count => {}
            MetricsFunction::Of(_, of)
            | MetricsFunction::Quantile { of, .. }
            | MetricsFunction::Histogram(of)
            | MetricsFunction::Compare { selection: of, .. } => of.fields(look),
        }
        self.by.iter().for_each(look);
    }
}

impl Query {
    /// Every field it names, each once, in order.
    pub(crate) fn fields(&self) -> Vec<&Field> {
        let mut found: Vec<&Field> = Vec::new();
        let mut look = |field| {
            if !found.contains(&field) {
                found.push(field);
            }
        };
        for stage in &self.stages {
            stage.fields(&mut look);
        }
        if let Some(metrics) = &self.metrics {
            metrics.fields(&mut look);
        }
        found
    }
}

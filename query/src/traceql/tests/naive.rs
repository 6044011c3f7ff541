//! TraceQL evaluated in the plainest way there is: over test spans, by walking from parent to
//! parent, comparing everything with everything. It shares the parsed query with the real one and
//! nothing else.

use serde_json::Value as Json;

use super::sample::{MILLISECOND, Span};
use crate::traceql::ast::{
    Aggregate, Arithmetic, Comparison, Field, FieldExpr, Function, Intrinsic, Query, Relation,
    ScalarExpr, Scope, Shown, SpansetExpr, SpansetOp, Stage, Target,
};
use crate::traceql::value::Value;

#[derive(Debug, Clone, PartialEq)]
enum Naive {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A status or a kind, with which of both it is.
    Word(&'static str, String),
    List(Vec<Naive>),
}

/// All spans of one trace.
pub(super) struct Trace<'a>(pub(super) Vec<&'a Span>);

type Set = Vec<usize>;

impl Trace<'_> {
    fn parent(&self, span: usize) -> Option<usize> {
        let wanted = self.0[span].parent?;
        self.0.iter().position(|other| other.id == wanted)
    }

    fn is_above(&self, above: usize, below: usize) -> bool {
        let mut at = self.parent(below);
        while let Some(span) = at {
            if span == above {
                return true;
            }
            at = self.parent(span);
        }
        false
    }

    /// Whether `right` is in the relation, seen from `left`.
    fn related(&self, relation: Relation, left: usize, right: usize) -> bool {
        match relation {
            Relation::Child => self.parent(right) == Some(left),
            Relation::Parent => self.parent(left) == Some(right),
            Relation::Descendant => self.is_above(left, right),
            Relation::Ancestor => self.is_above(right, left),
            Relation::Sibling => {
                left != right
                    && self.0[left].parent.is_some()
                    && self.0[left].parent == self.0[right].parent
            }
        }
    }

    /// The spansets that a query leaves, as span ids.
    pub(super) fn answer(&self, query: &Query) -> Vec<Vec<u64>> {
        let sets = self.pipeline(&query.stages, vec![(0..self.0.len()).collect()]);
        let ids = |set: Set| {
            let mut ids: Vec<u64> = set.into_iter().map(|span| self.0[span].id).collect();
            ids.sort_unstable();
            ids
        };
        sets.into_iter().map(ids).collect()
    }

    fn pipeline(&self, stages: &[Stage], mut sets: Vec<Set>) -> Vec<Set> {
        for stage in stages {
            sets = match stage {
                Stage::Spans(expr) => sets.iter().map(|set| self.spans(expr, set)).collect(),
                Stage::Scalar(filter) => {
                    let holds = |set: &Set| {
                        let left = self.scalar(&filter.left, set);
                        compare(filter.op, &left, &self.scalar(&filter.right, set))
                    };
                    let kept = sets.into_iter().filter(holds);
                    let pipelines = filter.pipelines();
                    if pipelines.is_empty() {
                        kept.collect()
                    } else {
                        let of_any = |set: Set| {
                            let mut spans: Set = pipelines
                                .iter()
                                .flat_map(|stages| self.pipeline(stages, vec![set.clone()]))
                                .flatten()
                                .collect();
                            spans.sort_unstable();
                            spans.dedup();
                            spans
                        };
                        kept.map(of_any).collect()
                    }
                }
                Stage::By(exprs) => sets.iter().flat_map(|set| self.group(exprs, set)).collect(),
                Stage::Select(_) => sets,
                Stage::Coalesce => {
                    let mut all = sets.concat();
                    all.sort_unstable();
                    all.dedup();
                    vec![all]
                }
            };
            sets.retain(|set| !set.is_empty());
        }
        sets
    }

    fn group(&self, exprs: &[FieldExpr], set: &Set) -> Vec<Set> {
        let mut groups: Vec<(Vec<Naive>, Set)> = Vec::new();
        let mut set = set.clone();
        set.sort_by_key(|&span| self.0[span].start);
        for span in set {
            let key: Vec<Naive> = exprs.iter().map(|expr| self.value(expr, span)).collect();
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.push(span),
                None => groups.push((key, vec![span])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    fn spans(&self, expr: &SpansetExpr, set: &Set) -> Set {
        match expr {
            SpansetExpr::Filter(filter) => {
                let holds = |span: &usize| self.value(filter, *span).is_true();
                set.iter().copied().filter(holds).collect()
            }
            SpansetExpr::Pipeline(stages) => self.pipeline(stages, vec![set.clone()]).concat(),
            SpansetExpr::Combined { op, left, right } => {
                let (left, right) = (self.spans(left, set), self.spans(right, set));
                let mut found = match op {
                    SpansetOp::And if left.is_empty() || right.is_empty() => Vec::new(),
                    SpansetOp::And | SpansetOp::Or => [left, right].concat(),
                    SpansetOp::Structural { relation, result } => {
                        let near = |r: usize| left.iter().any(|&l| self.related(*relation, l, r));
                        match result {
                            Shown::Right => right.into_iter().filter(|&r| near(r)).collect(),
                            Shown::RightWithout => {
                                right.into_iter().filter(|&r| !near(r)).collect()
                            }
                            Shown::Both => {
                                let pairs = left.iter().flat_map(|&l| {
                                    right
                                        .iter()
                                        .filter(move |&&r| self.related(*relation, l, r))
                                        .flat_map(move |&r| [l, r])
                                });
                                pairs.collect()
                            }
                        }
                    }
                };
                found.sort_unstable();
                found.dedup();
                found
            }
        }
    }

    fn scalar(&self, expr: &ScalarExpr, set: &Set) -> Naive {
        match expr {
            ScalarExpr::Literal(literal) => literal_value(literal),
            ScalarExpr::Arithmetic { op, left, right } => {
                arithmetic(*op, &self.scalar(left, set), &self.scalar(right, set))
            }
            ScalarExpr::Pipeline(stages, aggregate) => {
                let mut spans = self.pipeline(stages, vec![set.clone()]).concat();
                spans.sort_unstable();
                spans.dedup();
                self.scalar(&ScalarExpr::Aggregate(aggregate.clone()), &spans)
            }
            ScalarExpr::Aggregate(Aggregate::Count) => Naive::Int(set.len().try_into().unwrap()),
            ScalarExpr::Aggregate(Aggregate::Of(function, of)) => {
                let numbers = set.iter().map(|&span| self.value(of, span).number());
                let numbers: Vec<f64> = numbers.flatten().collect();
                let sum: f64 = numbers.iter().sum();
                match function {
                    _ if numbers.is_empty() => Naive::Nil,
                    Function::Min => Naive::Float(numbers.into_iter().fold(f64::MAX, f64::min)),
                    Function::Max => Naive::Float(numbers.into_iter().fold(f64::MIN, f64::max)),
                    Function::Sum => Naive::Float(sum),
                    Function::Avg => Naive::Float(sum / numbers.len() as f64),
                }
            }
        }
    }

    fn value(&self, expr: &FieldExpr, span: usize) -> Naive {
        let condition = match expr {
            FieldExpr::Literal(literal) => return literal_value(literal),
            FieldExpr::Field(field) => return self.field(field, span),
            FieldExpr::Negative(inner) => {
                let zero = Naive::Int(0);
                return arithmetic(Arithmetic::Subtract, &zero, &self.value(inner, span));
            }
            FieldExpr::Arithmetic { op, left, right } => {
                return arithmetic(*op, &self.value(left, span), &self.value(right, span));
            }
            FieldExpr::Not(inner) => self.value(inner, span) == Naive::Bool(false),
            FieldExpr::And(left, right) => {
                self.value(left, span).is_true() && self.value(right, span).is_true()
            }
            FieldExpr::Or(left, right) => {
                self.value(left, span).is_true() || self.value(right, span).is_true()
            }
            FieldExpr::Compare { op, left, right } => {
                let (left_value, right_value) = (self.value(left, span), self.value(right, span));
                let nil = FieldExpr::Literal(Value::Nil);
                if **left == nil || **right == nil {
                    let absent = left_value == Naive::Nil && right_value == Naive::Nil;
                    absent == (*op == Comparison::Equal)
                } else {
                    compare(*op, &left_value, &right_value)
                }
            }
            FieldExpr::Match {
                subject,
                pattern,
                negated,
            } => {
                let whole = format!("^(?:{})$", pattern.source);
                let regex = regex::Regex::new(&whole).unwrap();
                let one = |value: &Naive| match value {
                    Naive::Text(text) => regex.is_match(text) != *negated,
                    _ => false,
                };
                match self.value(subject, span) {
                    Naive::List(members) if *negated => members.iter().all(one),
                    Naive::List(members) => members.iter().any(one),
                    value => one(&value),
                }
            }
        };
        Naive::Bool(condition)
    }

    fn field(&self, field: &Field, span: usize) -> Naive {
        let of = match (field.of_parent, self.parent(span)) {
            (false, _) => span,
            (true, Some(parent)) => parent,
            (true, None) => return Naive::Nil,
        };
        match &field.target {
            Target::Intrinsic(intrinsic) => self.intrinsic(*intrinsic, of),
            Target::Attribute { scope, key } => self.attribute(*scope, key, of),
        }
    }

    fn attribute(&self, scope: Option<Scope>, key: &str, of: usize) -> Naive {
        let span = self.0[of];
        match scope {
            Some(Scope::Span) => json_value(span.attributes.get(key)),
            Some(Scope::Resource) if key == "service.name" => Naive::Text(span.service.clone()),
            Some(Scope::Resource) => json_value(span.resource.get(key)),
            Some(Scope::Instrumentation) => json_value(span.scope.get(key)),
            Some(Scope::Event) => {
                let all = span
                    .events
                    .iter()
                    .map(|event| json_value(event.attributes.get(key)));
                list(all.filter(|value| *value != Naive::Nil).collect())
            }
            Some(Scope::Link) => {
                let all = span
                    .links
                    .iter()
                    .map(|link| json_value(link.attributes.get(key)));
                list(all.filter(|value| *value != Naive::Nil).collect())
            }
            None => match json_value(span.attributes.get(key)) {
                Naive::Nil => self.attribute(Some(Scope::Resource), key, of),
                found => found,
            },
        }
    }

    fn intrinsic(&self, intrinsic: Intrinsic, of: usize) -> Naive {
        let span = self.0[of];
        let root = self.0.iter().filter(|span| span.parent.is_none());
        let root = root.min_by_key(|span| (span.start, span.id));
        let text = |text: Option<String>| text.map_or(Naive::Nil, Naive::Text);
        match intrinsic {
            Intrinsic::Name => Naive::Text(span.name.clone()),
            Intrinsic::Status => Naive::Word("status", span.status.clone()),
            Intrinsic::StatusMessage => text(span.message.clone()),
            Intrinsic::Kind => Naive::Word("kind", span.kind.clone()),
            Intrinsic::Duration => Naive::Int(span.duration * MILLISECOND),
            Intrinsic::ChildCount => {
                let children = (0..self.0.len()).filter(|&other| self.parent(other) == Some(of));
                Naive::Int(children.count().try_into().unwrap())
            }
            Intrinsic::TraceDuration => {
                let start = self.0.iter().map(|span| span.start_ns()).min().unwrap();
                Naive::Int(self.0.iter().map(|span| span.end_ns()).max().unwrap() - start)
            }
            Intrinsic::RootName => text(root.map(|root| root.name.clone())),
            Intrinsic::RootServiceName => text(root.map(|root| root.service.clone())),
            Intrinsic::EventName => list(
                span.events
                    .iter()
                    .map(|event| Naive::Text(event.name.clone()))
                    .collect(),
            ),
            // The queries ask only whether it is below zero.
            Intrinsic::NestedSetParent => Naive::Int(if span.parent.is_none() { -1 } else { 0 }),
            other => panic!("the queries of this test do not ask for {other:?}"),
        }
    }
}

impl Naive {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::List(members) => members.contains(&Self::Bool(true)),
            _ => false,
        }
    }
}

fn list(members: Vec<Naive>) -> Naive {
    if members.is_empty() {
        Naive::Nil
    } else {
        Naive::List(members)
    }
}

fn json_value(value: Option<&Json>) -> Naive {
    match value {
        Some(Json::String(text)) => Naive::Text(text.clone()),
        Some(Json::Bool(value)) => Naive::Bool(*value),
        Some(Json::Number(number)) => match number.as_i64() {
            Some(number) => Naive::Int(number),
            None => Naive::Float(number.as_f64().unwrap()),
        },
        Some(Json::Array(members)) => list(
            members
                .iter()
                .map(|member| json_value(Some(member)))
                .collect(),
        ),
        _ => Naive::Nil,
    }
}

fn literal_value(value: &Value<'static>) -> Naive {
    match value {
        Value::Nil => Naive::Nil,
        Value::Bool(value) => Naive::Bool(*value),
        Value::Int(number) | Value::Duration(number) => Naive::Int(*number),
        Value::Float(number) => Naive::Float(*number),
        Value::Text(text) => Naive::Text(text.to_string()),
        Value::Status(status) => Naive::Word("status", status.word().to_owned()),
        Value::Kind(kind) => Naive::Word("kind", kind.word().to_owned()),
        Value::List(_) => panic!("no literal is a list"),
    }
}

fn arithmetic(op: Arithmetic, left: &Naive, right: &Naive) -> Naive {
    let (Some(a), Some(b)) = (left.number(), right.number()) else {
        return Naive::Nil;
    };
    match op {
        Arithmetic::Add => Naive::Float(a + b),
        Arithmetic::Subtract => Naive::Float(a - b),
        Arithmetic::Multiply => Naive::Float(a * b),
        other => panic!("the queries of this test do not use {other}"),
    }
}

fn compare(op: Comparison, left: &Naive, right: &Naive) -> bool {
    let each: Vec<bool> = match (left, right) {
        (Naive::List(members), _) => members
            .iter()
            .map(|left| compare(op, left, right))
            .collect(),
        (_, Naive::List(members)) => members
            .iter()
            .map(|right| compare(op, left, right))
            .collect(),
        _ => Vec::new(),
    };
    if !each.is_empty() {
        return match op {
            Comparison::NotEqual => !each.contains(&false),
            _ => each.contains(&true),
        };
    }
    let order = match (left, right) {
        (Naive::Text(a), Naive::Text(b)) => a.cmp(b),
        (Naive::Bool(_), Naive::Bool(_)) | (Naive::Word(..), Naive::Word(..)) => {
            return match op {
                Comparison::Equal => left == right,
                Comparison::NotEqual => left != right,
                _ => false,
            };
        }
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => return false,
        },
    };
    match op {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

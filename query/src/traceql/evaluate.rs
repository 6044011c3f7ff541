//! What a pipeline leaves of a trace.

use super::ast::{
    Aggregate, Arithmetic, FieldExpr, Function, Relation, ScalarExpr, ScalarFilter, Shown,
    SpansetExpr, SpansetOp, Stage,
};
use super::tree::TraceTree;
use super::value::{Value, arithmetic, compare};

/// Some spans of a trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spanset {
    /// Ascending; never none.
    pub(crate) spans: Vec<usize>,
    /// What it was grouped by, and its aggregates.
    pub(crate) values: Vec<(String, Value<'static>)>,
}

/// The spansets that `stages` leave of the whole trace.
pub(super) fn evaluate<'a>(stages: &'a [Stage], tree: &'a TraceTree<'a>) -> Vec<Spanset> {
    let everything = Spanset {
        spans: (0..tree.len()).collect(),
        values: Vec::new(),
    };
    run(stages, tree, vec![everything])
}

fn run<'a>(stages: &'a [Stage], tree: &'a TraceTree<'a>, input: Vec<Spanset>) -> Vec<Spanset> {
    stages.iter().fold(input, |spansets, stage| match stage {
        Stage::Spans(expr) => spansets
            .into_iter()
            .filter_map(|set| {
                let spans = select(expr, tree, &set);
                (!spans.is_empty()).then_some(Spanset { spans, ..set })
            })
            .collect(),
        Stage::Scalar(filter) => spansets
            .into_iter()
            .filter_map(|set| scalar_filter(filter, tree, set))
            .collect(),
        Stage::By(exprs) => spansets
            .into_iter()
            .flat_map(|set| group(exprs, tree, &set))
            .collect(),
        Stage::Select(_) => spansets,
        Stage::Coalesce => coalesce(tree, &spansets),
    })
}

/// The spans of `set` that `expr` gives.
fn select<'a>(expr: &'a SpansetExpr, tree: &'a TraceTree<'a>, set: &Spanset) -> Vec<usize> {
    match expr {
        SpansetExpr::Filter(filter) => {
            let spans = set.spans.iter().copied();
            spans.filter(|&span| tree.is_true(filter, span)).collect()
        }
        SpansetExpr::Pipeline(stages) => {
            let left = run(stages, tree, vec![set.clone()]);
            together(tree, left.iter().flat_map(|set| &set.spans))
        }
        SpansetExpr::Combined { op, left, right } => {
            let (left, right) = (select(left, tree, set), select(right, tree, set));
            combine(*op, tree, &left, &right)
        }
    }
}

fn combine(op: SpansetOp, tree: &TraceTree<'_>, left: &[usize], right: &[usize]) -> Vec<usize> {
    let both = || together(tree, left.iter().chain(right));
    match op {
        SpansetOp::And if left.is_empty() || right.is_empty() => Vec::new(),
        SpansetOp::And | SpansetOp::Or => both(),
        SpansetOp::Structural { relation, result } => {
            let of_right = tree.related(relation, &marks(tree, left));
            let wanted = result != Shown::RightWithout;
            let shown = right.iter().filter(|&&span| of_right[span] == wanted);
            if result != Shown::Both {
                return shown.copied().collect();
            }
            let of_left = tree.related(inverse(relation), &marks(tree, right));
            together(
                tree,
                shown.chain(left.iter().filter(|&&span| of_left[span])),
            )
        }
    }
}

fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}

fn marks(tree: &TraceTree<'_>, spans: &[usize]) -> Vec<bool> {
    let mut marks = vec![false; tree.len()];
    for &span in spans {
        marks[span] = true;
    }
    marks
}

/// Each once, ascending.
fn together<'s>(tree: &TraceTree<'_>, spans: impl Iterator<Item = &'s usize>) -> Vec<usize> {
    let mut marks = vec![false; tree.len()];
    for &span in spans {
        marks[span] = true;
    }
    (0..marks.len()).filter(|&span| marks[span]).collect()
}

fn coalesce(tree: &TraceTree<'_>, spansets: &[Spanset]) -> Vec<Spanset> {
    let spans = together(tree, spansets.iter().flat_map(|set| &set.spans));
    if spans.is_empty() {
        return Vec::new();
    }
    vec![Spanset {
        spans,
        values: Vec::new(),
    }]
}

/// One spanset for each combination of values, the one with the earliest span first.
fn group<'a>(exprs: &'a [FieldExpr], tree: &'a TraceTree<'a>, set: &Spanset) -> Vec<Spanset> {
    let mut groups: Vec<Spanset> = Vec::new();
    let mut places = std::collections::HashMap::new();
    let mut by_start = set.spans.clone();
    by_start.sort_by_key(|&span| tree.start_ns(span));
    for span in by_start {
        let values: Vec<Value<'static>> = exprs
            .iter()
            .map(|expr| tree.value(expr, span).into_owned())
            .collect();
        let key: Vec<String> = values.iter().map(group_key).collect();
        let place = *places.entry(key).or_insert_with(|| {
            let named = exprs
                .iter()
                .zip(values)
                .map(|(expr, value)| (format!("by({expr})"), value));
            groups.push(Spanset {
                spans: Vec::new(),
                values: set.values.iter().cloned().chain(named).collect(),
            });
            groups.len() - 1
        });
        groups[place].spans.push(span);
    }
    for group in &mut groups {
        group.spans.sort_unstable();
    }
    groups
}

/// Equal for values of a type that are the same.
pub(super) fn group_key(value: &Value<'_>) -> String {
    let of_type = match value {
        Value::Nil => "n",
        Value::Bool(_) => "b",
        Value::Int(_) => "i",
        Value::Float(_) => "f",
        Value::Duration(_) => "d",
        Value::Text(_) => "t",
        Value::Status(_) => "s",
        Value::Kind(_) => "k",
        Value::List(_) => "l",
    };
    format!("{of_type}{}", value.shown())
}

fn scalar_filter<'a>(
    filter: &'a ScalarFilter,
    tree: &'a TraceTree<'a>,
    mut set: Spanset,
) -> Option<Spanset> {
    let mut met = Met::default();
    let left = scalar(&filter.left, tree, &set.spans, &mut met);
    let right = scalar(&filter.right, tree, &set.spans, &mut met);
    if !compare(filter.op, &left, &right) {
        return None;
    }
    for (name, value) in met.values {
        if !set.values.iter().any(|(known, _)| *known == name) {
            set.values.push((name, value));
        }
    }
    if let Some(spans) = met.spans {
        set.spans = together(tree, spans.iter());
    }
    (!set.spans.is_empty()).then_some(set)
}

/// What was met on the way to a value.
#[derive(Default)]
struct Met {
    /// Aggregates of the spanset.
    values: Vec<(String, Value<'static>)>,
    /// Spans of pipelines, if there are pipelines.
    spans: Option<Vec<usize>>,
}

fn scalar<'a>(
    expr: &'a ScalarExpr,
    tree: &'a TraceTree<'a>,
    spans: &[usize],
    met: &mut Met,
) -> Value<'static> {
    match expr {
        ScalarExpr::Literal(literal) => literal.clone(),
        ScalarExpr::Aggregate(aggregate) => {
            let value = aggregated(aggregate, tree, spans);
            met.values.push((aggregate.to_string(), value.clone()));
            value
        }
        ScalarExpr::Pipeline(stages, aggregate) => {
            let set = Spanset {
                spans: spans.to_vec(),
                values: Vec::new(),
            };
            let left = run(stages, tree, vec![set]);
            let spans = together(tree, left.iter().flat_map(|set| &set.spans));
            let value = aggregated(aggregate, tree, &spans);
            met.spans.get_or_insert_default().extend(spans);
            value
        }
        ScalarExpr::Arithmetic { op, left, right } => {
            let left = scalar(left, tree, spans, met);
            arithmetic(*op, &left, &scalar(right, tree, spans, met))
        }
    }
}

fn aggregated<'a>(
    aggregate: &'a Aggregate,
    tree: &'a TraceTree<'a>,
    spans: &[usize],
) -> Value<'static> {
    match aggregate {
        Aggregate::Count => Value::Int(i64::try_from(spans.len()).unwrap_or(i64::MAX)),
        Aggregate::Of(function, of) => {
            let all = spans.iter().map(|&span| tree.value(of, span));
            aggregate_of(*function, all)
        }
    }
}

/// Of those values that are numbers; nil of none.
fn aggregate_of<'a>(function: Function, values: impl Iterator<Item = Value<'a>>) -> Value<'static> {
    let numbers = values
        .filter(|value| value.number().is_some())
        .map(Value::into_owned);
    match function {
        Function::Min => extreme(numbers, std::cmp::Ordering::Less),
        Function::Max => extreme(numbers, std::cmp::Ordering::Greater),
        Function::Sum => total(numbers).map_or(Value::Nil, |(sum, _)| sum),
        Function::Avg => match total(numbers) {
            None => Value::Nil,
            Some((Value::Duration(sum), count)) => Value::Duration(sum / count),
            Some((sum, count)) => Value::Float(sum.number().unwrap_or_default() / count as f64),
        },
    }
}

fn extreme(
    mut numbers: impl Iterator<Item = Value<'static>>,
    wanted: std::cmp::Ordering,
) -> Value<'static> {
    let first = numbers.next().unwrap_or(Value::Nil);
    numbers.fold(first, |best, next| match next.order(&best) {
        Some(order) if order == wanted => next,
        _ => best,
    })
}

/// The sum of at least one number, and of how many.
fn total(numbers: impl Iterator<Item = Value<'static>>) -> Option<(Value<'static>, i64)> {
    numbers
        .map(|number| (number, 1))
        .reduce(|(sum, count), (next, one)| (arithmetic(Arithmetic::Add, &sum, &next), count + one))
}

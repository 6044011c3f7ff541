//! A whole trace, its tree, and the fields of its spans.

use std::collections::HashMap;

use spoor_storage::TraceId;

use super::ast::{Field, FieldExpr, Intrinsic, Relation, Target};
use super::field::{is_true, own_value, value_of};
use super::value::Value;
use crate::otlp::SpanRef;
use crate::trace::LoadedTrace;
use crate::trace::assemble::{Placed, SpanNode, assemble};

/// All spans of a trace. Spans are named by their index in the order in which they were accepted.
#[derive(Debug)]
pub(super) struct TraceTree<'a> {
    trace: &'a LoadedTrace,
    nodes: Vec<SpanNode>,
    /// Depth first: parents before their children.
    order: Vec<Placed>,
    /// Of each span, in `order`.
    places: Vec<usize>,
    /// The earliest span without a parent.
    root: Option<usize>,
    duration_ns: i64,
}

impl<'a> TraceTree<'a> {
    pub(super) fn new(trace: &'a LoadedTrace) -> Self {
        let nodes = trace.nodes();
        let order = assemble(&nodes).order;
        let mut places = vec![0; nodes.len()];
        for (place, placed) in order.iter().enumerate() {
            places[placed.span] = place;
        }
        let root = (0..nodes.len())
            .filter(|&span| nodes[span].parent_span_id.is_none())
            .min_by_key(|&span| (nodes[span].start_ns, nodes[span].span_id));
        let start = nodes.iter().map(|node| node.start_ns).min();
        let ends = nodes
            .iter()
            .map(|node| node.start_ns.saturating_add(node.duration_ns.max(0)));
        let duration_ns = match (start, ends.max()) {
            (Some(start), Some(end)) => end.saturating_sub(start),
            _ => 0,
        };
        Self {
            trace,
            nodes,
            order,
            places,
            root,
            duration_ns,
        }
    }

    /// How many spans.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn id(&self) -> TraceId {
        let span = self.trace.span(0);
        TraceId(span.columns.trace_id(span.row))
    }

    pub(super) fn span(&self, span: usize) -> SpanRef<'a> {
        self.trace.span(span)
    }

    pub(super) fn start_ns(&self, span: usize) -> i64 {
        self.nodes[span].start_ns
    }

    pub(super) fn value(&'a self, expr: &'a FieldExpr, span: usize) -> Value<'a> {
        value_of(expr, &|field| self.field(field, span))
    }

    pub(super) fn is_true(&'a self, expr: &'a FieldExpr, span: usize) -> bool {
        is_true(expr, &|field| self.field(field, span))
    }

    pub(super) fn field(&self, field: &Field, span: usize) -> Value<'a> {
        if !field.of_parent {
            return self.target(&field.target, span);
        }
        match self.parent(span) {
            Some(parent) => self.target(&field.target, parent),
            None => Value::Nil,
        }
    }

    fn target(&self, target: &Target, span: usize) -> Value<'a> {
        if let Some(own) = own_value(target, self.span(span)) {
            return own;
        }
        let Target::Intrinsic(intrinsic) = target else {
            return Value::Nil;
        };
        let placed = &self.order[self.places[span]];
        match intrinsic {
            Intrinsic::ChildCount => count(placed.child_count),
            Intrinsic::NestedSetLeft => Value::Int(self.left(span)),
            Intrinsic::NestedSetRight => {
                let below = i64::try_from(placed.descendant_count).unwrap_or(i64::MAX);
                Value::Int(self.left(span).saturating_add(2 * below + 1))
            }
            Intrinsic::NestedSetParent => Value::Int(self.nested_set_parent(span)),
            Intrinsic::TraceDuration => Value::Duration(self.duration_ns),
            Intrinsic::RootName => self.of_root(|root| root.columns.name(root.row)),
            Intrinsic::RootServiceName => self.of_root(|root| root.columns.service_name(root.row)),
            _ => Value::Nil,
        }
    }

    fn of_root(&self, text: impl Fn(SpanRef<'a>) -> &'a str) -> Value<'a> {
        Value::optional(self.root.map(|root| text(self.span(root))))
    }

    fn parent(&self, span: usize) -> Option<usize> {
        let parent = self.order[self.places[span]].parent?;
        Some(self.order[parent].span)
    }

    /// Numbers are given at the way into a span and at the way out, from 1. Before it are the ways
    /// in of all earlier places and the ways out of those that are not above it.
    fn left(&self, span: usize) -> i64 {
        let place = self.places[span];
        let before = 2 * place - self.order[place].depth;
        i64::try_from(before + 1).unwrap_or(i64::MAX)
    }

    /// -1: it names no parent; 0: its parent is not here.
    fn nested_set_parent(&self, span: usize) -> i64 {
        match (self.nodes[span].parent_span_id, self.parent(span)) {
            (None, _) => -1,
            (Some(_), Some(parent)) => self.left(parent),
            (Some(_), None) => 0,
        }
    }

    /// The spans that are in `relation`, seen from one of `from`.
    pub(super) fn related(&self, relation: Relation, from: &[bool]) -> Vec<bool> {
        let mut found = vec![false; self.len()];
        match relation {
            Relation::Child | Relation::Descendant => {
                for placed in &self.order {
                    if let Some(parent) = placed.parent.map(|place| self.order[place].span) {
                        found[placed.span] =
                            from[parent] || (relation == Relation::Descendant && found[parent]);
                    }
                }
            }
            Relation::Parent | Relation::Ancestor => {
                for placed in self.order.iter().rev() {
                    if let Some(parent) = placed.parent.map(|place| self.order[place].span) {
                        found[parent] |= from[placed.span]
                            || (relation == Relation::Ancestor && found[placed.span]);
                    }
                }
            }
            Relation::Sibling => {
                let mut below: HashMap<Above, usize> = HashMap::new();
                for span in (0..self.len()).filter(|&span| from[span]) {
                    if let Some(above) = self.above(span) {
                        *below.entry(above).or_default() += 1;
                    }
                }
                for (span, found) in found.iter_mut().enumerate() {
                    let siblings = self.above(span).and_then(|above| below.get(&above));
                    // Nobody is their own sibling.
                    *found = siblings.copied().unwrap_or(0) > usize::from(from[span]);
                }
            }
        }
        found
    }

    fn above(&self, span: usize) -> Option<Above> {
        match self.parent(span) {
            Some(parent) => Some(Above::Here(parent)),
            None => Some(Above::Missing(self.nodes[span].parent_span_id?.0)),
        }
    }
}

/// Whose children siblings are. A parent that is not here is known by the id its children name.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Above {
    Here(usize),
    Missing([u8; 8]),
}

fn count(number: usize) -> Value<'static> {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

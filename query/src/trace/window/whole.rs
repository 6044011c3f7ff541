//! A trace of any size, assembled and analysed: all that its windows are made of.
//!
//! Some hundred bytes a span and nothing that grows with attributes; the algorithms are those of the normal
//! timeline. None of it recurses, and none is dearer than sorting.

use spoor_storage::{RecordId, SpanId};

use super::load::{OTHER, Operation, SlimTrace};
use crate::trace::assemble::{Placed, SpanNode, Tree, assemble};
use crate::trace::critical::{CriticalPart, critical_parts, critical_times};
use crate::trace::origin::{Origin, error_origin};
use crate::trace::overview::{Extent, ServiceTotal, Warning, warnings_of};
use crate::trace::similar::{Groups, Similar};
use crate::trace::skew::{ClockSkew, Skew};

/// Services of an answer, those with the most time of their own.
const MAX_SERVICES: usize = 1_000;
/// Pairs of services of an answer.
const MAX_PAIRS: usize = 1_000;

/// A span in its place of the tree, depth first.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedSpan {
    pub(super) span_id: SpanId,
    pub(super) start_ns: i64,
    pub(super) duration_ns: i64,
    pub(super) self_time_ns: i64,
    pub(super) critical_ns: i64,
    /// What to add to its times to have them on the clock of its root.
    pub(super) skew_ns: i64,
    parent: u32,
    pub(super) depth: u32,
    pub(super) child_count: u32,
    pub(super) descendant_count: u32,
    pub(super) operation: u32,
    group: u32,
    pub(super) error: bool,
    pub(super) error_below: bool,
    pub(super) missing_parent: bool,
}

/// Stands for no place and no group.
const NONE: u32 = Groups::NONE;

impl PlacedSpan {
    pub(super) fn parent(&self) -> Option<usize> {
        (self.parent != NONE).then_some(self.parent as usize)
    }

    /// The number of its group of similar siblings.
    pub(super) fn group(&self) -> Option<usize> {
        (self.group != NONE).then_some(self.group as usize)
    }
}

/// What a row says of its span, or of the spans of a group together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) start_ns: i64,
    /// To the last end.
    pub(super) duration_ns: i64,
    pub(super) self_time_ns: i64,
    pub(super) critical_ns: i64,
    pub(super) child_count: usize,
    pub(super) descendant_count: usize,
    pub(super) error: bool,
    pub(super) error_below: bool,
}

impl Sum {
    pub(super) fn of(span: &PlacedSpan) -> Self {
        Self {
            start_ns: span.start_ns,
            duration_ns: span.duration_ns,
            self_time_ns: span.self_time_ns,
            critical_ns: span.critical_ns,
            child_count: span.child_count as usize,
            descendant_count: span.descendant_count as usize,
            error: span.error,
            error_below: span.error_below,
        }
    }

    fn add(&mut self, span: &PlacedSpan) {
        let end = |start_ns: i64, duration_ns: i64| start_ns.saturating_add(duration_ns.max(0));
        let end_ns = end(self.start_ns, self.duration_ns).max(end(span.start_ns, span.duration_ns));
        self.start_ns = self.start_ns.min(span.start_ns);
        self.duration_ns = end_ns.saturating_sub(self.start_ns);
        self.self_time_ns = self.self_time_ns.saturating_add(span.self_time_ns);
        self.critical_ns = self.critical_ns.saturating_add(span.critical_ns);
        self.child_count += span.child_count as usize;
        self.descendant_count += span.descendant_count as usize;
        self.error |= span.error;
        self.error_below |= span.error_below;
    }
}

/// An assembled trace.
#[derive(Debug, Default)]
pub(in crate::trace) struct WholeTrace {
    /// By place.
    pub(super) spans: Vec<PlacedSpan>,
    /// Places by the id of their span.
    by_id: Vec<u32>,
    operations: Vec<Operation>,
    pub(super) groups: Vec<Similar>,
    /// By group.
    pub(super) sums: Vec<Sum>,
    /// The critical path, by place and then by time.
    critical: Vec<CriticalPart>,
    pub(super) origin: Option<Origin>,
    pub(super) warnings: Vec<Warning>,
    /// The first of them.
    pub(super) services: Vec<(Box<str>, ServiceTotal)>,
    pub(super) service_count: usize,
    /// Caller and called.
    pub(super) skew: Vec<(Box<str>, Box<str>, Skew)>,
    pub(super) extent: Extent,
    /// The same with each span on the clock of its root.
    pub(super) adjusted: Extent,
    pub(super) levels: usize,
    pub(super) error_count: usize,
    /// The largest id of its records.
    pub(super) newest: RecordId,
    /// Whether it has more spans.
    pub(super) cut_off: bool,
}

impl WholeTrace {
    pub(super) fn of(slim: SlimTrace) -> Self {
        let SlimTrace {
            nodes,
            operation_of,
            operations,
            ..
        } = slim;
        let tree = assemble(&nodes);
        let mut critical = critical_parts(&nodes, &tree);
        let critical_ns = critical_times(&tree, &critical);
        critical.sort_unstable_by_key(|part| (part.place, part.from_ns));
        critical.shrink_to_fit();
        let names = ServiceNames::of(&operations);
        let service = |span: usize| names.number_of[operation_of[span] as usize];
        let skew = ClockSkew::of(&nodes, &tree, &service);
        let groups = Groups::of(&nodes, &tree, |span| operation_of[span]);
        let origin = error_origin(&nodes, &tree);
        let warnings = warnings_of(&nodes, &tree, slim.collapsed);
        let spans: Vec<PlacedSpan> = tree
            .order
            .iter()
            .enumerate()
            .map(|(place, placed)| PlacedSpan {
                critical_ns: critical_ns[place],
                skew_ns: skew.of_place[place],
                operation: operation_of[placed.span],
                group: groups.of_place[place],
                ..PlacedSpan::of(&nodes, placed)
            })
            .collect();
        let mut whole = Self {
            sums: sums_of(&spans, &groups.list),
            extent: Extent::of_nodes(&nodes),
            adjusted: Extent::of(spans.iter().map(|span| {
                let start_ns = span.start_ns.saturating_add(span.skew_ns);
                (start_ns, span.duration_ns)
            })),
            levels: levels_of(&tree),
            error_count: nodes.iter().filter(|node| node.error).count(),
            skew: names.told(&skew),
            by_id: places_by_id(&spans),
            newest: slim.newest,
            cut_off: slim.cut_off,
            groups: groups.list,
            critical,
            spans,
            operations,
            origin,
            warnings,
            ..Self::default()
        };
        whole.sum_up();
        whole
    }

    fn sum_up(&mut self) {
        let spans = self.spans.iter().map(|span| {
            let total = ServiceTotal::of(span.error, span.self_time_ns, span.critical_ns);
            (self.operation(span)[0].as_ref(), total)
        });
        let totals = ServiceTotal::sum(spans);
        let count = totals.len();
        let first = totals.into_iter().take(MAX_SERVICES);
        let services = first.map(|(name, total)| (name.into(), total)).collect();
        (self.services, self.service_count) = (services, count);
    }

    /// Service, name and kind.
    pub(super) fn operation(&self, span: &PlacedSpan) -> &Operation {
        &self.operations[span.operation as usize]
    }

    /// Whether the span is of this operation, as far as that is known.
    pub(super) fn is_operation(&self, span: &PlacedSpan, operation: [&str; 3]) -> bool {
        let [service, name, kind] = self.operation(span);
        [&**service, &**kind] == [operation[0], operation[2]]
            && [operation[1], OTHER].contains(&&**name)
    }

    /// The first place that is not below `place`.
    pub(super) fn end_of(&self, place: usize) -> usize {
        place + 1 + self.spans[place].descendant_count as usize
    }

    /// The places of the spans with an id, ascending.
    pub(super) fn places_of(&self, id: SpanId) -> impl Iterator<Item = usize> {
        let id_at = move |place: u32| self.spans[place as usize].span_id;
        let from = self.by_id.partition_point(|place| id_at(*place) < id);
        self.by_id[from..]
            .iter()
            .take_while(move |place| id_at(**place) == id)
            .map(|place| *place as usize)
    }

    /// How many other spans have the id of a span.
    pub(super) fn same_id_count(&self, id: SpanId) -> usize {
        let id_at = |place: &u32| self.spans[*place as usize].span_id;
        let from = self.by_id.partition_point(|place| id_at(place) < id);
        let to = self.by_id.partition_point(|place| id_at(place) <= id);
        (to - from).saturating_sub(1)
    }

    /// Whether a span with an id is at one of the places `from` to before `to`.
    pub(super) fn has_between(&self, id: SpanId, from: usize, to: usize) -> bool {
        let key = |place: u32| (self.spans[place as usize].span_id, place as usize);
        let next = self.by_id.partition_point(|place| key(*place) < (id, from));
        let next = self.by_id.get(next).map(|place| key(*place));
        next.is_some_and(|(of, place)| of == id && place < to)
    }

    /// When the span at a place was on the critical path, by time.
    pub(super) fn critical_parts(&self, place: usize) -> &[CriticalPart] {
        let from = self.critical.partition_point(|part| part.place < place);
        let to = self.critical.partition_point(|part| part.place <= place);
        &self.critical[from..to]
    }

    /// Bytes it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let texts = |texts: &[Box<str>]| texts.iter().map(|text| text.len()).sum::<usize>();
        size_of::<Self>()
            + self.spans.capacity() * size_of::<PlacedSpan>()
            + self.by_id.capacity() * size_of::<u32>()
            + self.groups.capacity() * size_of::<Similar>()
            + self.critical.capacity() * size_of::<CriticalPart>()
            + self.sums.capacity() * size_of::<Sum>()
            + self.operations.capacity() * size_of::<Operation>()
            + self
                .operations
                .iter()
                .map(|operation| texts(operation))
                .sum::<usize>()
            + self
                .origin
                .as_ref()
                .map_or(0, |origin| origin.path.len() * size_of::<usize>())
            + (self.services.len() + self.skew.len()) * 256
    }
}

impl PlacedSpan {
    fn of(nodes: &[SpanNode], placed: &Placed) -> Self {
        let node = &nodes[placed.span];
        let number = |number: usize| u32::try_from(number).unwrap_or(NONE);
        Self {
            span_id: node.span_id,
            start_ns: node.start_ns,
            duration_ns: node.duration_ns,
            self_time_ns: placed.self_time_ns,
            critical_ns: 0,
            skew_ns: 0,
            parent: placed.parent.map_or(NONE, number),
            depth: number(placed.depth),
            child_count: number(placed.child_count),
            descendant_count: number(placed.descendant_count),
            operation: 0,
            group: NONE,
            error: node.error,
            error_below: placed.error_below,
            missing_parent: placed.missing_parent,
        }
    }
}

fn sums_of(spans: &[PlacedSpan], groups: &[Similar]) -> Vec<Sum> {
    let first = |group: &Similar| Sum::of(&spans[group.first]);
    let mut sums: Vec<Sum> = groups.iter().map(first).collect();
    for (place, span) in spans.iter().enumerate() {
        if let Some(group) = span.group().filter(|group| groups[*group].first != place) {
            sums[group].add(span);
        }
    }
    sums
}

fn levels_of(tree: &Tree) -> usize {
    let levels = tree.order.iter().map(|placed| placed.depth + 1);
    levels.max().unwrap_or_default()
}

fn places_by_id(spans: &[PlacedSpan]) -> Vec<u32> {
    let count = u32::try_from(spans.len()).unwrap_or(NONE);
    let mut places: Vec<u32> = (0..count).collect();
    places.sort_unstable_by_key(|place| (spans[*place as usize].span_id, *place));
    places
}

/// The services of operations by number.
struct ServiceNames<'a> {
    names: Vec<&'a str>,
    number_of: Vec<u32>,
}

impl<'a> ServiceNames<'a> {
    /// Numbers are in the order of the names.
    fn of(operations: &'a [Operation]) -> Self {
        let mut names: Vec<&str> = operations.iter().map(|[service, ..]| &**service).collect();
        names.sort_unstable();
        names.dedup();
        let number = |name: &str| names.binary_search(&name).unwrap_or_default();
        let number_of = operations.iter().map(|[service, ..]| number(service));
        let number_of = number_of.map(|number| u32::try_from(number).unwrap_or(NONE));
        Self {
            number_of: number_of.collect(),
            names,
        }
    }

    fn told(&self, skew: &ClockSkew<u32>) -> Vec<(Box<str>, Box<str>, Skew)> {
        let name = |number: u32| Box::from(self.names[number as usize]);
        let pairs = skew.pairs.iter().take(MAX_PAIRS);
        pairs
            .map(|((caller, called), skew)| (name(*caller), name(*called), *skew))
            .collect()
    }
}

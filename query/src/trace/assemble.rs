//! The tree of one trace, from its spans in any order.
//!
//! Nothing here recurses: a chain of 10,000 spans costs stack no more than one. All steps are
//! linear but the sort by start time.

use std::collections::HashMap;

use spoor_storage::SpanId;

/// What assembly needs to know of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanNode {
    /// Its id; a client and a server half may share one (Zipkin).
    pub span_id: SpanId,
    /// The id it names as its parent.
    pub parent_span_id: Option<SpanId>,
    /// Which half it is.
    pub side: Side,
    /// Nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// Nanoseconds; negative if it ends before it starts.
    pub duration_ns: i64,
    /// Whether its status is `ERROR`.
    pub error: bool,
}

/// The kinds that decide who is whose parent when two spans share an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The calling half.
    Client,
    /// Neither.
    Other,
    /// The called half.
    Server,
}

/// A span in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its index in the input.
    pub span: usize,
    /// The place of its parent in [`Tree::order`].
    pub parent: Option<usize>,
    /// Hops to its root.
    pub depth: usize,
    /// Children.
    pub child_count: usize,
    /// Children, theirs, and so on.
    pub descendant_count: usize,
    /// Nanoseconds of its own duration that no child covers.
    pub self_time_ns: i64,
    /// Whether a descendant failed.
    pub error_below: bool,
    /// Whether it is shown as a root because the parent it names is not here.
    pub missing_parent: bool,
}

/// The spans depth first, siblings and roots by start time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// All spans of the input, each once.
    pub order: Vec<Placed>,
    /// Spans without a parent in the tree.
    pub root_count: usize,
    /// Spans made roots because their ancestors led back to them.
    pub cycle_count: usize,
}

impl SpanNode {
    /// The first instant after it.
    pub fn end_ns(&self) -> i64 {
        self.start_ns.saturating_add(self.duration_ns)
    }
}

impl Side {
    /// The side of OTLP's word for a kind.
    pub fn of_kind(kind: &str) -> Self {
        match kind {
            "CLIENT" => Self::Client,
            "SERVER" => Self::Server,
            _ => Self::Other,
        }
    }
}

/// Who called each span, by index: the client half with the same id if it is a server half; else
/// the span whose id it names as its parent, the server half if two share that id, then the
/// earliest. Raw: cycles are in it.
pub fn callers(spans: &[SpanNode]) -> Vec<Option<usize>> {
    let by_id = index_by_id(spans);
    let caller_of = |span: &SpanNode| {
        let twin = (span.side == Side::Server)
            .then(|| by_id.get(&span.span_id)?.client)
            .flatten();
        twin.or_else(|| Some(by_id.get(&span.parent_span_id?)?.called))
    };
    spans.iter().map(caller_of).collect()
}

/// The tree of `spans`, which must be of one trace and without retries.
pub fn assemble(spans: &[SpanNode]) -> Tree {
    let mut parents = callers(spans);
    let by_start = sorted_by_start(spans);
    let cycle_count = break_cycles(&by_start, &mut parents);
    let children = Children::new(&by_start, &parents);
    let roots: Vec<usize> = by_start
        .iter()
        .copied()
        .filter(|&span| parents[span].is_none())
        .collect();
    let mut order = depth_first(&roots, &children, spans.len());
    for placed in &mut order {
        let span = &spans[placed.span];
        placed.self_time_ns = self_time(span, spans, children.of(placed.span));
    }
    sum_up(&mut order, spans);
    mark_missing(&mut order, spans);
    Tree {
        order,
        root_count: roots.len(),
        cycle_count,
    }
}

/// The spans of one id.
#[derive(Debug, Clone, Copy)]
struct Halves {
    /// The one that children attach to.
    called: usize,
    /// The earliest client half.
    client: Option<usize>,
}

fn index_by_id(spans: &[SpanNode]) -> HashMap<SpanId, Halves> {
    let mut by_id: HashMap<SpanId, Halves> = HashMap::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        let client = (span.side == Side::Client).then_some(index);
        let halves = by_id.entry(span.span_id).or_insert(Halves {
            called: index,
            client,
        });
        let rank = |other: usize| {
            let other = &spans[other];
            (other.side != Side::Server, other.start_ns)
        };
        if rank(index) < rank(halves.called) {
            halves.called = index;
        }
        if halves
            .client
            .is_none_or(|first| span.start_ns < spans[first].start_ns)
        {
            halves.client = client.or(halves.client);
        }
    }
    by_id
}

/// Indexes by start time; ties by id and half, then by the order given, so that the same spans
/// always give the same tree.
fn sorted_by_start(spans: &[SpanNode]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_unstable_by_key(|&index| {
        let span = &spans[index];
        (span.start_ns, span.side, span.span_id, index)
    });
    order
}

/// Takes the parent of the earliest span of each cycle away. Returns how many there were.
fn break_cycles(by_start: &[usize], parents: &mut [Option<usize>]) -> usize {
    const NEW: usize = usize::MAX;
    // The walk in which a span was first met.
    let mut met_in = vec![NEW; parents.len()];
    let mut rank = vec![0; parents.len()];
    for (place, &span) in by_start.iter().enumerate() {
        rank[span] = place;
    }
    let mut broken = 0;
    for (walk, &start) in by_start.iter().enumerate() {
        let mut at = start;
        while met_in[at] == NEW {
            met_in[at] = walk;
            match parents[at] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        // Coming back to a span of this same walk that still has a parent closes a cycle.
        if met_in[at] == walk && parents[at].is_some() {
            let mut earliest = at;
            let mut next = parents[at];
            while let Some(span) = next.filter(|&span| span != at) {
                if rank[span] < rank[earliest] {
                    earliest = span;
                }
                next = parents[span];
            }
            parents[earliest] = None;
            broken += 1;
        }
    }
    broken
}

/// Children of every span in one allocation, by start time.
struct Children {
    starts: Vec<usize>,
    flat: Vec<usize>,
}

impl Children {
    fn new(by_start: &[usize], parents: &[Option<usize>]) -> Self {
        let mut starts = vec![0; parents.len() + 1];
        for parent in parents.iter().flatten() {
            starts[parent + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut flat = vec![0; parents.iter().flatten().count()];
        for &span in by_start {
            if let Some(parent) = parents[span] {
                flat[next[parent]] = span;
                next[parent] += 1;
            }
        }
        Self { starts, flat }
    }

    fn of(&self, span: usize) -> &[usize] {
        &self.flat[self.starts[span]..self.starts[span + 1]]
    }
}

fn depth_first(roots: &[usize], children: &Children, count: usize) -> Vec<Placed> {
    let mut order = Vec::with_capacity(count);
    let mut stack: Vec<(usize, Option<usize>, usize)> =
        roots.iter().rev().map(|&root| (root, None, 0)).collect();
    while let Some((span, parent, depth)) = stack.pop() {
        let place = order.len();
        let own = children.of(span);
        order.push(Placed {
            span,
            parent,
            depth,
            child_count: own.len(),
            descendant_count: 0,
            self_time_ns: 0,
            error_below: false,
            missing_parent: false,
        });
        stack.extend(
            own.iter()
                .rev()
                .map(|&child| (child, Some(place), depth + 1)),
        );
    }
    order
}

/// The duration less the union of the children's intervals inside it. `children` by start time.
fn self_time(span: &SpanNode, spans: &[SpanNode], children: &[usize]) -> i64 {
    let end = span.end_ns();
    let mut covered_to = span.start_ns;
    let mut own = 0_i64;
    for &child in children {
        let child = &spans[child];
        let child_end = child.end_ns().min(end);
        if child_end <= child.start_ns.max(covered_to) {
            continue;
        }
        own = own.saturating_add(child.start_ns.saturating_sub(covered_to).max(0));
        covered_to = child_end;
    }
    own.saturating_add(end.saturating_sub(covered_to).max(0))
}

/// Parents come before children, so one pass backwards sums up subtrees.
fn sum_up(order: &mut [Placed], spans: &[SpanNode]) {
    for place in (0..order.len()).rev() {
        let placed = order[place];
        if let Some(parent) = placed.parent {
            order[parent].descendant_count += placed.descendant_count + 1;
            order[parent].error_below |= placed.error_below || spans[placed.span].error;
        }
    }
}

/// A root names a parent if that is not here, or if a cycle was broken at it.
fn mark_missing(order: &mut [Placed], spans: &[SpanNode]) {
    let roots_with_parent =
        |placed: &Placed| placed.parent.is_none() && spans[placed.span].parent_span_id.is_some();
    if !order.iter().any(roots_with_parent) {
        return;
    }
    let here: std::collections::HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
    for placed in order.iter_mut().filter(|placed| placed.parent.is_none()) {
        let parent = spans[placed.span].parent_span_id;
        placed.missing_parent = parent.is_some_and(|parent| !here.contains(&parent));
    }
}

#[cfg(test)]
mod tests;

//! The service graph with what is known of every call: rate, errors and duration, also over time.
//!
//! Nodes are services, and what they call that sends no spans itself: databases, queues, other servers.

pub(super) mod api;
mod namespaces;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(crate) use rows::{edge_rows, edge_schema};

use super::calls::TraceSpans;
use super::graph::rounds::Rounds;
use super::graph::{Edge, is_known};
use super::peer::{NodeKind, Peer};
use super::quantile::Durations;
use crate::api::Buckets;
use crate::session::QuerySession;
use crate::trace::assemble::{Side, SpanNode, callers};

/// Edges told apart.
const MAX_EDGES: usize = 10_000;
/// Buckets of all edges that hold something.
const MAX_CELLS: usize = 50_000;
/// Traces kept of an edge.
const MAX_SAMPLES: usize = 3;
/// Durations kept one by one, of an edge and of one of its buckets.
const EXACT: usize = 256;
const EXACT_OF_CELL: usize = 16;
/// The name of whoever calls from outside.
const CLIENT: &str = "client";

/// A node: what it is and its name.
pub(crate) type Node = (NodeKind, Arc<str>);

/// From, to, and whether only the caller tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CallKey {
    from: Node,
    to: Node,
    inferred: bool,
}

/// Calls of one edge, or of one bucket of it.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    error_count: u64,
    durations: Durations,
}

/// One edge.
#[derive(Debug, Clone)]
pub(super) struct CallEdge {
    calls: Calls,
    /// Start and id of the newest traces.
    samples: Vec<(i64, String)>,
    /// Starts of the first and the last call.
    first_ns: i64,
    last_ns: i64,
    by_bucket: BTreeMap<usize, Calls>,
}

/// The graph while traces are added.
#[derive(Debug)]
pub(super) struct Topology {
    buckets: Option<Buckets>,
    edges: HashMap<CallKey, CallEdge>,
    /// The system of databases and queues.
    systems: BTreeMap<Node, Arc<str>>,
    cell_count: usize,
    /// Calls of edges that have no place.
    dropped_calls: u64,
    /// Whether some buckets have no place.
    lacks_cells: bool,
    rounds: Rounds,
}

impl Topology {
    pub(super) fn new(buckets: Option<Buckets>) -> Self {
        Self {
            buckets,
            edges: HashMap::new(),
            systems: BTreeMap::new(),
            cell_count: 0,
            dropped_calls: 0,
            lacks_cells: false,
            rounds: Rounds::default(),
        }
    }

    pub(super) fn add(&mut self, trace: &TraceSpans) {
        let callers = callers(&trace.spans);
        // Spans with a span of another service below: who they called tells of it itself.
        let mut answered = vec![false; trace.spans.len()];
        for (called, caller) in callers.iter().enumerate() {
            if let Some(caller) = caller
                && trace.services[*caller] != trace.services[called]
            {
                answered[*caller] = true;
            }
        }
        let service = |span: usize| (NodeKind::Service, Arc::clone(&trace.services[span]));
        for (at, span) in trace.spans.iter().enumerate() {
            if !trace.counted[at] || !is_known(&trace.services[at]) {
                continue;
            }
            match callers[at] {
                Some(caller) => {
                    let from = &trace.services[caller];
                    if *from != trace.services[at] && is_known(from) {
                        self.count(service(caller), service(at), false, span, &trace.trace_id);
                    }
                }
                None if span.parent_span_id.is_none() && span.side == Side::Server => {
                    let client = (NodeKind::Client, CLIENT.into());
                    self.count(client, service(at), true, span, &trace.trace_id);
                }
                None => {}
            }
            if let Some(Some(peer)) = trace.peers.get(at)
                && (!answered[at] || peer.kind == NodeKind::Messaging)
            {
                self.count_peer(peer, service(at), span, &trace.trace_id);
            }
        }
        self.rounds.add(
            &trace.trace_id,
            &trace.spans,
            &trace.services,
            &callers,
            &trace.counted,
        );
    }

    fn count_peer(&mut self, peer: &Peer, service: Node, span: &SpanNode, trace_id: &str) {
        let node = (peer.kind, Arc::clone(&peer.name));
        if let Some(system) = &peer.system
            && (self.systems.len() < MAX_EDGES || self.systems.contains_key(&node))
        {
            // The first by name, so that the order of spans does not matter.
            let known = self
                .systems
                .entry(node.clone())
                .or_insert_with(|| Arc::clone(system));
            if system < known {
                *known = Arc::clone(system);
            }
        }
        let (from, to) = if peer.consumed {
            (node, service)
        } else {
            (service, node)
        };
        self.count(from, to, true, span, trace_id);
    }

    fn count(&mut self, from: Node, to: Node, inferred: bool, span: &SpanNode, trace_id: &str) {
        let key = CallKey { from, to, inferred };
        if self.edges.len() >= MAX_EDGES && !self.edges.contains_key(&key) {
            self.dropped_calls += 1;
            return;
        }
        let edge = self.edges.entry(key).or_insert_with(CallEdge::new);
        edge.calls.add(span);
        edge.sample(span.start_ns, trace_id);
        edge.first_ns = edge.first_ns.min(span.start_ns);
        edge.last_ns = edge.last_ns.max(span.start_ns);
        let Some(buckets) = self.buckets else { return };
        let bucket = span.start_ns.saturating_sub(buckets.start_ns) / buckets.width_ns;
        let Ok(bucket) = usize::try_from(bucket) else {
            return;
        };
        if let Some(cell) = edge.by_bucket.get_mut(&bucket) {
            cell.add(span);
        } else if self.cell_count < MAX_CELLS {
            self.cell_count += 1;
            let mut cell = Calls::exact_up_to(EXACT_OF_CELL);
            cell.add(span);
            edge.by_bucket.insert(bucket, cell);
        } else {
            self.lacks_cells = true;
        }
    }

    /// Says so if there were more edges than have a place.
    fn note_dropped(&self, session: &QuerySession) {
        if self.dropped_calls > 0 {
            session.note_incomplete(format!(
                "there are too many edges; {} calls are not counted",
                self.dropped_calls
            ));
        }
    }

    /// What is called by the name of a service that sends spans is that service.
    pub(super) fn finish(&mut self) -> BTreeMap<CallKey, CallEdge> {
        let mut edges: BTreeMap<CallKey, CallEdge> = self.edges.drain().collect();
        let services: std::collections::BTreeSet<Arc<str>> = edges
            .keys()
            .flat_map(|key| [&key.from, &key.to])
            .filter(|(kind, _)| *kind == NodeKind::Service)
            .map(|(_, name)| Arc::clone(name))
            .collect();
        let named: Vec<CallKey> = edges
            .keys()
            .filter(|key| key.to.0 == NodeKind::External && services.contains(&key.to.1))
            .cloned()
            .collect();
        for key in named {
            if let Some(edge) = edges.remove(&key) {
                let to = (NodeKind::Service, Arc::clone(&key.to.1));
                edges.insert(CallKey { to, ..key }, edge);
            }
        }
        edges
    }
}

impl Calls {
    fn exact_up_to(exact: usize) -> Self {
        Self {
            error_count: 0,
            durations: Durations::exact_up_to(exact),
        }
    }

    fn add(&mut self, span: &SpanNode) {
        self.error_count += u64::from(span.error);
        self.durations.add(span.duration_ns);
    }
}

impl CallEdge {
    fn new() -> Self {
        Self {
            calls: Calls::exact_up_to(EXACT),
            samples: Vec::new(),
            first_ns: i64::MAX,
            last_ns: i64::MIN,
            by_bucket: BTreeMap::new(),
        }
    }

    /// Keeps the trace if it is one of the newest.
    fn sample(&mut self, start_ns: i64, trace_id: &str) {
        let known = self.samples.iter().any(|(_, known)| known == trace_id);
        let newer = |(start, id): &(i64, String)| (*start, id.as_str()) < (start_ns, trace_id);
        if known || (self.samples.len() >= MAX_SAMPLES && !self.samples.last().is_some_and(newer)) {
            return;
        }
        self.samples.truncate(MAX_SAMPLES - 1);
        self.samples.push((start_ns, trace_id.to_owned()));
        self.samples.sort_unstable_by(|a, b| b.cmp(a));
    }
}

/// The edges between services that send spans, as cycles are looked for in.
fn between_services(edges: &BTreeMap<CallKey, CallEdge>) -> Vec<Edge> {
    edges
        .iter()
        .filter(|(key, _)| {
            key.from.0 == NodeKind::Service && key.to.0 == NodeKind::Service && !key.inferred
        })
        .map(|(key, edge)| Edge {
            from: Arc::clone(&key.from.1),
            to: Arc::clone(&key.to.1),
            calls: edge.calls.durations.count(),
        })
        .collect()
}

#[cfg(test)]
mod tests;

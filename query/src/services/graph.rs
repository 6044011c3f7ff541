//! Who calls whom: edges between services, and the cycles among them.

pub(crate) mod elementary;
pub(crate) mod rounds;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::trace::assemble::{SpanNode, callers};

/// What a service is called whose resource has no `service.name`; it is nobody in particular, so
/// it has no edges.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// How often one service called another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The caller.
    pub from: Arc<str>,
    /// The called.
    pub to: Arc<str>,
    /// Spans of the called whose caller is a span of the caller.
    pub calls: u64,
}

/// Edges, trace by trace.
#[derive(Debug, Default)]
pub struct EdgeCounter {
    calls: BTreeMap<(Arc<str>, Arc<str>), u64>,
}

impl EdgeCounter {
    /// Counts the calls of one trace. `services` names the service of each span and `counted`
    /// says whether a call of that span counts; it can be a caller either way.
    pub fn add(
        &mut self,
        spans: &[SpanNode],
        services: &[Arc<str>],
        counted: impl Fn(usize) -> bool,
    ) {
        for (called, caller) in callers(spans).into_iter().enumerate() {
            let Some(caller) = caller.filter(|_| counted(called)) else {
                continue;
            };
            let (from, to) = (&services[caller], &services[called]);
            if from != to && is_known(from) && is_known(to) {
                *self
                    .calls
                    .entry((Arc::clone(from), Arc::clone(to)))
                    .or_default() += 1;
            }
        }
    }

    /// How many edges so far.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The edges by caller, then by called.
    pub fn finish(self) -> Vec<Edge> {
        let edge = |((from, to), calls)| Edge { from, to, calls };
        self.calls.into_iter().map(edge).collect()
    }
}

pub(super) fn is_known(service: &str) -> bool {
    !service.is_empty() && service != UNKNOWN_SERVICE
}

/// The sets of two or more services that can all reach each other (strongly connected
/// components), each sorted, largest first. Tarjan's algorithm with a stack of its own.
pub fn cycles(edges: &[Edge]) -> Vec<Vec<Arc<str>>> {
    let mut names: Vec<&Arc<str>> = edges
        .iter()
        .flat_map(|edge| [&edge.from, &edge.to])
        .collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &Arc<str>| names.binary_search(&name).unwrap_or_default();
    let mut next = vec![Vec::new(); names.len()];
    for edge in edges {
        next[number(&edge.from)].push(number(&edge.to));
    }
    let mut found: Vec<Vec<Arc<str>>> = components(&next)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|mut component| {
            component.sort_unstable();
            component
                .into_iter()
                .map(|service| Arc::clone(names[service]))
                .collect()
        })
        .collect();
    found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    found
}

fn components(next: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let mut index = vec![NEW; next.len()];
    let mut low = vec![NEW; next.len()];
    let mut on_stack = vec![false; next.len()];
    let (mut stack, mut found, mut count) = (Vec::new(), Vec::new(), 0);
    for root in 0..next.len() {
        // Each frame: a node and how many of its edges have been followed.
        let mut frames = if index[root] == NEW {
            vec![(root, 0)]
        } else {
            Vec::new()
        };
        while let Some((node, followed)) = frames.last_mut() {
            let node = *node;
            if index[node] == NEW {
                index[node] = count;
                low[node] = count;
                count += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&to) = next[node].get(*followed) {
                *followed += 1;
                if index[to] == NEW {
                    frames.push((to, 0));
                } else if on_stack[to] {
                    low[node] = low[node].min(index[to]);
                }
                continue;
            }
            frames.pop();
            if let Some((parent, _)) = frames.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                found.push(component);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;

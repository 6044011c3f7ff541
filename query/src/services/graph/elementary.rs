//! FoundCycles of services, one by one, the shortest first.
//!
//! A graph of some hundred services can have more cycles than there are atoms, so there are bounds: on the
//! length, on how many, and on the steps taken. Up to them every cycle is found, each once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Edge, cycles};

/// Services of a cycle; a longer one is told by its component only.
pub(crate) const MAX_LENGTH: usize = 8;
/// FoundCycles found.
pub(crate) const MAX_CYCLES: usize = 200;
const MAX_STEPS: usize = 2_000_000;

/// The cycles found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundCycles {
    /// Sets of services that can all reach each other, largest first.
    pub(crate) components: Vec<Vec<Arc<str>>>,
    /// Each from its first service by name, along the calls; the shortest first, then by name.
    pub(crate) cycles: Vec<Vec<Arc<str>>>,
    /// Whether there may be more than these.
    pub(crate) more: bool,
}

/// The cycles of a graph.
pub(crate) fn find_cycles(edges: &[Edge]) -> FoundCycles {
    let mut found = FoundCycles {
        components: cycles(edges),
        ..FoundCycles::default()
    };
    let graphs: Vec<Graph> = found
        .components
        .iter()
        .map(|component| Graph::new(component, edges))
        .collect();
    let longest = found.components.first().map_or(0, Vec::len);
    let mut steps = 0;
    for length in 2..=longest {
        let mut of_length = Vec::new();
        for graph in &graphs {
            if length > MAX_LENGTH || !graph.add(length, &mut steps, &mut of_length) {
                found.more = true;
            }
        }
        of_length.sort();
        let room = MAX_CYCLES.saturating_sub(found.cycles.len());
        found.more |= of_length.len() > room;
        of_length.truncate(room);
        found.cycles.extend(of_length);
        if found.more {
            break;
        }
    }
    found
}

/// One component.
struct Graph<'a> {
    /// Sorted by name.
    names: &'a [Arc<str>],
    next: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn new(names: &'a [Arc<str>], edges: &[Edge]) -> Self {
        let number: HashMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (&**name, at))
            .collect();
        let mut next = vec![Vec::new(); names.len()];
        for edge in edges {
            if let (Some(from), Some(to)) = (number.get(&*edge.from), number.get(&*edge.to)) {
                next[*from].push(*to);
            }
        }
        for to in &mut next {
            to.sort_unstable();
            to.dedup();
        }
        Self { names, next }
    }

    /// Adds the cycles of a length; false if a bound was met. A cycle is found from its first service, so once.
    fn add(&self, length: usize, steps: &mut usize, found: &mut Vec<Vec<Arc<str>>>) -> bool {
        if length > self.names.len() {
            return true;
        }
        for start in 0..self.names.len() {
            let back = self.distances_to(start, length);
            let mut path = vec![start];
            // How many edges of each service of the path have been followed.
            let mut followed = vec![0];
            while let (Some(&at), Some(next)) = (path.last(), followed.last_mut()) {
                let Some(&to) = self.next[at].get(*next) else {
                    path.pop();
                    followed.pop();
                    continue;
                };
                *next += 1;
                *steps += 1;
                if *steps > MAX_STEPS || found.len() > MAX_CYCLES {
                    return false;
                }
                if to == start && path.len() == length {
                    found.push(path.iter().map(|at| Arc::clone(&self.names[*at])).collect());
                } else if to > start
                    && path.len() < length
                    && path.len() + back[to] <= length
                    && !path.contains(&to)
                {
                    path.push(to);
                    followed.push(0);
                }
            }
        }
        true
    }

    /// Steps from each service to `start` through services after it; more than `most` if there is no way.
    fn distances_to(&self, start: usize, most: usize) -> Vec<usize> {
        let mut before = vec![Vec::new(); self.next.len()];
        for (from, to) in self.next.iter().enumerate() {
            for to in to {
                before[*to].push(from);
            }
        }
        let mut distances = vec![most + 1; self.next.len()];
        distances[start] = 0;
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for &from in before[at].iter().filter(|from| **from > start) {
                if distances[from] > most && distances[at] < most {
                    distances[from] = distances[at] + 1;
                    queue.push_back(from);
                }
            }
        }
        distances
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::sample::{expected, list};

    fn edges(pairs: &[(&str, &str)]) -> Vec<Edge> {
        let edge = |(from, to): &(&str, &str)| Edge {
            from: (*from).into(),
            to: (*to).into(),
            calls: 1,
        };
        pairs.iter().map(edge).collect()
    }

    fn named(found: &FoundCycles) -> Vec<String> {
        found.cycles.iter().map(|cycle| cycle.join(" ")).collect()
    }

    #[test]
    fn every_cycle_is_found_once_the_shortest_first() {
        let found = find_cycles(&edges(&[
            ("a", "b"),
            ("b", "a"),
            ("b", "c"),
            ("c", "a"),
            ("c", "d"),
            ("d", "b"),
            ("x", "y"),
            ("y", "x"),
            ("y", "a"),
        ]));
        assert_eq!(named(&found), ["a b", "x y", "a b c", "b c d"]);
        assert_eq!(found.components.len(), 2);
        assert!(!found.more);
        assert_eq!(
            find_cycles(&edges(&[("a", "b"), ("b", "c")])),
            FoundCycles::default()
        );
    }

    #[test]
    fn a_long_cycle_is_told_by_its_component() {
        let names: Vec<String> = (0..=MAX_LENGTH).map(|at| format!("s{at:02}")).collect();
        let ring: Vec<(&str, &str)> = (0..names.len())
            .map(|at| (names[at].as_str(), names[(at + 1) % names.len()].as_str()))
            .collect();
        let found = find_cycles(&edges(&ring));
        assert_eq!(
            (found.cycles.len(), found.components.len(), found.more),
            (0, 1, true)
        );
        let shorter = find_cycles(&edges(&[&ring[..7], &[("s07", "s00")]].concat()));
        assert_eq!((shorter.cycles.len(), shorter.more), (1, false));
    }

    #[test]
    fn of_everyone_calling_everyone_some_are_found() {
        let names: Vec<String> = (0..40).map(|at| format!("s{at:02}")).collect();
        let mut all = Vec::new();
        for from in &names {
            all.extend(
                names
                    .iter()
                    .filter(|to| *to != from)
                    .map(|to| (from.as_str(), to.as_str())),
            );
        }
        let found = find_cycles(&edges(&all));
        assert_eq!(found.cycles.len(), MAX_CYCLES);
        assert!(found.more);
        assert!(found.cycles.iter().all(|cycle| cycle.len() == 2));
    }

    #[test]
    fn the_pairs_of_a_graph_of_1238_services_are_found() {
        let path = format!(
            "{}/../tests/data/untouched/jaeger-ui-dependencies-large.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let graph: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = |value: &serde_json::Value| -> Arc<str> { value.as_str().unwrap().into() };
        let edges: Vec<Edge> = list(&graph)
            .iter()
            .map(|edge| Edge {
                from: text(&edge["parent"]),
                to: text(&edge["child"]),
                calls: edge["callCount"].as_u64().unwrap(),
            })
            .collect();
        let found = find_cycles(&edges);
        let figures = &expected()["dependency-graph"];
        let sizes: Vec<usize> = found.components.iter().map(Vec::len).collect();
        assert_eq!(serde_json::json!(sizes), figures["cyclic_components"]);
        let pairs = found.cycles.iter().filter(|cycle| cycle.len() == 2).count();
        assert_eq!(serde_json::json!(pairs), figures["mutual_pairs"]);
        assert_eq!((found.cycles.len(), found.more), (MAX_CYCLES, true));
        for cycle in &found.cycles {
            for (at, from) in cycle.iter().enumerate() {
                let to = &cycle[(at + 1) % cycle.len()];
                assert!(
                    edges
                        .iter()
                        .any(|edge| edge.from == *from && edge.to == *to)
                );
            }
        }
    }
}

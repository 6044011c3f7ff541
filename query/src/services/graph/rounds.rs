//! Requests that come back to a service that they have been in: cycles that really happen.
//!
//! That a calls b and b calls a need not be one request. Here it is: a span has an ancestor of its own service
//! with others between.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::elementary::MAX_LENGTH;
use crate::trace::assemble::SpanNode;

/// FoundCycles told apart.
const MAX_ROUNDS: usize = 2_000;
/// Ancestors looked at.
const MAX_HOPS: usize = 64;

/// How often requests went around, by cycle as [`super::elementary::FoundCycles`] has it.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    found: BTreeMap<Vec<Arc<str>>, Round>,
}

/// One cycle's.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Round {
    /// Calls that closed it.
    pub(crate) count: u64,
    /// The newest trace with one: its start and id.
    pub(crate) newest: (i64, String),
}

impl Rounds {
    /// Adds those of a trace. `callers` is the caller of each span.
    pub(crate) fn add(
        &mut self,
        trace_id: &str,
        spans: &[SpanNode],
        services: &[Arc<str>],
        callers: &[Option<usize>],
        counted: &[bool],
    ) {
        for span in (0..spans.len()).filter(|span| counted[*span]) {
            let Some(cycle) = cycle_to(span, services, callers) else {
                continue;
            };
            if self.found.len() >= MAX_ROUNDS && !self.found.contains_key(&cycle) {
                continue;
            }
            let round = self.found.entry(cycle).or_default();
            round.count += 1;
            let newest = (spans[span].start_ns, trace_id);
            if (round.newest.0, round.newest.1.as_str()) < newest {
                round.newest = (newest.0, newest.1.to_owned());
            }
        }
    }

    /// What is known of a cycle.
    pub(crate) fn of(&self, cycle: &[Arc<str>]) -> Option<&Round> {
        self.found.get(cycle)
    }
}

/// The cycle that a call closes, from its first service by name; `None` if it closes none.
fn cycle_to(
    span: usize,
    services: &[Arc<str>],
    callers: &[Option<usize>],
) -> Option<Vec<Arc<str>>> {
    let own = &services[span];
    let caller = callers[span]?;
    if services[caller] == *own {
        return None;
    }
    let mut path = vec![own];
    let mut at = caller;
    for _ in 0..MAX_HOPS {
        let service = &services[at];
        if service == own {
            path.reverse();
            let first = (0..path.len()).min_by_key(|at| path[*at])?;
            path.rotate_left(first);
            return Some(path.into_iter().map(Arc::clone).collect());
        }
        if path.last() != Some(&service) {
            // A smaller cycle inside, or one too long.
            if path.contains(&service) || path.len() >= MAX_LENGTH {
                return None;
            }
            path.push(service);
        }
        at = callers[at]?;
    }
    None
}

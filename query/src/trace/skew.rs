//! How far the clocks of services are apart, as far as calls tell. Stored times stay as they are.
//!
//! A call cannot begin before its caller sends it, nor end after the caller has the answer. So the two spans
//! of a call bound the offset between the clocks of the two services; all calls between them together
//! narrow it. If no offset is needed, there is none.

use std::collections::BTreeMap;

use super::assemble::{Side, SpanNode, Tree};

/// What is known of the clocks of a caller and a called service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skew {
    /// What to add to times of the called service to have them on the caller's clock, nanoseconds.
    pub(super) offset_ns: i64,
    /// Calls it was estimated from.
    pub(super) calls: usize,
    /// Whether no single offset fits all calls; then it is that of the call in the middle.
    pub(super) contradictory: bool,
}

/// The estimate for a trace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ClockSkew<S> {
    /// By caller and called; only where clocks are apart.
    pub(super) pairs: BTreeMap<(S, S), Skew>,
    /// What to add to the times of the span at each place to have them on the clock of its root.
    pub(super) of_place: Vec<i64>,
}

impl<S: Ord + Copy> ClockSkew<S> {
    /// `service` names the service of a span.
    pub(super) fn of(spans: &[SpanNode], tree: &Tree, service: &impl Fn(usize) -> S) -> Self {
        let mut bounds: BTreeMap<(S, S), Vec<(i64, i64)>> = BTreeMap::new();
        for placed in &tree.order {
            let Some(parent) = placed.parent.map(|parent| tree.order[parent].span) else {
                continue;
            };
            let (caller, called) = (&spans[parent], &spans[placed.span]);
            let pair = (service(parent), service(placed.span));
            // Whoever puts a message into a queue does not wait.
            let waits = caller.side == Side::Client && called.side == Side::Server;
            if !waits || pair.0 == pair.1 || called.duration_ns < 0 {
                continue;
            }
            let earliest = caller.start_ns.saturating_sub(called.start_ns);
            let latest = caller.end_ns().saturating_sub(called.end_ns());
            // A called span that is longer than its caller says nothing of clocks.
            if earliest <= latest {
                bounds.entry(pair).or_default().push((earliest, latest));
            }
        }
        let mut pairs: BTreeMap<_, Skew> = bounds
            .into_iter()
            .map(|(pair, bounds)| (pair, Skew::of(bounds)))
            .collect();
        pairs.retain(|_, skew| skew.offset_ns != 0);
        let mut of_place: Vec<i64> = Vec::with_capacity(tree.order.len());
        for placed in &tree.order {
            let above = placed
                .parent
                .map(|parent| (of_place[parent], tree.order[parent].span));
            of_place.push(above.map_or(0, |(skew_ns, parent)| {
                let pair = (service(parent), service(placed.span));
                let own = pairs.get(&pair).map_or(0, |skew| skew.offset_ns);
                // Two clocks apart are so in both directions.
                let back = || {
                    pairs
                        .get(&(pair.1, pair.0))
                        .map_or(0, |skew| -skew.offset_ns)
                };
                skew_ns.saturating_add(if own == 0 { back() } else { own })
            }));
        }
        Self { pairs, of_place }
    }
}

impl Skew {
    fn of(mut bounds: Vec<(i64, i64)>) -> Self {
        let calls = bounds.len();
        let earliest = bounds.iter().map(|bound| bound.0).max().unwrap_or_default();
        let latest = bounds.iter().map(|bound| bound.1).min().unwrap_or_default();
        let middle = |(from, to): (i64, i64)| from.midpoint(to);
        if earliest <= latest {
            let none = earliest <= 0 && latest >= 0;
            return Self {
                offset_ns: if none { 0 } else { middle((earliest, latest)) },
                calls,
                contradictory: false,
            };
        }
        let fit = bounds.iter().filter(|bound| bound.0 <= 0 && bound.1 >= 0);
        // Clocks that are right for most calls are right.
        let right = fit.count() * 2 >= calls;
        bounds.sort_by_key(|bound| middle(*bound));
        Self {
            offset_ns: if right { 0 } else { middle(bounds[calls / 2]) },
            calls,
            contradictory: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use spoor_storage::SpanId;

    use super::*;
    use crate::trace::assemble::assemble;

    fn span(id: u8, parent: u8, side: Side, start_ns: i64, end_ns: i64) -> SpanNode {
        let of = |id| SpanId([0, 0, 0, 0, 0, 0, 0, id]);
        SpanNode {
            span_id: of(id),
            parent_span_id: (parent > 0).then(|| of(parent)),
            side,
            start_ns,
            duration_ns: end_ns - start_ns,
            error: false,
        }
    }

    const SERVICES: [&str; 5] = ["a", "a", "b", "b", "a"];

    fn skew(spans: &[SpanNode]) -> (Vec<(&'static str, &'static str, i64)>, Vec<i64>) {
        let tree = assemble(spans);
        let found = ClockSkew::of(spans, &tree, &|span| SERVICES[span]);
        let pairs = found
            .pairs
            .iter()
            .map(|((from, to), skew)| (*from, *to, skew.offset_ns))
            .collect();
        (pairs, found.of_place)
    }

    #[test]
    fn a_call_bounds_the_offset_and_what_is_below_follows() {
        // b's clock is about 1,000 ahead; then b calls a.
        let spans = [
            span(1, 0, Side::Server, 0, 100),
            span(2, 1, Side::Client, 10, 90),
            span(3, 2, Side::Server, 1_020, 1_080),
            span(4, 3, Side::Client, 1_030, 1_070),
            span(5, 4, Side::Server, 40, 60),
        ];
        let (pairs, places) = skew(&spans);
        assert_eq!(pairs, [("a", "b", -1_000), ("b", "a", 1_000)]);
        assert_eq!(places, [0, 0, -1_000, -1_000, 0]);
    }

    #[test]
    fn clocks_that_can_be_right_are_right() {
        let inside = [
            span(1, 0, Side::Server, 0, 100),
            span(2, 1, Side::Client, 10, 90),
            span(3, 2, Side::Server, 11, 30),
        ];
        assert_eq!(skew(&inside), (vec![], vec![0, 0, 0]));
        // A message is taken later, and a longer span says nothing.
        for (side, end_ns) in [(Side::Other, 2_000), (Side::Server, 5_000)] {
            let other = [
                span(1, 0, Side::Server, 0, 100),
                span(2, 1, Side::Client, 10, 90),
                span(3, 2, side, 1_990, end_ns),
            ];
            assert_eq!(skew(&other).0, []);
        }
    }

    #[test]
    fn calls_that_contradict_each_other_leave_the_middle_one() {
        let found = Skew::of(vec![(100, 120), (200, 220), (900, 920)]);
        assert_eq!((found.offset_ns, found.contradictory), (210, true));
        let most = Skew::of(vec![(-5, 5), (-9, 9), (100, 120)]);
        assert_eq!(most.offset_ns, 0);
    }
}

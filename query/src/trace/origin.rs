//! Where a trace's failure comes from: the deepest failing span that explains why the root failed.

pub(super) mod logs;
mod write;

pub(super) use write::write_origin;

use super::assemble::{SpanNode, Tree};

/// Where a failure begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Places in the tree from the topmost failing span down to the origin.
    pub(crate) path: Vec<usize>,
    /// Whether the topmost failing span is a root: if not, somebody dealt with the failure.
    pub(crate) root_failed: bool,
}

impl Origin {
    /// The origin's place in the tree.
    pub(crate) fn place(&self) -> usize {
        self.path.last().copied().unwrap_or_default()
    }

    /// The place of the span that it made fail in the end.
    pub(crate) fn top(&self) -> usize {
        self.path.first().copied().unwrap_or_default()
    }
}

/// The origin of a trace's failure; `None` if no span failed.
///
/// It begins at the earliest failing root; if no root failed, at the failing span without a failing ancestor
/// that ended last. From there it goes down, each time to the failing span below (spans that say nothing of a status
/// may be between) that ended last: of attempts one after the other, the last is the one that was not survived.
pub(crate) fn error_origin(spans: &[SpanNode], tree: &Tree) -> Option<Origin> {
    let below = FailingBelow::new(spans, tree);
    let top = below.tops.iter().copied();
    let is_root = |place: &usize| tree.order[*place].parent.is_none();
    let root = top.clone().find(is_root);
    let mut at = root.or_else(|| last_of(top, spans, tree))?;
    let mut path = vec![at];
    while let Some(next) = last_of(below.of(at), spans, tree) {
        path.push(next);
        at = next;
    }
    Some(Origin {
        path,
        root_failed: root.is_some(),
    })
}

/// For each failing span, the failing ones below it with no other failing one between.
struct FailingBelow {
    /// Failing spans without a failing ancestor, in the order of the tree.
    tops: Vec<usize>,
    /// By failing ancestor, then in the order of the tree.
    pairs: Vec<(usize, usize)>,
}

impl FailingBelow {
    fn new(spans: &[SpanNode], tree: &Tree) -> Self {
        // The nearest failing span at or above each place. Parents come before children.
        let mut nearest: Vec<Option<usize>> = Vec::with_capacity(tree.order.len());
        let (mut tops, mut pairs) = (Vec::new(), Vec::new());
        for (place, placed) in tree.order.iter().enumerate() {
            let above = placed.parent.and_then(|parent| nearest[parent]);
            if spans[placed.span].error {
                match above {
                    Some(above) => pairs.push((above, place)),
                    None => tops.push(place),
                }
                nearest.push(Some(place));
            } else {
                nearest.push(above);
            }
        }
        pairs.sort_unstable();
        Self { tops, pairs }
    }

    fn of(&self, place: usize) -> impl Iterator<Item = usize> {
        let from = self.pairs.partition_point(|(above, _)| *above < place);
        self.pairs[from..]
            .iter()
            .take_while(move |(above, _)| *above == place)
            .map(|(_, below)| *below)
    }
}

/// The place whose span ended last; of equals the first in the tree.
fn last_of(places: impl Iterator<Item = usize>, spans: &[SpanNode], tree: &Tree) -> Option<usize> {
    places.max_by_key(|place| {
        let end_ns = spans[tree.order[*place].span].end_ns();
        (end_ns, std::cmp::Reverse(*place))
    })
}

#[cfg(test)]
mod tests {
    use spoor_storage::SpanId;

    use super::*;
    use crate::trace::assemble::{Side, assemble};

    /// Spans by id: parent (0 is none), end, whether it failed.
    fn origin(given: &[(u8, i64, bool)]) -> Option<(Vec<u8>, bool)> {
        let id = |number: u8| SpanId([0, 0, 0, 0, 0, 0, 0, number]);
        let spans: Vec<SpanNode> = (1..)
            .zip(given)
            .map(|(number, (parent, end, error))| SpanNode {
                span_id: id(number),
                parent_span_id: (*parent > 0).then(|| id(*parent)),
                side: Side::Other,
                start_ns: i64::from(number),
                duration_ns: end - i64::from(number),
                error: *error,
            })
            .collect();
        let tree = assemble(&spans);
        let found = error_origin(&spans, &tree)?;
        let ids = found.path.iter().map(|place| {
            let span = tree.order[*place].span;
            spans[span].span_id.0[7]
        });
        Some((ids.collect(), found.root_failed))
    }

    #[test]
    fn the_last_failure_below_each_failure_explains_it() {
        // 2 was tried again as 3, whose call 5 failed below a span that says nothing.
        let spans = [
            (0, 100, true),
            (1, 20, true),
            (1, 90, true),
            (3, 80, false),
            (4, 70, true),
            (1, 95, false),
        ];
        assert_eq!(origin(&spans), Some((vec![1, 3, 5], true)));
    }

    #[test]
    fn a_failure_that_the_root_survived_is_told_apart() {
        let spans = [(0, 100, false), (1, 20, true), (1, 50, true), (2, 19, true)];
        assert_eq!(origin(&spans), Some((vec![3], false)));
        assert_eq!(origin(&[(0, 100, false)]), None);
        assert_eq!(origin(&[]), None);
    }

    #[test]
    fn a_chain_of_ten_thousand_failures_is_followed_to_its_end() {
        let id = |number: u64| SpanId(number.to_be_bytes());
        let spans: Vec<SpanNode> = (1..=10_000_u64)
            .map(|number| SpanNode {
                span_id: id(number),
                parent_span_id: (number > 1).then(|| id(number - 1)),
                side: Side::Other,
                start_ns: number.cast_signed(),
                duration_ns: 1,
                error: true,
            })
            .collect();
        let tree = assemble(&spans);
        let found = error_origin(&spans, &tree).unwrap();
        assert_eq!(
            (found.path.len(), found.top(), found.place()),
            (10_000, 0, 9_999)
        );
    }
}

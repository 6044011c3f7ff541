//! Siblings that do the same, as one.

use std::collections::HashMap;

use super::assemble::{SpanNode, Tree};

/// So many siblings that do the same are worth a group.
const LEAST: usize = 3;
/// Groups of an answer, those with the most spans.
const MAX_GROUPS: usize = 1_000;

/// Siblings of the same service, name and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Similar {
    /// The parent's place; `None`: roots.
    pub(super) parent: Option<usize>,
    /// The first one's place.
    pub(super) first: usize,
    /// The place of the one that took longest.
    pub(super) longest: usize,
    pub(super) count: usize,
    pub(super) error_count: usize,
    /// Nanoseconds of all together; they may have run at the same time.
    pub(super) duration_ns: i64,
}

/// Groups of similar siblings, in the order of the tree. `operation` is equal for spans that do the same.
pub(super) fn similar_siblings<'a, K: Eq + std::hash::Hash + 'a>(
    spans: &[SpanNode],
    tree: &Tree,
    operation: impl Fn(usize) -> K,
) -> Vec<Similar> {
    let mut groups: Vec<Similar> = Vec::new();
    let mut of: HashMap<(Option<usize>, K), usize> = HashMap::new();
    for (place, placed) in tree.order.iter().enumerate() {
        let span = &spans[placed.span];
        let key = (placed.parent, operation(placed.span));
        let at = *of.entry(key).or_insert_with(|| {
            groups.push(Similar {
                parent: placed.parent,
                first: place,
                longest: place,
                count: 0,
                error_count: 0,
                duration_ns: 0,
            });
            groups.len() - 1
        });
        let group = &mut groups[at];
        group.count += 1;
        group.error_count += usize::from(span.error);
        group.duration_ns = group.duration_ns.saturating_add(span.duration_ns.max(0));
        if span.duration_ns > spans[tree.order[group.longest].span].duration_ns {
            group.longest = place;
        }
    }
    groups.retain(|group| group.count >= LEAST);
    if groups.len() > MAX_GROUPS {
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups.truncate(MAX_GROUPS);
        groups.sort_by_key(|group| group.first);
    }
    groups
}

#[cfg(test)]
mod tests {
    use spoor_storage::SpanId;

    use super::*;
    use crate::trace::assemble::{Side, assemble};

    #[test]
    fn siblings_that_do_the_same_are_one_group() {
        let id = |number: u64| SpanId(number.to_be_bytes());
        let spans: Vec<SpanNode> = (1..=9_u64)
            .map(|number| SpanNode {
                span_id: id(number),
                parent_span_id: (number > 1).then(|| id(if number == 9 { 2 } else { 1 })),
                side: Side::Other,
                start_ns: number.cast_signed(),
                duration_ns: if number == 5 { 50 } else { 10 },
                error: number == 4,
            })
            .collect();
        let tree = assemble(&spans);
        // 2 to 8 are children of 1; odd ones do one thing, even ones another.
        let groups = similar_siblings(&spans, &tree, |span| span % 2);
        let found: Vec<_> = groups
            .iter()
            .map(|group| {
                (
                    group.parent,
                    group.count,
                    group.error_count,
                    group.duration_ns,
                )
            })
            .collect();
        assert_eq!(found, [(Some(0), 4, 1, 40), (Some(0), 3, 0, 70)]);
        let longest = tree.order[groups[1].longest].span;
        assert_eq!(spans[longest].span_id, id(5));
    }
}

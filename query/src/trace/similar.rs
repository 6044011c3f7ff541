//! Siblings that do the same, as one.

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
    pub(super) shortest_ns: i64,
    /// The one in the middle; of two the shorter.
    pub(super) median_ns: i64,
    pub(super) longest_ns: i64,
}

/// All groups of a trace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// In the order of the tree.
    pub(super) list: Vec<Similar>,
    /// The number of the group of the span at each place; [`Groups::NONE`] if it is in none.
    pub(super) of_place: Vec<u32>,
}

impl Groups {
    pub(super) const NONE: u32 = u32::MAX;

    /// Groups of similar siblings. `operation` is equal for spans that do the same. As much work as sorting takes,
    /// twelve bytes a span.
    pub(super) fn of(spans: &[SpanNode], tree: &Tree, operation: impl Fn(usize) -> u32) -> Self {
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mut keys: Vec<(u32, u32, u32)> = tree
            .order
            .iter()
            .enumerate()
            .map(|(place, placed)| {
                let parent = placed.parent.map_or(0, |parent| number(parent) + 1);
                (parent, operation(placed.span), number(place))
            })
            .collect();
        keys.sort_unstable();
        let alike = keys.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let mut of_place = vec![Self::NONE; tree.order.len()];
        let mut list = Vec::new();
        let mut firsts = Vec::new();
        let mut durations = Vec::new();
        for members in alike.filter(|members| members.len() >= LEAST) {
            let places = members.iter().map(|(_, _, place)| *place as usize);
            for place in places.clone() {
                of_place[place] = number(list.len());
            }
            let group = Similar::of(spans, tree, places, &mut durations);
            firsts.push((group.first, list.len()));
            list.push(group);
        }
        // Sorted by parent they are nearly in the order of the tree.
        firsts.sort_unstable();
        let mut renumbered = vec![0; list.len()];
        for (new, (_, old)) in firsts.iter().enumerate() {
            renumbered[*old] = number(new);
        }
        list.sort_unstable_by_key(|group: &Similar| group.first);
        for group in of_place.iter_mut().filter(|group| **group != Self::NONE) {
            *group = renumbered[*group as usize];
        }
        Self { list, of_place }
    }

    /// Those with the most spans, in the order of the tree.
    pub(super) fn largest(mut self) -> Vec<Similar> {
        if self.list.len() > MAX_GROUPS {
            self.list
                .sort_by_key(|group| std::cmp::Reverse(group.count));
            self.list.truncate(MAX_GROUPS);
            self.list.sort_by_key(|group| group.first);
        }
        self.list
    }
}

impl Similar {
    /// Of the spans at `places`, ascending and not none; `durations` is room to work in.
    fn of(
        spans: &[SpanNode],
        tree: &Tree,
        places: impl Iterator<Item = usize> + Clone,
        durations: &mut Vec<i64>,
    ) -> Self {
        let span = |place: usize| &spans[tree.order[place].span];
        let first = places.clone().next().unwrap_or_default();
        durations.clear();
        durations.extend(places.clone().map(|place| span(place).duration_ns.max(0)));
        let middle = durations.len().saturating_sub(1) / 2;
        let (_, median_ns, _) = durations.select_nth_unstable(middle);
        let median_ns = *median_ns;
        let longest = places
            .clone()
            .max_by_key(|place| (span(*place).duration_ns, std::cmp::Reverse(*place)));
        Self {
            parent: tree.order[first].parent,
            first,
            longest: longest.unwrap_or(first),
            count: durations.len(),
            error_count: places.filter(|place| span(*place).error).count(),
            duration_ns: durations
                .iter()
                .fold(0, |sum: i64, ns| sum.saturating_add(*ns)),
            shortest_ns: durations.iter().copied().min().unwrap_or_default(),
            median_ns,
            longest_ns: durations.iter().copied().max().unwrap_or_default(),
        }
    }
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
        let groups = Groups::of(&spans, &tree, |span| u32::from(span % 2 == 0));
        let found: Vec<_> = groups
            .list
            .iter()
            .map(|group| {
                (
                    group.parent,
                    group.count,
                    group.error_count,
                    group.duration_ns,
                    [group.shortest_ns, group.median_ns, group.longest_ns],
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (Some(0), 4, 1, 40, [10, 10, 10]),
                (Some(0), 3, 0, 70, [10, 10, 50])
            ]
        );
        let longest = tree.order[groups.list[1].longest].span;
        assert_eq!(spans[longest].span_id, id(5));
        for (place, group) in groups.of_place.iter().enumerate() {
            let number = spans[tree.order[place].span].span_id.0[7];
            let expected = match number {
                1 | 9 => Groups::NONE,
                number => u32::from(number % 2),
            };
            assert_eq!(*group, expected, "{number}");
        }
    }
}

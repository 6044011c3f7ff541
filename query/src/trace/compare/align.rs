//! Spans of two traces in groups: those of the same service, operation and kind whose callers are
//! of one group. Nothing recurses, all is linear but the sort of siblings.

use std::collections::HashMap;

use super::Side;
use crate::otlp::SpanRef;

/// An answer has at most this many groups; more are a sign of ids in span names.
pub(super) const MAX_GROUPS: usize = 10_000;

/// All groups, depth first, siblings by when they begin.
#[derive(Debug, Default)]
pub(super) struct Aligned {
    pub(super) groups: Vec<Group>,
    /// Spans that are in no group.
    pub(super) left_out: usize,
}

/// Spans that do the same at the same place of the tree.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The group of their callers, by its place in [`Aligned::groups`].
    pub(super) parent: Option<usize>,
    pub(super) depth: usize,
    /// Left and right: places in the tree's order.
    pub(super) sides: [Vec<usize>; 2],
}

/// What makes two spans with one caller do the same.
type Doing<'a> = (Option<usize>, &'a str, &'a str, &'a str);

/// The groups of two traces.
pub(super) fn align(left: &Side, right: &Side) -> Aligned {
    let mut aligned = Aligned::default();
    let mut known: HashMap<Doing<'_>, usize> = HashMap::new();
    for (which, side) in [left, right].into_iter().enumerate() {
        // The group of each place; callers come before those they call.
        let mut group_of: Vec<Option<usize>> = Vec::with_capacity(side.tree.order.len());
        for (place, placed) in side.tree.order.iter().enumerate() {
            let parent = placed.parent.map(|parent| group_of[parent]);
            let group = match parent {
                // Its caller is in no group, so neither is it.
                Some(None) => None,
                Some(parent) => aligned.group(&mut known, doing(side, place, parent)),
                None => aligned.group(&mut known, doing(side, place, None)),
            };
            match group {
                Some(group) => aligned.groups[group].sides[which].push(place),
                None => aligned.left_out += 1,
            }
            group_of.push(group);
        }
    }
    aligned.sort(left, right);
    aligned
}

fn doing(side: &Side, place: usize, parent: Option<usize>) -> Doing<'_> {
    let SpanRef { columns, row } = side.placed_span(place);
    (
        parent,
        columns.service_name(row),
        columns.name(row),
        columns.kind(row),
    )
}

impl Aligned {
    fn group<'a>(
        &mut self,
        known: &mut HashMap<Doing<'a>, usize>,
        doing: Doing<'a>,
    ) -> Option<usize> {
        if let Some(group) = known.get(&doing) {
            return Some(*group);
        }
        if self.groups.len() >= MAX_GROUPS {
            return None;
        }
        let parent = doing.0;
        self.groups.push(Group {
            parent,
            depth: parent.map_or(0, |parent| self.groups[parent].depth + 1),
            sides: Default::default(),
        });
        known.insert(doing, self.groups.len() - 1);
        Some(self.groups.len() - 1)
    }

    /// Depth first, siblings by the start of their first span after that of its trace.
    fn sort(&mut self, left: &Side, right: &Side) {
        let begins = |group: &Group| {
            let first = |side: &Side, places: &[usize]| {
                let starts = places
                    .iter()
                    .map(|place| side.nodes[side.tree.order[*place].span].start_ns);
                starts
                    .min()
                    .map(|start| start.saturating_sub(side.start_ns))
            };
            first(left, &group.sides[0])
                .or_else(|| first(right, &group.sides[1]))
                .unwrap_or(i64::MAX)
        };
        let starts: Vec<i64> = self.groups.iter().map(begins).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.groups.len()];
        let mut waiting = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            match group.parent {
                Some(parent) => children[parent].push(at),
                None => waiting.push(at),
            }
        }
        // The last one is taken first.
        let last_first = |groups: &mut Vec<usize>| {
            groups.sort_by_key(|at| (std::cmp::Reverse(starts[*at]), std::cmp::Reverse(*at)));
        };
        last_first(&mut waiting);
        let mut old: Vec<Option<Group>> = std::mem::take(&mut self.groups)
            .into_iter()
            .map(Some)
            .collect();
        let mut moved_to = vec![0; old.len()];
        while let Some(at) = waiting.pop() {
            if let Some(group) = old[at].take() {
                moved_to[at] = self.groups.len();
                self.groups.push(Group {
                    parent: group.parent.map(|parent| moved_to[parent]),
                    ..group
                });
            }
            let mut below = std::mem::take(&mut children[at]);
            last_first(&mut below);
            waiting.extend(below);
        }
    }
}

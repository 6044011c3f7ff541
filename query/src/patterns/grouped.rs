//! Groups in bounded memory, the same in whatever order their members come.
//!
//! When there are too many, all keys become coarser by one level. Which level that ends at depends on the
//! keys and not on their order, and so do the groups.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::tally::Tally;

/// A key that can tell less.
pub(crate) trait Coarsen: Eq + Hash {
    /// At this level all keys are one.
    const LEVELS: u8;

    /// The key at a level, 0 being the whole of it. What is one key at a level is one at the next.
    #[must_use]
    fn coarse(self, level: u8) -> Self;
}

/// What is known of a group.
pub(crate) trait Merge: Default {
    /// Adds what was found elsewhere.
    fn merge(&mut self, other: Self);
}

/// Groups by key.
#[derive(Debug)]
pub(crate) struct Grouped<K, G> {
    most: usize,
    level: u8,
    groups: HashMap<K, G>,
}

impl<K: Coarsen, G: Merge> Grouped<K, G> {
    /// At most so many groups; at least one.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            level: 0,
            groups: HashMap::new(),
        }
    }

    /// Adds a member to its group.
    pub(crate) fn add(&mut self, key: K, member: impl FnOnce(&mut G)) {
        member(self.groups.entry(key.coarse(self.level)).or_default());
        while self.groups.len() > self.most && self.level < K::LEVELS {
            self.level += 1;
            for (key, group) in std::mem::take(&mut self.groups) {
                let key = key.coarse(self.level);
                self.groups.entry(key).or_default().merge(group);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether groups are coarser than their members are.
    pub(crate) fn is_coarse(&self) -> bool {
        self.level > 0
    }

    pub(crate) fn into_groups(self) -> impl Iterator<Item = (K, G)> {
        self.groups.into_iter()
    }

    /// The groups with members in the second of two periods, most frequent first; and how many members the first
    /// period has, of all groups. `tally` is what was counted of one.
    pub(crate) fn into_most_frequent(self, tally: impl Fn(&G) -> &Tally) -> (Vec<(K, G)>, u64)
    where
        K: Ord,
    {
        let mut groups: Vec<(K, G)> = self.into_groups().collect();
        let baseline = groups.iter().map(|(_, group)| tally(group).baseline_count);
        let baseline_total = baseline.sum();
        groups.retain(|(_, group)| tally(group).count > 0);
        groups.sort_by(|(a, left), (b, right)| {
            let (left, right) = (tally(left).count, tally(right).count);
            right.cmp(&left).then_with(|| a.cmp(b))
        });
        (groups, baseline_total)
    }
}

/// Adds to the count of a key. Of more than `most` keys the first ones in their order are kept, each
/// with all that was counted of it, whatever the order in which they come.
pub(crate) fn count_bounded<K: Ord>(
    counts: &mut BTreeMap<K, u64>,
    key: K,
    count: u64,
    most: usize,
) {
    if let Some(known) = counts.get_mut(&key) {
        *known += count;
        return;
    }
    counts.insert(key, count);
    if counts.len() > most {
        counts.pop_last();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct Word(String);

    impl Coarsen for Word {
        const LEVELS: u8 = 2;

        fn coarse(mut self, level: u8) -> Self {
            match level {
                0 => {}
                1 => self.0.truncate(1),
                _ => self.0.clear(),
            }
            self
        }
    }

    #[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    struct Counted(u64, BTreeMap<usize, u64>);

    impl Merge for Counted {
        fn merge(&mut self, other: Self) {
            self.0 += other.0;
            for (length, count) in other.1 {
                count_bounded(&mut self.1, length, count, 2);
            }
        }
    }

    fn grouped(words: &[String], most: usize) -> (bool, Vec<(Word, Counted)>) {
        let mut grouped = Grouped::new(most);
        for word in words {
            grouped.add(Word(word.clone()), |group: &mut Counted| {
                group.0 += 1;
                count_bounded(&mut group.1, word.len(), 1, 2);
            });
            assert!(grouped.len() <= most);
        }
        let coarse = grouped.is_coarse();
        let mut groups: Vec<(Word, Counted)> = grouped.into_groups().collect();
        groups.sort_unstable();
        (coarse, groups)
    }

    #[test]
    fn groups_do_not_depend_on_the_order_of_their_members() {
        let mut words: Vec<String> = (0..90_usize)
            .map(|n| format!("{}{}", ["a", "b", "c"][n % 3], "x".repeat(n % 7)))
            .collect();
        let all = [30, 5, 2].map(|most| grouped(&words, most));
        assert_eq!(
            all.each_ref().map(|(coarse, _)| *coarse),
            [false, true, true]
        );
        assert_eq!(all.each_ref().map(|(_, groups)| groups.len()), [21, 3, 1]);
        // The first two lengths, with all of their words.
        let lengths = words.iter().filter(|word| word.len() <= 2).count() as u64;
        assert_eq!(all[2].1[0].1.1.values().sum::<u64>(), lengths);
        for _ in 0..2 {
            words.reverse();
            for (most, expected) in [30, 5, 2].into_iter().zip(&all) {
                assert_eq!(&grouped(&words, most), expected);
            }
            words.sort();
        }
    }
}

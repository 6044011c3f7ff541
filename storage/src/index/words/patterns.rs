//! Patterns: shapes that differ in few words become one, as log lines come from few format strings.
//!
//! A word that is constant in a pattern costs nothing a row; one that is variable costs its place
//! in that word's list of rows. So two shapes are put together if that is cheaper than one more
//! pattern, and rows of a pattern that does not pay for itself are kept word by word: the
//! *unknown* pattern, number 0. Whatever is chosen here, answers are the same.
//!
//! Shapes come most frequent first and are compared with few candidates each (same number of
//! tokens, same first or last one, as Drain does), so the time is linear in the shapes.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::shapes::{Shape, VARIABLE};

/// Patterns a file may have.
const MAX_PATTERNS: usize = 4096;
/// Tokens of all patterns together.
const MAX_PATTERN_TOKENS: usize = 1 << 18;
/// Patterns that a shape is compared with, by first and by last token each.
const CANDIDATES: usize = 32;
/// What a pattern costs, and each of its tokens, in rows that have one more variable word. It is more
/// than their bytes (a row costs about one and a half bits more in a word's list than in the list of
/// a pattern of its own): a lookup goes through all patterns, so few are worth something.
const PATTERN_COST: u64 = 128;
const PATTERN_TOKEN_COST: u64 = 16;
/// Where the alternative is every word in a list, bytes alone count: this many times less.
const WORTH: u64 = 8;

/// The number of the pattern of rows that have none.
pub(super) const UNKNOWN: u32 = 0;

/// The patterns of a file.
#[derive(Debug)]
pub(super) struct Patterns {
    /// Tokens by number of the pattern; number 0 has none.
    pub(super) patterns: Vec<Vec<u32>>,
    /// The pattern of each shape.
    pub(super) of_shape: Vec<u32>,
}

struct Cluster {
    tokens: Vec<u32>,
    rows: u64,
}

impl Patterns {
    pub(super) fn of(shapes: &[Shape]) -> Self {
        let mut order: Vec<usize> = (0..shapes.len()).collect();
        order.sort_by_key(|shape| Reverse(shapes[*shape].rows));
        let mut clusters = Clusters::default();
        let mut cluster_of = vec![0; shapes.len()];
        for shape in order {
            cluster_of[shape] = clusters.put(&shapes[shape]);
        }
        let number = clusters.numbers();
        let mut patterns = vec![Vec::new()];
        for (cluster, number) in clusters.list.into_iter().zip(&number) {
            if *number != UNKNOWN {
                patterns.push(cluster.tokens);
            }
        }
        Self {
            patterns,
            of_shape: cluster_of
                .into_iter()
                .map(|cluster| number[cluster])
                .collect(),
        }
    }
}

#[derive(Default)]
struct Clusters {
    list: Vec<Cluster>,
    /// By number of tokens and first token, and by number of tokens and last token.
    leaves: HashMap<(bool, usize, u32), Vec<usize>>,
}

impl Clusters {
    /// The cluster that a shape belongs to from now on.
    fn put(&mut self, shape: &Shape) -> usize {
        let tokens = &shape.tokens;
        let rows = u64::from(shape.rows);
        let ends = [
            (
                false,
                tokens.len(),
                tokens.first().copied().unwrap_or(VARIABLE),
            ),
            (
                true,
                tokens.len(),
                tokens.last().copied().unwrap_or(VARIABLE),
            ),
        ];
        let best = ends
            .iter()
            .filter_map(|end| self.leaves.get(end))
            .flat_map(|leaf| leaf.iter().take(CANDIDATES))
            .filter_map(|at| Some((self.list[*at].cost_of(tokens, rows)?, *at)))
            .min();
        match best {
            Some((cost, at)) if cost <= own_cost(tokens.len()) => {
                self.list[at].take(tokens, rows);
                at
            }
            _ => {
                let at = self.list.len();
                self.list.push(Cluster {
                    tokens: tokens.to_vec(),
                    rows,
                });
                for end in ends {
                    self.leaves.entry(end).or_default().push(at);
                }
                at
            }
        }
    }

    /// The number of each cluster as a pattern; [`UNKNOWN`] if it does not pay, or there is no room.
    fn numbers(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|cluster| Reverse(self.list[*cluster].saving()));
        let mut kept = vec![false; self.list.len()];
        let mut tokens = 0;
        for at in order.into_iter().take(MAX_PATTERNS - 1) {
            tokens += self.list[at].tokens.len();
            kept[at] = self.list[at].saving() > 0 && tokens <= MAX_PATTERN_TOKENS;
        }
        let mut next = UNKNOWN;
        kept.into_iter()
            .map(|kept| {
                next += u32::from(kept);
                if kept { next } else { UNKNOWN }
            })
            .collect()
    }
}

fn own_cost(tokens: usize) -> u64 {
    PATTERN_COST + PATTERN_TOKEN_COST * tokens as u64
}

impl Cluster {
    /// What it would cost to put a shape of so many rows here; `None` if less than half is the same.
    fn cost_of(&self, tokens: &[u32], rows: u64) -> Option<u64> {
        let (mut same, mut cost) = (0, 0);
        for (mine, other) in self.tokens.iter().zip(tokens) {
            match (*mine, *other) {
                (mine, other) if mine == other => same += 1,
                (VARIABLE, _) => cost += rows,
                (_, VARIABLE) => cost += self.rows,
                _ => cost += self.rows + rows,
            }
        }
        (same * 2 >= tokens.len()).then_some(cost)
    }

    fn take(&mut self, tokens: &[u32], rows: u64) {
        for (mine, other) in self.tokens.iter_mut().zip(tokens) {
            if mine != other {
                *mine = VARIABLE;
            }
        }
        self.rows += rows;
    }

    /// What the pattern is cheaper than its rows word by word.
    fn saving(&self) -> i64 {
        let constant = self.tokens.iter().filter(|token| **token != VARIABLE);
        let without = self.rows * constant.count() as u64;
        let with = own_cost(self.tokens.len()) / WORTH;
        without.cast_signed() - with.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(tokens: &[u32], rows: u32) -> Shape {
        Shape {
            tokens: tokens.into(),
            rows,
        }
    }

    #[test]
    fn rare_variants_become_one_and_frequent_ones_stay_apart() {
        let mut shapes: Vec<Shape> = (100..160)
            .map(|user| shape(&[1, 2, 3, 4, 5, user, VARIABLE], 2))
            .collect();
        shapes.push(shape(&[1, 2, 3, 4, 5, 99, VARIABLE], 10_000));
        shapes.push(shape(&[7, 8, 9], 1));
        let found = Patterns::of(&shapes);
        assert_eq!(found.patterns.len(), 3, "{found:?}");
        let frequent = found.of_shape[60];
        assert_eq!(
            found.patterns[frequent as usize],
            [1, 2, 3, 4, 5, 99, VARIABLE]
        );
        let rare = found.of_shape[0];
        assert_eq!(
            found.patterns[rare as usize],
            [1, 2, 3, 4, 5, VARIABLE, VARIABLE]
        );
        assert!(found.of_shape[..60].iter().all(|of| *of == rare));
        assert_eq!(found.of_shape[61], UNKNOWN);
    }

    #[test]
    fn texts_without_tokens_and_many_patterns_are_fine() {
        let mut shapes = vec![shape(&[], 5)];
        shapes.extend((0..6_000).map(|at| shape(&[at * 3, at * 3 + 1, at * 3 + 2], 1_000)));
        let found = Patterns::of(&shapes);
        assert!(found.patterns.len() <= MAX_PATTERNS);
        assert_eq!(found.of_shape[0], UNKNOWN);
    }
}

//! Percentiles of durations in bounded memory.

mod packed;

use std::collections::BTreeMap;

pub use packed::PackedDurations;

/// Up to so many durations are kept one by one.
const EXACT: usize = 4096;
/// Buckets between one power of two and the next; a bucket is at most 1/128 wide.
const STEPS_LOG2: u32 = 7;

/// Durations of one operation. Percentiles are exact (nearest rank) for up to 4,096 of them, or as
/// many as asked for, and within 0.4 % for more; then durations below zero count as zero.
#[derive(Debug, Clone)]
pub struct Durations {
    exact: usize,
    each: Vec<i64>,
    buckets: BTreeMap<u32, u64>,
    count: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self::exact_up_to(EXACT)
    }
}

impl Durations {
    /// Of which so many are kept one by one.
    pub fn exact_up_to(exact: usize) -> Self {
        Self {
            exact,
            each: Vec::new(),
            buckets: BTreeMap::new(),
            count: 0,
        }
    }

    /// Adds one, in nanoseconds.
    pub fn add(&mut self, duration_ns: i64) {
        self.count += 1;
        if !self.buckets.is_empty() {
            *self.buckets.entry(bucket_of(duration_ns)).or_default() += 1;
            return;
        }
        self.each.push(duration_ns);
        if self.each.len() > self.exact {
            for duration_ns in std::mem::take(&mut self.each) {
                *self.buckets.entry(bucket_of(duration_ns)).or_default() += 1;
            }
        }
    }

    /// Adds all of others that keep as many one by one: the same as adding each.
    pub fn merge(&mut self, others: &Self) {
        if others.is_exact() {
            others.each.iter().for_each(|each| self.add(*each));
            return;
        }
        self.count += others.count;
        for each in std::mem::take(&mut self.each) {
            *self.buckets.entry(bucket_of(each)).or_default() += 1;
        }
        for (bucket, count) in &others.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }

    /// About the bytes that they take.
    pub fn bytes(&self) -> usize {
        /// What a bucket costs, with its part of the tree.
        const BUCKET_BYTES: usize = 24;
        self.each.capacity() * size_of::<i64>() + self.buckets.len() * BUCKET_BYTES
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Durations with how many are so long, ascending where they are not exact.
    pub fn counts(&self) -> impl Iterator<Item = (i64, u64)> {
        let exact = self.each.iter().map(|duration_ns| (*duration_ns, 1));
        let stepped = self.buckets.iter();
        exact.chain(stepped.map(|(bucket, count)| (middle_of(*bucket), *count)))
    }

    /// The `percent`th percentiles by nearest rank, in nanoseconds; 0 of none.
    pub fn percentiles<const N: usize>(&mut self, percents: [u64; N]) -> [i64; N] {
        self.each.sort_unstable();
        percents.map(|percent| {
            let rank = (percent * self.count).div_ceil(100).max(1);
            if self.buckets.is_empty() {
                let index = usize::try_from(rank - 1).unwrap_or(usize::MAX);
                self.each.get(index).copied().unwrap_or_default()
            } else {
                self.ranked_bucket(rank)
            }
        })
    }

    /// How many percent are at most so long; `None` of none. Off by the durations of one bucket where they
    /// are not exact.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a percentage is a rounded number"
    )]
    pub fn percent_up_to(&self, duration_ns: i64) -> Option<f64> {
        let up_to = if self.is_exact() {
            self.each
                .iter()
                .filter(|each| **each <= duration_ns)
                .count() as u64
        } else {
            self.buckets
                .range(..=bucket_of(duration_ns))
                .map(|(_, count)| count)
                .sum()
        };
        (self.count > 0).then(|| up_to as f64 * 100.0 / self.count as f64)
    }

    /// How many there are of about each length, the shortest first: lengths within 0.8 % of each other count as
    /// one, in the same way for all operations.
    pub fn by_length(&self) -> BTreeMap<u32, u64> {
        let mut buckets = self.buckets.clone();
        for duration_ns in &self.each {
            *buckets.entry(bucket_of(*duration_ns)).or_default() += 1;
        }
        buckets
    }

    /// Whether all are kept one by one.
    pub fn is_exact(&self) -> bool {
        self.buckets.is_empty()
    }

    fn ranked_bucket(&self, rank: u64) -> i64 {
        let mut below = 0;
        for (bucket, count) in &self.buckets {
            below += count;
            if below >= rank {
                return middle_of(*bucket);
            }
        }
        0
    }
}

/// Below 128 each value is a bucket; above, 128 buckets for every power of two.
fn bucket_of(duration_ns: i64) -> u32 {
    let value = duration_ns.max(0).cast_unsigned();
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEPS_LOG2 + 1);
    // At most 8 bits are left.
    let step = u32::try_from(value >> shift).unwrap_or(u32::MAX);
    (shift << STEPS_LOG2) + step
}

fn middle_of(bucket: u32) -> i64 {
    let steps = 1_u32 << STEPS_LOG2;
    let shift = (bucket >> STEPS_LOG2).saturating_sub(1);
    let step = u64::from(if bucket < 2 * steps {
        bucket
    } else {
        (bucket & (steps - 1)) + steps
    });
    let half = if shift == 0 { 0 } else { 1_u64 << (shift - 1) };
    i64::try_from((step << shift) + half).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest_rank(mut all: Vec<i64>, percent: usize) -> i64 {
        all.sort_unstable();
        all[(percent * all.len()).div_ceil(100) - 1]
    }

    #[test]
    fn few_durations_are_exact() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentiles([50]), [0]);
        for value in [30, -5, 10, 20] {
            durations.add(value);
        }
        assert_eq!(durations.percentiles([50, 95, 100, 0]), [10, 30, 30, -5]);
        assert_eq!(durations.count(), 4);
        assert_eq!(durations.percent_up_to(10), Some(50.0));
        assert_eq!(Durations::default().percent_up_to(10), None);
    }

    #[test]
    fn parts_put_together_are_the_same_as_each_added() {
        for (first, second) in [
            (0, 3),
            (4, 4),
            (4, 5),
            (8, 0),
            (8, 1),
            (9, 1),
            (1, 9),
            (20, 30),
        ] {
            let all: Vec<i64> = (0..first + second).map(|n| n * n * 7_919 - 9).collect();
            let (a, b) = all.split_at(usize::try_from(first).unwrap());
            let of = |values: &[i64]| {
                let mut durations = Durations::exact_up_to(8);
                for value in values {
                    durations.add(*value);
                }
                durations
            };
            let (mut whole, mut merged) = (of(&all), of(a));
            merged.merge(&of(b));
            let percents = [0, 1, 50, 95, 99, 100];
            assert_eq!(merged.count(), whole.count());
            assert_eq!(merged.is_exact(), whole.is_exact());
            assert_eq!(merged.percentiles(percents), whole.percentiles(percents));
        }
    }

    #[test]
    fn many_durations_are_within_half_a_percent() {
        let all: Vec<i64> = (0..50_000_i64)
            .map(|n| n * n * 7_919 % 900_000_007)
            .collect();
        let mut durations = Durations::default();
        for value in &all {
            durations.add(*value);
        }
        for (percent, exact) in [(25.0, 25), (95.0, 95)] {
            let found = durations
                .percent_up_to(nearest_rank(all.clone(), exact))
                .unwrap();
            assert!((found - percent).abs() < 0.8, "{found} for {percent}");
        }
        for (percent, found) in [1, 50, 95, 99]
            .into_iter()
            .zip(durations.percentiles([1, 50, 95, 99]))
        {
            let exact = nearest_rank(all.clone(), percent);
            assert!(
                (found - exact).abs() * 250 <= exact,
                "p{percent}: {found} for {exact}"
            );
        }
    }

    #[test]
    fn a_bucket_holds_its_middle_and_buckets_are_in_order() {
        let mut before = None;
        for value in (0..5_000).chain((13..63).flat_map(|bit| [(1_i64 << bit) - 1, 1 << bit])) {
            let bucket = bucket_of(value);
            assert_eq!(bucket_of(middle_of(bucket)), bucket, "{value}");
            assert!(
                (middle_of(bucket) - value).abs() <= value / 250 + 1,
                "{value}"
            );
            assert!(before <= Some(bucket), "{value}");
            before = Some(bucket);
        }
        assert_eq!(bucket_of(-7), 0);
        assert_eq!(
            bucket_of(middle_of(bucket_of(i64::MAX))),
            bucket_of(i64::MAX)
        );
    }
}

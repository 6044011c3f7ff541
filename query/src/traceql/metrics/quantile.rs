//! Quantiles of numbers in bounded memory.

use std::collections::BTreeMap;

/// Up to so many numbers are kept one by one.
const EXACT: usize = 1_024;

/// Bits of a float's fraction that a bucket leaves out: buckets are at most 1/128 wide.
const LEFT_OUT_BITS: u32 = 52 - 7;

/// Numbers of one series in one interval. Quantiles are by nearest rank, exact for up to 1,024
/// numbers and within 0.4 % for more.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Numbers {
    each: Vec<f64>,
    buckets: BTreeMap<u64, u64>,
    count: u64,
}

impl Numbers {
    /// Adds one; whether more is held now than before.
    pub(super) fn add(&mut self, number: f64) -> bool {
        self.count += 1;
        if self.buckets.is_empty() && self.each.len() < EXACT {
            self.each.push(number);
            return true;
        }
        for number in std::mem::take(&mut self.each) {
            *self.buckets.entry(bucket_of(number)).or_default() += 1;
        }
        let before = self.buckets.len();
        *self.buckets.entry(bucket_of(number)).or_default() += 1;
        self.buckets.len() > before
    }

    /// The quantile from 0 to 1; `None` of no numbers.
    pub(super) fn quantile(&mut self, quantile: f64) -> Option<f64> {
        let rank = rank(quantile, self.count)?;
        if self.buckets.is_empty() {
            self.each.sort_unstable_by(f64::total_cmp);
            let place = usize::try_from(rank - 1).unwrap_or(usize::MAX);
            return self.each.get(place).copied();
        }
        let mut below = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            below += count;
            (below >= rank).then(|| middle_of(*bucket))
        })
    }
}

/// Nearest rank, from 1.
#[expect(clippy::cast_possible_truncation, reason = "between 1 and the count")]
fn rank(quantile: f64, count: u64) -> Option<u64> {
    if count == 0 {
        return None;
    }
    // 0.99 * 100 is a little more than 99.
    let rank = (quantile * count as f64 - 1e-9).ceil();
    Some((rank.max(1.0) as u64).min(count))
}

/// In the order of the numbers.
fn bucket_of(number: f64) -> u64 {
    let bits = number.to_bits();
    let ordered = if number.is_sign_negative() {
        !bits
    } else {
        bits | (1 << 63)
    };
    ordered >> LEFT_OUT_BITS
}

fn middle_of(bucket: u64) -> f64 {
    let ordered = (bucket << LEFT_OUT_BITS) | (1 << (LEFT_OUT_BITS - 1));
    if ordered >> 63 == 1 {
        f64::from_bits(ordered & !(1 << 63))
    } else {
        f64::from_bits(!ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_are_exact_by_nearest_rank() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.quantile(0.5), None);
        for number in 1..=100 {
            numbers.add(f64::from(number));
        }
        for (quantile, expected) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            assert_eq!(numbers.quantile(quantile), Some(expected), "{quantile}");
        }
    }

    #[test]
    fn many_numbers_are_within_half_a_percent() {
        let all: Vec<f64> = (0..20_000_u32)
            .map(|n| f64::from(n * 7_919 % 20_011) - 5_000.0)
            .collect();
        let mut numbers = Numbers::default();
        for number in &all {
            numbers.add(*number);
        }
        let mut sorted = all;
        sorted.sort_unstable_by(f64::total_cmp);
        for percent in [1, 10, 50, 95, 99] {
            let exact = sorted[percent * sorted.len() / 100 - 1];
            let found = numbers.quantile(percent as f64 / 100.0).unwrap();
            assert!(
                (found - exact).abs() <= exact.abs() / 200.0,
                "{percent}: {found} for {exact}"
            );
        }
    }
}

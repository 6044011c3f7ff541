//! How surely two periods differ, in standard deviations of what chance would do.

use std::collections::BTreeMap;

/// How surely `now` of `of_now` is more than `before` of `of_before`; negative if it is less, 0 if nothing is known.
///
/// The signed root of the likelihood ratio (G) statistic of two Poisson rates, which holds for small counts too.
#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
pub(super) fn rate_score(now: u64, of_now: f64, before: u64, of_before: f64) -> f64 {
    let (now, before) = (now as f64, before as f64);
    let (count, of) = (now + before, of_now + of_before);
    if count <= 0.0 || of_now <= 0.0 || of_before <= 0.0 {
        return 0.0;
    }
    let part = |count_of: f64, expected: f64| {
        if count_of > 0.0 {
            count_of * (count_of / expected).ln()
        } else {
            0.0
        }
    };
    let g = part(now, count * of_now / of) + part(before, count * of_before / of);
    let score = (2.0 * g).max(0.0).sqrt();
    if now / of_now >= before / of_before {
        score
    } else {
        -score
    }
}

/// How surely the values `now` are larger than those `before`; negative if they are smaller. Both are counts by rank.
///
/// The normal score of Mann and Whitney's U with ties: no outlier and no distribution matters to it.
#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
pub(super) fn rank_score(now: &BTreeMap<u32, u64>, before: &BTreeMap<u32, u64>) -> f64 {
    let (count_now, count_before) = (total(now), total(before));
    if count_now == 0.0 || count_before == 0.0 {
        return 0.0;
    }
    let both: BTreeMap<u32, [u64; 2]> = now
        .keys()
        .chain(before.keys())
        .map(|value| {
            let of = |counts: &BTreeMap<u32, u64>| counts.get(value).copied().unwrap_or_default();
            (*value, [of(now), of(before)])
        })
        .collect();
    let (mut below, mut ranks, mut ties) = (0.0, 0.0, 0.0);
    for [mine, other] in both.into_values() {
        let same = (mine + other) as f64;
        ranks += mine as f64 * (below + f64::midpoint(same, 1.0));
        ties += same * (same * same - 1.0);
        below += same;
    }
    let u = ranks - count_now * (count_now + 1.0) / 2.0;
    let all = count_now + count_before;
    let variance = count_now * count_before / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance > 0.0 {
        (u - count_now * count_before / 2.0) / variance.sqrt()
    } else {
        0.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "a score is a rounded number")]
fn total(counts: &BTreeMap<u32, u64>) -> f64 {
    counts.values().sum::<u64>() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_compared_by_their_share() {
        assert!(rate_score(0, 10.0, 0, 10.0).abs() < 1e-9);
        assert!(rate_score(20, 200.0, 10, 100.0).abs() < 1e-9);
        assert!(rate_score(5, 0.0, 5, 10.0).abs() < 1e-9);
        // 2 · (20 ln 2) and its root.
        assert!((rate_score(20, 100.0, 0, 100.0) - 5.265_5).abs() < 1e-3);
        assert!((rate_score(0, 100.0, 20, 100.0) + 5.265_5).abs() < 1e-3);
        assert!(rate_score(40, 100.0, 20, 100.0) > 2.5);
    }

    #[test]
    fn ranks_are_compared_whatever_the_values_are() {
        let counts = |values: &[u32]| {
            let mut counts = BTreeMap::new();
            for value in values {
                *counts.entry(*value).or_default() += 1;
            }
            counts
        };
        let (low, high) = (counts(&[1, 2, 3, 4]), counts(&[5, 6, 7, 1_000]));
        // U = 16 of 16: (16 - 8) / sqrt(4 · 4 · 9 / 12).
        assert!((rank_score(&high, &low) - 2.309_4).abs() < 1e-3);
        assert!((rank_score(&low, &high) + 2.309_4).abs() < 1e-3);
        assert!(rank_score(&low, &low).abs() < 1e-9);
        assert!(rank_score(&counts(&[3, 3]), &counts(&[3])).abs() < 1e-9);
        assert!(rank_score(&counts(&[]), &low).abs() < 1e-9);
    }
}

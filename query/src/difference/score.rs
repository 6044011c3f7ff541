//! How surely a value is more frequent on one side.

/// The normal quantile of the bounds: 99.9 %, as thousands of values are compared.
const Z: f64 = 3.29;

/// The least by which the share of `selected` of `selection` rows exceeds that of `others` of `baseline`
/// rows, as far as so few rows can tell; negative if it may not exceed it at all. Newcombe's interval
/// for the difference of two proportions, from Wilson's for each.
pub(super) fn surely_more(selected: u64, selection: u64, others: u64, baseline: u64) -> f64 {
    let (share, low, _) = wilson(selected, selection);
    let (other, _, high) = wilson(others, baseline);
    (share - other) - (share - low).hypot(high - other)
}

/// The share, and its lower and upper bound.
fn wilson(part: u64, all: u64) -> (f64, f64, f64) {
    if all == 0 {
        return (0.0, 0.0, 1.0);
    }
    let (n, share) = (float(all), share(part, all));
    let z2 = Z * Z;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    (share, (middle - half).max(0.0), (middle + half).min(1.0))
}

/// A part of a whole; 0 of nothing.
pub(super) fn share(part: u64, all: u64) -> f64 {
    if all == 0 {
        0.0
    } else {
        float(part) / float(all)
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares are rounded numbers")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_rows_say_more_and_equal_shares_say_nothing() {
        let few = surely_more(3, 3, 10, 100);
        let many = surely_more(300, 300, 1_000, 10_000);
        assert!(few < many && many > 0.85 && many < 0.9, "{few} {many}");
        assert!(surely_more(50, 100, 500, 1_000) < 0.0);
        assert!(surely_more(1, 2, 0, 1_000) < 0.1, "one row is no evidence");
        assert!(surely_more(0, 0, 5, 10) < 0.0);
        assert!(surely_more(5, 10, 0, 0) < 0.0);
        assert!((surely_more(1_000_000, 1_000_000, 0, 1_000_000) - 1.0).abs() < 0.001);
    }
}

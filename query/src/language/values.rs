//! Values with units: durations and sizes.

/// Nanoseconds of `250ms`, `1.5s`, `2h`, `100us`, or of a plain number of nanoseconds.
pub(crate) fn duration_ns(text: &str) -> Option<f64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3_600e9,
        "d" => 86_400e9,
        _ => return None,
    };
    Some(number * factor)
}

/// A plain number, bytes of `10KiB` or `5MB`, or nanoseconds of `250ms`.
pub(super) fn number(text: &str) -> Option<f64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "B" => 1.0,
        "KB" | "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1_024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        "TiB" => 1_099_511_627_776.0,
        _ => return duration_ns(text),
    };
    Some(number * factor)
}

/// The number and what follows it.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let end = text
        .char_indices()
        .find(|(at, c)| {
            let sign = matches!(c, '+' | '-') && *at == 0;
            !(c.is_ascii_digit() || *c == '.' || sign)
        })
        .map_or(text.len(), |(at, _)| at);
    let (digits, unit) = text.split_at(end);
    match digits.parse::<f64>() {
        Ok(number) => match unit.strip_prefix(['e', 'E']) {
            // `1e9`: the whole is one number.
            Some(_) => text.parse().ok().map(|number| (number, "")),
            None => Some((number, unit)),
        },
        Err(_) => None,
    }
}

/// A `LIKE` pattern for `*` and `?`; everything else, `%` and `_` too, is itself.
pub(super) fn like_pattern(wildcards: &str) -> String {
    let mut pattern = String::with_capacity(wildcards.len() + 8);
    for c in wildcards.chars() {
        match c {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => {
                pattern.push('\\');
                pattern.push(c);
            }
            c => pattern.push(c),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_scale() {
        assert_eq!(duration_ns("250ms"), Some(250e6));
        assert_eq!(duration_ns("1.5s"), Some(1.5e9));
        assert_eq!(duration_ns("3µs"), Some(3e3));
        assert_eq!(duration_ns("17"), Some(17.0));
        assert_eq!(number("10KiB"), Some(10_240.0));
        assert_eq!(number("5MB"), Some(5e6));
        assert_eq!(number("-2.5"), Some(-2.5));
        assert_eq!(number("1e3"), Some(1e3));
        assert_eq!(number("2ms"), Some(2e6));
        for wrong in ["", "ms", "1x", "1.2.3", "-", "abc", "1 s"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn like_keeps_its_own_wildcards_literal() {
        assert_eq!(like_pattern(r"/api/*_50%?\"), r"/api/%\_50\%_\\");
    }
}

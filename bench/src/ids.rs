//! Ids that follow from a seed: sender and questioner compute the same ones.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Spans of one trace.
pub(crate) const SPANS_PER_TRACE: u64 = 10;

/// A well-mixed 64-bit number (splitmix64's finaliser), never zero.
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(number.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(0x2545_f491_4f6c_dd1d);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).max(1)
}

/// The id of trace number `trace`.
pub(crate) fn trace_id(seed: u64, trace: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&mix(seed, trace).to_be_bytes());
    id[8..].copy_from_slice(&mix(!seed, trace).to_be_bytes());
    id
}

/// The id of span number `span`, counted over all traces.
pub(crate) fn span_id(seed: u64, span: u64) -> [u8; 8] {
    mix(seed ^ 0x5ba9, span).to_be_bytes()
}

/// The word that only log record number `record` has: 16 hex digits.
pub(crate) fn needle(seed: u64, record: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (index, digit) in digits.iter_mut().enumerate() {
        let nibble = (mix(seed ^ 0x9e3d, record) >> (60 - 4 * index)) & 15;
        *digit = DIGITS[usize::try_from(nibble).unwrap_or(0)];
    }
    digits
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(nibble)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let traces: HashSet<_> = (0..100_000).map(|n| trace_id(1, n)).collect();
        assert_eq!(traces.len(), 100_000);
        let spans: HashSet<_> = (0..100_000).map(|n| span_id(1, n)).collect();
        assert_eq!(spans.len(), 100_000);
        assert_ne!(trace_id(1, 5), trace_id(2, 5));
    }

    #[test]
    fn needles_are_sixteen_hex_digits() {
        let text = String::from_utf8(needle(3, 4).to_vec()).unwrap();
        assert!(u64::from_str_radix(&text, 16).is_ok(), "{text}");
        assert_ne!(needle(3, 4), needle(3, 5));
    }
}

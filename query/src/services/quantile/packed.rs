//! Durations in few bytes, for as long as nothing is added to them.

use super::{Durations, bucket_of};

/// [`Durations`] as differences: mostly one to four bytes each, or each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedDurations {
    is_exact: bool,
    /// Numbers of seven bits a byte. Each ascending duration less the one before, or each step less the one
    /// before and how many there are of it.
    bytes: Box<[u8]>,
}

impl PackedDurations {
    /// The bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl Durations {
    /// The same in few bytes.
    pub fn pack(&self) -> PackedDurations {
        let mut bytes = Vec::new();
        if self.is_exact() {
            let mut each = self.each.clone();
            each.sort_unstable();
            let mut before = 0_i64;
            for duration_ns in each {
                write(duration_ns.wrapping_sub(before).cast_unsigned(), &mut bytes);
                before = duration_ns;
            }
        } else {
            let mut before = 0;
            for (bucket, count) in &self.buckets {
                write(u64::from(bucket - before), &mut bytes);
                write(*count, &mut bytes);
                before = *bucket;
            }
        }
        PackedDurations {
            is_exact: self.is_exact(),
            bytes: bytes.into(),
        }
    }

    /// Adds all of others that keep as many one by one: the same as adding each.
    pub fn merge_packed(&mut self, others: &PackedDurations) {
        let mut numbers = Numbers(&others.bytes);
        if others.is_exact {
            let mut duration_ns = 0_i64;
            for more in numbers {
                duration_ns = duration_ns.wrapping_add(more.cast_signed());
                self.add(duration_ns);
            }
            return;
        }
        for each in std::mem::take(&mut self.each) {
            *self.buckets.entry(bucket_of(each)).or_default() += 1;
        }
        let mut bucket = 0_u32;
        while let (Some(more), Some(count)) = (numbers.next(), numbers.next()) {
            bucket = bucket.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
            *self.buckets.entry(bucket).or_default() += count;
            self.count += count;
        }
    }
}

/// Writes a number, the lowest seven bits first.
fn write(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// The numbers that were written.
struct Numbers<'a>(&'a [u8]);

impl Iterator for Numbers<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERCENTS: [u64; 6] = [0, 1, 50, 95, 99, 100];

    fn of(values: &[i64], exact: usize) -> Durations {
        let mut durations = Durations::exact_up_to(exact);
        for value in values {
            durations.add(*value);
        }
        durations
    }

    #[test]
    fn what_was_packed_is_merged_as_if_each_had_been_added() {
        let odd = [0, -1, i64::MAX, i64::MIN, 127, 128, 1 << 40, -9, 127];
        let many: Vec<i64> = (0..3_000).map(|n| n * n * 7_919 % 1_000_003).collect();
        for (first, second) in [
            (&odd[..], &many[..]),
            (&many[..], &odd[..]),
            (&[], &odd[..]),
            (&odd[..], &[]),
            (&odd[..4], &odd[4..]),
            (&many[..1_000], &many[1_000..]),
        ] {
            for exact in [8, 256, 4_096] {
                let mut merged = of(first, exact);
                merged.merge_packed(&of(second, exact).pack());
                let mut whole = of(&[first, second].concat(), exact);
                assert_eq!(merged.count(), whole.count());
                assert_eq!(merged.is_exact(), whole.is_exact());
                assert_eq!(merged.percentiles(PERCENTS), whole.percentiles(PERCENTS));
                assert_eq!(merged.by_length(), whole.by_length());
            }
        }
    }

    #[test]
    fn packed_durations_are_small() {
        let spread: Vec<i64> = (0..4_096).map(|n| n * 250_007).collect();
        let exact = of(&spread, 4_096);
        assert!(exact.is_exact() && exact.pack().bytes() <= 3 * 4_096);
        let stepped = of(&spread, 4_095);
        assert!(!stepped.is_exact() && stepped.pack().bytes() <= 3 * 1_400);
        assert_eq!(Durations::default().pack().bytes(), 0);
    }
}

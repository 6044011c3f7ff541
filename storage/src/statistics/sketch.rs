//! How many distinct values there are, about: a HyperLogLog of 1,024 registers (±3 %).
//!
//! Two sketches merge into the sketch of both sets, so files can be counted together without
//! reading them. In the catalog it is a string with one character a register, `'0'` + its value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const BITS: u8 = 10;
const REGISTERS: usize = 1 << BITS;
/// Bits of a hash after those that choose the register, and one for the end.
const MAX_RANK: u8 = 64 - BITS + 1;

/// An estimate of the number of distinct values in a set.
#[derive(Clone, PartialEq, Eq)]
pub struct Sketch {
    registers: Box<[u8; REGISTERS]>,
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sketch")
            .field("estimate", &self.estimate())
            .finish()
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            registers: Box::new([0; REGISTERS]),
        }
    }
}

impl Sketch {
    /// What it takes in memory.
    pub(crate) const BYTES: usize = REGISTERS;

    /// Adds a value by its [`hash`].
    pub(crate) fn add(&mut self, hash: u64) {
        let register = (hash >> (64 - BITS)) as usize;
        // A one at the end keeps the rank in its range.
        let rest = hash << BITS | 1 << (BITS - 1);
        let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or(MAX_RANK);
        if let Some(register) = self.registers.get_mut(register) {
            *register = rank.max(*register);
        }
    }

    /// Makes it the sketch of both sets.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, other) in self.registers.iter_mut().zip(other.registers.iter()) {
            *mine = (*mine).max(*other);
        }
    }

    /// About how many distinct values were added.
    pub fn estimate(&self) -> u64 {
        let count = REGISTERS as f64;
        let sum: f64 = self
            .registers
            .iter()
            .map(|rank| 2_f64.powi(-i32::from(*rank)))
            .sum();
        let estimate = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
        let empty: f64 = self
            .registers
            .iter()
            .map(|rank| f64::from(u8::from(*rank == 0)))
            .sum();
        let better = if estimate <= 2.5 * count && empty > 0.0 {
            // Few values: how many registers are still empty says more.
            count * (count / empty).ln()
        } else {
            estimate
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "not negative, and 2^64 at most"
        )]
        let rounded = better.round() as u64;
        rounded
    }
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self
            .registers
            .iter()
            .map(|rank| char::from(b'0' + rank))
            .collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut sketch = Self::default();
        let wrong = || serde::de::Error::custom("not a sketch");
        if text.len() != REGISTERS {
            return Err(wrong());
        }
        for (register, byte) in sketch.registers.iter_mut().zip(text.bytes()) {
            *register = byte
                .checked_sub(b'0')
                .filter(|rank| *rank <= MAX_RANK)
                .ok_or_else(wrong)?;
        }
        Ok(sketch)
    }
}

/// The hash of a value. Sketches in catalogs are made with it: it must stay as it is.
pub(crate) fn hash(value: &[u8]) -> u64 {
    let mut state = mix(0x9e37_79b9_7f4a_7c15 ^ value.len() as u64);
    let mut words = value.chunks_exact(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        state = mix(state ^ u64::from_le_bytes(bytes));
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let mut bytes = [0; 8];
        bytes[..rest.len()].copy_from_slice(rest);
        state = mix(state ^ u64::from_le_bytes(bytes));
    }
    mix(state)
}

/// A bijection that changes half of the bits for any changed one.
fn mix(mut state: u64) -> u64 {
    state = (state ^ (state >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    state = (state ^ (state >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: std::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            sketch.add(hash(format!("user-{value}").as_bytes()));
        }
        sketch
    }

    #[test]
    fn estimates_are_close_and_sketches_merge() {
        for count in [1, 10, 500, 2000, 5000, 100_000] {
            let estimate = of(0..count).estimate() as f64;
            let error = (estimate / count as f64 - 1.0).abs();
            assert!(error < 0.08, "{count}: {estimate}");
        }
        let mut merged = of(0..6000);
        merged.merge(&of(4000..10_000));
        assert_eq!(merged, of(0..10_000));
    }

    #[test]
    fn sketches_read_back() {
        let sketch = of(0..3000);
        let text = serde_json::to_string(&sketch).unwrap();
        assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch);
        assert!(serde_json::from_str::<Sketch>("\"00\"").is_err());
        assert!(serde_json::from_str::<Sketch>(&format!("\"{}\"", "~".repeat(1024))).is_err());
    }
}

//! The words of a file by number.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Words by row are kept for so many words a file; what comes after is kept like ids, by block.
/// A natural log has a few thousand; this bounds files full of random letters.
pub(super) const MAX_WORDS: usize = 1 << 18;

/// Gives words their numbers, in the order in which they are first seen.
#[derive(Debug)]
pub(super) struct Vocabulary {
    ids: HashMap<Box<[u8]>, u32, Seeded>,
    max_words: usize,
}

impl Vocabulary {
    pub(super) fn new(max_words: usize) -> Self {
        Self {
            ids: HashMap::with_hasher(Seeded::new()),
            max_words,
        }
    }

    /// The number of a word; `None` if it is new and there is no room.
    pub(super) fn id(&mut self, word: &[u8]) -> Option<u32> {
        if let Some(id) = self.ids.get(word) {
            return Some(*id);
        }
        if self.ids.len() >= self.max_words {
            return None;
        }
        let id = u32::try_from(self.ids.len()).ok()?;
        self.ids.insert(word.into(), id);
        Some(id)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// All words with their numbers, in the order of their bytes.
    pub(super) fn sorted(&self) -> Vec<(&[u8], u32)> {
        let mut words: Vec<_> = self
            .ids
            .iter()
            .map(|(word, id)| (word.as_ref(), *id))
            .collect();
        words.sort_unstable();
        words
    }
}

/// A hash for short keys, several times as fast as the standard one. Its seed is random, so that
/// nobody can prepare words that collide.
#[derive(Debug, Clone, Copy)]
pub(in crate::index) struct Seeded(u64);

impl Seeded {
    pub(in crate::index) fn new() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding(self.0)
    }
}

/// Multiplies to 128 bits and folds, eight bytes at a time.
#[derive(Debug)]
pub(in crate::index) struct Folding(u64);

impl Folding {
    fn mix(&mut self, word: u64) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.0 ^ word) * u128::from(FACTOR ^ self.0.rotate_left(23));
        let bytes = product.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        self.0 = read(low) ^ read(high).rotate_left(17);
    }
}

fn read(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(read(chunk));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            self.mix(read(rest) ^ ((rest.len() as u64) << 56));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_end_at_the_bound() {
        let mut vocabulary = Vocabulary::new(2);
        assert_eq!(vocabulary.id(b"b"), Some(0));
        assert_eq!(vocabulary.id(b"a"), Some(1));
        assert_eq!(vocabulary.id(b"c"), None);
        assert_eq!(vocabulary.id(b"b"), Some(0));
        assert_eq!(vocabulary.sorted(), [(b"a".as_slice(), 1), (b"b", 0)]);
    }
}

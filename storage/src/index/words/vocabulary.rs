//! The words of a file by number.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::by_hash::ByHash;

/// Words by row are kept for so many words a file; what comes after is kept like ids, by block.
/// A natural log has a few thousand; this bounds files full of random letters.
pub(super) const MAX_WORDS: usize = 1 << 18;

/// Gives words their numbers, in the order in which they are first seen.
///
/// Texts repeat themselves: after one word usually comes the word that came after it last time. Guessing that costs
/// one comparison; only a wrong guess hashes and looks up.
#[derive(Debug)]
pub(super) struct Vocabulary {
    seed: Seeded,
    /// The numbers by the words' hashes.
    ids: ByHash<u32>,
    /// The words one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// What came after a word last time.
    after: Vec<u32>,
    max_words: usize,
}

impl Vocabulary {
    pub(super) fn new(max_words: usize) -> Self {
        Self {
            seed: Seeded::new(),
            ids: ByHash::default(),
            bytes: Vec::new(),
            ends: Vec::new(),
            after: Vec::new(),
            max_words,
        }
    }

    /// The number of a word; `None` if it is new and there is no room, or if another one has its hash.
    pub(super) fn id(&mut self, word: &[u8]) -> Option<u32> {
        let hash = {
            let mut hasher = self.seed.build_hasher();
            hasher.write(word);
            hasher.finish()
        };
        if let Some(id) = self.ids.get(&hash) {
            return same_word(self.word(*id), word).then_some(*id);
        }
        if self.len() >= self.max_words {
            return None;
        }
        let id = u32::try_from(self.len()).ok()?;
        let end = u32::try_from(self.bytes.len() + word.len()).ok()?;
        self.ids.insert(hash, id);
        self.bytes.extend_from_slice(word);
        self.ends.push(end);
        self.after.push(id);
        Some(id)
    }

    /// The same for a word that follows another one, whose number is `before`.
    pub(super) fn id_after(&mut self, before: Option<u32>, word: &[u8]) -> Option<u32> {
        let Some(before) = before.map(|before| before as usize) else {
            return self.id(word);
        };
        if let Some(guess) = self.after.get(before)
            && same_word(self.word(*guess), word)
        {
            return Some(*guess);
        }
        let id = self.id(word)?;
        if let Some(after) = self.after.get_mut(before) {
            *after = id;
        }
        Some(id)
    }

    fn word(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[id] as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All words with their numbers, in the order of their bytes.
    pub(super) fn sorted(&self) -> Vec<(&[u8], u32)> {
        let ids = (0..).take(self.len());
        let mut words: Vec<_> = ids.map(|id| (self.word(id), id)).collect();
        words.sort_unstable();
        words
    }
}

/// Whether two words are the same. Most have up to sixteen bytes, which are two loads each and no call.
fn same_word(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (ends::<8>(a), ends::<8>(b)) {
        (Some(a_ends), Some(b_ends)) => a_ends == b_ends && (a.len() <= 16 || a == b),
        _ => match (ends::<4>(a), ends::<4>(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a.iter().eq(b),
        },
    }
}

/// The first and the last bytes.
fn ends<const N: usize>(word: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    word.first_chunk().zip(word.last_chunk())
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

/// One to seven bytes as a number below 2^56, another one for others of the same length. Not copied into a word: for
/// so few bytes the call takes longer than all the rest.
fn read_rest(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(start), Some(end)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (start, end) = (u32::from_le_bytes(*start), u32::from_le_bytes(*end));
        // Without what the start has already.
        let end = u64::from(end) >> (8 * (8 - len));
        return u64::from(start) | end << 32;
    }
    let at = |place: usize| u64::from(bytes.get(place).copied().unwrap_or_default());
    at(0) | at(len / 2) << 8 | at(len.saturating_sub(1)) << 16
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
            self.mix(read_rest(rest) ^ ((rest.len() as u64) << 56));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
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

    #[test]
    fn words_are_the_same_if_all_bytes_are() {
        let word: Vec<u8> = (b'a'..=b'z').collect();
        for len in 0..word.len() {
            assert!(same_word(&word[..len], &word[..len]));
            assert!(!same_word(&word[..len], &word[..=len]));
            for place in 0..len {
                let mut other = word[..len].to_vec();
                other[place] = b'_';
                assert!(!same_word(&word[..len], &other), "{len} {place}");
            }
        }
    }

    #[test]
    fn other_short_words_have_other_hashes() {
        let seed = Seeded::new();
        let hash = |word: &[u8]| {
            let mut hasher = seed.build_hasher();
            hasher.write(word);
            hasher.finish()
        };
        let mut words: Vec<Vec<u8>> = vec![Vec::new()];
        for len in 1..=9 {
            for bits in 0..1_u32 << len {
                words.push(
                    (0..len)
                        .map(|at| if bits >> at & 1 == 1 { b'b' } else { b'a' })
                        .collect(),
                );
            }
        }
        let distinct: std::collections::HashSet<u64> =
            words.iter().map(|word| hash(word)).collect();
        assert_eq!(distinct.len(), words.len());
        for word in words.iter().filter(|word| (4..8).contains(&word.len())) {
            assert_eq!(read_rest(word), read(word));
        }
    }

    #[test]
    fn a_guess_gives_no_other_number() {
        let (mut guessing, mut plain) = (Vocabulary::new(5), Vocabulary::new(5));
        let texts = [
            "user logged in",
            "user logged out",
            "in user",
            "out of luck",
        ];
        for text in texts.iter().cycle().take(12) {
            let mut before = None;
            for word in text.split(' ') {
                let id = plain.id(word.as_bytes());
                assert_eq!(guessing.id_after(before, word.as_bytes()), id, "{word}");
                before = id;
            }
        }
        assert_eq!(guessing.sorted(), plain.sorted());
        assert_eq!(guessing.id(b"luck"), None, "there was room for five");
    }
}

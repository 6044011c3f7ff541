//! A set of block numbers of one file.

/// Bits, one a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockSet {
    words: Vec<u64>,
    blocks: u32,
}

impl BlockSet {
    pub(crate) fn none(blocks: u32) -> Self {
        Self {
            words: vec![0; (blocks as usize).div_ceil(64)],
            blocks,
        }
    }

    pub(crate) fn insert(&mut self, block: u32) {
        if block < self.blocks {
            self.words[block as usize / 64] |= 1 << (block % 64);
        }
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Ascending block numbers.
    pub(crate) fn to_vec(&self) -> Vec<u32> {
        (0..self.blocks)
            .filter(|block| self.words[*block as usize / 64] >> (block % 64) & 1 == 1)
            .collect()
    }
}

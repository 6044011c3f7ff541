//! Where ids may be: hashes by block.
//!
//! Id-like words, long or id-like attribute values and trace ids are many and occur once or twice. Traces that
//! spans link to are kept in the same way, apart from them, so that their absence says that nothing is known of links. Each
//! is hashed to 22 bits (two say what it is) and kept with the blocks that have it. The pairs of hash
//! and block are sorted into buckets by the upper bits of the hash; a bucket is one list (see `rows`) of
//! `lower bits × blocks + block`.
//!
//! ```text
//! IdBuckets, LinkBuckets = bits u8 (2^bits buckets) | varint bytes of each bucket's list
//! Ids, Links             = the lists, an area
//! ```
//! So a pair costs about ten bits, a lookup reads one bucket of a few hundred pairs, and a hash that two
//! ids share costs reading a block too many.

use std::collections::HashSet;
use std::ops::{Bound, Range};

use roaring::RoaringBitmap;

use super::BLOCK_ROWS;
use super::packed::{Kind, Packer};
use super::rows::{RowsEncoder, decode, read_u32, varint};
use super::terms::HASH_BITS;
use super::words::Seeded;
use crate::error::{Error, Result};

/// Buckets have about this many pairs, until there are [`MAX_BITS`].
const BUCKET_PAIRS: u64 = 256;
const MAX_BITS: u32 = 14;
/// Lists hold numbers below 2^32.
const LIST_BITS: u32 = 32;

/// Collects pairs block by block; eight bytes each until they are written.
pub(super) struct IdsBuilder {
    /// Hash << 32 | block.
    pairs: Vec<u64>,
    block: HashSet<u32, Seeded>,
    blocks: u32,
}

impl IdsBuilder {
    pub(super) fn new() -> Self {
        Self {
            pairs: Vec::new(),
            block: HashSet::with_hasher(Seeded::new()),
            blocks: 0,
        }
    }

    /// Notes that the block has an id of this hash.
    pub(super) fn add(&mut self, hash: u32) {
        self.block.insert(hash);
    }

    pub(super) fn end_block(&mut self) {
        let block = u64::from(self.blocks);
        self.pairs
            .extend(self.block.drain().map(|hash| u64::from(hash) << 32 | block));
        self.blocks += 1;
    }

    /// Writes the heads and the area as parts of these kinds.
    pub(super) fn finish(mut self, packer: &mut Packer, heads: Kind, lists: Kind) -> Result<()> {
        self.pairs.sort_unstable();
        let bits = bucket_bits(self.pairs.len() as u64, self.blocks);
        let lower = HASH_BITS - bits;
        let mut head = vec![bits.to_le_bytes()[0]];
        let (mut area, mut ends) = (Vec::new(), Vec::new());
        let mut pairs = self.pairs.iter().peekable();
        for bucket in 0..1_u64 << bits {
            let mut list = RowsEncoder::default();
            while let Some(pair) = pairs.next_if(|pair| *pair >> (32 + lower) == bucket) {
                let (hash, block) = (pair >> 32, pair & u64::from(u32::MAX));
                let number = (hash & ((1 << lower) - 1)) * u64::from(self.blocks) + block;
                list.push(u32::try_from(number).map_err(|_| too_many())?);
            }
            let list = list.finish()?;
            varint(list.len() as u64, &mut head);
            area.extend_from_slice(&list);
            ends.push(area.len());
        }
        packer.part(heads, "", &head);
        packer.area(lists, &area, ends.into_iter());
        Ok(())
    }
}

/// Enough buckets that a list's numbers fit, and no more than the pairs are worth.
fn bucket_bits(pairs: u64, blocks: u32) -> u32 {
    let wanted = (pairs / BUCKET_PAIRS + 1).ilog2().min(MAX_BITS);
    let blocks_bits = u32::BITS - blocks.leading_zeros();
    wanted.max((HASH_BITS + blocks_bits).saturating_sub(LIST_BITS))
}

fn too_many() -> Error {
    Error::internal("more blocks than an index can tell apart")
}

/// Where the buckets of a file are.
pub(super) struct Ids {
    bits: u32,
    lists: Vec<Range<usize>>,
    rows: u32,
}

impl Ids {
    pub(super) fn open(mut bytes: &[u8], rows: u32) -> Result<Self> {
        let wrong = || Error::corrupt("the buckets of ids are not as they must be");
        let (bits, rest) = bytes.split_first().ok_or_else(wrong)?;
        bytes = rest;
        let bits = u32::from(*bits);
        // A bucket has a byte here at least.
        if bits > HASH_BITS || 1_usize << bits > bytes.len() {
            return Err(wrong());
        }
        let mut lists = Vec::with_capacity(1 << bits);
        let mut start = 0_usize;
        for _ in 0..1_usize << bits {
            let length = read_u32(&mut bytes)? as usize;
            let end = start.checked_add(length).ok_or_else(wrong)?;
            lists.push(start..end);
            start = end;
        }
        Ok(Self { bits, lists, rows })
    }

    /// Where the list with `hash` is.
    pub(super) fn list(&self, hash: u32) -> Option<Range<usize>> {
        let bucket = hash >> (HASH_BITS - self.bits);
        self.lists.get(bucket as usize).cloned()
    }

    /// The rows of the blocks that a bucket's list names for `hashes` of that bucket.
    pub(super) fn rows_in(&self, list: &[u8], hashes: &[u32]) -> Result<RoaringBitmap> {
        let blocks = u64::from(self.rows).div_ceil(BLOCK_ROWS);
        let lower = HASH_BITS - self.bits;
        let most = u32::try_from(blocks << lower).unwrap_or(u32::MAX);
        let mut numbers = RoaringBitmap::new();
        decode(list, most, &mut numbers)?;
        let mut rows = RoaringBitmap::new();
        for hash in hashes {
            let first = u64::from(hash & ((1_u32 << lower) - 1)) * blocks;
            let (Ok(from), Ok(to)) = (u32::try_from(first), u32::try_from(first + blocks - 1))
            else {
                continue;
            };
            for number in numbers.range(from..=to) {
                let start = (u64::from(number) - first) * BLOCK_ROWS;
                let end = (start + BLOCK_ROWS).min(u64::from(self.rows));
                if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
                    rows.insert_range((Bound::Included(start), Bound::Excluded(end)));
                }
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_bucket_fit_however_many_blocks_there_are() {
        for blocks in [1, 2, 1000, 1 << 10, 1 << 20, (1 << 22) - 1] {
            for pairs in [0, 1, 1000, 1 << 24] {
                let lower = HASH_BITS - bucket_bits(pairs, blocks);
                assert!(u64::from(blocks) << lower <= 1 << 32, "{blocks} {pairs}");
            }
        }
        assert_eq!(bucket_bits(3, 1), 0);
        assert_eq!(bucket_bits(1 << 30, 1), MAX_BITS);
    }
}

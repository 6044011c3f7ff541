//! Where ids may be: hashes by block.
//!
//! Id-like words, long or id-like attribute values and trace ids are many and occur once or twice. Traces that
//! spans link to are kept in the same way, apart from them, so that their absence says that nothing is known of links. Each
//! is hashed to 22 bits (two say what it is) and kept with the blocks that have it. The pairs of hash
//! and block are sorted into buckets by the upper bits of the hash; a bucket is one list (see `rows`) of
//! `lower bits × blocks + block`. Each pair has a *mark*, eight more bits of the hash, so that of a store with
//! millions of ids few are read that are others: without them a lookup finds a wrong block for each million.
//!
//! ```text
//! IdBuckets, LinkBuckets = bits u8 (2^bits buckets) | varint bytes of each bucket's list
//!                        | varint pairs of each bucket            not in indexes of before there were marks
//! Ids, Links             = the lists, an area
//! IdMarks, LinkMarks     = u8 of each pair in the order of the lists, 0 if it may be any: an area
//! ```
//! So a pair costs about ten bits and its mark, a lookup reads one bucket of a few hundred pairs and, of those that
//! have the hash, the marks; and a hash and mark that two ids share cost reading a block too many.

use std::ops::{Bound, Range};

use roaring::RoaringBitmap;

use super::BLOCK_ROWS;
use super::packed::{Kind, Packer};
use super::rows::{RowsEncoder, decode, read_u32, varint};
use super::terms::{HASH_BITS, Hashed};
use crate::error::{Error, Result};

/// Buckets have about this many pairs, until there are [`MAX_BITS`].
const BUCKET_PAIRS: u64 = 256;
const MAX_BITS: u32 = 14;
/// Lists hold numbers below 2^32.
const LIST_BITS: u32 = 32;
/// Of a part one list is read, or the marks of a few pairs: parts are smaller than of other areas, so that a needle
/// in many files neither reads nor keeps much for each.
const PART_BYTES: usize = 32 << 10;
/// Pairs are sorted in up to 2^this passes, so that only some of them take eight bytes at a time.
const PASS_BITS: u32 = 4;
/// The mark of a pair that stands for several ids.
const ANY: u8 = 0;
/// A block's ids may be there several times until there are so many; four times as many as rows.
const MAX_REPEATED: usize = 4096;

/// The parts that hold one kind of ids.
#[derive(Debug)]
pub(super) struct Kinds {
    pub(super) heads: Kind,
    pub(super) lists: Kind,
    pub(super) marks: Kind,
}

/// Id-like words and values, and the traces of rows.
pub(super) const IDS: Kinds = Kinds {
    heads: Kind::IdBuckets,
    lists: Kind::Ids,
    marks: Kind::IdMarks,
};

/// Traces that spans link to.
pub(super) const LINKS: Kinds = Kinds {
    heads: Kind::LinkBuckets,
    lists: Kind::Links,
    marks: Kind::LinkMarks,
};

/// Collects pairs block by block; four bytes each until they are written.
pub(super) struct IdsBuilder {
    /// Hash << 8 | mark of each pair of a block, ascending.
    blocks: Vec<Box<[u32]>>,
    /// The same of the last block; the first `distinct` ascend, those after them are as they came.
    block: Vec<u32>,
    distinct: usize,
}

impl IdsBuilder {
    pub(super) fn new() -> Self {
        Self {
            blocks: Vec::new(),
            block: Vec::new(),
            distinct: 0,
        }
    }

    /// Notes that the block has an id of this hash.
    pub(super) fn add(&mut self, hash: Hashed) {
        self.block.push(hash.number << 8 | u32::from(hash.mark));
        // Twice as many as are known to differ: so that sorting pays, however many do.
        if self.block.len() >= MAX_REPEATED.max(2 * self.distinct) {
            self.forget_repeated();
        }
    }

    /// Sorting some thousands of numbers once takes less than asking a set for each.
    fn forget_repeated(&mut self) {
        self.block.sort_unstable();
        self.block.dedup();
        self.distinct = self.block.len();
    }

    pub(super) fn end_block(&mut self) {
        self.forget_repeated();
        self.blocks.push(self.block.as_slice().into());
        self.block.clear();
        self.distinct = 0;
    }

    /// Writes heads, lists and marks as parts of these kinds.
    pub(super) fn finish(self, packer: &mut Packer, kinds: &Kinds) -> Result<()> {
        let blocks = u32::try_from(self.blocks.len()).map_err(|_| too_many())?;
        let pairs = self.blocks.iter().map(|block| block.len() as u64).sum();
        let bits = bucket_bits(pairs, blocks);
        let lower = HASH_BITS - bits;
        let mut head = vec![bits.to_le_bytes()[0]];
        let (mut area, mut ends) = (Vec::new(), Vec::new());
        let (mut marks, mut mark_ends) = (Vec::new(), Vec::new());
        let (mut sorted, mut last) = (Vec::new(), None);
        let pass_bits = bits.min(PASS_BITS);
        for pass in 0..1 << pass_bits {
            self.sort(pass, pass_bits, &mut sorted);
            let mut pairs = sorted.iter().peekable();
            for bucket in
                u64::from(pass) << (bits - pass_bits)..u64::from(pass + 1) << (bits - pass_bits)
            {
                let mut list = RowsEncoder::default();
                while let Some(pair) = pairs.next_if(|pair| *pair >> (40 + lower) == bucket) {
                    if last.replace(pair >> 8) == Some(pair >> 8) {
                        // Several ids of one hash in one block.
                        marks.pop();
                        marks.push(ANY);
                        continue;
                    }
                    let (hash, block) = (pair >> 40, pair >> 8 & u64::from(u32::MAX));
                    let number = (hash & ((1 << lower) - 1)) * u64::from(blocks) + block;
                    list.push(u32::try_from(number).map_err(|_| too_many())?);
                    marks.push(pair.to_le_bytes()[0]);
                }
                let list = list.finish()?;
                varint(list.len() as u64, &mut head);
                area.extend_from_slice(&list);
                ends.push(area.len());
                mark_ends.push(marks.len());
            }
        }
        let mut start = 0;
        for end in &mark_ends {
            varint((end - start) as u64, &mut head);
            start = *end;
        }
        packer.part(kinds.heads, "", &head);
        packer.area(kinds.lists, (&area, PART_BYTES), ends.into_iter());
        packer.area(kinds.marks, (&marks, PART_BYTES), mark_ends.into_iter());
        Ok(())
    }

    /// The pairs whose hash begins with these bits, in order: hash << 40 | block << 8 | mark.
    fn sort(&self, start: u32, start_bits: u32, sorted: &mut Vec<u64>) {
        sorted.clear();
        for (block, pairs) in (0_u64..).zip(&self.blocks) {
            let of_start = pairs
                .iter()
                .filter(|pair| **pair >> (HASH_BITS + 8 - start_bits) == start);
            sorted.extend(of_start.map(|pair| {
                let (hash, mark) = (u64::from(pair >> 8), u64::from(pair & 0xff));
                hash << 40 | block << 8 | mark
            }));
        }
        sorted.sort_unstable();
    }
}

/// Enough buckets that a list's numbers fit, and no more than the pairs are worth.
fn bucket_bits(pairs: u64, blocks: u32) -> u32 {
    let wanted = (pairs / BUCKET_PAIRS + 1).ilog2().min(MAX_BITS);
    let blocks_bits = u32::BITS - blocks.leading_zeros();
    wanted.max((HASH_BITS + blocks_bits).saturating_sub(LIST_BITS))
}

/// Where a bucket begins whose ends are these.
fn start(ends: &[u32], bucket: usize) -> usize {
    let before = bucket.checked_sub(1).and_then(|before| ends.get(before));
    before.map_or(0, |end| *end as usize)
}

fn too_many() -> Error {
    Error::internal("more blocks than an index can tell apart")
}

/// Where the buckets of a file are.
pub(super) struct Ids {
    bits: u32,
    /// Where each list ends; the first begins at 0.
    ends: Vec<u32>,
    /// Where the marks of each bucket end; empty if there are none.
    mark_ends: Vec<u32>,
    rows: u32,
}

/// A pair that has a hash that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    block: u32,
    /// Where its mark is.
    pub(super) at: usize,
    wanted: u8,
}

impl Candidate {
    /// Whether it may be the id that was asked for.
    pub(super) fn may_be(&self, mark: u8) -> bool {
        mark == ANY || mark == self.wanted
    }
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
        let mut read_ends = || {
            let mut ends = Vec::with_capacity(1 << bits);
            let mut end = 0_u32;
            for _ in 0..1_usize << bits {
                end = end.checked_add(read_u32(&mut bytes)?).ok_or_else(wrong)?;
                ends.push(end);
            }
            Ok::<_, Error>((ends, bytes.is_empty()))
        };
        let (ends, is_all) = read_ends()?;
        let mark_ends = if is_all { Vec::new() } else { read_ends()?.0 };
        Ok(Self {
            bits,
            ends,
            mark_ends,
            rows,
        })
    }

    fn bucket(&self, hash: Hashed) -> usize {
        (hash.number >> (HASH_BITS - self.bits)) as usize
    }

    /// Where the list with `hash` is.
    pub(super) fn list(&self, hash: Hashed) -> Option<Range<usize>> {
        let bucket = self.bucket(hash);
        let end = self.ends.get(bucket)?;
        Some(start(&self.ends, bucket)..*end as usize)
    }

    /// Whether pairs have marks.
    pub(super) fn has_marks(&self) -> bool {
        !self.mark_ends.is_empty()
    }

    /// Adds what a bucket's list has of `hashes` of that bucket.
    pub(super) fn find(
        &self,
        list: &[u8],
        hashes: &[Hashed],
        into: &mut Vec<Candidate>,
    ) -> Result<()> {
        let blocks = u64::from(self.rows).div_ceil(BLOCK_ROWS);
        let lower = HASH_BITS - self.bits;
        let most = u32::try_from(blocks << lower).unwrap_or(u32::MAX);
        let mut numbers = RoaringBitmap::new();
        decode(list, most, &mut numbers)?;
        for hash in hashes {
            let marks = start(&self.mark_ends, self.bucket(*hash));
            let first = u64::from(hash.number & ((1_u32 << lower) - 1)) * blocks;
            let (Ok(from), Ok(to)) = (u32::try_from(first), u32::try_from(first + blocks - 1))
            else {
                continue;
            };
            let before = numbers.range_cardinality(..from);
            let before = usize::try_from(before).unwrap_or(usize::MAX);
            for (at, number) in (marks.saturating_add(before)..).zip(numbers.range(from..=to)) {
                into.push(Candidate {
                    block: number - from,
                    at,
                    wanted: hash.mark,
                });
            }
        }
        Ok(())
    }

    /// The rows of the blocks of candidates.
    pub(super) fn rows_of(&self, candidates: &[Candidate]) -> RoaringBitmap {
        let mut rows = RoaringBitmap::new();
        for candidate in candidates {
            let start = u64::from(candidate.block) * BLOCK_ROWS;
            let end = (start + BLOCK_ROWS).min(u64::from(self.rows));
            if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
                rows.insert_range((Bound::Included(start), Bound::Excluded(end)));
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests;

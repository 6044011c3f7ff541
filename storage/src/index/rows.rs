//! Lists of rows as bytes, and sets of rows in memory.
//!
//! ```text
//! list = nothing | 0xff | run* | k u8 (at most 31) | varint rows | bits
//! run  = varint (gap × 2 + long) | varint (length − 2) if long
//! bits = Rice codes of gaps, lowest bit first: gap >> k ones, a zero, the lowest k bits of gap
//! ```
//! `gap` counts the rows left out since the row or run before; a run that is not long is one row.
//! Whichever is shorter is written: rows that are strewn cost little more than their entropy in bits
//! (5.5 a row for every 20th, where whole bytes would cost 8), and a thousand rows in a row cost
//! four bytes as a run.

use roaring::RoaringBitmap;

use crate::error::{Error, Result};

/// The first byte of a list of runs.
const RUNS: u8 = 0xff;
const MAX_RICE_BITS: u32 = 31;

/// Collects a list; rows come in ascending order, repetitions are left out. Until it is finished
/// it is runs.
#[derive(Debug, Default, Clone)]
pub(super) struct RowsEncoder {
    runs: Vec<u8>,
    rows: u32,
    /// The end of the last run in `runs`.
    written: u32,
    /// The run that may still grow.
    start: u32,
    length: u32,
}

impl RowsEncoder {
    pub(super) fn push(&mut self, row: u32) {
        let end = self.start + self.length;
        if self.length > 0 && row < end {
            return;
        }
        self.rows += 1;
        if self.length > 0 && row == end {
            self.length += 1;
            return;
        }
        self.end_run();
        self.start = row;
        self.length = 1;
    }

    fn end_run(&mut self) {
        if self.length == 0 {
            return;
        }
        let gap = u64::from(self.start - self.written) << 1;
        if self.length == 1 {
            varint(gap, &mut self.runs);
        } else {
            varint(gap | 1, &mut self.runs);
            varint(u64::from(self.length - 2), &mut self.runs);
        }
        self.written = self.start + self.length;
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.end_run();
        if self.rows == 0 {
            return Ok(Vec::new());
        }
        // The best parameter for gaps of this mean, as near as matters.
        let mean = (self.written - self.rows) / self.rows;
        let bits = (mean + 1).ilog2().min(MAX_RICE_BITS);
        let mut writer = BitWriter::default();
        read_runs(&self.runs, u32::MAX, |gap, length| {
            writer.rice(gap, bits);
            for _ in 1..length {
                writer.rice(0, bits);
            }
            // Longer than the runs already: no use going on.
            writer.out.len() <= self.runs.len()
        })?;
        let mut out = Vec::with_capacity(writer.out.len().min(self.runs.len()) + 6);
        if writer.out.len() + 6 < self.runs.len() {
            out.push(bits.to_le_bytes()[0]);
            varint(u64::from(self.rows), &mut out);
            out.extend_from_slice(&writer.finish());
        } else {
            out.push(RUNS);
            out.extend_from_slice(&self.runs);
        }
        Ok(out)
    }
}

/// Appends the rows of a list to `into`, or says that there are rows that the file has not.
pub(super) fn decode(bytes: &[u8], rows: u32, into: &mut RoaringBitmap) -> Result<()> {
    let Some((head, mut rest)) = bytes.split_first() else {
        return Ok(());
    };
    if *head == RUNS {
        let mut at = 0;
        return read_runs(rest, rows, |gap, length| {
            at += gap;
            if length == 1 {
                into.insert(at);
            } else {
                into.insert_range(at..=at + (length - 1));
            }
            at += length;
            true
        });
    }
    let bits = u32::from(*head);
    let count = read_u32(&mut rest)?;
    // A row takes a bit at least, so no room is made for rows that cannot be there.
    if bits > MAX_RICE_BITS || count > rows || u64::from(count) > rest.len() as u64 * 8 {
        return Err(not_there());
    }
    let mut reader = BitReader { bytes: rest, at: 0 };
    let mut found = Vec::with_capacity(count as usize);
    let mut next = 0_u64;
    for _ in 0..count {
        let row = next + reader.rice(bits, rows)?;
        let row = u32::try_from(row).ok().filter(|row| *row < rows);
        let row = row.ok_or_else(not_there)?;
        found.push(row);
        next = u64::from(row) + 1;
    }
    *into |= RoaringBitmap::from_sorted_iter(found).map_err(|_| not_there())?;
    Ok(())
}

/// Calls `each` with the gap and the length of every run until it says that it has enough; all rows
/// are below `rows`.
fn read_runs(mut bytes: &[u8], rows: u32, mut each: impl FnMut(u32, u32) -> bool) -> Result<()> {
    let mut at = 0_u64;
    while !bytes.is_empty() {
        let head = read_varint(&mut bytes)?;
        let length = if head & 1 == 1 {
            read_varint(&mut bytes)?.saturating_add(2)
        } else {
            1
        };
        let gap = head >> 1;
        at = at.saturating_add(gap).saturating_add(length);
        let (Ok(gap), Ok(length)) = (u32::try_from(gap), u32::try_from(length)) else {
            return Err(not_there());
        };
        if at > u64::from(rows) {
            return Err(not_there());
        }
        if !each(gap, length) {
            break;
        }
    }
    Ok(())
}

fn not_there() -> Error {
    Error::corrupt("a list has rows that the file has not")
}

/// Bits, lowest first.
#[derive(Default)]
struct BitWriter {
    out: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    fn rice(&mut self, gap: u32, bits: u32) {
        let mut ones = gap >> bits;
        while ones >= 16 {
            self.put(0xffff, 16);
            ones -= 16;
        }
        self.put((1 << ones) - 1, ones + 1);
        self.put(u64::from(gap) & ((1 << bits) - 1), bits);
    }

    /// At most 31 bits at a time.
    fn put(&mut self, value: u64, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.out.push(self.pending.to_le_bytes()[0]);
        }
        self.out
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl BitReader<'_> {
    /// The next gap, an error if it is over `most` or the bits end.
    fn rice(&mut self, bits: u32, most: u32) -> Result<u64> {
        let mut ones = 0_u64;
        loop {
            let (window, valid) = self.window();
            let here = window.trailing_ones().min(valid);
            ones += u64::from(here);
            self.at += here as usize;
            if here < valid {
                break;
            }
            if valid == 0 || ones > u64::from(most) {
                return Err(not_there());
            }
        }
        self.at += 1;
        let (window, valid) = self.window();
        if valid < bits {
            return Err(not_there());
        }
        self.at += bits as usize;
        let low = window & ((1 << bits) - 1);
        Ok((ones << bits).saturating_add(low))
    }

    /// The next bits, and how many of them there are (57 at least, if there are so many left).
    fn window(&self) -> (u64, u32) {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let skipped = u32::try_from(self.at % 8).unwrap_or(0);
        if let Some(eight) = rest.first_chunk::<8>() {
            return (u64::from_le_bytes(*eight) >> skipped, 64 - skipped);
        }
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        // Less than 64.
        let valid = u32::try_from(rest.len() * 8)
            .unwrap_or(0)
            .saturating_sub(skipped);
        (u64::from_le_bytes(word) >> skipped, valid)
    }
}

pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

pub(super) fn read_varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes
            .split_first()
            .ok_or_else(|| Error::corrupt("a number is cut off"))?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::corrupt("a number is too long"))
}

/// As [`read_varint`], for numbers that must fit.
pub(super) fn read_u32(bytes: &mut &[u8]) -> Result<u32> {
    u32::try_from(read_varint(bytes)?).map_err(|_| Error::corrupt("a number is too large"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_come_back(rows in prop::collection::btree_set(0_u32..3_000, 0..400)) {
            let mut encoder = RowsEncoder::default();
            for row in &rows {
                encoder.push(*row);
                encoder.push(*row);
            }
            let mut found = RoaringBitmap::new();
            decode(&encoder.finish().unwrap(), 3_000, &mut found).unwrap();
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), rows.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn strewn_rows_cost_little_more_than_their_entropy(
            every in 2_u32..2_000,
            jitter in prop::collection::vec(0_u32..1_000, 500),
        ) {
            let rows: Vec<u32> = (0_u32..)
                .zip(&jitter)
                .map(|(at, jitter)| at * every + jitter % every)
                .collect();
            let mut encoder = RowsEncoder::default();
            for row in &rows {
                encoder.push(*row);
            }
            let bytes = encoder.finish().unwrap();
            let mut found = RoaringBitmap::new();
            decode(&bytes, u32::MAX, &mut found).unwrap();
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), rows);
            let bits = f64::from(every).log2() + 3.0;
            prop_assert!((bytes.len() as f64) < 500.0 * bits / 8.0 + 8.0, "{}", bytes.len());
        }

        #[test]
        fn any_bytes_give_rows_of_the_file_or_an_error(head in 0_u8..40,
            rest in prop::collection::vec(any::<u8>(), 0..64)) {
            let head = if head < 36 { head } else { RUNS };
            let bytes = [&[head], rest.as_slice()].concat();
            let mut found = RoaringBitmap::new();
            if decode(&bytes, 1_000, &mut found).is_ok() {
                prop_assert!(found.max().is_none_or(|row| row < 1_000));
            }
        }
    }
}

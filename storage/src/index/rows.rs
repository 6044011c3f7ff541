//! Lists of rows as bytes, and sets of rows in memory.
//!
//! ```text
//! list = run*
//! run  = varint (gap × 2 + long) | varint (length − 2) if long
//! ```
//! `gap` counts the rows left out since the end of the run before; a run that is not long is one
//! row. So a row costs one byte if every 64th is in the list, and a thousand rows in a row cost
//! three.

use roaring::RoaringBitmap;

use crate::error::{Error, Result};

/// Writes a list; rows come in ascending order, repetitions are left out.
#[derive(Debug, Default, Clone)]
pub(super) struct RowsEncoder {
    bytes: Vec<u8>,
    /// The end of the last run in `bytes`.
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
            varint(gap, &mut self.bytes);
        } else {
            varint(gap | 1, &mut self.bytes);
            varint(u64::from(self.length - 2), &mut self.bytes);
        }
        self.written = self.start + self.length;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.end_run();
        self.bytes
    }
}

/// Appends the rows of a list to `into`, or says that there are rows that the file has not.
pub(super) fn decode(bytes: &[u8], rows: u32, into: &mut RoaringBitmap) -> Result<()> {
    let mut bytes = bytes;
    let mut at = 0_u64;
    while !bytes.is_empty() {
        let head = read_varint(&mut bytes)?;
        let length = if head & 1 == 1 {
            read_varint(&mut bytes)?.saturating_add(2)
        } else {
            1
        };
        let start = at.saturating_add(head >> 1);
        let end = start.saturating_add(length);
        let (Ok(first), Ok(last)) = (u32::try_from(start), u32::try_from(end - 1)) else {
            return Err(Error::corrupt("a list has rows that the file has not"));
        };
        if last >= rows {
            return Err(Error::corrupt("a list has rows that the file has not"));
        }
        if length == 1 {
            into.insert(first);
        } else {
            into.insert_range(first..=last);
        }
        at = end;
    }
    Ok(())
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
            decode(&encoder.finish(), 3_000, &mut found).unwrap();
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), rows.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_give_rows_of_the_file_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut found = RoaringBitmap::new();
            if decode(&bytes, 1_000, &mut found).is_ok() {
                prop_assert!(found.max().is_none_or(|row| row < 1_000));
            }
        }
    }
}

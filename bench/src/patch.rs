//! Encoded requests with holes: the places where ids, times and needles are written over.
//!
//! A request is built with markers in its holes, encoded, and searched for the markers once.

use crate::ids;

/// Starts every marker; no text and no length of ours contains it.
const MAGIC: [u8; 3] = [0xfe, 0xed, 0xf7];

/// What belongs into a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hole {
    /// 16 bytes: the id of the trace that record `n` of the request belongs to.
    Trace(u16),
    /// 8 bytes: the id of span `n` of the request.
    Span(u16),
    /// 8 bytes, fixed64: a time, this many microseconds after the request's time.
    Time(u16),
    /// 16 bytes of text: the needle of record `n` of the request.
    Needle(u16),
}

impl Hole {
    const MARKER_LENGTH: usize = 6;

    fn parts(self) -> (u8, u16, usize) {
        match self {
            Self::Trace(n) => (1, n, 16),
            Self::Span(n) => (2, n, 8),
            Self::Time(n) => (3, n, 8),
            Self::Needle(n) => (4, n, 16),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let marker = bytes.get(..Self::MARKER_LENGTH)?;
        if !marker.starts_with(&MAGIC) {
            return None;
        }
        let number = u16::from_le_bytes([marker[4], marker[5]]);
        match marker[3] {
            1 => Some(Self::Trace(number)),
            2 => Some(Self::Span(number)),
            3 => Some(Self::Time(number)),
            4 => Some(Self::Needle(number)),
            _ => None,
        }
    }

    /// The marker, as long as what will be written over it.
    pub(crate) fn marker(self) -> Vec<u8> {
        let (tag, number, length) = self.parts();
        let mut bytes = MAGIC.to_vec();
        bytes.push(tag);
        bytes.extend(number.to_le_bytes());
        bytes.resize(length, 0xee);
        bytes
    }

    /// The marker of a [`Hole::Time`] as a number.
    pub(crate) fn time_marker(offset: u16) -> u64 {
        let mut bytes = [0xee; 8];
        bytes.copy_from_slice(&Self::Time(offset).marker());
        u64::from_le_bytes(bytes)
    }
}

/// An encoded request and its holes.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    holes: Vec<(usize, Hole)>,
}

impl Template {
    /// Finds the holes of an encoded request. Needle markers must have been put in afterwards,
    /// over text: protobuf strings are UTF-8 and markers are not.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let holes = (0..bytes.len())
            .filter_map(|at| Some((at, Hole::read(&bytes[at..])?)))
            .collect();
        Self { bytes, holes }
    }

    /// The holes and where they are.
    #[cfg(test)]
    pub(crate) fn holes(&self) -> &[(usize, Hole)] {
        &self.holes
    }

    /// Fills the holes for request `request` of `records` records, at `time_ns`.
    pub(crate) fn fill(&mut self, seed: u64, request: u64, records: u64, time_ns: u64) -> &[u8] {
        let first = request * records;
        for &(at, hole) in &self.holes {
            match hole {
                Hole::Trace(n) => {
                    let trace = (first + u64::from(n)) / ids::SPANS_PER_TRACE;
                    self.bytes[at..at + 16].copy_from_slice(&ids::trace_id(seed, trace));
                }
                Hole::Span(n) => {
                    let id = ids::span_id(seed, first + u64::from(n));
                    self.bytes[at..at + 8].copy_from_slice(&id);
                }
                Hole::Time(offset) => {
                    let time = time_ns + u64::from(offset) * 1000;
                    self.bytes[at..at + 8].copy_from_slice(&time.to_le_bytes());
                }
                Hole::Needle(n) => {
                    let needle = ids::needle(seed, first + u64::from(n));
                    self.bytes[at..at + 16].copy_from_slice(&needle);
                }
            }
        }
        &self.bytes
    }
}

//! The write-ahead log: a request is on disk before its answer is sent.
//!
//! Segment file `wal/<first sequence>.wal`, all integers little-endian:
//!
//! ```text
//! segment  = "SPOORWAL" (8) | version u32 = 1 | reserved u32 = 0 | record*
//! record   = header (32) | tenant (tenant_len) | payload (payload_len)
//! header   = payload_len u32        bytes of payload
//!          | crc u32                CRC-32C of the rest of the header, tenant and payload
//!          | sequence u64           of this request; grows by one from record to record
//!          | received_time_ns i64   Unix time the request came in
//!          | table u8               0 spans, 1 logs
//!          | tenant_len u8
//!          | reserved u16 = 0
//!          | length_check u32       bitwise complement of payload_len
//! ```
//!
//! `length_check` lets a reader trust the length of a record whose payload is broken and go on
//! with the next one. A tail that is not a whole valid record was never acknowledged: it is cut.
//!
//! After a write or a sync has failed, nothing more is written to that segment; the next append begins
//! a new one with the same sequence number. So a record whose number is that of the next segment or
//! above is what the failed append left behind: it is void, and cut like a torn tail.
//!
//! The writer belongs to one thread ([`crate::commit`]), which writes what has queued up as one
//! group with one `fdatasync`.

mod reader;
mod writer;

pub(crate) use reader::{Damage, ReplayRecord, Segment, SegmentReader, list_segments};
pub(crate) use writer::{ClosedSegment, WalRecord, WalWriter};

use crate::model::Table;

const MAGIC: &[u8; 8] = b"SPOORWAL";
const VERSION: u32 = 1;
const SEGMENT_HEADER: usize = 16;
const RECORD_HEADER: usize = 32;
/// Where the checksummed part of a record header begins.
const CHECKED_FROM: usize = 8;

fn table_code(table: Table) -> u8 {
    match table {
        Table::Spans => 0,
        Table::Logs => 1,
    }
}

fn table_of(code: u8) -> Option<Table> {
    match code {
        0 => Some(Table::Spans),
        1 => Some(Table::Logs),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

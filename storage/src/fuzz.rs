//! Everything that reads bytes which may be any: the entry points of `fuzz/`, and of the tests here
//! that change good bytes at random. None may panic, hang, or allocate much more than it was given.
//!
//! What the functions return is how much they made of it, so that a test can tell that good bytes
//! are read at all.

use std::io::Cursor;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use uuid::Uuid;

use crate::catalog::{BrokenRow, FileRow, Row, Unpacker, Value};
use crate::compaction::read_file;
use crate::index::{IndexCache, Lookup, Word, verify};
use crate::layout::{index_path, parquet_path};
use crate::metrics::Metrics;
use crate::model::{FileId, Hour, Table, TenantId, TraceId};
use crate::snapshot::{DataFile, FieldStatistics};
use crate::wal::{Segment, SegmentReader};

/// A write-ahead log segment; the records in it.
pub fn log(bytes: &[u8]) -> usize {
    let segment = Segment {
        path: "fuzz.wal".into(),
        void_from: bytes.first().map(|byte| u64::from(*byte)),
    };
    let Ok(mut reader) = SegmentReader::new(Cursor::new(bytes), bytes.len() as u64, &segment)
    else {
        return 0;
    };
    let mut records = 0;
    while let Ok(Some(outcome)) = reader.next() {
        records += usize::from(outcome.is_ok());
    }
    records
}

/// An index file; the questions that it answers.
pub fn index(bytes: &[u8]) -> usize {
    // It is that of the file it says, so that more than this is looked at.
    let (id, rows) = index_owner(bytes).unwrap_or((FileId(Uuid::nil()), 0));
    drop(verify(bytes, id, rows));
    let file = DataFile {
        index_bytes: bytes.len() as u64,
        rows,
        ..file(Table::Logs, id)
    };
    let questions = [
        Lookup::Words(vec![Word::Exact("user".to_owned())]),
        Lookup::Words(vec![Word::Prefix("lo".to_owned())]),
        Lookup::Not(Box::new(Lookup::Words(vec![Word::Exact("b".to_owned())]))),
        Lookup::Trace(TraceId([3; 16])),
    ];
    run(async {
        let store = store_with(&file.index_path, bytes).await?;
        let cache = IndexCache::new(store, 1 << 20, Arc::new(Metrics::default()));
        let (mut answers, read) = (0, std::sync::atomic::AtomicU64::new(0));
        for question in &questions {
            answers += usize::from(cache.answer(&file, question, &read).await.is_some());
        }
        Some(answers)
    })
}

/// Which file and how many rows the table at the end of an index names.
fn index_owner(bytes: &[u8]) -> Option<(FileId, u64)> {
    const TRAILER_BYTES: usize = 20;
    let table_end = bytes.len().checked_sub(TRAILER_BYTES)?;
    let (table_len, _) = bytes.get(table_end..)?.split_first_chunk()?;
    let table_len = usize::try_from(u32::from_le_bytes(*table_len)).ok()?;
    let table = bytes.get(table_end.checked_sub(table_len)?..table_end)?;
    let (id, rest) = table.split_first_chunk()?;
    let (rows, _) = rest.split_first_chunk()?;
    Some((FileId(Uuid::from_bytes(*id)), u64::from_le_bytes(*rows)))
}

/// A Parquet file of `logs`; the rows in it.
pub fn data_file(bytes: &[u8]) -> usize {
    let file = DataFile {
        bytes: bytes.len() as u64,
        ..file(Table::Logs, FileId(Uuid::nil()))
    };
    run(async {
        let store = store_with(&file.path, bytes).await?;
        // The catalog says how many rows there are; whatever it says, they are read first.
        let batches = read_file(store, &file).await;
        let rows = match &batches {
            Ok(batches) => batches.iter().map(RecordBatch::num_rows).sum(),
            Err(error) => rows_found(&error.to_string()),
        };
        Some(rows)
    })
}

/// From "has 3 rows instead of 0".
fn rows_found(message: &str) -> usize {
    let before = message
        .split(" rows instead of ")
        .next()
        .unwrap_or_default();
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

/// A row of the catalog's table of files, one value after the other: a letter for its kind (`i`, `t`,
/// `b`; any other is null), two bytes of length for text and bytes, eight bytes for a number. 2 if it
/// is a file, 1 if it is known at least which.
pub fn catalog_row(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    let values = FILE_COLUMNS.map(|column| (column, next_value(&mut rest)));
    let row = Row::new(values.into());
    match FileRow::read(&row, &mut Unpacker::new()) {
        Ok(_) => 2,
        Err(error) => usize::from(BrokenRow::read(&row, &error).is_ok()),
    }
}

const FILE_COLUMNS: [&str; 15] = [
    "id",
    "tenant",
    "table_name",
    "hour",
    "level",
    "row_count",
    "bytes",
    "index_bytes",
    "min_time_ns",
    "max_time_ns",
    "services",
    "field_statistics",
    "state",
    "reason",
    "facts",
];

fn next_value(rest: &mut &[u8]) -> Value {
    let kind = take(rest, 1).first().copied();
    match kind {
        Some(b'i') => {
            let mut number = [0; 8];
            let bytes = take(rest, 8);
            number[..bytes.len()].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(number))
        }
        Some(kind @ (b't' | b'b')) => {
            let len = take(rest, 2)
                .iter()
                .rev()
                .fold(0, |len, byte| len << 8 | usize::from(*byte));
            let bytes = take(rest, len);
            if kind == b't' {
                Value::Text(String::from_utf8_lossy(bytes).into_owned())
            } else {
                Value::Bytes(bytes.to_vec())
            }
        }
        _ => Value::Null,
    }
}

/// At most `count` bytes from the front.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count.min(rest.len()));
    *rest = left;
    taken
}

fn file(table: Table, id: FileId) -> DataFile {
    let tenant = TenantId::default();
    DataFile {
        id,
        path: parquet_path(&tenant, table, Hour(0), id),
        index_path: index_path(&tenant, table, Hour(0), id),
        tenant,
        table,
        hour: Hour(0),
        level: 0,
        rows: 0,
        bytes: 0,
        index_bytes: 0,
        min_time_ns: 0,
        max_time_ns: 0,
        services: Vec::new(),
        fields: FieldStatistics::default(),
        facts: None,
        hidden: None,
        held: Arc::default(),
    }
}

async fn store_with(path: &object_store::path::Path, bytes: &[u8]) -> Option<Arc<dyn ObjectStore>> {
    let store = InMemory::new();
    store
        .put(path, PutPayload::from(bytes.to_vec()))
        .await
        .ok()?;
    Some(Arc::new(store))
}

fn run(reading: impl Future<Output = Option<usize>>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_or(0, |runtime| runtime.block_on(reading).unwrap_or(0))
}

#[cfg(test)]
mod meter;
#[cfg(test)]
mod tests;

//! The Parquet file that lookups read, and what is read of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int32Array, MapArray, StringArray,
    TimestampNanosecondArray, UInt32Array, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::WriterProperties;
use roaring::RoaringBitmap;
use spoor_storage::Table;
use spoor_storage::model::schema_of;

use super::Question;

const BATCH_ROWS: usize = 16_384;
const SPACING_NS: i64 = 3_600_000_000;

/// The rows as storage keeps them: bodies, and nothing in all other columns.
pub(crate) fn batches(bodies: &[String]) -> Vec<RecordBatch> {
    bodies
        .chunks(BATCH_ROWS)
        .map(|bodies| {
            let schema = schema_of(Table::Logs);
            let columns = schema
                .fields()
                .iter()
                .map(|field| match field.name().as_str() {
                    "body" => Arc::new(StringArray::from_iter_values(bodies)) as ArrayRef,
                    _ => empty(field, bodies.len()),
                })
                .collect();
            RecordBatch::try_new(schema, columns).unwrap()
        })
        .collect()
}

fn empty(field: &Field, rows: usize) -> ArrayRef {
    if field.is_nullable() {
        return new_null_array(field.data_type(), rows);
    }
    match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(vec![""; rows])),
        DataType::Int32 => Arc::new(Int32Array::from(vec![0; rows])),
        DataType::UInt32 => Arc::new(UInt32Array::from(vec![0; rows])),
        DataType::Int64 => Arc::new(arrow::array::Int64Array::from(vec![0; rows])),
        DataType::Timestamp(..) => {
            Arc::new(TimestampNanosecondArray::from(vec![0; rows]).with_timezone("UTC"))
        }
        DataType::Map(entries, sorted) => {
            let nothing = new_null_array(entries.data_type(), 0);
            Arc::new(MapArray::new(
                Arc::clone(entries),
                arrow::buffer::OffsetBuffer::new_zeroed(rows),
                nothing.as_struct().clone(),
                None,
                *sorted,
            ))
        }
        DataType::FixedSizeBinary(width) => Arc::new(FixedSizeBinaryArray::new(
            *width,
            vec![0; rows * usize::try_from(*width).unwrap()].into(),
            None,
        )),
        other => new_null_array(other, rows),
    }
}

/// A file in memory.
pub(crate) struct Stored {
    bytes: bytes::Bytes,
    metadata: ArrowReaderMetadata,
    pub(crate) rows: usize,
}

impl Stored {
    pub(crate) fn write(bodies: &[String]) -> Self {
        let schema = Arc::new(Schema::new(vec![
            Field::new(
                "time",
                DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, None),
                false,
            ),
            Field::new("body", DataType::Utf8, false),
        ]));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
            .set_max_row_group_row_count(Some(131_072))
            .set_data_page_row_count_limit(20_000)
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).unwrap();
        let mut time = 0;
        for bodies in bodies.chunks(BATCH_ROWS) {
            let times: Vec<i64> = bodies
                .iter()
                .map(|_| {
                    time += SPACING_NS / 1_000;
                    time
                })
                .collect();
            let columns: Vec<ArrayRef> = vec![
                Arc::new(TimestampNanosecondArray::from(times)),
                Arc::new(StringArray::from_iter_values(bodies)),
            ];
            writer
                .write(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap())
                .unwrap();
        }
        let bytes = bytes::Bytes::from(writer.into_inner().unwrap());
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load(&bytes, options).unwrap();
        Self {
            bytes,
            metadata,
            rows: bodies.len(),
        }
    }

    /// One column of `rows`, and the numbers of the rows, batch by batch.
    fn read(&self, column: usize, rows: &RoaringBitmap, mut each: impl FnMut(&ArrayRef, &[u32])) {
        if rows.is_empty() {
            return;
        }
        let numbers: Vec<u32> = rows.iter().collect();
        let mut ranges = rows.iter();
        let ranges = std::iter::from_fn(move || {
            let range = ranges.next_range()?;
            Some(*range.start() as usize..*range.end() as usize + 1)
        });
        let mask = ProjectionMask::leaves(
            self.metadata.metadata().file_metadata().schema_descr(),
            [column],
        );
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.bytes.clone(),
            self.metadata.clone(),
        )
        .with_projection(mask)
        .with_batch_size(8_192)
        .with_row_selection(RowSelection::from_consecutive_ranges(ranges, self.rows))
        .build()
        .unwrap();
        let mut at = 0;
        for batch in reader {
            let batch = batch.unwrap();
            let end = at + batch.num_rows();
            each(batch.column(0), &numbers[at..end]);
            at = end;
        }
    }

    /// Those of `rows` whose text has what is asked for.
    pub(crate) fn test(&self, rows: &RoaringBitmap, question: &Question) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        self.read(1, rows, |bodies, numbers| {
            let bodies = bodies.as_string::<i32>();
            for (at, number) in numbers.iter().enumerate() {
                if has(bodies.value(at), &question.tokens, question.prefix) {
                    found.insert(*number);
                }
            }
        });
        found
    }

    /// Rows a minute; reads only the time.
    pub(crate) fn histogram(&self, rows: &RoaringBitmap) -> BTreeMap<i64, u64> {
        let mut minutes = BTreeMap::new();
        self.read(0, rows, |times, _| {
            for time in times.as_primitive::<TimestampNanosecondType>().values() {
                *minutes.entry(time / 60_000_000_000).or_default() += 1;
            }
        });
        minutes
    }

    /// Bytes of the last bodies.
    pub(crate) fn newest(&self, rows: &RoaringBitmap, count: usize) -> usize {
        let last: RoaringBitmap = rows.iter().rev().take(count).collect();
        let mut bytes = 0;
        self.read(1, &last, |bodies, _| {
            bytes += bodies.get_array_memory_size();
        });
        bytes
    }
}

/// As a query does it: from one occurrence of the first letter to the next.
fn has(text: &str, tokens: &[String], prefix: bool) -> bool {
    let bytes = text.as_bytes();
    let first = tokens[0].as_bytes()[0];
    (0..bytes.len()).any(|at| {
        bytes[at].to_ascii_lowercase() == first
            && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
            && follows(&bytes[at..], tokens, prefix)
    })
}

fn follows(mut bytes: &[u8], tokens: &[String], prefix: bool) -> bool {
    for (place, token) in tokens.iter().enumerate() {
        if place > 0 {
            let next = bytes.iter().position(u8::is_ascii_alphanumeric);
            bytes = &bytes[next.unwrap_or(bytes.len())..];
        }
        if bytes.len() < token.len() || !bytes[..token.len()].eq_ignore_ascii_case(token.as_bytes())
        {
            return false;
        }
        bytes = &bytes[token.len()..];
        let last = place + 1 == tokens.len();
        if !(prefix && last) && bytes.first().is_some_and(u8::is_ascii_alphanumeric) {
            return false;
        }
    }
    true
}

//! For `benches/attributes.rs`: writes a file part by part and says what each part took.

use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;

use super::{QUICK_LEVEL, properties};
use crate::attributes::{METADATA_KEY, Promotion, Splitter};
use crate::error::Result;
use crate::model::Table;
use crate::statistics::FieldCounter;

/// A file and how long its parts took.
#[derive(Debug)]
pub struct Written {
    /// The Parquet file.
    pub parquet: Bytes,
    /// Promoted keys.
    pub columns: usize,
    /// Deciding which keys are promoted.
    pub choose: Duration,
    /// Field statistics.
    pub count: Duration,
    /// Moving attributes into columns.
    pub split: Duration,
    /// Parquet's encoding.
    pub encode: Duration,
    /// Bytes of the statistics as the catalog has them.
    pub statistics_bytes: usize,
}

/// Writes rows (canonical form, in file order) without an index; with `promote`, common attributes
/// get columns.
pub fn write(table: Table, batches: &[RecordBatch], promote: bool) -> Result<Written> {
    let begin = Instant::now();
    let promotion = if promote {
        Promotion::of_batches(batches)
    } else {
        Promotion::default()
    };
    let choose = begin.elapsed();
    let mut fields = FieldCounter::for_file(table, &promotion);
    let mut splitter = Splitter::new(table, &promotion);
    let mut parquet = ArrowWriter::try_new(
        Vec::new(),
        std::sync::Arc::clone(splitter.schema()),
        Some(properties(table, &promotion, QUICK_LEVEL)?),
    )?;
    let (mut count, mut split, mut encode) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for batch in batches {
        let at = Instant::now();
        let runs = fields.add(batch);
        count += at.elapsed();
        let at = Instant::now();
        let columns = splitter.split(batch, fields.keys(), &runs)?;
        split += at.elapsed();
        let at = Instant::now();
        parquet.write(&columns)?;
        encode += at.elapsed();
    }
    let at = Instant::now();
    let attributes = splitter.metadata(fields.keys())?;
    parquet.append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), attributes));
    let parquet = Bytes::from(parquet.into_inner()?);
    encode += at.elapsed();
    let statistics = serde_json::to_vec(&fields.finish())?;
    Ok(Written {
        parquet,
        columns: promotion.scopes.iter().map(Vec::len).sum(),
        choose,
        count,
        split,
        encode,
        statistics_bytes: zstd::encode_all(statistics.as_slice(), 3)
            .map_or(0, |packed| packed.len()),
    })
}

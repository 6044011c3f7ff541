//! Writes one immutable data file with its index: rows in their order in (see `stretches`), catalog entry out.
//!
//! A flush has its rows in memory and writes them at once ([`FileWriter::write`]); a merge writes
//! a file while it reads others ([`FileSink`]).

mod checksums;
#[doc(hidden)]
pub mod measured;
mod pages;
mod placed;
mod sink;
mod stretches;
mod tail;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tokio::sync::Semaphore;

use crate::attributes::{METADATA_KEY, Promotion, Splitter};
use crate::buffer::{Place, times_of};
use crate::error::{Error, Result};
use crate::fault::Point;
use crate::index::IndexBuilder;
use crate::layout::{Layout, index_path, parquet_path};
use crate::model::schema::RECORD_ID;
use crate::model::{FileId, Table};
use crate::snapshot::DataFile;
use crate::statistics::FieldCounter;
use crate::store::Store;

use checksums::Summing;
use placed::placed;
use stretches::Lengths;

/// Small groups cost nothing in size and let pruning and memory be finer (measured).
const ROW_GROUP_ROWS: usize = 131_072;
/// 1,024-row pages cost 13 % of size against this (measured).
const PAGE_ROWS: usize = 20_000;
/// zstd level of files that will be written again, or that queries wait for.
const QUICK_LEVEL: i32 = 1;
/// zstd level of texts in files that will stay as they are (measured: a tenth smaller than with level 1, for a
/// microsecond a row).
const DENSE_LEVEL: i32 = 8;
/// Files of flushes that are encoded at a time on a large machine.
const MOST_ENCODED: usize = 4;
/// The version of the schema and of the conventions in the file, in its key-value metadata.
const FORMAT_VERSION: u32 = 3;

/// Where files are written.
#[derive(Debug, Clone)]
pub(crate) struct FileWriter {
    pub(crate) store: Store,
    pub(crate) layout: Layout,
    /// Files with fewer rows get no index: it would not save what it costs.
    pub(crate) index_from_rows: u64,
    /// Turns to encode a flush's file.
    encoding: Arc<Semaphore>,
}

pub use checksums::ChunkChecksums;
pub use pages::{GroupPages, PageCache, PageCacheMetrics, PageCounts};
pub(crate) use sink::FileSink;
pub(crate) use stretches::{
    STRETCH_BYTES, STRETCH_ROWS, bytes_of, gather, record_ids, stretches_of,
};
pub(crate) use tail::NewerVersion;
pub use tail::{FileFacts, refuse_newer};

/// A file's bytes before they are stored.
struct Encoded {
    /// What [`FileEncoder::take_encoded`] has not given away: all of it, or the end.
    parquet: Vec<u8>,
    /// Empty if the file has none.
    index: Vec<u8>,
    file: DataFile,
}

/// Files that flushes encode at a time: one for every two processors, at most [`MOST_ENCODED`]. On two processors, where
/// requests are decoded and files merged beside it, two at a time took as much memory again and a tenth more processor time,
/// and the rows were in their files no sooner (measured).
fn encoded_at_a_time() -> usize {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    (processors / 2).clamp(1, MOST_ENCODED)
}

impl FileWriter {
    pub(crate) fn new(store: Store, layout: Layout, index_from_rows: u64) -> Self {
        Self {
            store,
            layout,
            index_from_rows,
            encoding: Arc::new(Semaphore::new(encoded_at_a_time())),
        }
    }

    /// Sorts `batches` (all of one place, from a first to a last request of the log), writes them as one
    /// file with its index, and returns once both would survive a power loss. The file is not live
    /// until the catalog says so.
    pub(crate) async fn write(
        &self,
        place: &Place,
        requests: (u64, u64),
        batches: Vec<RecordBatch>,
    ) -> Result<Arc<DataFile>> {
        let id = FileId::generate();
        let Encoded {
            parquet,
            index,
            file,
        } = self
            .encode(id, place, requests, batches, Order::Stretches)
            .await?;
        let stored = async {
            self.layout.fault(Point::FilePut)?;
            self.store.put(&file.path, parquet).await?;
            self.put_index(&file, index).await?;
            self.sync(&file).await
        };
        if let Err(error) = stored.await {
            self.discard(&file).await;
            return Err(error);
        }
        Ok(Arc::new(file))
    }

    /// Writes a file that was lost anew, under its name and from all of its rows.
    pub(crate) async fn write_again(
        &self,
        file: &DataFile,
        requests: (u64, u64),
        batches: Vec<RecordBatch>,
    ) -> Result<Arc<DataFile>> {
        let place = (file.tenant.clone(), file.table, file.hour);
        // What is hidden of it is said by places.
        let order = match file.facts {
            Some(facts) if facts.stretches => Order::Stretches,
            _ => Order::Time,
        };
        let encoded = self
            .encode(file.id, &place, requests, batches, order)
            .await?;
        let new = DataFile {
            hidden: file.hidden.clone(),
            ..encoded.file
        };
        let as_it_was = new.rows == file.rows
            && new.min_time_ns == file.min_time_ns
            && new.max_time_ns == file.max_time_ns
            && new.services == file.services;
        if !as_it_was {
            return Err(Error::internal(format!(
                "what the log has of `{}` has other times or services than the catalog says",
                file.path
            )));
        }
        self.store.replace(&new.path, encoded.parquet).await?;
        if new.index_bytes > 0 {
            self.store.replace(&new.index_path, encoded.index).await?;
        }
        Ok(Arc::new(new))
    }

    async fn encode(
        &self,
        id: FileId,
        place: &Place,
        requests: (u64, u64),
        batches: Vec<RecordBatch>,
        order: Order,
    ) -> Result<Encoded> {
        let place = place.clone();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let indexed = self.is_indexed(rows as u64);
        let turn = self.encoding.acquire().await;
        let _turn = turn.map_err(|source| Error::internal("nobody encodes").with_source(source))?;
        let mut encoded =
            tokio::task::spawn_blocking(move || encode(id, &place, indexed, &batches, order))
                .await
                .map_err(|source| Error::internal("writing a file failed").with_source(source))??;
        if let Some(facts) = &mut encoded.file.facts {
            facts.requests = Some(requests);
            facts.stretches = order == Order::Stretches;
        }
        Ok(encoded)
    }

    fn is_indexed(&self, rows: u64) -> bool {
        rows >= self.index_from_rows
    }

    async fn put_index(&self, file: &DataFile, index: Vec<u8>) -> Result<()> {
        if index.is_empty() {
            return Ok(());
        }
        self.layout.fault(Point::IndexPut)?;
        self.store.put(&file.index_path, index).await
    }

    /// Returns once a file and its index would survive a power loss.
    async fn sync(&self, file: &DataFile) -> Result<()> {
        self.layout.fault(Point::FileSync)?;
        let mut paths = vec![&file.path];
        if file.index_bytes > 0 {
            paths.push(&file.index_path);
        }
        self.store.sync(&paths).await?;
        self.layout.fault(Point::FileSynced)
    }
}

/// In which order the rows of a stretch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As they came.
    Stretches,
    /// By time, as in files of before version 3.
    Time,
}

fn encode(
    id: FileId,
    place: &Place,
    indexed: bool,
    batches: &[RecordBatch],
    order: Order,
) -> Result<Encoded> {
    let table = place.1;
    let promotion = Promotion::of_batches(batches);
    let mut encoder = FileEncoder::new(place, 0, indexed, &promotion, QUICK_LEVEL)?;
    encoder.id = id;
    let sources: Vec<&RecordBatch> = batches.iter().collect();
    let sorted = sorted_order(table, batches)?;
    // Only a stretch at a time is copied: the buffer's memory is what an hour of rows may take.
    let mut waiting: Vec<&[RowPlace]> = sorted.chunks(STRETCH_ROWS).rev().collect();
    while let Some(stretch) = waiting.pop() {
        let mut rows = stretch.to_vec();
        if order == Order::Stretches {
            rows.sort_unstable_by_key(|row| (row.id, row.time_ns));
        }
        let places: Vec<(usize, usize)> = rows.iter().map(RowPlace::place).collect();
        let rows = gather(&sources, &places)?;
        // Whatever batches the rows came in, the same rows are always cut in the same places.
        if stretch.len() > 1 && bytes_of(&rows)? > STRETCH_BYTES {
            let (first, second) = stretch.split_at(stretch.len() / 2);
            waiting.extend([second, first]);
            continue;
        }
        encoder.push(&rows)?;
    }
    encoder.finish()
}

/// Turns rows, pushed stretch by stretch, into the bytes of one file and of its index.
struct FileEncoder {
    id: FileId,
    place: Place,
    level: u32,
    splitter: Splitter,
    parquet: ArrowWriter<Vec<u8>>,
    checksums: Summing,
    /// Bytes that [`FileEncoder::take_encoded`] gave away.
    taken: u64,
    index: Option<IndexBuilder>,
    fields: FieldCounter,
    services: BTreeSet<String>,
    rows: u64,
    /// The first and the last event time so far.
    times: Option<(i64, i64)>,
    stretches: Lengths,
}

impl FileEncoder {
    /// A file whose common keys are those of `promotion`, with an index or without, and with texts
    /// compressed at this zstd level.
    fn new(
        place: &Place,
        level: u32,
        indexed: bool,
        promotion: &Promotion,
        text_level: i32,
    ) -> Result<Self> {
        let table = place.1;
        let splitter = Splitter::new(table, promotion);
        let properties = properties(table, promotion, text_level)?;
        Ok(Self {
            id: FileId::generate(),
            place: place.clone(),
            level,
            parquet: ArrowWriter::try_new(
                Vec::new(),
                Arc::clone(splitter.schema()),
                Some(properties),
            )?,
            checksums: Summing::default(),
            splitter,
            taken: 0,
            index: indexed.then(|| IndexBuilder::new(table)).transpose()?,
            fields: FieldCounter::for_file(table, promotion),
            services: BTreeSet::new(),
            rows: 0,
            times: None,
            stretches: Lengths::default(),
        })
    }

    /// Adds a stretch: rows that all come after all others in (event time, record id).
    fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        let times = times_of(self.place.1, rows)?;
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
            return Ok(());
        };
        self.times = Some(match self.times {
            None => (*first, *last),
            Some((min, max)) => (min.min(*first), max.max(*last)),
        });
        self.rows += rows.num_rows() as u64;
        self.stretches.push(rows.num_rows());
        let runs = self.fields.add(rows);
        let columns = self.splitter.split(rows, self.fields.keys(), &runs)?;
        self.parquet.write(&placed(columns)?)?;
        self.checksums.catch_up(&mut self.parquet, self.taken)?;
        if let Some(index) = &mut self.index {
            index.add_counted(rows, &runs)?;
        }
        collect_services(rows, &mut self.services);
        Ok(())
    }

    /// The bytes of the row groups that are complete, once each. A writer that takes them holds
    /// one row group in memory, whatever the size of the file.
    fn take_encoded(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(self.parquet.inner_mut());
        self.taken += bytes.len() as u64;
        bytes
    }

    fn finish(mut self) -> Result<Encoded> {
        let (min_time_ns, max_time_ns) = self
            .times
            .ok_or_else(|| Error::internal("a file without rows"))?;
        let attributes = self.splitter.metadata(self.fields.keys())?;
        self.parquet
            .append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), attributes));
        self.parquet
            .append_key_value_metadata(self.stretches.finish());
        self.parquet.flush()?;
        self.checksums.catch_up(&mut self.parquet, self.taken)?;
        self.parquet
            .append_key_value_metadata(self.checksums.finish());
        self.parquet
            .sync()
            .map_err(|source| Error::from_io("cannot encode a file", source))?;
        let columns = self.parquet.inner().len();
        let parquet = self.parquet.into_inner()?;
        let facts = parquet.get(columns..).map(FileFacts::of);
        let id = self.id;
        let index = match self.index {
            Some(index) => index.finish(id)?,
            None => Vec::new(),
        };
        let (tenant, table, hour) = self.place;
        let file = DataFile {
            id,
            path: parquet_path(&tenant, table, hour, id),
            index_path: index_path(&tenant, table, hour, id),
            tenant,
            table,
            hour,
            level: self.level,
            rows: self.rows,
            bytes: self.taken + parquet.len() as u64,
            index_bytes: index.len() as u64,
            min_time_ns,
            max_time_ns,
            services: self.services.into_iter().collect(),
            fields: self.fields.finish(),
            facts,
            hidden: None,
            held: Arc::default(),
        };
        Ok(Encoded {
            parquet,
            index,
            file,
        })
    }
}

/// A row of several batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowPlace {
    time_ns: i64,
    id: i64,
    batch: u32,
    row: u32,
}

impl RowPlace {
    fn place(&self) -> (usize, usize) {
        (self.batch as usize, self.row as usize)
    }
}

/// Rows by (event time, record id): a total order, so the same rows always give the same file.
fn sorted_order(table: Table, batches: &[RecordBatch]) -> Result<Vec<RowPlace>> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (number, batch) in (0..).zip(batches) {
        let times = times_of(table, batch)?;
        let ids = record_ids(batch)?.values();
        rows.extend(
            (0..)
                .zip(times.iter().zip(ids.iter()))
                .map(|(row, (time_ns, id))| RowPlace {
                    time_ns: *time_ns,
                    id: *id,
                    batch: number,
                    row,
                }),
        );
    }
    rows.sort_unstable();
    Ok(rows)
}

fn collect_services(batch: &RecordBatch, services: &mut BTreeSet<String>) {
    let Some(column) = batch.column_by_name("service_name") else {
        return;
    };
    for service in column.as_string::<i32>().iter().flatten() {
        if !services.contains(service) {
            services.insert(service.to_owned());
        }
    }
}

/// Encodings: what was measured best for each kind of column; statistics only where queries prune
/// by them (they cost a quarter of the encoding time otherwise).
fn properties(table: Table, promotion: &Promotion, text_level: i32) -> Result<WriterProperties> {
    let column = |name: &str| ColumnPath::from(name);
    let zstd = |level| Ok::<_, Error>(Compression::ZSTD(ZstdLevel::try_new(level)?));
    let mut builder = WriterProperties::builder()
        .set_compression(zstd(QUICK_LEVEL)?)
        .set_column_compression(column("body"), zstd(text_level)?)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(STRETCH_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(concat!("spoor ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            tail::VERSION_KEY.to_owned(),
            FORMAT_VERSION.to_string(),
        )]));
    let (deltas, plain, pruned): (&[&str], &[&str], &[&str]) = match table {
        Table::Spans => (
            &["start_time", "received_time", RECORD_ID],
            &["span_id", "parent_span_id", "duration_ns"],
            &[
                "start_time",
                "duration_ns",
                "service_name",
                "name",
                "kind",
                "status_code",
            ],
        ),
        Table::Logs => (
            &["time", "observed_time", "received_time", RECORD_ID],
            &["span_id", "body"],
            &["time", "service_name", "severity_number"],
        ),
    };
    for name in deltas {
        builder = builder
            .set_column_dictionary_enabled(column(name), false)
            .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED);
    }
    for name in plain {
        builder = builder.set_column_dictionary_enabled(column(name), false);
    }
    for name in pruned {
        builder = builder.set_column_statistics_enabled(column(name), EnabledStatistics::Page);
    }
    for (name, dictionary) in promotion.column_names() {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(vec![name]), dictionary);
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests;

//! What flushes, merges and indexes cost, on generated log records. Not a test: it prints a table.
//!
//! `cargo bench -p spoor-storage --bench compaction` takes some minutes and two processors.

#![expect(clippy::print_stdout, reason = "a benchmark talks to its terminal")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop where it stands")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, AsArray, FixedSizeBinaryBuilder, Int32Array, MapBuilder, MapFieldNames, StringArray,
    StringBuilder, TimestampNanosecondArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use spoor_storage::index::{Lookup, Word};
use spoor_storage::model::schema::decoded_schema_of;
use spoor_storage::{
    DataFile, Decode, Ingest, Result, Storage, StorageOptions, Table, TenantId, TimeRange,
};

/// Rows of a request.
const REQUEST_ROWS: usize = 5_000;
/// Event time between two rows: an hour holds all of a run.
const STEP_NS: i64 = 1_000_000;

/// Nothing is replayed here.
struct NoDecoder;

impl Decode for NoDecoder {
    fn decode(&self, _: Table, _: i64, _: &[u8]) -> Result<RecordBatch> {
        Err(spoor_storage::Error::internal(
            "a benchmark replays nothing",
        ))
    }
}

const PLACES: [&str; 8] = [
    "checkout", "cart", "payment", "shipping", "email", "currency", "frontend", "ads",
];

fn body(random: &mut StdRng) -> String {
    let number: u32 = random.random_range(0..100_000);
    let id: u64 = random.random();
    let place = PLACES[random.random_range(0..PLACES.len())];
    match random.random_range(0..8) {
        0 => format!("GET /api/products/{number} 200 in {} ms", number % 900),
        1 => format!(
            "order {id:016x} placed by user {number}, total {}.{:02} EUR",
            number / 100,
            number % 100
        ),
        2 => format!(
            "connection to {place}:8080 refused, retry {} of 5",
            number % 5
        ),
        3 => format!("cache miss for key session:{id:016x} in {place}"),
        4 => format!("payment {id:016x} authorized by provider after {number} us"),
        5 => format!(
            "slow query on {place}: SELECT * FROM items WHERE id = {number} took {} ms",
            number % 5_000
        ),
        6 => format!(
            "user {number} logged in from 10.{}.{}.{}",
            id % 256,
            id / 256 % 256,
            id / 65_536 % 256
        ),
        _ => format!(
            "queue {place} has {number} messages, oldest {} s",
            number % 600
        ),
    }
}

fn map(rows: usize, entries: impl Fn(usize) -> Vec<(&'static str, String)>) -> ArrayRef {
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "keys".into(),
        value: "values".into(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in 0..rows {
        for (key, value) in entries(row) {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).unwrap();
    }
    Arc::new(builder.finish())
}

fn request(first_row: i64, rows: usize, random: &mut StdRng) -> RecordBatch {
    let schema = decoded_schema_of(Table::Logs);
    let count = i64::try_from(rows).unwrap();
    // Times jitter by two seconds, as those of many senders do.
    let times: Vec<i64> = (first_row..first_row + count)
        .map(|row| row * STEP_NS + random.random_range(0..2_000_000_000))
        .collect();
    let bodies: Vec<String> = (0..rows).map(|_| body(random)).collect();
    let services: Vec<&str> = (0..rows)
        .map(|_| PLACES[random.random_range(0..8)])
        .collect();
    let numbers: Vec<u32> = (0..rows).map(|_| random.random_range(0..1_000)).collect();
    let columns = schema
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match (field.name().as_str(), field.data_type()) {
                ("time" | "received_time", _) => {
                    Arc::new(TimestampNanosecondArray::from(times.clone()).with_timezone("UTC"))
                }
                ("body", _) => Arc::new(StringArray::from(bodies.clone())),
                ("service_name", _) => Arc::new(StringArray::from(services.clone())),
                ("trace_id", _) => {
                    let mut builder = FixedSizeBinaryBuilder::new(16);
                    for _ in 0..rows {
                        let mut id = [0; 16];
                        random.fill_bytes(&mut id);
                        builder.append_value(id).unwrap();
                    }
                    Arc::new(builder.finish())
                }
                ("attributes", _) => map(rows, |row| {
                    vec![
                        ("http.route", format!("/api/{}", numbers[row] % 20)),
                        ("http.response.status_code", "200".to_owned()),
                        ("user.id", numbers[row].to_string()),
                    ]
                }),
                ("attribute_types", _) => Arc::new(StringArray::from(vec!["sis"; rows])),
                ("resource_attributes", _) => map(rows, |row| {
                    vec![
                        ("service.name", services[row].to_owned()),
                        ("host.name", format!("node-{}", numbers[row] % 6)),
                    ]
                }),
                ("resource_attribute_types", _) => Arc::new(StringArray::from(vec!["ss"; rows])),
                (_, DataType::Map(..)) => map(rows, |_| Vec::new()),
                (_, DataType::UInt32) => Arc::new(UInt32Array::from(vec![0; rows])),
                (_, DataType::Int32) => Arc::new(Int32Array::from(vec![9; rows])),
                (_, DataType::UInt64) => Arc::new(UInt64Array::new_null(rows)),
                ("body_type", _) => Arc::new(StringArray::from(vec!["s"; rows])),
                ("body_field_types" | "scope_attribute_types", _) => {
                    Arc::new(StringArray::from(vec![""; rows]))
                }
                (_, kind) => new_null_array(kind, rows),
            }
        })
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Seconds of processor time of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, numbers) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = numbers
        .split(' ')
        .skip(11)
        .take(2)
        .map(|number| number.parse::<u64>().unwrap())
        .sum();
    ticks as f64 / 100.0
}

async fn open(folder: &tempfile::TempDir, index_from_rows: u64, threads: usize) -> Storage {
    let options = StorageOptions {
        flush_bytes: 1 << 40,
        flush_interval: Duration::from_hours(1),
        ingest_memory_bytes: 1 << 40,
        compaction_threads: threads,
        compaction_bytes_per_second: 0,
        index_from_rows,
        ..StorageOptions::new(folder.path())
    };
    Storage::open(options, Arc::new(NoDecoder)).await.unwrap()
}

async fn append(storage: &Storage, batch: RecordBatch) {
    storage
        .append(Ingest {
            tenant: TenantId::default(),
            table: Table::Logs,
            received_time_ns: 1,
            payload: Bytes::from_static(b"not replayed"),
            batch,
        })
        .await
        .unwrap();
}

fn files(storage: &Storage) -> Vec<Arc<DataFile>> {
    storage
        .snapshot()
        .files(&TenantId::default(), Table::Logs, TimeRange::ALL)
}

/// Flushes of `flush_rows` rows, `flushes` of them, then merges until nothing is due.
async fn run(flush_rows: usize, flushes: usize, index_from_rows: u64) {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder, index_from_rows, 0).await;
    let mut random = StdRng::seed_from_u64(7);
    let (mut flush_cpu, mut flush_wall) = (0.0, Duration::ZERO);
    let (mut bytes, mut index_bytes) = (0, 0);
    let mut row = 0;
    for _ in 0..flushes {
        for _ in 0..flush_rows.div_ceil(REQUEST_ROWS) {
            let rows = flush_rows.min(REQUEST_ROWS);
            append(&storage, request(row, rows, &mut random)).await;
            row += i64::try_from(rows).unwrap();
        }
        let (start, wall) = (cpu(), Instant::now());
        storage.flush().await.unwrap();
        flush_cpu += cpu() - start;
        flush_wall += wall.elapsed();
        if let Some(file) = files(&storage).iter().max_by_key(|file| file.id) {
            bytes += file.bytes;
            index_bytes += file.index_bytes;
        }
    }
    let rows = row as f64;
    let (start, wall) = (cpu(), Instant::now());
    storage.compact().await.unwrap();
    let (merge_cpu, merge_wall) = (cpu() - start, wall.elapsed());
    let merged = files(&storage);
    let merged_index: u64 = merged.iter().map(|file| file.index_bytes).sum();
    let merged_bytes: u64 = merged.iter().map(|file| file.bytes).sum();
    println!(
        "| {flush_rows} × {flushes} | {} | {:.2} | {:.0} | {:.1} + {:.1} | {:.2} | {:.0} | {:.1} + {:.1} | {} |",
        if index_from_rows == 0 { "yes" } else { "no" },
        flush_cpu * 1e6 / rows,
        rows / flush_wall.as_secs_f64() / 1e3,
        bytes as f64 / rows,
        index_bytes as f64 / rows,
        merge_cpu * 1e6 / rows,
        rows / merge_wall.as_secs_f64() / 1e3,
        merged_bytes as f64 / rows,
        merged_index as f64 / rows,
        merged.len(),
    );
    storage.close().await.unwrap();
}

/// An hour of steady load, merged while it comes: what was written for each byte of a flush.
async fn steady(flush_rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder, 8_192, 1).await;
    let mut random = StdRng::seed_from_u64(7);
    let (start, wall) = (cpu(), Instant::now());
    let mut most = 0;
    for flush in 0..120 {
        let first = i64::try_from(flush * flush_rows).unwrap();
        append(&storage, request(first, flush_rows, &mut random)).await;
        storage.flush().await.unwrap();
        most = most.max(files(&storage).len());
    }
    storage.compact().await.unwrap();
    let mut registry = prometheus_client::registry::Registry::default();
    storage.register_metrics(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let count = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let flushed = count("spoor_storage_flushed_bytes_total");
    let merged = count("spoor_storage_compaction_written_bytes_total");
    println!(
        "120 flushes of {flush_rows} rows: {:.1} MB flushed, {:.1} MB written by merges, amplification {:.2}, at most {most} files, {} at the end; {:.1} s of CPU (rows made here included), {:.1} s",
        flushed / 1e6,
        merged / 1e6,
        (flushed + merged) / flushed,
        files(&storage).len(),
        cpu() - start,
        wall.elapsed().as_secs_f64(),
    );
    storage.close().await.unwrap();
}

/// What a rare word costs in fresh files with and without an index.
async fn needle(flush_rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder, 0, 0).await;
    let mut random = StdRng::seed_from_u64(7);
    for at in 0..7 {
        let first = i64::try_from(at * flush_rows).unwrap();
        append(&storage, request(first, flush_rows, &mut random)).await;
        storage.flush().await.unwrap();
    }
    let files = files(&storage);
    let lookup = Lookup::Words(vec![Word::Exact("e5c1a2b3d4f60718".to_owned())]);
    let read = std::sync::atomic::AtomicU64::new(0);
    let start = Instant::now();
    for file in &files {
        std::hint::black_box(storage.indexes().answer(file, &lookup, &read).await);
    }
    let cold = start.elapsed();
    let start = Instant::now();
    for file in &files {
        std::hint::black_box(storage.indexes().answer(file, &lookup, &read).await);
    }
    let warm = start.elapsed();
    let (mut found, start) = (0, Instant::now());
    for file in &files {
        let bytes = storage.object_store().get(&file.path).await.unwrap();
        let bytes = bytes.bytes().await.unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let mask = ProjectionMask::columns(builder.parquet_schema(), ["body"]);
        for batch in builder.with_projection(mask).build().unwrap() {
            let batch = batch.unwrap();
            let bodies = batch.column(0).as_string::<i32>();
            found += bodies
                .iter()
                .flatten()
                .filter(|body| body.contains("e5c1a2b3d4f60718"))
                .count();
        }
    }
    let scan = start.elapsed();
    println!(
        "| 7 × {flush_rows} | {:.2} | {:.2} | {:.2} | {found} |",
        cold.as_secs_f64() * 1e3,
        warm.as_secs_f64() * 1e3,
        scan.as_secs_f64() * 1e3,
    );
    storage.close().await.unwrap();
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    println!(
        "| flushes | index at flush and merge | flush µs/row (CPU) | k rows/s | bytes/row + index | merges µs/row (CPU) | k rows/s | bytes/row + index | files |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (rows, flushes) in [(1_000, 49), (10_000, 49), (100_000, 7)] {
        for index in [0, u64::MAX] {
            runtime.block_on(run(rows, flushes, index));
        }
    }
    println!();
    for rows in [1_000, 5_000] {
        runtime.block_on(steady(rows));
    }
    println!(
        "\n| fresh files | look-up, cold, ms | look-up, warm, ms | scan of the column, ms | rows found |"
    );
    println!("|---|---|---|---|---|");
    for rows in [500, 2_000, 8_000, 32_000, 128_000] {
        runtime.block_on(needle(rows));
    }
}

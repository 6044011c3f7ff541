//! What typed columns for common attributes cost and give, against maps alone.
//!
//! ```text
//! cargo bench -p spoor-storage --bench attributes -- [rows] [spans|logs FILE.parquet …]
//! ```
//! Without files, spans of a made-up shop with semantic-convention attributes. Files are data
//! files of Spoor, of any format version. Times are of one thread, the best of three.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring program: its output is its purpose, and a failure ends it"
)]

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use spoor_storage::Table;
use spoor_storage::attributes::{FileAttributes, restore};
use spoor_storage::file::measured::{Written, write};

#[path = "attributes/generated.rs"]
mod generated;

const ROUNDS: usize = 3;

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let rows = arguments
        .first()
        .and_then(|word| word.parse().ok())
        .unwrap_or(400_000);
    match arguments.get(1) {
        None => {
            println!("# {rows} generated spans");
            let batches = generated::spans(rows);
            measure(Table::Spans, &batches, "http.response.status_code");
        }
        Some(table) => {
            let table: Table = table.parse().unwrap();
            let batches: Vec<RecordBatch> = arguments[2..]
                .iter()
                .flat_map(|path| rows_of(table, &Bytes::from(std::fs::read(path).unwrap())))
                .collect();
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            println!("# {rows} {table} of {} files", arguments.len() - 2);
            measure(table, &batches, "http.status_code");
        }
    }
}

fn measure(table: Table, batches: &[RecordBatch], key: &str) {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let per_row = |time: Duration| time.as_nanos() as f64 / rows as f64;
    println!(
        "statistics as before: {:.0} ns/row",
        per_row(best(|| count_as_before(batches)).0)
    );
    for promote in [false, true] {
        let mut written: Vec<Written> = (0..ROUNDS)
            .map(|_| write(table, batches, promote).unwrap())
            .collect();
        written.sort_by_key(|file| file.choose + file.count + file.split + file.encode);
        let file = &written[0];
        println!(
            "{}: {} columns, {:.1} B/row; choose {:.0}, count {:.0}, split {:.0}, encode {:.0} ns/row; statistics {} B",
            if promote { "columns" } else { "maps" },
            file.columns,
            file.parquet.len() as f64 / rows as f64,
            per_row(file.choose),
            per_row(file.count),
            per_row(file.split),
            per_row(file.encode),
            file.statistics_bytes,
        );
        let (all, restored) = best(|| rows_of(table, &file.parquet));
        assert!(
            arrow::compute::concat_batches(&restored[0].schema(), &restored).unwrap()
                == arrow::compute::concat_batches(&batches[0].schema(), batches).unwrap()
        );
        let (one, found) = best(|| values_of(&file.parquet, key));
        println!(
            "  read all {:.0} ns/row; `{key}` of every row {:.1} ns/row ({found} found); row 70,000 whole {:.2} ms",
            per_row(all),
            per_row(one),
            best(|| whole_row(table, &file.parquet, 70_000))
                .0
                .as_secs_f64()
                * 1e3,
        );
    }
}

fn best<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    (0..ROUNDS)
        .map(|_| {
            let at = Instant::now();
            let result = work();
            (at.elapsed(), result)
        })
        .min_by_key(|(time, _)| *time)
        .unwrap()
}

/// Every row of a file in the canonical form.
fn rows_of(table: Table, file: &Bytes) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let attributes = FileAttributes::of(builder.schema()).unwrap();
    let reader = builder.with_batch_size(8192).build().unwrap();
    reader
        .map(|batch| restore(table, &attributes, &batch.unwrap()).unwrap())
        .collect()
}

/// One row with everything it has.
fn whole_row(table: Table, file: &Bytes, row: usize) -> usize {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let attributes = FileAttributes::of(builder.schema()).unwrap();
    let reader = builder.with_offset(row).with_limit(1).build().unwrap();
    reader
        .map(|batch| {
            restore(table, &attributes, &batch.unwrap())
                .unwrap()
                .num_rows()
        })
        .sum()
}

/// How many rows have an attribute, read from its column or from the map.
fn values_of(file: &Bytes, key: &str) -> usize {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let attributes = FileAttributes::of(builder.schema()).unwrap();
    let column = attributes.scope("attributes").unwrap().promoted(key);
    let name = column.map_or("attributes", |column| column.column.as_str());
    let at = builder.schema().index_of(name).unwrap();
    let mask = ProjectionMask::roots(builder.parquet_schema(), [at]);
    let reader = builder
        .with_batch_size(8192)
        .with_projection(mask)
        .build()
        .unwrap();
    reader
        .map(|batch| {
            let batch = batch.unwrap();
            let column = batch.column(0);
            if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
                return numbers.len() - numbers.null_count();
            }
            let Some(map) = column.as_map_opt() else {
                return column.len() - column.null_count();
            };
            let keys = map.keys().as_string::<i32>();
            let offsets = map.value_offsets();
            (0..map.len())
                .filter(|row| {
                    (offsets[*row]..offsets[row + 1])
                        .any(|entry| keys.value(usize::try_from(entry).unwrap()) == key)
                })
                .count()
        })
        .sum()
}

/// How statistics were counted up to format version 1: a map of texts for each key.
fn count_as_before(batches: &[RecordBatch]) -> u64 {
    #[derive(Default)]
    struct Counter {
        count: u64,
        types: BTreeMap<char, u64>,
        values: HashMap<String, u64>,
    }
    let mut counters: [HashMap<String, Counter>; 4] = Default::default();
    let maps = [
        ("attributes", "attribute_types"),
        ("resource_attributes", "resource_attribute_types"),
        ("scope_attributes", "scope_attribute_types"),
        ("body_fields", "body_field_types"),
    ];
    for batch in batches {
        for ((map, types), counters) in maps.iter().zip(&mut counters) {
            let Some(map) = batch.column_by_name(map) else {
                continue;
            };
            let map = map.as_map();
            let types = batch.column_by_name(types).unwrap().as_string::<i32>();
            let (keys, values) = (
                map.keys().as_string::<i32>(),
                map.values().as_string::<i32>(),
            );
            let offsets = map.value_offsets();
            for (row, from) in offsets.iter().take(map.len()).enumerate() {
                let from = usize::try_from(*from).unwrap();
                let letters = types.value(row).as_bytes();
                for (entry, letter) in (from..).zip(letters) {
                    let (key, value) = (keys.value(entry), values.value(entry));
                    if !counters.contains_key(key) {
                        counters.insert(key.to_owned(), Counter::default());
                    }
                    let counter = counters.get_mut(key).unwrap();
                    counter.count += 1;
                    *counter.types.entry(char::from(*letter)).or_default() += 1;
                    if let Some(count) = counter.values.get_mut(value) {
                        *count += 1;
                    } else if counter.values.len() < 256 && value.len() <= 256 {
                        counter.values.insert(value.to_owned(), 1);
                    }
                }
            }
        }
    }
    counters
        .iter()
        .flat_map(HashMap::values)
        .map(|counter| counter.count)
        .sum()
}

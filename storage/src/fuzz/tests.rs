//! Good bytes, changed at random from a seed, through every entry point: it comes to an end, nothing
//! panics past it, and nothing asks for memory without need. `SPOOR_SOAK=100` changes a hundred times
//! as often.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::meter::largest_request;
use super::*;
use crate::file::FileWriter;
use crate::index::IndexBuilder;
use crate::layout::Layout;
use crate::snapshot::FieldStatistic;
use crate::store::Store;
use crate::test_rows::{LogRow, logs};
use crate::wal::{WalRecord, WalWriter};

/// Most that a reader may ask for at once, whatever the bytes say: batches and pages of good files
/// are below.
const MOST_BYTES: usize = 64 << 20;

fn soak() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let soak = std::env::var("SPOOR_SOAK");
    soak.map_or(1, |times| times.parse().unwrap())
}

/// Numbers from a seed.
struct Random(StdRng);

impl Random {
    fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// Changes some bytes: flips bits, sets extreme numbers, cuts, doubles or moves stretches.
    fn change(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let stretch = at..(at + 1 + self.below(16)).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes[stretch].fill(0xff),
                2 => bytes[stretch].fill(0x7f),
                3 => bytes[stretch].fill(0),
                4 => {
                    let copy = bytes[stretch].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, copy);
                }
                5 => drop(bytes.drain(stretch)),
                _ => bytes[at] ^= 1 << self.below(8),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    }
}

/// Runs `read` over `good` (which must give `whole`) and over `rounds` changed copies of it.
fn survives(seed: u64, rounds: usize, good: &[u8], whole: usize, read: fn(&[u8]) -> usize) {
    let (most, found) = largest_request(|| read(good));
    assert_eq!(found, whole, "good bytes");
    assert!(most < MOST_BYTES, "good bytes: {most} bytes at once");
    let mut random = Random::new(seed);
    let (mut changed, mut read_on) = (0, 0);
    for round in 0..rounds * soak() {
        let bytes = random.change(good);
        let (most, found) = largest_request(|| read(&bytes));
        assert!(
            most < MOST_BYTES,
            "round {round}: {most} bytes at once for {} bytes",
            bytes.len()
        );
        changed += usize::from(found != whole);
        read_on += usize::from(found > 0);
    }
    assert!(changed > 0, "no change was one");
    assert!(read_on > 0, "whatever was changed, nothing was left");
}

fn rows() -> Vec<LogRow> {
    (0..40)
        .map(|row| LogRow {
            body: format!("user {row} of {} logged in as id{row}99", row % 2),
            trace_id: Some([u8::try_from(row).unwrap(); 16]),
            attributes: vec![("http.route".into(), "/cart".into())],
            ..LogRow::at(row)
        })
        .collect()
}

#[test]
fn a_changed_log_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    std::fs::create_dir_all(layout.wal_dir()).unwrap();
    let mut writer = WalWriter::new(layout.clone(), Vec::new());
    for sequence in 1..9 {
        let payload = format!("request number {sequence}");
        writer
            .append(&[WalRecord {
                sequence,
                received_time_ns: 1,
                table: Table::Logs,
                tenant: &TenantId::default(),
                payload: payload.as_bytes(),
            }])
            .unwrap();
    }
    let good = std::fs::read(layout.segment(1)).unwrap();
    survives(1, 20_000, &good, 8, log);
}

#[test]
fn a_changed_index_answers_or_does_not() {
    let mut builder = IndexBuilder::new(Table::Logs).unwrap();
    builder.add(&logs(&rows())).unwrap();
    let good = builder.finish(FileId::generate()).unwrap();
    survives(2, 2_000, &good, 4, index);
}

#[test]
fn a_changed_row_of_the_catalog_is_a_file_or_an_error() {
    let mut statistics = FieldStatistics::default();
    let of_service = FieldStatistic {
        count: 3,
        types: [('s', 3)].into(),
        ..FieldStatistic::default()
    };
    let fields = &mut statistics.fields;
    fields.insert("service_name".to_owned(), of_service);
    let json = serde_json::to_vec(&statistics).unwrap();
    let packed = zstd::encode_all(json.as_slice(), 3).unwrap();
    let mut good = Vec::new();
    let text = |good: &mut Vec<u8>, kind: u8, bytes: &[u8]| {
        good.push(kind);
        good.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_le_bytes());
        good.extend_from_slice(bytes);
    };
    let id = FileId::generate().to_string();
    for word in [id.as_str(), "default", "logs"] {
        text(&mut good, b't', word.as_bytes());
    }
    for number in [464_938_i64, 0, 3, 1_000, 500, 1, 2] {
        good.push(b'i');
        good.extend_from_slice(&number.to_le_bytes());
    }
    text(&mut good, b't', br#"["a"]"#);
    text(&mut good, b'b', &packed);
    text(&mut good, b't', b"live");
    good.push(b'n');
    survives(3, 20_000, &good, 2, catalog_row);
}

fn encoded() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let writer = FileWriter::new(Store::local(&layout).unwrap(), layout, u64::MAX);
    let place = (TenantId::default(), Table::Logs, Hour(0));
    let writing = async {
        let file = writer.write(&place, (1, 1), vec![logs(&rows())]).await;
        file.unwrap().path.clone()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let path = runtime.block_on(writing);
    std::fs::read(folder.path().join(path.as_ref())).unwrap()
}

#[test]
fn a_changed_data_file_is_rows_or_an_error() {
    survives(4, 1_500, &encoded(), 40, data_file);
}

/// Files of version 1 have no checksums: whatever their pages say gets to the decoders.
#[test]
fn a_changed_data_file_without_checksums_is_rows_or_an_error() {
    let path = "testdata/v1/tenant=default/logs/date=2023-01-29/hour=08";
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let parquet = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    let good = std::fs::read(parquet.unwrap()).unwrap();
    survives(5, 1_500, &good, 3, data_file);
}

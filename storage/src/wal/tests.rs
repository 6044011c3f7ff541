use super::*;
use crate::layout::Layout;
use crate::model::TenantId;

struct Log {
    folder: tempfile::TempDir,
    layout: Layout,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        std::fs::create_dir_all(layout.wal_dir()).unwrap();
        Self { folder, layout }
    }

    fn write(&self, sequences: std::ops::RangeInclusive<u64>) -> WalWriter {
        let mut writer = WalWriter::new(self.layout.clone(), Vec::new());
        let tenant = TenantId::default();
        for sequence in sequences {
            let payload = format!("payload {sequence}");
            writer
                .append(&[WalRecord {
                    sequence,
                    received_time_ns: -7,
                    table: Table::Logs,
                    tenant: &tenant,
                    payload: payload.as_bytes(),
                }])
                .unwrap();
        }
        writer
    }

    fn path(&self) -> std::path::PathBuf {
        let segments = list_segments(&self.layout).unwrap();
        assert_eq!(segments.len(), 1);
        segments[0].clone()
    }

    fn read(&self) -> (Vec<u64>, Vec<Damage>) {
        let mut reader = SegmentReader::open(&self.path()).unwrap();
        let (mut sequences, mut damages) = (Vec::new(), Vec::new());
        while let Some(outcome) = reader.next().unwrap() {
            match outcome {
                Ok(record) => {
                    assert_eq!(
                        record.payload,
                        format!("payload {}", record.sequence).as_bytes()
                    );
                    assert_eq!(record.received_time_ns, -7);
                    sequences.push(record.sequence);
                }
                Err(damage) => damages.push(damage),
            }
        }
        (sequences, damages)
    }
}

#[test]
fn what_is_written_is_read_back() {
    let log = Log::new();
    log.write(1..=3);
    assert_eq!(log.read(), (vec![1, 2, 3], vec![]));
    assert!(
        log.folder
            .path()
            .join("wal/00000000000000000001.wal")
            .is_file()
    );
}

#[test]
fn every_torn_tail_is_cut_and_keeps_the_records_before_it() {
    let log = Log::new();
    log.write(1..=2);
    let whole = std::fs::read(log.path()).unwrap();
    let record = (whole.len() - SEGMENT_HEADER) / 2;
    for len in SEGMENT_HEADER..whole.len() {
        std::fs::write(log.path(), &whole[..len]).unwrap();
        let (sequences, damages) = log.read();
        let kept = (len - SEGMENT_HEADER) / record;
        assert_eq!(sequences.len(), kept, "cut at {len}");
        let torn = len != SEGMENT_HEADER + kept * record;
        assert_eq!(damages.len(), usize::from(torn), "cut at {len}");
    }
}

#[test]
fn a_flipped_bit_in_the_middle_costs_one_record_only() {
    let log = Log::new();
    log.write(1..=3);
    let mut bytes = std::fs::read(log.path()).unwrap();
    let record = (bytes.len() - SEGMENT_HEADER) / 3;
    bytes[SEGMENT_HEADER + record + RECORD_HEADER + 10] ^= 1;
    std::fs::write(log.path(), &bytes).unwrap();
    let (sequences, damages) = log.read();
    assert_eq!(sequences, [1, 3]);
    assert!(matches!(damages[..], [Damage::Record { .. }]));
}

#[test]
fn segments_are_deleted_only_when_all_their_records_are_in_files() {
    let log = Log::new();
    let mut writer = log.write(5..=9);
    writer.rotate();
    writer.delete_up_to(8).unwrap();
    assert_eq!(log.read().0, [5, 6, 7, 8, 9]);
    writer.delete_up_to(9).unwrap();
    assert!(list_segments(&log.layout).unwrap().is_empty());
    assert_eq!(writer.bytes(), 0);
}

#[test]
fn an_unknown_version_is_refused_by_name() {
    let log = Log::new();
    log.write(1..=1);
    let mut bytes = std::fs::read(log.path()).unwrap();
    bytes[8] = 99;
    std::fs::write(log.path(), &bytes).unwrap();
    let error = SegmentReader::open(&log.path()).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

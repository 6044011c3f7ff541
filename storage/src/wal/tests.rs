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
        segments[0].path.clone()
    }

    fn read(&self) -> (Vec<u64>, Vec<Damage>) {
        let (mut sequences, mut damages) = (Vec::new(), Vec::new());
        for segment in list_segments(&self.layout).unwrap() {
            let mut reader = SegmentReader::open(&segment).unwrap();
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
fn any_flipped_bit_costs_one_record_and_nothing_else() {
    let log = Log::new();
    log.write(1..=4);
    let whole = std::fs::read(log.path()).unwrap();
    let record = (whole.len() - SEGMENT_HEADER) / 4;
    for at in (0..8).chain(SEGMENT_HEADER..SEGMENT_HEADER + 3 * record) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        std::fs::write(log.path(), &bytes).unwrap();
        let (sequences, damages) = log.read();
        let broken = at
            .checked_sub(SEGMENT_HEADER)
            .map(|at| (at / record) as u64 + 1);
        let expected: Vec<u64> = (1..=4).filter(|n| Some(*n) != broken).collect();
        assert_eq!(sequences, expected, "byte {at}");
        assert!(matches!(damages[..], [Damage::Record { .. }]), "byte {at}");
    }
}

#[test]
fn a_record_inside_a_broken_payload_is_not_one_of_the_log() {
    let log = Log::new();
    log.write(1..=1);
    let old = std::fs::read(log.path()).unwrap()[SEGMENT_HEADER..].to_vec();
    let mut writer = WalWriter::new(log.layout.clone(), Vec::new());
    let tenant = TenantId::default();
    writer
        .append(&[WalRecord {
            sequence: 1,
            received_time_ns: -7,
            table: Table::Logs,
            tenant: &tenant,
            payload: b"payload 1",
        }])
        .unwrap();
    let mut bytes = std::fs::read(log.path()).unwrap();
    // What is left of a torn write is an earlier record, as a payload may hold one.
    bytes.extend_from_slice(&[7; 40]);
    bytes.extend_from_slice(&old);
    std::fs::write(log.path(), &bytes).unwrap();
    let (sequences, damages) = log.read();
    assert_eq!(sequences, [1]);
    assert!(matches!(damages[..], [Damage::TornTail { .. }]));
}

/// Appends one record, as the committer does.
fn append(writer: &mut WalWriter, sequence: u64) -> crate::Result<()> {
    writer.append(&[WalRecord {
        sequence,
        received_time_ns: -7,
        table: Table::Logs,
        tenant: &TenantId::default(),
        payload: format!("payload {sequence}").as_bytes(),
    }])
}

#[test]
fn after_a_failed_sync_the_segment_takes_nothing_more() {
    use crate::fault::{Point, script};
    for undo_fails in [false, true] {
        let log = Log::new();
        let mut writer = log.write(1..=3);
        let faults = script::of(log.folder.path());
        faults.plan(Point::WalSync, 0, script::Fault::Fail);
        append(&mut writer, 4).unwrap_err();
        if undo_fails {
            // The bytes stay: as if the cut had failed too.
            let mut bytes = std::fs::read(log.path()).unwrap();
            let record = (bytes.len() - SEGMENT_HEADER) / 3;
            let mut copy = bytes[bytes.len() - record..].to_vec();
            copy[8] = 4;
            let crc = crc32c::crc32c(&copy[CHECKED_FROM..]);
            copy[4..8].copy_from_slice(&crc.to_le_bytes());
            bytes.extend_from_slice(&copy);
            std::fs::write(log.path(), &bytes).unwrap();
        }
        append(&mut writer, 4).unwrap();
        append(&mut writer, 5).unwrap();
        let names: Vec<_> = list_segments(&log.layout).unwrap();
        assert_eq!(names.len(), 2);
        assert_eq!(names[0].void_from, Some(4));
        let (sequences, damages) = log.read();
        assert_eq!(sequences, [1, 2, 3, 4, 5]);
        assert_eq!(damages.len(), usize::from(undo_fails));
        writer.rotate();
        writer.delete_up_to(3).unwrap();
        assert_eq!(log.read().0, [4, 5]);
        writer.delete_up_to(5).unwrap();
        assert!(list_segments(&log.layout).unwrap().is_empty());
    }
}

#[test]
fn a_segment_that_failed_at_its_first_record_is_replaced() {
    use crate::fault::{Point, script};
    let log = Log::new();
    let faults = script::of(log.folder.path());
    let mut writer = WalWriter::new(log.layout.clone(), Vec::new());
    for point in [
        Point::WalCreate,
        Point::WalCreated,
        Point::WalWrite,
        Point::WalSync,
    ] {
        faults.plan(point, 0, script::Fault::Fail);
        append(&mut writer, 1).unwrap_err();
    }
    append(&mut writer, 1).unwrap();
    append(&mut writer, 2).unwrap();
    assert_eq!(log.read(), (vec![1, 2], vec![]));
    writer.rotate();
    writer.delete_up_to(1).unwrap();
    assert_eq!(log.read().0, [1, 2], "not taken for the one that failed");
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
    let segment = list_segments(&log.layout).unwrap().remove(0);
    let error = SegmentReader::open(&segment).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

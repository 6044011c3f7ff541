//! A broken index is an error, and never a panic or a wrong answer.

use std::sync::LazyLock;

use proptest::prelude::*;

use futures::FutureExt;
use futures::future::BoxFuture;
use tantivy::directory::OwnedBytes;

use super::*;
use crate::index::packed::{Kind, Parts, Tail, open_tail, slice};
use crate::index::reader::{IndexReader, Opening, Source};

fn small() -> (Vec<u8>, FileId) {
    static SMALL: LazyLock<(Vec<u8>, FileId)> = LazyLock::new(build_small);
    SMALL.clone()
}

fn build_small() -> (Vec<u8>, FileId) {
    let rows: Vec<LogRow> = (0..40)
        .map(|row| LogRow {
            body: format!(
                "user {row} of {} logged in as id{row}99",
                if row % 2 == 0 { "a" } else { "b" }
            ),
            trace_id: Some([u8::try_from(row).unwrap(); 16]),
            ..LogRow::at(row)
        })
        .collect();
    let file = FileId::generate();
    (build(&rows, file), file)
}

fn questions() -> [Lookup; 4] {
    [
        words("user"),
        Lookup::Words(vec![Word::Prefix("lo".into()), Word::Exact("in".into())]),
        Lookup::Not(Box::new(words("b"))),
        Lookup::Trace(TraceId([3; 16])),
    ]
}

#[test]
fn a_foreign_index_is_refused() {
    let (bytes, file) = small();
    assert!(open(&bytes, file, 40).is_ok());
    assert!(verify(&bytes, file, 40).is_ok());
    for (file, rows) in [(file, 41), (FileId::generate(), 40)] {
        assert!(open(&bytes, file, rows).is_err());
        assert!(verify(&bytes, file, rows).is_err());
    }
    assert!(open(&[], file, 40).is_err());
    assert!(verify(&[], file, 40).is_err());
}

/// Written by the first version: its file is read whole until the index is built again.
#[test]
fn an_index_of_format_1_is_refused_by_its_version() {
    let bytes = include_bytes!("../../../testdata/index-format-1.idx");
    let rows = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
    let what = verify(bytes, FileId::generate(), rows).unwrap_err();
    assert_eq!(what, "it has format version 1; this spoor reads 2");
    assert!(open(bytes, FileId::generate(), rows).is_err());
}

#[test]
fn a_long_table_is_read_with_a_second_read() {
    let (bytes, file) = small();
    let tail = &bytes[bytes.len() - 30..];
    let Opening::Longer(needed) = IndexReader::open(tail, bytes.len() as u64, file, 40).unwrap()
    else {
        panic!("30 bytes hold no table");
    };
    let tail = &bytes[bytes.len() - usize::try_from(needed).unwrap()..];
    assert!(matches!(
        IndexReader::open(tail, bytes.len() as u64, file, 40).unwrap(),
        Opening::Open(_)
    ));
}

#[test]
fn every_flipped_byte_is_noticed_or_harmless() {
    let (good, file) = small();
    let expected = questions().map(|question| answer(&good, file, 40, &question).unwrap());
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        assert!(verify(&bytes, file, 40).is_err(), "byte {at}");
        for (question, expected) in questions().iter().zip(&expected) {
            if let Ok(found) = answer(&bytes, file, 40, question) {
                assert_eq!(&found, expected, "byte {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn cut_files_are_errors(cut in any::<prop::sample::Index>()) {
        let (good, file) = small();
        let length = cut.index(good.len());
        prop_assert!(open(&good[..length], file, 40).is_err());
        prop_assert!(verify(&good[..length], file, 40).is_err());
    }

    /// Parts that lie, with checksums that agree: patterns and lists are read with care.
    #[test]
    fn lying_parts_are_errors_or_rows_of_the_file(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (good, file) = small();
        let Ok(Tail::Parts(parts)) = open_tail(&good, good.len() as u64, file, 40) else {
            panic!("good");
        };
        let mut bytes = good.clone();
        let kinds = [
            Kind::WordRows,
            Kind::Patterns,
            Kind::PatternRows,
            Kind::IdBuckets,
            Kind::Ids,
            Kind::IdMarks,
        ];
        for (place, byte) in flips {
            let kind = kinds[usize::from(byte) % kinds.len()];
            let entry = &parts.entries[parts.of(kind).next().unwrap()];
            let length = usize::try_from(entry.len).unwrap();
            let at = usize::try_from(entry.offset).unwrap() + place.index(length);
            bytes[at] = byte;
        }
        let source = Unchecked(bytes);
        for question in questions() {
            let Opening::Open(reader) =
                IndexReader::open(&good, good.len() as u64, file, 40).unwrap()
            else {
                panic!("good");
            };
            let found = reader.answer(&source, &question).now_or_never().unwrap();
            if let Ok(found) = found {
                prop_assert!(list(&found.maybe).iter().all(|row| *row < 40));
            }
        }
    }
}

/// A file in memory, without looking at checksums.
struct Unchecked(Vec<u8>);

impl Source for Unchecked {
    fn part<'a>(&'a self, parts: &'a Parts, at: usize) -> BoxFuture<'a, Result<OwnedBytes>> {
        let entry = &parts.entries[at];
        let bytes = slice(&self.0, &entry.range()).unwrap().to_vec();
        std::future::ready(Ok(OwnedBytes::new(bytes))).boxed()
    }
}

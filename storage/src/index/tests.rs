use super::reader::IndexReader;
use super::*;
use crate::model::Table;
use crate::test_rows::{LogRow, logs};

fn token(word: &str) -> Lookup {
    Lookup::Token(word.to_owned())
}

fn reader() -> IndexReader {
    let rows: Vec<LogRow> = (0..5000)
        .map(|row| LogRow {
            body: match row {
                1500 => "needle 0192ab34cd in the haystack".to_owned(),
                3000 => "Connection REFUSED".to_owned(),
                _ => format!("ordinary line number{row}"),
            },
            trace_id: (row == 4999).then_some([7; 16]),
            attributes: vec![("host".to_owned(), format!("h{}", row / 2048))],
            ..LogRow::at(row)
        })
        .collect();
    let batch = logs(&rows);
    let mut builder = IndexBuilder::new(Table::Logs).unwrap();
    builder.add(&batch.slice(0, 700)).unwrap();
    builder.add(&batch.slice(700, 4300)).unwrap();
    IndexReader::open(&builder.finish().unwrap(), 5000).unwrap()
}

fn blocks(reader: &IndexReader, lookup: &Lookup) -> Option<Vec<u32>> {
    reader
        .candidates(lookup)
        .unwrap()
        .map(|found| found.to_vec())
}

#[test]
fn words_ids_attributes_and_traces_point_at_their_blocks() {
    let reader = reader();
    assert_eq!(blocks(&reader, &token("needle")), Some(vec![1]));
    assert!(blocks(&reader, &token("0192ab34cd")).unwrap().contains(&1));
    assert_eq!(blocks(&reader, &token("refused")), Some(vec![2]));
    assert_eq!(
        blocks(&reader, &token("ordinary")),
        Some(vec![0, 1, 2, 3, 4])
    );
    assert_eq!(blocks(&reader, &token("absent")), Some(vec![]));
    let host = Lookup::Attribute {
        key: "host".into(),
        value: "h1".into(),
    };
    assert_eq!(blocks(&reader, &host), Some(vec![2, 3]));
    assert_eq!(
        blocks(&reader, &Lookup::Trace(TraceId([7; 16]))),
        Some(vec![4])
    );
}

#[test]
fn and_or_and_what_cannot_be_narrowed() {
    let reader = reader();
    let both = Lookup::And(vec![token("needle"), Lookup::All]);
    assert_eq!(blocks(&reader, &both), Some(vec![1]));
    let neither = Lookup::And(vec![token("needle"), token("refused")]);
    assert_eq!(blocks(&reader, &neither), Some(vec![]));
    let either = Lookup::Or(vec![token("needle"), token("refused")]);
    assert_eq!(blocks(&reader, &either), Some(vec![1, 2]));
    assert_eq!(
        blocks(&reader, &Lookup::Or(vec![token("needle"), Lookup::All])),
        None
    );
    assert_eq!(blocks(&reader, &Lookup::Or(vec![])), Some(vec![]));
    assert_eq!(blocks(&reader, &Lookup::And(vec![])), None);
}

#[test]
fn a_broken_or_foreign_index_is_refused() {
    let mut builder = IndexBuilder::new(Table::Logs).unwrap();
    builder.add(&logs(&[LogRow::at(0)])).unwrap();
    let good = builder.finish().unwrap();
    assert!(IndexReader::open(&good, 1).is_ok());
    assert!(IndexReader::open(&good, 2).is_err());
    assert!(IndexReader::open(&good[..good.len() - 1], 1).is_err());
    let mut flipped = good;
    flipped[40] ^= 1;
    assert!(IndexReader::open(&flipped, 1).is_err());
    assert!(IndexReader::open(&[], 1).is_err());
}

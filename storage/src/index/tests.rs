//! Facts about lookups; `tests/differential.rs` holds them against a scan, `tests/damage.rs` breaks
//! files, `tests/cached.rs` counts reads.

use super::measured::Opened;
use super::*;
use crate::error::Result;
use crate::model::{FileId, Table};
use crate::statistics::FieldCounter;
use crate::test_rows::{LogRow, logs};

mod cached;
mod damage;
mod differential;

fn open(bytes: &[u8], file: FileId, rows: u64) -> Result<Opened> {
    Opened::open(bytes.to_vec(), file, rows)
}

fn answer(bytes: &[u8], file: FileId, rows: u64, lookup: &Lookup) -> Result<RowAnswer> {
    open(bytes, file, rows)?.ask(lookup)
}

fn build(rows: &[LogRow], file: FileId) -> Vec<u8> {
    let batch = logs(rows);
    let mut builder = IndexBuilder::new(Table::Logs).unwrap();
    let half = rows.len() / 2;
    builder.add(&batch.slice(0, half)).unwrap();
    // As a file's writer does, which has found the runs of its maps before.
    let rest = batch.slice(half, rows.len() - half);
    let runs = FieldCounter::new(Table::Logs).add(&rest);
    builder.add_counted(&rest, &runs).unwrap();
    builder.finish(file).unwrap()
}

fn words(text: &str) -> Lookup {
    let words = crate::text::tokens(text).map(|token| Word::Exact(token.into_owned()));
    Lookup::Words(words.collect())
}

fn list(rows: &RowSet) -> Vec<usize> {
    rows.ranges().flatten().collect()
}

fn blocks(rows: &RowSet) -> Vec<usize> {
    let mut blocks: Vec<usize> = rows.ranges().flatten().map(|row| row / 1024).collect();
    blocks.dedup();
    blocks
}

struct Index {
    bytes: Vec<u8>,
    file: FileId,
}

impl Index {
    fn ask(&self, lookup: &Lookup) -> RowAnswer {
        answer(&self.bytes, self.file, 5000, lookup).unwrap()
    }

    /// Rows of an answer that must be exact.
    fn exact(&self, lookup: &Lookup) -> Vec<usize> {
        let answer = self.ask(lookup);
        assert_eq!(answer.sure, answer.maybe, "{lookup:?}");
        list(&answer.sure)
    }
}

fn index() -> Index {
    let rows: Vec<LogRow> = (0..5000)
        .map(|row| LogRow {
            body: match row {
                1500 => "needle 0192ab34cd in the haystack".to_owned(),
                3000 => "Connection REFUSED".to_owned(),
                row if row % 10 == 0 => format!(
                    "user {} logged in after {} ms",
                    NAMES[usize::try_from(row / 10 % 4).unwrap()],
                    row % 7
                ),
                _ => format!("ordinary line number{row}"),
            },
            trace_id: (row == 4999).then_some([7; 16]),
            attributes: vec![("host".to_owned(), format!("h{}", row / 2048))],
            ..LogRow::at(row)
        })
        .collect();
    let file = FileId::generate();
    Index {
        bytes: build(&rows, file),
        file,
    }
}

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

#[test]
fn words_are_exact_and_ids_attributes_and_traces_point_at_their_blocks() {
    let index = index();
    assert_eq!(index.exact(&words("needle")), [1500]);
    assert_eq!(index.exact(&words("refused")), [3000]);
    assert_eq!(index.exact(&words("ordinary")).len(), 4500);
    assert_eq!(index.exact(&words("alice")).len(), 124);
    assert!(index.exact(&words("absent")).is_empty());
    let six: Vec<usize> = (0..5000)
        .filter(|row| row % 10 == 0 && row % 7 == 6 && *row != 1500 && *row != 3000)
        .collect();
    assert_eq!(index.exact(&words("6")), six);
    let id = index.ask(&words("0192ab34cd"));
    assert!(id.sure.is_empty());
    assert!(blocks(&id.maybe).contains(&1));
    let host = Lookup::Attribute {
        key: "host".into(),
        value: "h1".into(),
    };
    assert_eq!(blocks(&index.ask(&host).maybe), [2, 3]);
    let trace = index.ask(&Lookup::Trace(TraceId([7; 16])));
    assert!(blocks(&trace.maybe).contains(&4));
    // Of many at once what each alone gives.
    let ids = |range: std::ops::Range<u8>| range.map(|byte| TraceId([byte; 16]));
    let one_by_one = Lookup::Or(ids(0..200).map(Lookup::Trace).collect());
    let together = Lookup::Traces(Arc::new(ids(0..200).collect()));
    assert_eq!(index.ask(&together).maybe, index.ask(&one_by_one).maybe);
    assert!(blocks(&index.ask(&together).maybe).contains(&4));
    let others = Lookup::Traces(Arc::new(ids(8..12).collect()));
    assert!(index.ask(&others).maybe.is_empty());
    assert!(index.ask(&Lookup::Traces(Arc::default())).maybe.is_empty());
}

#[test]
fn phrases_of_constant_words_are_decided_and_others_narrowed() {
    let index = index();
    assert_eq!(index.exact(&words("in after")).len(), 498);
    assert!(index.exact(&words("after in")).is_empty());
    // A line that no other is like has no pattern.
    let refused = index.ask(&words("connection refused"));
    assert_eq!(list(&refused.maybe), [3000]);
    assert!(index.exact(&words("refused connection absent")).is_empty());
    assert_eq!(index.exact(&words("user bob logged")).len(), 125);
    // The only variable token decides as well.
    let six = index.exact(&words("carol logged in after 6 ms"));
    assert!(six.iter().all(|row| row % 7 == 6 && row % 40 == 20));
    assert_eq!(six.len(), 18);
}

#[test]
fn prefixes_and_stars_stand_for_words_and_for_ids() {
    let index = index();
    let start = |start: &str| Lookup::Words(vec![Word::Prefix(start.to_owned())]);
    assert_eq!(index.exact(&start("refu")), [3000]);
    assert_eq!(index.exact(&start("ordi")).len(), 4500);
    // `number17` is an id: the blocks that have one may match.
    let number = index.ask(&start("numb"));
    assert!(number.sure.is_empty() && number.maybe.len() == 5000);
    assert!(index.ask(&start("number1")).maybe.len() == 5000);
    assert!(index.ask(&start("numx")).maybe.is_empty());
    let parts = |parts: &[&str]| {
        Lookup::Words(vec![Word::Parts(
            parts.iter().map(|part| (*part).to_owned()).collect(),
        )])
    };
    assert_eq!(index.exact(&parts(&["re", "us", "d"])), [3000]);
    assert!(list(&index.ask(&parts(&["", "stack"])).sure).contains(&1500));
    let near = |word: &str, distance| {
        Lookup::Words(vec![Word::Near {
            word: word.to_owned(),
            distance,
        }])
    };
    assert_eq!(list(&index.ask(&near("neadle", 1)).sure), [1500]);
    let regex = Lookup::Words(vec![Word::Regex("hay.*k|refuse[dr]".to_owned())]);
    assert_eq!(list(&index.ask(&regex).sure), [1500, 3000]);
}

#[test]
fn and_or_not_keep_both_bounds() {
    let index = index();
    assert_eq!(
        index.exact(&Lookup::Or(vec![words("needle"), words("refused")])),
        [1500, 3000]
    );
    let both = Lookup::And(vec![words("needle"), Lookup::All]);
    let both = index.ask(&both);
    assert!(both.sure.is_empty());
    assert_eq!(list(&both.maybe), [1500]);
    let not = Lookup::Not(Box::new(words("ordinary")));
    assert_eq!(index.exact(&not).len(), 500);
    assert_eq!(index.exact(&Lookup::Or(vec![])).len(), 0);
    assert_eq!(index.exact(&Lookup::And(vec![])).len(), 5000);
    let unknown = Lookup::Not(Box::new(Lookup::Trace(TraceId([7; 16]))));
    assert_eq!(index.ask(&unknown).maybe.len(), 5000);
}

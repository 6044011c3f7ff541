//! What an index of log bodies costs and gives: none, tantivy by block, tantivy by row, and ours.
//!
//! ```text
//! cargo bench -p spoor-storage --bench index -- [rows] [file with one body a line]
//! ```
//! Times are of one thread; of lookups the best of three, in memory. A file with `time` and `body`
//! stands for the Parquet file: 131,072 rows a group, 20,000 a page, zstd 1.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a measuring program: its output is its purpose, and a failure ends it"
)]

use std::time::Instant;

use arrow::record_batch::RecordBatch;
use spoor_storage::index::Lookup;

#[path = "index/candidates.rs"]
mod candidates;
#[path = "index/generated.rs"]
mod generated;
#[path = "index/stored.rs"]
mod stored;

use candidates::{Candidate, Rows};
use stored::Stored;

/// Something to look for: a name, its tokens, whether the last one is only a start, and the lookup.
struct Question {
    name: &'static str,
    tokens: Vec<String>,
    prefix: bool,
}

impl Question {
    fn new(name: &'static str, text: &str) -> Self {
        let prefix = text.ends_with('*');
        let tokens = spoor_storage::text::tokens(text).map(std::borrow::Cow::into_owned);
        Self {
            name,
            tokens: tokens.collect(),
            prefix,
        }
    }

    fn lookup(&self) -> Lookup {
        candidates::lookup(&self.tokens, self.prefix)
    }
}

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let rows: usize = arguments
        .next()
        .map_or(1_000_000, |rows| rows.parse().unwrap());
    if let Some(path) = arguments.next() {
        let lines = std::fs::read_to_string(path).unwrap();
        let lines: Vec<String> = lines.lines().take(rows).map(str::to_owned).collect();
        measure("real logs", &lines, &real_questions());
    } else {
        measure(
            "generated logs",
            &generated::bodies(rows),
            &generated_questions(),
        );
    }
}

fn generated_questions() -> Vec<Question> {
    vec![
        Question::new("needle, an id in 10 rows", generated::NEEDLE_ID),
        Question::new("rare word, 10 rows", "quetzalcoatl"),
        Question::new("0.1 % word", "quorumloss"),
        Question::new("10 % word", "degraded"),
        Question::new("word of one format", "accountmapper"),
        Question::new("phrase in a format", "connection reset by peer"),
        Question::new("phrase with a number", "attempt 7"),
        Question::new("prefix conn*", "conn*"),
    ]
}

fn real_questions() -> Vec<Question> {
    vec![
        Question::new("common word", "info"),
        Question::new("less common word", "error"),
        Question::new("phrase", "order controller"),
        Question::new("prefix", "stat*"),
    ]
}

fn measure(name: &str, bodies: &[String], questions: &[Question]) {
    let text: usize = bodies.iter().map(String::len).sum();
    println!(
        "## {name}: {} rows, {:.1} B of text a row",
        bodies.len(),
        text as f64 / bodies.len() as f64
    );
    let batches = stored::batches(bodies);
    let stored = Stored::write(bodies);
    for candidate in candidates::all() {
        build_and_ask(candidate, &batches, &stored, questions);
    }
}

fn build_and_ask(
    candidate: &dyn Candidate,
    batches: &[RecordBatch],
    stored: &Stored,
    questions: &[Question],
) {
    let started = Instant::now();
    let bytes = candidate.build(batches);
    let built = started.elapsed();
    let rows = stored.rows as f64;
    let opened = best(|| candidate.open(&bytes));
    println!(
        "{} | build {:.2} us/row | {:.1} B/row | open {:.2} ms",
        candidate.name(),
        built.as_secs_f64() * 1e6 / rows,
        bytes.len() as f64 / rows,
        opened.1,
    );
    let index = opened.0;
    for (part, bytes) in index.bytes_by_kind() {
        println!("  {part}: {:.2} B/row", bytes as f64 / rows);
    }
    for question in questions {
        let (found, find_ms) = best(|| {
            let Rows { sure, maybe } = index.ask(question);
            let tested = stored.test(&maybe, question);
            (sure | tested, maybe.len())
        });
        let (found, tested) = found;
        let (minutes, histogram_ms) = best(|| stored.histogram(&found));
        let (_, newest_ms) = best(|| stored.newest(&found, 100));
        assert_eq!(minutes.values().sum::<u64>(), found.len());
        println!(
            "  {} | {} rows | count {find_ms:.1} ms, of {tested} rows by text | histogram +{histogram_ms:.1} ms | newest 100 +{newest_ms:.1} ms",
            question.name,
            found.len(),
        );
    }
}

/// The last result and the least milliseconds of three runs.
fn best<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    let mut least = f64::MAX;
    let mut result = None;
    for _ in 0..3 {
        let started = Instant::now();
        result = Some(run());
        least = least.min(started.elapsed().as_secs_f64() * 1e3);
    }
    (result.unwrap(), least)
}

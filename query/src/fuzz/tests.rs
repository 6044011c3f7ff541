//! The documented queries, changed at random from a seed, and random text made of their words, through
//! every entry point. `SPOOR_SOAK=100` does it a hundred times as often.

use super::*;
use crate::testing::documented;

fn soak() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let soak = std::env::var("SPOOR_SOAK");
    soak.map_or(1, |times| times.parse().unwrap())
}

/// Numbers from a seed: a linear congruence is random enough here.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }

    /// Bytes that parsers care for.
    fn byte(&mut self) -> u8 {
        const TELLING: &[u8] = b" \"\\()[]{}:=!<>~*?|&-.,;'`#0aT\n\x00\xff\xc3";
        TELLING[self.below(TELLING.len())]
    }

    /// Changes some bytes; also such that they are no text any more.
    fn change(&mut self, good: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(4) {
            let at = self
                .below(bytes.len() + 1)
                .min(bytes.len().saturating_sub(1));
            let end = (at + 1 + self.below(12)).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 if !bytes.is_empty() => bytes[at] = self.byte(),
                2 => bytes.insert(at, self.byte()),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let copy = bytes[at..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, copy);
                }
                // A stretch of another query.
                5 => {
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len());
                    let until = (from + self.below(20)).min(other.len());
                    bytes.splice(at..at, other[from..until].iter().copied());
                }
                // Over and over.
                6 => {
                    let copy = bytes[at..end].repeat(1 + self.below(80));
                    bytes.splice(at..at, copy);
                }
                _ if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                _ => {}
            }
        }
        bytes
    }

    /// Words and signs of good queries in any order.
    fn mixture(&mut self, others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(30) {
            let other = String::from_utf8_lossy(&others[self.below(others.len())]).into_owned();
            let words: Vec<&str> = other
                .split_inclusive(|c: char| !c.is_alphanumeric())
                .collect();
            bytes.extend_from_slice(words[self.below(words.len())].as_bytes());
        }
        bytes
    }
}

/// What is wanted of good queries is that they are read; of the others that nothing breaks.
fn survives(good: &[String], rounds: usize, read: fn(&[u8]) -> usize) {
    assert!(good.len() > 10, "{}", good.len());
    for query in good {
        assert!(read(query.as_bytes()) > 0, "{query}");
    }
    let good: Vec<Vec<u8>> = good
        .iter()
        .map(|query| query.clone().into_bytes())
        .collect();
    let mut random = Random(23);
    let (mut read_on, mut refused) = (0, 0);
    for round in 0..rounds * soak() {
        let bytes = if round % 4 == 0 {
            random.mixture(&good)
        } else {
            let one = random.below(good.len());
            random.change(&good[one], &good)
        };
        match read(&bytes) {
            0 => refused += 1,
            _ => read_on += 1,
        }
    }
    assert!(
        refused > rounds / 50 && read_on > rounds / 50,
        "{refused} {read_on}"
    );
}

/// Queries of a document, without what they find.
fn examples(language: &str) -> Vec<String> {
    let of_line = |line: &String| {
        let query = line
            .split_once(" → ")
            .map_or(line.as_str(), |(query, _)| query);
        (!line.contains(" ✗ ")).then(|| query.trim().to_owned())
    };
    let queries = documented(language);
    queries
        .iter()
        .filter_map(of_line)
        .filter(|query| !query.is_empty())
        .collect()
}

/// Queries of scenario files.
fn scenarios(files: &[&str], is_good: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let queries = text.lines().filter_map(|line| line.strip_prefix("? "));
        found.extend(queries.filter(|query| is_good(query)).map(str::to_owned));
    }
    found
}

#[test]
fn changed_searches_are_read_or_refused() {
    let asked = scenarios(&["api/tests/scenarios/searches.txt"], |_| true);
    let asked = asked.iter().filter_map(|question| {
        let (_, query) = question.split_once(' ')?;
        (search(query.as_bytes()) > 0).then(|| query.to_owned())
    });
    let mut good = examples("query-language");
    good.extend(asked);
    survives(&good, 6_000, search);
}

#[test]
fn changed_traceql_is_read_or_refused() {
    let mut good = examples("traceql");
    good.extend(scenarios(
        &[
            "traceql/tests/shop.txt",
            "traceql/tests/trees.txt",
            "traceql/tests/metrics.txt",
        ],
        |_| true,
    ));
    survives(&good, 20_000, traceql);
}

#[test]
fn changed_logql_is_read_or_refused() {
    let files = ["logql/tests/lines.txt", "logql/tests/numbers.txt"];
    let mut good = examples("logql");
    good.extend(scenarios(&files, |query| logql::parse(query).is_ok()));
    survives(&good, 20_000, logql);
}

/// As the threads of the server have: the parser of SQL takes more than those of tests have.
const STACK_BYTES: usize = 16 << 20;

#[test]
fn changed_sql_is_rewritten_or_refused() {
    let test = || {
        let state = CONTEXT.state();
        let is_good = |query: &str| sql::attributes_of(&state, query).is_ok();
        let good = scenarios(&["api/tests/scenarios/sql.txt"], is_good);
        survives(&good, 8_000, sql);
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(test).unwrap().join().unwrap();
}

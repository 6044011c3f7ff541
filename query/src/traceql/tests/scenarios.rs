//! Spans, queries and answers as text files. With `SPOOR_BLESS` in the environment the answers
//! are written anew; read what changed before it is committed.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::sample::{Span, append, find};
use crate::testing::{House, SECOND, T0};
use crate::traceql::parse;

/// The part before the first query is spans, one a line; then come queries with their answers.
struct Scenario {
    path: PathBuf,
    /// Comments included.
    head: String,
    spans: Vec<Span>,
    questions: Vec<Question>,
}

struct Question {
    /// Comments before it.
    notes: String,
    query: String,
    expected: String,
}

impl Scenario {
    fn read(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src/traceql/tests")
            .join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut scenario = Self {
            path,
            head: String::new(),
            spans: Vec::new(),
            questions: Vec::new(),
        };
        let mut notes = String::new();
        for line in text.lines() {
            if let Some(query) = line.strip_prefix("? ") {
                scenario.questions.push(Question {
                    notes: std::mem::take(&mut notes),
                    query: query.to_owned(),
                    expected: String::new(),
                });
            } else if line.starts_with('#') && !scenario.questions.is_empty() {
                writeln!(notes, "{line}").unwrap();
            } else if let Some(question) = scenario.questions.last_mut() {
                if !line.is_empty() {
                    writeln!(question.expected, "{line}").unwrap();
                }
            } else {
                if line.starts_with('{') {
                    scenario.spans.push(serde_json::from_str(line).unwrap());
                }
                writeln!(scenario.head, "{line}").unwrap();
            }
        }
        scenario
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.head.trim_end());
        for question in &self.questions {
            let Question {
                notes,
                query,
                expected,
            } = question;
            write!(text, "\n{notes}? {query}\n{expected}").unwrap();
        }
        text
    }
}

async fn answer(house: &House, query: &str) -> String {
    if parse(query).unwrap().metrics.is_some() {
        return series(house, query).await;
    }
    let mut text = String::new();
    for (trace, sets) in find(house, query, &[]).await {
        writeln!(text, "trace {trace}: {}", sets.join(", ")).unwrap();
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    text
}

/// The series over the first four seconds, one a line, with a sample a second.
async fn series(house: &House, query: &str) -> String {
    let (start, end) = (T0.to_string(), (T0 + 4 * SECOND).to_string());
    let parameters = [
        ("q", query),
        ("start", &start),
        ("end", &end),
        ("step", "1s"),
    ];
    let answer = house
        .get("/tempo/api/metrics/query_range", &parameters)
        .await;
    assert_eq!(answer["complete"], true, "{query}: {answer}");
    let mut text = String::new();
    for series in answer["series"].as_array().unwrap() {
        write!(text, "{}", series["promLabels"].as_str().unwrap()).unwrap();
        for sample in series["samples"].as_array().unwrap() {
            let time: i64 = sample["timestampMs"].as_str().unwrap().parse().unwrap();
            write!(
                text,
                " {}s:{}",
                (time - T0 / 1_000_000) / 1_000,
                sample["value"]
            )
            .unwrap();
        }
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "this switches what a test does and is no setting"
)]
fn blessing() -> bool {
    std::env::var_os("SPOOR_BLESS").is_some()
}

async fn check(name: &str) {
    let mut scenario = Scenario::read(name);
    let house = House::new().await;
    // In files and in the buffer, and the spans of a trace in both.
    for (at, span) in scenario.spans.iter().enumerate() {
        append(&house, std::slice::from_ref(span)).await;
        if at % 3 == 1 {
            house.storage.flush().await.unwrap();
        }
    }
    let mut wrong = Vec::new();
    for question in &mut scenario.questions {
        let found = answer(&house, &question.query).await;
        if found != question.expected {
            wrong.push(format!(
                "? {}\nexpected:\n{}found:\n{found}",
                question.query, question.expected
            ));
            question.expected = found;
        }
    }
    if blessing() {
        std::fs::write(&scenario.path, scenario.text()).unwrap();
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // What is blessed must be what is read.
        assert_eq!(
            scenario.text(),
            std::fs::read_to_string(&scenario.path).unwrap()
        );
    }
}

#[tokio::test]
async fn a_shop_with_known_traces() {
    check("shop.txt").await;
}

#[tokio::test]
async fn series_of_known_spans() {
    check("metrics.txt").await;
}

#[tokio::test]
async fn trees_with_known_relations() {
    check("trees.txt").await;
}

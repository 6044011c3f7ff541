//! Records, queries and answers as text files. With `SPOOR_BLESS` in the environment the answers
//! are written anew; read what changed before it is committed.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::sample::{Record, append, ask};
use crate::testing::House;

/// Before the first query come records, one a line; then queries with their answers.
struct Scenario {
    path: PathBuf,
    head: String,
    records: Vec<Record>,
    /// Comments, query, answer.
    questions: Vec<(String, String, String)>,
}

impl Scenario {
    fn read(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src/logql/tests")
            .join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut scenario = Self {
            path,
            head: String::new(),
            records: Vec::new(),
            questions: Vec::new(),
        };
        let mut notes = String::new();
        for line in text.lines() {
            if let Some(query) = line.strip_prefix("? ") {
                let notes = std::mem::take(&mut notes);
                scenario
                    .questions
                    .push((notes, query.to_owned(), String::new()));
            } else if line.starts_with('#') && !scenario.questions.is_empty() {
                writeln!(notes, "{line}").unwrap();
            } else if let Some((.., expected)) = scenario.questions.last_mut() {
                if !line.is_empty() {
                    writeln!(expected, "{line}").unwrap();
                }
            } else {
                if line.starts_with('{') {
                    let record = serde_json::from_str(line);
                    scenario
                        .records
                        .push(record.unwrap_or_else(|error| panic!("{line}: {error}")));
                }
                writeln!(scenario.head, "{line}").unwrap();
            }
        }
        scenario
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.head.trim_end());
        for (notes, query, expected) in &self.questions {
            write!(text, "\n{notes}? {query}\n{expected}").unwrap();
        }
        text
    }
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
    // In files and in the buffer.
    for (at, record) in scenario.records.iter().enumerate() {
        append(&house, std::slice::from_ref(record)).await;
        if at % 3 == 1 {
            house.storage.flush().await.unwrap();
        }
    }
    let mut wrong = Vec::new();
    for (_, query, expected) in &mut scenario.questions {
        let found = ask(&house, query).await;
        if found != *expected {
            wrong.push(format!("? {query}\nexpected:\n{expected}found:\n{found}"));
            *expected = found;
        }
    }
    if blessing() {
        std::fs::write(&scenario.path, scenario.text()).unwrap();
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(
            scenario.text(),
            std::fs::read_to_string(&scenario.path).unwrap()
        );
    }
}

#[tokio::test]
async fn lines_that_pipelines_leave() {
    check("lines.txt").await;
}

#[tokio::test]
async fn numbers_of_known_lines() {
    check("numbers.txt").await;
}

//! Records, questions and answers as text files.
//!
//! ```text
//! # Comments.
//! {"at":100,"line":"a record"}          records, one a line, before the first question
//!
//! # Comments on the question.
//! ? a question
//! its answer, up to an empty line
//! ```
//! With `SPOOR_BLESS` in the environment the answers are written anew; read what changed before it is
//! committed.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::{House, delete_indexes};

/// A file of questions.
pub(crate) struct Scenario {
    path: PathBuf,
    /// What comes before the first question.
    head: String,
    questions: Vec<Question>,
    /// Answers that are not as they are written.
    wrong: Vec<String>,
    /// Answers have been written anew: from now on they are what is expected.
    blessed: bool,
}

struct Question {
    /// Comments before it.
    notes: String,
    text: String,
    expected: String,
}

impl Scenario {
    /// Reads a file; its path is relative to the crate's sources.
    pub(crate) fn read(path: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut scenario = Self {
            path,
            head: String::new(),
            questions: Vec::new(),
            wrong: Vec::new(),
            blessed: false,
        };
        let mut notes = String::new();
        for line in text.lines() {
            if let Some(question) = line.strip_prefix("? ") {
                scenario.questions.push(Question {
                    notes: std::mem::take(&mut notes),
                    text: question.to_owned(),
                    expected: String::new(),
                });
            } else if line.starts_with('#') && !scenario.questions.is_empty() {
                writeln!(notes, "{line}").unwrap();
            } else if let Some(question) = scenario.questions.last_mut() {
                if !line.is_empty() {
                    writeln!(question.expected, "{line}").unwrap();
                }
            } else {
                writeln!(scenario.head, "{line}").unwrap();
            }
        }
        scenario
    }

    /// The records before the questions, as far as `is_one` says that a line is one of this kind.
    pub(crate) fn records<T: DeserializeOwned>(&self, is_one: impl Fn(&str) -> bool) -> Vec<T> {
        let lines = self
            .head
            .lines()
            .filter(|line| line.starts_with('{') && is_one(line));
        lines
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
            })
            .collect()
    }

    /// How many questions there are.
    pub(crate) fn len(&self) -> usize {
        self.questions.len()
    }

    /// Asks all questions; `when` says of a wrong answer where the records were. Answers end with a
    /// line break.
    pub(crate) async fn ask(&mut self, when: &str, answer: impl AsyncFn(&str) -> String) {
        let writes = blessing() && !self.blessed;
        for question in &mut self.questions {
            let found = answer(&question.text).await;
            if found == question.expected {
                continue;
            }
            if writes {
                question.expected = found;
            } else {
                self.wrong.push(format!(
                    "{when}: ? {}\nexpected:\n{}found:\n{found}",
                    question.text, question.expected
                ));
            }
        }
        self.blessed = true;
    }

    /// Asks them of records that are where the house has them now, then in files, then in files
    /// without indexes.
    pub(crate) async fn ask_everywhere(
        &mut self,
        house: House,
        when: &str,
        answer: impl AsyncFn(&House, &str) -> String,
    ) {
        self.ask(when, async |question| answer(&house, question).await)
            .await;
        house.storage.flush().await.unwrap();
        self.ask("in files", async |question| answer(&house, question).await)
            .await;
        house.storage.close().await.unwrap();
        assert!(delete_indexes(house.folder.path()) > 0);
        let house = house.reopened().await;
        self.ask("without indexes", async |question| {
            answer(&house, question).await
        })
        .await;
    }

    /// Says what was wrong, or writes the file.
    pub(crate) fn finish(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        let text = self.text();
        if blessing() {
            std::fs::write(&self.path, text).unwrap();
        } else {
            // What is blessed must be what is read.
            assert_eq!(text, std::fs::read_to_string(&self.path).unwrap());
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.head.trim_end());
        for question in &self.questions {
            let Question {
                notes,
                text: question,
                expected,
            } = question;
            write!(text, "\n{notes}? {question}\n{expected}").unwrap();
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

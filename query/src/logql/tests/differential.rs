//! Random queries on random records: the slow evaluator, the buffer, files, and files without an
//! index give the same lines and the same numbers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::naive::{self, Set};
use super::sample::{Record, append};
use crate::logql::ast::Expr;
use crate::logql::parse;
use crate::testing::{Dice, House, T0, delete_indexes};

impl Dice {
    fn attributes(&mut self, keys: &[&str]) -> Map<String, Value> {
        let mut attributes = Map::new();
        for key in keys {
            let value = match self.below(8) {
                0 => json!("x"),
                1 => json!("y"),
                2 => json!(1),
                3 => json!(2),
                4 => json!(true),
                _ => continue,
            };
            attributes.insert((*key).to_owned(), value);
        }
        attributes
    }

    /// Times differ, so that first and last are clear; some are in later hours.
    fn record(&mut self, number: i64) -> Record {
        let words = [
            "error",
            "errors",
            "connection",
            "refused",
            "xerror",
            "GET",
            "ok",
        ];
        let line = match self.below(4) {
            0 => json!({"n": self.below(5), "k": self.one_of(&words), "level": "x"}).to_string(),
            1 => format!("n={} k={} u=x", self.below(5), self.one_of(&words)),
            _ => format!(
                "{} {}-{}",
                self.one_of(&words),
                self.one_of(&words),
                self.one_of(&words)
            ),
        };
        let hour = i64::try_from(self.below(3)).unwrap();
        Record {
            at: hour * 3_600_000 + number * 100 + 1,
            service: self.one_of(&["a", "b", "c"]).to_owned(),
            level: [0, 9, 13, 17][self.below(4)],
            line: Some(line),
            attributes: self.attributes(&["k", "u", "long.key", "level"]),
            resource: self.attributes(&["k8s.pod.name", "u", "host"]),
            ..Record::default()
        }
    }

    fn matcher(&mut self) -> String {
        let op = self.one_of(&["=", "=", "!=", "=~", "!~"]);
        let (name, value) = match self.below(6) {
            0 | 1 => ("service_name", self.one_of(&["a", "b", "a|b", ".*"])),
            2 => ("level", self.one_of(&["error", "info", "", "info|warn"])),
            3 => (
                "k8s_pod_name",
                self.one_of(&["x", "1", "true", "x|y", "", ".+"]),
            ),
            4 => (
                self.one_of(&["u", "k", "long_key"]),
                self.one_of(&["x", "2", "true", "1|x"]),
            ),
            _ => (
                self.one_of(&["detected_level", "level_extracted"]),
                "unknown|x",
            ),
        };
        format!("{name}{op}\"{value}\"")
    }

    fn line_filter(&mut self) -> String {
        let text = self.one_of(&[
            "error",
            " error",
            "error ",
            "rror",
            "refused-",
            "tion ref",
            "ERROR",
            "-",
            "n=",
            "\\\"k\\\"",
        ]);
        match self.below(6) {
            0 => format!(
                "|~ \"{}\"",
                self.one_of(&["(?i)get", "err|ok", "^n=\\\\d", "x?error\\\\b"])
            ),
            1 => format!("!~ \"{}\"", self.one_of(&["get", "err|ok"])),
            2 => format!(
                "{} \"{}\"",
                self.one_of(&["|>", "!>"]),
                self.one_of(&["<_>error<_>", "ok <_>", "<_>k=<_>x"])
            ),
            3 => format!("|= \"{text}\" or \"{}\"", self.one_of(&["ok", "GET"])),
            4 => format!("!= \"{text}\""),
            _ => format!("|= \"{text}\""),
        }
    }

    fn stage(&mut self) -> String {
        match self.below(8) {
            0 => "| json".to_owned(),
            1 => "| logfmt".to_owned(),
            2 => format!("| {}", self.matcher()),
            3 => format!("| {} or {}", self.matcher(), self.matcher()),
            4 => format!("| n {} {}", self.one_of(&[">", "<=", "=="]), self.below(5)),
            5 => format!(
                "| drop {}",
                self.one_of(&["k", "u, host", "level=\"info\"", "__error__"])
            ),
            6 => format!(
                "| label_format {}",
                self.one_of(&["z=k", "k=u", "level=host"])
            ),
            _ => self.line_filter(),
        }
    }

    fn logs(&mut self) -> String {
        let mut matchers = Vec::new();
        for _ in 0..self.below(3) {
            matchers.push(self.matcher());
        }
        let mut query = format!("{{{}}}", matchers.join(", "));
        for _ in 0..self.below(4) {
            query += " ";
            query += &match self.below(2) {
                0 => self.line_filter(),
                _ => self.stage(),
            };
        }
        query
    }

    fn range(&mut self) -> String {
        let query = self.logs();
        let window = self.one_of(&["[20m]", "[1h]", "[90m] offset 30m"]);
        if self.below(2) == 0 {
            let function =
                self.one_of(&["rate", "count_over_time", "bytes_over_time", "bytes_rate"]);
            return format!("{function}({query} | drop __error__ {window})");
        }
        let function = self.one_of(&["avg", "min", "max", "first", "last", "sum"]);
        let by = match function {
            "sum" => "",
            _ => self.one_of(&["", " by (level)", " without (u, host)"]),
        };
        format!("{function}_over_time({query} | logfmt | drop __error__ | unwrap n {window}){by}")
    }

    fn metric(&mut self) -> String {
        let by = self.one_of(&["by (level)", "by (service_name, u)", "without (k, u)", ""]);
        let function = self.one_of(&["sum", "sum", "sum", "avg", "max", "min", "count"]);
        let range = self.range();
        match self.below(5) {
            0 => range,
            1 => format!("{function} {by} ({range}) * 2"),
            2 => format!("{function} {by} ({range}) > 1"),
            3 => format!(
                "sum by (level) ({range}) / sum by (level) ({})",
                self.range()
            ),
            _ => format!("{function} {by} ({range})"),
        }
    }
}

/// Order of time, of records, labels, line.
type Lines = Vec<(i64, Set, String)>;

fn expected_lines(records: &[Record], query: &str, backward: bool) -> Lines {
    let Ok(Expr::Logs(parsed)) = parse(query) else {
        panic!("{query}");
    };
    let mut found: Lines = naive::lines(records, &parsed)
        .into_iter()
        .map(|line| (line.at, line.labels, line.text))
        .collect();
    found.sort();
    if backward {
        found.reverse();
    }
    found
}

fn set(object: &Value) -> Set {
    let labels = object.as_object().unwrap().iter();
    labels
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        // Told by Spoor, not by the slow evaluator.
        .filter(|(name, _)| name != "__error_details__")
        .collect()
}

async fn found_lines(house: &House, query: &str, backward: bool, limit: usize) -> Lines {
    let limit = limit.to_string();
    let direction = if backward { "backward" } else { "forward" };
    let parameters = [
        ("query", query),
        ("limit", &limit),
        ("direction", direction),
    ];
    let answer = house.get("/loki/api/v1/query_range", &parameters).await;
    assert!(answer.get("warnings").is_none(), "{query}: {answer}");
    let mut found: Lines = Vec::new();
    for stream in answer["data"]["result"].as_array().unwrap() {
        for value in stream["values"].as_array().unwrap() {
            let time: i64 = value[0].as_str().unwrap().parse().unwrap();
            let line = value[1].as_str().unwrap().to_owned();
            found.push(((time - T0) / 1_000_000, set(&stream["stream"]), line));
        }
    }
    found.sort();
    if backward {
        found.reverse();
    }
    found
}

const MINUTE: i64 = 60_000;

/// Samples by labels and minutes.
type Samples = BTreeMap<(Set, i64), f64>;

fn expected_samples(records: &[Record], query: &str) -> Samples {
    let parsed = parse(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let mut samples = Samples::new();
    for step in 0..=12 {
        let at = step * 20;
        for (labels, sample) in naive::series(records, &parsed, at * MINUTE) {
            samples.insert((labels, at), sample);
        }
    }
    samples
}

async fn found_samples(house: &House, query: &str) -> Samples {
    let (start, end) = (T0.to_string(), (T0 + 240 * MINUTE * 1_000_000).to_string());
    let parameters = [
        ("query", query),
        ("start", &start),
        ("end", &end),
        ("step", "20m"),
    ];
    let answer = house.get("/loki/api/v1/query_range", &parameters).await;
    let mut samples = Samples::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        for value in series["values"].as_array().unwrap() {
            let at = value[0].as_i64().unwrap() - T0 / 1_000_000_000;
            let sample = value[1].as_str().unwrap().parse().unwrap();
            samples.insert((set(&series["metric"]), at / 60), sample);
        }
    }
    samples
}

fn near(found: &Samples, expected: &Samples) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|((a, x), (b, y))| a == b && (x - y).abs() <= 1e-9 * y.abs().max(1.0))
}

async fn compare(house: &House, records: &[Record], queries: &[String], when: &str) -> usize {
    let mut seen = 0;
    for (place, query) in queries.iter().enumerate() {
        if matches!(parse(query), Ok(Expr::Logs(_))) {
            let backward = place % 3 != 0;
            let limit = [5, 1_000][place % 2];
            let mut expected = expected_lines(records, query, backward);
            expected.truncate(limit);
            let found = found_lines(house, query, backward, limit).await;
            assert_eq!(found, expected, "{when}: {query}");
            seen += found.len();
        } else {
            let expected = expected_samples(records, query);
            let found = found_samples(house, query).await;
            assert!(
                near(&found, &expected),
                "{when}: {query}\n{found:?}\n{expected:?}"
            );
            seen += found.len();
        }
    }
    seen
}

#[tokio::test]
async fn random_queries_give_what_the_slow_evaluator_gives() {
    let mut dice = Dice(7);
    let records: Vec<Record> = (0..150).map(|number| dice.record(number)).collect();
    let mut queries: Vec<String> = (0..60).map(|_| dice.logs()).collect();
    queries.extend((0..60).map(|_| dice.metric()));
    let house = House::new().await;
    let (first, rest) = records.split_at(90);
    append(&house, first).await;
    append(&house, rest).await;
    let seen = compare(&house, &records, &queries, "in the buffer").await;
    assert!(seen > 1_000, "sameness of little says little: {seen}");
    house.storage.flush().await.unwrap();
    compare(&house, &records, &queries, "in files").await;
    assert!(delete_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    compare(&house, &records, &queries, "without indexes").await;
}

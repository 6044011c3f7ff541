//! LogQL as slow and simple as can be, over records in memory: what the answers must be.
//!
//! Of the tree it takes what the random queries have; nothing of the pipeline is used.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::sample::Record;
use crate::logql::ast::{
    BinaryOp, Comparison, Expr, Grouping, LabelFilter, LabelFormat, LineTest, LogQuery, Quantity,
    RangeAggregation, RangeFunction, Stage, TextOp, TextTest, VectorFunction,
};

pub(super) type Set = BTreeMap<String, String>;

/// A line with all its labels.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Milliseconds.
    pub(super) at: i64,
    pub(super) labels: Set,
    pub(super) text: String,
    /// Names of what the record has.
    own: Vec<String>,
}

fn level(number: i32) -> &'static str {
    match number {
        9 => "info",
        13 => "warn",
        17 => "error",
        _ => "",
    }
}

fn text(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn line(record: &Record) -> Line {
    let mut labels = Set::new();
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            labels.entry(name.to_owned()).or_insert(value.to_owned());
        }
    };
    put("service_name", &record.service);
    put("level", level(record.level));
    if let Some(pod) = record.resource.get("k8s.pod.name") {
        put("k8s_pod_name", &text(pod));
    }
    let detected = level(record.level);
    put(
        "detected_level",
        if detected.is_empty() {
            "unknown"
        } else {
            detected
        },
    );
    if record.level > 0 {
        put("severity_number", &record.level.to_string());
    }
    for (key, value) in record.attributes.iter().chain(&record.resource) {
        match key.as_str() {
            "k8s.pod.name" => {}
            "level" => put("level_extracted", &text(value)),
            key => put(&key.replace('.', "_"), &text(value)),
        }
    }
    Line {
        at: record.at,
        own: labels.keys().cloned().collect(),
        labels,
        text: record.line.clone().unwrap_or_default(),
    }
}

fn holds(test: &TextTest, text: &str) -> bool {
    match test.op {
        TextOp::Equal => text == test.value,
        TextOp::NotEqual => text != test.value,
        TextOp::Regex => test.regex.as_ref().unwrap().is_match(text),
        TextOp::NotRegex => !test.regex.as_ref().unwrap().is_match(text),
    }
}

/// Letter by letter; `<_>` is anything.
fn looks_like(line: &str, pattern: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("<_>") {
        let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        return ends.any(|at| looks_like(line.split_at(at).1, rest));
    }
    match (line.chars().next(), pattern.chars().next()) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => looks_like(
            line.strip_prefix(a).unwrap(),
            pattern.strip_prefix(b).unwrap(),
        ),
        _ => false,
    }
}

impl Line {
    fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    fn put(&mut self, name: &str, value: &str) {
        let taken = self.own.iter().any(|own| own == name) && self.labels.contains_key(name);
        let name = if taken {
            format!("{name}_extracted")
        } else {
            name.to_owned()
        };
        if value.is_empty() {
            self.labels.remove(&name);
        } else {
            self.labels.insert(name, value.to_owned());
        }
    }

    fn filter(&self, filter: &LabelFilter) -> bool {
        match filter {
            LabelFilter::And(a, b) => self.filter(a) && self.filter(b),
            LabelFilter::Or(a, b) => self.filter(a) || self.filter(b),
            LabelFilter::Text(matcher) => holds(&matcher.test, self.label(&matcher.name)),
            LabelFilter::Number { name, op, value } => {
                let Quantity::Number(wanted) = value else {
                    panic!("random queries have plain numbers");
                };
                let number = self.label(name).parse::<f64>();
                self.labels.contains_key("__error__")
                    || number.is_ok_and(|number| compare(*op, number, *wanted))
            }
            LabelFilter::Ip { .. } => panic!("random queries have no addresses"),
        }
    }

    fn stage(&mut self, stage: &Stage) -> bool {
        match stage {
            Stage::Line(filter) => {
                let any = filter.any.iter().any(|test| match test {
                    LineTest::Contains(text) => self.text.contains(text),
                    LineTest::Regex(regex) => regex.is_match(&self.text),
                    LineTest::Pattern(pattern) => looks_like(&self.text, pattern.as_str()),
                    LineTest::Ip(_) => panic!("random queries have no addresses"),
                });
                return any != filter.negated;
            }
            Stage::Filter(filter) => return self.filter(filter),
            Stage::Json(_) => {
                let Ok(Json::Object(object)) = serde_json::from_str(&self.text) else {
                    self.labels
                        .insert("__error__".to_owned(), "JSONParserErr".to_owned());
                    return true;
                };
                for (key, value) in object {
                    self.put(&key, &text(&value));
                }
            }
            Stage::Logfmt { .. } => {
                for (key, value) in self
                    .text
                    .clone()
                    .split(' ')
                    .filter_map(|w| w.split_once('='))
                {
                    self.put(key, value);
                }
            }
            Stage::LabelFormat(given) => {
                for (name, format) in given {
                    let LabelFormat::Rename(of) = format else {
                        panic!("random queries have no templates");
                    };
                    if let Some(value) = self.labels.remove(of) {
                        self.labels.insert(name.clone(), value);
                        self.own.retain(|own| own != name);
                    }
                }
            }
            Stage::Drop(picked) => {
                self.labels.retain(|name, value| {
                    !picked.iter().any(|picked| {
                        picked.name == *name && picked.test.as_ref().is_none_or(|t| holds(t, value))
                    })
                });
            }
            Stage::Keep(picked) => self.labels.retain(|name, _| {
                name == "__error__" || picked.iter().any(|picked| picked.name == *name)
            }),
            other => panic!("random queries have no {other}"),
        }
        true
    }
}

fn compare(op: Comparison, a: f64, b: f64) -> bool {
    let order = a.partial_cmp(&b).unwrap();
    match op {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// The lines that a query leaves, in the order of the records.
pub(super) fn lines(records: &[Record], query: &LogQuery) -> Vec<Line> {
    let mut found = Vec::new();
    for record in records {
        let mut line = line(record);
        let selected = query
            .matchers
            .iter()
            .all(|m| holds(&m.test, line.label(&m.name)));
        if selected && query.stages.iter().all(|stage| line.stage(stage)) {
            found.push(line);
        }
    }
    found
}

fn grouped(labels: &Set, grouping: Option<&Grouping>) -> Set {
    let kept = |name: &String| match grouping {
        None => true,
        Some(grouping) => grouping.labels.contains(name) != grouping.without,
    };
    labels
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn range_sample(range: &RangeAggregation, found: &[(i64, f64, usize)]) -> f64 {
    let seconds = range.range_ns as f64 / 1e9;
    let numbers: Vec<f64> = found.iter().map(|(_, number, _)| *number).collect();
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    let bytes: usize = found.iter().map(|(.., bytes)| *bytes).sum();
    match range.function {
        RangeFunction::Count => count,
        RangeFunction::Rate if range.unwrap.is_none() => count / seconds,
        RangeFunction::Rate => sum / seconds,
        RangeFunction::Bytes => bytes as f64,
        RangeFunction::BytesRate => bytes as f64 / seconds,
        RangeFunction::Sum => sum,
        RangeFunction::Avg => sum / count,
        RangeFunction::Min => numbers.into_iter().fold(f64::MAX, f64::min),
        RangeFunction::Max => numbers.into_iter().fold(f64::MIN, f64::max),
        RangeFunction::First => found.iter().rev().min_by_key(|(at, ..)| at).unwrap().1,
        RangeFunction::Last => found.iter().max_by_key(|(at, ..)| at).unwrap().1,
        other => panic!("random queries have no {other:?}"),
    }
}

/// The series at one instant, in milliseconds; a number by itself has no labels.
pub(super) fn series(records: &[Record], expr: &Expr, at: i64) -> BTreeMap<Set, f64> {
    match expr {
        Expr::Number(number) => BTreeMap::from([(Set::new(), *number)]),
        Expr::Range(range) => {
            let to = at - range.offset_ns / 1_000_000;
            let from = to - range.range_ns / 1_000_000;
            let mut groups: BTreeMap<Set, Vec<(i64, f64, usize)>> = BTreeMap::new();
            let inside = records
                .iter()
                .filter(|record| record.at > from && record.at <= to);
            let inside: Vec<Record> = inside.cloned().collect();
            for mut line in lines(&inside, &range.query) {
                let mut number = 0.0;
                if let Some(unwrap) = &range.unwrap {
                    let Some(text) = line.labels.remove(&unwrap.label) else {
                        continue;
                    };
                    number = text.parse().unwrap();
                }
                let group = grouped(&line.labels, range.grouping.as_ref());
                let sample = (line.at, number, line.text.len());
                groups.entry(group).or_default().push(sample);
            }
            let sample = |(labels, found): (Set, Vec<_>)| (labels, range_sample(range, &found));
            groups.into_iter().map(sample).collect()
        }
        Expr::Aggregate(aggregation) => {
            let of = series(records, &aggregation.of, at);
            let none = Grouping::default();
            let grouping = Some(aggregation.grouping.as_ref().unwrap_or(&none));
            let mut groups: BTreeMap<Set, Vec<f64>> = BTreeMap::new();
            for (labels, number) in of {
                groups
                    .entry(grouped(&labels, grouping))
                    .or_default()
                    .push(number);
            }
            let of_group = |(labels, numbers): (Set, Vec<f64>)| {
                let sum: f64 = numbers.iter().sum();
                let sample = match aggregation.function {
                    VectorFunction::Sum => sum,
                    VectorFunction::Avg => sum / numbers.len() as f64,
                    VectorFunction::Min => numbers.into_iter().fold(f64::MAX, f64::min),
                    VectorFunction::Max => numbers.into_iter().fold(f64::MIN, f64::max),
                    VectorFunction::Count => numbers.len() as f64,
                    other => panic!("random queries have no {other:?}"),
                };
                (labels, sample)
            };
            groups.into_iter().map(of_group).collect()
        }
        Expr::Binary(binary) => {
            let left = series(records, &binary.left, at);
            let right = series(records, &binary.right, at);
            let is_number = matches!(binary.right, Expr::Number(_));
            let pair = |(labels, a): (Set, f64)| {
                let key = if is_number {
                    Set::new()
                } else {
                    labels.clone()
                };
                let b = *right.get(&key)?;
                let sample = match binary.op {
                    BinaryOp::Add => a + b,
                    BinaryOp::Multiply => a * b,
                    BinaryOp::Divide => a / b,
                    BinaryOp::Compare(op) => compare(op, a, b).then_some(a)?,
                    other => panic!("random queries have no {other}"),
                };
                Some((labels, sample))
            };
            left.into_iter().filter_map(pair).collect()
        }
        other => panic!("random queries have no {other}"),
    }
}

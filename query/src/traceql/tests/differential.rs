//! Random queries on random traces: the slow evaluator, the buffer, files, and files without an
//! index give the same spans of the same traces, in the same order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::naive::Trace;
use super::sample::{Event, Span, append, of_trace};
use crate::testing::{House, delete_indexes};
use crate::traceql::parse;

/// Dice that fall the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn attributes(&mut self) -> Map<String, Value> {
        let mut attributes = Map::new();
        for key in ["k", "u", "long.key"] {
            let value = match self.below(12) {
                0 => json!(1),
                1 => json!(2),
                2 => json!("1"),
                3 => json!("x"),
                4 => json!(true),
                5 => json!(false),
                6 => json!(1.5),
                7 => json!(["x", "y"]),
                8 => json!([1, 2]),
                9 => json!([]),
                _ => continue,
            };
            attributes.insert(key.to_owned(), value);
        }
        attributes
    }

    pub(super) fn trace(&mut self, trace: u128) -> Vec<Span> {
        let count = u64::try_from(1 + self.below(7)).unwrap();
        // Some traces go on in the next hours, so that they lie in several files.
        let start = i64::try_from(self.below(3) * 3_600_000 + self.below(1_000)).unwrap();
        (1..=count)
            .map(|span| {
                let before = usize::try_from(span).unwrap();
                let parent = match self.below(8) {
                    0 => None,
                    1 => Some(77),
                    _ if span == 1 => None,
                    _ => Some(u64::try_from(1 + self.below(before - 1)).unwrap()),
                };
                let events = (0..self.below(3)).map(|at| Event {
                    name: self.one_of(&["e", "f"]).to_owned(),
                    at: i64::try_from(at).unwrap(),
                    attributes: self.attributes(),
                });
                let events = events.collect();
                let late = if self.below(6) == 0 { 3_600_000 } else { 0 };
                Span {
                    trace,
                    id: span,
                    parent,
                    service: self.one_of(&["s", "t"]).to_owned(),
                    name: self.one_of(&["a", "b", "c"]).to_owned(),
                    kind: self.one_of(&["server", "client", "internal"]).to_owned(),
                    status: self.one_of(&["unset", "ok", "error"]).to_owned(),
                    message: (self.below(4) == 0).then(|| "broken".to_owned()),
                    start: start + late + i64::try_from(span * 10).unwrap(),
                    duration: i64::try_from(self.below(5) * 100).unwrap(),
                    attributes: self.attributes(),
                    resource: self.attributes(),
                    scope: Map::new(),
                    events,
                    links: Vec::new(),
                }
            })
            .collect()
    }

    fn condition(&mut self) -> String {
        let field = self.one_of(&[
            "span.k",
            "span.k",
            "resource.k",
            ".u",
            ".u",
            "span.long.key",
            "event.k",
            "parent.k",
            "parent.resource.u",
        ]);
        let op = self.one_of(&["=", "=", "!=", "<", "<=", ">", ">="]);
        let value = self.one_of(&["1", "2", "1.5", "\"1\"", "\"x\"", "true", "false", "1ms"]);
        match self.below(16) {
            0 => format!("{field} = nil"),
            1 => format!("{field} != nil"),
            2 => format!("{field} {} \"x|1\"", self.one_of(&["=~", "!~"])),
            3 => format!("name {op} \"{}\"", self.one_of(&["a", "b", "c"])),
            4 => format!(".service.name {op} \"{}\"", self.one_of(&["s", "t"])),
            5 => format!(
                "status {} {}",
                self.one_of(&["=", "!="]),
                self.one_of(&["error", "ok"])
            ),
            6 => format!("duration {op} {}00ms", self.below(4)),
            7 => format!("traceDuration {op} 300ms && childCount {op} 1"),
            8 => format!("rootName = \"{}\"", self.one_of(&["a", "b", "c"])),
            9 => "nestedSetParent < 0".to_owned(),
            10 => format!("event:name {} \"e\"", self.one_of(&["=", "!=", "=~"])),
            11 => field.to_owned(),
            12 => format!("{value} {op} {field}"),
            13 => format!("span.k + 1 {op} {field} * 2"),
            _ => format!("{field} {op} {value}"),
        }
    }

    pub(super) fn filter(&mut self) -> String {
        let mut text = self.condition();
        for _ in 0..self.below(3) {
            let op = self.one_of(&["&&", "||"]);
            let other = self.condition();
            text = match self.below(3) {
                0 => format!("!({text}) {op} {other}"),
                1 => format!("{text} {op} ({other})"),
                _ => format!("{text} {op} {other}"),
            };
        }
        format!("{{ {text} }}")
    }

    fn spanset(&mut self, depth: usize) -> String {
        if depth == 0 || self.below(3) == 0 {
            return self.filter();
        }
        let op = self.one_of(&[
            "&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>",
            "&<", "&<<", "&~",
        ]);
        let (left, right) = (self.spanset(depth - 1), self.spanset(depth - 1));
        format!("({left}) {op} ({right})")
    }

    fn query(&mut self) -> String {
        let spans = self.spanset(2);
        match self.below(10) {
            8 => format!(
                "({spans} | count()) {} ({} | count())",
                self.one_of(&[">", "=", "<="]),
                self.filter()
            ),
            9 => format!(
                "({spans} | max(duration)) + 100ms > ({} | by(name) | sum(duration))",
                self.filter()
            ),
            0 => format!("{spans} | count() > 1"),
            1 => format!("{spans} | by(name) | count() >= 2"),
            2 => format!("{spans} | by(.u) | coalesce() | max(duration) > 200ms"),
            3 => format!("{spans} | {}", self.filter()),
            4 => format!("{spans} | sum(span.k) + 1 > 2"),
            _ => spans,
        }
    }
}

/// Milliseconds from and to; `None`: all time.
type Range = Option<(i64, i64)>;

fn by_slow_evaluator(spans: &[Span], query: &str, range: Range) -> Vec<(u128, Vec<String>)> {
    let parsed = parse(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let mut traces: BTreeMap<u128, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace).or_default().push(span);
    }
    let mut found = Vec::new();
    for (id, spans) in traces {
        let trace = Trace(spans);
        let sets = trace.answer(&parsed);
        let starts = sets.iter().flatten().map(|id| {
            let span = trace.0.iter().find(|span| span.id == *id);
            span.unwrap().start
        });
        let in_range = |start: &i64| range.is_none_or(|(from, to)| (from..to).contains(start));
        if let Some(newest) = starts.filter(in_range).max() {
            found.push((-newest, id, sets));
        }
    }
    found.sort();
    found
        .into_iter()
        .map(|(_, id, sets)| (id, sets.iter().map(|set| ids_text(set)).collect()))
        .collect()
}

fn ids_text(set: &[u64]) -> String {
    let ids: Vec<String> = set.iter().map(u64::to_string).collect();
    format!("[{}]", ids.join(" "))
}

async fn by_spoor(house: &House, query: &str, range: Range) -> Vec<(u128, Vec<String>)> {
    let time = |ms: i64| (crate::testing::T0 + ms * 1_000_000).to_string();
    let times = range.map(|(from, to)| (time(from), time(to)));
    // Pages of 7, so that paging is part of what is compared.
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![
            ("traceql", query),
            ("limit", "7"),
            ("spans_per_set", "100"),
            ("cursor", &cursor),
        ];
        if let Some((start, end)) = &times {
            parameters.extend([("start", start.as_str()), ("end", end.as_str())]);
        }
        let page = house.get("/api/v1/traces", &parameters).await;
        assert_eq!(page["complete"], true, "{query}: {page}");
        found.extend(page["traces"].as_array().unwrap().iter().map(of_trace));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    for (_, sets) in &mut found {
        for set in sets {
            // Without the values of groups.
            let end = set.find(']').unwrap();
            set.truncate(end + 1);
        }
    }
    found
}

async fn compare(
    house: &House,
    spans: &[Span],
    questions: &[(String, Range)],
    when: &str,
) -> usize {
    let mut traces = 0;
    for (query, range) in questions {
        let expected = by_slow_evaluator(spans, query, *range);
        let found = by_spoor(house, query, *range).await;
        assert_eq!(found, expected, "{when}: {query} {range:?}");
        traces += found.len();
    }
    traces
}

#[tokio::test]
async fn random_queries_find_what_the_slow_evaluator_finds() {
    let mut dice = Dice(11);
    let spans: Vec<Span> = (1..=24).flat_map(|trace| dice.trace(trace)).collect();
    let questions: Vec<(String, Range)> = (0..36)
        .map(|_| {
            let query = dice.query();
            let from = i64::try_from(dice.below(3)).unwrap() * 3_600_000;
            (
                query,
                (dice.below(3) == 0).then_some((from, from + 3_700_000)),
            )
        })
        .collect();
    let house = House::new().await;
    // Not trace by trace: late spans come in requests of their own.
    for part in [1, 0] {
        let spans: Vec<Span> = spans
            .iter()
            .filter(|span| span.id % 2 == part)
            .cloned()
            .collect();
        append(&house, &spans).await;
    }
    let found = compare(&house, &spans, &questions, "in the buffer").await;
    assert!(found > 100, "sameness of little says little: {found}");
    house.storage.flush().await.unwrap();
    compare(&house, &spans, &questions, "in files").await;
    assert!(delete_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    compare(&house, &spans, &questions, "without indexes").await;
}

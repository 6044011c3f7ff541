//! Ranges and searches of all of a record, against an evaluator that knows only what they mean: in
//! the buffer, in files, and without indexes.

use serde_json::Value;

use crate::testing::{House, Log, SECOND, T0, delete_indexes};

const WORDS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "alps", "bet", "x7", "42"];
const SERVICES: [&str; 3] = ["cart", "checkout", "payment"];
/// Severity numbers of the levels.
const LEVELS: [(&str, i32); 4] = [("debug", 5), ("info", 9), ("warn", 13), ("error", 17)];

/// The same dice every time: a linear congruence is random enough here.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn words(&mut self, most: usize) -> Vec<&'static str> {
        (0..=self.below(most))
            .map(|_| WORDS[self.below(8)])
            .collect()
    }

    fn maybe<T>(&mut self, one_in: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(one_in) == 0).then(|| make(self))
    }
}

/// A record and what is said about it.
#[derive(Debug)]
struct Row {
    at: i64,
    body: Option<Vec<&'static str>>,
    service: usize,
    level: usize,
    /// The attribute `n` of the record, and of the resource.
    n: [Option<i64>; 2],
    /// An attribute of several words.
    tag: Option<Vec<&'static str>>,
    /// An attribute that is a list.
    list: Option<Vec<&'static str>>,
}

#[derive(Debug)]
enum Asked {
    Word(&'static str),
    Anywhere(Vec<&'static str>),
    AnywhereBegins(&'static str),
    AnywhereRegex(&'static str),
    N(Ends<i64>),
    /// Seconds after the first record.
    Time(Ends<i64>),
    Level(Ends<usize>),
    Service(Ends<&'static str>),
    Not(Box<Asked>),
    And(Vec<Asked>),
    Or(Vec<Asked>),
}

#[derive(Debug, Clone, Copy)]
struct Ends<T> {
    low: Option<(T, bool)>,
    high: Option<(T, bool)>,
}

impl<T: PartialOrd + Copy> Ends<T> {
    fn random(dice: &mut Dice, mut value: impl FnMut(&mut Dice) -> T) -> Self {
        let (a, b) = (value(dice), value(dice));
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let mut inclusive = || dice.below(2) == 0;
        let (low, high) = ((low, inclusive()), (high, inclusive()));
        let open = dice.below(4);
        Self {
            low: (open != 0).then_some(low),
            high: (open != 1).then_some(high),
        }
    }

    fn has(&self, value: T) -> bool {
        let above = self
            .low
            .is_none_or(|(low, inclusive)| value > low || (inclusive && value == low));
        let below = self
            .high
            .is_none_or(|(high, inclusive)| value < high || (inclusive && value == high));
        above && below
    }

    fn text(&self, show: impl Fn(T) -> String) -> String {
        let bracket = |end: &Option<(T, bool)>, open: [char; 2]| match end {
            Some((_, false)) => open[1],
            _ => open[0],
        };
        let end = |end: &Option<(T, bool)>| end.map_or("*".to_owned(), |(value, _)| show(value));
        format!(
            "{}{} TO {}{}",
            bracket(&self.low, ['[', '{']),
            end(&self.low),
            end(&self.high),
            bracket(&self.high, [']', '}'])
        )
    }
}

impl Row {
    fn random(dice: &mut Dice, at: i64) -> Self {
        Self {
            at,
            body: (dice.below(8) > 0).then(|| dice.words(5)),
            service: dice.below(3),
            level: dice.below(4),
            n: [
                dice.maybe(2, |dice| i64::try_from(dice.below(20)).unwrap() - 5),
                dice.maybe(4, |dice| i64::try_from(dice.below(20)).unwrap() - 5),
            ],
            tag: dice.maybe(3, |dice| dice.words(3)),
            list: dice.maybe(4, |dice| dice.words(3)),
        }
    }

    fn log(&self) -> Log {
        let body = self.body.as_ref().map(|words| words.join("-"));
        let mut log = Log::at(T0 + self.at * SECOND, body.clone().unwrap_or_default());
        log.body = body;
        log.service = SERVICES[self.service];
        log.severity_number = LEVELS[self.level].1;
        log.resource = vec![("host.name", "node-1".into(), 's')];
        if let Some(n) = self.n[0] {
            log = log.with("n", n, 'i');
        }
        if let Some(n) = self.n[1] {
            log.resource.push(("n", n.to_string(), 'i'));
        }
        if let Some(tag) = &self.tag {
            log = log.with("tag", tag.join(" "), 's');
        }
        if let Some(list) = &self.list {
            let members = list
                .iter()
                .map(|word| format!(r#"{{"stringValue":"{word}"}}"#));
            let members = members.collect::<Vec<_>>().join(",");
            log = log.with("list", format!(r#"{{"values":[{members}]}}"#), 'a');
        }
        log
    }

    /// Its texts, each as its words.
    fn texts(&self) -> Vec<Vec<String>> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let mut texts: Vec<Vec<String>> =
            vec![owned(&[SERVICES[self.service]]), owned(&["node", "1"])];
        texts.extend(
            [&self.body, &self.tag]
                .into_iter()
                .flatten()
                .map(|words| owned(words)),
        );
        texts.extend(self.list.iter().flatten().map(|word| owned(&[word])));
        // A minus is no part of a word.
        texts.extend(self.n.iter().flatten().map(|n| vec![n.abs().to_string()]));
        texts
    }

    fn meets(&self, asked: &Asked) -> bool {
        let any_word =
            |test: &dyn Fn(&str) -> bool| self.texts().iter().flatten().any(|word| test(word));
        match asked {
            Asked::Word(word) => self.body.as_ref().is_some_and(|words| words.contains(word)),
            Asked::Anywhere(phrase) => self.texts().iter().any(|words| {
                words
                    .windows(phrase.len())
                    .any(|part| part == phrase.as_slice())
            }),
            Asked::AnywhereBegins(start) => any_word(&|word| word.starts_with(start)),
            Asked::AnywhereRegex(part) => any_word(&|word| word.ends_with(part)),
            Asked::N(ends) => self.n.iter().flatten().any(|n| ends.has(*n)),
            Asked::Time(ends) => ends.has(self.at),
            Asked::Level(ends) => ends.has(self.level),
            Asked::Service(ends) => ends.has(SERVICES[self.service]),
            Asked::Not(inner) => !self.meets(inner),
            Asked::And(parts) => parts.iter().all(|part| self.meets(part)),
            Asked::Or(parts) => parts.iter().any(|part| self.meets(part)),
        }
    }
}

impl Asked {
    fn random(dice: &mut Dice, depth: usize) -> Self {
        let inner = |dice: &mut Dice| Self::random(dice, depth + 1);
        match dice.below(if depth < 3 { 13 } else { 9 }) {
            0 => Self::Word(WORDS[dice.below(8)]),
            1 => Self::Anywhere(vec![WORDS[dice.below(8)]]),
            2 => Self::Anywhere(dice.words(2)),
            3 => Self::AnywhereBegins(["al", "b", "4", "no"][dice.below(4)]),
            4 => Self::AnywhereRegex(["ta", "2", "art"][dice.below(3)]),
            5 => Self::N(Ends::random(dice, |dice| {
                i64::try_from(dice.below(20)).unwrap() - 5
            })),
            6 => Self::Time(Ends::random(dice, |dice| {
                i64::try_from(dice.below(400)).unwrap()
            })),
            7 => Self::Level(Ends::random(dice, |dice| dice.below(4))),
            8 => Self::Service(Ends::random(dice, |dice| SERVICES[dice.below(3)])),
            9 | 10 => Self::Not(Box::new(inner(dice))),
            11 => Self::And((0..2).map(|_| inner(dice)).collect()),
            _ => Self::Or((0..2).map(|_| inner(dice)).collect()),
        }
    }

    fn text(&self) -> String {
        let all = |parts: &[Self], between: &str| {
            let parts: Vec<String> = parts.iter().map(Self::text).collect();
            format!("({})", parts.join(between))
        };
        match self {
            Self::Word(word) => (*word).to_owned(),
            Self::Anywhere(phrase) => format!("*:\"{}\"", phrase.join(" ")),
            Self::AnywhereBegins(start) => format!("*:{start}*"),
            Self::AnywhereRegex(part) => format!(r#"*:~"[a-z0-9]?{part}\b""#),
            Self::N(ends) => format!("n:{}", ends.text(|n| n.to_string())),
            Self::Time(ends) => {
                format!("time:{}", ends.text(|at| (T0 + at * SECOND).to_string()))
            }
            Self::Level(ends) => format!("level:{}", ends.text(|at| LEVELS[at].0.to_owned())),
            Self::Service(ends) => format!("service:{}", ends.text(str::to_owned)),
            Self::Not(inner) => format!("NOT {}", inner.text()),
            Self::And(parts) => all(parts, " "),
            Self::Or(parts) => all(parts, " OR "),
        }
    }
}

/// The seconds of the records that a house finds, oldest first.
async fn found(house: &House, query: &str) -> Vec<i64> {
    let parameters = [("query", query), ("limit", "1000"), ("order", "asc")];
    let answer = house.get("/api/v1/logs", &parameters).await;
    let second = |log: &Value| {
        let time: i64 = log["time_unix_nano"].as_str().unwrap().parse().unwrap();
        (time - T0) / SECOND
    };
    answer["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(second)
        .collect()
}

async fn all_as_expected(house: &House, rows: &[Row], queries: &[Asked], when: &str) {
    for asked in queries {
        let query = asked.text();
        let expected: Vec<i64> = rows
            .iter()
            .filter(|row| row.meets(asked))
            .map(|row| row.at)
            .collect();
        assert_eq!(found(house, &query).await, expected, "{when}: {query}");
    }
}

#[tokio::test]
async fn random_queries_find_what_they_mean_wherever_the_rows_are() {
    let mut dice = Dice(17);
    let rows: Vec<Row> = (0..400).map(|at| Row::random(&mut dice, at)).collect();
    let queries: Vec<Asked> = (0..120).map(|_| Asked::random(&mut dice, 0)).collect();
    // Queries that find all or nothing say little.
    let some = queries.iter().filter(|asked| {
        let found = rows.iter().filter(|row| row.meets(asked)).count();
        (1..rows.len()).contains(&found)
    });
    assert!(some.count() > 90);
    let house = House::new().await;
    let logs: Vec<Log> = rows.iter().map(Row::log).collect();
    for (number, part) in logs.chunks(80).enumerate() {
        house.append(part).await;
        if number == 1 {
            house.storage.flush().await.unwrap();
        }
    }
    all_as_expected(&house, &rows, &queries, "in both").await;
    house.storage.flush().await.unwrap();
    house.storage.compact().await.unwrap();
    all_as_expected(&house, &rows, &queries, "in files").await;
    house.storage.close().await.unwrap();
    assert!(delete_indexes(house.folder.path()) > 0);
    let house = house.reopened().await;
    all_as_expected(&house, &rows, &queries, "without indexes").await;
}

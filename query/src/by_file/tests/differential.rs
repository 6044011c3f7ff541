//! Random records, deletions, redactions, merges and late arrivals: every histogram and every facet is what
//! the records say, whether it is asked for the first time, again, or nothing is kept at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{HOUR, MINUTE, change, evolve};
use crate::language::level_of;
use crate::testing::{Dice, House, Log, T0};

const SERVICES: [&str; 3] = ["cart", "checkout", "payment"];
const COLORS: [&str; 4] = ["red", "green", "blue", "(other)"];

/// A record, as far as it is asked about.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) time_ns: i64,
    pub(super) service: &'static str,
    pub(super) severity: i32,
    color: Option<String>,
    number: Option<i64>,
    pub(super) is_odd: bool,
}

impl Record {
    fn random(dice: &mut Dice) -> Self {
        let small = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
        let hour = small(dice, 3);
        // Some are on the limits of buckets.
        let within = match dice.below(3) {
            0 => small(dice, 60) * MINUTE,
            _ => small(dice, 3_600) * (HOUR / 3_600) + small(dice, 1_000),
        };
        Self {
            time_ns: T0 + hour * HOUR + within,
            service: SERVICES[dice.below(3)],
            severity: i32::try_from(dice.below(25)).unwrap(),
            color: (dice.below(4) > 0).then(|| COLORS[dice.below(4)].to_owned()),
            number: (dice.below(3) > 0).then(|| small(dice, 30)),
            is_odd: dice.below(2) == 1,
        }
    }

    fn log(&self) -> Log {
        let body = if self.is_odd { "an odd line" } else { "a line" };
        let mut log = Log::at(self.time_ns, body);
        log.service = self.service;
        log.severity_number = self.severity;
        if let Some(color) = &self.color {
            log = log.with("color", color, 's');
        }
        match self.number {
            Some(number) => log.with("number", number, 'i'),
            None => log,
        }
    }

    fn value(&self, field: &str) -> Option<String> {
        match field {
            "level" => Some(level_of(self.severity, None).to_owned()),
            "service_name" => Some(self.service.to_owned()),
            "color" => self.color.clone(),
            "number" => self.number.map(|number| number.to_string()),
            "nowhere" => None,
            other => panic!("no field {other}"),
        }
    }

    fn matches(&self, query: &str) -> bool {
        let color = |wanted: &str| self.color.as_deref() == Some(wanted);
        match query {
            "" => true,
            "odd" => self.is_odd,
            "color:red" => color("red"),
            "NOT color:red" => !color("red"),
            "service:cart level>=warn" => self.service == "cart" && self.severity >= 13,
            "line color:(green OR blue) NOT odd" => {
                (color("green") || color("blue")) && !self.is_odd
            }
            other => panic!("no query {other}"),
        }
    }
}

const FIELDS: [&str; 5] = ["level", "service_name", "color", "number", "nowhere"];
const QUERIES: [&str; 6] = [
    "",
    "odd",
    "color:red",
    "NOT color:red",
    "service:cart level>=warn",
    "line color:(green OR blue) NOT odd",
];

/// A house, and what must be in it.
pub(super) struct World {
    pub(super) house: House,
    pub(super) records: Vec<Record>,
}

impl World {
    pub(super) fn new(house: House) -> Self {
        Self {
            house,
            records: Vec::new(),
        }
    }

    pub(super) async fn step(&mut self, dice: &mut Dice) {
        match dice.below(10) {
            0..=4 => {
                let count = 1 + dice.below(60);
                let new: Vec<Record> = (0..count).map(|_| Record::random(dice)).collect();
                let logs: Vec<Log> = new.iter().map(Record::log).collect();
                self.house.append(&logs).await;
                self.records.extend(new);
            }
            5 | 6 => self.house.storage.flush().await.unwrap(),
            7 => {
                self.house.storage.compact().await.unwrap();
            }
            8 => self.delete(i64::try_from(dice.below(30)).unwrap()).await,
            _ => self.redact(i64::try_from(dice.below(30)).unwrap()).await,
        }
    }

    async fn delete(&mut self, number: i64) {
        let before = self.records.len();
        self.records.retain(|record| record.number != Some(number));
        let gone = before - self.records.len();
        if gone > 0 {
            let query = format!("number:{number}");
            let asked = json!({"table": "logs", "query": query, "confirm": gone});
            change(&self.house, "/api/v1/delete", &asked).await;
        }
    }

    async fn redact(&mut self, number: i64) {
        let found = |record: &&mut Record| record.number == Some(number) && record.color.is_some();
        let mut redacted = 0;
        for record in self.records.iter_mut().filter(found) {
            record.color = Some("[redacted]".to_owned());
            redacted += 1;
        }
        if redacted > 0 {
            let query = format!("number:{number} has:color");
            let asked =
                json!({"table": "logs", "query": query, "fields": ["color"], "confirm": redacted});
            change(&self.house, "/api/v1/redact", &asked).await;
        }
    }

    async fn check(&self, dice: &mut Dice, when: &str) {
        let query = dice.one_of(&QUERIES);
        let field = dice.one_of(&FIELDS);
        let buckets = ["1", "3", "7", "20", "60", "200", "1000"][dice.below(7)];
        let [a, b] = [dice.below(190), dice.below(190)].map(|at| i64::try_from(at).unwrap() - 5);
        let (from, to) = (T0 + a.min(b) * MINUTE, T0 + a.max(b) * MINUTE);
        let shift = if dice.below(2) == 0 {
            0
        } else {
            12_345_678_901
        };
        let (start, end) = ((from + shift).to_string(), (to + 2 * shift).to_string());
        let mut parameters = vec![("query", query), ("by", field), ("buckets", buckets)];
        let (mut range, given) = (i64::MIN..i64::MAX, dice.below(4));
        if given > 0 {
            range.start = from + shift;
            parameters.push(("start", start.as_str()));
        }
        if given > 1 && from < to {
            range.end = to + 2 * shift;
            parameters.push(("end", end.as_str()));
        }
        let wanted: Vec<&Record> = self.records.iter().collect();
        let wanted = wanted
            .into_iter()
            .filter(|record| record.matches(query) && range.contains(&record.time_ns));
        let wanted: Vec<&Record> = wanted.collect();
        for turn in ["first", "again"] {
            let answer = self.house.get("/api/v1/logs/histogram", &parameters).await;
            let about = format!("{when}, {turn}: {parameters:?}");
            assert_eq!(answer["complete"], true, "{about}");
            assert_eq!(answer["series"], series(&answer, &wanted, field), "{about}");
            assert_eq!(answer["total"], wanted.len(), "{about}");
        }
        if given != 2 {
            self.check_facet(field, &parameters[3..], &range, when)
                .await;
        }
    }

    async fn check_facet(
        &self,
        field: &str,
        parameters: &[(&str, &str)],
        range: &std::ops::Range<i64>,
        when: &str,
    ) {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let within = self.records.iter();
        let within = within.filter(|record| range.contains(&record.time_ns));
        for value in within.filter_map(|record| record.value(field)) {
            *counts.entry(value).or_default() += 1;
        }
        for _ in 0..2 {
            let path = format!("/api/v1/fields/{field}/values");
            let answer = self.house.get(&path, parameters).await;
            let found = answer["values"].as_array().unwrap().iter();
            let found: BTreeMap<String, u64> = found
                .map(|value| {
                    let name = value["value"].as_str().unwrap().to_owned();
                    (name, value["count"].as_u64().unwrap())
                })
                .collect();
            assert_eq!(found, counts, "{when}: {field} {parameters:?}");
        }
    }
}

/// What the answer must say in the buckets that it has.
fn series(answer: &Value, records: &[&Record], field: &str) -> Value {
    let number = |key: &str| answer[key].as_str().unwrap().parse::<i64>().unwrap();
    let (start, end) = (number("start_unix_nano"), number("end_unix_nano"));
    let width = answer["bucket_ns"].as_i64().unwrap();
    if width == 0 {
        return json!([]);
    }
    let count = usize::try_from((end - start) / width).unwrap();
    let mut by_value: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in records {
        let value = record.value(field).unwrap_or_else(|| "(none)".to_owned());
        let at = usize::try_from((record.time_ns - start) / width).unwrap();
        by_value.entry(value).or_insert_with(|| vec![0; count])[at] += 1;
    }
    let mut values: Vec<(String, Vec<u64>)> = by_value.into_iter().collect();
    if field == "level" {
        let order = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];
        values.sort_by_key(|(value, _)| order.iter().position(|level| level == value));
    } else {
        // The most frequent first; those with as many stay in order of their names.
        values.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<u64>()));
        let rest = values.split_off(values.len().min(9));
        for (_, counts) in rest {
            let place = values.iter().position(|(value, _)| value == "(other)");
            let place = place.unwrap_or_else(|| {
                values.push(("(other)".to_owned(), vec![0; count]));
                values.len() - 1
            });
            values[place]
                .1
                .iter_mut()
                .zip(counts)
                .for_each(|(sum, more)| *sum += more);
        }
    }
    let shown = |(name, counts): (String, Vec<u64>)| json!({"name": name, "counts": counts});
    values.into_iter().map(shown).collect()
}

async fn play(seed: u64, steps: usize, house: House) {
    let mut world = World::new(house);
    evolve(&mut world, seed, (steps, 2), World::step, World::check).await;
    assert!(world.records.len() > 50);
}

#[tokio::test]
async fn answers_are_what_the_records_say_with_counts_in_memory() {
    for seed in 0..2 {
        play(seed, 24, House::new().await).await;
    }
}

#[tokio::test]
async fn answers_are_what_the_records_say_without_anything_in_memory() {
    play(2, 12, House::without_caches().await).await;
}

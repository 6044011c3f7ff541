//! Exceptions by group: put together from files, they are those of all spans and logs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{HOUR, MINUTE, change, evolve};
use crate::otlp::sample::list;
use crate::parameters::format_time;
use crate::testing::{Dice, House, Log, SECOND, T0};
use crate::trace::tests::append;

const PATH: &str = "/api/v1/exceptions";
const TYPES: [&str; 3] = ["x.Refused", "y.Timeout", "z.Full"];

#[derive(Debug, Clone)]
struct Thrown {
    time_ns: i64,
    service: &'static str,
    kind: &'static str,
    number: usize,
    in_log: bool,
}

impl Thrown {
    fn random(dice: &mut Dice) -> Self {
        let small = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
        Self {
            time_ns: T0 + small(dice, 3) * HOUR + small(dice, 3_600) * SECOND,
            service: ["cart", "pay"][dice.below(2)],
            kind: TYPES[dice.below(3)],
            number: dice.below(20),
            in_log: dice.below(3) == 0,
        }
    }

    fn span(&self, id: usize) -> Value {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let event = json!({"timeUnixNano": self.time_ns.to_string(), "name": "exception", "attributes": [
            text("exception.type", self.kind), text("exception.message", "order 5 failed")]});
        json!({"resource": {"attributes": [text("service.name", self.service)]},
            "scopeSpans": [{"spans": [{
                "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "POST /pay", "kind": 2,
                "attributes": [{"key": "number", "value": {"intValue": self.number.to_string()}}],
                "startTimeUnixNano": self.time_ns.to_string(), "endTimeUnixNano": (self.time_ns + 5).to_string(),
                "events": [event]}]}]})
    }

    fn log(&self) -> Log {
        let mut log = Log::at(self.time_ns, "failed");
        log.service = self.service;
        log.with("exception.type", self.kind, 's')
            .with("exception.message", "order 7 failed", 's')
            .with("number", self.number, 'i')
    }
}

struct World {
    house: House,
    thrown: Vec<Thrown>,
    sent: usize,
}

impl World {
    async fn step(&mut self, dice: &mut Dice) {
        match dice.below(8) {
            0..=3 => {
                let new: Vec<Thrown> = (0..20).map(|_| Thrown::random(dice)).collect();
                let (logs, spans): (Vec<_>, Vec<_>) = new.iter().partition(|thrown| thrown.in_log);
                let logs: Vec<Log> = logs.into_iter().map(Thrown::log).collect();
                let spans = spans.into_iter().zip(1 + self.sent..);
                let spans: Vec<Value> = spans.map(|(thrown, id)| thrown.span(id)).collect();
                if !logs.is_empty() {
                    self.house.append(&logs).await;
                }
                append(&self.house, &json!({"resourceSpans": spans})).await;
                self.sent += new.len();
                self.thrown.extend(new);
            }
            4 | 5 => self.house.storage.flush().await.unwrap(),
            6 => self.house.storage.compact().await.unwrap(),
            _ => {
                let (number, in_log) = (dice.below(20), dice.below(2) == 0);
                let gone = |thrown: &&Thrown| thrown.number == number && thrown.in_log == in_log;
                let found = self.thrown.iter().filter(gone).count();
                if found > 0 {
                    let table = if in_log { "logs" } else { "spans" };
                    let query = format!("number:{number}");
                    let asked = json!({"table": table, "query": query, "confirm": found});
                    change(&self.house, "/api/v1/delete", &asked).await;
                    self.thrown.retain(|thrown| !gone(&thrown));
                }
            }
        }
    }

    async fn check(&self, dice: &mut Dice, when: &str) {
        let minutes =
            |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap() * MINUTE;
        let from = T0 + minutes(dice, 120);
        let to = from + MINUTE + minutes(dice, 90);
        let (start, end) = (from.to_string(), to.to_string());
        let mut parameters = vec![("buckets", ["1", "7", "60"][dice.below(3)])];
        let (mut within, mut since) = (i64::MIN..i64::MAX, None);
        if dice.below(3) > 0 {
            parameters.extend([("start", start.as_str()), ("end", &end)]);
            // The period before is as long.
            (within, since) = (from - (to - from)..to, Some(from));
        }
        let within: Vec<&Thrown> = self
            .thrown
            .iter()
            .filter(|thrown| within.contains(&thrown.time_ns))
            .collect();
        for turn in ["first", "again"] {
            let answer = self.house.get(PATH, &parameters).await;
            let about = format!("{when}, {turn}: {parameters:?}");
            assert_eq!(answer["complete"], true, "{about}");
            let groups = list(&answer["exceptions"]).iter().map(|group| {
                let told = [
                    "count",
                    "span_count",
                    "log_count",
                    "baseline_count",
                    "new",
                    "first_seen",
                    "last_seen",
                    "services",
                    "operations",
                    "message",
                    "counts",
                ];
                let told = told.map(|name| (name, group[name].clone()));
                (
                    group["type"].as_str().unwrap().to_owned(),
                    json!(BTreeMap::from(told)),
                )
            });
            let groups: BTreeMap<String, Value> = groups.collect();
            assert_eq!(groups, expected(&within, since, &answer), "{about}");
            let before = |thrown: &&&Thrown| since.is_some_and(|since| thrown.time_ns < since);
            assert_eq!(
                answer["baseline_total"],
                within.iter().filter(before).count(),
                "{about}"
            );
        }
    }
}

fn expected(thrown: &[&Thrown], since: Option<i64>, answer: &Value) -> BTreeMap<String, Value> {
    let start: i64 = answer["start_unix_nano"].as_str().unwrap().parse().unwrap();
    let width = answer["bucket_ns"].as_i64().unwrap();
    let mut groups = BTreeMap::new();
    for kind in TYPES {
        let of_kind = || thrown.iter().filter(|thrown| thrown.kind == kind);
        let is_current = |thrown: &&&Thrown| since.is_none_or(|since| thrown.time_ns >= since);
        let current: Vec<&&Thrown> = of_kind().filter(is_current).collect();
        let times = || current.iter().map(|thrown| thrown.time_ns);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            continue;
        };
        let buckets = list(&answer["exceptions"][0]["counts"]).len();
        let (mut counts, mut services, mut operations) = (
            vec![0_u64; buckets],
            BTreeMap::<_, u64>::new(),
            BTreeMap::<_, u64>::new(),
        );
        for thrown in &current {
            counts[usize::try_from((thrown.time_ns - start) / width).unwrap()] += 1;
            *services.entry(thrown.service).or_default() += 1;
            if !thrown.in_log {
                *operations.entry(thrown.service).or_default() += 1;
            }
        }
        let by_count = |counted: BTreeMap<&str, u64>| {
            let mut counted: Vec<(String, u64)> = counted
                .into_iter()
                .map(|(name, count)| (name.to_owned(), count))
                .collect();
            counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counted
        };
        let services = by_count(services).into_iter();
        let services = services.map(|(name, count)| json!({"service_name": name, "count": count}));
        let operations = by_count(operations).into_iter().map(
            |(name, count)| json!({"service_name": name, "name": "POST /pay", "count": count}),
        );
        let logs = current.iter().filter(|thrown| thrown.in_log).count();
        let before = of_kind().count() - current.len();
        groups.insert(kind.to_owned(), json!({
            "count": current.len(), "span_count": current.len() - logs, "log_count": logs,
            "baseline_count": since.map(|_| before), "new": since.map(|_| before == 0),
            "first_seen": format_time(first), "last_seen": format_time(last), "counts": counts,
            "services": services.collect::<Vec<_>>(), "operations": operations.collect::<Vec<_>>(),
            "message": "order <num> failed",
        }));
    }
    groups
}

async fn play(seed: u64, steps: usize, house: House) -> World {
    let mut world = World {
        house,
        thrown: Vec::new(),
        sent: 0,
    };
    evolve(&mut world, seed, (steps, 2), World::step, World::check).await;
    assert!(world.thrown.len() > 30);
    world
}

#[tokio::test]
async fn exceptions_are_what_was_thrown_with_those_of_files_in_memory() {
    let world = play(0, 20, House::new().await).await;
    world.house.storage.flush().await.unwrap();
    let opened = async || {
        let before = world.house.opened_files();
        let answer = world.house.get(PATH, &[("buckets", "7")]).await;
        (
            answer["exceptions"].clone(),
            world.house.opened_files() - before,
        )
    };
    let (first, _) = opened().await;
    assert_eq!(opened().await, (first, 0));
}

#[tokio::test]
async fn exceptions_are_what_was_thrown_without_anything_in_memory() {
    play(1, 12, House::without_caches().await).await;
}

//! Services and their operations: put together from files, they are those of all spans at once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spoor_storage::Table;

use super::{HOUR, MINUTE, change, evolve};
use crate::otlp::sample::list;
use crate::testing::{Dice, House, SECOND, T0};
use crate::trace::tests::append;

#[derive(Debug, Clone)]
struct Span {
    start_ns: i64,
    duration_ns: i64,
    service: &'static str,
    name: String,
    /// 1 to 5.
    kind: usize,
    failed: bool,
    number: usize,
}

const KINDS: [&str; 6] = [
    "UNSPECIFIED",
    "INTERNAL",
    "SERVER",
    "CLIENT",
    "PRODUCER",
    "CONSUMER",
];

impl Span {
    fn random(dice: &mut Dice) -> Self {
        let small = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
        // Some are on the limits of buckets.
        let within = match dice.below(3) {
            0 => small(dice, 12) * 5 * MINUTE,
            _ => small(dice, 3_600) * SECOND + small(dice, 1_000),
        };
        Self {
            start_ns: T0 + small(dice, 4) * HOUR + within,
            duration_ns: small(dice, 1_000_000) + 1,
            service: ["cart", "checkout", "payment"][dice.below(3)],
            name: format!("GET /{}", dice.below(4)),
            kind: 1 + dice.below(5),
            failed: dice.below(4) == 0,
            number: dice.below(30),
        }
    }
}

fn otlp(first: usize, spans: &[Span]) -> Value {
    let spans = spans.iter().zip(first..);
    let resources: Vec<Value> = spans
        .map(|(span, id)| {
            json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": span.service}}]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": span.name,
                    "kind": span.kind, "attributes": [{"key": "number", "value": {"intValue": span.number.to_string()}}],
                    "startTimeUnixNano": span.start_ns.to_string(),
                    "endTimeUnixNano": (span.start_ns + span.duration_ns).to_string(),
                    "status": {"code": if span.failed { 2 } else { 0 }}}]}]})
        })
        .collect();
    json!({"resourceSpans": resources})
}

/// The `percent`th percentile by nearest rank.
fn ranked(durations: &mut [i64], percent: usize) -> i64 {
    durations.sort_unstable();
    durations[(durations.len() * percent).div_ceil(100) - 1]
}

/// The services of an answer as the spans must make them.
fn expected(spans: &[&Span]) -> Value {
    type Operations = BTreeMap<(String, &'static str), (u64, Vec<i64>)>;
    let mut services: BTreeMap<&str, Operations> = BTreeMap::new();
    for span in spans {
        let operations = services.entry(span.service).or_default();
        let operation = operations.entry((span.name.clone(), KINDS[span.kind]));
        let (errors, durations) = operation.or_default();
        *errors += u64::from(span.failed);
        durations.push(span.duration_ns);
    }
    let told = |(service, operations): (&str, Operations)| {
        let errors: u64 = operations.values().map(|(errors, _)| errors).sum();
        let spans: usize = operations.values().map(|(_, each)| each.len()).sum();
        let mut operations: Vec<_> = operations.into_iter().collect();
        operations.sort_by_key(|(_, (_, durations))| std::cmp::Reverse(durations.len()));
        let operations = operations.into_iter().map(|((name, kind), (errors, mut durations))| {
            let [p50_ns, p95_ns] = [50, 95].map(|percent| ranked(&mut durations, percent));
            json!({"name": name, "kind": kind, "span_count": durations.len(), "error_count": errors,
                "p50_ns": p50_ns, "p95_ns": p95_ns})
        });
        json!({"service_name": service, "span_count": spans, "error_count": errors, "log_count": 0,
            "operations": operations.collect::<Vec<_>>()})
    };
    services.into_iter().map(told).collect()
}

/// The services, how many files were opened for them and how many bytes were looked at.
async fn services(house: &House, range: Option<(i64, i64)>) -> (Value, u64, u64) {
    let bounds = range.map(|(from, to)| [from, to].map(|at| at.to_string()));
    let parameters = bounds
        .iter()
        .flat_map(|[start, end]| [("start", start.as_str()), ("end", end)]);
    let before = house.opened_files();
    let mut answer = house
        .get("/api/v1/services", &parameters.collect::<Vec<_>>())
        .await;
    assert_eq!(answer["complete"], true, "{answer}");
    let bytes = answer["scanned_bytes"].as_u64().unwrap();
    (
        answer["services"].take(),
        house.opened_files() - before,
        bytes,
    )
}

struct World {
    house: House,
    spans: Vec<Span>,
    sent: usize,
}

impl World {
    async fn send(&mut self, spans: Vec<Span>) {
        append(&self.house, &otlp(1 + self.sent, &spans)).await;
        self.sent += spans.len();
        self.spans.extend(spans);
    }

    async fn step(&mut self, dice: &mut Dice) {
        match dice.below(9) {
            0..=3 => {
                let new = (0..40).map(|_| Span::random(dice)).collect();
                self.send(new).await;
            }
            4 | 5 => self.house.storage.flush().await.unwrap(),
            6 => self.house.storage.compact().await.unwrap(),
            what => {
                let number = dice.below(30);
                let found = self
                    .spans
                    .iter()
                    .filter(|span| span.number == number)
                    .count();
                if found == 0 {
                    return;
                }
                let query = format!("number:{number}");
                if what == 7 {
                    let asked = json!({"table": "spans", "query": query, "confirm": found});
                    change(&self.house, "/api/v1/delete", &asked).await;
                    self.spans.retain(|span| span.number != number);
                } else {
                    let asked = json!({"table": "spans", "query": query, "fields": ["number"],
                        "replacement": "-1", "confirm": found});
                    change(&self.house, "/api/v1/redact", &asked).await;
                    for span in self.spans.iter_mut().filter(|span| span.number == number) {
                        span.number = usize::MAX;
                    }
                }
            }
        }
    }

    async fn check(&self, dice: &mut Dice, when: &str) {
        let minutes =
            |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap() * MINUTE;
        let from = T0 + minutes(dice, 200) + [0, 123_456][dice.below(2)];
        let to = from + MINUTE + minutes(dice, 200) + [0, 7][dice.below(2)];
        let range = (dice.below(4) > 0).then_some((from, to));
        let within =
            |span: &&Span| range.is_none_or(|(from, to)| (from..to).contains(&span.start_ns));
        let expected = expected(&self.spans.iter().filter(within).collect::<Vec<_>>());
        for turn in ["first", "again"] {
            let (answer, ..) = services(&self.house, range).await;
            assert_eq!(answer, expected, "{when}, {turn}: {range:?}");
        }
    }
}

async fn play(seed: u64, steps: usize, house: House) -> World {
    let mut world = World {
        house,
        spans: Vec::new(),
        sent: 0,
    };
    evolve(&mut world, seed, (steps, 2), World::step, World::check).await;
    assert!(world.spans.len() > 50);
    world
}

#[tokio::test]
async fn services_are_what_the_spans_say_with_those_of_files_in_memory() {
    let world = play(0, 20, House::new().await).await;
    world.house.storage.flush().await.unwrap();
    let (first, ..) = services(&world.house, None).await;
    assert_eq!(services(&world.house, None).await, (first, 0, 0));
}

#[tokio::test]
async fn services_are_what_the_spans_say_without_anything_in_memory() {
    play(2, 10, House::without_caches().await).await;
}

/// A file for each of four hours, with a span a second.
async fn four_hours() -> (House, Vec<Span>) {
    let mut dice = Dice(5);
    let span = |second: i64, dice: &mut Dice| Span {
        start_ns: T0 + second * SECOND,
        ..Span::random(dice)
    };
    let spans: Vec<Span> = (0..4 * 3_600)
        .map(|second| span(second, &mut dice))
        .collect();
    let house = House::new().await;
    for (at, hour) in spans.chunks(3_600).enumerate() {
        append(&house, &otlp(1 + at * 3_600, hour)).await;
    }
    house.storage.flush().await.unwrap();
    (house, spans)
}

#[tokio::test]
async fn a_range_that_moves_reads_little_of_the_files_that_it_cuts() {
    assert_eq!(T0 % HOUR, 0);
    let (house, spans) = four_hours().await;
    let all = spans.iter().collect::<Vec<_>>();
    let (answer, cold_files, cold_bytes) = services(&house, None).await;
    assert_eq!((&answer, cold_files), (&expected(&all), 4));
    assert_eq!(services(&house, None).await, (answer, 0, 0));
    // Whole hours are known from then on, of whatever range.
    let (_, files, bytes) = services(&house, Some((T0 + HOUR, T0 + 3 * HOUR))).await;
    assert_eq!((files, bytes), (0, 0));
    // An end is counted once more, in buckets.
    let ends = |minute: i64| {
        (
            T0 + (30 + minute) * MINUTE,
            T0 + 3 * HOUR + (30 + minute) * MINUTE,
        )
    };
    let (_, files, _) = services(&house, Some(ends(0))).await;
    assert_eq!(files, 2);
    for minute in 1..12 {
        let (from, to) = ends(minute);
        let within = |span: &&Span| (from..to).contains(&span.start_ns);
        let (answer, files, bytes) = services(&house, Some((from, to))).await;
        assert_eq!(
            answer,
            expected(&spans.iter().filter(within).collect::<Vec<_>>())
        );
        let on_buckets = minute % 5 == 0;
        assert!(files <= if on_buckets { 1 } else { 3 }, "{minute}: {files}");
        assert!(bytes < cold_bytes, "{minute}: {bytes} of {cold_bytes}");
        let (again, files, _) = services(&house, Some((from, to))).await;
        assert_eq!(again, answer);
        assert_eq!(files, if on_buckets { 0 } else { 2 }, "{minute}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_missed_each_time() {
    let (house, _) = four_hours().await;
    house.break_pages(Table::Spans);
    for _ in 0..3 {
        let (status, answer) = house.try_get("/api/v1/services", &[]).await;
        if status == 200 {
            assert_eq!(answer["complete"], false, "{answer}");
            let counts = list(&answer["services"]).iter();
            let counts = counts.map(|service| service["span_count"].as_u64().unwrap());
            assert_eq!(counts.sum::<u64>(), 3 * 3_600);
        } else {
            assert_eq!(answer["error"]["code"], "corrupt", "{answer}");
        }
    }
}

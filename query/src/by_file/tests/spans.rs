//! Figures of spans: put together from files, they are those of all spans at once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{HOUR, MINUTE};
use crate::testing::{Dice, House, SECOND, T0};
use crate::trace::tests::append;

/// A span: start, duration, service and whether it failed.
type Span = (i64, i64, &'static str, bool);

fn random(dice: &mut Dice, count: usize) -> Vec<Span> {
    let small = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
    let span = |_| {
        let hour = small(dice, 2) * HOUR;
        let start = T0 + hour + small(dice, 3_600) * SECOND;
        let service = ["cart", "checkout", "payment"][dice.below(3)];
        (
            start,
            small(dice, 1_000_000) + 1,
            service,
            dice.below(4) == 0,
        )
    };
    (0..count).map(span).collect()
}

fn otlp(first: usize, spans: &[Span]) -> Value {
    let spans = spans.iter().zip(first..);
    let resources: Vec<Value> = spans
        .map(|((start, duration, service, failed), id)| {
            json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "x", "kind": 2,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + duration).to_string(),
                    "status": {"code": if *failed { 2 } else { 0 }}}]}]})
        })
        .collect();
    json!({"resourceSpans": resources})
}

async fn histogram(house: &House, parameters: &[(&str, &str)]) -> (Value, u64) {
    let before = house.opened_files();
    let mut answer = house.get("/api/v1/spans/histogram", parameters).await;
    assert_eq!(answer["complete"], true, "{answer}");
    for changing in ["elapsed_ms", "scanned_bytes", "snapshot"] {
        answer.as_object_mut().unwrap().remove(changing);
    }
    (answer, house.opened_files() - before)
}

/// The `percent`th percentile by nearest rank.
fn ranked(durations: &mut [i64], percent: usize) -> Option<i64> {
    durations.sort_unstable();
    let at = (durations.len() * percent).div_ceil(100).checked_sub(1)?;
    durations.get(at).copied()
}

/// Series of an answer by name, as its buckets must be. Percentiles of few spans are exact.
fn expected(answer: &Value, spans: &[Span], by_service: bool) -> BTreeMap<String, Vec<Value>> {
    let number = |key: &str| answer[key].as_str().unwrap().parse::<i64>().unwrap();
    let (start, end) = (number("start_unix_nano"), number("end_unix_nano"));
    let width = answer["bucket_ns"].as_i64().unwrap();
    let count = usize::try_from((end - start) / width).unwrap();
    let mut cells: BTreeMap<&str, Vec<(u64, Vec<i64>)>> = BTreeMap::new();
    for (time, duration, service, failed) in spans {
        let name = if by_service { service } else { "" };
        let at = usize::try_from((time - start) / width).unwrap();
        let cells = cells
            .entry(name)
            .or_insert_with(|| vec![(0, Vec::new()); count]);
        cells[at].0 += u64::from(*failed);
        cells[at].1.push(*duration);
    }
    let told = |(errors, mut durations): (u64, Vec<i64>)| {
        assert!(durations.len() <= 256, "percentiles are exact");
        let [p50, p95, p99] = [50, 95, 99].map(|percent| ranked(&mut durations, percent));
        json!([durations.len(), errors, p50, p95, p99])
    };
    cells
        .into_iter()
        .map(|(name, cells)| (name.to_owned(), cells.into_iter().map(told).collect()))
        .collect()
}

fn told(answer: &Value) -> BTreeMap<String, Vec<Value>> {
    let series = answer["series"].as_array().unwrap().iter();
    series
        .map(|series| {
            let list = |key: &str| series[key].as_array().unwrap().clone();
            let lists = ["span_count", "error_count", "p50_ns", "p95_ns", "p99_ns"].map(list);
            let cells =
                (0..lists[0].len()).map(|at| lists.iter().map(|list| list[at].clone()).collect());
            (
                series["name"].as_str().unwrap_or_default().to_owned(),
                cells.collect(),
            )
        })
        .collect()
}

async fn play(house: House, keeps: bool) {
    let mut dice = Dice(7);
    let mut spans = Vec::new();
    for step in 0..10 {
        let more = random(&mut dice, 40);
        append(&house, &otlp(1 + spans.len(), &more)).await;
        spans.extend(more);
        match dice.below(4) {
            0 => {}
            1 => house.storage.compact().await.unwrap(),
            _ => house.storage.flush().await.unwrap(),
        }
        for turn in 0..2 {
            let minutes =
                |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap() * MINUTE;
            let from = T0 + minutes(&mut dice, 60) + [0, 123_456][dice.below(2)];
            let to = from + MINUTE + minutes(&mut dice, 80);
            let range = [from, to].map(|at| at.to_string());
            let buckets = ["10", "24", "60"][dice.below(3)];
            let mut parameters = vec![
                ("start", range[0].as_str()),
                ("end", &range[1]),
                ("buckets", buckets),
            ];
            let by_service = dice.below(2) == 0;
            if by_service {
                parameters.push(("by", "service_name"));
            }
            let within = |span: &&Span| (from..to).contains(&span.0);
            let within: Vec<Span> = spans.iter().filter(within).copied().collect();
            for again in [false, true] {
                let (answer, _) = histogram(&house, &parameters).await;
                let mut expected = expected(&answer, &within, by_service);
                if !by_service && within.is_empty() {
                    expected = told(&answer);
                    assert_eq!(answer["total"], 0);
                }
                assert_eq!(
                    told(&answer),
                    expected,
                    "step {step} {turn} {again} {parameters:?}"
                );
            }
        }
    }
    house.storage.flush().await.unwrap();
    let parameters = [("by", "service_name")];
    let (first, _) = histogram(&house, &parameters).await;
    let (second, read) = histogram(&house, &parameters).await;
    assert_eq!((second, read == 0), (first, keeps));
}

#[tokio::test]
async fn figures_are_what_the_spans_say_with_those_of_files_in_memory() {
    play(House::new().await, true).await;
}

#[tokio::test]
async fn figures_are_what_the_spans_say_without_anything_in_memory() {
    play(House::without_caches().await, false).await;
}

/// More spans of a bucket than are kept one by one.
#[tokio::test]
async fn many_spans_of_files_are_told_as_if_they_were_in_one() {
    let mut dice = Dice(3);
    let (many, one) = (House::new().await, House::without_caches().await);
    let spans = random(&mut dice, 3_000);
    for (at, part) in spans.chunks(500).enumerate() {
        append(&many, &otlp(1 + at * 500, part)).await;
        many.storage.flush().await.unwrap();
    }
    append(&one, &otlp(1, &spans)).await;
    for parameters in [
        &[("buckets", "2")][..],
        &[("buckets", "3"), ("by", "service_name")],
    ] {
        let (expected, _) = histogram(&one, parameters).await;
        let (cold, _) = histogram(&many, parameters).await;
        let (warm, read) = histogram(&many, parameters).await;
        assert_eq!((&cold, &warm, read), (&expected, &expected, 0));
    }
}

//! Patterns of texts: put together from files, they are those of all records.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::differential::{Record, World};
use super::{MINUTE, evolve, three_hours};
use crate::language::level_of;
use crate::otlp::sample::list;
use crate::parameters::format_time;
use crate::testing::{Dice, House, T0};

/// What the answer must say of the records with one text.
fn expected(records: &[&Record], since: Option<i64>, answer: &Value) -> Option<Value> {
    let is_current = |record: &&&Record| since.is_none_or(|since| record.time_ns >= since);
    let current: Vec<&&Record> = records.iter().filter(is_current).collect();
    let times = || current.iter().map(|record| record.time_ns);
    let (first, last) = (times().min()?, times().max()?);
    let mut levels: BTreeMap<&str, u64> = BTreeMap::new();
    let mut services: BTreeMap<&str, u64> = BTreeMap::new();
    let start: i64 = answer["start_unix_nano"].as_str().unwrap().parse().unwrap();
    let width = answer["bucket_ns"].as_i64().unwrap();
    let mut counts = vec![0_u64; list(&answer["patterns"][0]["counts"]).len()];
    for record in &current {
        *levels.entry(level_of(record.severity, None)).or_default() += 1;
        *services.entry(record.service).or_default() += 1;
        counts[usize::try_from((record.time_ns - start) / width).unwrap()] += 1;
    }
    let mut services: Vec<(&str, u64)> = services.into_iter().collect();
    services.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let service = |(name, count)| json!({"service_name": name, "count": count});
    let before = records.len() - current.len();
    Some(json!({
        "template": if records[0].is_odd { "an odd line" } else { "a line" },
        "count": current.len(), "baseline_count": since.map(|_| before), "new": since.map(|_| before == 0),
        "first_seen": format_time(first), "last_seen": format_time(last), "levels": levels, "counts": counts,
        "services": services.into_iter().map(service).collect::<Vec<_>>(), "service_count": 0,
    }))
}

impl World {
    async fn check_patterns(&self, dice: &mut Dice, when: &str) {
        let minutes =
            |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap() * MINUTE;
        let from = T0 + minutes(dice, 120) + [0, 7][dice.below(2)];
        let to = from + MINUTE + minutes(dice, 90);
        let (start, end) = (from.to_string(), to.to_string());
        let buckets = ["1", "7", "30", "60"][dice.below(4)];
        let mut parameters = vec![("buckets", buckets)];
        let (mut within, mut since) = (i64::MIN..i64::MAX, None);
        match dice.below(4) {
            // The period before is as long.
            0 | 1 => {
                parameters.extend([("start", start.as_str()), ("end", &end)]);
                (within, since) = (from - (to - from)..to, Some(from));
            }
            2 => {
                parameters.push(("since", &start));
                since = Some(from);
            }
            _ => {}
        }
        let found = |is_odd: bool| {
            let records = self.records.iter();
            let found = records
                .filter(|record| record.is_odd == is_odd && within.contains(&record.time_ns));
            found.collect::<Vec<_>>()
        };
        for turn in ["first", "again"] {
            let answer = self.house.get("/api/v1/logs/patterns", &parameters).await;
            let about = format!("{when}, {turn}: {parameters:?}");
            assert_eq!(answer["complete"], true, "{about}");
            let mut patterns = list(&answer["patterns"]).to_vec();
            patterns.sort_by_key(|pattern| pattern["template"].to_string());
            for pattern in &mut patterns {
                let pattern = pattern.as_object_mut().unwrap();
                for other in ["query", "share", "sample_id", "sample_time_unix_nano"] {
                    pattern.remove(other);
                }
                assert_eq!(pattern["service_count"], list(&pattern["services"]).len());
                pattern["service_count"] = json!(0);
            }
            let told = [false, true].map(|is_odd| expected(&found(is_odd), since, &answer));
            let told: Vec<Value> = told.into_iter().flatten().collect();
            assert_eq!(json!(patterns), json!(told), "{about}");
        }
    }
}

async fn play(seed: u64, steps: usize, house: House) {
    let mut world = World::new(house);
    evolve(
        &mut world,
        seed,
        (steps, 2),
        World::step,
        World::check_patterns,
    )
    .await;
}

#[tokio::test]
async fn patterns_are_what_the_records_say_with_those_of_files_in_memory() {
    play(0, 16, House::new().await).await;
}

#[tokio::test]
async fn patterns_are_what_the_records_say_without_anything_in_memory() {
    play(2, 8, House::without_caches().await).await;
}

#[tokio::test]
async fn the_text_of_a_file_is_read_once() {
    let house = three_hours().await;
    let at = |minute: i64| (T0 + minute * MINUTE).to_string();
    let asked = async |path: &str, parameters: &[(&str, &str)]| {
        let before = house.opened_files();
        let mut answer = house.get(path, parameters).await;
        for changing in ["elapsed_ms", "scanned_bytes"] {
            answer.as_object_mut().unwrap().remove(changing);
        }
        (answer, house.opened_files() - before)
    };
    let (start, end) = (at(60), at(180));
    let ours = [("start", start.as_str()), ("end", &end), ("query", "line")];
    let loki = [
        ("start", start.as_str()),
        ("end", &end),
        ("step", "1m"),
        ("query", "{} |= \"line\""),
    ];
    // What came before is the baseline.
    let (first, cold) = asked("/api/v1/logs/patterns", &ours).await;
    assert_eq!(cold, 3);
    assert_eq!(asked("/api/v1/logs/patterns", &ours).await, (first, 0));
    let (first, cold) = asked("/loki/api/v1/patterns", &loki).await;
    assert_eq!(cold, 2);
    assert_eq!(asked("/loki/api/v1/patterns", &loki).await, (first, 0));
}

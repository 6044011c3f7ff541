//! What Loki's routes count of files is what they count entry by entry, which they do of pipelines that take
//! lines or labels apart: here, of one that takes away a label that there is not.

use serde_json::Value;

use super::differential::World;
use super::{MINUTE, evolve, logs, three_hours};
use crate::testing::{Dice, House, SECOND, T0};

const SELECTORS: [&str; 5] = [
    "{}",
    "{service_name=\"cart\"}",
    "{service_name!=\"cart\", level=~\"error|warn\"}",
    "{service_name=~\".+\", color=\"red\"}",
    "{level=\"\"}",
];
const FILTERS: [&str; 5] = [
    "",
    "|= \"odd\"",
    "!= \"odd\"",
    "|~ \"^an? (odd )?line$\"",
    "|> \"a <_>\"",
];
const NOTHING: &str = "| drop nothing_at_all";

/// The answer with how much was counted of its stats, but not how much of that was read.
async fn ask(house: &House, path: &str, parameters: &[(&str, &str)]) -> Value {
    let mut answer = house.get(&format!("/loki/api/v1/{path}"), parameters).await;
    if let Some(stats) = answer.pointer_mut("/data/stats") {
        let counted = ["totalBytesProcessed", "totalLinesProcessed"];
        *stats = counted.map(|name| stats["summary"][name].clone()).into();
    }
    answer
}

fn time(minute: i64) -> i64 {
    T0 + minute * MINUTE
}

impl World {
    async fn check_loki(&self, dice: &mut Dice, when: &str) {
        let small = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
        let step = ["15s", "1m", "5m", "17m", "1h"][dice.below(5)];
        let start = time(small(dice, 60)) + [0, 0, 15 * SECOND, 7][dice.below(4)];
        let end = start + (1 + small(dice, 150)) * MINUTE;
        let (start, end) = (start.to_string(), end.to_string());
        let logs = |dice: &mut Dice| {
            let selector = dice.one_of(&SELECTORS);
            format!("{selector} {}", dice.one_of(&FILTERS))
        };
        let query = logs(dice);
        let (path, query) = match dice.below(6) {
            0 => ("index/stats", query),
            1 => ("index/volume", query),
            2 => ("index/volume_range", query),
            3 => ("series", query),
            which => {
                let function = dice.one_of(&[
                    "count_over_time",
                    "rate",
                    "bytes_over_time",
                    "bytes_rate",
                    "absent_over_time",
                ]);
                let window = dice.one_of(&["[1m]", "[5m]", "[1h]", "[10m] offset 3m", "[33s]"]);
                let by = dice.one_of(&[
                    " by (level)",
                    " by (color, service_name)",
                    "",
                    " by (number)",
                ]);
                let path = ["query", "query_range"][which % 2];
                (path, format!("sum{by} ({function}({query}@ {window}))"))
            }
        };
        let [plain, apart] = ["", NOTHING].map(|stage| {
            if query.contains('@') {
                query.replace('@', stage)
            } else {
                format!("{query} {stage}")
            }
        });
        let asked = |query: &str| {
            let name = if path == "series" { "match[]" } else { "query" };
            [
                (name, query.to_owned()),
                ("start", start.clone()),
                ("end", end.clone()),
                ("time", end.clone()),
                ("step", step.to_owned()),
            ]
        };
        let (plain, apart) = (asked(&plain), asked(&apart));
        let [plain, apart] = [&plain, &apart].map(|asked| {
            asked
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect::<Vec<_>>()
        });
        let expected = ask(&self.house, path, &apart).await;
        for turn in ["first", "again"] {
            let answer = ask(&self.house, path, &plain).await;
            assert_eq!(answer, expected, "{when}, {turn}: {path} {plain:?}");
        }
    }
}

async fn play(seed: u64, steps: usize, house: House) {
    let mut world = World::new(house);
    evolve(&mut world, seed, (steps, 4), World::step, World::check_loki).await;
}

#[tokio::test]
async fn what_is_kept_of_files_changes_no_number_of_loki() {
    play(0, 16, House::new().await).await;
}

#[tokio::test]
async fn without_anything_in_memory_loki_says_the_same() {
    play(2, 8, House::without_caches().await).await;
}

/// The answer, and how many files were opened for it.
async fn opened(house: &House, path: &str, parameters: &[(&str, &str)]) -> (Value, u64) {
    let before = house.opened_files();
    let answer = ask(house, path, parameters).await;
    (answer, house.opened_files() - before)
}

#[tokio::test]
async fn a_second_query_opens_no_file_and_one_that_moves_only_what_it_cuts() {
    let house = three_hours().await;
    let query = "sum by (level) (count_over_time({service_name=~\".+\"} |= \"line\" [1m]))";
    let at = |minute: i64| time(minute).to_string();
    let over = async |from: i64, to: i64| {
        let (start, end) = (at(from), at(to));
        let parameters = [
            ("query", query),
            ("start", &start),
            ("end", &end),
            ("step", "1m"),
        ];
        opened(&house, "query_range", &parameters).await
    };
    let (first, cold) = over(0, 180).await;
    assert_eq!((over(0, 180).await, cold), ((first, 0), 3));
    for minute in 1..9 {
        let (answer, read) = over(20 + minute, 170 + minute).await;
        assert_eq!(read, 0, "{minute}: {answer}");
    }
    // Coarser steps are made of finer ones.
    let (start, end) = (at(0), at(180));
    let coarser = query.replace("[1m]", "[30m]");
    let parameters = [
        ("query", coarser.as_str()),
        ("start", &start),
        ("end", &end),
        ("step", "30m"),
    ];
    let (answer, read) = opened(&house, "query_range", &parameters).await;
    assert_eq!(read, 0, "{answer}");
    // How much there is, and of which streams.
    let parameters = [
        ("query", "{service_name=\"cart\"}"),
        ("start", &start),
        ("end", &end),
    ];
    for path in ["index/stats", "index/volume", "series"] {
        let mut parameters = parameters;
        if path == "series" {
            parameters[0].0 = "match[]";
        }
        let (first, cold) = opened(&house, path, &parameters).await;
        let again = opened(&house, path, &parameters).await;
        assert_eq!((again, cold), ((first, 0), 3), "{path}");
    }
    // What is new is counted.
    let (before, _) = opened(&house, "index/stats", &parameters).await;
    house.append(&logs(1)).await;
    let (after, read) = opened(&house, "index/stats", &parameters).await;
    assert_eq!(read, 0);
    let entries = |answer: &Value| answer["entries"].as_u64().unwrap();
    assert_eq!((entries(&before), entries(&after)), (90, 120));
}

//! Statements that count rows by columns say the same cold, warm and where nothing is kept, and what a statement says that
//! reads all rows each time.

use serde_json::{Value, json};

use super::differential::World;
use super::{HOUR, MINUTE, evolve, three_hours};
use crate::testing::{Dice, House, Log, T0};

/// What is counted, by what and of which rows; with `{rows}` in the place of the number of rows.
const STATEMENTS: [&str; 14] = [
    "SELECT service_name, severity_text, {rows} AS n FROM logs GROUP BY service_name, severity_text ORDER BY n DESC, 1",
    "SELECT service_name, \"attributes.color\" AS color, {rows} FROM logs GROUP BY 1, 2",
    "SELECT \"attributes.number\", {rows} FROM logs WHERE \"attributes.color\" = 'red' GROUP BY 1",
    "SELECT attr('color') AS color, severity_number, {rows} FROM logs WHERE matches(body, 'odd') GROUP BY 1, 2",
    "SELECT {rows} FROM logs",
    "SELECT {rows} FROM logs WHERE matches(body, 'nothing of the kind')",
    "SELECT {rows} FROM logs WHERE severity_number >= 13 AND service_name <> 'cart'",
    "SELECT l.service_name, {rows} FROM logs l WHERE l.time >= {from} AND l.time < {to} GROUP BY 1",
    "SELECT \"attributes.color\", {rows} FROM logs WHERE time > {from} AND {to} >= time AND NOT matches(body, 'odd') GROUP BY 1",
    "SELECT service_name, {rows} FROM logs GROUP BY service_name HAVING {rows} > 5",
    "SELECT s, sum(n) FROM (SELECT service_name AS s, \"attributes.color\" AS c, {rows} AS n FROM logs GROUP BY 1, 2) GROUP BY s",
    "SELECT service_name, {rows} FROM logs WHERE search('color:red OR level:error') GROUP BY 1",
    "SELECT DISTINCT service_name, \"attributes.color\" FROM logs WHERE time < {to}",
    "SELECT record_id, {rows} FROM logs GROUP BY record_id",
];

/// The number of rows in a way that is not kept.
const READ: &str = "coalesce(sum(CASE WHEN record_id IS NULL THEN 0 ELSE 1 END), 0)";

async fn rows(house: &House, sql: &str) -> Vec<String> {
    let answer = house.sql(sql).await;
    assert_eq!(answer["complete"], true, "{sql}");
    let rows = answer["rows"].as_array().unwrap().iter();
    let mut rows: Vec<String> = rows.map(Value::to_string).collect();
    rows.sort_unstable();
    rows
}

async fn check(world: &World, dice: &mut Dice, when: &str) {
    let statement = dice.one_of(&STATEMENTS);
    let instant = |dice: &mut Dice| {
        let minute = i64::try_from(dice.below(190)).unwrap() - 5;
        let shift = i64::try_from(dice.below(2)).unwrap() * 12_345_678_901;
        T0 + minute * MINUTE + shift
    };
    let (a, b) = (instant(dice), instant(dice));
    let statement = statement
        .replace("{from}", &format!("to_timestamp_nanos({})", a.min(b)))
        .replace("{to}", &format!("to_timestamp_nanos({})", a.max(b)));
    let counted = statement.replace("{rows}", "count(*)");
    let read = match statement.replace("SELECT DISTINCT ", "SELECT ") {
        // Of rows of which no more than so many are taken.
        rows if rows != statement => format!("SELECT DISTINCT * FROM ({rows} LIMIT 1000000)"),
        _ => statement.replace("{rows}", READ),
    };
    let expected = rows(&world.house, &read).await;
    for turn in ["first", "again"] {
        let found = rows(&world.house, &counted).await;
        assert_eq!(found, expected, "{when}, {turn}: {counted}");
    }
}

async fn play(seed: u64, steps: usize, house: House) {
    let mut world = World::new(house);
    evolve(&mut world, seed, (steps, 4), World::step, check).await;
    assert!(world.records.len() > 50);
}

#[tokio::test]
async fn groups_are_what_reading_all_rows_says_with_counts_in_memory() {
    for seed in 20..22 {
        play(seed, 24, House::new().await).await;
    }
}

#[tokio::test]
async fn groups_are_what_reading_all_rows_says_without_anything_in_memory() {
    play(22, 12, House::without_caches().await).await;
}

/// How many files were opened for a statement.
async fn opened(house: &House, sql: &str) -> (Value, u64) {
    let before = house.opened_files();
    let answer = house.sql(sql).await;
    (answer["rows"].clone(), house.opened_files() - before)
}

#[tokio::test]
async fn a_statement_that_counts_by_columns_opens_no_file_again() {
    let house = three_hours().await;
    let by_both = "SELECT service_name, attr('color') AS c, count(*) AS n FROM logs GROUP BY 1, 2 ORDER BY n DESC, 1, 2";
    let expected = json!([
        ["cart", "blue", 72],
        ["checkout", "blue", 72],
        ["cart", "red", 18],
        ["checkout", "red", 18],
    ]);
    assert_eq!(opened(&house, by_both).await, (expected.clone(), 3));
    assert_eq!(opened(&house, by_both).await, (expected, 0));
    // What has come since is read, and nothing else.
    house.append(&[Log::at(T0 + HOUR, "late")]).await;
    let (rows, files) = opened(&house, by_both).await;
    assert_eq!((&rows[4], files), (&json!(["checkout", null, 1]), 0));
    // The catalog knows how many rows there are, and of words that are few how many have each.
    let all = opened(&house, "SELECT count(*) FROM logs").await;
    assert_eq!(all, (json!([[181]]), 0));
    let by_service = "SELECT service_name, count(*) FROM logs GROUP BY 1 ORDER BY 1";
    let by_service = opened(&house, by_service).await;
    assert_eq!(by_service, (json!([["cart", 90], ["checkout", 91]]), 0));
    // A part of an hour is kept in buckets of minutes.
    let of_part = "SELECT service_name, count(*) FROM logs WHERE time >= '2023-01-29T08:30:00Z' GROUP BY 1 ORDER BY 1";
    let expected = json!([["cart", 75], ["checkout", 76]]);
    assert_eq!(opened(&house, of_part).await.0, expected);
    assert_eq!(opened(&house, of_part).await, (expected, 0));
}

#[tokio::test]
async fn an_explanation_is_of_reading_rows_and_a_broken_file_is_said() {
    let house = three_hours().await;
    let sql = "SELECT service_name, attr('color') AS c, count(*) FROM logs GROUP BY 1, 2";
    house.sql(sql).await;
    let explained = house.sql(&format!("EXPLAIN ANALYZE {sql}")).await;
    assert_eq!(explained["scans"][0]["ran"], true, "{explained}");
    // Of what is counted for the first time.
    house.break_pages(spoor_storage::Table::Logs);
    let sql = "SELECT attr('color') AS c, service_name, count(*) FROM logs GROUP BY 1, 2";
    for _ in 0..2 {
        let (status, answer) = house.try_sql(sql).await;
        if status == 200 {
            assert_eq!(answer["complete"], false, "{answer}");
            let rows = answer["rows"].as_array().unwrap();
            let counted: i64 = rows.iter().filter_map(|row| row[2].as_i64()).sum();
            assert_eq!(counted, 120);
        } else {
            assert_eq!(answer["error"]["code"], "corrupt", "{answer}");
        }
    }
}

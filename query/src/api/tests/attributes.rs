//! An attribute is the same wherever it lies: in the buffer, in a column of a file, in its map.

use datafusion::physical_plan::displayable;
use spoor_storage::{Table, TenantId};

use super::*;
use crate::{QueryEngine, language};

/// Common keys of one type, of several, rare ones, ones that rows have twice, doubles of every
/// kind, in two orders.
fn rows() -> Vec<Log> {
    (0..3_000)
        .map(|at| {
            let mut log = Log::at(T0 + at * SECOND, format!("line {at}"))
                .with("route", format!("/api/{}", at % 7), 's')
                .with("size", at * 1_000_003, 'i');
            let ratio = match at % 40 {
                0 => "NaN".to_owned(),
                1 => "Infinity".to_owned(),
                2 => "-0".to_owned(),
                3 => "1e-7".to_owned(),
                _ => format!("{}", at as f64 / 8.0),
            };
            log = log.with("ratio", ratio, 'd');
            if at % 2 == 0 {
                log = log.with("cached", at % 4 == 0, 'b');
            }
            if at % 30 == 0 {
                // Not an integer: most rows have one.
                log = log.with("mixed", "many", 's');
            } else {
                log = log.with("mixed", at % 5, 'i');
            }
            if at % 50 == 0 {
                log = log.with("rare", at, 'i').with("route", "second", 's');
            }
            if at % 3 == 0 {
                log.attributes.reverse();
            }
            log.body_fields = vec![("user", format!("u{}", at % 100), 's')];
            log.resource.push(("route", "of the resource".into(), 's'));
            log
        })
        .collect()
}

const STATEMENTS: &[&str] = &[
    "SELECT attributes, resource_attributes, body_fields, record_id FROM logs ORDER BY record_id",
    "SELECT attribute_types, resource_attribute_types, body_field_types FROM logs ORDER BY record_id",
    "SELECT attributes['route'] AS r, count(*) FROM logs GROUP BY r ORDER BY r",
    "SELECT \"attributes.size\" + 1 AS s FROM logs ORDER BY s DESC LIMIT 5",
    "SELECT \"attributes.ratio\", record_id FROM logs ORDER BY record_id LIMIT 50",
    "SELECT \"attributes.cached\", count(*) FROM logs GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM logs WHERE \"attributes.cached\"",
    "SELECT \"attributes.mixed\", count(*) FROM logs GROUP BY 1 ORDER BY 1",
    "SELECT \"attributes.rare\", attr('rare'), attr('nowhere') FROM logs WHERE \"attributes.rare\" > 2000 ORDER BY record_id",
    "SELECT attr('route') AS r, count(*) FROM logs WHERE attr('user') IN ('u1', 'u2') GROUP BY r ORDER BY r",
    "SELECT \"resource.route\", count(*) FROM logs WHERE attributes['mixed'] = 'many' GROUP BY 1",
    "SELECT a.attributes['size'] AS s, count(*) FROM logs a JOIN logs b ON a.attributes['size'] = b.attributes['size'] WHERE a.\"attributes.size\" < 5000000 GROUP BY s ORDER BY s",
    "SELECT count(*) FROM logs WHERE attributes['route'] = 'second' OR attributes['rare'] IS NOT NULL",
];

const SEARCHES: &[&str] = &[
    "route:/api/3",
    "route:second",
    "size:>=2900000000",
    "ratio:<0.5",
    "ratio:>100000000",
    "cached:true user:u12",
    "mixed:many",
    "mixed:<3 rare:>=100",
    "has:rare",
    "-has:rare route:/api/*",
    "resource.route:~resource size:<3000000",
    "nowhere:x",
    "-nowhere:x rare:0",
];

async fn answers(house: &House) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    for sql in STATEMENTS {
        let answer = house.sql(sql).await;
        answers.push(((*sql).to_owned(), answer["rows"].clone()));
    }
    for query in SEARCHES {
        let parameters = [("query", *query), ("limit", "1000")];
        let answer = house.get("/api/v1/logs", &parameters).await;
        answers.push(((*query).to_owned(), answer["logs"].clone()));
    }
    answers
}

#[tokio::test]
async fn attributes_are_the_same_in_the_buffer_and_in_files() {
    let house = House::new().await;
    let rows = rows();
    let (first, second) = rows.split_at(1_500);
    house.append(first).await;
    house.append(second).await;
    let buffered = answers(&house).await;
    house.storage.flush().await.unwrap();
    let in_files = answers(&house).await;
    for ((query, expected), (_, found)) in buffered.iter().zip(&in_files) {
        assert_eq!(expected, found, "{query}");
    }
    let empty: Vec<&str> = buffered
        .iter()
        .filter(|(_, answer)| *answer == json!([]))
        .map(|(query, _)| query.as_str())
        .collect();
    assert_eq!(empty, ["nowhere:x"], "or sameness says nothing");

    // Half in a file, half in the buffer.
    let house = House::new().await;
    house.append(first).await;
    house.storage.flush().await.unwrap();
    house.append(second).await;
    let mixed = answers(&house).await;
    for ((query, expected), (_, found)) in buffered.iter().zip(&mixed) {
        assert_eq!(expected, found, "{query}");
    }
}

#[tokio::test]
async fn a_search_asks_files_for_its_attributes_and_not_for_maps() {
    let house = House::new().await;
    house.append(&rows()).await;
    house.storage.flush().await.unwrap();
    house.append(&rows()).await;
    let engine = QueryEngine::new(house.storage.clone(), QueryOptions::default()).unwrap();
    let session = engine.begin(&TenantId::default()).await.unwrap();
    let query = language::parse("route:/api/3 size:>5").unwrap();
    let filter = language::to_expr(&query, Table::Logs).unwrap();
    let frame = session.table(Table::Logs).await.unwrap();
    let frame = frame
        .filter(filter)
        .unwrap()
        .select_columns(&["body"])
        .unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let shown = displayable(plan.as_ref()).indent(false).to_string();
    let scan = shown
        .lines()
        .find(|line| line.contains("file_type=parquet"))
        .unwrap();
    let columns = scan.split("projection=[").nth(1).unwrap();
    let columns = columns.split(']').next().unwrap();
    assert!(columns.contains("attribute_value("), "{shown}");
    // What is left without the calls.
    let calls = regex::Regex::new(r"attribute_value\([^)]*\)").unwrap();
    let rest = calls.replace_all(columns, "");
    assert!(
        rest.contains("body") && !rest.contains("attributes"),
        "{shown}"
    );
}

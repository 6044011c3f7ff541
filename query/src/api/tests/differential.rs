//! Promise 3: deleting every index changes no answer.

use spoor_storage::{Table, TenantId};

use super::*;
use crate::testing::{delete_indexes, rows_read};
use crate::{QueryEngine, language};

/// Enough rows that a file has many blocks, with words and values of every frequency.
fn rows(from: i64) -> Vec<Log> {
    (from..from + 9_000)
        .map(|at| {
            let mut log = Log::at(
                T0 + at * SECOND / 2,
                format!(
                    "request {at} took {} ms{}",
                    at % 97,
                    if at % 1_000 == 0 { " NEEDLE-x" } else { "" }
                ),
            )
            .with("n", at % 50, 'i')
            .with("path", format!("/api/{}", at % 7), 's');
            log.service = ["checkout", "cart", "payment"][usize::try_from(at % 3).unwrap()];
            log.severity_number = i32::try_from(at % 25).unwrap();
            if at % 11 == 0 {
                log.trace_id = Some(u128::try_from(at).unwrap().to_be_bytes());
            }
            if at % 13 == 0 {
                log.body = None;
            }
            log
        })
        .collect()
}

const SEARCHES: &[&str] = &[
    "needle",
    "needle.x request",
    "\"took 13 ms\"",
    "NEEDL*",
    "-needle n:0",
    "n:49 path:/api/3",
    "n:(1 OR 2) service:cart",
    "path:*/3 level>=error",
    "absent",
    "absent OR needle",
    "NOT (path:/api/1 OR request)",
    "trace_id:000000000000000000000000000003de",
    "000000000000000000000000000003de",
    "request 4242",
    "request -13",
    "\"request 4242\" OR needle",
    "NOT took",
    "NOT 12345",
    "1234*",
    "neadle~1",
    "*est took",
    "has:n n>48",
    "body:~\"took 1[0-9] ms\"",
    "body:~\"(needle|request 4242)\" n:3",
    "-body:~\"^request\"",
    "*:needle",
    "*:api n:3",
    "*:\"api 3\" -*:4242 OR *:~\"^1[0-9]$\"",
    "NOT *:request",
    "n:[47 TO 49} needle",
    "-n:{2 TO *] path:[/api/2 TO /api/4}",
    "level:[warn TO *] time:[2023-01-29T08:10:00Z TO 2023-01-29T08:11:00Z]",
    "n:(3 OR [40 TO 41]) request",
];

const STATEMENTS: &[&str] = &[
    "SELECT count(*), min(time), max(record_id) FROM logs WHERE matches(body, 'needle')",
    "SELECT \"attributes.n\", count(*) FROM logs WHERE \"attributes.n\" IN (3, 4) GROUP BY 1 ORDER BY 1",
    "SELECT body FROM logs WHERE attr('path') = '/api/5' AND matches(body, '\"took 20 ms\"') ORDER BY time LIMIT 5",
    "SELECT count(*) FROM logs WHERE trace_id IN ('000000000000000000000000000003de', '0000000000000000000000000000000b')",
    "SELECT body, trace_id FROM logs WHERE trace_id = '000000000000000000000000000003DE'",
    "SELECT count(*) FROM logs WHERE NOT matches(body, 'request')",
    "SELECT count(*) FROM logs WHERE matches(body, 'needle') OR service_name = 'cart'",
    "SELECT count(*), count(body) FROM logs WHERE matches(body, 'request') IS NOT TRUE",
    "SELECT count(*) FROM logs WHERE NOT (matches(body, 'request') IS TRUE)",
    "SELECT count(*) FROM logs WHERE NOT (matches(body, 'x') OR NOT matches(body, '12345 OR took'))",
    "SELECT count(*), max(record_id) FROM logs WHERE body ~ 'request [0-9]+ .*ms$'",
    "SELECT count(*) FROM logs WHERE body ~* 'NEEDLE|12345' OR body LIKE 'request 13%'",
    "SELECT count(*) FROM logs WHERE body ILIKE '%took 20 MS%' AND body NOT LIKE '%4242%'",
    "SELECT count(*) FROM logs WHERE matches(body, '-needle') AND \"attributes.n\" = 7",
    "SELECT body FROM logs WHERE matches(body, '96 OR 12345') ORDER BY time DESC LIMIT 4",
    "SELECT body FROM logs WHERE matches(body, 'needle') LIMIT 0",
    "SELECT service_name, count(*) FROM logs WHERE time >= '2023-01-29T08:10:00Z' AND time < '2023-01-29T08:20:00Z' GROUP BY 1 ORDER BY 1",
    "SELECT body FROM logs ORDER BY time DESC, record_id DESC LIMIT 3",
    "SELECT count(*) FROM logs a JOIN logs b ON a.trace_id = b.trace_id WHERE matches(a.body, 'needle')",
];

async fn answers(house: &House) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    for query in SEARCHES {
        for order in ["asc", "desc"] {
            let answer = house
                .get(
                    "/api/v1/logs",
                    &[("query", query), ("order", order), ("limit", "50")],
                )
                .await;
            assert_eq!(answer["complete"], true, "{query}");
            answers.push((
                format!("{query} {order}"),
                json!([answer["logs"], answer["next_cursor"]]),
            ));
        }
        let histogram = house
            .get("/api/v1/logs/histogram", &[("query", query)])
            .await;
        answers.push((
            format!("{query} histogram"),
            json!([histogram["series"], histogram["total"]]),
        ));
    }
    for sql in STATEMENTS {
        let answer = house.sql(sql).await;
        answers.push(((*sql).to_owned(), answer["rows"].clone()));
    }
    answers
}

/// Words that meet each other, in many cases and scripts; ids; stars.
const WORDS: [&str; 16] = [
    "request",
    "Took",
    "42",
    "7",
    "user",
    "USERS",
    "id",
    "alice",
    "bob",
    "conn12345",
    "conn99",
    "Größe",
    "ΟΔΟΣ",
    "İd",
    "K",
    "k",
];

/// A query of up to three parts.
fn random_query(random: &mut impl FnMut(usize) -> usize) -> String {
    let mut parts = Vec::new();
    for _ in 0..=random(3) {
        let word = WORDS[random(WORDS.len())];
        let other = WORDS[random(WORDS.len())];
        let cut: String = word.chars().take(2).collect();
        let part = match random(9) {
            0 => format!("\"{word} {other}\""),
            1 => format!("{word}.{other}"),
            2 => format!("{cut}*"),
            3 => format!("*{other}"),
            4 => format!("{cut}*{}", other.chars().last().unwrap_or('x')),
            5 => format!("{word}~1"),
            6 => format!("~\"{}.*|7\"", cut.to_lowercase()),
            7 => format!("({word} OR {other})"),
            _ => word.to_owned(),
        };
        let negated = random(4) == 0;
        parts.push(if negated { format!("NOT {part}") } else { part });
    }
    parts.join(if random(3) == 0 { " OR " } else { " " })
}

/// A condition on something else than the text.
fn random_condition(random: &mut impl FnMut(usize) -> usize) -> String {
    let (number, time) = (random(45), random(2_600));
    match random(8) {
        0 => format!(
            "service_name = '{}'",
            ["cart", "payment", "nobody"][random(3)]
        ),
        1 => format!("\"attributes.n\" = '{number}'"),
        2 => format!("attr('path') = '/api/{}'", random(10)),
        3 => format!("attr('path') LIKE '/api/{}%'", random(10)),
        4 => "attr('n') IS NULL".to_owned(),
        5 => format!("\"attributes.n\" <> '{number}'"),
        6 => format!("try_cast(attr('n') AS BIGINT) >= {number}"),
        _ => format!(
            "time >= to_timestamp_nanos({}) AND time < to_timestamp_nanos({})",
            T0 + i64::try_from(time).unwrap() * SECOND,
            T0 + i64::try_from(time + number * 20).unwrap() * SECOND
        ),
    }
}

/// A record with some words and some attributes.
fn random_row(random: &mut impl FnMut(usize) -> usize, at: i64) -> Log {
    let mut words: Vec<&str> = (0..random(6)).map(|_| WORDS[random(16)]).collect();
    if random(2) == 0 {
        let (who, how_long) = (WORDS[random(16)], WORDS[random(16)]);
        words = vec!["request", "of", who, "took", how_long, "ms"];
    }
    let mut log = Log::at(T0 + at * SECOND, words.join(["-", " "][random(2)]));
    if random(10) == 0 {
        log.body = None;
    }
    log.service = ["checkout", "cart", "payment"][random(3)];
    if random(2) == 0 {
        log = log.with("n", random(40), 'i');
    }
    if random(3) == 0 {
        log = log.with("path", format!("/api/{}", random(9)), 's');
    }
    if random(20) == 0 {
        log = log.with("n", WORDS[random(16)], 's');
    }
    log
}

fn random_statement(random: &mut impl FnMut(usize) -> usize) -> String {
    let test = format!("matches(body, '{}')", random_query(random));
    let test = match random(6) {
        0 => format!("NOT {test}"),
        1 => format!("{test} IS NOT TRUE"),
        2 => format!("({test} OR severity_number = 3)"),
        3 => format!("({test} OR {})", random_condition(random)),
        _ => test,
    };
    let test = match random(3) {
        0 => format!("{test} AND {}", random_condition(random)),
        1 => random_condition(random),
        _ => test,
    };
    format!("SELECT count(*), sum(record_id), count(body) FROM logs WHERE {test}")
}

/// Sends rows a few at a time: they are in the buffer and in files of any age then.
async fn scatter(house: &House, rows: &[Log]) {
    for (number, part) in rows.chunks(200).enumerate() {
        house.append(part).await;
        if number < 10 {
            house.storage.flush().await.unwrap();
        }
    }
}

async fn merge(house: &House) {
    house.storage.flush().await.unwrap();
    house.storage.compact().await.unwrap();
    assert!(merged_files(house) > 0);
}

#[tokio::test]
async fn random_queries_give_the_same_rows_wherever_they_are() {
    // The same dice every time: a linear congruence is random enough here.
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let rows: Vec<Log> = (0..2_500).map(|at| random_row(&mut random, at)).collect();
    let statements: Vec<String> = (0..60).map(|_| random_statement(&mut random)).collect();
    let house = House::new().await;
    house.append(&rows).await;
    let mut expected = Vec::new();
    for sql in &statements {
        expected.push(house.sql(sql).await["rows"].clone());
    }
    house.storage.flush().await.unwrap();
    same_rows(&house, &statements, &expected, "in a file").await;
    // The same rows again, and then in merged files.
    let house = House::new().await;
    scatter(&house, &rows).await;
    let counts = |answers: &[Value]| -> Vec<Value> {
        // Ids differ: they say in which request a record came.
        let rows = answers.iter().map(|rows| json!([rows[0][0], rows[0][2]]));
        rows.collect()
    };
    let mut scattered = Vec::new();
    for sql in &statements {
        scattered.push(house.sql(sql).await["rows"].clone());
    }
    assert_eq!(counts(&scattered), counts(&expected));
    merge(&house).await;
    same_rows(&house, &statements, &scattered, "merged").await;
    assert!(delete_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    same_rows(&house, &statements, &scattered, "without indexes").await;
    // The same requests again, to a house whose files are far away.
    let house = House::in_bucket().await;
    scatter(&house, &rows).await;
    same_rows(&house, &statements, &scattered, "in a bucket").await;
    merge(&house).await;
    for when in ["merged in a bucket", "from the cache"] {
        same_rows(&house, &statements, &scattered, when).await;
    }
    let here = delete_indexes(house.folder.path());
    assert_eq!(here, 0, "they are in the bucket");
    let mut cached = std::fs::read_dir(house.folder.path().join("cache")).unwrap();
    assert!(cached.next().is_some());
}

async fn same_rows(house: &House, statements: &[String], expected: &[Value], when: &str) {
    for (sql, expected) in statements.iter().zip(expected) {
        assert_eq!(&house.sql(sql).await["rows"], expected, "{when}: {sql}");
    }
}

/// Files that a merge has written.
fn merged_files(house: &House) -> usize {
    let snapshot = house.storage.snapshot();
    let range = spoor_storage::TimeRange::ALL;
    let files = snapshot.files(&TenantId::default(), Table::Logs, range);
    files.iter().filter(|file| file.level > 0).count()
}

#[tokio::test]
async fn answers_are_the_same_in_buffer_in_files_and_without_indexes() {
    let house = House::new().await;
    house.append(&rows(0)).await;
    house.append(&rows(9_000)).await;
    let buffered = answers(&house).await;
    // Something must be found, or sameness says nothing.
    assert!(
        buffered
            .iter()
            .filter(|(_, answer)| answer.to_string().len() > 40)
            .count()
            > 40
    );
    house.storage.flush().await.unwrap();
    let in_files = answers(&house).await;
    assert_same(&buffered, &in_files);
    assert!(delete_indexes(house.folder.path()) > 0);
    // A second house on the same files, so that no index is in a cache.
    house.storage.close().await.unwrap();
    let reopened = house.reopened().await;
    assert_same(&buffered, &answers(&reopened).await);
}

/// Of answers, what does not depend on which numbers the records were given.
fn without_ids(answers: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut answers = answers;
    answers.retain(|(query, _)| {
        query.ends_with(" histogram") || query.starts_with("SELECT") && !query.contains("record_id")
    });
    answers
}

async fn delete(house: &House, query: &str, rows: usize) {
    let body = json!({"table": "logs", "query": query, "confirm": rows});
    let body = axum::body::Body::from(body.to_string());
    let request = http::Request::post("/api/v1/delete").body(body);
    let (status, _, answer) = send(&house.admin(), request.unwrap()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        (status.as_u16(), &answer["rows"]),
        (200, &json!(rows)),
        "{query}: {answer}"
    );
}

/// Fewer than elsewhere here: they are asked about six times.
fn some_rows() -> Vec<Log> {
    let mut rows = rows(0);
    rows.truncate(4_000);
    rows
}

/// A house that never had the rows that `goes` is true for.
async fn answers_without(goes: impl Fn(usize) -> bool) -> (usize, Vec<(String, Value)>) {
    let house = House::new().await;
    let all = some_rows();
    let count = all.len();
    let kept: Vec<Log> = (0..)
        .zip(all)
        .filter(|(at, _)| !goes(*at))
        .map(|(_, row)| row)
        .collect();
    house.append(&kept).await;
    (count - kept.len(), without_ids(answers(&house).await))
}

#[tokio::test]
async fn answers_after_deletions_are_those_of_a_house_that_never_had_the_rows() {
    let mut house = House::new().await;
    house.append(&some_rows()).await;
    let goes = |at: usize| at % 50 == 7 || at % 7 == 3;
    let (gone, expected) = answers_without(goes).await;
    delete(&house, "n:7 OR path:/api/3", gone).await;
    let with_index = answers(&house).await;
    assert_same(&expected, &without_ids(with_index.clone()));
    let hidden = |house: &House| {
        let files = house.storage.snapshot().files(
            &TenantId::default(),
            Table::Logs,
            spoor_storage::TimeRange::ALL,
        );
        files.iter().filter(|file| file.hidden.is_some()).count()
    };
    assert!(hidden(&house) > 0, "nothing was written again yet");
    house.storage.close().await.unwrap();
    assert!(delete_indexes(house.folder.path()) > 0);
    house = house.reopened().await;
    assert_same(&with_index, &answers(&house).await);

    // So many more that the files are written again at once.
    let goes_too = |at: usize| !goes(at) && matches!(at % 7, 5 | 6);
    let (gone, expected) = answers_without(|at| goes(at) || goes_too(at)).await;
    let before = some_rows().len() - usize::try_from(house_rows(&house).await).unwrap();
    delete(&house, "path:(/api/5 OR /api/6)", gone - before).await;
    let hiding = answers(&house).await;
    assert_same(&expected, &without_ids(hiding.clone()));
    house.storage.retain().await.unwrap();
    assert_eq!(hidden(&house), 0);
    assert_same(&hiding, &answers(&house).await);
}

async fn house_rows(house: &House) -> u64 {
    let count = house.sql("SELECT count(*) FROM logs").await;
    count["rows"][0][0].as_u64().unwrap()
}

fn assert_same(expected: &[(String, Value)], found: &[(String, Value)]) {
    for ((query, expected), (_, found)) in expected.iter().zip(found) {
        assert_eq!(expected, found, "{query}");
    }
}

/// Rows on which Parquet evaluated the filter.
async fn rows_tested(house: &House, query: &str) -> usize {
    let engine = QueryEngine::new(house.storage.clone(), QueryOptions::default()).unwrap();
    let session = engine.begin(&TenantId::default()).await.unwrap();
    let filter = language::to_expr(&language::parse(query).unwrap(), Table::Logs).unwrap();
    let frame = session
        .table(Table::Logs)
        .await
        .unwrap()
        .filter(filter)
        .unwrap();
    rows_read(frame).await
}

#[tokio::test]
async fn the_index_leaves_texts_unread() {
    let house = House::new().await;
    house.append(&rows(0)).await;
    house.append(&rows(9_000)).await;
    house.storage.flush().await.unwrap();
    let block = usize::try_from(spoor_storage::index::BLOCK_ROWS).unwrap();
    // Words are decided by the index: no text is read. Ids are looked for in their blocks.
    assert_eq!(rows_tested(&house, "request").await, 0);
    assert_eq!(rows_tested(&house, "request NOT 4242").await, 0);
    // Row 4242 has both words, and only its text says that one does not follow the other.
    assert_eq!(rows_tested(&house, "took.4242 OR 12345").await, block + 1);
    assert_eq!(
        rows_tested(&house, "trace_id:000000000000000000000000000003de").await,
        block
    );
}

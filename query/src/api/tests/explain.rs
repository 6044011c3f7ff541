//! What `EXPLAIN` and `GET /api/v1/explain` say of how a query comes to what it reads.

use http::{Method, Request};
use serde_json::{Value, json};
use spoor_storage::{Table, TenantId, TimeRange};

use crate::testing::{House, Log, SECOND, T0, delete_indexes, send};

mod traceql;

const HOUR: i64 = 3_600 * SECOND;
/// Asks for a word in files of one service in one hour.
const TEAPOTS: &str = "SELECT count(*) FROM logs WHERE time < '2023-01-29T09:00:00Z' AND service_name = 'checkout' AND matches(body, 'teapot')";

/// Ten rows from `from` on, the first `teapots` of them with a rare word.
fn ten(from: i64, service: &'static str, teapots: i64) -> Vec<Log> {
    (0..10)
        .map(|at| {
            let what = if at < teapots { "teapot" } else { "order" };
            Log {
                service,
                trace_id: Some([u8::try_from(at).unwrap() + 1; 16]),
                ..Log::at(from + at * SECOND, format!("one {what} shipped"))
            }
        })
        .collect()
}

/// Four files of ten rows: three in the first hour, of which two are of `checkout`, of which one has
/// three teapots. Five rows are in memory.
async fn house() -> House {
    let house = House::new().await;
    for (from, service, teapots) in [
        (T0, "checkout", 0),
        (T0 + 20 * SECOND, "cart", 5),
        (T0 + 40 * SECOND, "checkout", 3),
        (T0 + HOUR, "checkout", 4),
    ] {
        house.append(&ten(from, service, teapots)).await;
        house.storage.flush().await.unwrap();
    }
    house
        .append(&ten(T0 + 60 * SECOND, "checkout", 1)[..5])
        .await;
    house
}

fn step<'a>(scan: &'a Value, name: &str) -> &'a Value {
    let mut steps = scan["steps"].as_array().unwrap().iter();
    steps.find(|step| step["step"] == name).unwrap()
}

/// Files and rows that are left after the steps whose numbers planning knows.
fn planned(scan: &Value) -> Vec<(String, u64, u64)> {
    ["snapshot", "time", "services", "index", "visible"]
        .into_iter()
        .map(|name| {
            let step = step(scan, name);
            let number = |key: &str| step[key].as_u64().unwrap();
            (name.to_owned(), number("files"), number("rows"))
        })
        .collect()
}

fn expected(steps: [(u64, u64); 5]) -> Vec<(String, u64, u64)> {
    ["snapshot", "time", "services", "index", "visible"]
        .into_iter()
        .zip(steps)
        .map(|(name, (files, rows))| (name.to_owned(), files, rows))
        .collect()
}

fn detail<'a>(scan: &'a Value, name: &str) -> &'a str {
    step(scan, name)["detail"].as_str().unwrap()
}

fn read_bytes(answer: &Value) -> u64 {
    let scans = answer["scans"].as_array().unwrap().iter();
    let steps = scans.flat_map(|scan| scan["steps"].as_array().unwrap());
    steps.filter_map(|step| step["read_bytes"].as_u64()).sum()
}

#[tokio::test]
async fn explain_counts_what_is_left_after_each_step() {
    let house = house().await;
    let answer = house.sql(&format!("EXPLAIN {TEAPOTS}")).await;
    let scan = &answer["scans"][0];
    let numbers = expected([(4, 40), (3, 30), (2, 20), (1, 3), (1, 3)]);
    assert_eq!(planned(scan), numbers, "{scan}");
    assert_eq!(
        (&scan["table"], &scan["ran"]),
        (&json!("logs"), &json!(false))
    );
    assert_eq!(
        detail(scan, "time"),
        "before 2023-01-29T09:00:00.000000000Z"
    );
    assert_eq!(detail(scan, "services"), "service_name is `checkout`");
    let index = detail(scan, "index");
    assert!(
        index.starts_with("asked for body:\"teapot\"; 2 files answered; 3 rows"),
        "{index}"
    );
    let buffer = step(scan, "buffer");
    assert_eq!(
        (&buffer["rows"], &buffer["files"]),
        (&json!(5), &json!(null))
    );
    for name in ["row_groups", "pages", "read"] {
        let step = step(scan, name);
        assert_eq!(step["rows"], json!(null), "{step}");
        assert_eq!(step["detail"], "known once it runs");
    }
    let sizes = ["snapshot", "time", "services", "index"].map(|name| &step(scan, name)["bytes"]);
    let sizes = sizes.map(|bytes| bytes.as_u64().unwrap());
    assert!(sizes.is_sorted_by(|a, b| a > b), "{sizes:?}");
    let snapshot = house.storage.snapshot();
    let files = snapshot.files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert_eq!(sizes[0], files.iter().map(|file| file.bytes).sum::<u64>());
    assert_eq!(
        read_bytes(&answer),
        answer["scanned_bytes"],
        "indexes and memory"
    );
}

#[tokio::test]
async fn explain_analyze_measures_the_rest() {
    let house = house().await;
    let answer = house.sql(&format!("EXPLAIN ANALYZE {TEAPOTS}")).await;
    let scan = &answer["scans"][0];
    let numbers = expected([(4, 40), (3, 30), (2, 20), (1, 3), (1, 3)]);
    assert_eq!(planned(scan), numbers, "{scan}");
    assert_eq!(scan["ran"], true);
    assert_eq!(step(scan, "row_groups")["row_groups"], 1);
    let read = step(scan, "read");
    assert_eq!(
        (&read["files"], &read["rows"]),
        (&json!(1), &json!(3)),
        "{read}"
    );
    assert!(read["read_bytes"].as_u64().unwrap() > 0);
    assert!(read["elapsed_ns"].as_u64().unwrap() > 0);
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    let plain = house.sql(TEAPOTS).await;
    assert_eq!(plain["rows"][0][0], 4, "three in a file, one in memory");
    assert_eq!(plain["scans"], json!(null), "nobody asked");
    // What does not only count rows is read in the same way when nobody asks.
    let newest = TEAPOTS.replace("count(*)", "max(record_id)");
    let explained = house.sql(&format!("EXPLAIN ANALYZE {newest}")).await;
    let plain = house.sql(&newest).await;
    assert_eq!(plain["scanned_bytes"], explained["scanned_bytes"]);
}

#[tokio::test]
async fn filters_of_parquet_count_row_groups_and_rows() {
    let house = house().await;
    let none = "EXPLAIN ANALYZE SELECT body FROM logs WHERE severity_number > 20";
    let answer = house.sql(none).await;
    let scan = &answer["scans"][0];
    assert_eq!(planned(scan), expected([(4, 40); 5]));
    assert!(detail(scan, "index").starts_with("not asked"), "{scan}");
    assert_eq!(step(scan, "row_groups")["row_groups"], 0, "{scan}");
    let groups = detail(scan, "row_groups");
    // Files have no bloom filters, so none is named.
    assert_eq!(
        groups,
        "of 4 in opened files statistics rule out 4, limits 0"
    );
    assert_eq!(step(scan, "read")["rows"], 0);

    let some = "EXPLAIN ANALYZE SELECT severity_number FROM logs WHERE body LIKE '%teapot%' AND time >= '2023-01-29T09:00:00Z'";
    let answer = house.sql(some).await;
    let scan = &answer["scans"][0];
    assert_eq!(step(scan, "read")["rows"], 4, "{scan}");
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
}

#[tokio::test]
async fn without_indexes_the_step_says_so_and_more_is_read() {
    let house = house().await;
    assert_eq!(delete_indexes(house.folder.path()), 4);
    let answer = house.sql(&format!("EXPLAIN ANALYZE {TEAPOTS}")).await;
    let scan = &answer["scans"][0];
    let numbers = expected([(4, 40), (3, 30), (2, 20), (2, 20), (2, 20)]);
    assert_eq!(planned(scan), numbers, "{scan}");
    let index = detail(scan, "index");
    let unusable = "2 files with an index that cannot be read: all rows may match";
    assert!(index.ends_with(unusable), "{index}");
    assert_eq!(step(scan, "read")["files"], 2);
    assert_eq!(step(scan, "read")["rows"], 3);
    let dropped = "17 rows were dropped by filters while columns were decoded";
    assert_eq!(detail(scan, "read"), dropped);
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    assert_eq!(house.sql(TEAPOTS).await["rows"][0][0], 4);
}

#[tokio::test]
async fn merged_files_are_one_and_deleted_rows_are_left_out() {
    let house = House::new().await;
    for at in 0..8 {
        let rows = ten(T0 + at * 20 * SECOND, "checkout", i64::from(at < 3));
        house.append(&rows).await;
        house.storage.flush().await.unwrap();
    }
    let explain =
        async || house.sql(&format!("EXPLAIN ANALYZE {TEAPOTS}")).await["scans"][0].clone();
    let before = explain().await;
    assert_eq!(
        planned(&before),
        expected([(8, 80), (8, 80), (8, 80), (3, 3), (3, 3)])
    );
    house.storage.compact().await.unwrap();
    let scan = explain().await;
    assert_eq!(
        planned(&scan),
        expected([(1, 80), (1, 80), (1, 80), (1, 3), (1, 3)]),
        "{scan}"
    );
    assert_eq!(step(&scan, "read")["rows"], 3);

    let delete =
        json!({"table": "logs", "query": "teapot", "start": "2023-01-29T08:00:10Z", "confirm": 2});
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/delete")
        .header("content-type", "application/json")
        .body(delete.to_string().into())
        .unwrap();
    let (status, _, body) = send(&house.admin(), request).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let scan = explain().await;
    assert_eq!(
        planned(&scan),
        expected([(1, 80), (1, 80), (1, 80), (1, 3), (1, 1)]),
        "{scan}"
    );
    assert_eq!(detail(&scan, "visible"), "2 rows are deleted or expired");
    assert_eq!(step(&scan, "read")["rows"], 1);
}

#[tokio::test]
async fn plans_come_as_they_did_with_a_row_for_each_scan() {
    let house = house().await;
    let of_few = "SELECT count(*) FROM logs WHERE trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'teapot') AND service_name = 'cart')";
    let answer = house.sql(&format!("EXPLAIN {of_few}")).await;
    let kinds: Vec<&Value> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row[0])
        .collect();
    assert_eq!(
        kinds,
        ["logical_plan", "physical_plan", "pruning", "pruning"]
    );
    let scans = answer["scans"].as_array().unwrap();
    assert_eq!(scans[0]["ran"], true, "read first: {}", scans[0]);
    assert_eq!(step(&scans[0], "read")["rows"], 5);
    assert_eq!(scans[1]["ran"], false);
    assert!(
        detail(&scans[1], "index").starts_with("asked for 5 trace ids"),
        "{}",
        scans[1]
    );
    let text = answer["rows"][3][1].as_str().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "logs, as planned");
    let words: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(&words[..5], ["snapshot", "4", "-", "-", "40"]);
    assert_eq!(lines.len(), 2 + 9);

    let (_, csv) = house
        .sql_as("EXPLAIN ANALYZE SELECT body FROM logs", "text/csv")
        .await;
    assert!(csv.contains("\npruning,\"logs, as it ran\nstep"), "{csv}");
    let (_, csv) = house
        .sql_as("SELECT 'EXPLAIN' FROM logs LIMIT 1", "text/csv")
        .await;
    assert!(!csv.contains("pruning"), "{csv}");
}

#[tokio::test]
async fn a_search_is_explained_as_sql_is() {
    let house = house().await;
    let search = [
        ("query", "service:checkout teapot"),
        ("end", "2023-01-29T09:00:00Z"),
    ];
    let answer = house.get("/api/v1/explain", &search).await;
    let scan = &answer["scans"][0];
    let numbers = expected([(4, 40), (3, 30), (2, 20), (1, 3), (1, 3)]);
    assert_eq!(
        (planned(scan), &scan["ran"]),
        (numbers.clone(), &json!(false))
    );
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    assert_eq!(
        answer["limits"],
        json!({"timeout_ms": 60_000, "memory_bytes": 512 << 20})
    );

    let analyze = [&search[..], &[("analyze", "true"), ("limit", "2")]].concat();
    let answer = house.get("/api/v1/explain", &analyze).await;
    let scans = answer["scans"].as_array().unwrap();
    assert_eq!(planned(&scans[0]), numbers);
    let ran: Vec<&Value> = scans.iter().map(|scan| &scan["ran"]).collect();
    assert_eq!(ran, [true], "few rows are read by themselves: {answer}");
    let read = step(&scans[0], "read");
    assert_eq!(
        (&read["files"], &read["rows"]),
        (&json!(1), &json!(3)),
        "{answer}"
    );
    assert!(detail(&scans[0], "read").ends_with("without a plan"));
    // What the filter is about is looked at twice.
    let pages = step(&scans[0], "pages")["pages"].as_u64().unwrap();
    let in_memory = detail(&scans[0], "pages").split(' ').nth(5).unwrap();
    assert!(in_memory.parse::<u64>().unwrap() < pages / 2, "{answer}");
    assert_eq!(step(&scans[0], "row_groups")["row_groups"], 1);
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    let list = [&search[..], &[("limit", "2")]].concat();
    let list = house.get("/api/v1/logs", &list).await;
    assert_eq!(list["scanned_bytes"], answer["scanned_bytes"]);
    // And what is in memory of pages by now counts as if it were read.
    let again = house.get("/api/v1/explain", &analyze).await;
    assert_eq!(again["scanned_bytes"], answer["scanned_bytes"]);
    let pages = step(&again["scans"][0], "pages");
    let all = format!("{} of them were in memory", pages["pages"]);
    assert!(
        detail(&again["scans"][0], "pages").ends_with(&all),
        "{again}"
    );

    let related = [("query", "logs:(teapot service:cart)"), ("table", "logs")];
    let answer = house.get("/api/v1/explain", &related).await;
    let tables: Vec<&Value> = answer["scans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scan| &scan["table"])
        .collect();
    assert_eq!(tables, ["logs", "logs"]);
    assert_eq!(answer["scans"][0]["ran"], true);
    assert!(
        detail(&answer["scans"][1], "index").contains("asked for 5 trace ids"),
        "{answer}"
    );
}

#[tokio::test]
async fn of_a_common_word_an_index_is_asked_once_and_the_rows_are_left_to_a_plan() {
    let house = House::new().await;
    // Of two hours: two files.
    let rows: Vec<Log> = (0..5_000)
        .map(|at| Log::at(T0 + at * SECOND, "a common word"))
        .collect();
    house.append(&rows).await;
    house.storage.flush().await.unwrap();
    let search = [("query", "common"), ("limit", "10")];
    let analyze = [&search[..], &[("analyze", "true")]].concat();
    let answer = house.get("/api/v1/explain", &analyze).await;
    let scans = answer["scans"].as_array().unwrap();
    let ran: Vec<&Value> = scans.iter().map(|scan| &scan["ran"]).collect();
    // Where the rows are, and those that are shown.
    assert_eq!(ran, [false, true, true], "{answer}");
    assert_eq!(
        detail(&scans[0], "read"),
        "not few: 5000 rows or more are left to a plan"
    );
    let read = |scan: &Value| step(scan, "index")["read_bytes"].as_u64().unwrap();
    assert!(read(&scans[0]) > 0, "{answer}");
    assert_eq!((read(&scans[1]), read(&scans[2])), (0, 0), "{answer}");
    assert!(detail(&scans[1], "index").contains("2 files answered"));
    assert_eq!(read_bytes(&answer), answer["scanned_bytes"]);
    let list = house.get("/api/v1/logs", &search).await;
    assert_eq!(list["scanned_bytes"], answer["scanned_bytes"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error() {
    let house = house().await;
    for (parameters, what) in [
        ([("query", "level>=")], "`level` is missing"),
        ([("table", "metrics")], "metrics"),
        ([("limit", "0")], "`limit` is 0"),
        ([("analyze", "perhaps")], "malformed"),
    ] {
        let (status, answer) = house.try_get("/api/v1/explain", &parameters).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(status, 400, "{answer}");
        assert!(message.contains(what), "{message}");
    }
}

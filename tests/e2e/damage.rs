//! Damage to any kind of file: the server starts, answers with what is left, says what is missing and
//! where, and never panics. What comes back from a backup is taken back.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::api::Api;
use crate::data;
use crate::harness::{Home, Server, run, run_ok};

/// Hours after `T0` that have a file of their own, with records of one word each.
const HOURS: [(&str, u64); 3] = [("early", 0), ("noon", 1), ("late", 2)];
/// `T0` and the others as answers name them.
const NAMES: [&str; 3] = ["2024-05-01T12", "2024-05-01T13", "2024-05-01T14"];
/// Records in each file, and then three requests that are in the log only.
const RECORDS: i64 = 50;
const LOGGED: [&str; 3] = ["walone", "waltwo", "walthree"];
/// However small, files have indexes; nothing is flushed by age.
const FLAGS: [&str; 4] = ["--index-from-rows", "0", "--flush-interval", "1h"];

async fn directory() -> Home {
    let home = Home::new();
    let server = home.serve_with(&FLAGS).await;
    for (word, hour) in HOURS {
        let records = (0..RECORDS.unsigned_abs()).map(|number| {
            let mut record = data::record(&format!("{word} record {number}"));
            record.time_unix_nano = data::T0 + hour * 3_600_000_000_000 + number;
            record
        });
        let service = format!("service-{word}");
        let request = data::logs_of(&service, records.collect());
        server.otlp().export_logs(&request).await;
    }
    server.stop().await;
    let server = home.serve_with(&FLAGS).await;
    for word in LOGGED {
        let request = data::logs_of("wal", vec![data::record(word)]);
        server.otlp().export_logs(&request).await;
    }
    server.kill();
    home
}

/// The file of an hour.
fn file_of(home: &Home, hour: usize, ending: &str) -> PathBuf {
    let part = format!("hour={}/", 12 + hour);
    let mut found = home.files(ending);
    found.retain(|path| path.to_string_lossy().contains(&part));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn change(path: &Path, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    with(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Where `text` stands in `bytes`.
fn position(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap_or_else(|| panic!("no `{text}`"))
}

/// How many records each word has, and the last answer.
async fn counts(api: &Api) -> (Vec<i64>, Value) {
    let mut found = Vec::new();
    let mut last = Value::Null;
    for word in HOURS.iter().map(|(word, _)| word).chain(&LOGGED) {
        let parameters = [("query", *word)];
        let answer = api.try_get("/api/v1/logs/histogram", &parameters).await;
        assert_eq!(answer.status, 200, "{word}: {}", answer.text);
        last = answer.json();
        found.push(last["total"].as_i64().unwrap());
    }
    (found, last)
}

const ALL: [i64; 6] = [RECORDS, RECORDS, RECORDS, 1, 1, 1];

/// What is there but one of them.
fn without(at: usize) -> Vec<i64> {
    let mut left = ALL.to_vec();
    left[at] = 0;
    left
}

async fn end(server: Server) {
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
    server.stop().await;
    assert!(!log.contains("ERROR") || log.contains("aside"), "{log}");
}

/// The server answers, lacks the records of `hour` and says so; other hours are whole.
async fn assert_partial(home: &Home, hour: usize, what: &str) {
    let server = home.serve_with(&FLAGS).await;
    let api = server.api();
    let (found, _) = counts(&api).await;
    assert_eq!(found, without(hour), "{what}");
    // Also the next answer, which does not meet the file any more.
    let (_, answer) = counts(&api).await;
    assert_eq!(answer["complete"], false, "{what}: {answer}");
    let reasons = answer["incomplete_reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 1, "{what}: {reasons:?}");
    let reason = reasons[0].as_str().unwrap();
    assert!(reason.contains(NAMES[hour]), "{what}: {reason}");
    // SQL says the same, and a range without the hour is complete.
    let sql = "SELECT count(*) FROM logs";
    let answer = api.try_sql(sql, "application/json").await.json();
    assert_eq!(answer["complete"], false, "{what}: {answer}");
    assert_eq!(answer["rows"][0][0], 2 * RECORDS + 3, "{what}");
    let other = if hour == 2 { 1 } else { 2 };
    let start = data::T0 + other * 3_600_000_000_000;
    let range = [
        ("start", start.to_string()),
        ("end", (start + 1_000_000).to_string()),
    ];
    let range = range.each_ref().map(|(key, value)| (*key, value.as_str()));
    let answer = api.get("/api/v1/logs", &range).await;
    assert_eq!(answer["complete"], true, "{what}: {answer}");
    end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_data_file_costs_its_hour_until_it_comes_back() {
    let home = directory().await;
    let data_dir = home.data_dir();
    let check = ["check", "--data-dir", data_dir.to_str().unwrap()];
    let repair = [&check[..], &["--repair"]].concat();
    for (hour, what) in ["pages", "footer", "missing"].into_iter().enumerate() {
        let path = file_of(&home, hour, ".parquet");
        let whole = std::fs::read(&path).unwrap();
        let middle = whole.len() / 3;
        match what {
            "pages" => change(&path, |bytes| bytes[4..middle].fill(0xa5)),
            "footer" => change(&path, |bytes| bytes.truncate(middle)),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        assert_partial(&home, hour, what).await;
        let report = run(&repair);
        assert!(!report.status.success(), "{what}");
        let text = String::from_utf8_lossy(&report.stdout).into_owned();
        let lost = format!("lost: {RECORDS} logs of {} ", NAMES[hour]);
        assert!(text.contains(&lost), "{what}: {text}");
        // From a backup.
        std::fs::write(&path, &whole).unwrap();
        run_ok(&repair);
        run_ok(&check);
        let server = home.serve_with(&FLAGS).await;
        let (found, answer) = counts(&server.api()).await;
        assert_eq!(
            (found.as_slice(), &answer["complete"]),
            (&ALL[..], &Value::Bool(true))
        );
        // The log stays the log: what is killed has flushed nothing.
        server.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_index_costs_nothing() {
    let home = directory().await;
    for (hour, what) in ["flipped", "cut", "gone"].into_iter().enumerate() {
        let path = file_of(&home, hour, ".idx");
        match what {
            "flipped" => change(&path, |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 4)),
            "cut" => change(&path, |bytes| bytes.truncate(bytes.len() / 2)),
            _ => std::fs::remove_file(&path).unwrap(),
        }
    }
    let server = home.serve_with(&FLAGS).await;
    let (found, answer) = counts(&server.api()).await;
    assert_eq!(
        (found.as_slice(), &answer["complete"]),
        (&ALL[..], &Value::Bool(true))
    );
    let metrics = server.api().try_get("/metrics", &[]).await.text;
    assert!(
        !metrics.contains("spoor_storage_index_fallbacks_total 0\n"),
        "they were looked at"
    );
    end(server).await;
    let data_dir = home.data_dir();
    let check = ["check", "--data-dir", data_dir.to_str().unwrap()];
    assert!(!run(&check).status.success());
    run_ok(&[&check[..], &["--repair"]].concat());
    run_ok(&check);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_request_in_the_log_is_set_aside_and_the_others_are_replayed() {
    let home = directory().await;
    let segment = home.files(".wal").remove(0);
    change(&segment, |bytes| {
        let at = position(bytes, LOGGED[1]);
        bytes[at] ^= 1;
    });
    let server = home.serve_with(&FLAGS).await;
    let (found, _) = counts(&server.api()).await;
    assert_eq!(found, without(4));
    let metrics = server.api().try_get("/metrics", &[]).await.text;
    let counted = "spoor_storage_wal_corrupt_records_total 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    let kept: Vec<_> = std::fs::read_dir(home.data_dir().join("quarantine"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(kept.len(), 1);
    position(&kept[0], "altwo");
    // Whatever is asked: nobody knows what was in it.
    let early = [("query", "early")];
    let answer = server.api().try_get("/api/v1/logs", &early).await;
    let answer = answer.json();
    assert_eq!(answer["complete"], false, "{answer}");
    let reasons = answer["incomplete_reasons"].to_string();
    assert!(reasons.contains("is damaged or missing"), "{reasons}");
    assert!(
        metrics.contains("spoor_storage_lost_requests 1\n"),
        "{metrics}"
    );
    end(server).await;
    let data_dir = home.data_dir();
    let check = ["check", "--data-dir", data_dir.to_str().unwrap()];
    assert!(!run(&check).status.success());
    let told = run_ok(&[&check[..], &["--repair"]].concat());
    assert!(told.contains("acknowledged"), "{told}");
    run_ok(&check);
    let server = home.serve_with(&FLAGS).await;
    let (_, answer) = counts(&server.api()).await;
    assert_eq!(answer["complete"], true, "{answer}");
    end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_data_file_is_made_anew_from_the_log() {
    let home = Home::new();
    let server = home.serve_with(&FLAGS).await;
    let mut record = data::record("noon record");
    record.time_unix_nano = data::T0 + 3_600_000_000_000;
    server
        .otlp()
        .export_logs(&data::logs_of(
            "a",
            vec![record, data::record("early record")],
        ))
        .await;
    // What a dry run of a deletion counts is in files; the log keeps its segment while it is open.
    let log = home.files(".wal").remove(0);
    let logged = std::fs::read(&log).unwrap();
    let asked = serde_json::json!({"table": "logs", "query": "record", "dry_run": true});
    let answer = server
        .api()
        .change(reqwest::Method::POST, "/api/v1/delete", &asked)
        .await;
    assert_eq!(answer.json()["rows"], 2, "{}", answer.text);
    server.kill();
    std::fs::write(&log, logged).unwrap();
    std::fs::remove_file(file_of(&home, 1, ".parquet")).unwrap();
    let data_dir = home.data_dir();
    let told = run_ok(&[
        "check",
        "--repair",
        "--data-dir",
        data_dir.to_str().unwrap(),
    ]);
    assert!(told.contains("made anew"), "{told}");
    file_of(&home, 1, ".parquet");
    let server = home.serve_with(&FLAGS).await;
    let api = server.api();
    assert_eq!(
        (api.count_logs("noon").await, api.count_logs("early").await),
        (1, 1)
    );
    end(server).await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_row_of_the_catalog_costs_its_file() {
    let home = directory().await;
    // A clean stop leaves the whole catalog in one file.
    home.serve_with(&FLAGS).await.stop().await;
    let catalog = home.data_dir().join("catalog.sqlite");
    change(&catalog, |bytes| {
        let at = position(bytes, "[\"service-noon\"]");
        bytes[at] = b'{';
    });
    assert_partial(&home, 1, "catalog").await;
    let data_dir = home.data_dir();
    let report = run(&["check", "--data-dir", data_dir.to_str().unwrap()]);
    assert!(!report.status.success());
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains("row of file"), "{text}");
    file_of(&home, 1, ".parquet");
}

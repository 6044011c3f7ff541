//! Deleting, redacting, retention and pins over HTTP, with and without indexes.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use arrow::util::pretty::pretty_format_batches;
use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use spoor_storage::index::{Lookup, Word};
use spoor_storage::{Table, TenantId, TimeRange};

use crate::testing::{House, Log, SECOND, T0, delete_indexes, send};

mod rules;

async fn call(router: &Router, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, _, answer) = send(router, request).await;
    (
        status,
        serde_json::from_slice(&answer).unwrap_or(Value::Null),
    )
}

async fn post(house: &House, path: &str, body: &Value) -> Value {
    let (status, answer) = call(&house.admin(), Method::POST, path, body).await;
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}

async fn bodies(house: &House, query: &str) -> Vec<String> {
    let answer = house
        .get("/api/v1/logs", &[("query", query), ("order", "asc")])
        .await;
    let logs = answer["logs"].as_array().unwrap();
    logs.iter()
        .map(|log| log["body"].as_str().unwrap().to_owned())
        .collect()
}

fn rows() -> Vec<Log> {
    let mut rows: Vec<Log> = (0..3000)
        .map(|number| {
            let word = if number % 7 == 0 { "password" } else { "plain" };
            Log::at(T0 + number * SECOND, format!("{word} line{number}")).with(
                "user.email",
                format!("u{}@example.org", number % 50),
                's',
            )
        })
        .collect();
    rows[14].trace_id = Some([7; 16]);
    rows
}

#[tokio::test]
async fn a_deletion_is_seen_by_every_kind_of_question() {
    let mut house = House::new().await;
    house.append(&rows()).await;
    let asked = json!({"table": "logs", "query": "password", "dry_run": true});
    let dry = post(&house, "/api/v1/delete", &asked).await;
    assert_eq!(
        (&dry["rows"], &dry["deletion_id"]),
        (&json!(429), &Value::Null)
    );
    assert_eq!(
        bodies(&house, "password line14").await.len(),
        1,
        "nothing was done"
    );

    let (status, refused) = call(
        &house.admin(),
        Method::POST,
        "/api/v1/delete",
        &json!({"table": "logs", "query": "password", "confirm": 400}),
    )
    .await;
    assert_eq!(status, 409, "{refused}");
    let done = post(
        &house,
        "/api/v1/delete",
        &json!({"table": "logs", "query": "password", "confirm": 429}),
    )
    .await;
    assert_eq!(done["rows"], 429);
    assert_eq!(done["complete"], true);

    for with_index in [true, false] {
        if !with_index {
            house.storage.close().await.unwrap();
            assert!(delete_indexes(house.folder.path()) > 0);
            house = house.reopened().await;
        }
        assert!(bodies(&house, "password").await.is_empty());
        assert!(bodies(&house, "line14").await.is_empty());
        assert_eq!(bodies(&house, "line15").await, ["plain line15"]);
        let count = house.sql("SELECT count(*) FROM logs").await;
        assert_eq!(count["rows"][0][0], 2571, "index: {with_index}");
        let sum = house
            .sql("SELECT count(*) FROM logs WHERE body LIKE 'plain%'")
            .await;
        assert_eq!(sum["rows"][0][0], 2571);
        let histogram = house.get("/api/v1/logs/histogram", &[]).await;
        assert_eq!(histogram["total"], 2571);
    }
    let reports = house.get("/api/v1/deletions", &[]).await;
    assert_eq!(reports["deletions"][0]["query"], "password");
    assert_eq!(reports["deletions"][0]["rows"], 429);
}

#[tokio::test]
async fn pinned_traces_are_spared_and_it_is_said() {
    let house = House::new().await;
    house.append(&rows()).await;
    let trace = "07".repeat(16);
    post(
        &house,
        &format!("/api/v1/pins/{trace}"),
        &json!({"note": "incident"}),
    )
    .await;
    let pins = house.get("/api/v1/pins", &[]).await;
    assert_eq!(pins["pins"][0]["note"], "incident");
    let asked = json!({"table": "logs", "query": "password", "confirm": 428});
    let done = post(&house, "/api/v1/delete", &asked).await;
    assert_eq!(
        (&done["rows"], &done["pinned_rows"]),
        (&json!(428), &json!(1))
    );
    assert_eq!(bodies(&house, "password").await, ["password line14"]);
}

#[tokio::test]
async fn redacted_values_cannot_be_found() {
    let house = House::new().await;
    house.append(&rows()).await;
    let asked = json!({
        "table": "logs", "query": "user.email:u7@example.org", "fields": ["user.email"], "confirm": 60,
    });
    let done = post(&house, "/api/v1/redact", &asked).await;
    assert_eq!(done["rows"], 60);
    assert!(bodies(&house, "user.email:u7@example.org").await.is_empty());
    let found = house
        .get("/api/v1/logs", &[("query", "user.email:\"[redacted]\"")])
        .await;
    assert_eq!(found["logs"].as_array().unwrap().len(), 60);
    assert_eq!(found["logs"][0]["attributes"]["user.email"], "[redacted]");
}

#[tokio::test]
async fn rules_hide_and_bring_back() {
    let house = House::new().await;
    house.append(&rows()).await;
    house.storage.flush().await.unwrap();
    let rules = json!({"rules": [{"table": "logs", "service": "checkout", "keep": "1d"}]});
    let (status, answer) = call(&house.admin(), Method::PUT, "/api/v1/retention", &rules).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["hidden"][0]["rows_left"], 3000, "2023 is long ago");
    assert!(bodies(&house, "").await.is_empty());
    let told = house.get("/api/v1/retention", &[]).await;
    assert_eq!(told["rules"][0]["keep"], "1d");
    assert!(told["hidden"][0]["purge_time"].is_string());
    let none = json!({"rules": []});
    let (status, answer) = call(&house.admin(), Method::PUT, "/api/v1/retention", &none).await;
    assert_eq!((status, &answer["hidden"]), (StatusCode::OK, &json!([])));
    let count = house.sql("SELECT count(*) FROM logs").await;
    assert_eq!(count["rows"][0][0], 3000);
}

#[tokio::test]
async fn deleting_takes_what_a_rule_hides() {
    let house = House::new().await;
    house.append(&rows()).await;
    house.storage.flush().await.unwrap();
    let rules = json!({"rules": [{"table": "logs", "keep": "1d"}]});
    call(&house.admin(), Method::PUT, "/api/v1/retention", &rules).await;
    let asked = json!({"table": "logs", "query": "password", "confirm": 429});
    assert_eq!(post(&house, "/api/v1/delete", &asked).await["rows"], 429);
    let none = json!({"rules": []});
    call(&house.admin(), Method::PUT, "/api/v1/retention", &none).await;
    assert!(bodies(&house, "password").await.is_empty());
    let count = house.sql("SELECT count(*) FROM logs").await;
    assert_eq!(count["rows"][0][0], 2571);
}

#[tokio::test]
async fn requests_that_cannot_be_meant_are_refused() {
    let house = House::new().await;
    house.append(&rows()).await;
    for (path, body) in [
        (
            "/api/v1/delete",
            json!({"table": "logs", "query": "", "confirm": 9999}),
        ),
        (
            "/api/v1/delete",
            json!({"table": "logs", "query": "password"}),
        ),
        (
            "/api/v1/delete",
            json!({"table": "metrics", "query": "x", "dry_run": true}),
        ),
        (
            "/api/v1/delete",
            json!({"table": "logs", "query": "(", "dry_run": true}),
        ),
        (
            "/api/v1/delete",
            json!({"table": "logs", "query": "x", "fields": ["a"], "dry_run": true}),
        ),
        (
            "/api/v1/redact",
            json!({"table": "logs", "query": "x", "dry_run": true}),
        ),
        (
            "/api/v1/redact",
            json!({"table": "logs", "query": "x", "fields": ["time"], "dry_run": true}),
        ),
    ] {
        let (status, answer) = call(&house.admin(), Method::POST, path, &body).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer["error"]["message"].is_string());
    }
    let body = json!({"table": "logs", "query": "x", "start": "yesterday", "dry_run": true});
    let (status, answer) = call(&house.admin(), Method::POST, "/api/v1/delete", &body).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(status, 400, "{answer}");
    assert!(
        message.contains("`yesterday` is not a time: write 2023-01-29T08:48:16Z, "),
        "{message}"
    );
    for rule in [
        json!({"table": "logs", "keep": "soon"}),
        json!({"table": "spans", "severity_below": "warn", "keep": "1d"}),
        json!({"table": "logs", "kept": "1d"}),
    ] {
        let rules = json!({ "rules": [rule] });
        let (status, answer) = call(&house.admin(), Method::PUT, "/api/v1/retention", &rules).await;
        assert_eq!(status, 400, "{rules}: {answer}");
    }
    let count = house.sql("SELECT count(*) FROM logs").await;
    assert_eq!(count["rows"][0][0], 3000);
}

/// All that the Parquet files hold, column by column, as text.
fn in_columns(folder: &Path) -> String {
    let mut text = String::new();
    for path in files(folder, "parquet") {
        let file = std::fs::File::open(path).unwrap();
        let rows = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        text.extend(rows.schema().metadata().values().cloned());
        let batches = rows.build().unwrap().collect::<Result<Vec<_>, _>>();
        text += &pretty_format_batches(&batches.unwrap())
            .unwrap()
            .to_string();
    }
    text
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|of| of == ending) {
            found.push(path);
        }
    }
    found
}

fn statistics(house: &House) -> String {
    let snapshot = house.storage.snapshot();
    let all = snapshot.field_statistics(&TenantId::default(), Table::Logs, TimeRange::ALL);
    serde_json::to_string(&all).unwrap()
}

/// Rows in which the index supposes the secrets: a word of the body, attributes in a column and in
/// the map.
async fn in_index(house: &House) -> [u64; 3] {
    let attribute = |key: &str, value: &str| Lookup::Attribute {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let lookups = [
        Lookup::Words(vec![Word::Exact("mallory".to_owned())]),
        attribute("mail", "mallory@example.org"),
        attribute("token", "tok-mallory"),
    ];
    let snapshot = house.storage.snapshot();
    let mut found = [0; 3];
    for file in snapshot.files(&TenantId::default(), Table::Logs, TimeRange::ALL) {
        for (lookup, rows) in lookups.iter().zip(&mut found) {
            let (indexes, read) = (house.storage.indexes(), AtomicU64::new(0));
            let answer = indexes.answer(&file, lookup, &read).await.unwrap();
            *rows += answer.maybe.len();
        }
    }
    found
}

/// Rows whose secrets lie in a column of texts, in one of integers, in maps, in bodies.
fn rows_with_secrets() -> Vec<Log> {
    (0..3000)
        .map(|number| {
            let secret = number % 50 == 7;
            let email = if secret {
                "mallory@example.org"
            } else {
                "alice@example.org"
            };
            let card = if secret {
                4_929_111_122_223_333
            } else {
                number
            };
            let body = format!("{{\"mail\":\"{email}\",\"n\":{number}}}");
            let mut log = Log::at(T0 + number * SECOND, body)
                .with("mail", email, 's')
                .with("card", card, 'i')
                .with("n", number, 'i');
            if secret {
                log = log.with("token", "tok-mallory", 's');
            }
            log.body_fields = vec![
                ("mail", email.to_owned(), 's'),
                ("n", number.to_string(), 'i'),
            ];
            log.resource.push(("mail", email.to_owned(), 's'));
            log
        })
        .collect()
}

const SECRETS: [&str; 2] = ["mallory", "4929111122223333"];

#[tokio::test]
async fn redacted_values_are_in_no_column_no_map_no_index_no_statistics() {
    let mut house = House::new().await;
    house.append(&rows_with_secrets()).await;
    house.storage.flush().await.unwrap();
    let before = in_columns(house.folder.path());
    for column in [
        "attributes.mail",
        "attributes.card",
        "body.mail",
        "resource.mail",
    ] {
        assert!(before.contains(column), "{column} is a column of its own");
    }
    assert!(!before.contains("attributes.token"), "in the map");
    assert!(in_index(&house).await.iter().all(|rows| *rows > 0));
    assert!(statistics(&house).contains("mallory"));

    let asked = json!({
        "table": "logs", "query": "attributes.mail:mallory@example.org",
        "fields": ["mail", "attributes.card", "token"], "confirm": 60,
    });
    assert_eq!(post(&house, "/api/v1/redact", &asked).await["rows"], 60);
    house.storage.retain().await.unwrap();
    for with_index in [true, false] {
        if !with_index {
            house.storage.close().await.unwrap();
            assert!(delete_indexes(house.folder.path()) > 0);
            house = house.reopened().await;
        }
        let columns = in_columns(house.folder.path());
        for secret in SECRETS {
            assert!(!columns.contains(secret), "{secret}");
            assert!(!statistics(&house).contains(secret), "{secret}");
            assert!(bodies(&house, secret).await.is_empty(), "{secret}");
        }
        if with_index {
            assert_eq!(in_index(&house).await, [0, 0, 0]);
        }
        let rows = house
            .sql(
                "SELECT count(*), count(\"attributes.card\"), count(attr('token')), \
                 sum(\"attributes.n\") FROM logs WHERE resource_attributes['mail'] = '[redacted]'",
            )
            .await;
        let sum: i64 = (0..60).map(|number| number * 50 + 7).sum();
        assert_eq!(rows["rows"][0][0], 60);
        assert_eq!(rows["rows"][0][2], 60);
        assert_eq!(rows["rows"][0][3], sum, "other values are as they were");
        let rest = house
            .sql("SELECT count(*) FROM logs WHERE body LIKE '%alice%' AND attributes['mail'] = 'alice@example.org'")
            .await;
        assert_eq!(rest["rows"][0][0], 2940);
    }
}

#[tokio::test]
async fn deleted_values_are_not_suggested() {
    let house = House::new().await;
    house.append(&rows_with_secrets()).await;
    house.storage.flush().await.unwrap();
    let asked = json!({"table": "logs", "query": "token:tok-mallory", "confirm": 60});
    assert_eq!(post(&house, "/api/v1/delete", &asked).await["rows"], 60);
    // Its bytes are there until the file is written again, and so are its statistics.
    assert!(in_columns(house.folder.path()).contains("mallory"));
    let told = statistics(&house);
    assert!(
        !told.contains("mallory") && told.contains("alice"),
        "{told}"
    );
    let fields = house.get("/api/v1/fields", &[("table", "logs")]).await;
    let mail = fields["fields"].as_array().unwrap().iter();
    let mut mail = mail.filter(|field| field["name"] == "attributes.mail");
    let mail = mail.next().unwrap();
    assert_eq!(
        (&mail["count"], &mail["exact"]),
        (&json!(2940), &json!(false))
    );
}

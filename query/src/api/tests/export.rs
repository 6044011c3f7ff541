//! Exports: read back by what reads such files, and never taken for whole when they are not.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Request};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::QueryOptions;
use crate::table::logical_schema;
use crate::testing::{House, Log, SECOND, T0, sql_request, uri};

const ROWS: i64 = 5_000;

/// Records in files and in memory, two and two of the same time.
async fn house(options: QueryOptions) -> House {
    let house = House::with(options).await;
    let rows: Vec<_> = (0..ROWS)
        .map(|at| {
            let body = format!("line {at}, \"quoted\" \u{e4}");
            Log::at(T0 + at / 2 * SECOND, body).with("http.route", format!("/r/{at}"), 's')
        })
        .collect();
    let (files, memory) = rows.split_at(4_000);
    house.append(files).await;
    house.storage.flush().await.unwrap();
    house.append(memory).await;
    house
}

/// An answer with its headers; `None` for a body that was broken off.
async fn read(house: &House, request: Request<Body>) -> (http::response::Parts, Option<Vec<u8>>) {
    let (parts, body) = house.ask(request).await.into_parts();
    let mut pieces = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(_) => return (parts, None),
        }
    }
    (parts, Some(bytes))
}

fn export(parameters: &[(&str, &str)]) -> Request<Body> {
    Request::get(uri("/api/v1/logs/export", parameters))
        .body(Body::empty())
        .unwrap()
}

async fn exported(house: &House, parameters: &[(&str, &str)]) -> Vec<u8> {
    let (parts, body) = read(house, export(parameters)).await;
    assert_eq!(parts.status, 200, "{parameters:?}");
    assert_eq!(parts.headers["spoor-complete"], "true");
    let format = parameters.iter().find(|(name, _)| *name == "format");
    let ending = format.map_or("ndjson", |(_, format)| format);
    let file = format!("attachment; filename=\"logs.{ending}\"");
    assert_eq!(parts.headers["content-disposition"], file);
    body.unwrap()
}

fn of_arrow(bytes: &[u8]) -> Vec<RecordBatch> {
    let reader = StreamReader::try_new(bytes, None).unwrap();
    assert_eq!(reader.schema(), logical_schema(spoor_storage::Table::Logs));
    reader.map(Result::unwrap).collect()
}

fn of_parquet(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    builder.build().unwrap().map(Result::unwrap).collect()
}

/// `record_id`, body and route of each row.
fn rows_of(batches: &[RecordBatch]) -> Vec<(i64, String, String)> {
    let mut rows = Vec::new();
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let ids = column("record_id").as_primitive::<Int64Type>();
        let bodies = column("body").as_string::<i32>();
        let attributes = column("attributes").as_map();
        for row in 0..batch.num_rows() {
            let route = attributes.value(row);
            let route = route.column(1).as_string::<i32>().value(0).to_owned();
            rows.push((ids.value(row), bodies.value(row).to_owned(), route));
        }
    }
    rows
}

#[tokio::test]
async fn every_format_has_every_row_and_order_is_total() {
    let house = house(QueryOptions::default()).await;
    let arrow = rows_of(&of_arrow(
        &exported(&house, &[("format", "arrow"), ("order", "asc")]).await,
    ));
    assert_eq!(arrow.len(), 5_000);
    for (at, (_, body, route)) in arrow.iter().enumerate() {
        assert_eq!(
            (body, route),
            (
                &format!("line {at}, \"quoted\" \u{e4}"),
                &format!("/r/{at}")
            )
        );
    }
    assert!(arrow.is_sorted_by_key(|row| row.0));
    let parquet = exported(&house, &[("format", "parquet"), ("order", "desc")]).await;
    let mut parquet = rows_of(&of_parquet(parquet));
    parquet.reverse();
    assert_eq!(parquet, arrow);
    let ndjson = exported(&house, &[("order", "asc")]).await;
    let lines: Vec<Value> = std::str::from_utf8(&ndjson)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_lines: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let id = line["record_id"].as_i64().unwrap();
            (
                id,
                text(&line["body"]),
                text(&line["attributes"]["http.route"]),
            )
        })
        .collect();
    assert_eq!(of_lines, arrow);
    // Without an order all of them, too.
    let any = rows_of(&of_parquet(
        exported(&house, &[("format", "parquet")]).await,
    ));
    assert_eq!(any.len(), arrow.len());
    assert_eq!(
        any.into_iter().collect::<BTreeSet<_>>(),
        arrow.into_iter().collect()
    );
    let csv = exported(
        &house,
        &[
            ("format", "csv"),
            ("query", "\"line 7\""),
            ("end", "2023-01-29T08:00:04Z"),
        ],
    )
    .await;
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), 2);
    assert!(
        csv.starts_with("time,") && csv.contains("\"line 7, \"\"quoted\"\" \u{e4}\""),
        "{csv}"
    );
}

#[tokio::test]
async fn nothing_that_matches_is_an_empty_file() {
    let house = house(QueryOptions::default()).await;
    for format in ["ndjson", "csv", "arrow", "parquet"] {
        let bytes = exported(&house, &[("query", "teapot"), ("format", format)]).await;
        match format {
            "ndjson" => assert!(bytes.is_empty()),
            "csv" => assert_eq!(bytes.split(|byte| *byte == b'\n').count(), 2),
            "arrow" => assert!(rows_of(&of_arrow(&bytes)).is_empty()),
            _ => assert!(rows_of(&of_parquet(bytes)).is_empty()),
        }
    }
    let spans = Request::get("/api/v1/spans/export?format=arrow")
        .body(Body::empty())
        .unwrap();
    let (parts, body) = read(&house, spans).await;
    assert_eq!(
        parts.headers["content-disposition"],
        "attachment; filename=\"spans.arrow\""
    );
    let reader = StreamReader::try_new(body.as_deref().unwrap(), None).unwrap();
    assert_eq!(reader.schema(), logical_schema(spoor_storage::Table::Spans));
}

#[tokio::test]
async fn sql_comes_as_arrow_and_parquet() {
    let house = house(QueryOptions::default()).await;
    let query = "SELECT record_id, body, attributes FROM logs ORDER BY record_id";
    let kinds = ["arrow.stream", "parquet"].map(|kind| format!("application/vnd.apache.{kind}"));
    let mut found = Vec::new();
    for kind in &kinds {
        let (parts, body) = read(&house, sql_request(query, kind)).await;
        assert_eq!(parts.headers["content-type"], kind.as_str());
        let body = body.unwrap();
        let batches = if kind.ends_with("parquet") {
            of_parquet(body)
        } else {
            let reader = StreamReader::try_new(body.as_slice(), None).unwrap();
            reader.map(Result::unwrap).collect()
        };
        found.push(rows_of(&batches));
    }
    assert_eq!(found[0].len(), 5_000);
    assert_eq!(found[0], found[1]);
}

#[tokio::test]
async fn exports_have_a_time_limit_and_places_of_their_own() {
    // What a query has no time for.
    let house = House::with(QueryOptions {
        max_concurrent: 2,
        timeout: Duration::from_secs(10),
        export_timeout: Duration::from_nanos(1),
        ..QueryOptions::default()
    })
    .await;
    let (parts, body) = read(&house, export(&[])).await;
    assert_eq!(parts.status, 504);
    let error: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("longer than 0.000000001 s"), "{message}");
    house.get("/api/v1/logs", &[]).await;

    let house = self::house(QueryOptions {
        max_concurrent: 2,
        timeout: Duration::ZERO,
        ..QueryOptions::default()
    })
    .await;
    // More than one batch, so that the rest of it waits to be read.
    let first = house.ask(export(&[])).await;
    assert_eq!(first.status(), 200, "whatever time queries have");
    let (parts, body) = read(&house, export(&[])).await;
    assert_eq!(
        (parts.status.as_u16(), &parts.headers["retry-after"]),
        (429, &HeaderValue::from(5))
    );
    let error: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(error["error"]["message"], "1 exports are running");
    drop(first);
    let (parts, body) = read(&house, export(&[])).await;
    assert!(parts.status == 200 && body.is_some());
}

#[tokio::test]
async fn what_is_over_its_budget_is_broken_off() {
    let house = house(QueryOptions {
        max_export_bytes: 100_000,
        ..QueryOptions::default()
    })
    .await;
    for format in ["ndjson", "csv", "arrow"] {
        let (parts, body) = read(&house, export(&[("format", format)])).await;
        assert!(parts.status != 200 || body.is_none(), "{format}");
    }
    let few = [("query", "\"line 7\""), ("max_bytes", "20000")];
    let line = exported(&house, &few).await;
    assert_eq!(String::from_utf8(line).unwrap().lines().count(), 1);
    let mut tight = few;
    tight[1].1 = "50";
    let (parts, body) = read(&house, export(&tight)).await;
    assert_eq!(parts.status, 413, "known before the answer began");
    let error: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "too_large");
    let rows = "SELECT a.body FROM logs a, logs b";
    let arrow = sql_request(rows, "application/vnd.apache.arrow.stream");
    let (parts, body) = read(&house, arrow).await;
    assert!(parts.status != 200 || body.is_none());
    for (parameter, value, what) in [
        ("max_bytes", "100001", "it can be 1 to 100000"),
        ("max_bytes", "0", "it can be 1 to 100000"),
        (
            "format",
            "xml",
            "`xml` is not a format: it is one of ndjson, csv, arrow, parquet",
        ),
        ("order", "up", "not an order"),
        ("query", "a:(", ""),
    ] {
        let (parts, body) = read(&house, export(&[(parameter, value)])).await;
        assert_eq!(parts.status, 400);
        let error: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(error["error"]["code"], json!("invalid"));
        assert!(
            error["error"]["message"].as_str().unwrap().contains(what),
            "{error}"
        );
    }
}

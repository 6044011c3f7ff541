use std::time::Duration;

use arrow::array::AsArray;
use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{Expr, in_list, lit};
use datafusion::prelude::col;
use serde_json::json;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{ErrorKind, TenantId, TimeRange};

use super::*;
use crate::functions::attribute_value;
use crate::language;
use crate::listing::{in_range, instant};
use crate::table::logical_schema;
use crate::testing::{Dice, House, Log, SECOND, T0, delete_indexes, send};
use crate::{QueryEngine, QueryOptions};

fn rows(dice: &mut Dice, count: usize) -> Vec<Log> {
    let random = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
    (0..count)
        .map(|at| {
            let time = T0 + random(dice, 2) * 3_600 * SECOND + random(dice, 40) * SECOND;
            let word = ["needle", "other"][dice.below(30).min(1)];
            let mut log = Log::at(time, format!("{word} line {at}"));
            if dice.below(5) > 0 {
                log = log.with("user", format!("user-{}", dice.below(60)), 's');
            }
            if dice.below(9) == 0 {
                log = log.with("rare", random(dice, 3), 'i');
                log.body = None;
            }
            log.service = ["cart", "checkout"][dice.below(2)];
            let id = u8::try_from(dice.below(50)).unwrap();
            log.trace_id = (id > 5).then_some([id; 16]);
            log.span_id = (id > 10).then_some([id; 8]);
            log
        })
        .collect()
}

/// Rows in the order of their ids.
fn sorted(batches: &[RecordBatch]) -> RecordBatch {
    let all = concat_batches(&logical_schema(Table::Logs), batches).unwrap();
    let ids = all.column_by_name(RECORD_ID).unwrap();
    let by_id = arrow::compute::SortColumn {
        values: std::sync::Arc::clone(ids),
        options: None,
    };
    take_record_batch(&all, &lexsort_to_indices(&[by_id], None).unwrap()).unwrap()
}

/// Their record ids, ascending.
fn ids_of(batches: &[RecordBatch]) -> Vec<i64> {
    let of_batch = |batch: &RecordBatch| {
        let column = batch.column_by_name(RECORD_ID)?;
        Some(column.as_primitive::<Int64Type>().values().to_vec())
    };
    let mut ids: Vec<i64> = batches.iter().filter_map(of_batch).flatten().collect();
    ids.sort_unstable();
    ids
}

/// What a plan finds.
async fn planned(session: &QuerySession, filter: &Expr) -> RecordBatch {
    let frame = session.table(Table::Logs).await.unwrap();
    let frame = frame.filter(filter.clone()).unwrap();
    sorted(&session.collect(frame).await.unwrap())
}

fn filters() -> Vec<Expr> {
    let words = |text| language::to_expr(&language::parse(text).unwrap(), Table::Logs).unwrap();
    let user = |name: &str| attribute_value(col("attributes"), "user").eq(lit(name));
    let trace = |id: u8| hex::encode([id; 16]);
    let late = TimeRange {
        start_ns: T0 + 20 * SECOND,
        end_ns: T0 + 3_610 * SECOND,
    };
    let ids = [7, 8, 99].map(|id| lit(trace(id))).to_vec();
    vec![
        words("needle"),
        words("needle -service:cart"),
        words("needle OR rare:1"),
        words("-other needle user:user-7"),
        words("nothing of this kind"),
        words("\"needle line\""),
        words("rare:[1 TO 2] other"),
        user("user-3"),
        user("user-3").and(in_range("time", late)),
        user("user-99"),
        user("user-5").and(words("line")).or(words("rare:2")),
        words("needle").and(col("time").gt(instant(T0 + 3_600 * SECOND))),
        col("trace_id").eq(lit(trace(9))),
        col("trace_id").eq(lit("no id")),
        in_list(col("trace_id"), ids, false),
        attribute_value(col("attributes"), "rare").eq(lit("2")),
        attribute_value(col("attributes"), "no such key").eq(lit("2")),
    ]
}

/// Compares them with what plans find; how often there were few.
async fn compare(house: &House, when: &str) -> usize {
    let mut times = 0;
    for (number, filter) in filters().into_iter().enumerate() {
        let session = house.engine.begin(&house.tenant).await.unwrap();
        let expected = planned(&session, &filter).await;
        for order in [Order::Asc, Order::Desc] {
            let few = async || {
                session
                    .few(Table::Logs, &filter, (order, usize::MAX))
                    .await
                    .unwrap()
            };
            let Some(found) = few().await else {
                continue;
            };
            times += 1;
            assert_eq!(found.len(), expected.num_rows(), "{filter} {when}");
            let all = found.all().await.unwrap();
            assert_eq!(sorted(&all), expected, "{filter} {when}");
            let names = ["body", "trace_id", RECORD_ID];
            let some = few().await.unwrap().columns(&names).await.unwrap();
            let count: usize = some.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(count, expected.num_rows(), "{filter} {when}");
            for limit in [1, 3, 1_000] {
                let first = few().await.unwrap().first(order, limit).await.unwrap();
                assert_eq!(
                    sorted(&first),
                    first_of(&expected, order, limit),
                    "{filter}"
                );
            }
        }
        // What another filter says of them.
        let other = &filters()[(number * 5 + 3) % filters().len()];
        let wanted = (Order::Desc, usize::MAX);
        if let Some(few) = session.few(Table::Logs, &filter, wanted).await.unwrap() {
            let marked = match few.table_with(&[RECORD_ID], ("is", other)).await.unwrap() {
                Some(table) => table.filter(col("is")),
                None => session.context().read_empty(),
            };
            let marked = session.collect(marked.unwrap()).await.unwrap();
            let both = filter.clone().and(other.clone());
            let expected = planned(&session, &both).await;
            assert_eq!(ids_of(&marked), ids_of(&[expected]), "{both} {when}");
        }
        assert!(session.outcome().complete, "{filter} {when}");
    }
    times
}

/// Overwrites the end of all indexes below a folder, where their tables are; how many they were.
fn break_indexes(folder: &std::path::Path) -> usize {
    let mut broken = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            broken += break_indexes(&path);
        } else if path.extension().is_some_and(|extension| extension == "idx") {
            let mut bytes = std::fs::read(&path).unwrap();
            let start = bytes.len().saturating_sub(64);
            bytes[start..].fill(0x5a);
            std::fs::write(&path, bytes).unwrap();
            broken += 1;
        }
    }
    broken
}

/// Deletes what a query finds; there must be something.
async fn delete(house: &House, query: &str) {
    let found = house
        .get("/api/v1/logs/histogram", &[("query", query)])
        .await;
    let rows = found["total"].as_u64().filter(|rows| *rows > 0).unwrap();
    let body = json!({"table": "logs", "query": query, "confirm": rows});
    let request = http::Request::post("/api/v1/delete").body(body.to_string().into());
    let (status, _, answer) = send(&house.admin(), request.unwrap()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
}

/// The first rows in order of time, in the order of their ids.
fn first_of(rows: &RecordBatch, order: Order, limit: usize) -> RecordBatch {
    let by = ["time", RECORD_ID].map(|name| arrow::compute::SortColumn {
        values: std::sync::Arc::clone(rows.column_by_name(name).unwrap()),
        options: Some(arrow::compute::SortOptions {
            descending: order == Order::Desc,
            nulls_first: false,
        }),
    });
    let first = lexsort_to_indices(&by, Some(limit)).unwrap();
    sorted(&[take_record_batch(rows, &first).unwrap()])
}

#[tokio::test]
async fn few_rows_are_those_that_a_plan_finds() {
    let mut dice = Dice(5);
    let house = House::indexed_from(1).await;
    for _ in 0..3 {
        house.append(&rows(&mut dice, 1_500)).await;
        house.storage.flush().await.unwrap();
    }
    // In both orders, and not where no index can be asked.
    let all = 2 * (filters().len() - 1);
    assert_eq!(compare(&house, "in files").await, all);
    house.append(&rows(&mut dice, 300)).await;
    assert_eq!(compare(&house, "and in memory").await, all);
    // Again, with what is in memory of pages by now.
    assert_eq!(compare(&house, "once more").await, all);
    house.storage.flush().await.unwrap();
    assert!(delete_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    assert!(compare(&house, "without indexes").await > 0);
}

#[tokio::test]
async fn few_rows_are_without_those_that_are_hidden() {
    let mut dice = Dice(8);
    let mut house = House::indexed_from(1).await;
    for _ in 0..2 {
        house.append(&rows(&mut dice, 1_500)).await;
    }
    house.storage.flush().await.unwrap();
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let before = planned(&session, &filters()[0]).await.num_rows();
    drop(session);
    delete(
        &house,
        "needle user:(user-3 OR user-7 OR user-11 OR user-20)",
    )
    .await;
    let hiding = house.storage.snapshot();
    let files = hiding.files(&TenantId::default(), Table::Logs, TimeRange::ALL);
    assert!(files.iter().any(|file| file.hidden.is_some()));
    drop((hiding, files));
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    assert!(planned(&session, &filters()[0]).await.num_rows() < before);
    drop(session);
    let all = 2 * (filters().len() - 1);
    assert_eq!(compare(&house, "some are hidden").await, all);
    assert!(break_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    house = house.reopened().await;
    assert!(compare(&house, "some are hidden, indexes are broken").await > 0);
}

#[tokio::test]
async fn few_rows_are_those_of_one_tenant() {
    let mut dice = Dice(9);
    let mut house = House::indexed_from(1).await;
    let tenants = ["alpha", "beta"].map(|name| TenantId::new(name).unwrap());
    // The same pages are asked for by both, and some rows are in memory.
    for round in 0..3 {
        for tenant in &tenants {
            house.tenant = tenant.clone();
            house.append(&rows(&mut dice, 700)).await;
        }
        if round < 2 {
            house.storage.flush().await.unwrap();
        }
    }
    let mut ids = Vec::new();
    for tenant in &tenants {
        house.tenant = tenant.clone();
        assert!(compare(&house, "of a tenant").await > 0);
        let session = house.engine.begin(tenant).await.unwrap();
        let wanted = (Order::Desc, usize::MAX);
        let few = session.few(Table::Logs, &filters()[0], wanted).await;
        let found = sorted(&few.unwrap().unwrap().all().await.unwrap());
        assert!(found.num_rows() > 0);
        ids.push(format!("{:?}", found.column_by_name(RECORD_ID).unwrap()));
    }
    assert_ne!(ids[0], ids[1]);
    let other = TenantId::new("gamma").unwrap();
    let session = house.engine.begin(&other).await.unwrap();
    for filter in filters() {
        let few = session.few(Table::Logs, &filter, (Order::Desc, usize::MAX));
        if let Some(few) = few.await.unwrap() {
            assert_eq!(few.len(), 0, "{filter}");
        }
    }
}

/// A house with a file of many rows of which one has a needle.
async fn haystack(options: QueryOptions) -> House {
    let house = House::with(options).await;
    let mut many: Vec<Log> = (0..5_000)
        .map(|at| Log::at(T0 + at, format!("common line {at}")))
        .collect();
    many[4_321].body = Some("needle".to_owned());
    house.append(&many).await;
    house.storage.flush().await.unwrap();
    house
}

fn needle() -> Expr {
    language::to_expr(&language::parse("needle").unwrap(), Table::Logs).unwrap()
}

#[tokio::test]
async fn pages_are_in_the_memory_of_the_query() {
    let house = haystack(QueryOptions {
        memory_bytes: 10_000,
        ..QueryOptions::default()
    })
    .await;
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let filter = needle();
    let few = session.few(Table::Logs, &filter, (Order::Desc, 100));
    let error = few.await.unwrap().unwrap().all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    let house = house.limited(QueryOptions::default());
    let request = http::Request::get("/api/v1/logs?query=needle");
    let (status, _, _) = send(&house, request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn memory_is_given_back_and_the_cache_is_counted() {
    let house = haystack(QueryOptions::default()).await;
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let filter = needle();
    for hits in [0, 1] {
        let few = session.few(Table::Logs, &filter, (Order::Desc, 100));
        let rows = few.await.unwrap().unwrap().all().await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
        let runtime = session.context().runtime_env();
        assert_eq!(runtime.memory_pool.reserved(), 0);
        let metrics = house.metrics();
        let counted = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().parse::<u64>().unwrap()
        };
        assert!(counted("spoor_query_page_cache_misses_total") > 0);
        assert_eq!(counted("spoor_query_page_cache_hits_total") > 0, hits > 0);
        assert!(counted("spoor_query_page_cache_bytes") > 0);
        assert_eq!(counted("spoor_query_page_cache_evictions_total"), 0);
    }
}

#[tokio::test]
async fn who_stops_the_query_ends_its_reading_and_so_does_the_time_limit() {
    let house = haystack(QueryOptions::default()).await;
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let (filter, wanted) = (needle(), (Order::Desc, 100));
    let few = session.few(Table::Logs, &filter, wanted).await.unwrap();
    session.scope.entry().stop("somebody".to_owned());
    let error = few.unwrap().all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    let Err(error) = session.few(Table::Logs, &filter, wanted).await else {
        panic!("it goes on");
    };
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");

    let timeout = Duration::from_millis(500);
    let options = QueryOptions {
        timeout,
        ..QueryOptions::default()
    };
    let engine = QueryEngine::new(house.storage.clone(), options).unwrap();
    let session = engine.begin(&TenantId::default()).await.unwrap();
    let reading = async {
        let few = session.few(Table::Logs, &filter, wanted).await?;
        // Its deadline.
        tokio::time::sleep(timeout).await;
        few.unwrap().all().await
    };
    let error = reading.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn what_may_be_many_rows_is_left_to_a_plan() {
    let house = House::with(QueryOptions {
        first_slice_rows: 1_024,
        ..QueryOptions::default()
    })
    .await;
    let mut many: Vec<Log> = (0..5_000)
        .map(|at| Log::at(T0 + at, "common line"))
        .collect();
    many[4_321].body = Some("needle".to_owned());
    house.append(&many).await;
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let words = |text| language::to_expr(&language::parse(text).unwrap(), Table::Logs).unwrap();
    let is_few = async |session: &QuerySession, filter: Expr| {
        let few = session
            .few(Table::Logs, &filter, (Order::Desc, usize::MAX))
            .await;
        few.unwrap().is_some()
    };
    assert!(
        !is_few(&session, words("needle")).await,
        "too many rows in memory"
    );
    house.storage.flush().await.unwrap();
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    assert!(is_few(&session, words("needle")).await);
    assert!(!is_few(&session, words("common")).await);
    assert!(
        !is_few(&session, col("service_name").eq(lit("none"))).await,
        "no index knows"
    );
    let house = haystack(QueryOptions::default()).await;
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let common = words("common");
    for (enough, is_few) in [
        (100, false),
        (4_999, false),
        (5_000, true),
        (usize::MAX, true),
    ] {
        let few = session.few(Table::Logs, &common, (Order::Desc, enough));
        assert_eq!(few.await.unwrap().is_some(), is_few, "{enough}");
    }
}

#[tokio::test]
async fn few_rows_of_a_broken_file_are_an_error_that_says_so() {
    let house = House::new().await;
    let logs: Vec<Log> = (0..2_000)
        .map(|at| Log::at(T0 + at, format!("line {at}")))
        .collect();
    house.append(&logs).await;
    house.storage.flush().await.unwrap();
    house.break_pages(Table::Logs);
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let words = language::to_expr(&language::parse("1234").unwrap(), Table::Logs).unwrap();
    let error = match session
        .few(Table::Logs, &words, (Order::Desc, usize::MAX))
        .await
    {
        Ok(Some(few)) => few.all().await.unwrap_err(),
        Ok(None) => panic!("it is left to a plan"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let few = session
        .few(Table::Logs, &words, (Order::Desc, usize::MAX))
        .await
        .unwrap();
    assert_eq!(few.unwrap().len(), 0, "it is set aside");
    assert!(!session.outcome().complete);
}

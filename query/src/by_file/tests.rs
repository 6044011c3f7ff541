//! What is kept of files saves reading them, and changes no answer.

mod differential;
mod exceptions;
mod groups;
mod loki;
mod patterns;
mod services;
mod spans;

use bytes::Bytes;
use datafusion::prelude::lit;
use http::Method;
use serde_json::{Value, json};
use spoor_storage::{Ingest, Table, TenantId, TimeRange};

use super::{ByFile, RowCount};
use crate::api::Buckets;
use crate::testing::{Dice, House, Log, SECOND, T0, batch_of, send};

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// One a minute of an hour, every third an error, in two colors.
fn logs(hour: i64) -> Vec<Log> {
    let log = |minute: i64| {
        let mut log = Log::at(T0 + hour * HOUR + minute * MINUTE, format!("line {minute}"));
        log.severity_number = if minute % 3 == 0 { 17 } else { 9 };
        log.service = if minute % 2 == 0 { "checkout" } else { "cart" };
        log.with("color", if minute % 5 == 0 { "red" } else { "blue" }, 's')
    };
    (0..60).map(log).collect()
}

/// A file for each of three hours.
async fn three_hours() -> House {
    let house = House::new().await;
    for hour in 0..3 {
        house.append(&logs(hour)).await;
    }
    house.storage.flush().await.unwrap();
    house
}

/// Changes a world step by step, and asks `asks` times after each.
async fn evolve<W>(
    world: &mut W,
    seed: u64,
    (steps, asks): (usize, usize),
    step: impl AsyncFn(&mut W, &mut Dice),
    check: impl AsyncFn(&W, &mut Dice, &str),
) {
    let mut dice = Dice(seed);
    for number in 0..steps {
        step(world, &mut dice).await;
        let when = format!("seed {seed}, step {number}");
        for _ in 0..asks {
            check(world, &mut dice, &when).await;
        }
    }
}

async fn histogram(house: &House, parameters: &[(&str, &str)]) -> Value {
    let answer = house.get("/api/v1/logs/histogram", parameters).await;
    assert_eq!(answer["complete"], true, "{answer}");
    let mut answer = answer;
    for changing in ["elapsed_ms", "scanned_bytes", "snapshot"] {
        answer.as_object_mut().unwrap().remove(changing);
    }
    answer
}

/// The answer, and how many files were opened for it.
async fn opened(house: &House, parameters: &[(&str, &str)]) -> (Value, u64) {
    let before = house.opened_files();
    let answer = histogram(house, parameters).await;
    (answer, house.opened_files() - before)
}

/// From one minute to another.
fn between(from: i64, to: i64) -> [(&'static str, String); 2] {
    let at = |minute: i64| (T0 + minute * MINUTE).to_string();
    [("start", at(from)), ("end", at(to))]
}

fn with<'a>(
    range: &'a [(&'static str, String)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let range = range.iter().map(|(name, value)| (*name, value.as_str()));
    range.chain(more.iter().copied()).collect()
}

pub(super) async fn change(house: &House, path: &str, body: &Value) -> Value {
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(path)
        .body(body.to_string().into())
        .unwrap();
    let (status, _, answer) = send(&house.admin(), request).await;
    assert_eq!(status, 200, "{body}: {}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap()
}

#[tokio::test]
async fn a_second_call_opens_no_file() {
    let house = three_hours().await;
    let range = between(0, 180);
    for more in [
        &[][..],
        &[("by", "color")],
        &[("query", "color:red")],
        &[("query", "line"), ("by", "color")],
        &[
            ("query", "severity>=error color:(red OR blue)"),
            ("buckets", "7"),
        ],
    ] {
        let parameters = with(&range, more);
        let (first, read) = opened(&house, &parameters).await;
        assert!(read > 0, "{more:?}");
        assert_eq!(opened(&house, &parameters).await, (first, 0), "{more:?}");
        // Without a range it is over the first to the last.
        opened(&house, more).await;
        let (_, read) = opened(&house, more).await;
        assert_eq!(read, 0, "{more:?}");
    }
    // What is new is seen.
    let parameters = with(&range, &[]);
    let (before, _) = opened(&house, &parameters).await;
    house.append(&logs(1)).await;
    let (after, read) = opened(&house, &parameters).await;
    assert_eq!(
        (before["total"].as_i64(), after["total"].as_i64(), read),
        (Some(180), Some(240), 0)
    );
}

#[tokio::test]
async fn what_the_catalog_knows_is_not_read() {
    let house = three_hours().await;
    let range = between(0, 180);
    // Each file is in one bucket.
    let parameters = with(&range, &[("by", "service_name"), ("buckets", "3")]);
    let (answer, read) = opened(&house, &parameters).await;
    assert_eq!(read, 0);
    assert_eq!(
        answer["series"],
        json!([{"name": "cart", "counts": [30, 30, 30]}, {"name": "checkout", "counts": [30, 30, 30]}])
    );
    let parameters = with(
        &range,
        &[
            ("by", "scope_name"),
            ("buckets", "3"),
            ("query", "service:cart"),
        ],
    );
    let (answer, read) = opened(&house, &parameters).await;
    assert_eq!(
        answer["series"],
        json!([{"name": "(none)", "counts": [30, 30, 30]}])
    );
    assert_eq!(read, 3, "with a query it does not know");
}

#[tokio::test]
async fn a_range_that_moves_reads_only_the_file_that_it_cuts() {
    let house = three_hours().await;
    let asked = |from| between(from, from + 190);
    opened(&house, &with(&asked(20), &[("buckets", "200")])).await;
    for from in 21..30 {
        // Cut on a minute, there is nothing more to read.
        let range = asked(from);
        let (answer, read) = opened(&house, &with(&range, &[("buckets", "200")])).await;
        assert_eq!((read, &answer["total"]), (0, &json!(180 - from)), "{from}");
        // Else its first bucket is.
        let range = range.map(|(name, at)| (name, (at.parse::<i64>().unwrap() - 7).to_string()));
        let (answer, read) = opened(&house, &with(&range, &[("buckets", "200")])).await;
        assert_eq!((read, &answer["total"]), (1, &json!(180 - from)), "{from}");
    }
}

#[tokio::test]
async fn coarser_buckets_are_made_of_finer_ones() {
    let house = three_hours().await;
    let range = between(0, 180);
    opened(&house, &with(&range, &[("buckets", "180")])).await;
    for buckets in ["90", "36", "18", "6", "3"] {
        let (answer, read) = opened(&house, &with(&range, &[("buckets", buckets)])).await;
        assert_eq!((read, &answer["total"]), (0, &json!(180)), "{buckets}");
    }
    let (_, read) = opened(&house, &with(&range, &[("buckets", "1000")])).await;
    assert_eq!(read, 3, "there is nothing finer");
}

#[tokio::test]
async fn deleted_rows_do_not_count_and_come_from_no_memory() {
    let house = three_hours().await;
    let range = between(0, 180);
    let parameters = with(&range, &[("by", "color"), ("buckets", "3")]);
    histogram(&house, &parameters).await;
    let delete = json!({"table": "logs", "query": "color:red", "confirm": 36});
    change(&house, "/api/v1/delete", &delete).await;
    for _ in 0..2 {
        let answer = histogram(&house, &parameters).await;
        let left = json!([{"name": "blue", "counts": [48, 48, 48]}]);
        assert_eq!(answer["series"], left);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let house = three_hours().await;
    house.break_pages(Table::Logs);
    let range = between(0, 180);
    for _ in 0..2 {
        let parameters = with(&range, &[("by", "color"), ("query", "line")]);
        let (status, answer) = house.try_get("/api/v1/logs/histogram", &parameters).await;
        if status == 200 {
            assert_eq!(answer["complete"], false, "{answer}");
            assert_eq!(answer["total"], 120);
        } else {
            assert_eq!(answer["error"]["code"], "corrupt", "{answer}");
        }
    }
    // Nor where it is read twice, for the first and the last time and for the counts.
    for _ in 0..2 {
        let open = [("query", "line"), ("by", "color")];
        let (status, answer) = house.try_get("/api/v1/logs/histogram", &open).await;
        assert!(
            status != 200 || answer["complete"] == false && answer["total"] == 120,
            "{answer}"
        );
    }
    // Where nothing is missing, the answer is complete.
    for _ in 0..2 {
        let answer = histogram(&house, &with(&between(60, 180), &[("by", "color")])).await;
        assert_eq!(answer["total"], 120);
    }
}

#[tokio::test]
async fn what_depends_on_other_records_is_not_kept() {
    let house = House::new().await;
    let mut log = Log::at(T0, "first");
    log.trace_id = Some([7; 16]);
    house.append(&[log.clone()]).await;
    house.storage.flush().await.unwrap();
    let count = async || {
        let answer = histogram(&house, &[("query", "trace:(status:error)")]).await;
        answer["total"].as_i64().unwrap()
    };
    assert_eq!((count().await, count().await), (0, 0));
    let span = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "07".repeat(16), "spanId": "07".repeat(8), "name": "x",
        "startTimeUnixNano": T0.to_string(), "endTimeUnixNano": T0.to_string(), "status": {"code": 2}}]}]}]});
    crate::trace::tests::append(&house, &span).await;
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn values_that_are_too_many_are_counted_all_the_same() {
    let house = House::new().await;
    let rows: Vec<Log> = (0..9_000)
        .map(|number| {
            let user = if number % 3 == 0 { 1 } else { number };
            Log::at(T0 + number * SECOND / 10, "x").with("user", user, 'i')
        })
        .collect();
    house.append(&rows).await;
    house.storage.flush().await.unwrap();
    for _ in 0..2 {
        let answer = histogram(&house, &[("by", "user"), ("buckets", "10")]).await;
        let series = answer["series"].as_array().unwrap();
        assert_eq!((series.len(), &answer["total"]), (10, &json!(9_000)));
        assert_eq!(
            (&series[0]["name"], &series[9]["name"]),
            (&json!("1"), &json!("(other)"))
        );
        let sum = |at: usize| -> i64 {
            let counts = series[at]["counts"].as_array().unwrap().iter();
            counts.map(|count| count.as_i64().unwrap()).sum()
        };
        assert_eq!((sum(0), sum(1), sum(9)), (3_001, 1, 9_000 - 3_001 - 8));
    }
}

#[tokio::test]
async fn tenants_have_counts_of_their_own() {
    let house = House::new().await;
    let other = TenantId::new("other").unwrap();
    house.append(&logs(0)).await;
    let ingest = Ingest {
        tenant: other.clone(),
        table: Table::Logs,
        received_time_ns: T0,
        payload: Bytes::from_static(b"payload"),
        batch: batch_of(&logs(0)[..20]),
    };
    house.storage.append(ingest).await.unwrap();
    house.storage.flush().await.unwrap();
    let buckets = Some(Buckets {
        start_ns: T0,
        width_ns: MINUTE,
        count: 60,
    });
    let count = RowCount::by(Table::Logs, "color", buckets).unwrap();
    let first = TenantId::default();
    for (tenant, rows, files) in [
        (&first, 60, 1),
        (&other, 20, 1),
        (&first, 60, 0),
        (&other, 20, 0),
    ] {
        let before = house.opened_files();
        let session = house.engine.begin(tenant).await.unwrap();
        let by_file = ByFile {
            session: &session,
            table: Table::Logs,
            range: TimeRange {
                start_ns: T0,
                end_ns: T0 + HOUR,
            },
            filter: lit(true),
            buckets,
        };
        let cells = by_file.cells(&count).await.unwrap().unwrap();
        let cells = cells
            .into_values()
            .flat_map(|(_, buckets)| buckets.into_values());
        assert_eq!(cells.sum::<u64>(), rows, "{tenant:?}");
        assert_eq!(house.opened_files() - before, files, "{tenant:?}");
    }
}

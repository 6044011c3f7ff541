//! `kill -9` at random moments under load, with flushes, merges, deletions, rewrites and retention rules under
//! way: after each restart exactly what was acknowledged is there, in-flight requests wholly or not at all,
//! nothing twice, what was deleted stays deleted, what a rule hid comes back without the rule, and a reader
//! never sees a record go that nobody deletes.
//! `SPOOR_SOAK=100` makes a hundred times as many rounds.

mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::json;

use crate::api::{Api, number};
use crate::data;
use crate::harness::Home;
use crate::otlp::{Otlp, PROTOBUF, Signal};

/// Rounds, each ended by a crash; more if nothing was merged in them.
const CRASHES: usize = 24;
const MOST_CRASHES: usize = 3 * CRASHES;
const WRITERS: u64 = 4;
const SEED: u64 = 20_260_101;

/// What is known of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Must be there.
    Acknowledged,
    /// The server died before it answered (that it is stored, or that it is deleted): may be there
    /// or not.
    Open,
}

/// Number of records of request `number`.
fn size_of(number: u64) -> u64 {
    1 + number % 40
}

fn signal_of(number: u64) -> Signal {
    if number.is_multiple_of(2) {
        Signal::Logs
    } else {
        Signal::Traces
    }
}

fn body_of(number: u64) -> Vec<u8> {
    let marks = |place: u64| {
        vec![
            data::int_attribute("request", number.cast_signed()),
            data::int_attribute("place", place.cast_signed()),
        ]
    };
    // Event times spread over some hours, so that several partitions are written at once.
    let time = data::T0 + (number % 5) * 3_600_000_000_000;
    match signal_of(number) {
        Signal::Logs => {
            let records = (0..size_of(number)).map(|place| {
                let mut record = data::record(&format!("request {number} place {place}"));
                record.time_unix_nano = time + place;
                record.attributes = marks(place);
                record
            });
            data::logs_of("crash", records.collect()).encode_to_vec()
        }
        Signal::Traces => {
            let spans = (0..size_of(number)).map(|place| {
                let mut span = data::span(u128::from(number) + 1, place + 1);
                span.start_time_unix_nano = time + place;
                span.end_time_unix_nano = time + place + 1_000;
                span.attributes = marks(place);
                span
            });
            data::spans_of("crash", spans.collect()).encode_to_vec()
        }
    }
}

/// Sends until the server is gone or `stop` is set; gives each request's fate.
pub(crate) async fn write(
    otlp: Otlp,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> Vec<(u64, Fate)> {
    let mut fates = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let path = signal_of(number).http_path();
        let headers = [("content-type", PROTOBUF)];
        match otlp.try_post(path, &headers, body_of(number)).await {
            Ok(reply) if reply.status == 200 => fates.push((number, Fate::Acknowledged)),
            Ok(reply) => panic!("request {number}: {} {}", reply.status, reply.text()),
            Err(_) => {
                fates.push((number, Fate::Open));
                break;
            }
        }
    }
    fates
}

/// The stored records: request to (records, distinct places).
pub(crate) async fn stored(api: &Api) -> BTreeMap<u64, (u64, u64)> {
    let mut found = BTreeMap::new();
    for table in ["logs", "spans"] {
        let query = format!(
            "SELECT \"attributes.request\" AS r, count(*), count(DISTINCT \"attributes.place\") \
             FROM {table} GROUP BY \"attributes.request\""
        );
        for row in api.all_sql(&query, "r").await {
            let request = number(&row[0]).cast_unsigned();
            let counts = (
                number(&row[1]).cast_unsigned(),
                number(&row[2]).cast_unsigned(),
            );
            assert!(
                found.insert(request, counts).is_none(),
                "request {request} in both tables"
            );
        }
    }
    found
}

/// Compares with what must be there; open requests are settled by what is found.
pub(crate) fn settle(
    fates: &mut BTreeMap<u64, Fate>,
    found: &BTreeMap<u64, (u64, u64)>,
    round: usize,
) {
    for (number, (records, places)) in found {
        assert!(
            fates.contains_key(number),
            "round {round}: request {number} was never sent, or was deleted, or gone after an earlier crash"
        );
        let size = size_of(*number);
        assert_eq!(
            (*records, *places),
            (size, size),
            "round {round}: request {number} is there once and whole"
        );
    }
    fates.retain(|number, fate| {
        let there = found.contains_key(number);
        assert!(
            there || *fate == Fate::Open,
            "round {round}: acknowledged request {number} is lost"
        );
        *fate = Fate::Acknowledged;
        there
    });
}

/// How many times more than usual is tested (`SPOOR_SOAK`).
pub(crate) fn soak() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let soak = std::env::var("SPOOR_SOAK");
    soak.map_or(1, |times| times.parse().unwrap())
}

/// Deletes log requests one after the other until the server is gone; those that it said are deleted,
/// and the one of which it said nothing.
async fn delete(api: Api, requests: Vec<u64>) -> (Vec<u64>, Option<u64>) {
    let mut deleted = Vec::new();
    for request in requests {
        let asked = json!({
            "table": "logs",
            "query": format!("request:{request}"),
            "confirm": size_of(request),
        });
        let Some(answer) = api.try_change(Method::POST, "/api/v1/delete", &asked).await else {
            return (deleted, Some(request));
        };
        assert_eq!(answer.status, 200, "request {request}: {}", answer.text);
        assert_eq!(answer.json()["rows"], size_of(request), "request {request}");
        deleted.push(request);
    }
    (deleted, None)
}

/// Asks while others write, until the server is gone. Each answer is whole, and no span is missing
/// that was there before: only logs are deleted.
async fn ask(api: Api, stop: Arc<AtomicBool>) -> usize {
    let (mut last, mut answers) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        let Some(answer) = api.ask_sql("SELECT count(*) FROM spans").await else {
            break;
        };
        assert_eq!(answer["complete"], true, "{answer}");
        let records = number(&answer["rows"][0][0]);
        assert!(records >= last, "{records} spans after {last}");
        last = records;
        answers += 1;
    }
    answers
}

/// A number from the metrics page.
async fn metric(api: &Api, name: &str) -> u64 {
    let page = api.try_get("/metrics", &[]).await.text;
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no `{name}`"))
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_under_mixed_load_lose_and_double_nothing() {
    let home = Home::new();
    let mut random = StdRng::seed_from_u64(SEED);
    let next = Arc::new(AtomicU64::new(0));
    let mut fates: BTreeMap<u64, Fate> = BTreeMap::new();
    let (mut flushes, mut merges, mut answers, mut deletions, mut toggles) = (0, 0, 0, 0, 0);
    let crashes = CRASHES * soak();
    for round in 0.. {
        // A short interval: crashes hit flushes and merges, not only the log.
        let interval = format!("{}ms", random.random_range(10..200));
        let flags = ["--flush-interval", &interval, "--delete-deadline", "1s"];
        let server = home.serve_with(&flags).await;
        // Whatever rule the crash left in force: without any all is there.
        rules::hide(&server.api(), &[]).await;
        settle(&mut fates, &stored(&server.api()).await, round);
        let enough = flushes > 0 && merges > 0 && answers > 0 && deletions > 0 && toggles > 0;
        if round >= crashes && (enough || round >= MOST_CRASHES * soak()) {
            server.stop().await;
            break;
        }
        let mut some_logs = |most: usize| -> Vec<u64> {
            let logs = fates
                .keys()
                .filter(|number| signal_of(**number) == Signal::Logs && random.random_bool(0.1));
            logs.copied().take(most).collect()
        };
        let mut doomed = some_logs(4);
        let expiring = some_logs(3);
        if !expiring.is_empty() {
            rules::hide(&server.api(), &expiring).await;
            rules::assert_hidden(&server.api(), &fates, &expiring, round).await;
        }
        // One for sure, before there is load, and the others while there is.
        let first = doomed.pop().into_iter().collect();
        let (mut deleted, _) = delete(server.api(), first).await;
        deletions += deleted.len();
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            writers.spawn(write(server.otlp(), Arc::clone(&next), Arc::clone(&stop)));
        }
        let deleter = tokio::spawn(delete(server.api(), doomed));
        let toggler = tokio::spawn(rules::toggle(server.api(), expiring));
        let reader = tokio::spawn(ask(server.api(), Arc::clone(&stop)));
        // The moment of the crash is what is random here, not something to wait for. What a slow machine did not come to
        // in all of these lives it does in longer ones.
        let longest = if round < crashes { 1_000 } else { 5_000 };
        tokio::time::sleep(Duration::from_millis(random.random_range(5..longest))).await;
        flushes += metric(&server.api(), "spoor_storage_flushes_total").await;
        merges += metric(&server.api(), "spoor_storage_compactions_total").await;
        server.kill();
        stop.store(true, Ordering::SeqCst);
        while let Some(done) = writers.join_next().await {
            fates.extend(done.unwrap());
        }
        answers += reader.await.unwrap();
        toggles += toggler.await.unwrap();
        let (more, open) = deleter.await.unwrap();
        deletions += more.len();
        deleted.extend(more);
        // What is not in this list any more must never be found again.
        fates.retain(|number, _| !deleted.contains(number));
        if let Some(open) = open {
            fates.insert(open, Fate::Open);
        }
    }
    assert!(
        fates.len() > 200,
        "only {} requests were stored in all rounds",
        fates.len()
    );
    assert!(
        flushes > 0 && merges > 0 && answers > 0 && deletions > 0 && toggles > 0,
        "{flushes} flushes, {merges} merges, {answers} answers, {deletions} deletions, {toggles} changes of rules"
    );
    home.assert_clean();
}

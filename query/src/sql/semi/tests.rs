use std::collections::BTreeSet;

use serde_json::{Value, json};
use spoor_storage::TenantId;
use spoor_storage::index::BLOCK_ROWS;

use crate::testing::{self, House, Log, T0, delete_indexes};
use crate::trace::tests::append;
use crate::{QueryEngine, QueryOptions, sql};

/// Spans of traces 1 to `traces`, one each; of every 100th the service is `rare`.
async fn send_spans(house: &House, traces: u64) {
    let part = |service: &str, rare: bool| {
        let ids = (1..=traces).filter(|id| id.is_multiple_of(100) == rare);
        let spans: Vec<Value> = ids
            .map(|id| {
                let start = T0 + id.cast_signed() * 1_000_000;
                json!({"traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "work", "kind": 1,
                    "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 9).to_string()})
            })
            .collect();
        let resource =
            json!({"attributes": [{"key": "service.name", "value": {"stringValue": service}}]});
        json!({"resource": resource, "scopeSpans": [{"spans": spans}]})
    };
    append(
        house,
        &json!({"resourceSpans": [part("common", false), part("rare", true)]}),
    )
    .await;
}

/// Logs of traces `from` to `to`, one each, and one without a trace; every 1,000th has a needle.
async fn send_logs(house: &House, from: u64, to: u64) {
    let mut logs: Vec<Log> = (from..=to)
        .map(|id| {
            let word = if id.is_multiple_of(1_000) {
                "needle"
            } else {
                "hay"
            };
            let mut log = Log::at(T0 + id.cast_signed() * 1_000_000, format!("{word} {id}"));
            log.trace_id = Some(u128::from(id).to_be_bytes());
            log
        })
        .collect();
    logs.push(Log::at(T0, "needle of no trace"));
    house.append(&logs).await;
}

/// Statements, and the traces of which they have rows.
fn statements() -> Vec<(&'static str, BTreeSet<u64>)> {
    let some =
        |is: &dyn Fn(u64) -> bool| (1..=3_000).filter(|id| is(*id)).collect::<BTreeSet<u64>>();
    // Logs are there of 1,001 to 3,500.
    let needle = |id: u64| id.is_multiple_of(1_000) && id > 1_000;
    let rare = |id: u64| id.is_multiple_of(100);
    vec![
        (
            "SELECT trace_id FROM spans WHERE trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'needle'))",
            some(&needle),
        ),
        (
            "SELECT s.trace_id FROM spans s WHERE EXISTS (SELECT 1 FROM logs l WHERE l.trace_id = s.trace_id AND matches(l.body, 'needle'))",
            some(&needle),
        ),
        (
            "SELECT trace_id FROM spans WHERE trace_id NOT IN (SELECT trace_id FROM logs WHERE trace_id IS NOT NULL AND matches(body, 'needle'))",
            some(&|id| !needle(id)),
        ),
        (
            // The log without a trace makes it unknown for every span.
            "SELECT trace_id FROM spans WHERE trace_id NOT IN (SELECT trace_id FROM logs WHERE matches(body, 'needle'))",
            BTreeSet::new(),
        ),
        (
            "SELECT trace_id FROM spans WHERE trace_id NOT IN (SELECT trace_id FROM logs WHERE matches(body, 'absent'))",
            some(&|_| true),
        ),
        (
            "SELECT s.trace_id FROM spans s WHERE NOT EXISTS (SELECT 1 FROM logs l WHERE l.trace_id = s.trace_id AND matches(l.body, 'needle'))",
            some(&|id| !needle(id)),
        ),
        (
            "SELECT trace_id FROM spans WHERE trace_id NOT IN (SELECT trace_id FROM logs WHERE trace_id IS NOT NULL)",
            some(&|id| id <= 1_000),
        ),
        (
            "SELECT s.trace_id FROM spans s JOIN logs l ON s.trace_id = l.trace_id WHERE matches(l.body, 'needle')",
            some(&needle),
        ),
        (
            "SELECT l.trace_id FROM logs l JOIN spans s ON s.trace_id = l.trace_id WHERE s.service_name = 'rare'",
            some(&|id| rare(id) && id > 1_000),
        ),
        (
            "SELECT s.trace_id FROM spans s LEFT JOIN logs l ON s.trace_id = l.trace_id WHERE s.service_name = 'rare'",
            some(&rare),
        ),
        (
            "SELECT trace_id FROM logs WHERE trace_id NOT IN (SELECT trace_id FROM spans WHERE service_name = 'common') AND matches(body, 'needle')",
            some(&needle),
        ),
        (
            "SELECT trace_id FROM traces WHERE trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'needle'))",
            some(&needle),
        ),
        (
            "SELECT trace_id FROM spans WHERE service_name = 'rare' AND trace_id IN (SELECT trace_id FROM logs WHERE trace_id IN (SELECT trace_id FROM spans))",
            some(&|id| rare(id) && id > 1_000),
        ),
        (
            "SELECT trace_id FROM spans WHERE trace_id IN (SELECT trace_id FROM logs GROUP BY trace_id HAVING count(*) > 1)",
            BTreeSet::new(),
        ),
        (
            "SELECT trace_id FROM spans WHERE service_name = 'rare' AND (trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'needle')) OR name = 'none')",
            some(&needle),
        ),
        (
            // An attribute that looks like an id is compared as the text that it is.
            "SELECT s.trace_id FROM spans s JOIN logs l ON s.trace_id = upper(l.trace_id)",
            some(&|id| id > 1_000 && format!("{id:x}") == format!("{id:X}")),
        ),
        (
            "SELECT s.trace_id FROM spans s FULL JOIN logs l ON s.trace_id = l.trace_id WHERE s.trace_id IS NOT NULL",
            some(&|_| true),
        ),
    ]
}

async fn all_as_expected(house: &House, when: &str) {
    for (sql, expected) in statements() {
        let (_, answer) = house.sql_as(sql, "text/csv").await;
        let id = |line: &str| u64::from_str_radix(line, 16).unwrap();
        let mut found: Vec<u64> = answer.lines().skip(1).map(id).collect();
        found.sort_unstable();
        assert_eq!(found, Vec::from_iter(expected), "{when}: {sql}");
    }
}

#[tokio::test]
async fn joins_on_trace_ids_mean_the_same_narrowed_or_not() {
    // Ten traces are few, a thousand are too many for a set.
    for max_traces in [1_000, 1_000_000, 1] {
        let options = QueryOptions {
            max_traces,
            ..QueryOptions::default()
        };
        let house = House::with(options).await;
        send_spans(&house, 3_000).await;
        send_logs(&house, 1_001, 3_500).await;
        all_as_expected(&house, &format!("{max_traces} in the buffer")).await;
        house.storage.flush().await.unwrap();
        all_as_expected(&house, &format!("{max_traces} in files")).await;
        if max_traces == 1_000_000 {
            house.storage.close().await.unwrap();
            assert!(delete_indexes(house.folder.path()) > 0);
            let house = house.reopened().await;
            all_as_expected(&house, "without indexes").await;
        }
    }
}

#[tokio::test]
async fn a_needle_in_logs_reads_few_rows_of_spans() {
    let house = House::new().await;
    let traces = 30 * BLOCK_ROWS;
    send_spans(&house, traces).await;
    send_logs(&house, 4_321, 5_400).await;
    house.storage.flush().await.unwrap();
    let rows_read = async |query: &str| {
        let engine = QueryEngine::new(house.storage.clone(), QueryOptions::default()).unwrap();
        let session = engine.begin(&TenantId::default()).await.unwrap();
        let frame = sql::plan(&session, query).await.unwrap();
        testing::rows_read(frame).await as u64
    };
    for query in [
        "SELECT * FROM spans WHERE trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'needle'))",
        "SELECT * FROM spans s WHERE EXISTS (SELECT 1 FROM logs l WHERE l.trace_id = s.trace_id AND matches(l.body, 'needle'))",
        "SELECT * FROM logs l JOIN spans s ON s.trace_id = l.trace_id WHERE matches(l.body, 'needle')",
        "SELECT * FROM spans s JOIN logs l ON s.trace_id = l.trace_id WHERE matches(l.body, 'needle')",
        "SELECT * FROM traces WHERE trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'needle'))",
    ] {
        // Hashes of ids are short: another block may look the same.
        let read = rows_read(query).await;
        assert!(read <= 3 * BLOCK_ROWS, "{read} {query}");
    }
}

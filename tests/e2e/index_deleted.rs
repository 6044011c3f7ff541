//! The index says where to look, the columns say what is true: without any index, or with broken
//! ones, every answer is the same.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::Api;
use crate::data;
use crate::harness::{Home, run_ok};

/// Words that are common, rare, absent, parts of ids, phrases, fields, ranges and their mixtures.
const LOG_QUERIES: &[&str] = &[
    "",
    "error",
    "shanghai",
    "nosuchword",
    "semicomplete.com",
    "83.149.9.216",
    "\"Order Status Wrong\"",
    "\"nested exception is\"",
    "\"order wrong\"",
    "calc*",
    "failed OR logstash",
    "failed logstash",
    "failed -error",
    "NOT info",
    "(kibana OR python) GET",
    "service:ts-order-service",
    "service:ts-* error",
    "service:ts-travel-service failed",
    "severity>=warn",
    "level:error service:ts-basic-service",
    "http.response.status_code:404",
    "http.response.status_code:>=500",
    "http.request.method:POST",
    "client.address:83.149.9.216",
    "client.address:66.249.*",
    "k8s.node.name:33.33.33.76 severity:ERROR",
    "resource.k8s.container.name:server nanjing",
    "trace_id:fe6bf62f357743299319d640878ea4f0",
    "fe6bf62f357743299319d640878ea4f0",
    "fe6bf62f",
    "span_id:1800e2de3287b1c6",
    "has:session",
    "has:session currency:JPY",
    "http.req.path:/product/*",
    "message:\"request complete\"",
    "G1234 nanjing OR D1345 shanghai",
    "-service:apache-access -service:ts-* conversion",
];

const SPAN_QUERIES: &[&str] = &[
    "",
    "status:ERROR",
    "name:BasicErrorController.error",
    "BasicErrorController",
    "service:opbeans-node status:ERROR",
    "http.response.status_code:>=500",
    "db.system:redis",
    "duration>5s",
    "duration>250ms service:ts-order-service",
    "kind:PRODUCER",
    "peer.service:memcache",
    "trace_id:fe6bf62f357743299319d640878ea4f0",
    "\"SELECT FROM products\"",
    "user.id:42 -status:ERROR",
    "nosuchword",
];

const SQL: &[&str] = &[
    "SELECT service_name, count(*) FROM logs WHERE matches(body, 'error') GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM logs WHERE matches(body, '\"connection refused\" OR failed')",
    "SELECT count(*) FROM logs WHERE NOT matches(body, 'info')",
    "SELECT count(*) FROM logs WHERE matches(body, 'error') IS NOT TRUE",
    "SELECT count(*), min(time), max(time) FROM logs WHERE matches(body, 'failed') OR severity_number = 13",
    "SELECT body FROM logs WHERE matches(body, 'segfault OR xdotool') ORDER BY time, body LIMIT 50",
    "SELECT count(*) FROM logs WHERE \"attributes.http.response.status_code\" = 404",
    "SELECT count(*) FROM logs WHERE attr('client.address') = '83.149.9.216'",
    "SELECT count(*) FROM logs WHERE attr('client.address') IN ('83.149.9.216', '66.249.73.135')",
    "SELECT count(*) FROM logs WHERE body LIKE '%Order Status%'",
    "SELECT span_id, name, duration_ns FROM spans WHERE trace_id = 'fe6bf62f357743299319d640878ea4f0' ORDER BY span_id",
    "SELECT count(*) FROM spans WHERE trace_id IN ('fe6bf62f357743299319d640878ea4f0', '044750d07be33da75f34237f22737716')",
    "SELECT count(*) FROM spans WHERE trace_id = 'FE6BF62F357743299319D640878EA4F0'",
    "SELECT count(*) FROM spans WHERE trace_id = 'not an id'",
    "SELECT count(*) FROM spans WHERE trace_id <> 'fe6bf62f357743299319d640878ea4f0'",
    "SELECT count(*) FROM spans WHERE matches(name, 'BasicErrorController')",
    "SELECT count(*) FROM spans WHERE \"attributes.db.system\" = 'redis' AND status_code = 'ERROR'",
    "SELECT l.service_name, count(*) FROM logs l JOIN spans s ON l.trace_id = s.trace_id AND l.span_id = s.span_id \
     WHERE matches(l.body, 'failed') GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM spans WHERE trace_id IN (SELECT trace_id FROM logs WHERE matches(body, 'exception'))",
];

/// Takes away what may differ between two runs: how much was read is what indexes are for.
fn essence(mut answer: Value) -> Value {
    if let Some(object) = answer.as_object_mut() {
        for key in ["elapsed_ms", "scanned_bytes", "snapshot", "next_cursor"] {
            object.remove(key);
        }
    }
    answer
}

/// Every answer by what was asked; refusals count as answers too.
async fn ask_everything(api: &Api) -> BTreeMap<String, (u16, Value)> {
    let mut answers = BTreeMap::new();
    let mut keep = |what: String, answer: crate::api::Answer| {
        let json = essence(answer.json());
        assert!(
            answers
                .insert(what, (answer.status.as_u16(), json))
                .is_none(),
            "asked twice"
        );
    };
    for query in LOG_QUERIES {
        let parameters = [("query", *query), ("limit", "50")];
        keep(
            format!("logs {query}"),
            api.try_get("/api/v1/logs", &parameters).await,
        );
        let parameters = [("query", *query), ("by", "service_name")];
        let histogram = api.try_get("/api/v1/logs/histogram", &parameters).await;
        keep(format!("histogram {query}"), histogram);
    }
    for query in SPAN_QUERIES {
        let parameters = [("query", *query), ("limit", "50")];
        keep(
            format!("traces {query}"),
            api.try_get("/api/v1/traces", &parameters).await,
        );
    }
    for query in SQL {
        keep(
            (*query).to_owned(),
            api.try_sql(query, "application/json").await,
        );
    }
    for trace in [
        "fe6bf62f357743299319d640878ea4f0",
        "00000000000000008ce82b2e9ed820ba",
    ] {
        let path = format!("/api/v1/traces/{trace}");
        keep(path.clone(), api.try_get(&path, &[]).await);
        keep(
            format!("{path} timeline"),
            api.try_get(&path, &[("view", "timeline")]).await,
        );
        let path = format!("/jaeger/api/traces/{trace}");
        keep(path.clone(), api.try_get(&path, &[]).await);
    }
    for path in [
        "/api/v1/services",
        "/api/v1/fields",
        "/api/v1/fields/service_name/values",
    ] {
        keep(
            path.to_owned(),
            api.try_get(path, &[("table", "logs")]).await,
        );
    }
    answers
}

fn assert_same(
    with: &BTreeMap<String, (u16, Value)>,
    without: &BTreeMap<String, (u16, Value)>,
    when: &str,
) {
    let differing: Vec<String> = with
        .iter()
        .filter(|(what, answer)| without[*what] != **answer)
        .map(|(what, (status, answer))| {
            let other = &without[what];
            let shorten = |json: &Value| json.to_string().chars().take(600).collect::<String>();
            format!(
                "{what}\n  with    {status} {}\n  without {} {}",
                shorten(answer),
                other.0,
                shorten(&other.1)
            )
        })
        .collect();
    assert!(
        differing.is_empty(),
        "{when}: {} answers differ\n{}",
        differing.len(),
        differing.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_the_same_without_indexes() {
    let home = Home::new();
    let data_dir = home.data_dir();
    let mut arguments = vec!["import", "--data-dir", data_dir.to_str().unwrap()];
    let mut files = data::files();
    // Half of the largest sets is enough to be compared with itself.
    files.retain(|file| !file.to_string_lossy().contains("-1.jsonl"));
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    // However small, so that there is something to delete.
    let indexed = ["--index-from-rows", "0"];
    arguments.extend(indexed);
    run_ok(&arguments);

    let server = home.serve_with(&indexed).await;
    let with = ask_everything(&server.api()).await;
    let refused: Vec<_> = with
        .iter()
        .filter(|(_, (status, _))| *status != 200)
        .collect();
    assert!(
        refused.is_empty(),
        "all of these are questions that have an answer: {refused:#?}"
    );
    let hits = |what: &str| with[what].1["total"].as_i64().unwrap();
    assert!(hits("histogram error") > 0 && hits("histogram nosuchword") == 0);
    server.stop().await;

    let indexes = home.files(".idx");
    assert!(indexes.len() > 5, "files have indexes: {indexes:?}");
    for (place, index) in indexes.iter().enumerate() {
        // Torn in the middle, overwritten with nonsense, or empty.
        let mut bytes = std::fs::read(index).unwrap();
        let half = bytes.len() / 2;
        match place % 3 {
            0 => bytes.truncate(half),
            1 => bytes[half..].fill(0xA5),
            _ => bytes.clear(),
        }
        std::fs::write(index, bytes).unwrap();
    }
    let server = home.serve_with(&indexed).await;
    assert_same(
        &with,
        &ask_everything(&server.api()).await,
        "broken indexes",
    );
    server.stop().await;

    for index in home.files(".idx") {
        std::fs::remove_file(index).unwrap();
    }
    let server = home.serve_with(&indexed).await;
    assert_same(&with, &ask_everything(&server.api()).await, "no indexes");
    assert!(
        home.files(".idx").is_empty(),
        "no index was there while these were answered"
    );
    server.stop().await;
}

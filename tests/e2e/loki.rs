//! What `expected.json` knows of the imported logs comes out of Loki's API: counts by service, level
//! and minute, the same from the buffer, from files and without any index.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use crate::api::{Api, number};
use crate::data;
use crate::harness::{Home, run_ok};

const API: &str = "/loki/api/v1";

/// All imported logs are in these years.
const START: &str = "2015-01-01T00:00:00Z";
const END: &str = "2024-01-01T00:00:00Z";

async fn get(api: &Api, path: &str, parameters: &[(&str, &str)]) -> Value {
    let answer = api.get(&format!("{API}/{path}"), parameters).await;
    assert_eq!(answer.get("warnings"), None, "{path} {parameters:?}");
    answer
}

/// Samples at one instant by the value of a label.
async fn by_label(api: &Api, query: &str, label: &str) -> BTreeMap<String, i64> {
    let answer = get(api, "query", &[("query", query), ("time", END)]).await;
    assert_eq!(answer["data"]["resultType"], "vector", "{query}");
    let series = answer["data"]["result"].as_array().unwrap().iter();
    series
        .map(|series| {
            let name = series["metric"][label].as_str().unwrap_or_default();
            let sample: i64 = series["value"][1].as_str().unwrap().parse().unwrap();
            (name.to_owned(), sample)
        })
        .collect()
}

fn counts(object: &Value) -> BTreeMap<String, i64> {
    let object = object.as_object().unwrap().iter();
    object
        .map(|(name, count)| (name.clone(), number(count)))
        .collect()
}

/// Services of the one data set that has levels and minutes.
const SHOP: &str = "{service_namespace=\"train-ticket\"}";

async fn services_and_levels(api: &Api, expected: &Value) {
    let mut services = BTreeMap::new();
    let mut all = 0;
    for name in ["nezha-tt", "nezha-ob", "apache-access"] {
        let logs = &expected[name]["logs"];
        services.extend(counts(&logs["logs_per_service"]));
        all += number(&logs["logs"]);
    }
    let by_service = "sum by (service_name) (count_over_time({}[10y]))";
    assert_eq!(by_label(api, by_service, "service_name").await, services);
    let total = by_label(api, "sum(count_over_time({}[10y]))", "").await;
    assert_eq!(total, BTreeMap::from([(String::new(), all)]));
    let names = get(api, "label/service_name/values", &[]).await;
    let names: Vec<&str> = names["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        names,
        services.keys().map(String::as_str).collect::<Vec<_>>()
    );

    let shop = &expected["nezha-tt"]["logs"];
    let mut levels = BTreeMap::new();
    for (text, count) in counts(&shop["logs_per_severity_text"]) {
        levels.insert(text.to_lowercase(), count);
    }
    let by_level = format!("sum by (level) (count_over_time({SHOP}[10y]))");
    assert_eq!(by_label(api, &by_level, "level").await, levels);
    let errors = "sum by (service_name) (count_over_time({level=\"error\"}[10y]))";
    let expected_errors = counts(&shop["error_logs_per_service"]);
    assert_eq!(by_label(api, errors, "service_name").await, expected_errors);
    let nodes = format!("topk(10, sum by (k8s_node_name) (count_over_time({SHOP}[10y])))");
    let hosts = counts(&shop["logs_per_host_top10"]);
    assert_eq!(by_label(api, &nodes, "k8s_node_name").await, hosts);
}

async fn minutes(api: &Api, expected: &Value) {
    let minutes = expected["nezha-tt"]["per_minute_utc"].as_object().unwrap();
    let mut logs = BTreeMap::new();
    let mut errors = BTreeMap::new();
    for (name, figures) in minutes {
        let time = NaiveDateTime::parse_from_str(name, "%Y-%m-%dT%H:%MZ").unwrap();
        let minute = time.and_utc().timestamp();
        for (counts, key) in [(&mut logs, "logs"), (&mut errors, "error_logs")] {
            if number(&figures[key]) > 0 {
                counts.insert(minute, number(&figures[key]));
            }
        }
    }
    let first = minutes.keys().next().unwrap().replace('Z', ":00Z");
    let (start, end) = (first.as_str(), "2023-01-29T16:00:00Z");
    for (selector, expected) in [
        (SHOP.to_owned(), logs),
        (format!("{SHOP} | level=\"error\""), errors),
    ] {
        // A window has its end and not its start, a minute the other way round.
        let query = format!("sum(count_over_time({selector} [1m] offset -59s999999999ns))");
        let parameters = [
            ("query", query.as_str()),
            ("start", start),
            ("end", end),
            ("step", "60"),
        ];
        let answer = get(api, "query_range", &parameters).await;
        let values = answer["data"]["result"][0]["values"]
            .as_array()
            .unwrap()
            .iter();
        let found: BTreeMap<i64, i64> = values
            .map(|value| {
                (
                    number(&value[0]),
                    value[1].as_str().unwrap().parse().unwrap(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{query}");
    }
}

async fn apache(api: &Api, expected: &Value) {
    let logs = &expected["apache-access"]["logs"];
    // Texts of lines are not words: SQL knows how many there are.
    let mut all = 0;
    for term in counts(&logs["term_hits"]).into_keys() {
        let query =
            format!("sum(count_over_time({{service_name=\"apache-access\"}} |= {term:?} [10y]))");
        let found = by_label(api, &query, "").await.values().sum::<i64>();
        all += found;
        let sql = format!(
            "SELECT count(*) FROM logs WHERE service_name = 'apache-access' AND strpos(body, '{term}') > 0"
        );
        assert_eq!(found, api.sql_number(&sql).await, "{term}");
    }
    assert!(all > 10_000, "sameness of little says little: {all}");
    let parsed = "sum by (status) (count_over_time({service_name=\"apache-access\"} \
        | pattern `<_> - - [<_>] \"<_>\" <status> <_>` | keep status [10y]))";
    let by_attribute = "sum by (http_response_status_code) \
        (count_over_time({service_name=\"apache-access\"}[10y]))";
    let attributes = by_label(api, by_attribute, "http_response_status_code").await;
    assert_eq!(by_label(api, parsed, "status").await, attributes);
    assert_eq!(attributes.values().sum::<i64>(), number(&logs["logs"]));
}

/// What must be the same whatever is deleted that can be made again.
async fn answers(api: &Api) -> Vec<Value> {
    let mut found = Vec::new();
    for query in [
        "{} |= \"Order Status\"",
        "{service_name=~\"ts-.*\"} |= \"Seat\" != \"exception\" |~ \"(?i)order\"",
        "{level=\"error\"}",
        "{k8s_node_name=\"33.33.33.76\"} | level=~\"warn|error\"",
        "{trace_id=\"fe6bf62f357743299319d640878ea4f0\"}",
        "{service_name=\"apache-access\"} |= \" 404 \" | http_request_method!=\"GET\"",
        "{} |> \"<_>shanghai<_>\"",
        "sum by (service_name) (count_over_time({} |= \"rror\" [10y]))",
        "sum by (level) (bytes_over_time({} != \"Order\" [10y]))",
    ] {
        let mut parameters = vec![
            ("query", query),
            ("start", START),
            ("end", END),
            ("limit", "200"),
        ];
        parameters.push(("step", "365d"));
        let mut answer = get(api, "query_range", &parameters).await;
        found.push(json!({"query": query, "result": answer["data"]["result"].take()}));
    }
    found
}

#[tokio::test]
async fn imported_logs_are_found_as_grafana_asks_for_them() {
    let expected = data::expected();
    let home = Home::new();
    let data_dir = home.data_dir();
    let mut files = data::files();
    files.retain(|file| file.to_string_lossy().contains("-logs"));
    let mut arguments = vec!["import", "--data-dir", data_dir.to_str().unwrap()];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    run_ok(&arguments);
    let server = home.serve().await;
    let api = server.api();
    services_and_levels(&api, &expected).await;
    minutes(&api, &expected).await;
    apache(&api, &expected).await;
    let before = answers(&api).await;
    for answer in &before {
        assert_ne!(
            answer["result"],
            json!([]),
            "sameness of nothing says nothing: {answer}"
        );
    }
    server.stop().await;
    let indexes = home.files(".idx");
    assert!(!indexes.is_empty());
    for index in indexes {
        std::fs::remove_file(index).unwrap();
    }
    let server = home.serve().await;
    let after = answers(&server.api()).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
}

//! The `logs` figures of one dataset.

use serde_json::Value;

use super::facts::{Counts, Dataset, Facts, counts, counts_per_service, literal};
use crate::api::number;

pub(super) async fn compare(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    totals(facts, dataset).await;
    groups(facts, dataset).await;
    links(facts, dataset).await;
    for (term, hits) in counts(&dataset.figures["term_hits"]) {
        term_hits(facts, dataset, &term, hits).await;
    }
    for (term, hits) in dataset.figures["term_hits_per_service"]
        .as_object()
        .unwrap()
    {
        let query = format!(
            "SELECT service_name, count(*) FROM logs WHERE {} AND matches(body, {}) GROUP BY service_name",
            dataset.filter,
            literal(&quoted(term))
        );
        let what = format!("{} hits of `{term}` per service", dataset.name);
        facts.groups(&what, &counts_per_service(hits), &query).await;
    }
    if let Some(attributes) = dataset.figures.get("attribute_values") {
        attribute_values(facts, dataset, "logs", attributes).await;
    }
}

async fn totals(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let of = |key: &str| number(&dataset.figures[key]);
    let host = host_column(dataset);
    let hosts = format!("count(DISTINCT {host})");
    let columns = [
        ("logs", of("logs"), "count(*)"),
        ("first_ns", of("first_ns"), "min(CAST(time AS BIGINT))"),
        ("last_ns", of("last_ns"), "max(CAST(time AS BIGINT))"),
        ("hosts", of("hosts"), hosts.as_str()),
        (
            "longest_body_chars",
            of("longest_body_chars"),
            "max(character_length(body))",
        ),
        (
            "bodies_with_newline",
            of("bodies_with_newline"),
            "sum(CASE WHEN strpos(body, chr(10)) > 0 THEN 1 ELSE 0 END)",
        ),
        (
            "distinct_bodies",
            of("distinct_bodies"),
            "count(DISTINCT body)",
        ),
        (
            "logs_with_trace_id",
            of("logs_with_trace_id"),
            "count(trace_id)",
        ),
    ];
    facts
        .numbers(
            dataset.name,
            &columns,
            &format!("logs WHERE {}", dataset.filter),
        )
        .await;
}

/// Nezha names the Kubernetes node, the web server itself.
pub(super) fn host_key(dataset: &Dataset<'_>) -> &'static str {
    if dataset.name.starts_with("nezha") {
        "k8s.node.name"
    } else {
        "host.name"
    }
}

fn host_column(dataset: &Dataset<'_>) -> String {
    format!("\"resource.{}\"", host_key(dataset))
}

async fn groups(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let (name, filter, figures) = (dataset.name, &dataset.filter, dataset.figures);
    let per_service = counts_per_service(&figures["logs_per_service"]);
    let query =
        format!("SELECT service_name, count(*) FROM logs WHERE {filter} GROUP BY service_name");
    facts
        .groups(&format!("{name} logs_per_service"), &per_service, &query)
        .await;

    let query = format!(
        "SELECT coalesce(severity_text, ''), count(*) FROM logs WHERE {filter} \
         GROUP BY coalesce(severity_text, '')"
    );
    let expected = counts(&figures["logs_per_severity_text"]);
    facts
        .groups(&format!("{name} logs_per_severity_text"), &expected, &query)
        .await;

    let errors = counts_per_service(&figures["error_logs_per_service"]);
    let query = format!(
        "SELECT service_name, count(*) FROM logs WHERE {filter} AND severity_number >= 17 \
         GROUP BY service_name"
    );
    facts
        .groups(&format!("{name} error_logs_per_service"), &errors, &query)
        .await;
    for (service, count) in &errors {
        let query = format!("severity>=error service:{service}");
        histogram_total(facts, dataset, &query, *count).await;
    }

    let host = host_column(dataset);
    let query = format!(
        "SELECT {host}, count(*) AS n FROM logs WHERE {filter} GROUP BY {host} ORDER BY n DESC, {host} LIMIT 10"
    );
    let expected = counts(&figures["logs_per_host_top10"]);
    facts
        .groups(&format!("{name} logs_per_host_top10"), &expected, &query)
        .await;

    // The same counts by `/api/v1/services`.
    let (start, end) = (dataset.start_ns.to_string(), dataset.end_ns.to_string());
    let parameters = [("start", start.as_str()), ("end", end.as_str())];
    let Some(answer) = facts.get("/api/v1/services", &parameters).await else {
        return;
    };
    let got: Counts = answer["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let service = entry["service_name"].as_str().unwrap().to_owned();
            (service, number(&entry["log_count"]))
        })
        .filter(|(service, count)| *count > 0 && dataset.has_service(service))
        .collect();
    facts.same(
        &format!("{name} logs by /api/v1/services"),
        per_service,
        got,
    );
}

/// Logs and the traces they belong to.
async fn links(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    if !dataset.has("linked_logs") {
        return;
    }
    let (name, filter) = (dataset.name, &dataset.filter);
    let of = |key: &str| number(&dataset.figures[key]);
    let queries = [
        (
            "logs_whose_trace_is_here",
            format!(
                "SELECT count(*) FROM logs WHERE {filter} AND trace_id IN (SELECT trace_id FROM spans)"
            ),
        ),
        (
            "logs_whose_span_is_here",
            format!(
                "SELECT count(*) FROM (SELECT trace_id, span_id FROM logs WHERE {filter}) AS l WHERE EXISTS \
                 (SELECT 1 FROM spans WHERE spans.trace_id = l.trace_id AND spans.span_id = l.span_id)"
            ),
        ),
        (
            "traces_with_error_log",
            format!(
                "SELECT count(DISTINCT trace_id) FROM logs WHERE {filter} AND severity_number >= 17"
            ),
        ),
    ];
    for (key, query) in queries {
        facts
            .number(&format!("{name} {key}"), of(key), &query)
            .await;
    }
    for (trace_id, expected) in counts(&dataset.figures["linked_logs"]) {
        let query = format!("trace_id:{trace_id}");
        let parameters = [
            ("query", query.as_str()),
            ("order", "asc"),
            ("limit", "1000"),
        ];
        let Some(answer) = facts.get("/api/v1/logs", &parameters).await else {
            continue;
        };
        let logs = answer["logs"].as_array().unwrap();
        facts.same(
            &format!("logs of trace {trace_id}"),
            expected,
            logs.len() as i64,
        );
        let strangers = logs
            .iter()
            .filter(|log| log["trace_id"] != trace_id.as_str())
            .count();
        facts.same(
            &format!("logs of trace {trace_id} that are of another"),
            0,
            strangers,
        );
    }
}

/// Several words are a phrase.
fn quoted(term: &str) -> String {
    if term.contains(' ') {
        format!("\"{term}\"")
    } else {
        term.to_owned()
    }
}

/// Words and phrases, by the search language and by SQL.
async fn term_hits(facts: &mut Facts<'_>, dataset: &Dataset<'_>, term: &str, hits: i64) {
    histogram_total(facts, dataset, &quoted(term), hits).await;
    let query = format!(
        "SELECT count(*) FROM logs WHERE {} AND matches(body, {})",
        dataset.filter,
        literal(&quoted(term))
    );
    facts
        .number(
            &format!("{} hits of `{term}` by SQL", dataset.name),
            hits,
            &query,
        )
        .await;
}

/// What the histogram of a search counts, within the time of the dataset.
async fn histogram_total(facts: &mut Facts<'_>, dataset: &Dataset<'_>, query: &str, expected: i64) {
    let (start, end) = (dataset.start_ns.to_string(), dataset.end_ns.to_string());
    let parameters = [
        ("query", query),
        ("start", start.as_str()),
        ("end", end.as_str()),
    ];
    let Some(answer) = facts.get("/api/v1/logs/histogram", &parameters).await else {
        return;
    };
    let what = format!("{} logs found by `{query}`", dataset.name);
    facts.same(&what, expected, number(&answer["total"]));
    let counted: i64 = answer["series"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|series| series["counts"].as_array().unwrap())
        .map(number)
        .sum();
    facts.same(&format!("{what}, summed over the bars"), expected, counted);
}

/// Values of attributes, by SQL, by the fields API, and (logs) by the search language.
pub(super) async fn attribute_values(
    facts: &mut Facts<'_>,
    dataset: &Dataset<'_>,
    table: &str,
    attributes: &Value,
) {
    let (start, end) = (dataset.start_ns.to_string(), dataset.end_ns.to_string());
    for (key, values) in attributes.as_object().unwrap() {
        let expected = counts(values);
        let what = format!("{} values of {key}", dataset.name);
        let query = format!(
            "SELECT CAST(\"attributes.{key}\" AS VARCHAR), count(*) FROM {table} WHERE {} \
             AND \"attributes.{key}\" IS NOT NULL GROUP BY \"attributes.{key}\"",
            dataset.filter
        );
        if let Some(rows) = facts.sql(&query).await {
            for (value, count) in &expected {
                let got = rows
                    .iter()
                    .find(|row| row[0] == value.as_str())
                    .map(|row| number(&row[1]));
                facts.same(&format!("{what}: {value} by SQL"), Some(*count), got);
            }
        }
        let path = format!("/api/v1/fields/{key}/values");
        let parameters = [
            ("table", table),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("limit", "1000"),
        ];
        if let Some(answer) = facts.get(&path, &parameters).await {
            let list = answer["values"].as_array().unwrap();
            for (value, count) in &expected {
                let got = list.iter().find(|entry| entry["value"] == value.as_str());
                let got = got.map(|entry| number(&entry["count"]));
                facts.same(&format!("{what}: {value} by {path}"), Some(*count), got);
            }
        }
        if table == "logs" {
            for (value, count) in expected.iter().take(3) {
                histogram_total(facts, dataset, &format!("{key}:\"{value}\""), *count).await;
            }
        }
    }
}

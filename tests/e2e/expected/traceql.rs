//! The figures of traces as TraceQL finds and counts them.

use serde_json::Value;

use super::facts::{Dataset, Facts, service};
use crate::api::number;

/// Edges and services that are asked for one by one; each question reads whole traces.
const ASKED: usize = 3;

pub(super) async fn compare(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    let figures = dataset.figures;
    let of_dataset = services(dataset);
    counted(facts, dataset, &of_dataset, "spans").await;
    let roots = format!("nestedSetParent < 0 && {of_dataset}");
    counted(facts, dataset, &roots, "root_spans").await;
    let errors = format!("status = error && {of_dataset}");
    counted(facts, dataset, &errors, "error_spans").await;
    let zero = format!("duration = 0 && {of_dataset}");
    counted(facts, dataset, &zero, "zero_duration_spans").await;
    traces(
        facts,
        dataset,
        &errors,
        number(&figures["traces_with_error_span"]),
    )
    .await;
    let touching = figures["traces_touching_service"].as_object().unwrap();
    for (name, count) in touching.iter().take(ASKED) {
        let filter = format!("resource.service.name = {:?}", service(name));
        traces(facts, dataset, &filter, number(count)).await;
    }
    let longer = figures["traces_longer_than_ms"].as_object().unwrap();
    for (limit, count) in longer {
        let filter = format!("traceDuration > {limit}ms && {of_dataset}");
        traces(facts, dataset, &filter, number(count)).await;
    }
    edges(facts, dataset).await;
}

/// A filter that only spans of the dataset meet, in its time.
fn services(dataset: &Dataset<'_>) -> String {
    let names = dataset.figures["spans_per_service"].as_object().unwrap();
    let names: Vec<String> = names
        .keys()
        .map(|name| service(name).replace('.', "\\."))
        .collect();
    format!("resource.service.name =~ `{}`", names.join("|"))
}

fn range(dataset: &Dataset<'_>) -> (String, String) {
    (dataset.start_ns.to_string(), dataset.end_ns.to_string())
}

async fn count(facts: &mut Facts<'_>, dataset: &Dataset<'_>, query: &str) -> Option<i64> {
    let (start, end) = range(dataset);
    let parameters = [("q", query), ("start", &start), ("end", &end)];
    let answer = facts.get("/tempo/api/metrics/query", &parameters).await?;
    let value = &answer["series"][0]["value"];
    Some(value.as_f64().unwrap_or_default() as i64)
}

async fn counted(facts: &mut Facts<'_>, dataset: &Dataset<'_>, filter: &str, figure: &str) {
    let query = format!("{{ {filter} }} | count_over_time()");
    if let Some(found) = count(facts, dataset, &query).await {
        let what = format!("{} {figure} by `{query}`", dataset.name);
        facts.same(&what, number(&dataset.figures[figure]), found);
    }
}

async fn traces(facts: &mut Facts<'_>, dataset: &Dataset<'_>, filter: &str, expected: i64) {
    let query = format!("{{ {filter} }}");
    let (start, end) = range(dataset);
    let parameters = [
        ("traceql", query.as_str()),
        ("start", &start),
        ("end", &end),
        ("limit", "1000"),
    ];
    if let Some(answer) = facts.get("/api/v1/traces", &parameters).await {
        let found = answer["traces"].as_array().map_or(0, Vec::len);
        let what = format!("{} traces by `{query}`", dataset.name);
        facts.same(&what, expected, found as i64);
    }
}

/// Called spans of two services are children across them.
async fn edges(facts: &mut Facts<'_>, dataset: &Dataset<'_>) {
    for edge in dataset.figures["edges"]
        .as_array()
        .unwrap()
        .iter()
        .take(ASKED)
    {
        let of = |name: &Value| format!("{:?}", service(name.as_str().unwrap()));
        let query = format!(
            "{{ resource.service.name = {} }} > {{ resource.service.name = {} }} | count_over_time()",
            of(&edge["from"]),
            of(&edge["to"])
        );
        if let Some(found) = count(facts, dataset, &query).await {
            let what = format!("{} calls by `{query}`", dataset.name);
            facts.same(&what, number(&edge["calls"]), found);
        }
    }
}

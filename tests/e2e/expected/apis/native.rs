//! Questions about one dataset to `/api/v1` and SQL.

use serde_json::Value;

use super::super::facts::{Counts, Dataset, literal};
use super::answers::{at, list, names, numbers, series, tally, text};
use super::{Request, Way};

/// Asks about the rows of one dataset: of its services, in its time.
pub(super) struct Asker<'a> {
    pub(super) dataset: &'a Dataset<'a>,
    pub(super) start: String,
    pub(super) end: String,
    /// `spans` or `logs`.
    pub(super) table: &'static str,
    /// The condition in the search language.
    pub(super) search: String,
    /// The same in TraceQL.
    pub(super) traceql: String,
    /// The same in LogQL.
    pub(super) selector: String,
}

impl<'a> Asker<'a> {
    pub(super) fn of_spans(dataset: &'a Dataset<'a>) -> Self {
        Self::new(dataset, "spans")
    }

    pub(super) fn of_logs(dataset: &'a Dataset<'a>) -> Self {
        Self::new(dataset, "logs")
    }

    fn new(dataset: &'a Dataset<'a>, table: &'static str) -> Self {
        let quoted = dataset.services().iter().map(|name| format!("{name:?}"));
        let pattern = dataset
            .services()
            .iter()
            .map(|name| name.replace('.', "\\."));
        let pattern = pattern.collect::<Vec<_>>().join("|");
        Self {
            dataset,
            start: dataset.start_ns.to_string(),
            end: dataset.end_ns.to_string(),
            table,
            search: format!("service:({})", quoted.collect::<Vec<_>>().join(" OR ")),
            traceql: format!("resource.service.name =~ `{pattern}`"),
            selector: format!("{{service_name=~`{pattern}`}}"),
        }
    }

    /// Parameters, and the time of the dataset.
    pub(super) fn within(
        &self,
        parameters: &[(&'static str, &str)],
    ) -> Vec<(&'static str, String)> {
        let given = parameters.iter();
        let mut all: Vec<_> = given
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        all.extend([("start", self.start.clone()), ("end", self.end.clone())]);
        all
    }

    /// A search, of the services of the dataset.
    fn searched(&self, query: &str) -> String {
        format!("{} {query}", self.search).trim_end().to_owned()
    }

    fn histogram(&self) -> String {
        format!("/api/v1/{}/histogram", self.table)
    }

    /// How many rows a search finds.
    pub(super) fn total(&self, query: &str) -> Way {
        let query = self.searched(query);
        let parameters = self.within(&[("query", &query), ("buckets", "1")]);
        Way::get(self.histogram(), parameters, at("/total"))
    }

    /// What the bars of a search add up to, by the values of a field.
    pub(super) fn bars(&self, query: &str, by: &str, key: &'static str) -> Way {
        let query = self.searched(query);
        let mut parameters = self.within(&[("query", &query), ("buckets", "10"), ("by", by)]);
        if self.table == "spans" {
            parameters.push(("limit", "50".to_owned()));
        }
        Way::get(self.histogram(), parameters, series(key))
    }

    pub(super) fn heatmap(&self, query: &str) -> Way {
        let query = self.searched(query);
        let parameters = self.within(&[("query", &query)]);
        Way::get("/api/v1/spans/heatmap", parameters, |json| {
            let bands = list(json, "/bands").flat_map(|band| list(band, "/span_count"));
            super::one(bands.map(crate::api::number).sum())
        })
    }

    /// A figure of the list of services, by service.
    pub(super) fn services(&self, key: &'static str) -> Way {
        let known = self.dataset.services().to_vec();
        Way::get("/api/v1/services", self.within(&[]), move |json| {
            let mut found = numbers("/services", "service_name", key)(json);
            found.retain(|name, _| known.contains(name));
            found
        })
    }

    /// Values of a field and how many rows have each.
    pub(super) fn values(&self, field: &str) -> Way {
        let path = format!("/api/v1/fields/{field}/values");
        let parameters = self.within(&[("table", self.table), ("limit", "1000")]);
        Way::get(path, parameters, numbers("/values", "value", "count"))
    }

    /// The ids of the traces that a search finds; with `logs` beside it what their logs match.
    pub(super) fn traces(&self, query: &str) -> Way {
        let query = self.searched(query);
        let parameters = self.within(&[("query", &query), ("limit", "1000")]);
        Way::get("/api/v1/traces", parameters, names("/traces", "trace_id"))
    }

    /// The ids of the traces that TraceQL finds, and of whose logs one matches.
    pub(super) fn traces_by_traceql(&self, query: &str, logs: Option<&str>) -> Way {
        let mut parameters = self.within(&[("traceql", query), ("limit", "1000")]);
        parameters.extend(logs.map(|logs| ("logs", logs.to_owned())));
        Way::get("/api/v1/traces", parameters, names("/traces", "trace_id"))
    }

    /// SQL on a stored table, where `{filter}` stands for the dataset.
    pub(super) fn sql(&self, query: &str) -> Way {
        Way::sql(query.replace("{filter}", &self.dataset.filter))
    }

    /// SQL on the traces of the dataset.
    pub(super) fn traces_view(&self, columns: &str, condition: &str) -> Way {
        self.sql(&format!(
            "SELECT {columns} FROM traces WHERE trace_id IN (SELECT trace_id FROM spans WHERE {{filter}}) AND {condition}"
        ))
    }

    /// Calls between services of the dataset, by the graph, with how many each is.
    pub(super) fn graph(&self) -> Way {
        let known = self.dataset.services().to_vec();
        let parameters = self.within(&[("buckets", "7")]);
        Way::get("/api/v1/services/graph", parameters, move |json| {
            edges(json, "/edges", "from", "to", "calls", &known)
        })
    }

    /// As [`Self::graph`], added up over time.
    pub(super) fn graph_over_time(&self) -> Way {
        let known = self.dataset.services().to_vec();
        let parameters = self.within(&[("buckets", "7")]);
        Way::get("/api/v1/services/graph", parameters, move |json| {
            let ours = list(json, "/edges").filter(|edge| is_ours(edge, "from", &known));
            tally(ours.map(|edge| {
                let calls = list(edge, "/call_counts").map(crate::api::number).sum();
                (edge_name(&edge["from"], &edge["to"]), calls)
            }))
        })
    }

    /// Sets of services that can reach each other.
    pub(super) fn cycles(&self) -> Way {
        let known = self.dataset.services().to_vec();
        Way::get("/api/v1/services/graph", self.within(&[]), move |json| {
            let sets = list(json, "/cyclic_components").map(cycle_name);
            let ours = |set: &String| set.split(" ↔ ").all(|name| known.iter().any(|k| k == name));
            super::named(sets.filter(ours))
        })
    }

    pub(super) fn get(&self, path: &str, parameters: &[(&'static str, &str)]) -> Request {
        Request::Get(path.to_owned(), self.within(parameters))
    }
}

/// `from → to`
pub(super) fn edge_name(from: &Value, to: &Value) -> String {
    format!("{} → {}", text(from), text(to))
}

fn is_ours(edge: &Value, from: &str, known: &[String]) -> bool {
    edge["inferred"] != true && known.iter().any(|name| *name == text(&edge[from]))
}

/// Edges of known services in a list.
pub(super) fn edges(
    json: &Value,
    list_at: &str,
    from: &str,
    to: &str,
    calls: &str,
    known: &[String],
) -> Counts {
    let ours = list(json, list_at).filter(|edge| is_ours(edge, from, known));
    tally(ours.map(|edge| {
        let calls = crate::api::number(&edge[calls]);
        (edge_name(&edge[from], &edge[to]), calls)
    }))
}

/// Services that can all reach each other, in order.
pub(super) fn cycle_name(services: &Value) -> String {
    let mut names: Vec<String> = list(services, "").map(text).collect();
    names.sort_unstable();
    names.join(" ↔ ")
}

/// A name as the search language takes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Names for `IN (…)`.
pub(super) fn literals<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let literals: Vec<String> = names.into_iter().map(|name| literal(name)).collect();
    literals.join(", ")
}

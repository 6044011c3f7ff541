//! Questions about one dataset in TraceQL, to Tempo, Loki and Jaeger.

use serde_json::{Value, json};

use super::answers::{
    instants, list, matrix, metric_names, names, rounded, samples, tally, text, texts, vector,
};
use super::native::{Asker, edges};
use super::{Request, Way, named};
use crate::api::number;

const SECOND_NS: i64 = 1_000_000_000;

/// All imported logs are from before this, and from less than ten years before.
const LOKI_NOW: &str = "2024-01-01T00:00:00Z";

/// What Jaeger calls the kinds of spans.
const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];

impl Asker<'_> {
    // === TraceQL ===

    /// A filter that only spans of the dataset meet.
    pub(super) fn filter(&self, filter: &str) -> String {
        if filter.is_empty() {
            format!("{{ {} }}", self.traceql)
        } else {
            format!("{{ {filter} && {} }}", self.traceql)
        }
    }

    /// How many spans a query leaves, by a label if it says `by`.
    pub(super) fn counted(&self, query: &str) -> Way {
        let parameters = self.within(&[("q", query)]);
        Way::get("/tempo/api/metrics/query", parameters, instants(1.0))
    }

    /// As [`Self::counted`], step by step and added up.
    pub(super) fn counted_in_steps(&self, query: &str) -> Way {
        let length = self.dataset.end_ns - self.dataset.start_ns;
        let step = format!("{}s", length / SECOND_NS / 40 + 1);
        let parameters = self.within(&[("q", query), ("step", &step)]);
        Way::get("/tempo/api/metrics/query_range", parameters, samples)
    }

    /// How many spans meet a filter, asked both ways.
    pub(super) fn counts(&self, filter: &str, by: &str) -> [Way; 2] {
        let query = format!("{} | count_over_time() {by}", self.filter(filter));
        [self.counted(&query), self.counted_in_steps(&query)]
    }

    /// The ids of the traces that TraceQL finds by Tempo.
    pub(super) fn tempo_traces(&self, query: &str) -> Way {
        let parameters = self.within(&[("q", query), ("limit", "1000")]);
        Way::get("/tempo/api/search", parameters, names("/traces", "traceID"))
    }

    /// The ids of the traces that TraceQL finds, by both.
    pub(super) fn found(&self, query: &str) -> [Way; 2] {
        [
            self.traces_by_traceql(query, None).counted(),
            self.tempo_traces(query).counted(),
        ]
    }

    /// Values of a field of spans of the dataset.
    pub(super) fn tag_values(&self, field: &str) -> [Way; 2] {
        let query = self.filter("");
        let parameters = || self.within(&[("q", &query), ("limit", "1000")]);
        let path = |version: &str| format!("/tempo/api{version}/search/tag/{field}/values");
        let typed =
            |json: &Value| named(list(json, "/tagValues").map(|value| text(&value["value"])));
        [
            Way::get(path(""), parameters(), texts("/tagValues")),
            Way::get(path("/v2"), parameters(), typed),
        ]
    }

    // === LogQL ===

    /// The pipeline on the logs of the dataset.
    pub(super) fn stream(&self, pipeline: &str) -> String {
        format!("{} {pipeline}", self.selector)
            .trim_end()
            .to_owned()
    }

    /// How many entries a pipeline leaves, by a label if there is one: at one instant and over time.
    pub(super) fn entries(&self, pipeline: &str, label: &'static str) -> [Way; 2] {
        let by = if label.is_empty() {
            String::new()
        } else {
            format!("by ({label}) ")
        };
        let stream = self.stream(pipeline);
        let query = format!("sum {by}(count_over_time({stream} [10y]))");
        let instant = vec![("query", query), ("time", LOKI_NOW.to_owned())];
        let first = self.dataset.start_ns / SECOND_NS;
        let step = (self.dataset.end_ns / SECOND_NS - first) / 9 + 1;
        // A window has its end and not its start; the first one ends at `start`.
        let over_time = vec![
            (
                "query",
                format!("sum {by}(count_over_time({stream} [{step}s]))"),
            ),
            ("start", first.to_string()),
            ("end", (first + 10 * step).to_string()),
            ("step", step.to_string()),
        ];
        [
            Way::get("/loki/api/v1/query", instant, vector(label)),
            Way::get("/loki/api/v1/query_range", over_time, matrix(label)),
        ]
    }

    /// Values of a label, in every place that has those of any label.
    pub(super) fn label_values(&self, label: &'static str) -> Vec<Way> {
        let given = |name: &'static str| self.within(&[(name, &self.selector)]);
        let volume = || {
            let mut parameters = given("query");
            parameters.extend([
                ("targetLabels", label.to_owned()),
                ("limit", "1000".to_owned()),
            ]);
            parameters
        };
        let mut over_time = volume();
        let length = (self.dataset.end_ns - self.dataset.start_ns) / SECOND_NS;
        over_time.push(("step", (length / 9 + 1).to_string()));
        vec![
            Way::get(
                format!("/loki/api/v1/label/{label}/values"),
                given("query"),
                texts("/data"),
            ),
            Way::get("/loki/api/v1/index/volume", volume(), metric_names(label)),
            Way::get(
                "/loki/api/v1/index/volume_range",
                over_time,
                metric_names(label),
            ),
        ]
    }

    /// Values of a label that tells streams apart.
    pub(super) fn streams(&self, label: &'static str) -> Way {
        let parameters = self.within(&[("match[]", &self.selector)]);
        Way::get("/loki/api/v1/series", parameters, names("/data", label))
    }

    // === Jaeger ===

    /// The ids of the traces with a span of a service that has these tags, by both versions.
    pub(super) fn jaeger_traces(&self, service: &str, tags: &[(&str, &str)]) -> [Way; 2] {
        let tags: serde_json::Map<String, Value> = tags
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let tags = Value::Object(tags).to_string();
        let first = vec![
            ("service", service.to_owned()),
            ("tags", tags.clone()),
            ("start", (self.dataset.start_ns / 1_000).to_string()),
            ("end", (self.dataset.end_ns / 1_000 + 1).to_string()),
            ("limit", "1500".to_owned()),
        ];
        let third = vec![
            ("query.service_name", service.to_owned()),
            ("query.attributes", tags),
            (
                "query.start_time_min",
                super::super::facts::time_text(self.dataset.start_ns),
            ),
            (
                "query.start_time_max",
                super::super::facts::time_text(self.dataset.end_ns),
            ),
            ("query.search_depth", "1500".to_owned()),
        ];
        let ids = |json: &Value| {
            let scopes = list(json, "/result/resourceSpans").flat_map(|r| list(r, "/scopeSpans"));
            let spans = scopes.flat_map(|scope| list(scope, "/spans"));
            named(spans.map(|span| text(&span["traceId"])))
        };
        [
            Way::get("/jaeger/api/traces", first, names("/data", "traceID")).counted(),
            Way::get("/jaeger/api/v3/traces", third, ids).counted(),
        ]
    }

    /// A metric of Jaeger over the whole time of the dataset, as one point.
    pub(super) fn jaeger_metric(
        &self,
        name: &str,
        services: &[String],
        more: &[(&'static str, &str)],
        read: impl Fn(String, f64) -> (String, i64) + Send + Sync + 'static,
    ) -> Way {
        let end = self.jaeger_end_ms();
        let mut parameters = vec![
            ("endTs", end.to_string()),
            ("lookback", "0".to_owned()),
            ("ratePer", self.jaeger_window_ms().to_string()),
        ];
        parameters.extend(services.iter().map(|name| ("service", name.clone())));
        parameters.extend(KINDS.map(|kind| ("spanKind", kind.to_owned())));
        let more = more.iter();
        parameters.extend(more.map(|(name, value)| (*name, (*value).to_owned())));
        Way::get(
            format!("/jaeger/api/metrics/{name}"),
            parameters,
            move |json| {
                tally(list(json, "/metrics").map(|metric| {
                    let of = list(metric, "/labels").map(|label| text(&label["value"]));
                    let point = &metric["metricPoints"][0]["gaugeValue"]["doubleValue"];
                    let of: Vec<String> = of.collect();
                    read(of.join(" "), point.as_f64().unwrap_or_default())
                }))
            },
        )
    }

    fn jaeger_end_ms(&self) -> i64 {
        self.dataset.end_ns / 1_000_000 + 1
    }

    fn jaeger_window_ms(&self) -> i64 {
        self.jaeger_end_ms() - self.dataset.start_ns / 1_000_000 + 1
    }

    /// Spans of each service, which Jaeger tells as so many a second.
    pub(super) fn jaeger_calls(&self) -> Way {
        let seconds = self.jaeger_window_ms() as f64 / 1e3;
        let services = self.dataset.services().to_vec();
        self.jaeger_metric("calls", &services, &[], move |of, rate| {
            (of, rounded(rate * seconds))
        })
    }

    /// Calls between services, by both versions.
    pub(super) fn jaeger_edges(&self) -> [Way; 2] {
        let known = self.dataset.services().to_vec();
        let third_known = known.clone();
        let end = self.jaeger_end_ms();
        let lookback = end - self.dataset.start_ns / 1_000_000;
        let first = vec![
            ("endTs", end.to_string()),
            ("lookback", lookback.to_string()),
        ];
        let third = vec![
            (
                "start_time",
                super::super::facts::time_text(self.dataset.start_ns),
            ),
            (
                "end_time",
                super::super::facts::time_text(self.dataset.end_ns),
            ),
        ];
        [
            Way::get("/jaeger/api/dependencies", first, move |json| {
                edges(json, "/data", "parent", "child", "callCount", &known)
            }),
            Way::get("/jaeger/api/v3/dependencies", third, move |json| {
                let calls = "callCount";
                edges(
                    json,
                    "/dependencies",
                    "parent",
                    "child",
                    calls,
                    &third_known,
                )
            }),
        ]
    }
}

/// The one number that an instant metric query says.
pub(super) fn logql(query: String) -> Way {
    let parameters = vec![("query", query), ("time", LOKI_NOW.to_owned())];
    Way::get("/loki/api/v1/query", parameters, vector(""))
}

/// What Loki counts of its index.
pub(super) fn index_entries(asker: &Asker<'_>) -> Way {
    let parameters = asker.within(&[("query", &asker.selector)]);
    Way::get("/loki/api/v1/index/stats", parameters, |json| {
        super::one(number(&json["entries"]))
    })
}

/// Lines that a selector finds, told one by one.
pub(super) fn lines_of(asker: &Asker<'_>, query: &str) -> Way {
    let parameters = asker.within(&[("query", query), ("limit", "10000")]);
    Way::of(
        vec![Request::Get(
            "/loki/api/v1/query_range".to_owned(),
            parameters,
        )],
        super::answers::lines,
    )
}

//! Facts of single traces, by every API that gives one.

use serde_json::Value;

use super::super::facts::{Counts, literal, service};
use super::answers::{list, text};
use super::native::Asker;
use super::{ASKED, Fact, Way, counts_of};
use crate::api::number;

pub(super) fn table(asker: &Asker<'_>) -> Vec<Fact> {
    let samples = asker.dataset.figures["sample_traces"].as_object().unwrap();
    let facts = samples.iter().take(ASKED).map(|(id, figures)| {
        let known = known(figures);
        counts_of(&format!("sample_traces {id}"), known, ways(id))
    });
    facts.collect()
}

fn known(figures: &Value) -> Counts {
    let mut known = Counts::new();
    for key in [
        "spans",
        "error_spans",
        "root_spans",
        "start_ns",
        "end_ns",
        "linked_logs",
    ] {
        known.insert(key.to_owned(), number(&figures[key]));
    }
    for name in list(figures, "/services") {
        known.insert(format!("service {}", service(&text(name))), 1);
    }
    known
}

/// What is said of a trace in whatever form it comes.
#[derive(Default)]
struct Said(Counts);

impl Said {
    fn set(&mut self, key: &str, value: i64) {
        self.0.insert(key.to_owned(), value);
    }

    fn add(&mut self, key: &str, value: i64) {
        *self.0.entry(key.to_owned()).or_default() += value;
    }

    fn services(&mut self, names: impl Iterator<Item = String>) {
        for name in names {
            self.set(&format!("service {name}"), 1);
        }
    }

    fn extent(&mut self, start: &Value, duration: &Value) {
        self.set("start_ns", number(start));
        self.set("end_ns", number(start) + number(duration));
    }
}

const WHOLE: &[&str] = &[
    "spans",
    "error_spans",
    "root_spans",
    "start_ns",
    "end_ns",
    "service",
];
const SUMMARY: &[&str] = &["spans", "error_spans", "start_ns", "end_ns", "service"];

fn ways(id: &str) -> Vec<Way> {
    let mut ways = native(id);
    ways.extend(views(id));
    ways.extend(others(id));
    ways
}

fn get(path: &str, id: &str, read: fn(&Value) -> Counts) -> Way {
    Way::get(path.replace("{id}", id), Vec::new(), read)
}

fn native(id: &str) -> Vec<Way> {
    let path = format!("/api/v1/traces/{id}");
    let timeline = Way::get(
        path.clone(),
        vec![("view", "timeline".to_owned())],
        timeline,
    );
    let window = Way::get(
        format!("{path}/timeline"),
        vec![("include", "analysis".to_owned())],
        summary_and_services,
    );
    let search = |name: &'static str, query: String| {
        Way::get("/api/v1/traces", vec![(name, query)], |json| {
            summary_and_services(&json["traces"][0])
        })
    };
    let compared = Way::get(
        "/api/v1/traces/compare",
        vec![("left", id.to_owned()), ("right", id.to_owned())],
        |json| summary(&json["left"]).0,
    );
    vec![
        get("/api/v1/traces/{id}", id, |json| {
            otlp(list(json, "/resourceSpans"))
        })
        .only(WHOLE),
        timeline,
        window.only(SUMMARY),
        search("query", format!("trace_id:{id}")).only(SUMMARY),
        search("traceql", traceql(id)).only(SUMMARY),
        compared.only(&["spans", "error_spans", "start_ns", "end_ns"]),
    ]
}

fn views(id: &str) -> Vec<Way> {
    let of = literal(id);
    let view = |column: &str, key: &'static [&'static str]| {
        let name = key[0];
        let query = format!("SELECT '{name}', {column} FROM traces WHERE trace_id = {of}");
        Way::sql(query).only(key)
    };
    let services = format!(
        "SELECT concat('service ', unnest(service_names)), 1 FROM traces WHERE trace_id = {of}"
    );
    vec![
        view("span_count", &["spans"]),
        view("error_count", &["error_spans"]),
        view("CAST(start_time AS BIGINT)", &["start_ns"]),
        view("CAST(start_time AS BIGINT) + duration_ns", &["end_ns"]),
        Way::sql(services).only(&["service"]),
    ]
}

fn others(id: &str) -> Vec<Way> {
    let tempo = Way::get("/tempo/api/search", vec![("q", traceql(id))], |json| {
        let mut said = Said::default();
        let stats = json["traces"][0]["serviceStats"].as_object();
        for (name, stats) in stats.into_iter().flatten() {
            said.add("spans", number(&stats["spanCount"]));
            said.add("error_spans", number(&stats["errorCount"]));
            said.set(&format!("service {name}"), 1);
        }
        said.set("start_ns", number(&json["traces"][0]["startTimeUnixNano"]));
        said.0
    });
    vec![
        get("/tempo/api/traces/{id}", id, |json| {
            otlp(list(json, "/batches"))
        })
        .only(WHOLE),
        get("/tempo/api/v2/traces/{id}", id, |json| {
            otlp(list(json, "/trace/resourceSpans"))
        })
        .only(WHOLE),
        // Tempo tells durations of traces in milliseconds.
        tempo.only(&["spans", "error_spans", "start_ns", "service"]),
        // Jaeger tells times in microseconds.
        get("/jaeger/api/traces/{id}", id, jaeger).only(&[
            "spans",
            "error_spans",
            "root_spans",
            "service",
        ]),
        get("/jaeger/api/v3/traces/{id}", id, |json| {
            otlp(list(json, "/result/resourceSpans"))
        })
        .only(WHOLE),
    ]
}

fn traceql(id: &str) -> String {
    format!("{{ trace:id = \"{id}\" }}")
}

fn summary_and_services(json: &Value) -> Counts {
    let mut said = summary(json);
    said.services(list(json, "/services").map(|entry| text(&entry["service_name"])));
    said.0
}

/// `span_count`, `error_count` and the extent.
fn summary(json: &Value) -> Said {
    let mut said = Said::default();
    said.set("spans", number(&json["span_count"]));
    said.set("error_spans", number(&json["error_count"]));
    said.extent(&json["start_time_unix_nano"], &json["duration_ns"]);
    said
}

fn timeline(json: &Value) -> Counts {
    let mut said = summary(json);
    said.set("linked_logs", number(&json["log_count"]));
    let roots = list(json, "/spans").filter(|span| span["parent_span_id"].is_null());
    said.set("root_spans", roots.count() as i64);
    said.services(list(json, "/services").map(|entry| text(&entry["service_name"])));
    said.0
}

fn otlp<'a>(resources: impl Iterator<Item = &'a Value>) -> Counts {
    let mut said = Said::default();
    let (mut start, mut end) = (i64::MAX, i64::MIN);
    for resource in resources {
        let named = list(resource, "/resource/attributes").find(|one| one["key"] == "service.name");
        let name = named.map(|one| text(&one["value"]["stringValue"]));
        let name = name.unwrap_or_default();
        said.set(&format!("service {}", service(&name)), 1);
        for span in list(resource, "/scopeSpans").flat_map(|scope| list(scope, "/spans")) {
            said.add("spans", 1);
            said.add("error_spans", i64::from(span["status"]["code"] == 2));
            let parent = span["parentSpanId"].as_str().unwrap_or_default();
            said.add("root_spans", i64::from(parent.is_empty()));
            start = start.min(number(&span["startTimeUnixNano"]));
            end = end.max(number(&span["endTimeUnixNano"]));
        }
    }
    said.set("start_ns", start);
    said.set("end_ns", end);
    said.0
}

fn jaeger(json: &Value) -> Counts {
    let mut said = Said::default();
    let trace = &json["data"][0];
    let processes = trace["processes"].as_object().into_iter().flatten();
    said.services(processes.map(|(_, process)| text(&process["serviceName"])));
    for span in list(trace, "/spans") {
        said.add("spans", 1);
        let mut tags = list(span, "/tags");
        // `error` may be an attribute that the span came with, with a text of its own.
        let failed = tags.any(|tag| tag["key"] == "otel.status_code" && tag["value"] == "ERROR");
        said.add("error_spans", i64::from(failed));
        let is_root = list(span, "/references").next().is_none();
        said.add("root_spans", i64::from(is_root));
    }
    said.0
}

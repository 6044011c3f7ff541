//! The shape of the recorded traces, read here from the files, to know which trace to ask for.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::data;
use crate::otlp::Signal;

struct Recorded {
    id: String,
    parent: Option<String>,
    is_server: bool,
    start_ns: u64,
}

/// Every recorded span by trace.
pub(super) struct Forest {
    traces: HashMap<String, Vec<Recorded>>,
    trace_ids_by_file: HashMap<String, HashSet<String>>,
}

impl Forest {
    pub(super) fn read() -> Self {
        let mut traces: HashMap<String, Vec<Recorded>> = HashMap::new();
        let mut trace_ids_by_file: HashMap<String, HashSet<String>> = HashMap::new();
        for file in data::files() {
            let (signal, lines) = data::lines(&file);
            if signal == Signal::Logs {
                continue;
            }
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            for line in lines {
                let request: Value = serde_json::from_str(&line).unwrap();
                for span in spans(&request) {
                    let trace = span["traceId"].as_str().unwrap().to_owned();
                    trace_ids_by_file
                        .entry(name.clone())
                        .or_default()
                        .insert(trace.clone());
                    traces.entry(trace).or_default().push(recorded(span));
                }
            }
        }
        Self {
            traces,
            trace_ids_by_file,
        }
    }

    /// The deepest trace of a dataset and the number of parent hops in it.
    pub(super) fn deepest(&self, dataset: &str) -> (String, i64) {
        let files = self
            .trace_ids_by_file
            .iter()
            .filter(|(name, _)| name.starts_with(dataset));
        files
            .flat_map(|(_, ids)| ids)
            .map(|id| (id.clone(), depth(&self.traces[id])))
            .max_by_key(|(_, depth)| *depth)
            .unwrap()
    }
}

fn spans(request: &Value) -> impl Iterator<Item = &Value> {
    let each = |value: &'static str| move |json| list(json, value);
    list(request, "resourceSpans")
        .flat_map(each("scopeSpans"))
        .flat_map(each("spans"))
}

fn list<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    json[key].as_array().into_iter().flatten()
}

fn recorded(span: &Value) -> Recorded {
    let parent = span["parentSpanId"].as_str().filter(|id| !id.is_empty());
    Recorded {
        id: span["spanId"].as_str().unwrap().to_owned(),
        parent: parent.map(str::to_owned),
        is_server: span["kind"] == 2,
        start_ns: span["startTimeUnixNano"].as_str().unwrap().parse().unwrap(),
    }
}

/// Hops from each span to the topmost known one; of two spans with one id the SERVER is the
/// parent, then the earlier one.
fn depth(spans: &[Recorded]) -> i64 {
    let mut by_id: HashMap<&str, &Recorded> = HashMap::new();
    for span in spans {
        let held = by_id.entry(&span.id).or_insert(span);
        if (!span.is_server, span.start_ns) < (!held.is_server, held.start_ns) {
            *held = span;
        }
    }
    let hops = |span: &Recorded| {
        let mut hops = 0;
        let mut at = span;
        while let Some(parent) = at.parent.as_deref().and_then(|id| by_id.get(id).copied()) {
            hops += 1;
            at = parent;
            assert!(hops < 1000, "a cycle in the recorded data");
        }
        hops
    };
    spans.iter().map(hops).max().unwrap()
}

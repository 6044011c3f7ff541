//! `GET /api/v1/services/graph`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::response::Response;
use serde::Deserialize;
use spoor_storage::{Result, Table, TimeRange};

use super::namespaces::Namespaces;
use super::{CallEdge, CallKey, Calls, Node, Topology, between_services};
use crate::api::{Answer, ApiError, ApiState, Buckets, Parameters, optional};
use crate::failure::from_datafusion;
use crate::listing;
use crate::openapi::ReadErrors;
use crate::otlp::JsonWriter;
use crate::parameters::{RangeParameters, allowed};
use crate::services::api::schema;
use crate::services::calls::{Beside, each_trace};
use crate::services::graph::elementary::{FoundCycles, find_cycles};
use crate::services::graph::rounds::Rounds;
use crate::services::peer::NodeKind;
use crate::session::QuerySession;
use crate::trace::{json_response, write_outcome};

const MAX_BUCKETS: usize = 100;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Given {
    /// How many buckets of time there may be; then each edge has its figures over time.
    #[serde(default, deserialize_with = "optional")]
    #[param(minimum = 0, maximum = 100, default = 0)]
    buckets: Option<usize>,
    /// Keeps edges and cycles of one service.
    #[param(example = "checkout")]
    service: Option<String>,
}

type GraphAnswer = Answer<schema::ServiceGraph>;

/// Who calls whom, with rate, errors and duration, and the cycles.
///
/// An edge between services is a span and its caller of different known services; it counts when the called span starts
/// in the range. Edges to what sends no spans are
/// `inferred`, from attributes of `CLIENT`, `PRODUCER` and `CONSUMER` spans that no span of another service answers:
/// `database` (`db.system.name`), `messaging` (`messaging.system`, named by the destination), `external`
/// (`peer.service`, `server.address`), `server` (`rpc.service`). `client` is whoever called a server span without a
/// parent. Old names of the conventions count too. A service's `namespace` is its `service.namespace`, and without one
/// `k8s.namespace.name`; of several the one of most of its spans. At most 10,000 edges are told apart.
#[utoipa::path(
    get, path = "/api/v1/services/graph", tag = "Services", operation_id = "services_graph",
    params(RangeParameters, Given),
    responses((status = 200, description = "The graph.", body = GraphAnswer, example = schema::graph_example), ReadErrors),
)]
pub(crate) async fn graph(
    state: ApiState,
    Parameters(when): Parameters<RangeParameters>,
    Parameters(given): Parameters<Given>,
) -> Result<Response, ApiError> {
    let range = when.range()?;
    let most = allowed("buckets", given.buckets, 0, 0..=MAX_BUCKETS)?;
    let session = state.begin().await?;
    let buckets = match most {
        0 => None,
        most => over_spans(&session, range, most).await?,
    };
    let mut topology = Topology::new(buckets);
    each_trace(&session, range, Beside::Peers, |trace| topology.add(trace)).await?;
    topology.note_dropped(&session);
    if topology.lacks_cells {
        session.note_incomplete("there are too many edges for so many buckets; some are empty");
    }
    let mut edges = topology.finish();
    // Of the whole graph: a cycle of a service goes through others.
    let mut cycles = find_cycles(&between_services(&edges));
    if let Some(service) = given
        .service
        .as_deref()
        .filter(|service| !service.is_empty())
    {
        let is_of = |node: &Node| node.0 == NodeKind::Service && &*node.1 == service;
        edges.retain(|key, _| is_of(&key.from) || is_of(&key.to));
        let has = |names: &Vec<Arc<str>>| names.iter().any(|name| &**name == service);
        cycles.cycles.retain(has);
        cycles.components.retain(has);
    }
    let namespaces = Namespaces::of(&session, range).await?;
    let mut json = JsonWriter::new();
    json.begin_object();
    write_nodes(&mut json, &edges, &topology.systems, &namespaces);
    write_cycles(&mut json, &cycles, &edges, &topology.rounds);
    write_edges(&mut json, edges, buckets);
    write_outcome(&mut json, &session.outcome());
    json.end_object();
    Ok(json_response(json.finish()))
}

async fn over_spans(
    session: &QuerySession,
    range: TimeRange,
    most: usize,
) -> Result<Option<Buckets>> {
    let spans = async {
        let frame = session.table(Table::Spans).await?;
        let in_range = listing::in_range("start_time", range);
        frame.filter(in_range).map_err(from_datafusion)
    };
    Buckets::over_matching(session, spans, "start_time", range, most).await
}

fn write_node(json: &mut JsonWriter, key: &str, node: &Node) {
    json.key(key);
    json.string(&node.1);
    json.key(&format!("{key}_kind"));
    json.string(node.0.name());
}

fn write_nodes(
    json: &mut JsonWriter,
    edges: &BTreeMap<CallKey, CallEdge>,
    systems: &BTreeMap<Node, Arc<str>>,
    namespaces: &Namespaces,
) {
    let nodes: BTreeSet<&Node> = edges.keys().flat_map(|key| [&key.from, &key.to]).collect();
    json.key("nodes");
    json.list(nodes, |json, node| {
        json.begin_object();
        json.key("name");
        json.string(&node.1);
        json.key("kind");
        json.string(node.0.name());
        json.key("system");
        json.optional_string(systems.get(node).map(|system| &**system));
        json.key("namespace");
        json.optional_string(match node {
            (NodeKind::Service, name) => namespaces.of_service(name),
            _ => None,
        });
        json.end_object();
    });
}

fn write_samples<'a>(json: &mut JsonWriter, samples: impl Iterator<Item = &'a str>) {
    json.key("sample_trace_ids");
    json.list(samples, JsonWriter::string);
}

fn write_cycles(
    json: &mut JsonWriter,
    found: &FoundCycles,
    edges: &BTreeMap<CallKey, CallEdge>,
    rounds: &Rounds,
) {
    json.key("cycles");
    json.begin_array();
    for cycle in &found.cycles {
        let Some(first) = cycle.first() else { continue };
        json.begin_object();
        json.key("name");
        json.string(&format!("{} → {first}", cycle.join(" → ")));
        json.key("edges");
        json.begin_array();
        let mut samples: Vec<&str> = Vec::new();
        for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            json.begin_object();
            json.key("from");
            json.string(from);
            json.key("to");
            json.string(to);
            json.key("calls");
            let edge = edges.get(&CallKey {
                from: (NodeKind::Service, Arc::clone(from)),
                to: (NodeKind::Service, Arc::clone(to)),
                inferred: false,
            });
            json.int(edge.map_or(0, |edge| edge.calls.durations.count()));
            samples.extend(edge.and_then(|edge| Some(edge.samples.first()?.1.as_str())));
            json.end_object();
        }
        json.end_array();
        let round = rounds.of(cycle);
        json.key("round_count");
        json.int(round.map_or(0, |round| round.count));
        if let Some(round) = round {
            samples.insert(0, &round.newest.1);
        }
        samples.dedup();
        write_samples(json, samples.into_iter());
        json.end_object();
    }
    json.end_array();
    json.key("more_cycles");
    json.bool(found.more);
    json.key("cyclic_components");
    json.list(&found.components, |json, component| {
        json.list(component, |json, service| json.string(service));
    });
}

fn write_edges(
    json: &mut JsonWriter,
    edges: BTreeMap<CallKey, CallEdge>,
    buckets: Option<Buckets>,
) {
    if let Some(buckets) = buckets {
        json.key("start_unix_nano");
        json.int_string(buckets.start_ns);
        json.key("bucket_ns");
        json.int(buckets.width_ns);
    }
    json.key("edges");
    json.list(edges, |json, (key, mut edge)| {
        json.begin_object();
        write_node(json, "from", &key.from);
        write_node(json, "to", &key.to);
        json.key("inferred");
        json.bool(key.inferred);
        json.key("calls");
        json.int(edge.calls.durations.count());
        json.key("error_count");
        json.int(edge.calls.error_count);
        let percentiles = edge.calls.durations.percentiles([50, 95, 99]);
        for (key, value) in ["p50_ns", "p95_ns", "p99_ns"].into_iter().zip(percentiles) {
            json.key(key);
            json.int(value);
        }
        write_samples(json, edge.samples.iter().map(|(_, id)| id.as_str()));
        if let Some(buckets) = buckets {
            write_series(json, &mut edge.by_bucket, buckets.count);
        }
        json.end_object();
    });
}

fn write_series(json: &mut JsonWriter, by_bucket: &mut BTreeMap<usize, Calls>, count: usize) {
    let mut write = |name: &str, value: &dyn Fn(&mut JsonWriter, Option<&mut Calls>)| {
        json.key(name);
        json.list(0..count, |json, at| value(json, by_bucket.get_mut(&at)));
    };
    write("call_counts", &|json, calls| {
        json.int(calls.map_or(0, |calls| calls.durations.count()));
    });
    write("error_counts", &|json, calls| {
        json.int(calls.map_or(0, |calls| calls.error_count));
    });
    write("p95s_ns", &|json, calls| match calls {
        Some(calls) => json.int(calls.durations.percentiles([95])[0]),
        None => json.null(),
    });
}

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;

use super::shop::Service;
use super::story::{Origin, Telemetry};
use super::traffic::Traffic;
use super::{otlp, parse_duration};

/// 2026-11-02T12:00:00Z: minute 0 of an hour, fair weather.
const NOON_NS: u64 = 1_793_620_800_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;

fn an_hour(seed: u64) -> Telemetry {
    let mut traffic = Traffic::new(seed, 0.5, NOON_NS);
    let mut telemetry = Telemetry::default();
    while traffic.next_ns() < NOON_NS + HOUR_NS {
        telemetry.append(traffic.play());
    }
    telemetry
}

type SpansById<'a> = HashMap<(&'a [u8], &'a [u8]), &'a (Origin, Span)>;

fn by_id(telemetry: &Telemetry) -> SpansById<'_> {
    telemetry
        .spans
        .iter()
        .map(|entry| {
            (
                (entry.1.trace_id.as_slice(), entry.1.span_id.as_slice()),
                entry,
            )
        })
        .collect()
}

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let attribute = span.attributes.iter().find(|a| a.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[test]
fn the_same_seed_plays_the_same_hour() {
    let bytes = |seed| {
        let telemetry = an_hour(seed);
        (
            otlp::trace_request(telemetry.spans).encode_to_vec(),
            otlp::logs_request(telemetry.logs).encode_to_vec(),
        )
    };
    let first = bytes(7);
    assert!(first == bytes(7), "seed 7 twice gave two different hours");
    assert!(first != bytes(8), "seeds 7 and 8 gave the same hour");
}

#[test]
fn span_ids_are_unique_and_every_parent_exists() {
    let telemetry = an_hour(1);
    let spans = by_id(&telemetry);
    assert_eq!(spans.len(), telemetry.spans.len(), "span ids repeat");
    for (_, span) in &telemetry.spans {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        if !span.parent_span_id.is_empty() {
            let parent = (span.trace_id.as_slice(), span.parent_span_id.as_slice());
            assert!(spans.contains_key(&parent), "{} has no parent", span.name);
        }
    }
    let roots = telemetry
        .spans
        .iter()
        .filter(|(_, s)| s.parent_span_id.is_empty());
    let traces: HashSet<_> = telemetry.spans.iter().map(|(_, s)| &s.trace_id).collect();
    assert_eq!(roots.count(), traces.len(), "every trace has one root");
}

#[test]
fn spans_lie_inside_their_parents_unless_a_queue_is_between() {
    let telemetry = an_hour(2);
    let spans = by_id(&telemetry);
    for (_, span) in &telemetry.spans {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        assert!(span.start_time_unix_nano >= NOON_NS);
        for event in &span.events {
            assert!(event.time_unix_nano >= span.start_time_unix_nano);
            assert!(event.time_unix_nano <= span.end_time_unix_nano);
        }
        let Some((_, parent)) =
            spans.get(&(span.trace_id.as_slice(), span.parent_span_id.as_slice()))
        else {
            continue;
        };
        assert!(span.start_time_unix_nano >= parent.start_time_unix_nano);
        if span.kind != SpanKind::Consumer as i32 {
            assert!(
                span.end_time_unix_nano <= parent.end_time_unix_nano,
                "{} outlives {}",
                span.name,
                parent.name
            );
        }
    }
}

#[test]
fn logs_with_a_trace_point_at_a_span_of_their_service() {
    let telemetry = an_hour(3);
    let spans = by_id(&telemetry);
    let (linked, alone): (Vec<_>, Vec<_>) = telemetry
        .logs
        .iter()
        .partition(|(_, log)| !log.trace_id.is_empty());
    assert!(!alone.is_empty(), "some lines have no trace");
    for (origin, log) in linked {
        let (of, span) = spans[&(log.trace_id.as_slice(), log.span_id.as_slice())];
        assert_eq!((of.service, of.pod), (origin.service, origin.pod));
        assert!(log.time_unix_nano >= span.start_time_unix_nano);
        assert!(log.time_unix_nano <= span.end_time_unix_nano);
    }
    let levels: BTreeSet<i32> = telemetry
        .logs
        .iter()
        .map(|(_, l)| l.severity_number)
        .collect();
    assert_eq!(levels, BTreeSet::from([5, 9, 13, 17]));
}

#[test]
fn links_point_at_producers() {
    let telemetry = an_hour(4);
    let spans = by_id(&telemetry);
    let mut across_traces = 0;
    for (_, span) in &telemetry.spans {
        for link in &span.links {
            let (_, producer) = spans[&(link.trace_id.as_slice(), link.span_id.as_slice())];
            assert_eq!(producer.kind, SpanKind::Producer as i32);
            assert!(span.start_time_unix_nano >= producer.end_time_unix_nano);
            across_traces += u32::from(link.trace_id != span.trace_id);
        }
    }
    assert!(across_traces > 0, "mail is sent in traces of its own");
}

#[test]
fn every_service_takes_part_and_two_call_each_other() {
    let telemetry = an_hour(5);
    let spans = by_id(&telemetry);
    let services: BTreeSet<Service> = telemetry.spans.iter().map(|(o, _)| o.service).collect();
    assert_eq!(services.len(), 13);
    let edges: BTreeSet<(Service, Service)> = telemetry
        .spans
        .iter()
        .filter_map(|(origin, span)| {
            let parent = spans.get(&(span.trace_id.as_slice(), span.parent_span_id.as_slice()))?;
            Some((parent.0.service, origin.service))
        })
        .collect();
    assert!(edges.contains(&(Service::Catalog, Service::Recommendation)));
    assert!(edges.contains(&(Service::Recommendation, Service::Catalog)));
}

#[test]
fn incidents_have_their_cause_deep_down() {
    let telemetry = an_hour(6);
    let spans = by_id(&telemetry);
    let mut roots_by_cause: BTreeMap<&str, BTreeSet<Service>> = BTreeMap::new();
    for entry in &telemetry.spans {
        let Some(exception) = entry
            .1
            .events
            .iter()
            .find(|event| event.name == "exception")
        else {
            continue;
        };
        let Some(Value::StringValue(kind)) = exception.attributes[0]
            .value
            .as_ref()
            .and_then(|value| value.value.as_ref())
        else {
            panic!("an exception without a type");
        };
        let mut at = entry;
        while let Some(parent) =
            spans.get(&(at.1.trace_id.as_slice(), at.1.parent_span_id.as_slice()))
        {
            at = parent;
        }
        if at.1.status.as_ref().is_some_and(|status| status.code == 2) {
            roots_by_cause.entry(kind).or_default().insert(at.0.service);
        }
    }
    for cause in [
        "java.net.http.HttpTimeoutException",
        "psycopg.errors.DeadlockDetected",
    ] {
        assert!(
            roots_by_cause
                .get(cause)
                .is_some_and(|roots| roots.contains(&Service::Gateway)),
            "{cause} never reaches the gateway: {roots_by_cause:?}"
        );
    }
}

#[test]
fn latencies_have_a_slow_tail() {
    let telemetry = an_hour(9);
    let mut durations: Vec<u64> = telemetry
        .spans
        .iter()
        .filter(|(_, span)| text(span, "db.system.name") == Some("redis"))
        .map(|(_, span)| span.end_time_unix_nano - span.start_time_unix_nano)
        .collect();
    durations.sort_unstable();
    let median = durations[durations.len() / 2];
    let slowest = durations[durations.len() - 1];
    assert!((200_000..600_000).contains(&median), "median {median} ns");
    assert!(
        slowest > 3 * median,
        "{slowest} ns is hardly slower than {median} ns"
    );
}

#[test]
fn durations_read_as_people_write_them() {
    assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(parse_duration("10m"), Ok(Duration::from_mins(10)));
    assert_eq!(parse_duration("2H"), Ok(Duration::from_hours(2)));
    assert_eq!(parse_duration("45"), Ok(Duration::from_secs(45)));
    for wrong in ["", "s", "ten", "-5s", "1.5h", "99999999999999999999h"] {
        assert!(parse_duration(wrong).is_err(), "{wrong}");
    }
}

//! Answers as Loki gives them.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value as Json, json};
use spoor_storage::Error;

use super::tail::Told;
use crate::logql::labels::{Kind, LabelSet};
use crate::logql::metrics::{Series, Steps};
use crate::logql::scan::Processed;
use crate::logql::select::Found;
use crate::logql::values::number_text;
use crate::otlp::JsonWriter;
use crate::session::{Outcome, QuerySession};
use crate::tempo::TempoError;
use crate::trace::json_response;

/// An error on its way to a Loki client: a text with the status.
#[derive(Debug)]
pub(super) enum LokiError {
    Refused(Error),
    /// What has a status that no kind of error has.
    Told(StatusCode, &'static str),
}

impl From<Error> for LokiError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<crate::ApiError> for LokiError {
    fn from(error: crate::ApiError) -> Self {
        Self::Refused(error.into_inner())
    }
}

impl IntoResponse for LokiError {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(error) => TempoError::from(error).into_response(),
            Self::Told(status, message) => (status, message).into_response(),
        }
    }
}

/// `{"status": "success", "data": …}`, with what is missing from it.
pub(super) fn success(data: &Json, warnings: &[String]) -> Json {
    let mut answer = json!({"status": "success", "data": data});
    if !warnings.is_empty() {
        answer["warnings"] = json!(warnings);
    }
    answer
}

/// As [`success`], with what the query says of its completeness.
pub(super) fn answered(session: &QuerySession, data: &Json) -> Json {
    success(data, &session.outcome().incomplete_reasons)
}

fn begin(kind: &str) -> JsonWriter {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("status");
    json.string("success");
    json.key("data");
    json.begin_object();
    json.key("resultType");
    json.string(kind);
    json
}

fn end(
    mut json: JsonWriter,
    session: &QuerySession,
    processed: Processed,
    shown: usize,
) -> Response {
    let outcome = session.outcome();
    let stats = stats(&outcome, processed, shown);
    json.key("stats");
    json.raw(&stats.to_string());
    json.end_object();
    write_warnings(&mut json, &outcome.incomplete_reasons);
    json.end_object();
    json_response(json.finish())
}

/// What Loki tells of its work. There are no ingesters and no chunks here.
fn stats(outcome: &Outcome, processed: Processed, shown: usize) -> Json {
    let elapsed_ms = outcome.elapsed_ms;
    // Whole numbers, as Loki's clients read them.
    let per_second = |count: u64| count.saturating_mul(1_000) / elapsed_ms.max(1);
    let store = json!({
        "totalChunksRef": 0, "totalChunksDownloaded": 0, "chunksDownloadTime": 0,
        "chunk": {
            "headChunkBytes": 0, "headChunkLines": 0, "compressedBytes": outcome.scanned_bytes, "totalDuplicates": 0,
            "decompressedBytes": processed.bytes, "decompressedLines": processed.lines,
        },
    });
    json!({
        "summary": {
            "bytesProcessedPerSecond": per_second(processed.bytes),
            "linesProcessedPerSecond": per_second(processed.lines),
            "totalBytesProcessed": processed.bytes,
            "totalLinesProcessed": processed.lines,
            "totalEntriesReturned": shown,
            "execTime": elapsed_ms as f64 / 1e3, "queueTime": 0, "subqueries": 0, "splits": 0, "shards": 0,
        },
        "querier": {"store": store},
        "ingester": {
            "totalReached": 0, "totalChunksMatched": 0, "totalBatches": 0, "totalLinesSent": 0,
        },
    })
}

// === streams ===

/// Entries by their labels; those of each stream stay in order. `categorized`: only the labels of
/// streams tell them apart, and each entry has its others with it.
pub(super) fn streams(
    session: &QuerySession,
    found: &[Found],
    processed: Processed,
    categorized: bool,
) -> Response {
    let mut json = begin("streams");
    write_flags(&mut json, categorized);
    json.key("result");
    write_streams(&mut json, found, categorized);
    end(json, session, processed, found.len())
}

fn write_flags(json: &mut JsonWriter, categorized: bool) {
    if categorized {
        json.key("encodingFlags");
        json.begin_array();
        json.string("categorize-labels");
        json.end_array();
    }
}

fn write_streams(json: &mut JsonWriter, found: &[Found], categorized: bool) {
    let mut streams: BTreeMap<BTreeMap<&str, &str>, Vec<&Found>> = BTreeMap::new();
    for entry in found {
        let labels = stream_of(entry, categorized);
        streams.entry(labels).or_default().push(entry);
    }
    json.list(&streams, |json, (labels, entries)| {
        json.begin_object();
        json.key("stream");
        write_labels(json, labels);
        json.key("values");
        json.list(entries, |json, entry| {
            json.begin_array();
            json.int_string(entry.time_ns);
            json.string(&entry.line);
            if categorized {
                json.begin_object();
                write_kind(json, entry, Kind::Metadata, "structuredMetadata");
                write_kind(json, entry, Kind::Parsed, "parsed");
                json.end_object();
            }
            json.end_array();
        });
        json.end_object();
    });
}

/// The labels that tell the stream of an entry.
fn stream_of(entry: &Found, categorized: bool) -> BTreeMap<&str, &str> {
    entry
        .labels
        .iter()
        .filter(|(.., kind)| !categorized || *kind == Kind::Stream)
        .map(|(name, value, _)| (name.as_str(), value.as_str()))
        .collect()
}

fn write_labels(json: &mut JsonWriter, labels: &BTreeMap<&str, &str>) {
    json.begin_object();
    for (name, value) in labels {
        json.key(name);
        json.string(value);
    }
    json.end_object();
}

/// One message of a live tail.
pub(super) fn tailed(told: &Told, categorized: bool) -> String {
    let mut json = JsonWriter::new();
    json.begin_object();
    json.key("streams");
    write_streams(&mut json, &told.entries, categorized);
    write_flags(&mut json, categorized);
    if !told.dropped.is_empty() {
        json.key("dropped_entries");
        json.list(&told.dropped, |json, entry| {
            json.begin_object();
            json.key("labels");
            write_labels(json, &stream_of(entry, categorized));
            json.key("timestamp");
            json.int_string(entry.time_ns);
            json.end_object();
        });
    }
    write_warnings(&mut json, &told.warnings);
    json.end_object();
    String::from_utf8_lossy(&json.finish()).into_owned()
}

fn write_warnings(json: &mut JsonWriter, warnings: &[String]) {
    if warnings.is_empty() {
        return;
    }
    json.key("warnings");
    json.list(warnings, |json, reason| json.string(reason));
}

fn write_kind(json: &mut JsonWriter, entry: &Found, wanted: Kind, name: &str) {
    let mut labels = entry
        .labels
        .iter()
        .filter(|(.., kind)| *kind == wanted)
        .peekable();
    if labels.peek().is_none() {
        return;
    }
    json.key(name);
    json.begin_object();
    for (name, value, _) in labels {
        json.key(name);
        json.string(value);
    }
    json.end_object();
}

// === numbers ===

/// Seconds since the Unix epoch.
fn write_time(json: &mut JsonWriter, time_ns: i64) {
    if time_ns % 1_000_000_000 == 0 {
        json.int(time_ns / 1_000_000_000);
    } else {
        // Loki tells milliseconds.
        json.double((time_ns / 1_000_000) as f64 / 1e3);
    }
}

fn write_sample(json: &mut JsonWriter, time_ns: i64, sample: f64) {
    json.begin_array();
    write_time(json, time_ns);
    json.string(&number_text(sample));
    json.end_array();
}

fn write_metric(json: &mut JsonWriter, labels: &LabelSet) {
    json.key("metric");
    json.begin_object();
    for (name, value) in labels {
        json.key(name);
        json.string(value);
    }
    json.end_object();
}

pub(super) fn matrix(
    session: &QuerySession,
    steps: Steps,
    series: &[Series],
    processed: Processed,
) -> Response {
    let mut json = begin("matrix");
    json.key("result");
    json.list(series, |json, one| {
        json.begin_object();
        write_metric(json, &one.labels);
        json.key("values");
        json.list(
            steps.times_ns().zip(&one.samples),
            |json, (time_ns, sample)| {
                if let Some(sample) = sample {
                    write_sample(json, time_ns, *sample);
                }
            },
        );
        json.end_object();
    });
    end(json, session, processed, series.len())
}

/// The first sample of each series, at one instant.
pub(super) fn vector(
    session: &QuerySession,
    time_ns: i64,
    series: &[Series],
    processed: Processed,
) -> Response {
    let mut json = begin("vector");
    json.key("result");
    json.begin_array();
    for one in series {
        let Some(Some(sample)) = one.samples.first() else {
            continue;
        };
        json.begin_object();
        write_metric(&mut json, &one.labels);
        json.key("value");
        write_sample(&mut json, time_ns, *sample);
        json.end_object();
    }
    json.end_array();
    end(json, session, processed, series.len())
}

pub(super) fn scalar(session: &QuerySession, time_ns: i64, number: f64) -> Response {
    let mut json = begin("scalar");
    json.key("result");
    write_sample(&mut json, time_ns, number);
    end(json, session, Processed::default(), 1)
}

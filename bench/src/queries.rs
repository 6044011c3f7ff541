//! `queries`: what was sent by `ingest-…` with the same seed is asked for again, warm.

use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use crate::http::Connection;
use crate::ids;
use crate::ingest::quantile_ms;
use crate::records::COMMON_WORD;

/// What `queries` is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct QueryArgs {
    /// The address of the HTTP API.
    #[arg(long, default_value = "127.0.0.1:4320")]
    address: String,
    /// The readers' token, if the server wants one.
    #[arg(long)]
    token: Option<String>,
    /// The seed that the records were sent with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many spans were sent; 0 leaves trace queries out.
    #[arg(long, default_value_t = 1_000_000)]
    spans: u64,
    /// How many log records were sent; 0 leaves log queries out.
    #[arg(long, default_value_t = 1_000_000)]
    logs: u64,
    /// How often each query is timed.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
}

/// One query in variants that must all find something.
struct Case {
    name: &'static str,
    paths: Vec<String>,
    /// What the answer must hold: a query that finds nothing is fast and worthless.
    found: fn(&Value) -> bool,
}

/// Times every case and reports medians.
pub(crate) async fn run(args: &QueryArgs) -> anyhow::Result<Value> {
    let mut connection = Connection::open(&args.address, args.token.clone()).await?;
    let mut results = serde_json::Map::new();
    for case in cases(args) {
        results.insert(case.name.to_owned(), measure(&mut connection, &case).await?);
    }
    Ok(json!({
        "benchmark": "queries",
        "seed": args.seed,
        "repeat": args.repeat,
        "milliseconds": results,
    }))
}

fn cases(args: &QueryArgs) -> Vec<Case> {
    let mut cases = Vec::new();
    let spread = |n: u64, of: u64| of * n / args.repeat;
    if args.spans > 0 {
        let traces = args.spans / ids::SPANS_PER_TRACE;
        let id = |n| ids::hex(&ids::trace_id(args.seed, spread(n, traces)));
        let paths = |suffix: &str| {
            (0..args.repeat)
                .map(|n| format!("/api/v1/traces/{}{suffix}", id(n)))
                .collect()
        };
        cases.push(Case {
            name: "trace_by_id",
            paths: paths(""),
            found: |answer| !answer["resourceSpans"][0].is_null(),
        });
        cases.push(Case {
            name: "trace_timeline",
            paths: paths("?view=timeline"),
            found: |answer| answer["span_count"] == ids::SPANS_PER_TRACE,
        });
    }
    if args.logs > 0 {
        let needle = |n| {
            let digits = ids::needle(args.seed, spread(n, args.logs));
            String::from_utf8_lossy(&digits).into_owned()
        };
        let search = |query: &str| format!("/api/v1/logs?query={}&limit=100", encode(query));
        cases.push(Case {
            name: "needle_word",
            paths: (0..args.repeat).map(|n| search(&needle(n))).collect(),
            found: |answer| {
                answer["logs"]
                    .as_array()
                    .is_some_and(|logs| logs.len() == 1)
            },
        });
        cases.push(Case {
            name: "common_word_newest_100",
            paths: vec![search(COMMON_WORD); repeat(args)],
            found: |answer| {
                answer["logs"]
                    .as_array()
                    .is_some_and(|logs| logs.len() == 100)
            },
        });
        let histogram = format!("/api/v1/logs/histogram?query={}", encode(COMMON_WORD));
        cases.push(Case {
            name: "common_word_histogram",
            paths: vec![histogram; repeat(args)],
            found: |answer| answer["total"].as_u64().is_some_and(|total| total > 0),
        });
    }
    cases
}

fn repeat(args: &QueryArgs) -> usize {
    usize::try_from(args.repeat).unwrap_or(usize::MAX)
}

fn encode(query: &str) -> String {
    byte_serialize(query.as_bytes()).collect()
}

/// Asks every path once to warm up, then once for the clock.
async fn measure(connection: &mut Connection, case: &Case) -> anyhow::Result<Value> {
    let mut first_us = None;
    let mut times_us = Vec::new();
    for round in 0..2 {
        for path in &case.paths {
            let began = Instant::now();
            let answer = connection.get(path).await?;
            let elapsed_us = u64::try_from(began.elapsed().as_micros())?;
            first_us.get_or_insert(elapsed_us);
            ensure!(
                answer.status == 200,
                "GET {path} answers {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
            let body: Value = serde_json::from_slice(&answer.body)
                .with_context(|| format!("the answer of GET {path} is not JSON"))?;
            ensure!(
                (case.found)(&body),
                "GET {path} does not find what was sent: do --seed, --spans and --logs agree with the ingest run?"
            );
            if round == 1 {
                times_us.push(elapsed_us);
            }
        }
    }
    times_us.sort_unstable();
    Ok(json!({
        "first": first_us.and_then(|first| quantile_ms(&[first], 0)),
        "median": quantile_ms(&times_us, 50),
        "p95": quantile_ms(&times_us, 95),
    }))
}

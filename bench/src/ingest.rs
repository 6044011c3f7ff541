//! `ingest-traces` and `ingest-logs`: closed loop, each connection sends when it has been answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::machine::{Process, ProcessUse};
use crate::records::Signal;

/// Different requests that each connection has ready; more cost memory, fewer compress too well.
const TEMPLATES_PER_CONNECTION: u64 = 16;

/// What `ingest-…` is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct IngestArgs {
    /// The OTLP/HTTP address.
    #[arg(long, default_value = "127.0.0.1:4318")]
    address: String,
    /// The writers' token, if the server wants one.
    #[arg(long)]
    token: Option<String>,
    /// Records in all; rounded up to whole requests.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Records in a request, at most 3000.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=3000))]
    batch: u16,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Ids and texts follow from it; use another one for a second run on the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's process id: its CPU time and memory are reported.
    #[arg(long)]
    pid: Option<u32>,
}

#[derive(Debug, Default)]
struct Tally {
    acknowledged: u64,
    busy: u64,
    errors: BTreeMap<String, u64>,
    bytes: u64,
    latencies_us: Vec<u64>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.busy += other.busy;
        self.bytes += other.bytes;
        self.latencies_us.extend(other.latencies_us);
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
    }
}

/// Sends `args.records` records and reports what came of it.
pub(crate) async fn run(args: &IngestArgs, signal: Signal) -> anyhow::Result<Value> {
    let requests = args.records.div_ceil(u64::from(args.batch));
    ensure!(
        u64::from(args.batch).is_multiple_of(crate::ids::SPANS_PER_TRACE),
        "--batch is {}: traces have {} spans and are not split",
        args.batch,
        crate::ids::SPANS_PER_TRACE
    );
    let mut senders = Vec::new();
    for number in 0..u64::from(args.connections) {
        senders.push(Sender::new(args, signal, number).await?);
    }
    let process = args.pid.map(Process::new);
    let before = process.map(Process::read).transpose()?;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in senders {
        tasks.spawn(sender.run(requests));
    }
    let mut tally = Tally::default();
    while let Some(finished) = tasks.join_next().await {
        tally.add(finished.context("a sender panicked")??);
    }
    let seconds = began.elapsed().as_secs_f64();
    let used = process.map(Process::read).transpose()?;
    Ok(report(args, signal, tally, seconds, before.zip(used)))
}

struct Sender {
    connection: Connection,
    templates: Vec<crate::patch::Template>,
    signal: Signal,
    seed: u64,
    records: u64,
    number: u64,
    step: u64,
}

impl Sender {
    async fn new(args: &IngestArgs, signal: Signal, number: u64) -> anyhow::Result<Self> {
        let templates = (0..TEMPLATES_PER_CONNECTION)
            .map(|variant| {
                let variant = number * TEMPLATES_PER_CONNECTION + variant;
                signal.template(args.seed, variant, args.batch)
            })
            .collect();
        Ok(Self {
            connection: Connection::open(&args.address, args.token.clone()).await?,
            templates,
            signal,
            seed: args.seed,
            records: u64::from(args.batch),
            number,
            step: u64::from(args.connections),
        })
    }

    /// Sends requests `number`, `number + step`, … below `requests`. A busy server is asked
    /// again, so that in the end every record is there.
    async fn run(mut self, requests: u64) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let templates = self.templates.len();
        let mut request = self.number;
        let mut turn = 0;
        while request < requests {
            let template = &mut self.templates[turn % templates];
            let body = template.fill(self.seed, request, self.records, now_ns()?);
            let began = Instant::now();
            let answer = self
                .connection
                .post_protobuf(self.signal.path(), body)
                .await?;
            match answer.status {
                200 => {
                    tally.acknowledged += self.records;
                    tally.bytes += body.len() as u64;
                    let elapsed = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    tally.latencies_us.push(elapsed);
                }
                429 | 503 => {
                    tally.busy += 1;
                    let wait = answer.retry_after_s.unwrap_or(1).min(5);
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                    continue;
                }
                status => *tally.errors.entry(format!("HTTP {status}")).or_default() += 1,
            }
            turn += 1;
            request += self.step;
        }
        Ok(tally)
    }
}

fn report(
    args: &IngestArgs,
    signal: Signal,
    mut tally: Tally,
    seconds: f64,
    used: Option<(ProcessUse, ProcessUse)>,
) -> Value {
    tally.latencies_us.sort_unstable();
    let acknowledged = as_f64(tally.acknowledged);
    let mut report = json!({
        "benchmark": match signal {
            Signal::Traces => "ingest-traces",
            Signal::Logs => "ingest-logs",
        },
        "seed": args.seed,
        "connections": args.connections,
        "records_per_request": args.batch,
        "records_acknowledged": tally.acknowledged,
        "seconds": seconds,
        "records_per_second": acknowledged / seconds,
        "megabytes_per_second": as_f64(tally.bytes) / 1e6 / seconds,
        "bytes_per_record_sent": as_f64(tally.bytes) / acknowledged.max(1.0),
        "request_ms": {
            "p50": quantile_ms(&tally.latencies_us, 50),
            "p99": quantile_ms(&tally.latencies_us, 99),
            "max": quantile_ms(&tally.latencies_us, 100),
        },
        "busy_answers": tally.busy,
        "errors": tally.errors,
    });
    if let Some((before, after)) = used {
        let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
        report["server"] = json!({
            "cpu_seconds": cpu_seconds,
            "cpu_seconds_per_million_records": cpu_seconds / acknowledged.max(1.0) * 1e6,
            "cores_used": cpu_seconds / seconds,
            "peak_rss_bytes": after.peak_rss_bytes,
        });
    }
    report
}

/// The value below which `percent` of the sorted `values_us` lie, in milliseconds.
pub(crate) fn quantile_ms(values_us: &[u64], percent: usize) -> Option<f64> {
    let last = values_us.len().checked_sub(1)?;
    Some(as_f64(values_us[last * percent / 100]) / 1000.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and microseconds are far below 2^52"
)]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

fn now_ns() -> anyhow::Result<u64> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since_epoch.as_nanos())?)
}

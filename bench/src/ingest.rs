//! Sends records: over each connection one request at a time, as fast as it is answered or at a rate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::case::Load;
use crate::http::Connection;
use crate::records::Signal;

/// Different requests over all connections; more cost memory, fewer compress too well.
const TEMPLATES: u64 = 128;

/// Where to send to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// `host:port`
    pub(crate) address: String,
    /// The writers' token, if the server wants one.
    pub(crate) token: Option<String>,
    /// Path for spans.
    pub(crate) traces_path: String,
    /// Path for log records.
    pub(crate) logs_path: String,
}

impl Target {
    fn path(&self, signal: Signal) -> &str {
        match signal {
            Signal::Traces => &self.traces_path,
            Signal::Logs => &self.logs_path,
        }
    }
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Records in requests that were answered with success.
    pub(crate) acknowledged: u64,
    busy: u64,
    errors: BTreeMap<String, u64>,
    bytes: u64,
    latencies_us: Vec<u64>,
    seconds: f64,
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

    /// The figures, by name.
    pub(crate) fn report(&mut self, load: &Load) -> Value {
        self.latencies_us.sort_unstable();
        let acknowledged = as_f64(self.acknowledged);
        json!({
            "signal": load.signal,
            "connections": load.connections,
            "records_per_request": load.batch,
            "records_acknowledged": self.acknowledged,
            "seconds": self.seconds,
            "records_per_second": acknowledged / self.seconds,
            "megabytes_per_second": as_f64(self.bytes) / 1e6 / self.seconds,
            "bytes_per_record_sent": as_f64(self.bytes) / acknowledged.max(1.0),
            "request_ms": {
                "p50": quantile_ms(&self.latencies_us, 50),
                "p99": quantile_ms(&self.latencies_us, 99),
                "max": quantile_ms(&self.latencies_us, 100),
            },
            "busy_answers": self.busy,
            "errors": self.errors,
        })
    }
}

/// Sends all of `load`. A busy server is asked again, so that in the end every record is there.
pub(crate) async fn run(target: Arc<Target>, load: Load) -> anyhow::Result<Tally> {
    let requests = load.records.div_ceil(u64::from(load.batch));
    let mut senders = Vec::new();
    for number in 0..u64::from(load.connections) {
        senders.push(Sender::new(&target, &load, number).await?);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for sender in senders {
        tasks.spawn(sender.run(began, requests));
    }
    let mut tally = Tally::default();
    while let Some(finished) = tasks.join_next().await {
        tally.add(finished.context("a sender panicked")??);
    }
    tally.seconds = began.elapsed().as_secs_f64();
    Ok(tally)
}

struct Sender {
    target: Arc<Target>,
    connection: Connection,
    templates: Vec<crate::patch::Template>,
    load: Load,
    number: u64,
    /// Time between two requests of this connection; none: as soon as the last is answered.
    pause: Option<Duration>,
}

impl Sender {
    async fn new(target: &Arc<Target>, load: &Load, number: u64) -> anyhow::Result<Self> {
        let each = (TEMPLATES / u64::from(load.connections)).max(1);
        let templates = (0..each)
            .map(|variant| {
                load.signal
                    .template(load.seed, number * each + variant, load.batch)
            })
            .collect();
        let pause = load.rate.map(|rate| {
            let records = as_f64(u64::from(load.batch) * u64::from(load.connections));
            Duration::from_secs_f64(records / as_f64(rate))
        });
        Ok(Self {
            connection: Connection::open(&target.address, target.token.clone()).await?,
            target: Arc::clone(target),
            templates,
            load: load.clone(),
            number,
            pause,
        })
    }

    /// Sends requests `number`, `number + connections`, … below `requests`. At a rate, the clock of a
    /// request runs from when it was due: one that had to wait for the one before was late.
    async fn run(mut self, began: Instant, requests: u64) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let templates = self.templates.len();
        let records = u64::from(self.load.batch);
        let step = u64::from(self.load.connections);
        let mut request = self.number;
        let mut turn = 0;
        let mut due = began
            + self
                .pause
                .unwrap_or_default()
                .mul_f64(share(self.number, step));
        while request < requests {
            if let Some(pause) = self.pause {
                tokio::time::sleep_until(due.into()).await;
                due += pause;
            }
            let asked = match self.pause {
                Some(pause) => due.checked_sub(pause).unwrap_or(due),
                None => Instant::now(),
            };
            let path = self.target.path(self.load.signal);
            let status = loop {
                let template = &mut self.templates[turn % templates];
                let body = template.fill(self.load.seed, request, records, now_ns()?);
                let answer = self
                    .connection
                    .post(path, "application/x-protobuf", body)
                    .await?;
                if !matches!(answer.status, 429 | 503) {
                    tally.bytes += body.len() as u64;
                    break answer.status;
                }
                tally.busy += 1;
                let wait = answer.retry_after_s.unwrap_or(1).min(5);
                tokio::time::sleep(Duration::from_secs(wait)).await;
            };
            // Some answer 204.
            if matches!(status, 200..300) {
                tally.acknowledged += records;
                let elapsed = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
                tally.latencies_us.push(elapsed);
            } else {
                *tally.errors.entry(format!("HTTP {status}")).or_default() += 1;
            }
            turn += 1;
            request += step;
        }
        Ok(tally)
    }
}

/// `part` of `whole`, below 1: connections at a rate do not all send at once.
fn share(part: u64, whole: u64) -> f64 {
    as_f64(part) / as_f64(whole.max(1))
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

//! `run`: a case, phase by phase, on a fresh server of ours or on one that runs already.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::case::{Case, Load, Phase};
use crate::ingest::{self, Tally, Target, as_f64};
use crate::machine::{self, Process, ProcessUse};
use crate::server::{Addresses, Spoor};
use crate::{crowd, disk, queries};

/// A server that uses less of a core than this over [`QUIET`] has nothing left to do.
const IDLE_CORES: f64 = 0.03;
const QUIET: Duration = Duration::from_secs(12);
/// How long a server may take to come to rest.
const SETTLE_PATIENCE: Duration = Duration::from_mins(20);

/// What `run` is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RunArgs {
    /// The case (bench/cases/*.toml).
    case: PathBuf,
    /// A `spoor` to start on an empty data directory; the release build, if figures are to mean anything.
    #[arg(long, conflicts_with = "otlp_address")]
    spoor: Option<PathBuf>,
    /// A server of any kind that runs already and takes OTLP over HTTP here.
    #[arg(long, required_unless_present = "spoor")]
    otlp_address: Option<String>,
    /// The HTTP API of that server, if it is Spoor: queries are left out otherwise.
    #[arg(long, requires = "otlp_address")]
    http_address: Option<String>,
    /// The process id of that server: its CPU time and memory are reported.
    #[arg(long, requires = "otlp_address")]
    pid: Option<u32>,
    /// Path for spans.
    #[arg(long, default_value = "/v1/traces")]
    traces_path: String,
    /// Path for log records.
    #[arg(long, default_value = "/v1/logs")]
    logs_path: String,
    /// A token that may write and read.
    #[arg(long)]
    token: Option<String>,
    /// Multiplies all numbers of records.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Where the data directory is made; it is removed at the end [default: the system's folder for temporary files]
    #[arg(long)]
    data_parent: Option<PathBuf>,
}

/// Runs the case and returns its figures.
pub(crate) async fn run(args: &RunArgs) -> anyhow::Result<Value> {
    let case = Case::read(&args.case, args.scale)?;
    let folder = match &args.data_parent {
        Some(parent) => tempfile::tempdir_in(parent),
        None => tempfile::tempdir(),
    }
    .context("cannot make a data directory")?;
    let mut bench = Bench::new(args, &case, folder.path())?;
    let mut phases = Vec::new();
    for phase in &case.phase {
        let figures = bench
            .phase(phase)
            .await
            .with_context(|| format!("phase {}", phase.name))?;
        phases.push(figures);
    }
    let mut report = json!({
        "case": args.case.file_stem().map(|stem| stem.to_string_lossy()),
        "about": case.about,
        "scale": args.scale,
        "phases": phases,
    });
    bench.end(&mut report)?;
    Ok(report)
}

/// A case under way.
struct Bench<'a> {
    args: &'a RunArgs,
    data: PathBuf,
    spoor: Option<Spoor>,
    spans: u64,
    logs: u64,
    life: Life,
}

/// What earlier lives of the server have used.
#[derive(Debug, Default)]
struct Life {
    cpu_seconds: f64,
    peak_rss_bytes: u64,
    written_bytes: u64,
}

impl Life {
    fn add(&mut self, used: ProcessUse) {
        self.cpu_seconds += used.cpu_seconds;
        self.peak_rss_bytes = self.peak_rss_bytes.max(used.peak_rss_bytes);
        self.written_bytes += used.written_bytes;
    }
}

impl<'a> Bench<'a> {
    fn new(args: &'a RunArgs, case: &Case, folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("data");
        let log = folder.join("server.log");
        let spoor = match &args.spoor {
            Some(binary) => Some(
                Spoor::start(binary, &data, &log, &case.server_flags).map_err(|error| {
                    let log = fs::read_to_string(&log).unwrap_or_default();
                    error.context(format!("its log: {log}"))
                })?,
            ),
            None => None,
        };
        Ok(Self {
            args,
            data,
            spoor,
            spans: 0,
            logs: 0,
            life: Life::default(),
        })
    }

    fn addresses(&self) -> anyhow::Result<Addresses> {
        if let Some(spoor) = &self.spoor {
            return spoor.addresses();
        }
        Ok(Addresses {
            otlp: self.args.otlp_address.clone().unwrap_or_default(),
            http: self.args.http_address.clone(),
            process: self.args.pid.map(Process::new),
        })
    }

    fn target(&self, addresses: &Addresses) -> Target {
        Target {
            address: addresses.otlp.clone(),
            token: self.args.token.clone(),
            traces_path: self.args.traces_path.clone(),
            logs_path: self.args.logs_path.clone(),
        }
    }

    async fn phase(&mut self, phase: &Phase) -> anyhow::Result<Value> {
        let mut figures = Map::new();
        figures.insert("name".to_owned(), json!(phase.name));
        if phase.drop_page_cache {
            figures.insert(
                "page_cache_dropped".to_owned(),
                json!(machine::drop_page_cache()),
            );
        }
        let addresses = self.addresses()?;
        let before = addresses.process.map(Process::read).transpose()?;
        let began = Instant::now();
        let loads = self.load(phase, &addresses).await?;
        if !phase.load.is_empty() {
            figures.insert("load".to_owned(), json!(loads.figures));
        }
        if let Some(asked) = loads.asked {
            figures.insert("milliseconds".to_owned(), asked);
        }
        if let Some(crowd) = loads.crowd {
            figures.insert("crowd".to_owned(), crowd);
        }
        let mut after = None;
        if phase.settle {
            let waited = settle(addresses.process).await?;
            figures.insert("settled_after_s".to_owned(), json!(waited));
            if let Some(spoor) = &mut self.spoor {
                let used = spoor.stop()?;
                self.life.add(used);
                after = Some(used);
            }
        }
        if let Some((process, before)) = addresses.process.zip(before) {
            let after = after.map_or_else(|| process.read(), Ok)?;
            let used = server_figures(before, after, loads.records, began.elapsed());
            figures.insert("server".to_owned(), used);
        }
        if after.is_some()
            && let Some(spoor) = &mut self.spoor
        {
            let ready = spoor.start_again()?;
            figures.insert("ready_ms".to_owned(), json!(ready.as_secs_f64() * 1000.0));
        }
        Ok(Value::Object(figures))
    }

    /// Sends and asks at once, until the last load has ended and each query was timed.
    async fn load(&mut self, phase: &Phase, addresses: &Addresses) -> anyhow::Result<Loads> {
        let target = Arc::new(self.target(addresses));
        let mut tasks: JoinSet<anyhow::Result<(Load, Tally)>> = JoinSet::new();
        for load in &phase.load {
            let (target, load) = (Arc::clone(&target), load.clone());
            tasks.spawn(async move {
                let tally = ingest::run(target, load.clone()).await?;
                Ok((load, tally))
            });
        }
        let asked = match (&phase.queries, &addresses.http) {
            (Some(queries), Some(http)) => {
                Some(queries::ask(http, self.args.token.clone(), queries).await?)
            }
            _ => None,
        };
        let crowd = match (&phase.crowd, &addresses.http) {
            (Some(crowd), Some(http)) => {
                Some(crowd::run(http, self.args.token.clone(), crowd).await?)
            }
            _ => None,
        };
        let mut loads = Loads {
            asked,
            crowd,
            ..Loads::default()
        };
        while let Some(done) = tasks.join_next().await {
            let (load, mut tally) = done.context("a load panicked")??;
            loads.records += tally.acknowledged;
            match load.signal {
                crate::records::Signal::Traces => self.spans += tally.acknowledged,
                crate::records::Signal::Logs => self.logs += tally.acknowledged,
            }
            loads.figures.push(tally.report(&load));
        }
        Ok(loads)
    }

    /// Stops a server of ours and adds what its whole life came to, and what lies on disk.
    fn end(&mut self, report: &mut Value) -> anyhow::Result<()> {
        let Some(spoor) = &mut self.spoor else {
            return Ok(());
        };
        self.life.add(spoor.stop()?);
        let records = as_f64(self.spans + self.logs).max(1.0);
        let disk = disk::measure(&self.data, Some(self.spans), Some(self.logs))?;
        report["life"] = json!({
            "cpu_seconds": self.life.cpu_seconds,
            "cpu_seconds_per_million_records": self.life.cpu_seconds / records * 1e6,
            "peak_rss_bytes": self.life.peak_rss_bytes,
            "written_bytes": self.life.written_bytes,
            "written_bytes_per_byte_kept": as_f64(self.life.written_bytes) / as_f64(disk.bytes).max(1.0),
        });
        report["disk"] = disk.report;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Loads {
    figures: Vec<Value>,
    records: u64,
    asked: Option<Value>,
    crowd: Option<Value>,
}

fn server_figures(before: ProcessUse, after: ProcessUse, records: u64, elapsed: Duration) -> Value {
    let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
    let mut figures = json!({
        "cpu_seconds": cpu_seconds,
        "cores_used": cpu_seconds / elapsed.as_secs_f64(),
        "peak_rss_bytes": after.peak_rss_bytes,
        "rss_bytes_at_the_end": after.rss_bytes,
        "written_bytes": after.written_bytes.saturating_sub(before.written_bytes),
    });
    if records > 0 {
        figures["cpu_seconds_per_million_records"] = json!(cpu_seconds / as_f64(records) * 1e6);
    }
    figures
}

/// Waits until the process has nothing left to do; how long that took, in seconds.
async fn settle(process: Option<Process>) -> anyhow::Result<f64> {
    let process = process
        .context("a server whose process is not known cannot be seen to settle: give --pid")?;
    let began = Instant::now();
    let mut last = process.cpu_seconds()?;
    loop {
        tokio::time::sleep(QUIET).await;
        let now = process.cpu_seconds()?;
        if now - last < IDLE_CORES * QUIET.as_secs_f64() {
            return Ok(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > SETTLE_PATIENCE {
            bail!(
                "the server still works {} s after the last answer",
                SETTLE_PATIENCE.as_secs()
            );
        }
        last = now;
    }
}

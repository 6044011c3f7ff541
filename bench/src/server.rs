//! A server to measure: one of ours, started on an empty data directory, or anybody's that runs already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::machine::{Process, ProcessUse};

/// How long a server may take to be ready, or to stop.
const PATIENCE: Duration = Duration::from_mins(5);

/// Where a server listens and which process it is.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// `host:port` that takes OTLP over HTTP.
    pub(crate) otlp: String,
    /// `host:port` of Spoor's HTTP API, if it is Spoor.
    pub(crate) http: Option<String>,
    /// The process, if it is on this machine and known.
    pub(crate) process: Option<Process>,
}

/// A `spoor serve` that is ours to stop.
#[derive(Debug)]
pub(crate) struct Spoor {
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    flags: Vec<String>,
    child: Child,
}

impl Spoor {
    /// Starts one and waits until it is ready. Its own log goes to the file `log`.
    pub(crate) fn start(
        binary: &Path,
        data: &Path,
        log: &Path,
        flags: &[String],
    ) -> anyhow::Result<Self> {
        let mut spoor = Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            log: log.to_owned(),
            flags: flags.to_vec(),
            child: spawn(binary, data, log, flags)?,
        };
        spoor.wait_until_ready()?;
        Ok(spoor)
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> anyhow::Result<Addresses> {
        let facts = self.runfile()?;
        let address = |name: &str| {
            facts[name]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("no {name} in spoor.json"))
        };
        Ok(Addresses {
            otlp: address("otlp_http_addr")?,
            http: Some(address("http_addr")?),
            process: Some(Process::new(self.child.id())),
        })
    }

    /// Stops it, with all it has to write then, and says what it has used in its life.
    pub(crate) fn stop(&mut self) -> anyhow::Result<ProcessUse> {
        let process = Process::new(self.child.id());
        let mut used = process.read()?;
        let killed = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        ensure!(killed.success(), "kill does not reach the server");
        let began = Instant::now();
        // What it used stands in /proc until it is waited for, but for its memory.
        while !process.has_ended()? {
            if let Ok(now) = process.read() {
                used = now;
            }
            ensure!(began.elapsed() < PATIENCE, "the server does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
        used.cpu_seconds = process.cpu_seconds()?;
        self.child.wait()?;
        Ok(used)
    }

    /// Starts it again on the same data; how long until it was ready.
    pub(crate) fn start_again(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.child = spawn(&self.binary, &self.data, &self.log, &self.flags)?;
        self.wait_until_ready()?;
        Ok(began.elapsed())
    }

    fn runfile(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&fs::read(
            self.data.join("spoor.json"),
        )?)?)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: see {}", self.log.display());
            }
            if self
                .runfile()
                .is_ok_and(|facts| facts["pid"] == self.child.id())
            {
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "the server is not ready: see {}",
                self.log.display()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Spoor {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap_or_default();
            self.child.wait().map(|_| ()).unwrap_or_default();
        }
    }
}

fn spawn(binary: &Path, data: &Path, log: &Path, flags: &[String]) -> anyhow::Result<Child> {
    let log = fs::OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new(binary);
    command.arg("serve").arg("--data-dir").arg(data);
    for address in ["--otlp-grpc-addr", "--otlp-http-addr", "--http-addr"] {
        command.args([address, "127.0.0.1:0"]);
    }
    command
        .args(flags)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))
}

//! The process itself: its limit of open files, its memory and processor time.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this many open files, connections are refused under loads that are not unusual.
const FEW_FILES: u64 = 4096;

/// Every connection and every file that is being read is one; the usual soft limit of 1,024 is low.
pub(super) fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    if let Some(limit) = getrlimit(Resource::Nofile).current
        && limit < FEW_FILES
    {
        tracing::warn!(
            limit,
            "few files may be open: raise the limit (`ulimit -Hn`) if connections are refused"
        );
    }
}

/// Registers `spoor_build_info` and the `process_…` metrics under Prometheus' usual names.
pub(super) fn register_metrics(registry: &mut Registry) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    registry.register("spoor_build", "Which Spoor this is", Info::new(version));
    registry.register_collector(Box::new(Process {
        started: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64()),
    }));
}

#[derive(Debug)]
struct Process {
    /// Unix seconds.
    started: f64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge(
            "process_start_time_seconds",
            "When the process started, Unix time",
            self.started,
        )?;
        if let Some(files) = open_files() {
            gauge("process_open_fds", "Open files and connections", files)?;
        }
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            let help = "Files and connections that may be open";
            gauge("process_max_fds", help, limit as f64)?;
        }
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let help = "Processor time used";
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                kind,
            )?)?;
        }
        Ok(())
    }
}

fn open_files() -> Option<f64> {
    // The folder that is being read is one of them.
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count.saturating_sub(1) as f64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a double counts bytes exactly up to 8 PiB"
)]
fn resident_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some((pages * rustix::param::page_size() as u64) as f64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "clock ticks of a process are far below 2^53"
)]
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; after it come state and numbers.
    let (_, numbers) = text.rsplit_once(") ")?;
    let ticks: u64 = numbers
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse::<u64>().ok())
        .sum();
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

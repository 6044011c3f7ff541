//! What `/proc` says of the machine and of the server's process (Linux).

use std::fs;

use anyhow::Context;
use serde_json::{Value, json};

/// Clock ticks a second in `/proc/<pid>/stat`: 100 on every Linux that matters (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A process to watch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(u32);

/// What it has used since it started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessUse {
    /// User and system time of all its threads.
    pub(crate) cpu_seconds: f64,
    /// The most memory it ever held.
    pub(crate) peak_rss_bytes: u64,
    /// The memory it holds now.
    pub(crate) rss_bytes: u64,
    /// Bytes it caused to be written to disk; 0 where the kernel does not tell.
    pub(crate) written_bytes: u64,
}

impl Process {
    /// The process with this id.
    pub(crate) fn new(pid: u32) -> Self {
        Self(pid)
    }

    /// Reads its counters.
    pub(crate) fn read(self) -> anyhow::Result<ProcessUse> {
        let status = self.file("status")?;
        let bytes = |key: &str| {
            let kib = value_of(&status, key);
            kib.map(|kib| kib * 1024)
                .with_context(|| format!("no {key} in /proc/<pid>/status"))
        };
        Ok(ProcessUse {
            cpu_seconds: self.cpu_seconds()?,
            peak_rss_bytes: bytes("VmHWM")?,
            rss_bytes: bytes("VmRSS")?,
            written_bytes: self
                .file("io")
                .ok()
                .and_then(|io| value_of(&io, "write_bytes:"))
                .unwrap_or(0),
        })
    }

    /// Its CPU time; can be read until somebody has waited for its end.
    pub(crate) fn cpu_seconds(self) -> anyhow::Result<f64> {
        let stat = self.file("stat")?;
        let ticks = cpu_ticks(&stat).context("cannot read the CPU time in /proc/<pid>/stat")?;
        Ok(crate::ingest::as_f64(ticks) / TICKS_PER_SECOND)
    }

    /// Whether it has ended and only waits to be waited for.
    pub(crate) fn has_ended(self) -> anyhow::Result<bool> {
        let stat = self.file("stat")?;
        Ok(stat
            .rsplit_once(')')
            .is_some_and(|(_, fields)| fields.trim_start().starts_with('Z')))
    }

    fn file(self, name: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{name}", self.0);
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}: is --pid right?"))
    }
}

/// `utime + stime`; the command before them is in parentheses and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The number after `key:`.
fn value_of(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Empties the page cache; says whether it could (it takes root).
pub(crate) fn drop_page_cache() -> bool {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// The machine; what cannot be read is null.
pub(crate) fn facts() -> Value {
    let read = |path: &str| fs::read_to_string(path).ok();
    let cpu = read("/proc/cpuinfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let memory_bytes = read("/proc/meminfo")
        .and_then(|text| value_of(&text, "MemTotal"))
        .map(|kib| kib * 1024);
    json!({
        "cpu": cpu,
        "cores": std::thread::available_parallelism().ok().map(std::num::NonZero::get),
        "memory_bytes": memory_bytes,
        "kernel": read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        "load_average": read("/proc/loadavg").map(|text| text.trim().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_command_name() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 700 30 0 0 20 0 9 0 123";
        assert_eq!(cpu_ticks(stat), Some(730));
        assert_eq!(cpu_ticks("nonsense"), None);
    }

    #[test]
    fn this_process_has_used_memory() {
        let used = Process::new(std::process::id()).read().unwrap();
        assert!(used.peak_rss_bytes > 100_000);
    }
}

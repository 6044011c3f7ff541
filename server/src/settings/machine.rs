//! How large this machine is, so that the default limits fit it.

use std::path::Path;

const MIB: u64 = 1 << 20;

/// Memory and processors we may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// Bytes of memory: the container's limit if there is one, else the machine's.
    pub(super) memory_bytes: u64,
    /// Threads that run at the same time.
    pub(super) processors: usize,
}

impl Machine {
    /// Looks at the machine. What cannot be read is taken to be small: 4 GiB, 2 processors.
    pub(super) fn detect() -> Self {
        let limits = [
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        let contained = limits
            .iter()
            .filter_map(|path| std::fs::read_to_string(Path::new(path)).ok())
            .filter_map(|text| text.trim().parse::<u64>().ok());
        let installed = std::fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| installed_bytes(&text));
        Self {
            memory_bytes: contained.chain(installed).min().unwrap_or(4096 * MIB),
            processors: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }

    /// Requests in flight and rows not yet in files: an eighth of the memory, at most 160 MiB: with that the process
    /// has some 400 MB while it takes in both signals at full speed.
    pub(super) fn ingest_memory_bytes(self) -> u64 {
        (self.memory_bytes / 8).clamp(64 * MIB, 160 * MIB)
    }

    /// Merges at the same time: one for every four processors, at most 4.
    pub(super) fn compaction_threads(self) -> usize {
        (self.processors / 4).clamp(1, 4)
    }

    /// Opened indexes kept in memory: a sixteenth, at most 256 MiB.
    pub(super) fn index_cache_bytes(self) -> u64 {
        (self.memory_bytes / 16).clamp(16 * MIB, 256 * MIB)
    }

    /// Parquet footers kept in memory: a sixteenth, at most 256 MiB.
    pub(super) fn metadata_cache_bytes(self) -> u64 {
        self.index_cache_bytes()
    }

    /// Assembled traces kept in memory: a sixteenth, at most 256 MiB.
    pub(super) fn trace_cache_bytes(self) -> u64 {
        self.index_cache_bytes()
    }

    /// Queries at the same time: two for each processor, at most 8.
    pub(super) fn query_max_concurrent(self) -> usize {
        (self.processors * 2).clamp(2, 8)
    }

    /// Working memory of all queries that run: a quarter of the memory, at most 1 GiB.
    pub(super) fn total_query_memory_bytes(self) -> u64 {
        (self.memory_bytes / 4).clamp(64 * MIB, 1024 * MIB)
    }

    /// Working memory of one query: half of that of all.
    pub(super) fn query_memory_bytes(self) -> u64 {
        self.total_query_memory_bytes() / 2
    }
}

fn installed_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_fit_a_small_machine_and_stop_growing_on_a_large_one() {
        let small = Machine {
            memory_bytes: 1024 * MIB,
            processors: 1,
        };
        assert_eq!(small.ingest_memory_bytes(), 128 * MIB);
        assert_eq!(small.query_max_concurrent(), 2);
        assert_eq!(small.compaction_threads(), 1);
        let all = small.ingest_memory_bytes()
            + small.index_cache_bytes()
            + small.metadata_cache_bytes()
            + small.trace_cache_bytes()
            + small.total_query_memory_bytes();
        assert_eq!(small.query_memory_bytes(), 128 * MIB);
        assert!(all < small.memory_bytes * 3 / 4, "{all}");
        let large = Machine {
            memory_bytes: 512 << 30,
            processors: 64,
        };
        assert_eq!(large.ingest_memory_bytes(), 160 * MIB);
        assert_eq!(large.query_memory_bytes(), 512 * MIB);
    }

    #[test]
    fn meminfo_is_in_kib() {
        assert_eq!(
            installed_bytes("MemTotal:       16384 kB\nMemFree: 1 kB\n"),
            Some(16 * MIB)
        );
        assert_eq!(installed_bytes("nothing"), None);
    }
}

//! How memory is asked for and given back.
//!
//! Rows come in many small allocations, are freed together when they are in files, and leave heaps full of
//! holes. The C library gives a heap back only from its end; [`keep_small`] tells it now and then to give back
//! the pages of holes, too.
//!
//! Measured with a million records at full speed on two processors: the C library's allocator, told
//! what [`tune`] tells it, peaks at 375 MB (spans) and 324 MB (log records); untold at 540 and 520 MB; mimalloc
//! at 525 and 460 MB, or at 404 and 330 MB for a fifth more CPU time when it gives back at once. The CPU
//! time of the others is the same within 3 %. With both signals at full speed the process peaked at 501 MB, and at
//! 392 MB with holes given back by the rule below, which took 0.34 of 12.4 s of processor time.

/// Tells the allocator to be sparing. To be called before there are threads.
pub(crate) fn tune() {
    // Keeps the kernel from rounding up to pages of 2 MiB what the allocator uses. Where it says no,
    // it stays as it was.
    rustix::thread::disable_transparent_huge_pages(true).unwrap_or_default();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::tune();
}

/// Gives unused memory back to the kernel from now on, on a thread of its own. Elsewhere than with the C
/// library of [`tune`] the allocator does so by itself.
pub(crate) fn keep_small() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep_small();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::time::{Duration, Instant};

    /// How often to look how large the process is.
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    /// Growth after which unused pages are looked for: what is given back is often asked for again, so it has
    /// its price.
    const GROWTH_BYTES: u64 = 16 << 20;
    /// … if the process is larger than this.
    const LARGE_BYTES: u64 = 256 << 20;
    /// … and so often without any growth, or if it is not.
    const TRIM_EVERY: Duration = Duration::from_secs(10);
    /// The search takes at most one part in so many of the time: it holds the heaps' locks.
    const PART_OF_TIME: u32 = 10;

    /// When to give back.
    #[derive(Debug)]
    struct Trimming {
        /// The smallest that the process was since it last gave back.
        least_bytes: u64,
        /// Not before.
        next: Instant,
        /// Without growth.
        latest: Instant,
    }

    impl Trimming {
        fn new(now: Instant) -> Self {
            Self {
                least_bytes: 0,
                next: now,
                latest: now,
            }
        }

        fn is_due(&mut self, bytes: u64, now: Instant) -> bool {
            self.least_bytes = self.least_bytes.min(bytes);
            let has_grown = bytes >= (self.least_bytes + GROWTH_BYTES).max(LARGE_BYTES);
            now >= self.next && (has_grown || now >= self.latest)
        }

        /// Gave back until `now`, which took so long and left the process so large.
        fn done(&mut self, took: Duration, bytes: u64, now: Instant) {
            self.least_bytes = bytes;
            self.next = now + took * PART_OF_TIME;
            self.latest = now + TRIM_EVERY;
        }
    }

    pub(super) fn keep_small() {
        let work = || {
            let mut trimming = Trimming::new(Instant::now());
            while let Some(bytes) = private_bytes() {
                let began = Instant::now();
                if trimming.is_due(bytes, began) {
                    trim();
                    let took = began.elapsed();
                    tracing::trace!(
                        ?took,
                        before = bytes,
                        after = private_bytes(),
                        "memory given back"
                    );
                    trimming.done(took, private_bytes().unwrap_or(bytes), Instant::now());
                }
                std::thread::sleep(LOOK_EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("spoor-memory".to_owned());
        if let Err(error) = thread.spawn(work) {
            tracing::warn!(%error, "unused memory is not given back");
        }
    }

    /// Bytes of the process that are in memory and not a file's.
    fn private_bytes() -> Option<u64> {
        let sizes = std::fs::read_to_string("/proc/self/statm").ok()?;
        let mut sizes = sizes.split(' ').skip(1).map(str::parse::<u64>);
        let (resident, shared) = (sizes.next()?.ok()?, sizes.next()?.ok()?);
        Some(resident.saturating_sub(shared) * rustix::param::page_size() as u64)
    }

    #[expect(unsafe_code, reason = "the C library has no safe way to be told")]
    fn trim() {
        // SAFETY: `malloc_trim` may be called at any time from any thread.
        unsafe { libc::malloc_trim(0) };
    }

    /// What is at least so large is mapped by itself, and unmapped when it is freed.
    const MAPPED_BYTES: libc::c_int = 1 << 20;
    /// More than this at the end of a heap goes back to the kernel.
    const TRIMMED_BYTES: libc::c_int = 1 << 20;

    /// The library makes eight heaps a processor by itself, and free memory of one is no use to the others.
    pub(super) fn tune() {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let heaps = libc::c_int::try_from(processors.max(2)).unwrap_or(2);
        for (parameter, value) in [
            (libc::M_ARENA_MAX, heaps),
            (libc::M_MMAP_THRESHOLD, MAPPED_BYTES),
            (libc::M_TRIM_THRESHOLD, TRIMMED_BYTES),
        ] {
            set(parameter, value);
        }
    }

    /// A value that the library does not take leaves things as they were.
    #[expect(unsafe_code, reason = "the C library has no safe way to be told")]
    fn set(parameter: libc::c_int, value: libc::c_int) {
        // SAFETY: `mallopt` takes any two numbers; called before other threads are started.
        unsafe { libc::mallopt(parameter, value) };
    }
    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn memory_is_given_back_after_growth_and_now_and_then() {
            let start = Instant::now();
            let after = |ms| start + Duration::from_millis(ms);
            let mut trimming = Trimming {
                latest: after(60_000),
                ..Trimming::new(start)
            };
            assert!(!trimming.is_due(LARGE_BYTES - 1, start), "it is small");
            assert!(trimming.is_due(LARGE_BYTES, start));
            let large = LARGE_BYTES + GROWTH_BYTES;
            trimming.done(Duration::from_millis(10), large, after(10));
            assert!(
                !trimming.is_due(large + GROWTH_BYTES, after(100)),
                "too soon for what it took"
            );
            assert!(trimming.is_due(large + GROWTH_BYTES, after(110)));
            assert!(!trimming.is_due(large + GROWTH_BYTES - 1, after(110)));
            assert!(!trimming.is_due(LARGE_BYTES, after(120)));
            assert!(
                trimming.is_due(large, after(130)),
                "growth counts from the least"
            );
            trimming.done(Duration::ZERO, 0, after(130));
            assert!(!trimming.is_due(0, after(10_129)));
            assert!(trimming.is_due(0, after(10_130)));
        }

        #[test]
        fn the_pages_of_holes_go_back() {
            let mut blocks: Vec<Vec<u8>> = (0..20_000).map(|_| vec![1; 4_000]).collect();
            let full = private_bytes().unwrap();
            // What stays keeps the heap from getting shorter.
            let mut number = 0;
            blocks.retain(|_| {
                number += 1;
                number % 64 == 0
            });
            trim();
            let left = private_bytes().unwrap();
            assert!(left + (60 << 20) < full, "{left} of {full}");
            assert_eq!(blocks.len(), 312);
        }
    }
}

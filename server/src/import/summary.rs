//! What became of everything, told at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::HumanCount;
use spoor_collector::Signal;

use super::destination::Exported;

/// Counts of an import.
#[derive(Debug)]
pub(super) struct Summary {
    started: Instant,
    into: String,
    files: usize,
    unreadable_files: u64,
    requests: u64,
    spans: u64,
    logs: u64,
    /// Records by reason.
    rejected: BTreeMap<String, u64>,
    refused_requests: u64,
    /// Requests by what they held.
    not_taken: BTreeMap<&'static str, u64>,
}

impl Summary {
    pub(super) fn new(files: usize, into: String) -> Self {
        Self {
            started: Instant::now(),
            into,
            files,
            unreadable_files: 0,
            requests: 0,
            spans: 0,
            logs: 0,
            rejected: BTreeMap::new(),
            refused_requests: 0,
            not_taken: BTreeMap::new(),
        }
    }

    pub(super) fn exported(&mut self, exported: &Exported) {
        self.requests += 1;
        match exported.signal {
            Signal::Traces => self.spans += exported.accepted,
            Signal::Logs => self.logs += exported.accepted,
        }
        for (reason, count) in &exported.rejected {
            *self.rejected.entry(reason.clone()).or_default() += count;
        }
    }

    /// Counts a request that cannot be stored; how many there are now.
    pub(super) fn refused(&mut self) -> u64 {
        self.refused_requests += 1;
        self.refused_requests
    }

    pub(super) fn unreadable_file(&mut self) {
        self.unreadable_files += 1;
    }

    pub(super) fn not_taken(&mut self, what: &'static str) {
        *self.not_taken.entry(what).or_default() += 1;
    }

    /// Spans and log records stored so far.
    pub(super) fn stored(&self) -> (u64, u64) {
        (self.spans, self.logs)
    }

    /// Whether everything in the files has been stored.
    pub(super) fn is_complete(&self) -> bool {
        self.unreadable_files == 0
            && self.refused_requests == 0
            && self.rejected.is_empty()
            && self.not_taken.is_empty()
    }

    pub(super) fn show(&self) {
        let text = self.render(self.started.elapsed());
        // A closed standard output does not undo what was stored.
        drop(std::io::stdout().write_all(text.as_bytes()));
    }

    fn render(&self, took: Duration) -> String {
        let mut lines = vec![format!(
            "imported into {} in {:.1} s",
            self.into,
            took.as_secs_f64()
        )];
        let mut line = |label: &str, count: u64, what: fmt::Arguments<'_>| {
            lines.push(
                format!("  {label:<10}{}{what}", HumanCount(count))
                    .trim_end()
                    .to_owned(),
            );
        };
        line("files", self.files as u64, format_args!(""));
        line("requests", self.requests, format_args!(""));
        line("spans", self.spans, format_args!(""));
        line("logs", self.logs, format_args!(""));
        for (reason, count) in &self.rejected {
            line("rejected", *count, format_args!(" records: {reason}"));
        }
        if self.refused_requests > 0 {
            line(
                "refused",
                self.refused_requests,
                format_args!(" requests that cannot be read"),
            );
        }
        for (what, count) in &self.not_taken {
            line(
                "not taken",
                *count,
                format_args!(" requests of {what}: spoor takes traces and logs"),
            );
        }
        if self.unreadable_files > 0 {
            line(
                "unreadable",
                self.unreadable_files,
                format_args!(" files, in whole or from some place on"),
            );
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_only_trouble_is_mentioned() {
        let mut summary = Summary::new(2, "./data".to_owned());
        let exported = Exported {
            signal: Signal::Traces,
            accepted: 1200,
            rejected: Vec::new(),
        };
        summary.exported(&exported);
        summary.exported(&Exported {
            signal: Signal::Logs,
            accepted: 3,
            rejected: Vec::new(),
        });
        assert!(summary.is_complete());
        assert_eq!(
            summary.render(Duration::from_millis(1500)),
            "imported into ./data in 1.5 s\n  files     2\n  requests  2\n  spans     1,200\n  logs      3\n"
        );
        let rejected = vec![("invalid_trace_id".to_owned(), 2)];
        summary.exported(&Exported {
            rejected,
            ..exported
        });
        summary.not_taken("metrics");
        assert!(!summary.is_complete());
        let text = summary.render(Duration::ZERO);
        assert!(
            text.contains("rejected  2 records: invalid_trace_id\n"),
            "{text}"
        );
        assert!(text.contains("not taken 1 requests of metrics"), "{text}");
    }
}

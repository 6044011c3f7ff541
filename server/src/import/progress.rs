//! A progress bar on a terminal; silence elsewhere.

use std::io::{self, Read, Write};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::source::Source;
use super::summary::Summary;
use crate::colour;

/// How far the import is, by bytes read from disk.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(sources: &[Source]) -> Self {
        let total = sources
            .iter()
            .map(|source| source.bytes)
            .sum::<Option<u64>>();
        // Draws on standard error, and only if that is a terminal.
        let bar = match total {
            Some(bytes) => ProgressBar::new(bytes),
            None => ProgressBar::new_spinner(),
        };
        let bar_alone = if colour::suits(&io::stderr()) {
            "{bar:32.cyan/dim}"
        } else {
            "{bar:32}"
        };
        let template = if total.is_some() {
            format!(
                "{bar_alone} {{percent:>3}}%  {{bytes}} of {{total_bytes}}  {{msg}}  {{eta}} left"
            )
        } else {
            "{spinner} {bytes}  {msg}  {elapsed}".to_owned()
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Counts what is read from `bytes`.
    pub(super) fn watch<R: Read>(&self, bytes: R) -> impl Read + use<R> {
        Counted {
            bytes,
            bar: self.bar.clone(),
        }
    }

    /// Shows what has been imported so far.
    pub(super) fn show(&self, summary: &Summary) {
        if !self.bar.is_hidden() {
            let (spans, logs) = summary.stored();
            self.bar.set_message(format!(
                "{} spans, {} logs",
                HumanCount(spans),
                HumanCount(logs)
            ));
        }
    }

    /// Tells something without tearing the bar.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| {
            // Nobody is left to be told that standard error is gone.
            drop(writeln!(io::stderr(), "{line}"));
        });
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

struct Counted<R> {
    bytes: R,
    bar: ProgressBar,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}

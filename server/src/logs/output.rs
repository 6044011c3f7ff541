//! Records to standard output, and words about them beside it.

use std::io::{self, Write};
use std::ops::ControlFlow;

use anyhow::Context;
use clap::ValueEnum;

use super::line;
use crate::colour;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people
    Text,
    /// One JSON object a line, as the API tells a record
    Ndjson,
}

/// Where records go.
#[derive(Debug)]
pub(super) struct Output {
    format: Format,
    colour: bool,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            colour: colour::suits(&io::stdout()),
        }
    }

    /// Appends a record, which is JSON of the API, as it is written.
    pub(super) fn record(&self, text: &mut Vec<u8>, json: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Text => {
                let lines = line::lines(json, self.colour).context("the answer is no record")?;
                text.extend_from_slice(lines.as_bytes());
            }
            Format::Ndjson => {
                text.extend_from_slice(json.as_bytes());
                text.push(b'\n');
            }
        }
        Ok(())
    }

    /// Writes what was appended, and waits until whoever reads has taken it. Breaks off when nobody reads any more:
    /// `spoor logs … | head` has read what it wants.
    pub(super) async fn write(&self, text: Vec<u8>) -> anyhow::Result<ControlFlow<()>> {
        if text.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let write = move || {
            let mut out = io::stdout().lock();
            out.write_all(&text).and_then(|()| out.flush())
        };
        // Who reads slowly must not keep Ctrl-C waiting.
        match tokio::task::spawn_blocking(write).await? {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            written => {
                written.context("cannot write records")?;
                Ok(ControlFlow::Continue(()))
            }
        }
    }
}

/// A line on standard error.
pub(super) fn note(words: &str) {
    // Nobody is left to be told that standard error is gone.
    drop(writeln!(io::stderr(), "{words}"));
}

//! What goes to standard error while Spoor runs.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::colour;

/// Libraries that talk more than a user of Spoor wants to read.
const QUIETER: &str = "datafusion=warn,tantivy=warn,sqlx=warn,h2=warn,hyper=warn";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to log and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// A level or a filter; without it `RUST_LOG` counts, then the command's default.
    pub(crate) filter: Option<String>,
    /// How lines look.
    pub(crate) format: LogFormat,
}

impl LogSettings {
    /// Whether `filter` is one.
    pub(crate) fn check(filter: &str) -> Result<(), String> {
        EnvFilter::builder()
            .parse(filter)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Starts logging; `default` is the level when nobody asked for one. The first call wins.
    pub(crate) fn start(&self, default: &str) {
        let filter = match &self.filter {
            Some(filter) => EnvFilter::builder().parse_lossy(format!("{QUIETER},{filter}")),
            None => EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| EnvFilter::new(format!("{QUIETER},{default}"))),
        };
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_span_events(FmtSpan::NONE)
            .with_writer(std::io::stderr);
        let started = match self.format {
            LogFormat::Text => builder
                .with_ansi(colour::suits(&std::io::stderr()))
                .try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging was started before");
        }
    }
}

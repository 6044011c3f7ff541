//! Cases: files that say what is sent, what is asked, and when. See `bench/cases`.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::crowd::Crowd;
use crate::ids;
use crate::records::Signal;

/// A case file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What the case is for, in one sentence.
    pub(crate) about: String,
    /// Flags of the server beyond its addresses and its data directory.
    #[serde(default)]
    pub(crate) server_flags: Vec<String>,
    /// One after the other, on one data directory.
    pub(crate) phase: Vec<Phase>,
}

/// Loads and queries that run at the same time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    /// Under this name the phase is found in the results.
    pub(crate) name: String,
    /// The page cache is emptied before it; needs root, and the result says whether it could be.
    #[serde(default)]
    pub(crate) drop_page_cache: bool,
    /// What is sent.
    #[serde(default)]
    pub(crate) load: Vec<Load>,
    /// What is asked of the records that this and earlier phases have sent.
    pub(crate) queries: Option<Queries>,
    /// Many clients that ask for everything.
    pub(crate) crowd: Option<Crowd>,
    /// Waits at the end, and counts what it costs, until the server has nothing left to do. One of
    /// ours is then stopped, which writes what it had in memory, and started again.
    #[serde(default)]
    pub(crate) settle: bool,
}

/// Records of one signal, sent over some connections.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Load {
    /// `traces` or `logs`.
    pub(crate) signal: Signal,
    /// Records in all; rounded up to whole requests.
    pub(crate) records: u64,
    /// Records a request.
    #[serde(default = "default_batch")]
    pub(crate) batch: u16,
    /// Connections, each with one request in flight.
    #[serde(default = "default_connections")]
    pub(crate) connections: u16,
    /// Records a second over all connections; without it each connection sends when it was answered.
    pub(crate) rate: Option<u64>,
    /// Ids and texts follow from it.
    #[serde(default = "default_seed")]
    pub(crate) seed: u64,
}

/// Queries about records that were sent with `seed`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Queries {
    /// The seed of the load that is asked about.
    #[serde(default = "default_seed")]
    pub(crate) seed: u64,
    /// Spans that are surely there; 0 leaves queries of spans out.
    #[serde(default)]
    pub(crate) spans: u64,
    /// Log records that are surely there; 0 leaves queries of logs out.
    #[serde(default)]
    pub(crate) logs: u64,
    /// How often each query is timed.
    #[serde(default = "default_repeat")]
    pub(crate) repeat: u64,
}

fn default_batch() -> u16 {
    500
}

fn default_connections() -> u16 {
    8
}

fn default_seed() -> u64 {
    1
}

fn default_repeat() -> u64 {
    21
}

impl Case {
    /// Reads a case file; `scale` multiplies all numbers of records (and no rate).
    pub(crate) fn read(path: &Path, scale: f64) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the case {}", path.display()))?;
        let mut case: Self =
            toml::from_str(&text).with_context(|| format!("{} is not a case", path.display()))?;
        for phase in &mut case.phase {
            for load in &mut phase.load {
                load.records = scaled(load.records, scale);
                load.check()
                    .with_context(|| format!("{}: phase {}", path.display(), phase.name))?;
            }
            if let Some(queries) = &mut phase.queries {
                queries.spans = scaled(queries.spans, scale);
                queries.logs = scaled(queries.logs, scale);
                ensure!(queries.repeat > 0, "{}: repeat is 0", path.display());
            }
        }
        Ok(case)
    }
}

impl Load {
    /// What cannot be sent.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.batch > 0 && u64::from(self.batch).is_multiple_of(ids::SPANS_PER_TRACE),
            "batch is {}: traces have {} spans and are not split",
            self.batch,
            ids::SPANS_PER_TRACE
        );
        ensure!(self.batch <= 3000, "batch is {}: at most 3000", self.batch);
        ensure!(self.connections > 0, "connections is 0");
        ensure!(
            self.rate != Some(0),
            "rate is 0: leave it out to send as fast as can be"
        );
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a number of records is far below 2^52"
)]
fn scaled(records: u64, scale: f64) -> u64 {
    (crate::ingest::as_f64(records) * scale).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cases_of_the_project_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let mut read = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let case = Case::read(&entry.unwrap().path(), 0.5).unwrap();
            assert!(!case.phase.is_empty());
            read += 1;
        }
        assert!(read > 4, "{read} cases");
    }

    #[test]
    fn wrong_cases_say_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        for (text, wrong) in [
            ("about = 'x'", "phase"),
            ("about = 'x'\n[[phase]]\nname = 'a'\nspeed = 1", "speed"),
            (
                "about = 'x'\n[[phase]]\nname = 'a'\nload = [{ signal = 'traces', records = 1, batch = 7 }]",
                "batch is 7",
            ),
        ] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", Case::read(&path, 1.0).unwrap_err());
            assert!(error.contains(wrong), "{error}");
        }
    }
}

//! Measures a running Spoor from outside: how fast it takes records, what that costs, how long
//! queries take. Prints one JSON object, with the facts of the machine, on standard output.
//!
//! Requests are built before the clock starts; while it runs only ids, times and hex digits are
//! written over in place, so that the generator's own share of the CPU is small. All ids follow
//! from `--seed`: `queries` knows what `ingest-…` has sent without asking.

mod disk;
mod http;
mod ids;
mod ingest;
mod machine;
mod patch;
mod queries;
mod records;

use std::io::{self, Write};

use clap::{Parser, Subcommand};

/// Measures a running Spoor from outside.
#[derive(Debug, Parser)]
#[command(name = "spoor-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sends spans to `/v1/traces` and reports how many were acknowledged a second.
    IngestTraces(ingest::IngestArgs),
    /// Sends log records to `/v1/logs` and reports how many were acknowledged a second.
    IngestLogs(ingest::IngestArgs),
    /// Times trace by id, a needle word and a common word's histogram over the HTTP API.
    Queries(queries::QueryArgs),
    /// Adds up the files of a data directory by table and kind.
    Disk(disk::DiskArgs),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut report = match &arguments.command {
        Command::IngestTraces(args) => {
            runtime.block_on(ingest::run(args, records::Signal::Traces))?
        }
        Command::IngestLogs(args) => runtime.block_on(ingest::run(args, records::Signal::Logs))?,
        Command::Queries(args) => runtime.block_on(queries::run(args))?,
        Command::Disk(args) => disk::run(args)?,
    };
    report["machine"] = machine::facts();
    writeln!(io::stdout(), "{report:#}")?;
    Ok(())
}

//! Measures a Spoor, or any server that takes OTLP, from outside: how fast it takes records, what
//! that costs, how long queries take.
//!
//! ```text
//!  case (bench/cases/*.toml) ─► run ─► ingest, queries, disk ─► JSON ─► table
//!                                └─► server: starts, restarts, stops a `spoor`
//! ```
//!
//! Requests are built before the clock starts; while it runs only ids, times and hex digits are
//! written over in place, so that the generator's own share of the CPU is small. All ids follow
//! from a seed: queries know what was sent without asking.

mod ask;
mod case;
mod crowd;
mod disk;
mod http;
mod ids;
mod ingest;
mod machine;
mod patch;
mod queries;
mod records;
mod run;
mod server;
mod table;

use std::io::{self, Write};

use clap::{Parser, Subcommand};

/// Measures a Spoor, or any server that takes OTLP, from outside.
#[derive(Debug, Parser)]
#[command(name = "spoor-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a case and prints its figures and the facts of the machine as JSON
    Run(run::RunArgs),
    /// Prints the figures of some results as a table, and how they changed against others
    Table(table::TableArgs),
}

fn main() -> anyhow::Result<()> {
    match &Arguments::parse().command {
        Command::Run(args) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            let mut report = runtime.block_on(run::run(args))?;
            report["machine"] = machine::facts();
            writeln!(io::stdout(), "{report:#}")?;
        }
        Command::Table(args) => write!(io::stdout(), "{}", table::table(args)?)?,
    }
    Ok(())
}

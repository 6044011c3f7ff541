//! The binary `spoor`: command line, settings, wiring, signals, exit codes.
//!
//! ```text
//!  command ─► settings ─► serve   (listeners ─► auth ─► collector │ query │ web ─► storage)
//!                         import  (files ─► collector, or a running server)
//!                         sql     (a running server, or the data directory)
//!                         logs    (the same; live from a running server)
//!                         delete, retention (a running server, or the data directory)
//!                         check   (the data directory)
//!                         demo    (traffic to a running server)
//! ```
//!
//! Only here do collector, query and web meet. Exit codes: 0 well, 1 failed or found problems,
//! 2 wrong usage or settings, 130 interrupted.

mod allocator;
mod auth;
mod check;
mod client;
mod colour;
mod command;
mod delete;
mod demo;
mod failure;
mod host;
mod import;
mod logging;
mod logs;
mod retention;
mod runfile;
mod serve;
mod settings;
mod sql;
mod whom;

use std::process::ExitCode;

use command::Outcome;

fn main() -> ExitCode {
    allocator::tune();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(spoor_query::STACK_BYTES)
        .enable_all()
        .build();
    // The one provider of cryptography in this process; nobody can have set another before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let outcome = match runtime {
        Ok(runtime) => {
            // On a worker's stack, not on the smaller one of the main thread.
            let outcome = runtime.block_on(async {
                tokio::spawn(command::run())
                    .await
                    .unwrap_or_else(|error| Err(error.into()))
            });
            // A thread that still waits for standard input must not keep us.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::Problems) => ExitCode::FAILURE,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            failure::report(&error);
            failure::exit_code(&error)
        }
    }
}

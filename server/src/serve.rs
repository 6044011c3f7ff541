//! `spoor serve`: three listeners, one storage, until a signal says stop.
//!
//! ```text
//!  bind ─► listen (503) ─► recover ─► ready ─► signal ─► drain ─► flush ─► exit 0
//! ```
//!
//! The addresses are taken first, so that a busy port is known before anything is opened, and they
//! answer while the write-ahead log is replayed: `/healthz` is fine, all else is told to come back.

mod banner;
mod gate;
mod health;
mod listeners;
mod openapi;
mod process;
mod request_id;
mod signals;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use prometheus_client::registry::Registry;
use spoor_collector::{Collector, OtlpDecoder};
use spoor_query::{QueryEngine, QueryThreads};
use spoor_storage::Storage;
use tower_http::compression::CompressionLayer;

use crate::auth::{Admins, Door, guard, guard_admin};
use crate::command::Outcome;
use crate::host::only_our_names;
use crate::runfile::RunFile;
use crate::settings::Settings;
use gate::Gate;
use health::Health;
use listeners::{Bound, Running};

pub(crate) use signals::stop_on_signal;

/// The doors that open once storage has recovered.
struct Gates {
    otlp_grpc: Gate,
    otlp_http: Gate,
    http: Gate,
}

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<Outcome> {
    settings.log.start("info");
    process::raise_open_files_limit();
    let stop = stop_on_signal()?;
    let tls = match &settings.tls {
        Some(files) => Some(listeners::load_tls(files).await?),
        None => None,
    };
    let bound = Bound::bind(&settings.listen)?;
    let runfile = bound.runfile(tls.is_some())?;
    let health = Health::new(&runfile, &settings.access);
    let gates = Gates {
        otlp_grpc: Gate::new(Door::OtlpGrpc),
        otlp_http: Gate::new(Door::OtlpHttp),
        http: Gate::new(Door::Api),
    };
    let openapi = openapi::router().context("cannot write the OpenAPI document")?;
    let access = &settings.access;
    let mut running = Running::start(
        bound,
        gates.otlp_grpc.router(),
        only_our_names(
            gates.otlp_http.router(),
            settings.listen.otlp_http,
            &access.ingest,
            &access.hosts,
        ),
        request_id::given_to_each(only_our_names(
            health.router().merge(openapi).merge(gates.http.router()),
            settings.listen.http,
            &access.read,
            &access.hosts,
        )),
        tls,
    )?;
    warn_of_clear_text(&settings);

    RunFile::remove_stale(settings.data_dir());
    let decoder = OtlpDecoder::new(settings.collector.open_json_bodies);
    let opening = Storage::open_watched(
        settings.storage.clone(),
        Arc::new(decoder),
        health.recovery(),
    );
    let storage = tokio::select! {
        opened = opening => match opened {
            Ok(storage) => storage,
            Err(error) => {
                running.stop(std::time::Duration::ZERO).await;
                return Err(error.into());
            }
        },
        // Nothing was taken in yet, and recovery begins again where it stood.
        () = stop.cancelled() => {
            running.stop(std::time::Duration::ZERO).await;
            return Ok(Outcome::Success);
        }
    };
    let query = QueryEngine::new(storage.clone(), settings.query.clone())?;
    // Until storage is closed: it waits for what they do.
    let threads = QueryThreads::start(query.clone())?;
    open_gates(&gates, &settings, &storage, (&query, &threads));
    runfile
        .write(settings.data_dir())
        .context("cannot write spoor.json to the data directory")?;
    health.set_ready();
    banner::show(&settings, &runfile);

    let failed = tokio::select! {
        () = stop.cancelled() => None,
        ended = running.ended() => Some(ended),
    };
    health.set_stopping();
    tracing::info!("stopping: requests under way may finish, then everything is written to files");
    query.end_tails();
    running.stop(settings.shutdown_timeout).await;
    let closed = close(&storage, settings.data_dir()).await;
    drop(threads);
    match failed {
        Some(error) => Err(error),
        None => closed.map(|()| Outcome::Success),
    }
}

fn open_gates(
    gates: &Gates,
    settings: &Settings,
    storage: &Storage,
    (query, threads): (&QueryEngine, &QueryThreads),
) {
    let collector = Collector::new(storage.clone(), settings.collector.clone());
    let mut registry = Registry::default();
    process::register_metrics(&mut registry);
    storage.register_metrics(&mut registry);
    collector.register_metrics(&mut registry);
    query.register_metrics(&mut registry);

    let access = &settings.access;
    gates.otlp_grpc.open(guard(
        collector.grpc_router(),
        Door::OtlpGrpc,
        &access.ingest,
    ));
    gates.otlp_http.open(guard(
        collector.http_router(),
        Door::OtlpHttp,
        &access.ingest,
    ));
    let admins = Admins::new(access, settings.listen.http);
    let admin = guard_admin(threads.admin_router(), admins);
    let metrics = health::metrics_router(registry).layer(CompressionLayer::new());
    let private = threads.router().merge(metrics);
    let pages = Router::new()
        .merge(guard(private, Door::Api, &access.readers()))
        .merge(admin)
        .merge(spoor_web::router());
    gates.http.open(pages);
}

async fn close(storage: &Storage, data_dir: &Path) -> anyhow::Result<()> {
    let closed = storage
        .close()
        .await
        .context("the last rows could not be written to files; they are safe in the log");
    // The directory is unlocked with the process; until then nobody should look for us.
    RunFile::remove(data_dir).context("cannot remove spoor.json from the data directory")?;
    closed
}

fn warn_of_clear_text(settings: &Settings) {
    let listen = &settings.listen;
    let reachable = [listen.otlp_grpc, listen.otlp_http, listen.http]
        .iter()
        .any(|address| !address.ip().is_loopback());
    let access = &settings.access;
    if reachable && settings.tls.is_none() && !(access.ingest.is_open() && access.read.is_open()) {
        tracing::warn!(
            "tokens and telemetry cross the network in clear text: set --tls-cert and --tls-key, or put a TLS proxy in front"
        );
    }
}

//! Where pieces go: into the data directory, or to a server.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use spoor_collector::{Collector, Format, JsonLinesDefaults, OtlpDecoder, Signal};
use spoor_storage::{Error, ErrorKind, Result, Storage, TenantId};
use tokio::sync::Mutex;
use url::Url;

use super::remote::Remote;
use crate::client::Server;
use crate::runfile::RunFile;
use crate::settings::Settings;

/// How often a piece is offered again to somebody who is busy, and how long to wait when they do
/// not say: ten minutes in all.
const MAX_ATTEMPTS: u32 = 600;
const PAUSE: Duration = Duration::from_secs(1);

/// What became of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exported {
    pub(super) signal: Signal,
    /// Records that are stored.
    pub(super) accepted: u64,
    /// Records that cannot be, by reason.
    pub(super) rejected: Vec<(String, u64)>,
}

/// Takes pieces. Clones share everything.
#[derive(Clone)]
pub(super) struct Destination {
    to: To,
    name: Arc<str>,
    /// Whoever was told to come back does so alone: many at once would take each other's memory.
    turn: Arc<Mutex<()>>,
}

#[derive(Clone)]
enum To {
    Directory {
        collector: Collector,
        storage: Storage,
        tenant: TenantId,
        defaults: JsonLinesDefaults,
    },
    Server(Arc<Remote>),
}

impl Destination {
    /// The server at `url` if there is one; else the data directory; else the server that has it
    /// open.
    pub(super) async fn open(
        settings: &Settings,
        url: Option<Url>,
        tenant: Option<TenantId>,
        defaults: JsonLinesDefaults,
    ) -> anyhow::Result<Self> {
        let token = settings.access.ingest.first().map(str::to_owned);
        if let Some(url) = url {
            let remote = Remote::new(Server::at(url)?.of_tenant(tenant), token, defaults);
            return Ok(Self::server(remote));
        }
        let decoder = Arc::new(OtlpDecoder::new(settings.collector.open_json_bodies));
        match Storage::open(settings.storage.clone(), decoder).await {
            Ok(storage) => Ok(Self {
                name: settings.data_dir().display().to_string().into(),
                to: To::Directory {
                    collector: Collector::new(storage.clone(), settings.collector.clone()),
                    storage,
                    tenant: tenant.unwrap_or_default(),
                    defaults,
                },
                turn: Arc::default(),
            }),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let Some(running) = RunFile::running(settings.data_dir()) else {
                    return Err(error.into());
                };
                let server = Server::of(&running, &running.otlp_http_url())?.of_tenant(tenant);
                let destination = Self::server(Remote::new(server, token, defaults));
                let note = format!(
                    "`{}` is held by a running spoor: importing through {}\n",
                    settings.data_dir().display(),
                    destination.name
                );
                // Nobody is left to be told that standard error is gone.
                drop(std::io::stderr().write_all(note.as_bytes()));
                Ok(destination)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn server(remote: Remote) -> Self {
        Self {
            name: format!("the server at {}", remote.base()).into(),
            to: To::Server(Arc::new(remote)),
            turn: Arc::default(),
        }
    }

    /// What it is called in the summary.
    pub(super) fn name(&self) -> String {
        self.name.to_string()
    }

    /// Stores a piece; when this returns `Ok`, its accepted records are on disk and visible.
    pub(super) async fn export(
        &self,
        signal: Signal,
        format: Format,
        body: Bytes,
    ) -> Result<Exported> {
        let mut turn = None;
        let mut attempt = 1;
        loop {
            let error = match self.export_once(signal, format, body.clone()).await {
                Err(error) if is_passing(&error) && attempt < MAX_ATTEMPTS => error,
                result => return result,
            };
            if turn.is_none() {
                turn = Some(self.turn.lock().await);
            }
            let pause = error.retry_after().unwrap_or(PAUSE);
            tracing::info!(%error, ?pause, "waiting");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn export_once(&self, signal: Signal, format: Format, body: Bytes) -> Result<Exported> {
        match &self.to {
            To::Directory {
                collector,
                tenant,
                defaults,
                ..
            } => {
                let outcome = collector
                    .export_of(tenant.clone(), signal, format, body, defaults.clone())
                    .await?;
                let rejected = outcome.reasons.into_iter();
                Ok(Exported {
                    signal,
                    accepted: outcome.accepted,
                    rejected: rejected
                        .map(|(reason, count)| (reason.to_owned(), count))
                        .collect(),
                })
            }
            To::Server(remote) => remote.export(signal, format, body).await,
        }
    }

    /// Writes what is buffered to files, if it is ours to do.
    pub(super) async fn close(&self) -> Result<()> {
        match &self.to {
            To::Directory { storage, .. } => storage.close().await,
            To::Server(_) => Ok(()),
        }
    }
}

/// Whether waiting helps. A full disk says when to come back, too; here nobody is about to free it.
fn is_passing(error: &Error) -> bool {
    error.kind() == ErrorKind::Busy
}

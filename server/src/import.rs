//! `spoor import`: files of telemetry into the data directory, or into the server that holds it.
//!
//! ```text
//!  file ─► unpack ─► pieces (a request, a batch of lines) ─► destination ─► summary
//!          └──── a thread of its own ────┘   bounded    └── some at a time ──┘
//! ```
//!
//! A piece that is imported is on disk and visible: the directory's write-ahead log is written as
//! for a request from the network. Importing a file twice stores it twice.

mod class;
mod destination;
mod pieces;
mod progress;
mod protobuf;
mod remote;
mod source;
mod summary;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use spoor_collector::JsonLinesDefaults;
use spoor_storage::ErrorKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::command::{OfTenant, Outcome};
use crate::serve::stop_on_signal;
use crate::settings::{RawSettings, Settings};
use destination::{Destination, Exported};
use pieces::{Content, Limits, Piece, Place};
use progress::Progress;
use source::Source;
use summary::Summary;

/// Pieces sent at the same time: enough that they share a sync of the disk.
const MAX_IN_FLIGHT: usize = 32;

/// Refused pieces that are shown one by one; all are counted.
const MAX_REFUSALS_SHOWN: u64 = 20;

/// What `spoor import` is told.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Files to import; `-` is standard input. OTLP JSON (one request a line or one document),
    /// OTLP protobuf (.pb), JSON lines of logs, plain text lines; each also as .gz or .zst
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the files hold
    #[arg(long, value_enum, default_value_t = FileFormat::Auto)]
    format: FileFormat,
    /// `service.name` of log lines that name no service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Send to this server instead of the data directory: its address for OTLP/HTTP, as
    /// `http://127.0.0.1:4318`, and not that of the API
    #[arg(long, value_name = "URL")]
    url: Option<url::Url>,
    #[command(flatten)]
    of: OfTenant,
    #[command(flatten)]
    settings: RawSettings,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// Told by name and content
    Auto,
    /// OTLP export requests in JSON
    OtlpJson,
    /// OTLP export requests in protobuf: one, or several each after its length in 4 bytes
    OtlpProtobuf,
    /// Log lines, JSON or plain text
    Lines,
}

/// A piece on its way, with its share of the memory for pieces.
struct Parcel {
    piece: Piece,
    share: OwnedSemaphorePermit,
}

/// Imports files. Fails when nothing more can be imported; what single files or records lack is in
/// the summary, and makes the outcome [`Outcome::Problems`].
pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<Outcome> {
    let settings = Settings::load(args.settings)?;
    settings.log.start("warn");
    let sources = source::find(&args.files)?;
    let stop = stop_on_signal()?;
    let defaults = JsonLinesDefaults {
        service_name: args.service,
    };
    let destination = Destination::open(&settings, args.url, args.of.tenant, defaults).await?;
    let limits = Limits {
        format: args.format,
        max_request_bytes: settings.collector.max_request_bytes,
    };
    // A sixteenth of the memory for ingest, as a request takes several times its size on its way.
    let in_flight_kib = (settings.storage.ingest_memory_bytes / 16).max(1 << 20) >> 10;
    let mut import = Import {
        progress: Arc::new(Progress::new(&sources)),
        summary: Summary::new(sources.len(), destination.name()),
        destination,
        sending: JoinSet::new(),
    };
    let pieces = import.read_all(sources, limits, in_flight_kib, stop.clone());
    let sent = import.send_all(pieces, &stop).await;
    import.progress.finish();
    let closed = import.destination.close().await;
    import.summary.show();
    sent?;
    closed?;
    Ok(if stop.is_cancelled() {
        Outcome::Interrupted
    } else if import.summary.is_complete() {
        Outcome::Success
    } else {
        Outcome::Problems
    })
}

/// An import under way.
struct Import {
    destination: Destination,
    progress: Arc<Progress>,
    summary: Summary,
    sending: JoinSet<(Place, spoor_storage::Result<Exported>)>,
}

impl Import {
    /// Reads the files on a thread of their own, as far ahead as memory allows.
    fn read_all(
        &self,
        sources: Vec<Source>,
        limits: Limits,
        in_flight_kib: usize,
        stop: CancellationToken,
    ) -> mpsc::Receiver<Parcel> {
        let (parcels, arriving) = mpsc::channel(MAX_IN_FLIGHT);
        let memory = Arc::new(Semaphore::new(in_flight_kib));
        let progress = Arc::clone(&self.progress);
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let mut hand_over = |piece: Piece| {
                let kib = (piece.memory_bytes() >> 10).clamp(1, in_flight_kib);
                let kib = u32::try_from(kib).unwrap_or(u32::MAX);
                runtime.block_on(async {
                    match Arc::clone(&memory).acquire_many_owned(kib).await {
                        Ok(share) => parcels.send(Parcel { piece, share }).await.is_ok(),
                        Err(_closed) => false,
                    }
                })
            };
            for source in sources {
                if stop.is_cancelled() || !pieces::read(&source, limits, &progress, &mut hand_over)
                {
                    break;
                }
            }
        });
        arriving
    }

    /// Sends what arrives, some at a time. Whatever stops it, pieces on their way are waited for
    /// and counted.
    async fn send_all(
        &mut self,
        mut arriving: mpsc::Receiver<Parcel>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut result = Ok(());
        while result.is_ok() {
            let has_room = self.sending.len() < MAX_IN_FLIGHT;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(sent) = self.sending.join_next() => result = self.note(sent),
                parcel = arriving.recv(), if has_room => match parcel {
                    Some(parcel) => self.send(parcel),
                    None => break,
                },
            }
        }
        drop(arriving);
        while let Some(sent) = self.sending.join_next().await {
            let noted = self.note(sent);
            result = result.and(noted);
        }
        result
    }

    fn send(&mut self, Parcel { piece, share }: Parcel) {
        match piece.content {
            Content::Request {
                signal,
                format,
                body,
            } => {
                let destination = self.destination.clone();
                self.sending.spawn(async move {
                    let result = destination.export(signal, format, body).await;
                    drop(share);
                    (piece.place, result)
                });
            }
            Content::NotTaken(what) => self.summary.not_taken(what),
            Content::Refused(reason) => self.refused(&piece.place, &reason),
            Content::Unreadable(reason) => {
                self.summary.unreadable_file();
                self.progress
                    .say(&format!("{}: {reason}", piece.place.file));
            }
        }
    }

    /// Errors if there is no use in going on.
    fn note(
        &mut self,
        sent: Result<(Place, spoor_storage::Result<Exported>), JoinError>,
    ) -> anyhow::Result<()> {
        let (place, result) = sent?;
        match result {
            Ok(exported) => self.summary.exported(&exported),
            // The piece is wrong; the next may be right.
            Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge) => {
                self.refused(&place, &error.to_string());
            }
            Err(error) => return Err(anyhow::Error::from(error).context(place.to_string())),
        }
        self.progress.show(&self.summary);
        Ok(())
    }

    fn refused(&mut self, place: &Place, reason: &str) {
        if self.summary.refused() <= MAX_REFUSALS_SHOWN {
            self.progress.say(&format!("{place}: {reason}"));
        }
    }
}

//! The way of a request: memory, bytes, rows, disk, answer.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use spoor_storage::{Admission, Error, Ingest, Result, Storage, Table, TenantId};
use tokio::sync::Semaphore;

use crate::compress::{Encoding, inflate, too_large};
use crate::decode::{Counts, Decoded};
use crate::json_lines::{self, JsonLinesDefaults};
use crate::metrics::{Metrics, Transport};
use crate::{OtlpDecoder, otlp_json};

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// The table its records go to.
    pub fn table(self) -> Table {
        match self {
            Self::Traces => Table::Spans,
            Self::Logs => Table::Logs,
        }
    }

    /// The word in metrics: `traces`, `logs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }
}

/// How a request is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// An OTLP export request in protobuf.
    Protobuf,
    /// An OTLP export request in OTLP's JSON mapping, on one line or several.
    Json,
    /// One log record a line, as [`crate::json_lines`] describes. Logs only.
    JsonLines,
}

/// Settings of the collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorOptions {
    /// Largest request in bytes, as sent and also decompressed; 64 MiB.
    pub max_request_bytes: usize,
    /// Origins of browser pages that may export over HTTP, such as `https://shop.example`; `*`
    /// allows all. None by default.
    pub cors_allowed_origins: Vec<String>,
    /// Whether the fields of log bodies that are JSON objects are opened into `body_fields`; on.
    pub open_json_bodies: bool,
}

impl Default for CollectorOptions {
    fn default() -> Self {
        Self {
            max_request_bytes: 64 << 20,
            cors_allowed_origins: Vec::new(),
            open_json_bodies: true,
        }
    }
}

/// What became of a request's records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportOutcome {
    /// Records that are durable and visible.
    pub accepted: u64,
    /// Records that cannot be stored, and will not be if they are sent again.
    pub rejected: u64,
    /// Rejected records by reason.
    pub reasons: Vec<(&'static str, u64)>,
    /// The reasons in a sentence, and which ids were left out of what is stored; empty if all is as it was sent.
    pub message: String,
}

impl ExportOutcome {
    fn new(signal: Signal, accepted: u64, rejected: Counts, adjusted: &Counts) -> Self {
        let total = rejected.total();
        let mut told = Vec::new();
        if total > 0 {
            let records = match signal {
                Signal::Traces => "spans",
                Signal::Logs => "log records",
            };
            told.push(format!("{total} {records} rejected: {}", rejected.listed()));
        }
        let lost = adjusted.without_ids();
        if lost.total() > 0 {
            told.push(format!(
                "stored without ids that are malformed: {}",
                lost.listed()
            ));
        }
        Self {
            accepted,
            rejected: total,
            reasons: rejected.into_vec(),
            message: told.join("; "),
        }
    }
}

/// A request on its way in.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) tenant: TenantId,
    pub(crate) signal: Signal,
    pub(crate) format: Format,
    pub(crate) transport: Transport,
    pub(crate) encoding: Encoding,
    /// The bytes as they came over the wire.
    pub(crate) body: Bytes,
    /// The memory that holds `body`.
    pub(crate) admission: Admission,
    pub(crate) defaults: JsonLinesDefaults,
}

/// Receives telemetry and hands it to storage. Clones share everything.
#[derive(Debug, Clone)]
pub struct Collector {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    storage: Storage,
    options: CollectorOptions,
    metrics: Metrics,
    /// As many requests are decoded at once off the async threads as there are processors; others
    /// wait here, with their memory already counted.
    decoding: Arc<Semaphore>,
}

/// Larger bodies are decoded off the async threads, so that small requests do not wait for them.
const MAX_INLINE_BYTES: usize = 256 << 10;

/// The same for compressed bodies, whose real size is not known yet.
const MAX_INLINE_COMPRESSED_BYTES: usize = 32 << 10;

impl Collector {
    /// A collector that writes to `storage`.
    pub fn new(storage: Storage, options: CollectorOptions) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            shared: Arc::new(Shared {
                storage,
                options,
                metrics: Metrics::default(),
                decoding: Arc::new(Semaphore::new(processors)),
            }),
        }
    }

    /// The OTLP/HTTP endpoints: `POST /v1/traces`, `/v1/logs`, `/v1/logs/json`; `/v1/metrics`
    /// says that metrics are not taken.
    pub fn http_router(&self) -> axum::Router {
        crate::http::router(self)
    }

    /// The OTLP/gRPC services. The listener has to speak HTTP/2.
    pub fn grpc_router(&self) -> axum::Router {
        crate::grpc::router(self)
    }

    /// Takes one uncompressed request of the tenant `default`, as a server would. When this returns `Ok` the accepted
    /// records are on disk and in every later snapshot.
    ///
    /// # Errors
    /// [`spoor_storage::ErrorKind::Invalid`] if `body` is not of that format, `TooLarge` over the
    /// limit, `Busy` and `Unavailable` as storage says.
    pub async fn export(
        &self,
        signal: Signal,
        format: Format,
        body: Bytes,
    ) -> Result<ExportOutcome> {
        let defaults = JsonLinesDefaults::default();
        self.export_of(TenantId::default(), signal, format, body, defaults)
            .await
    }

    /// As [`Collector::export`], of any tenant and with what JSON lines do not say themselves.
    pub async fn export_of(
        &self,
        tenant: TenantId,
        signal: Signal,
        format: Format,
        body: Bytes,
        defaults: JsonLinesDefaults,
    ) -> Result<ExportOutcome> {
        let admission = self.storage().admit_patiently(body.len()).await?;
        self.accept(Request {
            tenant,
            signal,
            format,
            transport: Transport::Import,
            encoding: Encoding::Identity,
            body,
            admission,
            defaults,
        })
        .await
    }

    /// Registers the collector's metrics (`spoor_collector_…`).
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    pub(crate) fn options(&self) -> &CollectorOptions {
        &self.shared.options
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Takes a request whose bytes have arrived, and counts what became of it.
    pub(crate) async fn accept(&self, request: Request) -> Result<ExportOutcome> {
        let collector = self.clone();
        // A task of its own: a sender that goes away must not cut a request in two, with its rows
        // stored but its memory and its records not counted.
        let task = tokio::spawn(async move {
            let (signal, transport) = (request.signal, request.transport);
            let outcome = collector.decode_and_append(request).await;
            collector.metrics().answered(signal, transport, &outcome);
            outcome
        });
        task.await
            .map_err(|error| Error::internal("taking a request failed").with_source(error))?
    }

    async fn decode_and_append(&self, request: Request) -> Result<ExportOutcome> {
        let (signal, transport) = (request.signal, request.transport);
        let tenant = request.tenant.clone();
        self.metrics()
            .received_request(signal, transport, request.body.len());
        let received_time_ns = now_ns();
        let Prepared {
            payload,
            decoded,
            admission,
        } = self.prepare(request, received_time_ns).await?;
        let Decoded {
            batch,
            rejected,
            adjusted,
        } = decoded;
        let rows = batch.num_rows() as u64;
        self.metrics()
            .decoded(signal, transport, rows, &rejected, &adjusted);
        self.metrics().observe_size(payload.len());
        if rows > 0 {
            let ingest = Ingest {
                tenant,
                table: signal.table(),
                received_time_ns,
                payload,
                batch,
            };
            let appended = self.storage().append(ingest).await;
            self.metrics().appended(signal, rows, &appended);
            appended?;
        }
        // Until here the request's memory counted as in use.
        drop(admission);
        Ok(ExportOutcome::new(signal, rows, rejected, &adjusted))
    }

    async fn prepare(&self, request: Request, received_time_ns: i64) -> Result<Prepared> {
        let limit = match request.encoding {
            Encoding::Identity => MAX_INLINE_BYTES,
            _ => MAX_INLINE_COMPRESSED_BYTES,
        };
        let options = self.options();
        let decoder = OtlpDecoder::new(options.open_json_bodies);
        let max_bytes = options.max_request_bytes;
        let inline = request.body.len() <= limit;
        let work = move || request.prepare(decoder, max_bytes, received_time_ns);
        if inline {
            return work();
        }
        let permit = Arc::clone(&self.shared.decoding)
            .acquire_owned()
            .await
            .map_err(|error| Error::internal("decoding is closed").with_source(error))?;
        let decoded = tokio::task::spawn_blocking(move || {
            let prepared = work();
            drop(permit);
            prepared
        });
        decoded
            .await
            .map_err(|error| Error::internal("decoding a request failed").with_source(error))?
    }
}

/// A request that is ready for storage.
#[derive(Debug)]
struct Prepared {
    payload: Bytes,
    decoded: Decoded,
    admission: Admission,
}

impl Request {
    /// Everything that takes processor time: inflate, convert, decode.
    fn prepare(
        self,
        decoder: OtlpDecoder,
        max_bytes: usize,
        received_time_ns: i64,
    ) -> Result<Prepared> {
        let Self {
            signal,
            format,
            encoding,
            body,
            mut admission,
            defaults,
            ..
        } = self;
        let mut reserve = |bytes: usize| admission.grow(bytes);
        if body.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        let body = inflate(encoding, body, max_bytes, &mut reserve)?;
        let payload = match format {
            Format::Protobuf => body,
            Format::Json => {
                reserve(body.len())?;
                Bytes::from(read_json(signal, &body)?)
            }
            Format::JsonLines if signal == Signal::Logs => {
                reserve(body.len().saturating_mul(2))?;
                Bytes::from(json_lines::to_protobuf(&body, &defaults))
            }
            Format::JsonLines => {
                return Err(Error::invalid("json lines hold logs, not traces"));
            }
        };
        let table = signal.table();
        let decoded = decoder.decode_metered(table, received_time_ns, &payload, &mut reserve)?;
        Ok(Prepared {
            payload,
            decoded,
            admission,
        })
    }
}

/// JSON must be UTF-8; bytes that are not are replaced rather than the whole batch lost.
fn read_json(signal: Signal, body: &[u8]) -> Result<Vec<u8>> {
    match std::str::from_utf8(body) {
        Ok(_) => otlp_json::to_protobuf(signal, body),
        Err(_) => otlp_json::to_protobuf(signal, String::from_utf8_lossy(body).as_bytes()),
    }
}

fn now_ns() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}

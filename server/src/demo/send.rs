//! Sending over OTLP/HTTP protobuf, as an SDK would.

use std::time::Duration;

use anyhow::{Context, bail};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};

use spoor_storage::TenantId;

use super::otlp;
use super::story::Telemetry;

/// How often a request that the server is too busy for is sent again.
const ATTEMPTS: u32 = 8;
/// A request that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
const PROTOBUF: &str = "application/x-protobuf";

/// What the server took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Spans acknowledged.
    pub(super) spans: u64,
    /// Log records acknowledged.
    pub(super) logs: u64,
    /// Spans and log records that the server refused one by one.
    pub(super) rejected: u64,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.spans += other.spans;
        self.logs += other.logs;
        self.rejected += other.rejected;
    }
}

/// A connection to an OTLP/HTTP endpoint.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    endpoint: Url,
    token: Option<String>,
    tenant: Option<TenantId>,
}

impl Sender {
    /// For the endpoint without `/v1/…`, e.g. `http://127.0.0.1:4318`.
    pub(super) fn new(
        endpoint: Url,
        token: Option<String>,
        tenant: Option<TenantId>,
    ) -> anyhow::Result<Self> {
        // A second installation reports the first: both are the same provider.
        let (Ok(()) | Err(_)) = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .build()
            .context("cannot set up an HTTP client")?;
        Ok(Self {
            client,
            endpoint,
            token,
            tenant,
        })
    }

    /// Sends records and waits until they are acknowledged.
    pub(super) async fn send(&self, telemetry: Telemetry) -> anyhow::Result<Sent> {
        let (spans, logs) = (telemetry.spans.len(), telemetry.logs.len());
        let traces_body = otlp::trace_request(telemetry.spans).encode_to_vec();
        let logs_body = otlp::logs_request(telemetry.logs).encode_to_vec();
        let (traces_answer, logs_answer) = tokio::try_join!(
            self.post("v1/traces", traces_body),
            self.post("v1/logs", logs_body)
        )?;
        let rejected_spans = ExportTraceServiceResponse::decode(traces_answer)
            .context("the answer of `/v1/traces` is not an ExportTraceServiceResponse")?
            .partial_success
            .map_or(0, |part| u64::try_from(part.rejected_spans).unwrap_or(0));
        let rejected_logs = ExportLogsServiceResponse::decode(logs_answer)
            .context("the answer of `/v1/logs` is not an ExportLogsServiceResponse")?
            .partial_success
            .map_or(0, |part| {
                u64::try_from(part.rejected_log_records).unwrap_or(0)
            });
        Ok(Sent {
            spans: (spans as u64).saturating_sub(rejected_spans),
            logs: (logs as u64).saturating_sub(rejected_logs),
            rejected: rejected_spans + rejected_logs,
        })
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> anyhow::Result<bytes::Bytes> {
        let url = format!("{}/{path}", self.endpoint.as_str().trim_end_matches('/'));
        let body = bytes::Bytes::from(body);
        for attempt in 1..=ATTEMPTS {
            let mut request = self
                .client
                .post(&url)
                .header(CONTENT_TYPE, PROTOBUF)
                .body(body.clone());
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            if let Some(tenant) = &self.tenant {
                request = request.header(TenantId::HEADER, tenant.as_str());
            }
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() => return Err(self.nobody_there(error)),
                Err(error) => return Err(error).with_context(|| format!("cannot post to {url}")),
            };
            match response.status() {
                StatusCode::OK => {
                    return response
                        .bytes()
                        .await
                        .with_context(|| format!("the answer of {url} broke off"));
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!(
                    "{url} wants a token: pass the one that `spoor serve` was given with --ingest-token as --token"
                ),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
                    if attempt < ATTEMPTS =>
                {
                    tokio::time::sleep(retry_after(&response, attempt)).await;
                }
                StatusCode::NOT_FOUND => bail!(
                    "{url} answers 404: is --endpoint the address for OTLP/HTTP (usually port 4318)?"
                ),
                status => {
                    let text = response.text().await.unwrap_or_default();
                    bail!("{url} answers {status}: {}", text.trim());
                }
            }
        }
        bail!("{url} was too busy {ATTEMPTS} times in a row: try a lower --rate")
    }

    fn nobody_there(&self, error: reqwest::Error) -> anyhow::Error {
        anyhow::Error::new(error).context(format!(
            "nobody listens on {}: start Spoor first with `spoor serve` (or `make run`), or say where it is with --endpoint",
            self.endpoint
        ))
    }
}

/// As the server says, else twice as long each time.
fn retry_after(response: &reqwest::Response, attempt: u32) -> Duration {
    let said = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .map(Duration::from_secs);
    said.unwrap_or(Duration::from_millis(100 << attempt))
        .min(Duration::from_secs(10))
}

/// Whether the server could not be reached at all.
pub(super) fn is_unreachable(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<reqwest::Error>())
        .any(|cause| cause.is_connect() || cause.is_timeout())
}

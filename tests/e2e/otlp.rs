//! Sending: OTLP over HTTP and gRPC, with raw bytes where a test wants to be impolite.

use std::io::Write;

use bytes::{Buf, BufMut, Bytes};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse, logs_service_client::LogsServiceClient,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_client::TraceServiceClient,
};
use prost::Message;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, StatusCode};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};

/// Large enough for every request a test sends that should be accepted.
const MESSAGE_LIMIT: usize = 256 << 20;

pub(crate) const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const JSON: &str = "application/json";

/// Which service a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
}

impl Signal {
    pub(crate) fn http_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
        }
    }

    pub(crate) fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

/// `google.rpc.Status`, the body of an OTLP/HTTP error.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

/// What an OTLP/HTTP request was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn content_type(&self) -> &str {
        self.headers
            .get(CONTENT_TYPE)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text, for JSON answers and for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn traces(&self) -> ExportTraceServiceResponse {
        assert_eq!(self.status, 200, "{}", self.text());
        ExportTraceServiceResponse::decode(self.body.clone()).unwrap()
    }

    pub(crate) fn logs(&self) -> ExportLogsServiceResponse {
        assert_eq!(self.status, 200, "{}", self.text());
        ExportLogsServiceResponse::decode(self.body.clone()).unwrap()
    }

    /// The error in the encoding of the request.
    pub(crate) fn error(&self) -> RpcStatus {
        if self.content_type().starts_with(JSON) {
            let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
            RpcStatus {
                code: i32::try_from(json["code"].as_i64().unwrap_or_default()).unwrap(),
                message: json["message"].as_str().unwrap_or_default().to_owned(),
            }
        } else {
            RpcStatus::decode(self.body.clone()).unwrap()
        }
    }
}

/// A client of one server's receivers.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    http: String,
    grpc: String,
    token: Option<String>,
    client: Client,
}

impl Otlp {
    pub(crate) fn new(http: String, grpc: String) -> Self {
        crate::harness::install_crypto();
        Self {
            http,
            grpc,
            token: None,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn with_client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.http)
    }

    /// POST with exactly these headers; an error of the connection is given back.
    pub(crate) async fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self.client.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = request.send().await?;
        Ok(Reply {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        })
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        self.try_post(path, headers, body).await.unwrap()
    }

    /// POST of protobuf bytes.
    pub(crate) async fn post_protobuf(&self, signal: Signal, body: impl Into<Vec<u8>>) -> Reply {
        let headers = [(CONTENT_TYPE.as_str(), PROTOBUF)];
        self.post(signal.http_path(), &headers, body.into()).await
    }

    /// POST of compressed protobuf bytes.
    pub(crate) async fn post_encoded(
        &self,
        signal: Signal,
        encoding: &str,
        body: Vec<u8>,
    ) -> Reply {
        let headers = [
            (CONTENT_TYPE.as_str(), PROTOBUF),
            (CONTENT_ENCODING.as_str(), encoding),
        ];
        self.post(signal.http_path(), &headers, body).await
    }

    /// POST of OTLP JSON.
    pub(crate) async fn post_json(&self, signal: Signal, body: &str) -> Reply {
        let headers = [(CONTENT_TYPE.as_str(), JSON)];
        self.post(signal.http_path(), &headers, body.to_owned())
            .await
    }

    /// Spans that must all be accepted.
    pub(crate) async fn export_spans(&self, request: &ExportTraceServiceRequest) {
        let reply = self
            .post_protobuf(Signal::Traces, request.encode_to_vec())
            .await;
        assert_eq!(
            reply
                .traces()
                .partial_success
                .unwrap_or_default()
                .rejected_spans,
            0
        );
    }

    /// Logs that must all be accepted.
    pub(crate) async fn export_logs(&self, request: &ExportLogsServiceRequest) {
        let reply = self
            .post_protobuf(Signal::Logs, request.encode_to_vec())
            .await;
        assert_eq!(
            reply
                .logs()
                .partial_success
                .unwrap_or_default()
                .rejected_log_records,
            0
        );
    }

    pub(crate) async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.grpc.clone())
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn grpc_traces(&self) -> TraceServiceClient<Channel> {
        TraceServiceClient::new(self.channel().await).max_encoding_message_size(MESSAGE_LIMIT)
    }

    pub(crate) async fn grpc_logs(&self) -> LogsServiceClient<Channel> {
        LogsServiceClient::new(self.channel().await).max_encoding_message_size(MESSAGE_LIMIT)
    }

    /// A unary call with bytes that need not be a message.
    pub(crate) async fn grpc_raw(
        &self,
        path: &'static str,
        message: Bytes,
        compression: Option<CompressionEncoding>,
    ) -> Result<Bytes, tonic::Status> {
        let mut client =
            tonic::client::Grpc::new(self.channel().await).max_encoding_message_size(MESSAGE_LIMIT);
        if let Some(encoding) = compression {
            client = client.send_compressed(encoding);
        }
        client.ready().await.unwrap();
        let mut request = tonic::Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let path = http::uri::PathAndQuery::from_static(path);
        Ok(client.unary(request, path, RawCodec).await?.into_inner())
    }
}

/// Passes messages through as bytes.
#[derive(Debug, Clone, Copy)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Self::Error> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Self::Error> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

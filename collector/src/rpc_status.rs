//! Answers in both encodings: `google.rpc.Status` for errors, `Export…ServiceResponse` for success.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use serde_json::json;
use spoor_storage::{Error, ErrorKind};

use crate::{ExportOutcome, Signal};

/// How soon to try again when nobody said.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    /// A `google.rpc.Code`.
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    /// For the sender's developer.
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    /// Messages with more to say.
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    /// Which message.
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    /// Its bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    /// How long to wait.
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<RetryDelay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryDelay {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    /// The rest, in nanoseconds.
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

/// `ExportTracePartialSuccess` and `ExportLogsPartialSuccess`, which look the same on the wire.
#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `ExportTraceServiceResponse` and `ExportLogsServiceResponse`, which look the same on the wire.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// When the sender may try again, for errors after which that makes sense.
pub(crate) fn retry_after(error: &Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::Busy => Some(error.retry_after().unwrap_or(DEFAULT_RETRY_AFTER)),
        _ => error.retry_after(),
    }
}

/// The message of an error with its hint.
pub(crate) fn message_of(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

impl Status {
    /// What an error is in gRPC's terms.
    pub(crate) fn of(error: &Error) -> Self {
        let details = retry_after(error).map(retry_info).into_iter().collect();
        Self {
            code: error.kind().grpc_code(),
            message: message_of(error),
            details,
        }
    }

    /// Its JSON: code and message. Details that matter over HTTP are in `Retry-After`.
    pub(crate) fn to_json(&self) -> Bytes {
        json!({"code": self.code, "message": self.message})
            .to_string()
            .into()
    }
}

fn retry_info(after: Duration) -> Any {
    let retry_delay = RetryDelay {
        seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        nanos: after.subsec_nanos().cast_signed(),
    };
    Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: RetryInfo {
            retry_delay: Some(retry_delay),
        }
        .encode_to_vec()
        .into(),
    }
}

/// The answer to a request that was taken, as protobuf. Empty if all is well. OTLP has warnings as a partial success
/// that rejects nothing.
pub(crate) fn response_protobuf(outcome: &ExportOutcome) -> Bytes {
    let partial_success = (!outcome.message.is_empty()).then(|| PartialSuccess {
        rejected: i64::try_from(outcome.rejected).unwrap_or(i64::MAX),
        error_message: outcome.message.clone(),
    });
    ExportResponse { partial_success }.encode_to_vec().into()
}

/// The answer to a request that was taken, as OTLP JSON: 64-bit numbers are strings.
pub(crate) fn response_json(signal: Signal, outcome: &ExportOutcome) -> Bytes {
    if outcome.message.is_empty() {
        return Bytes::from_static(b"{\"partialSuccess\":{}}");
    }
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
    };
    json!({"partialSuccess": {
        rejected: outcome.rejected.to_string(),
        "errorMessage": outcome.message,
    }})
    .to_string()
    .into()
}

/// The answer to JSON lines.
pub(crate) fn response_lines(outcome: &ExportOutcome) -> Bytes {
    let reasons: serde_json::Map<_, _> = outcome
        .reasons
        .iter()
        .map(|(reason, count)| ((*reason).to_owned(), json!(count)))
        .collect();
    json!({"accepted": outcome.accepted, "rejected": outcome.rejected, "reasons": reasons})
        .to_string()
        .into()
}

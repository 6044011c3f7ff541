//! Reads request bodies within the memory budget.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use spoor_storage::{Admission, Error, ErrorKind, Result, TenantId};

use crate::Collector;
use crate::compress::too_large;

/// Memory for a body is reserved in steps that double from here …
const FIRST_STEP_BYTES: usize = 64 << 10;

/// … to here.
const LAST_STEP_BYTES: usize = 4 << 20;

/// A sender may pause for so long in the middle of a request.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// What is left of a refused request is read and thrown away for at most so long, …
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// … and for at most so many bytes.
const DRAIN_BYTES: usize = 256 << 20;

/// A body in memory that has been counted.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) admission: Admission,
}

/// Reads a body of at most `limit` bytes. If it is refused, the rest of it is thrown away first:
/// most HTTP/1 clients read no answer before they have sent everything.
pub(crate) async fn receive(
    collector: &Collector,
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Received> {
    let declared = content_length(headers);
    if declared.is_some_and(|length| length > limit as u64) {
        // Who waits for `100 Continue` has sent nothing yet and will not.
        if !awaits_continue(headers) {
            drain(body).await;
        }
        return Err(too_large(limit));
    }
    let read = read_all(collector, &mut body, limit).await;
    if read.is_err() {
        drain(body).await;
    }
    read
}

/// Memory is reserved as the bytes arrive and not as they are declared: a promise costs the sender
/// nothing, and a few could use up the budget.
async fn read_all(collector: &Collector, body: &mut Body, limit: usize) -> Result<Received> {
    let mut admission = collector
        .storage()
        .admit_patiently(FIRST_STEP_BYTES)
        .await?;
    let mut admitted = FIRST_STEP_BYTES;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(data) = next_data(body).await? {
        let length = first.len() + rest.len() + data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if length > admitted {
            let step = admitted.min(LAST_STEP_BYTES).max(length - admitted);
            admission.grow(step)?;
            admitted += step;
        }
        if first.is_empty() && rest.is_empty() {
            // Small bodies come in one piece and are not copied.
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(admitted);
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    let bytes = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    Ok(Received { bytes, admission })
}

/// The next piece of a body, `None` at its end.
async fn next_data(body: &mut Body) -> Result<Option<Bytes>> {
    loop {
        let frame = tokio::time::timeout(IDLE_TIME, body.frame()).await;
        let frame = frame.map_err(|_| {
            Error::new(
                ErrorKind::Timeout,
                format!(
                    "nothing more of the request came for {} s",
                    IDLE_TIME.as_secs()
                ),
            )
        })?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                // What is no data are trailers, which mean nothing here.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                let message = "the request body could not be read to its end";
                return Err(Error::invalid(message).with_source(error));
            }
        }
    }
}

async fn drain(mut body: Body) {
    let drained = tokio::time::timeout(DRAIN_TIME, async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let read = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(read) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    });
    if drained.await.is_err() {
        tracing::debug!("a refused request went on for too long and is cut off");
    }
}

/// Whose telemetry a request brings: its header or gRPC metadata `X-Scope-OrgID`, else `default`.
pub(crate) fn tenant_of(headers: &HeaderMap) -> Result<TenantId> {
    let values = headers.get_all(TenantId::HEADER).iter();
    let named = TenantId::of_header(values.map(HeaderValue::as_bytes))?;
    Ok(named.unwrap_or_default())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Whether the client waits for `100 Continue` before it sends the body.
fn awaits_continue(headers: &HeaderMap) -> bool {
    headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

//! Reads request bodies within the memory budget.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use spoor_storage::{Admission, Error, Result};

use crate::Collector;
use crate::compress::too_large;

/// Memory for bodies of unknown length is reserved in steps of this size.
const STEP_BYTES: usize = 256 << 10;

/// What is left of a refused request is read and thrown away for at most so long, …
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// … and for at most so many bytes.
const DRAIN_BYTES: usize = 256 << 20;

/// A body in memory that has been counted.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) admissions: Vec<Admission>,
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
    let read = match begin(collector, declared, limit) {
        Ok(admissions) => read_all(collector, &mut body, declared, admissions, limit).await,
        // It has sent nothing yet and will not.
        Err(error) if awaits_continue(headers) => return Err(error),
        Err(error) => Err(error),
    };
    if read.is_err() {
        drain(body).await;
    }
    read
}

/// Refuses a body by its declared length, before a byte of it is read, and reserves its memory.
fn begin(collector: &Collector, declared: Option<u64>, limit: usize) -> Result<Vec<Admission>> {
    let Some(declared) = declared else {
        return Ok(Vec::new());
    };
    match usize::try_from(declared) {
        Ok(bytes) if bytes <= limit => Ok(vec![collector.storage().admit(bytes)?]),
        _ => Err(too_large(limit)),
    }
}

async fn read_all(
    collector: &Collector,
    body: &mut Body,
    declared: Option<u64>,
    mut admissions: Vec<Admission>,
    limit: usize,
) -> Result<Received> {
    let mut admitted = declared
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::invalid("the request body could not be read to its end").with_source(error)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = first.len() + rest.len() + data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if length > admitted {
            let step = (length - admitted).max(STEP_BYTES);
            admissions.push(collector.storage().admit(step)?);
            admitted += step;
        }
        if first.is_empty() && rest.is_empty() {
            // Small bodies come in one piece and are not copied.
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(admitted.max(length));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    let bytes = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    Ok(Received { bytes, admissions })
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

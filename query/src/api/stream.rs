//! Rows as they come, in one of four formats: of SQL, and of exports.
//!
//! ```text
//!  plan ─► batches ─► writer (a batch, or a row group, at a time) ─► pieces ─► budget ─► body
//! ```
//! Nothing but what a writer holds is in memory, whatever the number of rows. An answer that cannot be given to its end is
//! broken off, so that no client takes the part for the whole; Parquet and Arrow have no end then, either.

mod writer;

use arrow::record_batch::RecordBatch;
use axum::body::{Body, Bytes};
use axum::response::Response;
use datafusion::execution::SendableRecordBatchStream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use spoor_storage::{Error, ErrorKind, Result};
use utoipa::ToSchema;

use crate::session::QuerySession;
use writer::Writer;

/// `true`, or `false` if the rows of a streamed answer are known to lack something; the JSON form
/// says it in the body.
const COMPLETE_HEADER: &str = "spoor-complete";
/// Bytes read until the answer began: a streamed one says it there, the JSON form in the body.
const SCANNED_HEADER: &str = "spoor-scanned-bytes";

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// A JSON object a line.
    #[default]
    NdJson,
    /// A header, and a line a row.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl Format {
    const ALL: [Self; 4] = [Self::NdJson, Self::Csv, Self::Arrow, Self::Parquet];

    /// As parameters and file names call it.
    fn word(self) -> &'static str {
        match self {
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The one of this media type.
    pub(super) fn of_media_type(kind: &str) -> Option<Self> {
        match kind {
            "application/ndjson" => Some(Self::NdJson),
            "text/csv" => Some(Self::Csv),
            _ => Self::ALL.into_iter().find(|one| one.media_type() == kind),
        }
    }

    /// Whether it is for programs only, and has a budget wherever it comes from.
    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Arrow | Self::Parquet)
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut formats = Self::ALL.into_iter();
        formats.find(|format| format.word() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::word).join(", ");
            Error::invalid(format!("`{text}` is not a format: it is one of {words}"))
        })
    }
}

/// What is written where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) format: Format,
    /// An answer with more bytes is broken off.
    pub(super) max_bytes: u64,
    /// The name of the file that a browser makes of it, without its ending.
    pub(super) name: Option<&'static str>,
}

/// The answer. The first batch is awaited, so that a query that fails at once has the right status.
pub(super) async fn streamed(
    session: QuerySession,
    mut stream: SendableRecordBatchStream,
    output: Output,
) -> Result<Response> {
    let first = session.next(&mut stream).await?;
    let mut pieces = Pieces {
        writer: Some(Writer::new(output.format, &stream.schema())?),
        session,
        stream,
        left: output.max_bytes,
        max_bytes: output.max_bytes,
    };
    let head = pieces.head(first.as_ref())?;
    let outcome = pieces.session.outcome();
    let rest = futures::stream::try_unfold(pieces, |mut pieces| async move {
        let piece = pieces.next().await?;
        Ok::<_, Error>(piece.map(|piece| (piece, pieces)))
    });
    let head = futures::stream::iter([Ok(head)]);
    let mut response = Response::new(Body::from_stream(futures::StreamExt::chain(head, rest)));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static(output.format.media_type());
    headers.insert(CONTENT_TYPE, kind);
    let complete = if outcome.complete { "true" } else { "false" };
    headers.insert(COMPLETE_HEADER, HeaderValue::from_static(complete));
    headers.insert(SCANNED_HEADER, HeaderValue::from(outcome.scanned_bytes));
    if let Some(name) = output.name {
        let file = format!("attachment; filename=\"{name}.{}\"", output.format.word());
        if let Ok(file) = HeaderValue::try_from(file) {
            headers.insert(CONTENT_DISPOSITION, file);
        }
    }
    Ok(response)
}

/// What is left of an answer.
struct Pieces {
    session: QuerySession,
    stream: SendableRecordBatchStream,
    /// `None` once all was written.
    writer: Option<Writer>,
    left: u64,
    max_bytes: u64,
}

impl Pieces {
    /// What comes before all waiting; all of it if there are no rows.
    fn head(&mut self, first: Option<&RecordBatch>) -> Result<Bytes> {
        let Some(batch) = first else {
            let end = self.writer.take().map(Writer::finish).transpose()?;
            return self.within_budget(end.unwrap_or_default());
        };
        let piece = match &mut self.writer {
            Some(writer) => writer.write(batch)?,
            None => Bytes::new(),
        };
        self.within_budget(piece)
    }

    /// The next piece that is not empty.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(mut writer) = self.writer.take() {
            let piece = match self.session.next(&mut self.stream).await? {
                Some(batch) => {
                    let piece = writer.write(&batch)?;
                    self.writer = Some(writer);
                    piece
                }
                None => writer.finish()?,
            };
            if !piece.is_empty() {
                return self.within_budget(piece).map(Some);
            }
        }
        Ok(None)
    }

    fn within_budget(&mut self, piece: Bytes) -> Result<Bytes> {
        match self.left.checked_sub(piece.len() as u64) {
            Some(left) => {
                self.left = left;
                Ok(piece)
            }
            None => Err(Error::new(
                ErrorKind::TooLarge,
                format!("the answer has more than {} bytes", self.max_bytes),
            )
            .with_hint("ask for a shorter range of time, or set `max_bytes`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_media_types_name_formats() {
        for format in Format::ALL {
            assert_eq!(format.word().parse::<Format>().unwrap(), format);
            let kind = format.media_type().split(';').next().unwrap();
            assert_eq!(Format::of_media_type(kind), Some(format));
        }
        let error = "xml".parse::<Format>().unwrap_err();
        assert!(
            error.message().ends_with("ndjson, csv, arrow, parquet"),
            "{error}"
        );
        assert_eq!(Format::of_media_type("application/json"), None);
    }
}

//! The end of a data file: page indexes and footer, compared with what the catalog knows of them, and
//! the version it is of.
//!
//! Checksums of the columns are in the footer; its own is in the catalog ([`FileFacts`]), so that a flipped
//! bit there is an error too, and not other statistics to prune by.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use serde::{Deserialize, Serialize};

use super::FORMAT_VERSION;
use crate::error::{Error, Result};

/// Under which key a file says its version.
pub(super) const VERSION_KEY: &str = "spoor.format_version";

/// What the catalog knows of a file's bytes and of where its rows are from. Files of before catalog
/// version 4 have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Bytes behind the last column: page indexes and footer.
    pub tail_bytes: u64,
    /// Their CRC-32C.
    pub tail_crc32c: u32,
    /// For a file of a flush: the first and the last request of the log of which it has rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<(u64, u64)>,
    /// For a file of a flush: its rows are in stretches, and not all in order of time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stretches: bool,
}

impl FileFacts {
    /// Of a file that ends in `tail`.
    pub(super) fn of(tail: &[u8]) -> Self {
        Self {
            tail_bytes: tail.len() as u64,
            tail_crc32c: crc32c::crc32c(tail),
            requests: None,
            stretches: false,
        }
    }

    /// Where the tail lies in a file of `size` bytes.
    pub fn tail(&self, size: u64) -> Range<u64> {
        size.saturating_sub(self.tail_bytes)..size
    }

    /// The footer in the tail of a file of `size` bytes. Errors with [`crate::ErrorKind::Corrupt`] if the
    /// bytes are not those that were written.
    pub fn read(
        &self,
        tail: &Bytes,
        size: u64,
        page_indexes: PageIndexPolicy,
    ) -> Result<ParquetMetaData> {
        if tail.len() as u64 != self.tail_bytes || crc32c::crc32c(tail) != self.tail_crc32c {
            return Err(Error::corrupt("the footer has another checksum"));
        }
        let mut reader = ParquetMetaDataReader::new().with_page_index_policy(page_indexes);
        reader
            .try_parse_sized(tail, size)
            .and_then(|()| reader.finish())
            .map_err(|source| Error::corrupt("the footer is not readable").with_source(source))
    }
}

/// A file is of a version that this code does not read.
#[derive(Debug)]
pub(crate) struct NewerVersion(String);

impl fmt::Display for NewerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "it has format version {}, and this one reads versions up to {FORMAT_VERSION}",
            self.0
        )
    }
}

impl std::error::Error for NewerVersion {}

impl NewerVersion {
    /// Whether that is why a file could not be read.
    pub(crate) fn is_behind(error: &Error) -> bool {
        std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<Self>)
    }
}

/// Errors with [`crate::ErrorKind::Corrupt`] if the file with this footer was written by a newer version:
/// what it means is not known, so it is set aside as it is.
pub fn refuse_newer(footer: &ParquetMetaData) -> Result<()> {
    let entries = footer.file_metadata().key_value_metadata();
    let version = entries
        .into_iter()
        .flatten()
        .find(|entry| entry.key == VERSION_KEY)
        .and_then(|entry| entry.value.as_deref());
    let Some(version) = version else {
        return Ok(());
    };
    if version
        .parse::<u32>()
        .is_ok_and(|version| version <= FORMAT_VERSION)
    {
        return Ok(());
    }
    Err(
        Error::corrupt("the file was written by a newer version of spoor")
            .with_source(NewerVersion(version.to_owned())),
    )
}

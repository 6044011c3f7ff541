//! Where a tail stands: the id of its events.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use serde::{Deserialize, Deserializer, de::Error as _};
use spoor_storage::{Error, RecordId, Result};

/// Written `<record id>.<milliseconds>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Everything up to this record has been looked at.
    pub(super) record: RecordId,
    /// When, in milliseconds since the Unix epoch, or earlier: files made before hold nothing later.
    pub(super) at_ms: u64,
}

impl Mark {
    pub(super) fn of_header(header: &HeaderValue) -> Result<Self> {
        header
            .to_str()
            .map_err(|_| wrong("Last-Event-ID"))
            .and_then(str::parse)
    }

    pub(super) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(self.at_ms))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// The present, as marks write it.
pub(super) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.record.0, self.at_ms)
    }
}

impl FromStr for Mark {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (record, at_ms) = text.split_once('.').ok_or_else(|| wrong(text))?;
        Ok(Self {
            record: RecordId(record.parse().map_err(|_| wrong(text))?),
            at_ms: at_ms.parse().map_err(|_| wrong(text))?,
        })
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

fn wrong(text: &str) -> Error {
    Error::invalid(format!("`{text}` is not the id of an event of a tail"))
        .with_hint("send the id of the last event as it came, or none to begin now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_as_it_was_written() {
        let mark = Mark {
            record: RecordId(16_777_216),
            at_ms: 1_700_000_000_123,
        };
        assert_eq!(mark.to_string().parse::<Mark>().unwrap(), mark);
        for text in ["", "7", "7.", ".7", "a.b", "7.-1", "99999999999999999999.1"] {
            assert!(text.parse::<Mark>().is_err(), "{text}");
        }
    }
}

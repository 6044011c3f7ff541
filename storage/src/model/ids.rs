//! Identifiers as types, so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};

macro_rules! byte_id {
    ($name:ident, $len:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The id in `bytes`, or `None` if the length is wrong or all bytes are zero (which
            /// the W3C Trace Context recommendation calls invalid).
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let id: [u8; $len] = bytes.try_into().ok()?;
                (id != [0; $len]).then_some(Self(id))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads hex in either case; fewer digits than full length are padded with zeros on
            /// the left, as systems with 64-bit trace ids write them.
            fn from_str(text: &str) -> Result<Self> {
                let digits = text.trim();
                let wrong = || {
                    Error::invalid(format!(
                        "`{digits}` is not a {}: expected up to {} hexadecimal digits",
                        stringify!($name),
                        $len * 2
                    ))
                };
                if digits.is_empty() || digits.len() > $len * 2 || !digits.is_ascii() {
                    return Err(wrong());
                }
                let padded = format!("{digits:0>width$}", width = $len * 2);
                let mut id = [0; $len];
                hex::decode_to_slice(padded, &mut id).map_err(|_| wrong())?;
                Self::from_bytes(&id).ok_or_else(wrong)
            }
        }
    };
}

byte_id!(
    TraceId,
    16,
    "A trace's 16-byte id; shown as lower-case hex."
);
byte_id!(SpanId, 8, "A span's 8-byte id; shown as lower-case hex.");

/// A data file's name: a UUIDv7, so that names sort by the time of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub Uuid);

impl FileId {
    /// A new name, never given before.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

impl FromStr for FileId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Error::invalid(format!("`{text}` is not a file id")))
    }
}

macro_rules! named_id {
    ($name:ident, $what:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new name, never given before.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| Error::invalid(format!("`{text}` is not a {} id", $what)))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

named_id!(
    DeletionId,
    "deletion",
    "A deletion's name: a UUIDv7, so that names sort by the time of asking."
);
named_id!(
    SearchId,
    "saved search",
    "Which saved search it is: a UUIDv7, so that they sort by the time of saving."
);

/// Which record it is, for ever: the write-ahead log's sequence number of its request (upper 39
/// bits) and its place in that request (lower 24). Breaks ties in every total order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RecordId(pub i64);

impl RecordId {
    /// Bits that hold the place in the request.
    pub const PLACE_BITS: u32 = 24;

    /// The id of record number `place` of request `sequence`.
    pub fn new(sequence: u64, place: usize) -> Self {
        Self(((sequence << Self::PLACE_BITS) | place as u64).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_upper_case_and_short_hex() {
        let id: TraceId = "5B8EFFF798038103D269B633813FC60C".parse().unwrap();
        assert_eq!(id.to_string(), "5b8efff798038103d269b633813fc60c");
        let short: TraceId = "abc".parse().unwrap();
        assert_eq!(short.to_string(), "00000000000000000000000000000abc");
        assert!("".parse::<TraceId>().is_err());
        assert!("0".parse::<SpanId>().is_err(), "zero ids are invalid");
        assert!("xyz".parse::<SpanId>().is_err());
    }
}

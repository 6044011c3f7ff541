//! Statistics of a file's fields as the catalog has them: JSON under zstd.

use std::io::Read;

use zstd::zstd_safe::{DCtx, ResetDirective};

use crate::error::{Error, Result};
use crate::snapshot::FieldStatistics;

/// Level of compression; statistics are text that repeats itself.
const ZSTD_LEVEL: i32 = 3;
/// Statistics of a file are some hundred kilobytes at most; more is not what was written.
const MAX_BYTES: u64 = 64 << 20;

/// The bytes of `statistics`.
pub(super) fn pack(statistics: &FieldStatistics) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(statistics)?;
    zstd::encode_all(json.as_slice(), ZSTD_LEVEL)
        .map_err(|source| Error::internal("cannot compress statistics").with_source(source))
}

/// Reads statistics one file after the other. To make the decoder's state takes longer than to read
/// the statistics of a small file, and a start reads those of all.
pub(crate) struct Unpacker {
    context: DCtx<'static>,
    json: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> Self {
        Self {
            context: DCtx::create(),
            json: Vec::new(),
        }
    }

    /// Errors with [`crate::ErrorKind::Corrupt`] if the bytes are not of [`pack`].
    pub(super) fn unpack(&mut self, packed: &[u8]) -> Result<FieldStatistics> {
        let unreadable = || Error::corrupt("catalog column `field_statistics` is not readable");
        // What came before may have ended in the middle of a frame.
        self.context
            .reset(ResetDirective::SessionOnly)
            .map_err(|_| unreadable())?;
        self.json.clear();
        zstd::Decoder::with_context(packed, &mut self.context)
            .take(MAX_BYTES)
            .read_to_end(&mut self.json)
            .map_err(|source| unreadable().with_source(source))?;
        serde_json::from_slice(&self.json).map_err(|source| unreadable().with_source(source))
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_read_also_after_broken_bytes() {
        let mut unpacker = Unpacker::new();
        let none = FieldStatistics::default();
        let packed = pack(&none).unwrap();
        let cut = &packed[..packed.len() - 1];
        assert!(unpacker.unpack(cut).is_err());
        assert!(unpacker.unpack(b"not a frame").is_err());
        assert_eq!(unpacker.unpack(&packed).unwrap(), none);
        assert_eq!(unpacker.unpack(&packed).unwrap(), none);
    }
}

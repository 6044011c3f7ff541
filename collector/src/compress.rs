//! Undoes a request's `Content-Encoding`, and stops as soon as it grows past its limit.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use spoor_storage::{Error, ErrorKind, Result};

/// How a request's bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    Deflate,
}

/// The names of all encodings, for messages and `Accept-Encoding` headers.
pub(crate) const ACCEPTED: &str = "gzip, zstd, deflate, identity";

/// Windows of zstd frames take at most 2^26 bytes (64 MiB) of memory.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;

impl Encoding {
    /// Reads a `Content-Encoding` or `grpc-encoding` header; without one nothing is compressed.
    pub(crate) fn from_header(value: Option<&http::HeaderValue>) -> Result<Self> {
        let Some(value) = value else {
            return Ok(Self::Identity);
        };
        let name = String::from_utf8_lossy(value.as_bytes());
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "deflate" => Ok(Self::Deflate),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("content encoding `{other}` is not supported"),
            )
            .with_hint(format!("use one of {ACCEPTED}"))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }
}

/// The bytes before compression. `reserve` is asked before memory is taken; more than `limit`
/// bytes are [`ErrorKind::TooLarge`], and are not inflated.
pub(crate) fn inflate(
    encoding: Encoding,
    wire: Bytes,
    limit: usize,
    reserve: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Bytes> {
    // An empty body is an empty request, whatever its header says.
    if encoding == Encoding::Identity || wire.is_empty() {
        return Ok(wire);
    }
    let source = wire.as_ref();
    let inflated = match encoding {
        Encoding::Identity => return Ok(wire),
        Encoding::Gzip => read_capped(MultiGzDecoder::new(source), &wire, limit, reserve)?,
        Encoding::Deflate if is_zlib(source) => {
            read_capped(ZlibDecoder::new(source), &wire, limit, reserve)?
        }
        Encoding::Deflate => read_capped(DeflateDecoder::new(source), &wire, limit, reserve)?,
        Encoding::Zstd => match zstd_decoder(source) {
            Ok(decoder) => read_capped(decoder, &wire, limit, reserve)?,
            Err(error) => Err(error),
        },
    };
    inflated.map(Bytes::from).map_err(|error| {
        Error::invalid(format!("the request body is not valid {}", encoding.name()))
            .with_source(error)
    })
}

fn zstd_decoder(source: &[u8]) -> io::Result<zstd::stream::read::Decoder<'_, &[u8]>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

/// RFC 9110 says `deflate` is the zlib format; some clients send the bare stream.
fn is_zlib(source: &[u8]) -> bool {
    match source {
        [first, second, ..] => {
            first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31)
        }
        _ => false,
    }
}

fn read_capped(
    mut reader: impl Read,
    wire: &Bytes,
    limit: usize,
    reserve: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<io::Result<Vec<u8>>> {
    let step = wire.len().saturating_mul(8).clamp(16 << 10, 1 << 20);
    let mut out = Vec::new();
    loop {
        // One byte past the limit tells a body that ends there from one that goes on.
        let room = (limit + 1 - out.len()).min(step);
        reserve(room)?;
        let read = match reader.by_ref().take(room as u64).read_to_end(&mut out) {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        if out.len() > limit {
            return Err(too_large(limit));
        }
        if read < room {
            return Ok(Ok(out));
        }
    }
}

/// The error for a body over the limit.
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("the request is larger than the limit of {limit} bytes"),
    )
    .with_hint("send smaller batches, or raise --max-request-bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn packed(encoding: Encoding, plain: &[u8]) -> Bytes {
        let level = flate2::Compression::default();
        let bytes = match encoding {
            Encoding::Identity => plain.to_vec(),
            Encoding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            Encoding::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            Encoding::Zstd => zstd::encode_all(plain, 3).unwrap(),
        };
        Bytes::from(bytes)
    }

    fn inflate_all(encoding: Encoding, wire: Bytes, limit: usize) -> Result<Bytes> {
        inflate(encoding, wire, limit, &mut |_| Ok(()))
    }

    const COMPRESSED: [Encoding; 3] = [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd];

    #[test]
    fn what_was_compressed_comes_back() {
        let plain: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        for encoding in COMPRESSED {
            let wire = packed(encoding, &plain);
            assert_eq!(
                inflate_all(encoding, wire.clone(), plain.len()).unwrap(),
                plain
            );
            let error = inflate_all(encoding, wire, plain.len() - 1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![0; 64 << 20];
        for encoding in COMPRESSED {
            let wire = packed(encoding, &zeros);
            assert!(wire.len() < 100_000);
            let mut reserved = 0;
            let error = inflate(encoding, wire, 1 << 20, &mut |bytes| {
                reserved += bytes;
                Ok(())
            })
            .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{encoding:?}");
            assert!(reserved <= (1 << 20) + 1, "{reserved}");
        }
    }

    #[test]
    fn cut_and_foreign_bytes_are_invalid() {
        for encoding in COMPRESSED {
            let whole = packed(
                encoding,
                b"some bytes that are long enough to be cut in two",
            );
            let cut = whole.slice(..whole.len() / 2);
            for wire in [cut, Bytes::from_static(b"not compressed at all")] {
                let error = inflate_all(encoding, wire, 1 << 20).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid, "{encoding:?}");
            }
            assert!(inflate_all(encoding, Bytes::new(), 10).unwrap().is_empty());
        }
    }

    #[test]
    fn bare_deflate_is_understood() {
        let level = flate2::Compression::default();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(b"bare").unwrap();
        let wire = Bytes::from(encoder.finish().unwrap());
        assert_eq!(inflate_all(Encoding::Deflate, wire, 100).unwrap(), "bare");
    }

    #[test]
    fn a_refused_reservation_stops_inflating() {
        let wire = packed(Encoding::Gzip, b"x");
        let error = inflate(Encoding::Gzip, wire, 100, &mut |_| {
            Err(Error::new(ErrorKind::Busy, "no memory"))
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
    }
}

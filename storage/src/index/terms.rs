//! The terms of a block, as bytes in tantivy's dictionary. The first byte says what it is.
//!
//! ```text
//! 'w' token            a word of the body (logs) or of the name (spans), lower-case
//! 'h' 3 bytes          the same for id-like words: CRC-32C of the token, lowest 20 bits, big-endian
//! 'a' key 0x00 value   an attribute of any scope, event or body field
//! 'b' 3 bytes          the same for long or id-like values: CRC-32C of key 0x00 value, 20 bits
//! 't' 3 bytes          a trace id: CRC-32C of its 16 bytes, 20 bits
//! ```
//!
//! Hashing into 2^20 terms keeps the dictionary from holding millions of words that occur once;
//! a false hit costs reading one block (measured in the prototype: a third of the size and half
//! of the time of the full dictionary).

/// Words of at least this many bytes with a digit in them are taken for ids.
const ID_LIKE_BYTES: usize = 5;
/// Longer words are hashed whatever they are.
const MAX_WORD_BYTES: usize = 32;
/// Longer attribute values are hashed.
const MAX_VALUE_BYTES: usize = 48;

fn hashed(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let hash = crc32c::crc32c(bytes) & 0x000f_ffff;
    out.clear();
    out.push(kind);
    out.extend_from_slice(&hash.to_be_bytes()[1..]);
}

fn id_like(bytes: &[u8]) -> bool {
    bytes.len() >= ID_LIKE_BYTES && bytes.iter().any(u8::is_ascii_digit)
}

/// The term of a lower-case token.
pub(crate) fn token(token: &str, out: &mut Vec<u8>) {
    let bytes = token.as_bytes();
    if id_like(bytes) || bytes.len() > MAX_WORD_BYTES {
        hashed(b'h', bytes, out);
    } else {
        out.clear();
        out.push(b'w');
        out.extend_from_slice(bytes);
    }
}

/// The term of an attribute.
pub(crate) fn attribute(key: &str, value: &str, out: &mut Vec<u8>) {
    out.clear();
    out.push(b'a');
    out.extend_from_slice(key.as_bytes());
    out.push(0);
    out.extend_from_slice(value.as_bytes());
    if value.len() > MAX_VALUE_BYTES || id_like(value.as_bytes()) || key.len() > MAX_VALUE_BYTES {
        let hash = crc32c::crc32c(&out[1..]) & 0x000f_ffff;
        out.clear();
        out.push(b'b');
        out.extend_from_slice(&hash.to_be_bytes()[1..]);
    }
}

/// The term of a trace id.
pub(crate) fn trace(id: &[u8], out: &mut Vec<u8>) {
    hashed(b't', id, out);
}

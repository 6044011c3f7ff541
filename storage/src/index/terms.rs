//! The terms of a block, as bytes in tantivy's dictionary. The first byte says what it is.
//!
//! ```text
//! 'h' 3 bytes          an id-like word: CRC-32C of the token, lowest 20 bits, big-endian
//! 's' stem             an id-like word starts with these letters and then something else, or
//!                      has these four letters at its start
//! 'a' key 0x00 value   an attribute of any scope, event or body field
//! 'b' 3 bytes          the same for long or id-like values: CRC-32C of key 0x00 value, 20 bits
//! 't' 3 bytes          a trace id: CRC-32C of its 16 bytes, 20 bits
//! ```
//!
//! Hashing into 2^20 terms keeps the dictionary from holding millions of words that occur once;
//! a false hit costs reading one block (measured in the prototype: a third of the size and half
//! of the time of the full dictionary). Hashes know no order, so the stems say in which blocks an
//! id-like word may start with a prefix.

/// Words of at least this many bytes with a digit in them are taken for ids.
const ID_LIKE_BYTES: usize = 5;
/// Longer words are hashed whatever they are.
const MAX_WORD_BYTES: usize = 32;
/// Longer attribute values are hashed.
const MAX_VALUE_BYTES: usize = 48;
/// Letters of a stem.
const STEM_BYTES: usize = 4;

fn hashed(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let hash = crc32c::crc32c(bytes) & 0x000f_ffff;
    out.clear();
    out.push(kind);
    out.extend_from_slice(&hash.to_be_bytes()[1..]);
}

/// Whether a word has a digit.
pub(super) fn has_digit(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_digit)
}

fn id_like(bytes: &[u8]) -> bool {
    bytes.len() >= ID_LIKE_BYTES && has_digit(bytes)
}

/// Whether a lower-case token is kept as a hash by block, and not as a word by row.
pub(super) fn is_hashed(token: &[u8]) -> bool {
    token.len() > MAX_WORD_BYTES || id_like(token)
}

/// The term of a hashed token.
pub(super) fn id(token: &[u8], out: &mut Vec<u8>) {
    hashed(b'h', token, out);
}

/// The letters at the start of a token, at most four.
pub(super) fn stem(token: &[u8]) -> &[u8] {
    let letters = token
        .iter()
        .take(STEM_BYTES)
        .take_while(|byte| byte.is_ascii_lowercase())
        .count();
    &token[..letters]
}

/// The term of a stem.
pub(super) fn stem_term(stem: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.push(b's');
    out.extend_from_slice(stem);
}

/// Whether tokens that start with `prefix` have one stem only, or any that starts with it.
pub(super) fn stem_is_known(prefix: &[u8]) -> bool {
    let stem = stem(prefix);
    stem.len() < prefix.len() || stem.len() == STEM_BYTES
}

/// The term of an attribute.
pub(super) fn attribute(key: &str, value: &str, out: &mut Vec<u8>) {
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
pub(super) fn trace(id: &[u8], out: &mut Vec<u8>) {
    hashed(b't', id, out);
}

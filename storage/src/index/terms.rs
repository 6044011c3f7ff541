//! What a block has, by name or by hash.
//!
//! Names are terms in tantivy's dictionary; the first byte says what it is:
//!
//! ```text
//! 'a' key 0x00 value   an attribute of any scope, event or body field
//! 's' stem             an id-like word starts with these letters and then something else, or
//!                      has these four letters at its start
//! ```
//! Hashes are 20 bits of a CRC-32C under two bits that say of what, and eight more of it as a mark
//! (see `ids`):
//!
//! ```text
//! 0  an id-like word: of the token
//! 1  an attribute with a long or id-like value: of key 0x00 value
//! 2  a trace id: of its 16 bytes; among links the id of the trace that is linked to
//! ```
//!
//! Hashing keeps the dictionary from holding millions of words that occur once; a false hit, of hash and
//! mark, costs reading one block. Hashes know no order, so the stems say in which blocks an id-like word may
//! start with a prefix.

/// Bits of a hash with what it is of.
pub(super) const HASH_BITS: u32 = 22;
const ID: u32 = 0;
const ATTRIBUTE: u32 = 1;
const TRACE: u32 = 2;

/// Words of at least this many bytes with a digit in them are taken for ids.
const ID_LIKE_BYTES: usize = 5;
/// Longer words are hashed whatever they are.
const MAX_WORD_BYTES: usize = 32;
/// Longer attribute values are hashed.
const MAX_VALUE_BYTES: usize = 48;
/// Letters of a stem.
const STEM_BYTES: usize = 4;

/// What is kept of an id instead of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Hashed {
    /// [`HASH_BITS`] bits: what it is of and the lowest bits of its CRC-32C.
    pub(super) number: u32,
    /// The next bits: tells apart most ids of one number.
    pub(super) mark: u8,
}

fn hashed(kind: u32, bytes: &[u8]) -> Hashed {
    let crc = crc32c::crc32c(bytes);
    let [mark, ..] = (crc >> 20).to_le_bytes();
    Hashed {
        number: kind << 20 | crc & 0x000f_ffff,
        mark,
    }
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

/// The hash of a hashed token.
pub(super) fn id(token: &[u8]) -> Hashed {
    hashed(ID, token)
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

/// How an attribute is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    /// Under the term that was written.
    Term,
    Hash(Hashed),
}

/// Writes the term of an attribute, or says its hash.
pub(super) fn attribute(key: &str, value: &str, out: &mut Vec<u8>) -> Attribute {
    out.clear();
    out.push(b'a');
    out.extend_from_slice(key.as_bytes());
    out.push(0);
    out.extend_from_slice(value.as_bytes());
    if value.len() > MAX_VALUE_BYTES || id_like(value.as_bytes()) || key.len() > MAX_VALUE_BYTES {
        Attribute::Hash(hashed(ATTRIBUTE, &out[1..]))
    } else {
        Attribute::Term
    }
}

/// The hash of a trace id.
pub(super) fn trace(id: &[u8]) -> Hashed {
    hashed(TRACE, id)
}

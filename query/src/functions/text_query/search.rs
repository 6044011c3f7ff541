//! Finds tokens one after the other in a text.

use spoor_storage::text;

use super::TokenPattern;

/// Whether `text` has tokens that look like `tokens`, one after the other.
pub(super) fn has_sequence(text: &str, tokens: &[TokenPattern]) -> bool {
    let Some(first) = tokens.first() else {
        return true;
    };
    let by_bytes = tokens
        .iter()
        .all(|token| !matches!(token, TokenPattern::Near(..) | TokenPattern::Regex(_)));
    if !text.is_ascii() || !by_bytes {
        return has_sequence_of_words(text, tokens);
    }
    let bytes = text.as_bytes();
    match first_byte(first) {
        Some(byte) => has_sequence_from(bytes, tokens, byte),
        None => ascii_tokens(bytes).any(|(start, _)| sequence_at(bytes, start, tokens)),
    }
}

/// The lower-case byte every match starts with, if there is one. A pattern beyond ASCII has a
/// first byte that no ASCII text has, which is right too.
fn first_byte(token: &TokenPattern) -> Option<u8> {
    let start = match token {
        TokenPattern::Exact(token) | TokenPattern::Prefix(token) => token,
        TokenPattern::Parts(parts) => parts.first()?,
        TokenPattern::Near(..) | TokenPattern::Regex(_) => return None,
    };
    start.as_bytes().first().copied()
}

/// Jumps from one occurrence of the first byte (in either case) to the next.
fn has_sequence_from(bytes: &[u8], tokens: &[TokenPattern], first: u8) -> bool {
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), bytes).any(|at| {
        let starts = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        starts && sequence_at(bytes, at, tokens)
    })
}

/// Whether the token that starts at `start`, and those after it, look like `tokens`.
fn sequence_at(bytes: &[u8], start: usize, tokens: &[TokenPattern]) -> bool {
    let mut at = start;
    for (place, token) in tokens.iter().enumerate() {
        if place > 0 {
            while at < bytes.len() && !bytes[at].is_ascii_alphanumeric() {
                at += 1;
            }
        }
        let end = token_end(bytes, at);
        if end == at || !ascii_matches(token, &bytes[at..end]) {
            return false;
        }
        at = end;
    }
    true
}

fn token_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .map_or(bytes.len(), |length| start + length)
}

fn ascii_tokens(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !bytes[at].is_ascii_alphanumeric() {
            at += 1;
        }
        let start = at;
        at = token_end(bytes, start);
        (start < at).then_some((start, at))
    })
}

fn ascii_matches(pattern: &TokenPattern, token: &[u8]) -> bool {
    match pattern {
        TokenPattern::Exact(wanted) => token.eq_ignore_ascii_case(wanted.as_bytes()),
        TokenPattern::Prefix(start) => token
            .get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes())),
        TokenPattern::Parts(parts) => {
            text::has_parts(token, parts, |part, at| at.eq_ignore_ascii_case(part))
        }
        TokenPattern::Near(..) | TokenPattern::Regex(_) => {
            std::str::from_utf8(token).is_ok_and(|token| pattern.is(&token.to_lowercase()))
        }
    }
}

fn has_sequence_of_words(text: &str, tokens: &[TokenPattern]) -> bool {
    let found: Vec<_> = text::tokens(text).collect();
    found.windows(tokens.len()).any(|window| {
        window
            .iter()
            .zip(tokens)
            .all(|(token, pattern)| pattern.is(token))
    })
}

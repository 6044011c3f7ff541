//! What a word is. The index and the exact test use this one definition, so they cannot disagree.
//!
//! A token is a maximal run of alphanumeric characters (`char::is_alphanumeric`), lower-cased;
//! every other character (also `_ - . : /`) separates.

use std::borrow::Cow;

/// The tokens of `text` in order, lower-cased.
pub fn tokens(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    raw_tokens(text).map(lower)
}

/// The tokens of `text` in order, in their original case.
pub fn raw_tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
}

/// Calls `each` with what [`tokens`] gives, without an allocation a token if the text is ASCII,
/// as nearly all are. `scratch` is only kept so that its memory is.
pub(crate) fn for_each_token(text: &str, scratch: &mut Vec<u8>, mut each: impl FnMut(&[u8])) {
    if !text.is_ascii() {
        for token in tokens(text) {
            each(token.as_bytes());
        }
        return;
    }
    scratch.clear();
    scratch.extend_from_slice(text.as_bytes());
    scratch.make_ascii_lowercase();
    for token in scratch.split(|byte| !byte.is_ascii_alphanumeric()) {
        if !token.is_empty() {
            each(token);
        }
    }
}

fn lower(token: &str) -> Cow<'_, str> {
    if token
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        Cow::Borrowed(token)
    } else {
        Cow::Owned(token.to_lowercase())
    }
}

/// Whether `parts` are in `token` in order with anything between them: the first at its start, the
/// last at its end. That is what a word with stars looks for.
pub fn has_parts(token: &[u8], parts: &[String], same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let [first, middle @ .., last] = parts else {
        return false;
    };
    let (first, last) = (first.as_bytes(), last.as_bytes());
    if token.len() < first.len() + last.len()
        || !same(first, &token[..first.len()])
        || !same(last, &token[token.len() - last.len()..])
    {
        return false;
    }
    let mut rest = &token[first.len()..token.len() - last.len()];
    for part in middle
        .iter()
        .map(String::as_bytes)
        .filter(|part| !part.is_empty())
    {
        match rest
            .windows(part.len())
            .position(|window| same(part, window))
        {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Whether so many insertions, deletions and substitutions of characters make one word the other.
pub fn within_distance(word: &str, other: &str, distance: u8) -> bool {
    last_row(word, other)
        .last()
        .is_some_and(|edits| *edits <= usize::from(distance))
}

/// Whether some word that starts with `start` is [`within_distance`] of `other`.
pub(crate) fn start_within_distance(start: &str, other: &str, distance: u8) -> bool {
    last_row(start, other)
        .iter()
        .any(|edits| *edits <= usize::from(distance))
}

/// Edits between `word` and each start of `other`, shortest start first.
fn last_row(word: &str, other: &str) -> Vec<usize> {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for mine in word.chars() {
        let mut diagonal = row[0];
        row[0] += 1;
        for (at, theirs) in other.chars().enumerate() {
            let substituted = diagonal + usize::from(mine != theirs);
            diagonal = row[at + 1];
            row[at + 1] = substituted.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn punctuation_separates_and_case_folds() {
        let found: Vec<_> = tokens("GET /api_v1/Users?id=42 Über-Fehler").collect();
        assert_eq!(
            found,
            ["get", "api", "v1", "users", "id", "42", "über", "fehler"]
        );
        assert_eq!(tokens("--- ...").count(), 0);
    }

    #[test]
    fn distance_counts_edits_of_characters() {
        assert!(within_distance("timeout", "timeuot", 2));
        assert!(!within_distance("timeout", "timeuot", 1));
        assert!(within_distance("größe", "grüße", 1));
        assert!(within_distance("", "ab", 2));
        assert!(!within_distance("", "abc", 2));
        assert!(start_within_distance("tim", "timeout", 0));
        assert!(!start_within_distance("tix", "timeout", 0));
    }

    proptest! {
        #[test]
        fn both_ways_to_cut_agree(text in "([ -~]{0,30}|.{0,30})") {
            let expected: Vec<Vec<u8>> =
                tokens(&text).map(|token| token.as_bytes().to_vec()).collect();
            let mut found = Vec::new();
            for_each_token(&text, &mut Vec::new(), |token| found.push(token.to_vec()));
            prop_assert_eq!(found, expected);
        }
    }
}

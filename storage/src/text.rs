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

#[cfg(test)]
mod tests {
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
}

//! Bearer tokens and how they are compared.

use std::path::Path;

use subtle::{Choice, ConstantTimeEq};

/// Tokens of which any one opens the door. Has no `Debug`: tokens must not end up in a log.
#[derive(Clone, Default)]
pub(crate) struct TokenSet {
    tokens: Vec<Box<[u8]>>,
}

impl TokenSet {
    /// Whether no token is asked for.
    pub(crate) fn is_open(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether `presented` is one of them. Takes as long for a wrong token as for a right one of
    /// the same length; the length itself is no secret.
    pub(crate) fn contains(&self, presented: &[u8]) -> bool {
        let found = self.tokens.iter().fold(Choice::from(0), |found, token| {
            found | token.ct_eq(presented)
        });
        found.into()
    }

    /// The number of the token that `presented` is, from 1. Takes as long wherever it is.
    pub(crate) fn number_of(&self, presented: &[u8]) -> Option<usize> {
        let numbered = (1..).zip(&self.tokens);
        numbered.fold(None, |found, (number, token)| {
            let same: bool = token.ct_eq(presented).into();
            if same { Some(number) } else { found }
        })
    }

    /// These and `others`.
    pub(crate) fn with(&self, others: &Self) -> Self {
        let tokens = self.tokens.iter().chain(&others.tokens);
        Self {
            tokens: tokens.cloned().collect(),
        }
    }

    /// One of them, to present to our own server.
    pub(crate) fn first(&self) -> Option<&str> {
        self.tokens
            .first()
            .and_then(|token| std::str::from_utf8(token).ok())
    }

    /// Adds a token. Errors with what is wrong with it; the token itself is not in the message.
    pub(crate) fn add(&mut self, token: &str) -> Result<(), &'static str> {
        if token.is_empty() {
            return Err("is empty");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a space or a character that cannot be sent in a header");
        }
        self.tokens.push(token.as_bytes().into());
        Ok(())
    }

    /// Adds the tokens of a file: one a line; empty lines and lines that begin with `#` are
    /// skipped.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let before = self.tokens.len();
        for (index, line) in text.lines().enumerate() {
            let token = line.trim();
            if token.is_empty() || token.starts_with('#') {
                continue;
            }
            self.add(token)
                .map_err(|what| format!("the token in line {} {what}", index + 1))?;
        }
        if self.tokens.len() == before {
            return Err("there is no token in it".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_opens() {
        let mut tokens = TokenSet::default();
        assert!(tokens.is_open());
        tokens.add("first").unwrap();
        tokens.add("second").unwrap();
        assert!(!tokens.is_open());
        assert!(tokens.contains(b"first") && tokens.contains(b"second"));
        for wrong in ["", "firs", "first ", "First", "firstsecond"] {
            assert!(!tokens.contains(wrong.as_bytes()), "{wrong}");
        }
        assert!(!TokenSet::default().contains(b""));
    }

    #[test]
    fn tokens_are_known_by_their_number() {
        let (mut first, mut second) = (TokenSet::default(), TokenSet::default());
        first.add("a").unwrap();
        second.add("b").unwrap();
        let both = first.with(&second);
        assert_eq!(both.number_of(b"b"), Some(2));
        assert_eq!(both.number_of(b"c"), None);
    }

    #[test]
    fn files_hold_a_token_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, "# writers\none\n\n  two  \n").unwrap();
        let mut tokens = TokenSet::default();
        tokens.add_file(&path).unwrap();
        assert!(
            tokens.contains(b"one") && tokens.contains(b"two") && !tokens.contains(b"# writers")
        );
        std::fs::write(&path, "# nobody\n").unwrap();
        assert!(tokens.add_file(&path).is_err());
        std::fs::write(&path, "with space\n").unwrap();
        assert!(tokens.add_file(&path).unwrap_err().contains("line 1"));
    }
}

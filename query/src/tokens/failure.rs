//! What is wrong with a query, while it is read.

use winnow::error::ParserError;
use winnow::stream::Location;

use super::Input;
use crate::language::SyntaxError;

/// A syntax error whose position is still in bytes.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl<'a> ParserError<Input<'a>> for Failure {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        Self::new(input.current_token_start(), "unexpected character")
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

impl Failure {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the position in characters of `text`.
    pub(crate) fn in_text(self, text: &str) -> SyntaxError {
        let position = text
            .char_indices()
            .take_while(|(at, _)| *at < self.at)
            .count();
        SyntaxError {
            position,
            message: self.message,
            hint: self.hint,
        }
    }
}

//! What TraceQL and LogQL have in common: a text becomes tokens, tokens are read front to back, and what is wrong
//! is said with its place.
//!
//! ```text
//!  text ─► all_tokens (what a token is, a language says) ─► Reader ─► the language's tree, or a Failure
//! ```

mod failure;
mod reader;
mod text;

use winnow::error::{ErrMode, ModalResult};
use winnow::stream::{LocatingSlice, Location, Stream};

pub(crate) use failure::Failure;
pub(crate) use reader::{MAX_DEPTH, Parsed, Reader};
pub(crate) use text::{escaped_text, in_quotes, not_closed, raw_text, wrong_escape};

pub(crate) type Input<'a> = LocatingSlice<&'a str>;
pub(crate) type Lexed<T> = ModalResult<T, Failure>;

/// A token and where it starts, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spanned<T> {
    pub(crate) at: usize,
    pub(crate) token: T,
}

/// A token that all languages have, or another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plain<'a> {
    Symbol(&'static str),
    Word(&'a str),
    Other,
}

/// A word of a language.
pub(crate) trait Token {
    /// What it is where languages do not differ.
    fn plain(&self) -> Plain<'_>;

    /// An operator, a bracket, a comma or the pipe.
    fn symbol(&self) -> Option<&'static str> {
        match self.plain() {
            Plain::Symbol(symbol) => Some(symbol),
            _ => None,
        }
    }

    /// A name by itself.
    fn word(&self) -> Option<&str> {
        match self.plain() {
            Plain::Word(word) => Some(word),
            _ => None,
        }
    }

    /// As a message shows it.
    fn shown(&self) -> String;
}

/// All tokens of a text of so many bytes at most; `skip` passes over what is between them.
pub(crate) fn all_tokens<'t, T>(
    text: &'t str,
    most_bytes: usize,
    skip: impl Fn(Input<'t>) -> Input<'t>,
    token: impl Fn(&mut Input<'t>) -> Lexed<T>,
) -> Result<Vec<Spanned<T>>, Failure> {
    if text.len() > most_bytes {
        let message = format!("the query is longer than {most_bytes} bytes");
        return Err(Failure::new(0, message));
    }
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        input = skip(input);
        if input.is_empty() {
            return Ok(tokens);
        }
        let at = input.current_token_start();
        match token(&mut input) {
            Ok(token) => tokens.push(Spanned { at, token }),
            Err(ErrMode::Backtrack(failure) | ErrMode::Cut(failure)) => return Err(failure),
            Err(ErrMode::Incomplete(_)) => return Err(Failure::new(at, "unexpected character")),
        }
    }
}

pub(crate) fn skip_blanks(mut input: Input<'_>) -> Input<'_> {
    while input.chars().next().is_some_and(char::is_whitespace) {
        input.next_token();
    }
    input
}

pub(crate) fn cut<T>(failure: Failure) -> Lexed<T> {
    Err(ErrMode::Cut(failure))
}

pub(crate) fn take_exactly(input: &mut Input<'_>, bytes: usize) {
    input.next_slice(bytes);
}

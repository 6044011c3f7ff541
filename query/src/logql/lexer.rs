//! The words of a query, with winnow.

use winnow::error::ErrMode;
use winnow::prelude::*;
use winnow::stream::{Location, Stream};
use winnow::token::take_while;

use super::values;
use crate::tokens::{
    self, Failure, Input, Lexed, Plain, Spanned, all_tokens, escaped_text, raw_text, skip_blanks,
};

/// Longer queries are refused before they are read.
const MAX_QUERY_BYTES: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Symbol(&'static str),
    Number(f64),
    /// Nanoseconds.
    Duration(i64),
    Bytes(f64),
    Text(String),
    /// A label, a function, a keyword.
    Word(String),
    /// `--strict`
    Flag(String),
}

impl tokens::Token for Token {
    fn plain(&self) -> Plain<'_> {
        match self {
            Self::Symbol(symbol) => Plain::Symbol(symbol),
            Self::Word(word) => Plain::Word(word),
            _ => Plain::Other,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Symbol(symbol) => (*symbol).to_owned(),
            Self::Word(word) | Self::Flag(word) => word.clone(),
            Self::Text(text) => format!("{text:?}"),
            Self::Number(number) => values::number_text(*number),
            Self::Duration(duration) => values::duration_text(*duration),
            Self::Bytes(bytes) => format!("{bytes}B"),
        }
    }
}

/// Longer ones before those that they begin with.
const SYMBOLS: &[&str] = &[
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "{", "}", "(", ")", "[", "]", ",",
    "|", "=", ">", "<", "+", "-", "*", "/", "%", "^",
];

/// All tokens of `text`; `#` begins a comment that ends with the line.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned<Token>>, Failure> {
    all_tokens(text, MAX_QUERY_BYTES, skip_comments, token)
}

fn skip_comments(mut input: Input<'_>) -> Input<'_> {
    loop {
        input = skip_blanks(input);
        if !input.starts_with('#') {
            return input;
        }
        while input.next_token().is_some_and(|c| c != '\n') {}
    }
}

fn token(input: &mut Input<'_>) -> Lexed<Token> {
    let at = input.current_token_start();
    let mut chars = input.chars();
    let (first, second) = (chars.next().unwrap_or(' '), chars.next());
    let third_is_letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    if first == '"' {
        return escaped_text(input).map(Token::Text);
    }
    if first == '`' {
        return raw_text(input).map(Token::Text);
    }
    if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
        return number(input);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        return word(input).map(Token::Word);
    }
    if first == '-' && second == Some('-') && third_is_letter {
        input.next_slice(2);
        let name: &str =
            take_while(1.., |c: char| c.is_ascii_alphabetic() || c == '-').parse_next(input)?;
        return Ok(Token::Flag(format!("--{name}")));
    }
    for symbol in SYMBOLS {
        if input.starts_with(symbol) {
            input.next_slice(symbol.len());
            return Ok(Token::Symbol(symbol));
        }
    }
    let failure = Failure::new(at, format!("unexpected `{first}`"));
    Err(ErrMode::Cut(match first {
        '\'' => failure.hint("write texts in double quotes or backticks"),
        '$' => failure.hint("variables are replaced by Grafana; write a duration such as 5m"),
        '!' => failure.hint("write `!=` or `!~`"),
        _ => failure,
    }))
}

fn word(input: &mut Input<'_>) -> Lexed<String> {
    take_while(1.., |c: char| c.is_ascii_alphanumeric() || c == '_')
        .map(str::to_owned)
        .parse_next(input)
}

/// `200`, `1.5`, `1e-3`, `5m`, `1h30m`, `20KB`.
fn number(input: &mut Input<'_>) -> Lexed<Token> {
    let at = input.current_token_start();
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | 'µ');
    let mut text: String = take_while(1.., part).parse_next(input).map(str::to_owned)?;
    let before_sign = text.strip_suffix(['e', 'E']).unwrap_or_default();
    if before_sign.parse::<f64>().is_ok() && input.starts_with(['+', '-']) {
        text.extend(input.next_token());
        let exponent: &str = take_while(0.., |c: char| c.is_ascii_digit()).parse_next(input)?;
        text.push_str(exponent);
    }
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if is_plain && let Ok(number) = text.parse::<f64>() {
        if number.is_infinite() {
            return Err(ErrMode::Cut(
                Failure::new(at, "the number is too large").hint("numbers go up to 1.7e308"),
            ));
        }
        return Ok(Token::Number(number));
    }
    if let Some(duration) = values::duration_ns(&text) {
        return Ok(Token::Duration(duration));
    }
    match values::bytes(&text) {
        Some(bytes) => Ok(Token::Bytes(bytes)),
        None => Err(ErrMode::Cut(
            Failure::new(at, format!("`{text}` is no number, duration or size"))
                .hint("write 42, 250ms, 1h30m, 20KB or 5MiB"),
        )),
    }
}

//! Texts in quotes and backticks, as both languages write them.

use winnow::prelude::*;
use winnow::stream::{Location, Stream};
use winnow::token::take_while;

use super::{Failure, Input, Lexed, cut, take_exactly};

/// `"…"` with the escapes of Go.
pub(crate) fn escaped_text(input: &mut Input<'_>) -> Lexed<String> {
    let at = input.current_token_start();
    take_exactly(input, 1);
    let mut text = String::new();
    loop {
        match input.next_token() {
            None => return cut(not_closed(at)),
            Some('"') => return Ok(text),
            Some('\\') => match escape(input) {
                Some(c) => text.push(c),
                None => return cut(wrong_escape(input)),
            },
            Some(c) => text.push(c),
        }
    }
}

fn escape(input: &mut Input<'_>) -> Option<char> {
    Some(match input.next_token()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        c @ ('"' | '\\' | '\'') => c,
        'x' => hexadecimal(input, 2)?,
        'u' => hexadecimal(input, 4)?,
        'U' => hexadecimal(input, 8)?,
        _ => return None,
    })
}

fn hexadecimal(input: &mut Input<'_>, digits: u32) -> Option<char> {
    let mut code = 0_u32;
    for _ in 0..digits {
        code = code.checked_mul(16)? + input.next_token()?.to_digit(16)?;
    }
    char::from_u32(code)
}

/// Backticks: nothing is escaped.
pub(crate) fn raw_text(input: &mut Input<'_>) -> Lexed<String> {
    let at = input.current_token_start();
    take_exactly(input, 1);
    let text: &str = take_while(0.., |c: char| c != '`').parse_next(input)?;
    if input.is_empty() {
        return cut(Failure::new(at, "this text is not closed").hint("add a backtick"));
    }
    take_exactly(input, 1);
    Ok(text.to_owned())
}

/// A text in double quotes, with the escapes that [`escaped_text`] reads.
pub(crate) fn in_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

pub(crate) fn not_closed(at: usize) -> Failure {
    Failure::new(at, "this text is not closed").hint("add a `\"`")
}

pub(crate) fn wrong_escape(input: &Input<'_>) -> Failure {
    let at = input.previous_token_end().saturating_sub(1);
    Failure::new(at, "`\\` begins no known escape here")
        .hint("write `\\\\` for a backslash, or put the text in backticks")
}

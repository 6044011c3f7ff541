//! The words of a query, with winnow.
//!
//! A field is one token: `span.http.method`, `parent.resource."a b"`, `event:name`. What a key may
//! hold without quotes is everything but blanks and `{ } ( ) = ~ ! < > & | ^ ,`, as in Tempo: so
//! `.a+1` is a key with a plus in it, and `.a + 1` a sum.

use winnow::prelude::*;
use winnow::stream::{Location, Stream};
use winnow::token::{any, take_while};

use super::ast::{Field, INTRINSICS, Intrinsic, Scope, Target};
use super::value::Value;
use crate::failure::nearest;
use crate::tokens::{
    self, Failure, Input, Lexed, Plain, Spanned, all_tokens, cut, escaped_text, not_closed,
    raw_text, skip_blanks, take_exactly, wrong_escape,
};

/// Longer queries are refused before they are read.
const MAX_QUERY_BYTES: usize = 16 << 10;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// An operator, a bracket, a comma or the pipe.
    Symbol(&'static str),
    Int(i64),
    Float(f64),
    Duration(i64),
    Text(String),
    /// A name by itself: a keyword, a function, an intrinsic.
    Word(String),
    Field(Field),
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
            Self::Word(word) => word.clone(),
            Self::Field(field) => field.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Duration(number) => Value::Duration(*number).shown(),
        }
    }
}

/// Longer ones before those that they begin with.
const SYMBOLS: &[&str] = &[
    "!>>", "!<<", "&>>", "&<<", "&&", "||", "!=", "!~", "!>", "!<", "&>", "&<", "&~", "=~", ">>",
    "<<", ">=", "<=", "{", "}", "(", ")", ",", "|", "=", ">", "<", "~", "!", "+", "-", "*", "/",
    "%", "^",
];

/// A unit with its nanoseconds; longer ones before those that they begin with.
const UNITS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3_600e9),
    ("d", 86_400e9),
    ("w", 604_800e9),
    ("y", 31_536_000e9),
];

/// Whether `c` may be in a key without quotes.
pub(super) fn is_attribute_char(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            c,
            '{' | '}' | '(' | ')' | '=' | '~' | '!' | '<' | '>' | '&' | '|' | '^' | ',' | '"'
        )
}

/// All tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned<Token>>, Failure> {
    all_tokens(text, MAX_QUERY_BYTES, skip_blanks, token)
}

fn token(input: &mut Input<'_>) -> Lexed<Token> {
    let at = input.current_token_start();
    let mut chars = input.chars();
    let (first, second) = (chars.next().unwrap_or(' '), chars.next());
    if first == '"' {
        return escaped_text(input).map(Token::Text);
    }
    if first == '`' {
        return raw_text(input).map(Token::Text);
    }
    if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
        return number(input);
    }
    if first == '.' {
        any.void().parse_next(input)?;
        let key = key(input, at)?;
        return Ok(Token::Field(attribute(None, key)));
    }
    if first.is_alphabetic() || first == '_' {
        return name(input);
    }
    for symbol in SYMBOLS {
        if input.starts_with(symbol) {
            take_exactly(input, symbol.len());
            return Ok(Token::Symbol(symbol));
        }
    }
    let failure = Failure::new(at, format!("unexpected `{first}`"));
    cut(match first {
        '\'' => failure.hint("write texts in double quotes"),
        '&' => failure.hint("write `&&` for and"),
        _ => failure,
    })
}

fn attribute(scope: Option<Scope>, key: String) -> Field {
    Field {
        of_parent: false,
        target: Target::Attribute { scope, key },
    }
}

/// A word, or a field that begins with one.
fn name(input: &mut Input<'_>) -> Lexed<Token> {
    let at = input.current_token_start();
    let word = word(input)?;
    if input.starts_with(':') {
        take_exactly(input, 1);
        let rest = word_or_nothing(input)?;
        let full = format!("{word}:{rest}");
        return match Intrinsic::named(&full) {
            Some(found) => Ok(Token::Field(Field::intrinsic(found))),
            None => cut(unknown(at, &full)),
        };
    }
    if !input.starts_with('.') {
        return Ok(Token::Word(word));
    }
    take_exactly(input, 1);
    if word == "parent" {
        return parents(input, at).map(Token::Field);
    }
    let Some(scope) = scope_named(&word) else {
        let rest = key(input, at).unwrap_or_default();
        let failure = Failure::new(at, format!("`{word}.{rest}` has no scope"));
        return cut(failure.hint(format!(
            "write `span.{word}.{rest}`, `resource.{word}.{rest}` or `.{word}.{rest}`"
        )));
    };
    Ok(Token::Field(attribute(Some(scope), key(input, at)?)))
}

/// What follows `parent.`: a field of the span above.
fn parents(input: &mut Input<'_>, at: usize) -> Lexed<Field> {
    for scope in Scope::ALL {
        let prefix = scope.word();
        let follows = input
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('.'));
        if follows {
            take_exactly(input, prefix.len() + 1);
            let field = attribute(Some(scope), key(input, at)?);
            return Ok(Field {
                of_parent: true,
                ..field
            });
        }
    }
    let key = key(input, at)?;
    Ok(Field {
        of_parent: true,
        target: match Intrinsic::named(&key) {
            Some(found) => Target::Intrinsic(found),
            None => Target::Attribute { scope: None, key },
        },
    })
}

fn scope_named(word: &str) -> Option<Scope> {
    Scope::ALL.into_iter().find(|scope| scope.word() == word)
}

/// That nothing is called `name`, with what is.
pub(super) fn unknown(at: usize, name: &str) -> Failure {
    let names: Vec<&str> = INTRINSICS.iter().map(|(name, _)| *name).collect();
    let failure = Failure::new(at, format!("there is no field `{name}`"));
    match nearest(name, &names).first() {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!(
            "attributes have a scope: `span.{name}`, `resource.{name}` or `.{name}`"
        )),
    }
}

fn word(input: &mut Input<'_>) -> Lexed<String> {
    take_while(1.., |c: char| c.is_alphanumeric() || c == '_')
        .map(str::to_owned)
        .parse_next(input)
}

fn word_or_nothing(input: &mut Input<'_>) -> Lexed<String> {
    take_while(0.., |c: char| c.is_alphanumeric() || c == '_')
        .map(str::to_owned)
        .parse_next(input)
}

/// A key: parts in quotes and parts without, together.
fn key(input: &mut Input<'_>, field_at: usize) -> Lexed<String> {
    let mut key = String::new();
    loop {
        if input.starts_with('"') {
            key.push_str(&quoted_key(input)?);
            continue;
        }
        let part: &str = take_while(0.., is_attribute_char).parse_next(input)?;
        if part.is_empty() {
            break;
        }
        key.push_str(part);
    }
    if key.is_empty() {
        let failure = Failure::new(field_at, "the name of the attribute is missing");
        return cut(failure.hint("write `span.http.method`, or `.http.method` for any scope"));
    }
    Ok(key)
}

fn quoted_key(input: &mut Input<'_>) -> Lexed<String> {
    let at = input.current_token_start();
    take_exactly(input, 1);
    let mut key = String::new();
    loop {
        match input.next_token() {
            None => return cut(not_closed(at)),
            Some('"') => return Ok(key),
            Some('\\') => match input.next_token() {
                Some(c @ ('"' | '\\')) => key.push(c),
                _ => return cut(wrong_escape(input)),
            },
            Some(c) => key.push(c),
        }
    }
}

/// `200`, `1.5`, `1e3`, `250ms`, `1h30m`.
fn number(input: &mut Input<'_>) -> Lexed<Token> {
    let at = input.current_token_start();
    let text: &str = take_while(1.., |c: char| c.is_alphanumeric() || matches!(c, '.' | 'µ'))
        .parse_next(input)?;
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Token::Int(number));
    }
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E'));
    if is_plain {
        return match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Float(number)),
            _ => cut(Failure::new(at, format!("`{text}` is not a number"))),
        };
    }
    match duration_ns(text) {
        Some(duration) => Ok(Token::Duration(duration)),
        None => cut(
            Failure::new(at, format!("`{text}` is neither a number nor a duration"))
                .hint("durations are written 250ms, 1.5s, 1h30m; units are ns us ms s m h d w y"),
        ),
    }
}

/// Nanoseconds of `1h30m`; `None` if it is no duration.
#[expect(
    clippy::cast_possible_truncation,
    reason = "below 2^63, checked; fractions of a nanosecond have no meaning"
)]
pub(crate) fn duration_ns(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at_checked(end)?;
        let (unit, factor) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total += digits.parse::<f64>().ok()? * factor;
        rest = after.strip_prefix(unit)?;
    }
    (total < 9e18).then_some(total.round() as i64)
}

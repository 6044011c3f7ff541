//! The words of a query, with winnow.
//!
//! A field is one token: `span.http.method`, `parent.resource."a b"`, `event:name`. What a key may
//! hold without quotes is everything but blanks and `{ } ( ) = ~ ! < > & | ^ ,`, as in Tempo: so
//! `.a+1` is a key with a plus in it, and `.a + 1` a sum.

use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, take_while};

use super::ast::{Field, INTRINSICS, Intrinsic, Scope, Target};
use crate::failure::nearest;
use crate::language::SyntaxError;

/// Longer queries are refused before they are read.
const MAX_QUERY_BYTES: usize = 16 << 10;

/// A token and where it starts, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spanned {
    pub(super) at: usize,
    pub(super) token: Token,
}

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

pub(crate) type Input<'a> = LocatingSlice<&'a str>;
pub(crate) type Lexed<T> = ModalResult<T, Failure>;

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

/// Whether `c` may be in a key without quotes.
pub(super) fn is_attribute_char(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            c,
            '{' | '}' | '(' | ')' | '=' | '~' | '!' | '<' | '>' | '&' | '|' | '^' | ',' | '"'
        )
}

/// All tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, Failure> {
    if text.len() > MAX_QUERY_BYTES {
        let message = format!("the query is longer than {MAX_QUERY_BYTES} bytes");
        return Err(Failure::new(0, message));
    }
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        input = skip_blanks(input);
        if input.is_empty() {
            return Ok(tokens);
        }
        let at = input.current_token_start();
        match token(&mut input) {
            Ok(token) => tokens.push(Spanned { at, token }),
            Err(ErrMode::Backtrack(failure) | ErrMode::Cut(failure)) => return Err(failure),
            Err(ErrMode::Incomplete(_)) => return Err(Failure::from_input(&input)),
        }
    }
}

pub(crate) fn skip_blanks(mut input: Input<'_>) -> Input<'_> {
    while input.chars().next().is_some_and(char::is_whitespace) {
        input.next_token();
    }
    input
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

fn cut<T>(failure: Failure) -> Lexed<T> {
    Err(ErrMode::Cut(failure))
}

fn take_exactly(input: &mut Input<'_>, bytes: usize) {
    input.next_slice(bytes);
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

fn not_closed(at: usize) -> Failure {
    Failure::new(at, "this text is not closed").hint("add a `\"`")
}

fn wrong_escape(input: &Input<'_>) -> Failure {
    let at = input.previous_token_end().saturating_sub(1);
    Failure::new(at, "`\\` begins no known escape here")
        .hint("write `\\\\` for a backslash, or put the text in backticks")
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

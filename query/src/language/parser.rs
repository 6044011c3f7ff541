//! The grammar, with winnow. Never panics and never overflows the stack: depth is bounded.

use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{literal, take_while};

use spoor_storage::Table;

use super::{Comparison, Field, Name, Query, Related, SyntaxError, Text, Value, form};
use crate::functions::text_query::TextQuery;

mod anywhere;
mod positions;
mod range;

use positions::{characters_before, positioned};

/// Parentheses and negations may be this deep.
const MAX_DEPTH: usize = 64;

/// Longer queries are refused before they are read.
const MAX_QUERY_BYTES: usize = 16 << 10;

/// Terms of one query.
const MAX_TERMS: usize = 1_000;

/// Conditions on other rows of one query; each is a search of its own.
const MAX_RELATED: usize = 8;

type Input<'a> = LocatingSlice<&'a str>;
type Parsed<T> = ModalResult<T, Failure>;

/// A syntax error whose position is still in bytes.
#[derive(Debug)]
struct Failure {
    at: usize,
    message: String,
    hint: Option<&'static str>,
}

impl<'a> ParserError<Input<'a>> for Failure {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        Self {
            at: input.current_token_start(),
            message: "unexpected character".to_owned(),
            hint: None,
        }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

pub(super) fn parse(text: &str) -> Result<Query, SyntaxError> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(SyntaxError::new(
            0,
            format!("the query is longer than {MAX_QUERY_BYTES} bytes"),
        ));
    }
    let mut input = LocatingSlice::new(text);
    whole(&mut input)
        .map_err(|mode| {
            let failure = match mode {
                ErrMode::Backtrack(failure) | ErrMode::Cut(failure) => failure,
                ErrMode::Incomplete(_) => Failure::from_input(&input),
            };
            SyntaxError {
                position: characters_before(text, failure.at),
                message: failure.message,
                hint: failure.hint.map(str::to_owned),
            }
        })
        .map(|query| positioned(query, text))
}

/// What a query has so far of what it may have only so much of.
#[derive(Debug, Default)]
struct Bounds {
    terms: usize,
    /// Conditions on other rows.
    related: usize,
    /// Inside of one.
    is_inside: bool,
    /// Words and patterns that are looked for in all of a record.
    anywhere: usize,
}

fn whole(input: &mut Input<'_>) -> Parsed<Query> {
    blanks(input)?;
    if input.is_empty() {
        return Ok(Query::And(Vec::new()));
    }
    let mut bounds = Bounds::default();
    let query = any(input, 0, &mut bounds)?;
    if input.is_empty() {
        Ok(query)
    } else {
        cut(
            input,
            "unexpected `)`",
            Some("remove it, or put the text in quotes"),
        )
    }
}

fn any(input: &mut Input<'_>, depth: usize, bounds: &mut Bounds) -> Parsed<Query> {
    let mut alternatives = vec![all(input, depth, bounds)?];
    while keyword(input, "OR")? {
        alternatives.push(all(input, depth, bounds)?);
    }
    Ok(single_or(alternatives, Query::Or))
}

fn all(input: &mut Input<'_>, depth: usize, bounds: &mut Bounds) -> Parsed<Query> {
    let mut parts = vec![not(input, depth, bounds)?];
    loop {
        if !keyword(input, "AND")?
            && (input.is_empty() || at(input, ')') || at_keyword(input, "OR"))
        {
            break;
        }
        parts.push(not(input, depth, bounds)?);
    }
    Ok(single_or(parts, Query::And))
}

fn not(input: &mut Input<'_>, depth: usize, bounds: &mut Bounds) -> Parsed<Query> {
    blanks(input)?;
    if depth > MAX_DEPTH {
        return cut(input, "the query is nested too deep", None);
    }
    if keyword(input, "NOT")? || minus(input)? {
        return Ok(Query::Not(Box::new(not(input, depth + 1, bounds)?)));
    }
    if at(input, '(') {
        let open = *input;
        one(input)?;
        let inner = any(input, depth + 1, bounds)?;
        if !at(input, ')') {
            return cut(&open, "this `(` is not closed", Some("add a `)`"));
        }
        one(input)?;
        blanks(input)?;
        return Ok(inner);
    }
    bounds.terms += 1;
    if bounds.terms > MAX_TERMS {
        return cut(input, "the query has too many terms", None);
    }
    let found = term(input, depth, bounds)?;
    blanks(input)?;
    Ok(found)
}

fn term(input: &mut Input<'_>, depth: usize, bounds: &mut Bounds) -> Parsed<Query> {
    if input.is_empty() || at(input, ')') || at_keyword(input, "OR") || at_keyword(input, "AND") {
        return cut(
            input,
            "a word or a condition is missing here",
            Some("to search for the words OR, AND, NOT put them in quotes"),
        );
    }
    let start = input.current_token_start();
    if at(input, '"') {
        let text = quoted(input)?;
        return match comparison(input) {
            // In quotes `has` is a field as any other.
            Some(how) => field_condition(
                input,
                &Name {
                    text,
                    position: start,
                },
                how,
            ),
            None => text_term(start, text, true),
        };
    }
    let related = [("trace:(", Table::Spans), ("logs:(", Table::Logs)];
    for (opening, table) in related {
        if input.starts_with(opening) {
            return related_rows(input, table, depth, bounds);
        }
    }
    if let Some(found) = anywhere::anywhere(input, bounds)? {
        return Ok(found);
    }
    let before = *input;
    if let Some(text) = name(input)?
        && !is_address(input)
        && let Some(how) = comparison(input)
    {
        return condition(
            input,
            &Name {
                text,
                position: start,
            },
            how,
        );
    }
    *input = before;
    let word = bare(input)?;
    text_term(start, word, false)
}

/// `trace:(…)` and `logs:(…)`. A field of this name is written in quotes, or with its scope.
fn related_rows(
    input: &mut Input<'_>,
    table: Table,
    depth: usize,
    bounds: &mut Bounds,
) -> Parsed<Query> {
    let position = input.current_token_start();
    if bounds.is_inside {
        return cut(
            input,
            &format!("`{}` is inside of another such condition", form(table)),
            Some("write them one after the other: both are about the same trace"),
        );
    }
    bounds.related += 1;
    if bounds.related > MAX_RELATED {
        return cut(
            input,
            &format!("the query asks more than {MAX_RELATED} times for other rows"),
            Some("one `trace:(a OR b)` says the same as `trace:(a) OR trace:(b)`"),
        );
    }
    take_while(1.., |c: char| c != '(')
        .void()
        .parse_next(input)?;
    let open = *input;
    one(input)?;
    bounds.is_inside = true;
    let query = any(input, depth + 1, bounds)?;
    bounds.is_inside = false;
    if !at(input, ')') {
        return cut(&open, "this `(` is not closed", Some("add a `)`"));
    }
    one(input)?;
    Ok(Query::Related(Related {
        table,
        query: Box::new(query),
        position,
    }))
}

/// What follows `name operator`.
fn condition(input: &mut Input<'_>, name: &Name, how: Comparison) -> Parsed<Query> {
    if name.text == "has" && how == Comparison::Is {
        let value = value(input, &name.text)?;
        return Ok(Query::Has(Name {
            text: value.text,
            position: value.position,
        }));
    }
    field_condition(input, name, how)
}

/// What follows the name of a field and an operator.
fn field_condition(input: &mut Input<'_>, name: &Name, how: Comparison) -> Parsed<Query> {
    values(input, |input| {
        if how == Comparison::Is && range::is_next(input) {
            return range::range(input, name).map(Query::Range);
        }
        Ok(Query::Field(Field {
            name: name.clone(),
            comparison: how,
            value: value(input, &name.text)?,
        }))
    })
}

/// One value, or several in parentheses with `OR` between them.
fn values(
    input: &mut Input<'_>,
    mut one_of: impl FnMut(&mut Input<'_>) -> Parsed<Query>,
) -> Parsed<Query> {
    if !at(input, '(') {
        return one_of(input);
    }
    let open = *input;
    one(input)?;
    blanks(input)?;
    let mut alternatives = Vec::new();
    loop {
        alternatives.push(one_of(input)?);
        if alternatives.len() > MAX_TERMS {
            return cut(input, "the list has too many values", None);
        }
        blanks(input)?;
        if keyword(input, "OR")? {
            continue;
        }
        if !at(input, ')') {
            return cut(
                &open,
                "this list of values is not closed",
                Some("write field:(a OR b)"),
            );
        }
        one(input)?;
        return Ok(single_or(alternatives, Query::Or));
    }
}

fn value(input: &mut Input<'_>, name: &str) -> Parsed<Value> {
    let position = input.current_token_start();
    if at(input, '"') {
        let text = quoted(input)?;
        return Ok(Value {
            text,
            quoted: true,
            position,
        });
    }
    let text = bare(input)?;
    if text.is_empty() {
        let failure = Failure {
            at: position,
            message: format!("the value of `{name}` is missing"),
            hint: Some("write field:value without blanks; to find a `:` itself use quotes"),
        };
        return Err(ErrMode::Cut(failure));
    }
    range::refuse(input, &text, position)?;
    Ok(Value {
        text,
        quoted: false,
        position,
    })
}

fn text_term(at: usize, source: String, quoted: bool) -> Parsed<Query> {
    let query = if quoted {
        TextQuery::phrase(&source)
    } else {
        TextQuery::word(&source)
    };
    match query {
        Some(query) => Ok(Query::Text(Text {
            source,
            quoted,
            query,
        })),
        None => Err(ErrMode::Cut(Failure {
            at,
            message: format!("`{source}` has no letter or digit to search for"),
            hint: Some(
                "words have letters or digits; write field:value to compare other characters",
            ),
        })),
    }
}

/// `name` at the start of a term: begins with a letter, `_` or `@`.
fn name(input: &mut Input<'_>) -> Parsed<Option<String>> {
    let starts = input
        .chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '@'));
    if !starts {
        return Ok(None);
    }
    take_while(1.., |c: char| {
        c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '@' | '$')
    })
    .map(|name: &str| Some(name.to_owned()))
    .parse_next(input)
}

/// `http://…` is a word, not a field `http`.
fn is_address(input: &Input<'_>) -> bool {
    input.starts_with("://")
}

fn comparison(input: &mut Input<'_>) -> Option<Comparison> {
    let colon = token(input, ":");
    for (text, comparison) in [
        (">=", Comparison::GreaterOrEqual),
        ("<=", Comparison::LessOrEqual),
        ("!=", Comparison::NotEqual),
        ("==", Comparison::Equal),
        (">", Comparison::Greater),
        ("<", Comparison::Less),
        ("=", Comparison::Equal),
    ] {
        if token(input, text) {
            return Some(comparison);
        }
    }
    if colon && token(input, "~") {
        return Some(Comparison::Regex);
    }
    colon.then_some(Comparison::Is)
}

/// Text up to a blank or parenthesis.
fn bare(input: &mut Input<'_>) -> Parsed<String> {
    take_while(0.., |c: char| {
        !c.is_whitespace() && !matches!(c, '(' | ')' | '"')
    })
    .map(str::to_owned)
    .parse_next(input)
}

/// `"…"` with `\"` and `\\`; other backslashes are themselves.
fn quoted(input: &mut Input<'_>) -> Parsed<String> {
    let open = *input;
    one(input)?;
    let mut text = String::new();
    loop {
        match input.next_token() {
            None => return cut(&open, "this `\"` is not closed", Some("add a `\"`")),
            Some('"') => return Ok(text),
            Some('\\') if at(input, '"') || at(input, '\\') => text.extend(input.next_token()),
            Some(c) => text.push(c),
        }
    }
}

fn minus(input: &mut Input<'_>) -> Parsed<bool> {
    let negates = at(input, '-')
        && input
            .chars()
            .nth(1)
            .is_some_and(|c| !c.is_whitespace() && c != '-');
    if negates {
        one(input)?;
    }
    Ok(negates)
}

fn keyword(input: &mut Input<'_>, word: &'static str) -> Parsed<bool> {
    let found = at_keyword(input, word);
    if found {
        literal(word).void().parse_next(input)?;
        blanks(input)?;
    }
    Ok(found)
}

fn at_keyword(input: &Input<'_>, word: &str) -> bool {
    input.strip_prefix(word).is_some_and(|rest| {
        rest.chars()
            .next()
            .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
    })
}

fn token(input: &mut Input<'_>, text: &'static str) -> bool {
    literal::<_, _, ErrMode<Failure>>(text)
        .parse_next(input)
        .is_ok()
}

fn at(input: &Input<'_>, wanted: char) -> bool {
    input.starts_with(wanted)
}

fn one(input: &mut Input<'_>) -> Parsed<()> {
    winnow::token::any.void().parse_next(input)
}

fn blanks(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

fn cut<T>(input: &Input<'_>, message: &str, hint: Option<&'static str>) -> Parsed<T> {
    Err(ErrMode::Cut(Failure {
        at: input.current_token_start(),
        message: message.to_owned(),
        hint,
    }))
}

fn single_or(mut parts: Vec<Query>, many: fn(Vec<Query>) -> Query) -> Query {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => many(parts),
    }
}

#[cfg(test)]
mod tests;

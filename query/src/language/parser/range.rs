//! `[a TO b]`, `{a TO b}`, and one bracket of each; `*` is an open end.

use winnow::error::ErrMode;
use winnow::prelude::*;
use winnow::stream::Location;
use winnow::token::take_while;

use super::{Failure, Input, Parsed, at, at_keyword, blanks, cut, keyword, one, quoted};
use crate::language::{End, Name, Range, Value};

const FORM: &str = "write field:[a TO b], or field:{a TO b} without a and b; `*` is an open end";

pub(super) fn is_next(input: &Input<'_>) -> bool {
    at(input, '[') || at(input, '{')
}

pub(super) fn range(input: &mut Input<'_>, name: &Name) -> Parsed<Range> {
    let open = *input;
    let low_inclusive = at(input, '[');
    one(input)?;
    blanks(input)?;
    let low = end(input, low_inclusive)?;
    blanks(input)?;
    if !keyword(input, "TO")? {
        let hint = if input
            .get(..3)
            .is_some_and(|word| word.eq_ignore_ascii_case("to "))
        {
            "write TO in capitals"
        } else {
            "write field:[a TO b]; a text that begins with a bracket is put in quotes"
        };
        return cut(input, "`TO` is missing in this range", Some(hint));
    }
    let high = end(input, true)?;
    blanks(input)?;
    let high_inclusive = at(input, ']');
    if !high_inclusive && !at(input, '}') {
        return cut(
            &open,
            "this range is not closed",
            Some("add a `]` or a `}`; a value with blanks is put in quotes"),
        );
    }
    one(input)?;
    Ok(Range {
        name: name.clone(),
        low,
        high: high.map(|high| End {
            inclusive: high_inclusive,
            ..high
        }),
    })
}

/// `None` is `*`.
fn end(input: &mut Input<'_>, inclusive: bool) -> Parsed<Option<End>> {
    let position = input.current_token_start();
    let is_quoted = at(input, '"');
    let text = if is_quoted {
        quoted(input)?
    } else {
        bare_end(input)?
    };
    let is_missing = text.is_empty() || text == "TO";
    if is_missing && !is_quoted {
        return Err(ErrMode::Cut(Failure {
            at: position,
            message: "an end of this range is missing".to_owned(),
            hint: Some(FORM),
        }));
    }
    Ok((is_quoted || text != "*").then_some(End {
        value: Value {
            text,
            quoted: is_quoted,
            position,
        },
        inclusive,
    }))
}

/// Text up to a blank, a bracket or a parenthesis.
fn bare_end(input: &mut Input<'_>) -> Parsed<String> {
    take_while(0.., |c: char| {
        !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '[' | ']' | '{' | '}')
    })
    .map(str::to_owned)
    .parse_next(input)
}

/// An error if what was read as the value `text` is the beginning of a range, which only `:` takes.
pub(super) fn refuse(input: &Input<'_>, text: &str, position: usize) -> Parsed<()> {
    let mut after = *input;
    blanks(&mut after)?;
    if text.starts_with(['[', '{']) && at_keyword(&after, "TO") {
        return Err(ErrMode::Cut(Failure {
            at: position,
            message: "a range cannot be here".to_owned(),
            hint: Some("a range follows `:`, as in field:[a TO b] or NOT field:[a TO b]"),
        }));
    }
    Ok(())
}

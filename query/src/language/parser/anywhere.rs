//! `*:word`: looked for in all of a record.

use super::{Bounds, Input, Parsed, at, comparison, cut, one, value, values};
use crate::language::{Anywhere, Comparison, Query, Value};

/// Each is looked for in all that a record has, without help of the index.
const MAX_ANYWHERE: usize = 32;

const FORM: &str = "write *:word, *:\"a phrase\" or *:~\"a regular expression\", and NOT before it";

/// `None` if it is something else.
pub(super) fn anywhere(input: &mut Input<'_>, bounds: &mut Bounds) -> Parsed<Option<Query>> {
    if !at(input, '*') {
        return Ok(None);
    }
    let star = *input;
    one(input)?;
    let is_regex = match comparison(input) {
        Some(Comparison::Is) => false,
        Some(Comparison::Regex) => true,
        Some(_) => {
            return cut(
                &star,
                "`*` is all of a record and cannot be compared",
                Some(FORM),
            );
        }
        None => {
            *input = star;
            return Ok(None);
        }
    };
    values(input, |input| {
        bounds.anywhere += 1;
        if bounds.anywhere > MAX_ANYWHERE {
            return cut(
                input,
                &format!("the query looks more than {MAX_ANYWHERE} times at all of a record"),
                Some("name the fields, or search in several steps"),
            );
        }
        let start = *input;
        let value = value(input, "*")?;
        if !is_regex && is_everything(&value) {
            return Ok(Query::And(Vec::new()));
        }
        if !is_regex && !value.text.chars().any(char::is_alphanumeric) {
            return cut(
                &start,
                &format!("`{}` has no letter or digit to search for", value.text),
                Some("*:~\"…\" finds other characters"),
            );
        }
        Ok(Query::Anywhere(Anywhere { value, is_regex }))
    })
    .map(Some)
}

/// `*:*`, which people know from elsewhere.
fn is_everything(value: &Value) -> bool {
    !value.quoted && !value.text.is_empty() && value.text.bytes().all(|byte| byte == b'*')
}

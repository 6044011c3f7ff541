//! `logfmt`: `key=value key="value with blanks" flag`.

use crate::logql::labels::Labels;
use crate::logql::values::label_name;

/// Labels of one line.
const MAX_LABELS: usize = 1_000;

/// Sets the labels that a line has. If it is `strict`, what is malformed is an error of the entry.
pub(super) fn extract(
    line: &str,
    strict: bool,
    fields: &[(String, String)],
    labels: &mut Labels<'_>,
) {
    let (found, error) = pairs(line);
    for (key, value) in found {
        if fields.is_empty() {
            labels.extract(&label_name(key), value);
        } else {
            for (name, _) in fields.iter().filter(|(_, wanted)| wanted == key) {
                labels.extract(name, value.clone());
            }
        }
    }
    if let Some(error) = error.filter(|_| strict) {
        labels.note_error("LogfmtParserErr", error);
    }
}

/// Keys and values, and what is wrong with the line.
pub(crate) fn pairs(line: &str) -> (Vec<(&str, String)>, Option<String>) {
    let mut found = Vec::new();
    let mut error = None;
    let mut rest = line.trim_start();
    while !rest.is_empty() && found.len() < MAX_LABELS {
        let end = rest
            .find(|c: char| c == '=' || c == '"' || c.is_whitespace())
            .unwrap_or(rest.len());
        let Some((key, after)) = rest.split_at_checked(end) else {
            break;
        };
        let before = rest;
        rest = after;
        if key.is_empty() {
            error.get_or_insert_with(|| format!("unexpected `{}`", first_char(before)));
            rest = skip_word(rest);
        } else if let Some(value) = after.strip_prefix('=') {
            let read = if let Some(quoted) = value.strip_prefix('"') {
                quoted_value(quoted)
            } else {
                let end = value.find(char::is_whitespace).unwrap_or(value.len());
                let cut = value.split_at_checked(end);
                cut.map(|(value, after)| (value.to_owned(), after))
            };
            let Some((value, after)) = read else {
                error.get_or_insert_with(|| format!("the value of `{key}` is not closed"));
                break;
            };
            found.push((key, value));
            rest = after;
        } else if after.starts_with('"') {
            error.get_or_insert_with(|| format!("unexpected `\"` after `{key}`"));
            rest = skip_word(after);
        } else {
            found.push((key, String::new()));
        }
        rest = rest.trim_start();
    }
    (found, error)
}

fn first_char(text: &str) -> String {
    text.chars().take(1).collect()
}

fn skip_word(text: &str) -> &str {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at_checked(end).map_or("", |(_, rest)| rest)
}

/// What is between the quotes, and what follows; `None` if they are not closed.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return text.split_at_checked(at + 1).map(|(_, rest)| (value, rest)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                other => value.push(other),
            },
            c => value.push(c),
        }
    }
    None
}

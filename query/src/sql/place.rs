//! Where in a statement it went wrong.
//!
//! The parser says it in its message, the planner in spans of most of what it finds. What neither says is looked
//! for: the first name of the message that stands in the statement. Where a name is there several times that is a
//! guess, and the first place is as good as any.

use datafusion::common::Location;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use spoor_storage::Error;

use crate::api::ApiError;
use crate::failure::from_datafusion;

/// An error about a statement, as it becomes known: with its place, if the one who found it said that.
#[derive(Debug)]
pub(super) struct Found {
    error: Error,
    position: Option<usize>,
}

impl From<Error> for Found {
    fn from(error: Error) -> Self {
        Self {
            error,
            position: None,
        }
    }
}

impl Found {
    /// What DataFusion says of `sql`.
    pub(super) fn by_datafusion(sql: &str, error: DataFusionError) -> Self {
        Self {
            position: said_place(sql, &error),
            error: from_datafusion(error),
        }
    }

    /// The error with the place that is known or can be found.
    pub(super) fn placed(self, sql: &str) -> ApiError {
        let place = self.position.or_else(|| named(sql, self.error.message()));
        match place {
            Some(position) => ApiError::at(self.error, position),
            None => self.error.into(),
        }
    }
}

/// Offset in characters of what a parser's or planner's error is about.
fn said_place(sql: &str, error: &DataFusionError) -> Option<usize> {
    let parsed = error.iter().find_map(|each| match each.find_root() {
        DataFusionError::SQL(parser, _) => parser_place(sql, parser),
        _ => None,
    });
    let spans = || error.iter().filter_map(|each| each.diagnostic()?.span);
    parsed.or_else(|| spans().find_map(|span| offset(sql, span.start)))
}

/// `… at Line: 2, Column: 8`; without that, what is missing is missing at the end.
fn parser_place(sql: &str, error: &ParserError) -> Option<usize> {
    let (ParserError::ParserError(message) | ParserError::TokenizerError(message)) = error else {
        return None;
    };
    let Some((_, place)) = message.rsplit_once("Line: ") else {
        return message
            .contains("EOF")
            .then(|| sql.trim_end().chars().count());
    };
    let mut numbers = place
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map_while(|digits| digits.parse().ok());
    let (line, column) = (numbers.next()?, numbers.next()?);
    offset(sql, Location { line, column })
}

/// Lines and columns count from 1, columns in characters; 0 is nowhere.
fn offset(sql: &str, place: Location) -> Option<usize> {
    let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let before = sql.split_inclusive('\n').take(line);
    let before: usize = before.map(|line| line.chars().count()).sum();
    // What is missing at the end is at the end.
    Some((before + column).min(sql.chars().count()))
}

/// Where a name that a message has in quotes stands in the statement: itself, or without its table.
fn named(sql: &str, message: &str) -> Option<usize> {
    let names = ['`', '\''].into_iter().flat_map(|quote| {
        let parts = message.split(quote).skip(1).step_by(2);
        parts.collect::<Vec<_>>()
    });
    names.map(str::trim).find_map(|name| {
        let last = name.rsplit('.').next().unwrap_or(name);
        let bytes = word(sql, name).or_else(|| word(sql, last))?;
        Some(sql.get(..bytes)?.chars().count())
    })
}

/// Where a text stands as words of its own, in any case, in bytes.
fn word(sql: &str, text: &str) -> Option<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    // Letters that change their length with their case are no names of ours.
    let (whole, wanted) = (sql.to_ascii_lowercase(), text.to_ascii_lowercase());
    if wanted.is_empty() {
        return None;
    }
    let found = whole.match_indices(&wanted).find(|(at, found)| {
        let before = whole
            .get(..*at)
            .and_then(|before| before.chars().next_back());
        let after = whole
            .get(at + found.len()..)
            .and_then(|after| after.chars().next());
        // A text that begins or ends with a sign needs nothing around it.
        let begins = !found.starts_with(is_part) || !before.is_some_and(is_part);
        begins && (!found.ends_with(is_part) || !after.is_some_and(is_part))
    });
    found.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_characters_from_the_beginning() {
        let sql = "SELECT 'ü',\n  x\nFROM logs";
        let at = |line, column| offset(sql, Location { line, column });
        assert_eq!(at(1, 1), Some(0));
        assert_eq!(at(2, 3), Some(14));
        assert_eq!(at(3, 6), Some(21));
        assert_eq!(at(9, 9), Some(25), "at the end, not past it");
        assert_eq!(at(0, 0), None);
    }

    #[test]
    fn a_name_of_a_message_is_found_as_a_word() {
        let sql = "SELECT sevice_name_x, ü, sevice_name FROM logs";
        assert_eq!(named(sql, "there is no column `sevice_name`"), Some(25));
        assert_eq!(
            named(sql, "there is no column `logs.sevice_name`"),
            Some(25)
        );
        assert_eq!(named(sql, "failed to call 'SEVICE_NAME' so"), Some(25));
        assert_eq!(named(sql, "there is no column `other`"), None);
        assert_eq!(named(sql, "the query failed"), None);
        assert_eq!(
            named("SELECT \"a (b\" FROM logs", "no column `a (b`"),
            Some(8)
        );
        assert_eq!(named("", "``"), None);
    }
}

//! A query that finds the records of a pattern.

use super::shape::{HOLE, Shape};

/// Phrases of a query, and its length in bytes.
const MAX_PHRASES: usize = 12;
const MAX_BYTES: usize = 1_000;

/// Phrases that all texts of the pattern have. Other texts may have them too: where a pattern says
/// `<num>` the query says nothing. Empty if the pattern has no words.
pub(super) fn query_of(shape: &Shape) -> String {
    let text = shape.with_holes();
    let mut query = String::new();
    let mut phrases = 0;
    for part in constant_parts(&text) {
        let shown: String = part
            .chars()
            .map(|letter| {
                if matches!(letter, '"' | '\\') {
                    ' '
                } else {
                    letter
                }
            })
            .collect();
        let phrase = shown.trim_matches(|letter: char| !letter.is_alphanumeric());
        let phrase = phrase.split_whitespace().collect::<Vec<_>>().join(" ");
        if phrase.is_empty() || phrases >= MAX_PHRASES || query.len() + phrase.len() > MAX_BYTES {
            continue;
        }
        if !query.is_empty() {
            query.push(' ');
        }
        query.push('"');
        query.push_str(&phrase);
        query.push('"');
        phrases += 1;
    }
    query
}

/// The text between holes. A word that a hole touches (`<num>ms`) is part of a longer one and left out.
fn constant_parts(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(HOLE).count();
    text.split(HOLE).enumerate().map(move |(at, part)| {
        let part = match at {
            0 => part,
            _ => part.trim_start_matches(char::is_alphanumeric),
        };
        if at + 1 < parts {
            part.trim_end_matches(char::is_alphanumeric)
        } else {
            part
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_become_phrases() {
        for (text, query) in [
            ("took 5ms, \"GET\" user=17 ok", r#""took" "GET user" "ok""#),
            ("17 18", ""),
            ("a:b.c#12 d", r#""a:b.c" "d""#),
        ] {
            assert_eq!(query_of(&Shape::of(text)), query, "{text}");
        }
    }

    #[test]
    fn words_that_touch_a_place_are_left_out_and_long_ones_have_an_end() {
        let shape = Shape::of_key("run\u{1}<num>\u{1}fast x y\u{1}<*>\u{1}");
        assert_eq!(query_of(&shape), r#""x""#);
        let long = Shape::of(&"abcdefgh 1 ".repeat(90));
        assert_eq!(query_of(&long).matches("abcdefgh").count(), MAX_PHRASES);
    }
}

//! Where something is: the parser counts bytes, and errors count characters.

use crate::language::{Anywhere, End, Field, Name, Query, Range, Related, Value};

pub(super) fn characters_before(text: &str, bytes: usize) -> usize {
    text.char_indices()
        .take_while(|(at, _)| *at < bytes)
        .count()
}

/// Turns the byte offsets of names and values into characters.
pub(super) fn positioned(query: Query, text: &str) -> Query {
    let all = |parts: Vec<Query>| {
        parts
            .into_iter()
            .map(|part| positioned(part, text))
            .collect()
    };
    let name = |name: Name| Name {
        position: characters_before(text, name.position),
        ..name
    };
    let value = |value: Value| Value {
        position: characters_before(text, value.position),
        ..value
    };
    let end = |end: End| End {
        value: value(end.value),
        ..end
    };
    match query {
        Query::And(parts) => Query::And(all(parts)),
        Query::Or(parts) => Query::Or(all(parts)),
        Query::Not(inner) => Query::Not(Box::new(positioned(*inner, text))),
        Query::Has(field) => Query::Has(name(field)),
        Query::Field(field) => Query::Field(Field {
            name: name(field.name),
            value: value(field.value),
            comparison: field.comparison,
        }),
        Query::Range(range) => Query::Range(Range {
            name: name(range.name),
            low: range.low.map(end),
            high: range.high.map(end),
        }),
        Query::Anywhere(anywhere) => Query::Anywhere(Anywhere {
            value: value(anywhere.value),
            ..anywhere
        }),
        Query::Related(related) => Query::Related(Related {
            query: Box::new(positioned(*related.query, text)),
            position: characters_before(text, related.position),
            ..related
        }),
        other @ (Query::Text(_) | Query::Traces(_)) => other,
    }
}

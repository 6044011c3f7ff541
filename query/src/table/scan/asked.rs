//! A lookup as people read it.

use spoor_storage::Table;
use spoor_storage::index::{Lookup, Word};

use crate::table::prune::indexed_text;

/// Longer texts are cut off.
const MAX_CHARS: usize = 400;

/// What the index is asked, all of it; `None` if that is nothing.
pub(super) fn asked(table: Table, lookups: &[&Lookup]) -> Option<String> {
    let mut asked: Vec<Lookup> = lookups.iter().map(|lookup| (*lookup).clone()).collect();
    asked.retain(|lookup| !matches!(lookup, Lookup::All));
    let mut text = String::new();
    match asked.as_slice() {
        [] => return None,
        [only] => write(&mut text, indexed_text(table), only, false),
        several => joined(&mut text, indexed_text(table), several, " AND ", false),
    }
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    Some(text)
}

fn write(out: &mut String, column: &str, lookup: &Lookup, nested: bool) {
    // What would be cut off anyhow is not written: a lookup can have thousands of parts.
    if out.len() > 4 * MAX_CHARS {
        return;
    }
    match lookup {
        Lookup::All => out.push_str("anything"),
        Lookup::Words(words) => {
            out.push_str(column);
            out.push_str(":\"");
            out.push_str(&words.iter().map(word).collect::<Vec<_>>().join(" "));
            out.push('"');
        }
        Lookup::Attribute { key, value } => out.extend([key.as_str(), "=\"", value, "\""]),
        Lookup::Trace(id) => out.extend(["trace_id=", &id.to_string()]),
        Lookup::Traces(ids) => out.extend([&ids.len().to_string(), " trace ids"]),
        Lookup::Linked(id) => out.extend(["a link to trace ", &id.to_string()]),
        Lookup::Or(parts) if parts.is_empty() => out.push_str("nothing"),
        Lookup::And(parts) => joined(out, column, parts, " AND ", nested),
        Lookup::Or(parts) => joined(out, column, parts, " OR ", nested),
        Lookup::Not(inner) | Lookup::Without(inner) => {
            out.push_str("NOT ");
            write(out, column, inner, true);
        }
    }
}

fn joined(out: &mut String, column: &str, parts: &[Lookup], by: &str, nested: bool) {
    if nested {
        out.push('(');
    }
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(by);
        }
        write(out, column, part, true);
    }
    if nested {
        out.push(')');
    }
}

fn word(word: &Word) -> String {
    match word {
        Word::Exact(word) => word.clone(),
        Word::Prefix(start) => format!("{start}*"),
        Word::Parts(parts) => parts.join("*"),
        Word::Near { word, distance } => format!("{word}~{distance}"),
        Word::Regex(pattern) => format!("/{pattern}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(word: &str) -> Lookup {
        Lookup::Words(vec![Word::Exact(word.to_owned())])
    }

    #[test]
    fn lookups_read_like_queries() {
        let status = Lookup::Attribute {
            key: "http.status".to_owned(),
            value: "500".to_owned(),
        };
        let phrase = vec![
            Word::Exact("card".to_owned()),
            Word::Prefix("decl".to_owned()),
        ];
        let lookup = Lookup::And(vec![
            Lookup::Words(phrase),
            Lookup::Or(vec![status, Lookup::Not(Box::new(exact("retry")))]),
        ]);
        let text = asked(Table::Logs, &[&Lookup::All, &lookup]).unwrap();
        assert_eq!(
            text,
            "body:\"card decl*\" AND (http.status=\"500\" OR NOT body:\"retry\")"
        );
        assert_eq!(asked(Table::Spans, &[&Lookup::All]), None);
        let nothing = asked(Table::Spans, &[&Lookup::Or(Vec::new())]).unwrap();
        assert_eq!(nothing, "nothing");
    }

    #[test]
    fn what_is_long_is_cut_off() {
        let many = (0..10_000).map(|at| exact(&format!("wört{at}"))).collect();
        let text = asked(Table::Spans, &[&Lookup::Or(many)]).unwrap();
        assert_eq!(text.chars().count(), MAX_CHARS + 1);
        assert!(text.ends_with('…'));
    }
}

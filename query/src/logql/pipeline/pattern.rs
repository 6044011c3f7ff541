//! Patterns: texts with `<name>` and `<_>` between them.

use memchr::memmem;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `<name>`; `_` has no name.
    Capture(Option<String>),
}

/// Texts and captures in turn.
fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let capture = rest.strip_prefix('<').and_then(|inside| {
            let (name, after) = inside.split_once('>')?;
            let named = name == "_"
                || (name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            named.then_some((name, after))
        });
        if let Some((name, after)) = capture {
            if matches!(parts.last(), Some(Part::Capture(_))) {
                return Err(format!(
                    "there is no text before `<{name}>`, so nothing ends what is before"
                ));
            }
            let name = (name != "_").then(|| name.to_owned());
            parts.push(Part::Capture(name));
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { break };
        match parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => parts.push(Part::Text(c.to_string())),
        }
        rest = chars.as_str();
    }
    Ok(parts)
}

/// `| pattern "<ip> - <_> <status>"`: reads labels from a line.
#[derive(Debug, Clone)]
pub(crate) struct PatternParser {
    written: String,
    parts: Vec<Part>,
}

impl PatternParser {
    /// Errors with what is wrong.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let parts = parts(pattern)?;
        let mut names: Vec<&str> = Vec::new();
        for part in &parts {
            if let Part::Capture(Some(name)) = part {
                if names.contains(&name.as_str()) {
                    return Err(format!("`<{name}>` is in the pattern twice"));
                }
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err("the pattern has no capture with a name, such as `<status>`".to_owned());
        }
        Ok(Self {
            written: pattern.to_owned(),
            parts,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// Names with what they stand for. Where a text is not found the capture before it takes the
    /// rest and those after it have nothing; a line that does not begin with the first text has none.
    pub(crate) fn captures<'a>(&'a self, line: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        let mut rest = line;
        let mut parts = self.parts.as_slice();
        if let [Part::Text(text), after @ ..] = parts {
            let Some(stripped) = rest.strip_prefix(text.as_str()) else {
                return found;
            };
            (rest, parts) = (stripped, after);
        }
        while let [Part::Capture(name), after @ ..] = parts {
            let (value, next) = match after {
                [Part::Text(text), ..] => match rest.split_once(text.as_str()) {
                    Some((value, next)) => (value, Some(next)),
                    None => (rest, None),
                },
                _ => (rest, None),
            };
            if let Some(name) = name {
                found.push((name.as_str(), value));
            }
            let Some(next) = next else { break };
            rest = next;
            parts = after.get(1..).unwrap_or_default();
        }
        found
    }
}

/// `|> "<_> refused <_>"`: what a whole line looks like.
#[derive(Debug, Clone)]
pub(crate) struct LinePattern {
    written: String,
    parts: Vec<Part>,
}

impl LinePattern {
    /// Errors with what is wrong.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let parts = parts(pattern)?;
        if let Some(Part::Capture(Some(name))) = parts
            .iter()
            .find(|part| matches!(part, Part::Capture(Some(_))))
        {
            return Err(format!("a filter has no names: write `<_>` for `<{name}>`"));
        }
        Ok(Self {
            written: pattern.to_owned(),
            parts,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// The texts, which a line must have one after the other.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Capture(_) => None,
        })
    }

    pub(crate) fn is_match(&self, line: &str) -> bool {
        let mut rest = line.as_bytes();
        let last = self.parts.len().saturating_sub(1);
        for (place, part) in self.parts.iter().enumerate() {
            let Part::Text(text) = part else { continue };
            let text = text.as_bytes();
            // Before the last text anything may come, also itself.
            let at = match (place, place == last) {
                (0, true) => (rest == text).then_some(0),
                (0, false) => rest.starts_with(text).then_some(0),
                (_, true) => rest.ends_with(text).then(|| rest.len() - text.len()),
                _ => memmem::find(rest, text),
            };
            match at {
                Some(at) => rest = rest.get(at + text.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        // Nothing may follow a text at the end.
        matches!(self.parts.last(), Some(Part::Capture(_))) || rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_end_where_the_next_text_begins() {
        let access = PatternParser::new("<ip> - <_> \"<method> <path>\" <status>").unwrap();
        let line = "10.0.0.1 - bob \"GET /a b\" 200";
        let expected = vec![
            ("ip", "10.0.0.1"),
            ("method", "GET"),
            ("path", "/a b"),
            ("status", "200"),
        ];
        assert_eq!(access.captures(line), expected);
        assert_eq!(access.captures("10.0.0.1 x"), [("ip", "10.0.0.1 x")]);
        let begun = PatternParser::new("at=<at> ").unwrap();
        assert_eq!(begun.captures("no at=1 "), []);
        for wrong in ["", "text", "<_> <_>", "<a><b>", "<a> <a>"] {
            assert!(PatternParser::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_pattern_is_about_the_whole_line() {
        for (pattern, line, is) in [
            ("<_> refused <_>", "connection refused by peer", true),
            ("refused <_>", "connection refused by peer", false),
            ("connection <_>", "connection refused", true),
            ("<_>refused", "refused refused", true),
            ("<_>refused", "refused by", false),
            ("exactly", "exactly", true),
            ("exactly", "exactly so", false),
            ("<_>", "", true),
            ("a<_>a", "a", false),
            ("", "x", false),
        ] {
            assert_eq!(
                LinePattern::new(pattern).unwrap().is_match(line),
                is,
                "{pattern} {line}"
            );
        }
        assert!(LinePattern::new("<name> x").is_err());
    }
}

//! What a mistyped name was meant to be.

/// The name that differs least from `key`, if it differs little.
pub(super) fn nearest<'a>(key: &str, names: &'a [String]) -> Option<&'a str> {
    let key = key.to_ascii_lowercase().replace('-', "_");
    names
        .iter()
        .map(|name| (distance(&key, name), name.as_str()))
        .min()
        .filter(|(distance, name)| *distance * 3 <= name.len().max(3))
        .map(|(_, name)| name)
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_nonsense_none() {
        let names = ["flush_bytes", "flush_interval", "http_addr"].map(str::to_owned);
        assert_eq!(nearest("flush_intervall", &names), Some("flush_interval"));
        assert_eq!(nearest("http-adr", &names), Some("http_addr"));
        assert_eq!(nearest("port", &names), None);
    }
}

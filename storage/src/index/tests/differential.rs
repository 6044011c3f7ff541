//! Every answer holds against a scan: `sure` ⊆ rows that match ⊆ `maybe`.

use proptest::prelude::*;

use super::*;
use crate::text;

/// Few words, so that they meet; ids, digits, long words, case, and letters beyond ASCII.
const WORDS: [&str; 22] = [
    "a",
    "b",
    "User",
    "user",
    "timeout",
    "timeouts",
    "42",
    "7",
    "v1",
    "conn12345",
    "conn1",
    "0af7651916",
    "ΟΔΟΣ",
    "οδος",
    "Größe",
    "GRÖSSE",
    "İstanbul",
    "K",
    "k",
    "averyveryveryverylongwordwithoutdigits",
    "ß",
    "①②",
];

fn text_strategy() -> impl Strategy<Value = Option<String>> {
    let word = prop_oneof![
        8 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
        1 => "[a-z]{1,4}[0-9]{0,6}",
        1 => ".{0,3}",
    ];
    let free = prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "));
    let line = (prop::sample::select(&WORDS[..]), 0..9_999_u32)
        .prop_map(|(word, number)| format!("request of {word} took {number} ms, id=req{number}"));
    prop_oneof![
        1 => Just(None),
        4 => free.prop_map(Some),
        6 => line.prop_map(Some),
    ]
}

fn word_strategy() -> impl Strategy<Value = Word> {
    let token = || {
        prop_oneof![
            4 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
            1 => prop::sample::select(&["request", "of", "took", "id", "ms", "req"][..]).prop_map(str::to_owned),
            1 => "[a-z0-9]{1,3}",
        ]
        .prop_map(|word| word.to_lowercase())
    };
    let cut = |word: String, at: usize| word.chars().take(at).collect::<String>();
    prop_oneof![
        4 => token().prop_map(Word::Exact),
        2 => (token(), 1..6_usize).prop_map(move |(word, at)| Word::Prefix(cut(word, at))),
        1 => (token(), token(), 0..3_usize, 0..3_usize).prop_map(move |(first, last, a, b)| {
            Word::Parts(vec![cut(first, a), String::new(), cut(last, b)])
        }),
        1 => (token(), 0..3_u8).prop_map(|(word, distance)| Word::Near { word, distance }),
        1 => "[a-z]{1,2}(\\.\\*|\\.|[a-z0-9])".prop_map(Word::Regex),
    ]
}

fn lookup_strategy() -> impl Strategy<Value = Lookup> {
    let leaf = prop::collection::vec(word_strategy(), 1..4).prop_map(Lookup::Words);
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Lookup::And),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Lookup::Or),
            inner.prop_map(|inner| Lookup::Not(Box::new(inner))),
        ]
    })
}

fn word_is(word: &Word, token: &str) -> bool {
    match word {
        Word::Exact(wanted) => token == wanted,
        Word::Prefix(start) => token.starts_with(start.as_str()),
        Word::Parts(parts) => text::has_parts(token.as_bytes(), parts, |part, at| part == at),
        Word::Near { word, distance } => text::within_distance(token, word, *distance),
        // The few forms that are generated here: letters, and a point or `.*` at the end.
        Word::Regex(regex) => match regex.strip_suffix(".*") {
            Some(start) => token.starts_with(start),
            None => match regex.strip_suffix('.') {
                Some(start) => token
                    .strip_prefix(start)
                    .is_some_and(|rest| rest.chars().count() == 1),
                None => token == regex,
            },
        },
    }
}

/// `None` if the row has no text.
fn matches(lookup: &Lookup, body: Option<&str>) -> Option<bool> {
    match lookup {
        Lookup::Words(sequence) => {
            let tokens: Vec<_> = text::tokens(body?).collect();
            Some(tokens.windows(sequence.len()).any(|window| {
                window
                    .iter()
                    .zip(sequence)
                    .all(|(token, word)| word_is(word, token))
            }))
        }
        Lookup::Without(inner) => Some(!matches(inner, body).unwrap_or(false)),
        // As SQL has it, with one text for all parts.
        Lookup::And(parts) => parts
            .iter()
            .try_fold(true, |all, part| Some(all & matches(part, body)?)),
        Lookup::Or(parts) => parts
            .iter()
            .try_fold(false, |any, part| Some(any | matches(part, body)?)),
        Lookup::Not(inner) => matches(inner, body).map(|inner| !inner && body.is_some()),
        Lookup::All
        | Lookup::Attribute { .. }
        | Lookup::Trace(_)
        | Lookup::Traces(_)
        | Lookup::Linked(_) => unreachable!("not generated"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn answers_hold_against_a_scan(
        texts in prop::collection::vec(text_strategy(), 1..120),
        lookups in prop::collection::vec(lookup_strategy(), 1..24),
        repeat in 1..12_usize,
    ) {
        // Repeated, so that patterns pay for themselves.
        let texts: Vec<Option<String>> =
            std::iter::repeat_n(texts, repeat).flatten().collect();
        let rows: Vec<LogRow> = (0..)
            .zip(&texts)
            .map(|(at, text)| LogRow {
                body: text.clone().unwrap_or_default(),
                without_body: text.is_none(),
                ..LogRow::at(at)
            })
            .collect();
        let file = FileId::generate();
        let bytes = build(&rows, file);
        let without = lookups.iter().map(|one| Lookup::Without(Box::new(one.clone())));
        for lookup in lookups.iter().cloned().chain(without) {
            let lookup = &lookup;
            let found = answer(&bytes, file, rows.len() as u64, lookup).unwrap();
            let (sure, maybe) = (list(&found.sure), list(&found.maybe));
            for (row, text) in texts.iter().enumerate() {
                let is = matches(lookup, text.as_deref()).unwrap_or(false);
                let low = sure.binary_search(&row).is_ok();
                let high = maybe.binary_search(&row).is_ok();
                prop_assert!(!low || is, "{lookup:?} surely {text:?}");
                prop_assert!(!is || high, "{lookup:?} not even maybe {text:?}");
            }
            if let Lookup::Words(sequence) = lookup
                && let [Word::Exact(word)] = sequence.as_slice()
                && !terms::is_hashed(word.as_bytes())
            {
                prop_assert_eq!(&sure, &maybe, "{} is exact", word);
            }
        }
    }
}

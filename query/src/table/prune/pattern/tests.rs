use proptest::prelude::*;
use spoor_storage::text;

use super::*;

fn has(text: &str, lookup: &Lookup) -> bool {
    match lookup {
        Lookup::All => true,
        Lookup::Words(words) => {
            let tokens: Vec<_> = text::tokens(text).collect();
            tokens.windows(words.len()).any(|window| {
                window.iter().zip(words).all(|(token, word)| match word {
                    Word::Exact(whole) => token == whole,
                    Word::Prefix(start) => token.starts_with(start.as_str()),
                    Word::Parts(parts) => {
                        text::has_parts(token.as_bytes(), parts, |part, at| at == part)
                    }
                    other => panic!("{other:?}"),
                })
            })
        }
        Lookup::And(parts) => parts.iter().all(|part| has(text, part)),
        Lookup::Or(parts) => parts.iter().any(|part| has(text, part)),
        other => panic!("{other:?}"),
    }
}

fn exact(word: &str) -> Word {
    Word::Exact(word.to_owned())
}

fn parts(parts: &[&str]) -> Word {
    Word::Parts(parts.iter().map(|part| (*part).to_owned()).collect())
}

fn prefix(start: &str) -> Word {
    Word::Prefix(start.to_owned())
}

#[test]
fn regular_expressions_need_words() {
    let words = |words: &[Word]| Lookup::Words(words.to_vec());
    for (pattern, expected) in [
        ("timeout", words(&[parts(&["", "timeout", ""])])),
        ("^timeout$", words(&[exact("timeout")])),
        (r"\bTimeout\b", words(&[parts(&["", "timeout", ""])])),
        (
            "connection refused by",
            words(&[parts(&["", "connection"]), exact("refused")]),
        ),
        (
            r"error:\s+disk full",
            words(&[parts(&["", "error"]), exact("disk"), prefix("full")]),
        ),
        (
            r"took \d+ms in (shard|replica)",
            Lookup::And(vec![
                words(&[parts(&["", "took"])]),
                words(&[exact("in")]),
                Lookup::Or(vec![
                    words(&[parts(&["", "shard", ""])]),
                    words(&[parts(&["", "replica", ""])]),
                ]),
            ]),
        ),
        (r" v\d+beta ", words(&[parts(&["v", "beta"])])),
        ("(?i)panic", words(&[parts(&["", "panic", ""])])),
        ("(?i) missed ", words(&[parts(&["mi", "ed"])])),
        ("a.*b", Lookup::All),
        ("(?:timeout)?", Lookup::All),
        ("timeout|.", Lookup::All),
        ("[", Lookup::All),
        (
            "(?:lost packet )+",
            words(&[parts(&["", "lost"]), exact("packet")]),
        ),
    ] {
        assert_eq!(of_regex(pattern, false), expected, "{pattern}");
    }
}

#[test]
fn like_patterns_need_words() {
    for (pattern, expected) in [
        ("%timeout%", vec![parts(&["", "timeout", ""])]),
        ("timeout", vec![exact("timeout")]),
        ("GET /api%", vec![exact("get"), prefix("api")]),
        ("% lost packet.%", vec![exact("lost"), exact("packet")]),
    ] {
        assert_eq!(
            of_like(pattern, false),
            Lookup::Words(expected),
            "{pattern}"
        );
    }
    assert_eq!(of_like("%a_b%", false), Lookup::All);
    assert_eq!(of_like("%", true), Lookup::All);
    assert_eq!(
        of_like("%MISTER%", true),
        Lookup::Words(vec![parts(&["", "ter", ""])])
    );
}

/// A pattern over few characters, so that texts match it often.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => "[abS ]{1,4}",
        1 => Just(r"\s+".to_owned()),
        1 => Just(r"\d".to_owned()),
        1 => Just(r"\w+".to_owned()),
        1 => Just("[ab]".to_owned()),
        1 => Just("[aA]+".to_owned()),
        1 => Just(".*".to_owned()),
        1 => Just(r"\b".to_owned()),
        1 => Just("^".to_owned()),
        1 => Just("$".to_owned()),
        1 => Just("(?i:as)".to_owned()),
        1 => Just("ΣaΣ?".to_owned()),
        1 => Just("_".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            1 => prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|parts| format!("({})", parts.join("|"))),
            1 => inner.clone().prop_map(|part| format!("(?:{part})+")),
            1 => inner.prop_map(|part| format!("(?:{part})?")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_matches_has_the_words(
        pattern in pattern(),
        ignore_case: bool,
        text in "[abASſkKΣσς1²_ .]{0,24}",
    ) {
        let regex = regex::RegexBuilder::new(&pattern).case_insensitive(ignore_case).build();
        if let Ok(regex) = regex && regex.is_match(&text) {
            let lookup = of_regex(&pattern, ignore_case);
            prop_assert!(has(&text, &lookup), "{pattern:?} finds something in {text:?}, not {lookup:?}");
        }
    }

    #[test]
    fn whatever_is_like_has_the_words(
        pattern in "[abS%_ Σ1]{0,10}",
        text in "[abASſΣσς1_ .]{0,12}",
        ignore_case: bool,
    ) {
        let regex: String = pattern
            .chars()
            .map(|character| match character {
                '%' => ".*".to_owned(),
                '_' => ".".to_owned(),
                other => regex::escape(&other.to_string()),
            })
            .collect();
        let regex = regex::RegexBuilder::new(&format!("^{regex}$"))
            .case_insensitive(ignore_case)
            .build()
            .unwrap();
        if regex.is_match(&text) {
            let lookup = of_like(&pattern, ignore_case);
            prop_assert!(has(&text, &lookup), "{text:?} is like {pattern:?}, not {lookup:?}");
        }
    }
}

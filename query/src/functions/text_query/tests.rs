use proptest::prelude::*;

use super::*;

fn has(query: &str, text: &str) -> bool {
    TextQuery::parse(query).unwrap().matches(text)
}

#[test]
fn words_are_whole_tokens_in_any_case() {
    assert!(has("timeout", "Connection TIMEOUT: retry"));
    assert!(!has("time", "Connection timeout"));
    assert!(has("connection retry", "Connection timeout: retry"));
    assert!(!has("connection absent", "Connection timeout"));
    assert!(has("id 42", "GET /users?id=42"));
    assert!(has("über", "Über-Fehler in größe"));
    assert!(has("GRÖSSE OR größe", "Über-Fehler in Größe"));
}

#[test]
fn a_word_with_punctuation_and_a_phrase_are_sequences() {
    assert!(has("semicomplete.com", "http://semicomplete.com/x"));
    assert!(!has("semicomplete.com", "com semicomplete"));
    assert!(has("\"connection refused\"", "err: Connection  refused!"));
    assert!(!has("\"connection refused\"", "connection was refused"));
    assert!(
        has("\"a a b\"", "a a a b"),
        "must retry after a partial match"
    );
    assert!(has("\"ü a b\"", "ü ü a b"));
}

#[test]
fn stars_stand_for_any_characters_of_a_token() {
    assert!(has("time*", "a timeout"));
    assert!(!has("time*", "a tim"));
    assert!(has("*out", "a timeout"));
    assert!(has("ti*o*t", "a timeout"));
    assert!(!has("ti*x*t", "a timeout"));
    assert!(has("conn.ref*", "conn refused"));
    assert!(has("grö*", "Größe"));
    assert!(
        !has("ab*ba", "aba"),
        "start and end may not share characters"
    );
}

#[test]
fn near_words_and_regular_expressions_look_at_tokens() {
    assert!(has("timeuot~2", "a TIMEOUT"));
    assert!(!has("timeuot~1", "a timeout"));
    assert!(has("grüsse~2", "Grüße"));
    assert!(has("a~1 -b", "x"));
    assert!(!has("timeout~3", "timeout"), "a sequence: timeout, 3");
    assert!(has("~\"time.?out\"", "Time-out or TimeXout"));
    assert!(!has("~\"time\"", "timeout"));
    assert!(has("~\"gr.ße|x\" -b", "Größe"));
    assert!(TextQuery::parse("~\"(\"").is_err());
    assert!(TextQuery::parse("~\"a{1000}{1000}{1000}\"").is_err());
}

#[test]
fn operators_nest() {
    assert!(has("(a OR b) -c", "b d"));
    assert!(!has("(a OR b) -c", "b c"));
    assert!(has("NOT (a b)", "a"));
    assert!(has("a AND b OR c", "c"));
    assert!(has("\"or\"", "this OR that"));
}

#[test]
fn errors_name_the_character() {
    for (query, position) in [
        ("", 0),
        ("a (b", 4),
        ("\"abc", 0),
        ("a )", 2),
        ("--", 0),
        ("ä \"", 2),
        ("a OR", 4),
    ] {
        assert_eq!(
            TextQuery::parse(query).unwrap_err().position,
            position,
            "{query}"
        );
    }
    let deep = "(".repeat(10_000);
    assert!(TextQuery::parse(&deep).is_err());
    assert!(TextQuery::parse(&"NOT ".repeat(10_000)).is_err());
}

/// The definition, word for word, to hold the fast paths against.
fn slow(text: &str, wanted: &[String]) -> bool {
    let tokens: Vec<String> = text::tokens(text)
        .map(std::borrow::Cow::into_owned)
        .collect();
    tokens.windows(wanted.len()).any(|window| window == wanted)
}

proptest! {
    #[test]
    fn never_panics(query in ".{0,40}", text in ".{0,40}") {
        match TextQuery::parse(&query) {
            Ok(parsed) => prop_assert_ne!(
                parsed.matches(&text),
                TextQuery::Not(Box::new(parsed)).matches(&text)
            ),
            Err(error) => prop_assert!(error.position <= query.chars().count()),
        }
    }

    #[test]
    fn fast_search_agrees_with_the_definition(
        text in "[abAB ä._-]{0,24}",
        phrase in "[abAB ]{1,6}",
    ) {
        if let Some(query) = TextQuery::phrase(&phrase) {
            let wanted: Vec<String> = text::tokens(&phrase).map(std::borrow::Cow::into_owned).collect();
            prop_assert_eq!(query.matches(&text), slow(&text, &wanted));
        }
    }
}

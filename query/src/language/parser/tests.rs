use proptest::prelude::*;

use super::*;
use crate::language::End;

/// A query as an s-expression, for short expectations.
fn show(query: &Query) -> String {
    let list = |word: &str, parts: &[Query]| {
        let parts: Vec<_> = parts.iter().map(show).collect();
        format!("({word} {})", parts.join(" "))
    };
    match query {
        Query::And(parts) => list("and", parts),
        Query::Or(parts) => list("or", parts),
        Query::Not(inner) => format!("(not {})", show(inner)),
        Query::Text(text) if text.quoted => format!("{:?}", text.source),
        Query::Text(text) => text.source.clone(),
        Query::Has(name) => format!("(has {})", name.text),
        Query::Field(field) => {
            format!(
                "({:?} {} {:?})",
                field.comparison, field.name.text, field.value.text
            )
        }
        Query::Range(range) => {
            let end = |end: &Option<End>, [inclusive, exclusive]: [char; 2]| match end {
                None => format!("{inclusive}*"),
                Some(end) if end.inclusive => format!("{inclusive}{:?}", end.value.text),
                Some(end) => format!("{exclusive}{:?}", end.value.text),
            };
            let low = end(&range.low, ['[', '{']);
            format!(
                "({} {low} {})",
                range.name.text,
                end(&range.high, [']', '}'])
            )
        }
        Query::Anywhere(anywhere) if anywhere.is_regex => {
            format!("(anywhere ~{:?})", anywhere.value.text)
        }
        Query::Anywhere(anywhere) => format!("(anywhere {:?})", anywhere.value.text),
        Query::Related(related) => format!("({} {})", related.table, show(&related.query)),
        Query::Traces(_) => unreachable!("not written"),
    }
}

#[test]
fn reads_the_grammar() {
    let cases = [
        ("", "(and )"),
        ("  checkout   error ", "(and checkout error)"),
        ("a AND b OR c", "(or (and a b) c)"),
        ("a (b OR c) -d", "(and a (or b c) (not d))"),
        ("NOT NOT a", "(not (not a))"),
        ("-(a b)", "(not (and a b))"),
        ("\"connection refused\"", "\"connection refused\""),
        ("\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\""),
        ("semicomplete.com", "semicomplete.com"),
        ("http://a.b/c?d=1", "http://a.b/c?d=1"),
        ("12:30:45", "12:30:45"),
        ("or and not", "(and or and not)"),
        ("ORDER", "ORDER"),
        (
            "service:checkout severity>=warn",
            "(and (Is service \"checkout\") (GreaterOrEqual severity \"warn\"))",
        ),
        (
            "http.response.status_code:>=500",
            "(GreaterOrEqual http.response.status_code \"500\")",
        ),
        ("path:/api/*", "(Is path \"/api/*\")"),
        ("body:~\"time.?out\"", "(Regex body \"time.?out\")"),
        ("duration>250ms", "(Greater duration \"250ms\")"),
        (
            "a=1 b!=2 c==3 d:=4 e<5 f<=6",
            "(and (Equal a \"1\") (NotEqual b \"2\") (Equal c \"3\") (Equal d \"4\") (Less e \"5\") (LessOrEqual f \"6\"))",
        ),
        ("has:exception.type", "(has exception.type)"),
        (
            "service:(a OR \"b c\")",
            "(or (Is service \"a\") (Is service \"b c\"))",
        ),
        ("\"my key\":x", "(Is my key \"x\")"),
        ("-level:debug", "(not (Is level \"debug\"))"),
        ("x:-5", "(Is x \"-5\")"),
        (
            "time>2023-01-29T08:48:16Z",
            "(Greater time \"2023-01-29T08:48:16Z\")",
        ),
        ("größe:ü", "(Is größe \"ü\")"),
        (
            "a trace:(status:error duration>250ms) -logs:(\"b c\" OR d)",
            "(and a (spans (and (Is status \"error\") (Greater duration \"250ms\"))) (not (logs (or \"b c\" d))))",
        ),
        ("x:[1 TO 5]", "(x [\"1\" ]\"5\")"),
        ("x:{ 1ms TO 5ms }", "(x {\"1ms\" }\"5ms\")"),
        ("-x:[* TO \"a b\"} y", "(and (not (x [* }\"a b\")) y)"),
        (
            "x:{2023-01-29T08:00:00Z TO *]",
            "(x {\"2023-01-29T08:00:00Z\" ]*)",
        ),
        ("x:[\"*\" TO TOO]", "(x [\"*\" ]\"TOO\")"),
        (
            "x:(a OR [1 TO 5]) z",
            "(and (or (Is x \"a\") (x [\"1\" ]\"5\")) z)",
        ),
        ("trace:(x:[1 TO 5])", "(spans (x [\"1\" ]\"5\"))"),
        (
            "x=[a] y:~[a-z]+",
            "(and (Equal x \"[a]\") (Regex y \"[a-z]+\"))",
        ),
        ("[a TO b]", "(and [a TO b])"),
        (
            "*:a -*:\"b c\"",
            "(and (anywhere \"a\") (not (anywhere \"b c\")))",
        ),
        (
            "*:(a OR b*) *:~\"x.\"",
            "(and (or (anywhere \"a\") (anywhere \"b*\")) (anywhere ~\"x.\"))",
        ),
        ("*:*", "(and )"),
        ("*a \"*\":x", "(and *a (Is * \"x\"))"),
        // Fields of these names.
        ("trace:x logs:y", "(and (Is trace \"x\") (Is logs \"y\"))"),
        (
            "\"trace\":(a OR b)",
            "(or (Is trace \"a\") (Is trace \"b\"))",
        ),
        ("body.logs:(a)", "(Is body.logs \"a\")"),
        (
            "trace=(a OR b)",
            "(or (Equal trace \"a\") (Equal trace \"b\"))",
        ),
        ("has:trace", "(has trace)"),
    ];
    for (text, expected) in cases {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(show(&query), expected, "{text}");
    }
}

#[test]
fn errors_point_at_the_character() {
    let cases = [
        ("a (b", 2),
        ("ä \"b", 2),
        ("a )", 2),
        ("a OR", 4),
        ("OR a", 0),
        ("service:", 8),
        ("ü service: x", 10),
        ("--", 0),
        ("a ...", 2),
        ("()", 1),
        ("x:(a b)", 2),
        ("ü trace:(a", 8),
        ("trace:()", 7),
        ("trace:(a logs:(b))", 9),
        ("trace:(a (b OR NOT trace:(c)))", 19),
        ("logs:(a b OR)", 12),
        ("ü:[1 5]", 5),
        ("x:[1 to 5]", 5),
        ("x:[1 TO 5", 2),
        ("x:[1 TO 5 6]", 2),
        ("x:[TO 5]", 3),
        ("x:[1 TO ]", 8),
        ("x:(a OR [1 TO)", 13),
        ("ü x>=[1 TO 5]", 5),
        ("*:", 2),
        ("ü *:...", 4),
        ("*:>5", 0),
        ("*=a", 0),
    ];
    for (text, position) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(error.position, position, "{text}: {error:?}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    assert!(parse(&"(".repeat(10_000)).is_err());
    assert!(parse(&"NOT ".repeat(3_000)).is_err());
    assert!(parse(&"a ".repeat(5_000)).is_err());
    assert!(parse(&"a".repeat(1 << 20)).is_err());
    assert!(parse(&"*:a ".repeat(32)).is_ok());
    assert_eq!(parse(&"*:a ".repeat(33)).unwrap_err().position, 130);
    assert!(parse(&format!("*:({})", ["a"; 33].join(" OR "))).is_err());
    assert!(parse(&"trace:(a) ".repeat(8)).is_ok());
    assert_eq!(parse(&"trace:(a) ".repeat(9)).unwrap_err().position, 80);
    assert!(parse(&format!("{}trace:(a)", "NOT ".repeat(63))).is_ok());
    assert!(parse(&format!("{}trace:((a))", "NOT ".repeat(63))).is_err());
}

proptest! {
    #[test]
    fn never_panics_and_points_inside(text in "\\PC{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.position <= text.chars().count());
        }
    }

    #[test]
    fn never_panics_on_its_own_alphabet(text in "[ab:<>=!~()\\[\\]{}\"\\\\* ORNTAD.ü-]{0,40}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.position <= text.chars().count());
        }
    }
}

use proptest::prelude::*;

use super::*;
use crate::traceql::ast::Pattern;

/// A query as one line with all its brackets.
fn show(query: &Query) -> String {
    let stages: Vec<String> = query.stages.iter().map(show_stage).collect();
    stages.join(" | ")
}

fn show_stage(stage: &Stage) -> String {
    match stage {
        Stage::Spans(expr) => show_spans(expr),
        Stage::Scalar(filter) => {
            let (left, right) = (show_scalar(&filter.left), show_scalar(&filter.right));
            format!("{left} {} {right}", filter.op)
        }
        Stage::By(exprs) => {
            let exprs: Vec<String> = exprs.iter().map(ToString::to_string).collect();
            format!("by({})", exprs.join(", "))
        }
        Stage::Select(fields) => {
            let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
            format!("select({})", fields.join(", "))
        }
        Stage::Coalesce => "coalesce()".to_owned(),
    }
}

fn show_spans(expr: &SpansetExpr) -> String {
    match expr {
        SpansetExpr::Filter(filter) => format!("{{ {filter} }}"),
        SpansetExpr::Pipeline(stages) => {
            let stages: Vec<String> = stages.iter().map(show_stage).collect();
            format!("({})", stages.join(" | "))
        }
        SpansetExpr::Combined { op, left, right } => {
            let symbol = match op {
                SpansetOp::And => "&&".to_owned(),
                SpansetOp::Or => "||".to_owned(),
                SpansetOp::Structural { relation, result } => {
                    let before = match result {
                        Shown::Right => "",
                        Shown::RightWithout => "!",
                        Shown::Both => "&",
                    };
                    let symbol = match relation {
                        Relation::Child => ">",
                        Relation::Descendant => ">>",
                        Relation::Parent => "<",
                        Relation::Ancestor => "<<",
                        Relation::Sibling => "~",
                    };
                    format!("{before}{symbol}")
                }
            };
            format!("({} {symbol} {})", show_spans(left), show_spans(right))
        }
    }
}

fn show_scalar(expr: &ScalarExpr) -> String {
    match expr {
        ScalarExpr::Literal(value) => value.quoted(),
        ScalarExpr::Aggregate(aggregate) => aggregate.to_string(),
        ScalarExpr::Pipeline(stages, aggregate) => {
            let stages: Vec<String> = stages.iter().map(show_stage).collect();
            format!("({} | {aggregate})", stages.join(" | "))
        }
        ScalarExpr::Arithmetic { op, left, right } => {
            format!("({} {op} {})", show_scalar(left), show_scalar(right))
        }
    }
}

#[test]
fn reads_the_grammar() {
    let cases = [
        ("{}", "{ true }"),
        (
            "{ .a = 1 && .b = 2 || .c = 3 }",
            "{ (((.a = 1) && (.b = 2)) || (.c = 3)) }",
        ),
        (
            "{ .a = 1 || .b = 2 && .c = 3 }",
            "{ (((.a = 1) || (.b = 2)) && (.c = 3)) }",
        ),
        (
            "{ 1 + 2 * 3 ^ 2 ^ 1 = .a }",
            "{ ((1 + (2 * (3 ^ (2 ^ 1)))) = .a) }",
        ),
        ("{ 8 - 2 - 1 = .a }", "{ (((8 - 2) - 1) = .a) }"),
        ("{ -.a > - 5 }", "{ (-(.a) > -5) }"),
        ("{ -2 ^ 2 = .a }", "{ (-((2 ^ 2)) = .a) }"),
        ("{ !.a && !(.b = 1) }", "{ (!(.a) && !((.b = 1))) }"),
        ("{ span.a-b = 1 }", "{ (span.a-b = 1) }"),
        ("{ .a - 1 = 1 }", "{ ((.a - 1) = 1) }"),
        ("{ span.\"a b\".c = 1 }", "{ (span.\"a b.c\" = 1) }"),
        (
            "{ span:name = \"x\" && span:id = \"AB\" }",
            "{ ((name = \"x\") && (span:id = \"00000000000000ab\")) }",
        ),
        (
            "{ parent.duration > 1h30m }",
            "{ (parent.duration > 5400s) }",
        ),
        ("{ parent.span.x != nil }", "{ (parent.span.x != nil) }"),
        (
            "{ duration > 1.5ms || duration < 10us }",
            "{ ((duration > 1.5ms) || (duration < 10us)) }",
        ),
        (
            "{ .a = 1e3 && .b = .5 }",
            "{ ((.a = 1000.0) && (.b = 0.5)) }",
        ),
        ("{ name = `a\\d` }", "{ (name = \"a\\\\d\") }"),
        ("{ name = \"tab\\t\\u00fc\" }", "{ (name = \"tab\\tü\") }"),
        (
            "{ .v != minInt && .v != maxInt }",
            "{ ((.v != -9223372036854775808) && (.v != 9223372036854775807)) }",
        ),
        (
            "{.a=1}>>{.b=2}&&{.c=3}",
            "(({ (.a = 1) } >> { (.b = 2) }) && { (.c = 3) })",
        ),
        ("{} && {} !~ {}", "({ true } && ({ true } !~ { true }))"),
        ("({} &>> {}) !< {}", "(({ true } &>> { true }) !< { true })"),
        (
            "{} | count() > 1 + 2 | by(.a, name) | select(.b)",
            "{ true } | count() > (1 + 2) | by(.a, name) | select(.b)",
        ),
        (
            "({} | count() > 1) ~ {}",
            "(({ true } | count() > 1) ~ { true })",
        ),
        ("(count() + 1) * 2 = 4", "((count() + 1) * 2) = 4"),
        ("{ } with (most_recent=true, sample=0.1)", "{ true }"),
        ("{ } with (exemplars=5, sample=true)", "{ true }"),
    ];
    for (text, expected) in cases {
        match whole(text) {
            Ok(query) => assert_eq!(show(&query), expected, "{text}"),
            Err(error) => panic!("{text}: {error:?}"),
        }
    }
}

/// A query, where it is wrong, a part of the message, a part of the hint.
type Wrong = (&'static str, usize, &'static str, &'static str);

const WRONG: &[Wrong] = &[
    ("", 0, "the query is empty", "`{ }`"),
    ("{ .a = 1", 0, "this `{` is not closed", "add a `}`"),
    (
        "{ .a = }",
        7,
        "unexpected `}` where a field or a value should be",
        "",
    ),
    ("{ ü = 1 }", 2, "there is no field `ü`", "span.ü"),
    (
        "{ .ü = 1 && nme = \"x\" }",
        12,
        "there is no field `nme`",
        "`name`",
    ),
    (
        "{ http.method = \"GET\" }",
        2,
        "`http.method` has no scope",
        "span.http.method",
    ),
    (
        "{ span:nam = \"x\" }",
        2,
        "there is no field `span:nam`",
        "`span:name`",
    ),
    ("{ status = \"error\" }", 9, "never equal", "status = error"),
    ("{ duration = \"1s\" }", 11, "never equal", ""),
    ("{ status > ok }", 9, "a status has no order", "="),
    ("{ .a > nil }", 5, "nothing is `> nil`", "= nil"),
    (
        "{ duration }",
        0,
        "`duration` is a number and no condition",
        "compare",
    ),
    (
        "{ name + 1 = 2 }",
        2,
        "`name` is a text and not a number",
        "",
    ),
    ("{ name =~ GET }", 10, "there is no field `GET`", ""),
    (
        "{ name =~ 5 }",
        10,
        "a regular expression is a text",
        "quotes",
    ),
    ("{ name =~ \"(\" }", 10, "is malformed", ""),
    ("{ name = 'x' }", 9, "unexpected `'`", "double quotes"),
    ("{ name = \"x }", 9, "this text is not closed", "`\"`"),
    (
        "{ name = \"\\d\" }",
        11,
        "begins no known escape",
        "backticks",
    ),
    (
        "{ duration > 5parsecs }",
        13,
        "neither a number nor a duration",
        "250ms",
    ),
    ("{ } | counr() > 1", 6, "unexpected `counr`", "count()"),
    ("{ } | count()", 13, "the query ends where a comparison", ""),
    (
        "{ } | 1 > 2",
        6,
        "compares no value of the spans",
        "count() > 2",
    ),
    (
        "{ } } ",
        4,
        "unexpected `}` where the end of the query should be",
        "",
    ),
    ("name = \"x\"", 0, "unexpected `name`", "functions"),
    (".a = 1", 0, "unexpected `.a`", "{ .a … }"),
    (
        "{ span. = 1 }",
        2,
        "the name of the attribute is missing",
        "span.http.method",
    ),
    ("{ .a & .b }", 5, "unexpected `&`", "&&"),
    ("{ } | select(1)", 13, "`select` takes fields only", ""),
];

#[test]
fn pipelines_are_compared_as_numbers() {
    let cases = [
        (
            "({.a} | count()) > ({.b} | count())",
            "({ .a } | count()) > ({ .b } | count())",
        ),
        (
            "(({.a} | by(name) | sum(.n)) + 1) * 2 < ({.b} >> {.c} | avg(duration))",
            "((({ .a } | by(name) | sum(.n)) + 1) * 2) < (({ .b } >> { .c }) | avg(duration))",
        ),
        (
            "(({.a} | count() > 1) | count()) = 2 | select(.c)",
            "(({ .a } | count() > 1) | count()) = 2 | select(.c)",
        ),
        (
            "(({.a} | count() > 1) >> {.b}) | count() > (1)",
            "(({ .a } | count() > 1) >> { .b }) | count() > 1",
        ),
    ];
    for (text, expected) in cases {
        match whole(text) {
            Ok(query) => assert_eq!(show(&query), expected, "{text}"),
            Err(error) => panic!("{text}: {error:?}"),
        }
    }
}

#[test]
fn says_what_is_wrong_where_and_what_to_write() {
    for (text, position, message, hint) in WRONG {
        let error = parse(text).expect_err(text);
        assert_eq!(error.position, *position, "{text}: {error:?}");
        assert!(error.message.contains(message), "{text}: {error:?}");
        let hinted = error.hint.unwrap_or_default();
        assert!(hinted.contains(hint), "{text}: {hinted}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("{{ {}.a{} }}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(parse(&deep).unwrap_err().message.contains("too deep"));
    let negated = format!("{{ {}.a }}", "!".repeat(5_000));
    assert!(parse(&negated).unwrap_err().message.contains("too deep"));
    let nested = format!("{}{{}}{}", "(".repeat(2_000), ")".repeat(2_000));
    assert!(parse(&nested).unwrap_err().message.contains("too deep"));
    let wide = format!("{{ .a{} }}", " || .a".repeat(1_000));
    assert!(parse(&wide).unwrap_err().message.contains("too many terms"));
    let long = format!("{{ .{} }}", "a".repeat(20_000));
    assert!(parse(&long).unwrap_err().message.contains("longer than"));
}

#[test]
fn patterns_are_anchored() {
    let Ok(query) = whole("{ name =~ \"a|b\" }") else {
        panic!("a query");
    };
    let [Stage::Spans(SpansetExpr::Filter(FieldExpr::Match { pattern, .. }))] =
        query.stages.as_slice()
    else {
        panic!("a match");
    };
    let Pattern { regex, .. } = pattern;
    assert!(regex.is_match("a") && regex.is_match("b"));
    assert!(!regex.is_match("ab") && !regex.is_match("xb"));
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,60}") {
        // An error is an answer too.
        drop(parse(&text));
    }

    #[test]
    fn never_panics_on_what_looks_like_a_query(
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "{", "}", "(", ")", "|", "&&", "||", ">", ">>", "<", "!", "!~", "=", "!=", "=~",
                "~", "&>", "-", "+", "^", ",", ".a", "span.b", "parent.", "name", "status", "error",
                "1", "2.5", "3ms", "\"x\"", "`y`", "nil", "count()", "by(", "select(", "with",
                "event:name", "9223372036854775808", "ü", " ",
            ]),
            0..24,
        )
    ) {
        let text = parts.join(" ");
        if let Err(error) = parse(&text) {
            prop_assert!(error.position <= text.chars().count());
        }
    }
}

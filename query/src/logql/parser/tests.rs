use proptest::prelude::*;

use crate::logql::parse;

/// Queries with how they are written the one way; that must mean the same again.
const WRITTEN: &[(&str, &str)] = &[
    ("{}", "{}"),
    ("{ a = \"b\" , }", "{a=\"b\"}"),
    (
        "{a=\"b\",c!=`d`,e=~\"f.*\",g!~\"h|i\"}",
        "{a=\"b\", c!=\"d\", e=~\"f.*\", g!~\"h|i\"}",
    ),
    (
        "{a=\"b\"}|=\"x\"!=\"y\"|~\"z\"!~\"w\"",
        "{a=\"b\"} |= \"x\" != \"y\" |~ \"z\" !~ \"w\"",
    ),
    (
        "{a=\"b\"} |= \"x\" or \"y\" |> \"<_>z\"",
        "{a=\"b\"} |= \"x\" or \"y\" |> \"<_>z\"",
    ),
    (
        "{a=\"b\"} != ip(\"10.0.0.0/8\")",
        "{a=\"b\"} != ip(\"10.0.0.0/8\")",
    ),
    (
        "{a=\"b\"} # a remark\n | json # another",
        "{a=\"b\"} | json",
    ),
    (
        "{a=\"b\"} | json x, y=\"z[0].u\"",
        "{a=\"b\"} | json x=\"x\", y=\"z[0].u\"",
    ),
    (
        "{a=\"b\"}|logfmt --strict --keep-empty x",
        "{a=\"b\"} | logfmt --strict --keep-empty x=\"x\"",
    ),
    (
        "{a=\"b\"}|x>5 and y<=1.5s or z==20KB",
        "{a=\"b\"} | ((x>5 and y<=1s500ms) or z==20000B)",
    ),
    (
        "{a=\"b\"}|x=1, y!=2 z=\"3\"",
        "{a=\"b\"} | ((x==1 and y!=2) and z=\"3\")",
    ),
    (
        "{a=\"b\"}|x=\"1\"|(y>-1 or z=ip(\"::1\"))",
        "{a=\"b\"} | x=\"1\" | (y>-1 or z=ip(\"::1\"))",
    ),
    (
        "{a=\"b\"}|line_format`{{.x}}`|label_format y=x,z=\"{{.y}}\"",
        "{a=\"b\"} | line_format \"{{.x}}\" | label_format y=x, z=\"{{.y}}\"",
    ),
    (
        "{a=\"b\"}|drop x,y=~\"z.*\"|keep w|decolorize|unpack",
        "{a=\"b\"} | drop x, y=~\"z.*\" | keep w | decolorize | unpack",
    ),
    ("rate({a=\"b\"}[5m])", "rate({a=\"b\"} [5m])"),
    ("rate({a=\"b\"}[1h30m]|json offset 1d)", ""),
    (
        "rate({a=\"b\"}|json[5m]offset 1h)",
        "rate({a=\"b\"} | json [5m] offset 1h)",
    ),
    ("rate(({a=\"b\"}|json)[5m])", "rate({a=\"b\"} | json [5m])"),
    (
        "count_over_time({a=\"b\"}[5m]|json)",
        "count_over_time({a=\"b\"} | json [5m])",
    ),
    (
        "sum by(x)(rate({a=\"b\"}[1m]))",
        "sum by (x) (rate({a=\"b\"} [1m]))",
    ),
    (
        "sum(rate({a=\"b\"}[1m]))without(x,y)",
        "sum without (x, y) (rate({a=\"b\"} [1m]))",
    ),
    (
        "topk(5,sum by(x)(rate({a=\"b\"}[1m])))",
        "topk(5, sum by (x) (rate({a=\"b\"} [1m])))",
    ),
    (
        "quantile_over_time(0.9,{a=\"b\"}|unwrap duration(x)|__error__=\"\"[5m])by(y)",
        "quantile_over_time(0.9, {a=\"b\"} | unwrap duration(x) | __error__=\"\" [5m]) by (y)",
    ),
    ("1+2*3^2", "19"),
    ("2^3^2", "512"),
    ("-2^2", "-4"),
    ("(1+2)*3 > bool 8", "1"),
    (
        "vector(1) or vector(2) and vector(3)",
        "(vector(1) or (vector(2) and vector(3)))",
    ),
    // What is no number that can be written stays as it was asked.
    ("vector(1)^9^9^9^9", "(vector(1) ^ (9 ^ (9 ^ 387420489)))"),
    ("vector(1)*(1/0)", "(vector(1) * (1 / 0))"),
    (
        "vector(1) == bool on(a) group_left(b) vector(2)",
        "(vector(1) == bool on (a) group_left (b) vector(2))",
    ),
    (
        "vector(1) / ignoring(a) vector(2) - 3",
        "((vector(1) / ignoring (a) vector(2)) - 3)",
    ),
    (
        "label_replace(vector(1),\"a\",\"$1\",\"b\",\"(.*)\")",
        "label_replace(vector(1), \"a\", \"$1\", \"b\", \"(.*)\")",
    ),
    ("sort_desc(vector(1))", "sort_desc(vector(1))"),
];

#[test]
fn queries_are_read_as_they_are_meant() {
    for (query, written) in WRITTEN.iter().copied() {
        let read = parse(query).map(|expr| expr.to_string());
        if written.is_empty() {
            assert!(read.is_err(), "{query}");
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        assert_eq!(read, written, "{query}");
        let again = parse(&read).unwrap_or_else(|error| panic!("{read}: {error:?}"));
        assert_eq!(again.to_string(), written, "{query}");
    }
}

/// Queries, where they go wrong, and a part of what is said.
const WRONG: &[(&str, usize, &str)] = &[
    ("", 0, "the query is empty"),
    ("vector(1e999)", 7, "the number is too large"),
    ("{a=\"b\"", 0, "this `{` is not closed"),
    ("{a}", 2, "where `=`, `!=`, `=~` or `!~` should be"),
    ("{a=b}", 3, "where a text in quotes should be"),
    ("{a=\"b\"} |", 9, "ends where a stage"),
    ("{a=\"b\"} | jsn", 10, "there is no stage `jsn`"),
    ("{a=\"b\"} | json | x >", 20, "ends where a number"),
    (
        "{a=\"b\"} | x > \"5\"",
        14,
        "where a number, a duration or a size should be",
    ),
    ("{a=~\"(\"}", 4, "the regular expression is malformed"),
    (
        "{a=\"b\"} | regexp \"x\"",
        17,
        "no group of the regular expression has a name",
    ),
    (
        "{a=\"b\"} | pattern \"<a><b>\"",
        18,
        "there is no text before `<b>`",
    ),
    (
        "{a=\"b\"} | line_format \"{{ nosuch .x }}\"",
        22,
        "there is no function `nosuch`",
    ),
    ("{a=\"b\"} |= 'x'", 11, "unexpected `'`"),
    ("{a=\"b\"} | unwrap x", 8, "`unwrap` makes numbers"),
    ("rate({a=\"b\"})", 12, "where a window of time"),
    ("rate({a=\"b\"}[5m]", 4, "this `(` is not closed"),
    ("rate({a=\"b\"}[0s])", 13, "longer than nothing"),
    ("rate({a=\"b\"}[$__auto])", 13, "unexpected `$`"),
    ("ratee({a=\"b\"}[5m])", 0, "there is no function `ratee`"),
    ("sum_over_time({a=\"b\"}[5m])", 0, "needs numbers"),
    (
        "count_over_time({a=\"b\"} | unwrap x [5m])",
        0,
        "takes no `unwrap`",
    ),
    ("rate({a=\"b\"}[5m]) by (x)", 0, "has no groups of its own"),
    ("sum({a=\"b\"})", 4, "log lines are no numbers"),
    ("{a=\"b\"} + 1", 0, "log lines are no numbers"),
    ("topk(0, vector(1))", 5, "a whole number from 1"),
    ("sort(vector(1)) by (a)", 0, "sorting has no groups"),
    ("1 + bool 2", 2, "only comparisons have `bool`"),
    (
        "vector(1) and on(a) group_left vector(2)",
        20,
        "goes with arithmetic",
    ),
    ("{a=\"b\"} extra", 8, "where the end of the query should be"),
    ("{a=\"b\"} |= \"x", 11, "this text is not closed"),
    ("{ä=\"b\"}", 1, "unexpected `ä`"),
    ("{a=\"ü\"} | json y=\"[\"", 16, "is no path into JSON"),
    (
        "{a=\"b\"} | addr = ip(\"x\")",
        20,
        "is no address, range or network",
    ),
    (
        "{a=\"b\"} | label_format x=y, x=z",
        28,
        "is formatted twice",
    ),
];

#[test]
fn errors_say_where_and_what_is_expected() {
    for (query, position, part) in WRONG.iter().copied() {
        let error = parse(query).expect_err(query);
        assert!(error.message.contains(part), "{query}: {error:?}");
        assert_eq!(error.position, position, "{query}: {error:?}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = format!("{}vector(1){}", "(".repeat(1_000), ")".repeat(1_000));
    assert!(
        parse(&deep)
            .unwrap_err()
            .message
            .contains("nested too deep")
    );
    let deep = format!("{}1", "-".repeat(1_000));
    assert!(
        parse(&deep)
            .unwrap_err()
            .message
            .contains("nested too deep")
    );
    let deep = format!(
        "{{a=\"b\"}} | {}x=1{}",
        "(".repeat(1_000),
        ")".repeat(1_000)
    );
    assert!(
        parse(&deep)
            .unwrap_err()
            .message
            .contains("nested too deep")
    );
    let long = format!("{{a=\"b\"}}{}", "|=\"x\"".repeat(1_000));
    assert!(parse(&long).unwrap_err().message.contains("too many terms"));
    let long = format!("{{a=\"{}\"}}", "b".repeat(70_000));
    assert!(parse(&long).unwrap_err().message.contains("longer than"));
}

/// Words that come close to queries.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "a",
        "=",
        "!=",
        "=~",
        "\"b\"",
        "`c`",
        "|",
        "|=",
        "|~",
        "!>",
        "|>",
        "json",
        "logfmt",
        "unwrap",
        "sum",
        "by",
        "rate",
        "5m",
        "1.5",
        "20KB",
        ",",
        "or",
        "and",
        "unless",
        "on",
        "bool",
        "offset",
        "{{",
        "}}",
        "\"{{ .x | lower }}\"",
        "line_format",
        "label_format",
        "drop",
        "keep",
        "ip",
        "#",
        "\n",
        "-",
        "+",
        "^",
        "topk",
        "vector",
        "label_replace",
        "quantile_over_time",
        "ü",
        "\\",
        "\"",
        "--strict",
        "pattern",
        "<_>",
    ]);
    prop::collection::vec(words, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        drop(parse(&text));
    }

    #[test]
    fn no_words_make_the_parser_panic(text in pieces()) {
        if let Ok(expr) = parse(&text) {
            let written = expr.to_string();
            let again = parse(&written).map(|expr| expr.to_string());
            prop_assert_eq!(again.ok(), Some(written));
        }
    }

    #[test]
    fn no_template_makes_the_parser_panic(text in "[{}.|() a-z\"`$0-9-]{0,40}") {
        let template = crate::logql::template::Template::parse(&text);
        drop(template.map(|template| {
            template.render(0, "line", &crate::logql::labels::Labels::default())
        }));
    }
}

use super::*;
use crate::language::parse;

fn logs(text: &str) -> String {
    to_expr(&parse(text).unwrap(), Table::Logs)
        .unwrap()
        .to_string()
}

fn error(text: &str, table: Table) -> SyntaxError {
    to_expr(&parse(text).unwrap(), table).unwrap_err()
}

#[test]
fn negation_takes_rows_without_the_field() {
    assert_eq!(
        logs("-event_name:x"),
        r#"event_name = Utf8("x") IS NOT TRUE"#
    );
    assert_eq!(
        logs("event_name!=x"),
        r#"event_name = Utf8("x") IS NOT TRUE"#
    );
}

#[test]
fn wildcards_only_outside_quotes() {
    assert_eq!(
        logs("service:che*_?"),
        r#"service_name LIKE Utf8("che%\__")"#
    );
    assert_eq!(logs("service:\"a*\""), r#"service_name = Utf8("a*")"#);
    assert_eq!(logs("event_name:*"), "event_name IS NOT NULL");
}

#[test]
fn body_is_full_text_for_colon_and_plain_text_for_equals() {
    assert_eq!(logs("body:\"a b\""), r#"matches(body, Utf8(""a b""))"#);
    assert_eq!(logs("message:time*"), r#"matches(body, Utf8("time*"))"#);
    assert_eq!(logs("body=\"a b\""), r#"body = Utf8("a b")"#);
}

#[test]
fn numbers_compare_as_numbers_and_equality_as_text() {
    assert_eq!(
        logs("attributes.n>=10KiB"),
        r#"TRY_CAST(attribute_value(attributes, Utf8("n")) AS Float64) >= Float64(10240)"#
    );
    assert_eq!(
        logs("attributes.n:10"),
        r#"attribute_value(attributes, Utf8("n")) = Utf8("10")"#
    );
    let spans = to_expr(&parse("duration>1.5ms").unwrap(), Table::Spans).unwrap();
    assert_eq!(spans.to_string(), "duration_ns > Int64(1500000)");
}

#[test]
fn both_ends_of_a_range_are_about_one_value() {
    assert_eq!(
        logs("attributes.n:[1 TO 5}"),
        r#"TRY_CAST(attribute_value(attributes, Utf8("n")) AS Float64) >= Float64(1) AND TRY_CAST(attribute_value(attributes, Utf8("n")) AS Float64) < Float64(5)"#
    );
    assert_eq!(
        logs("attributes.n:{\"1\" TO *]"),
        r#"attribute_value(attributes, Utf8("n")) > Utf8("1")"#
    );
    assert_eq!(logs("service:[* TO *]"), "service_name IS NOT NULL");
    assert_eq!(
        logs("-flags:[1 TO 5]"),
        "flags >= Int64(1) AND flags <= Int64(5) IS NOT TRUE"
    );
}

#[test]
fn ranges_of_nothing_are_slips() {
    for (query, table, position) in [
        ("n:[5 TO 1]", Table::Logs, 3),
        ("n:[10KiB TO 10KB]", Table::Logs, 3),
        ("n:[b TO a]", Table::Logs, 3),
        ("n:[1 TO x]", Table::Logs, 8),
        ("n:[\"1\" TO 2]", Table::Logs, 3),
        ("duration:[2s TO 250ms]", Table::Spans, 10),
        ("duration:[1ms TO soon]", Table::Spans, 17),
        ("time:[now TO now-1h]", Table::Logs, 6),
        ("level:[error TO info]", Table::Logs, 7),
        ("level:[9 TO loud]", Table::Logs, 12),
        ("flags:[2 TO 1]", Table::Logs, 7),
        ("status:[ok TO error]", Table::Spans, 0),
        ("kind>client", Table::Spans, 0),
        ("trace_id:[xyz TO *]", Table::Spans, 10),
        ("service:[b TO a]", Table::Spans, 9),
        ("trace_id:[10 TO 9]", Table::Spans, 10),
    ] {
        let wrong = error(query, table);
        assert_eq!(wrong.position, position, "{query}: {wrong}");
        assert!(wrong.hint.is_some(), "{query}");
    }
    for query in [
        "n:[1 TO 1]",
        "n:[2 TO 10]",
        "n:[* TO x]",
        "level:[9 TO error]",
        "trace_id:[9 TO 10]",
    ] {
        assert!(
            to_expr(&parse(query).unwrap(), Table::Logs).is_ok(),
            "{query}"
        );
    }
}

#[test]
fn words_are_taken_in_any_case_and_checked() {
    let spans = to_expr(&parse("status:error kind:server").unwrap(), Table::Spans).unwrap();
    assert_eq!(
        spans.to_string(),
        r#"status_code = Utf8("ERROR") AND kind = Utf8("SERVER")"#
    );
    let wrong = error("ü status:eror", Table::Spans);
    assert_eq!(wrong.position, 9);
    assert!(wrong.hint.unwrap().contains("error"));
}

#[test]
fn values_of_the_wrong_type_are_pointed_at() {
    assert_eq!(error("duration>fast", Table::Spans).position, 9);
    assert_eq!(error("level:loud", Table::Logs).position, 6);
    assert_eq!(error("time>yesterday", Table::Logs).position, 5);
    assert_eq!(error("trace_id:xyz", Table::Logs).position, 9);
    assert_eq!(error("body:~\"(\"", Table::Logs).position, 6);
    assert_eq!(error("flags:many", Table::Logs).position, 6);
    assert_eq!(error("body:\"--\"", Table::Logs).position, 5);
}

#[test]
fn a_thousand_terms_do_not_make_a_deep_tree() {
    let text = vec!["a"; 900].join(" OR ");
    let mut depth = 0;
    let mut at = &to_expr(&parse(&text).unwrap(), Table::Logs).unwrap();
    while let Expr::BinaryExpr(binary) = at {
        depth += 1;
        at = &binary.left;
    }
    assert!(depth <= 10, "{depth}");
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "([ab:<>=!~()\"* 0-9a-zµ.-]{0,40}|n?(duration|level|time|x|flags|kind):[\\[{][0-9a-f*\"]{1,4} TO [0-9a-fms*]{1,4}[\\]}])") {
        if let Ok(query) = parse(&text) {
            for table in Table::ALL {
                drop(to_expr(&query, table));
            }
        }
    }
}

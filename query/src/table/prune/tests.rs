use datafusion::logical_expr::{in_list, lit};
use datafusion::prelude::col;
use spoor_storage::FieldStatistics;
use spoor_storage::index::Word;

use super::*;
use crate::functions::{attribute_value, matches};
use crate::language;
use crate::table::Place;

const ID: &str = "0af7651916cd43dd8448eb211c80319c";

fn time(at: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(
        Some(at),
        Some("UTC".into()),
    ))
}

fn logs(filter: Expr) -> Pruning {
    Pruning::of(Table::Logs, &[], &[filter])
}

fn word(word: &str) -> Lookup {
    Lookup::Words(vec![Word::Exact(word.into())])
}

fn range(start_ns: i64, end_ns: i64) -> TimeRange {
    TimeRange { start_ns, end_ns }
}

#[test]
fn time_bounds_become_ranges() {
    let t = || col("time");
    assert_eq!(
        logs(t().gt_eq(time(5)).and(t().lt(time(9)))).range,
        range(5, 9)
    );
    assert_eq!(logs(time(5).lt(t())).range, range(6, i64::MAX));
    assert_eq!(logs(t().between(time(5), time(9))).range, range(5, 10));
    assert_eq!(logs(t().eq(time(5)).or(t().eq(time(8)))).range, range(5, 9));
    assert_eq!(
        logs(t().eq(time(5)).or(col("body").is_null())).range,
        TimeRange::ALL
    );
    assert_eq!(logs(t().gt(time(5)).is_not_true()).range, TimeRange::ALL);
    assert_eq!(logs(t().lt_eq(time(i64::MAX))).range, TimeRange::ALL);
    assert!(
        !logs(t().gt(time(i64::MAX)))
            .range
            .overlaps(i64::MAX, i64::MAX)
    );
}

#[test]
fn bounds_of_buckets_become_ranges() {
    const MINUTE_NS: i64 = 60_000_000_000;
    let minute =
        || datafusion::functions::datetime::expr_fn::date_trunc(lit("minute"), col("time"));
    assert_eq!(logs(minute().gt_eq(time(5))).range, range(5, i64::MAX));
    assert_eq!(
        logs(minute().lt(time(MINUTE_NS))).range,
        TimeRange {
            end_ns: 2 * MINUTE_NS,
            ..TimeRange::ALL
        }
    );
    assert_eq!(
        logs(minute().eq(time(MINUTE_NS))).range,
        range(MINUTE_NS, 2 * MINUTE_NS + 1)
    );
    let decade = datafusion::functions::datetime::expr_fn::date_trunc(lit("decade"), col("time"));
    assert_eq!(logs(decade.gt(time(5))).range, TimeRange::ALL);
}

#[test]
fn ids_words_and_attributes_become_lookups() {
    let id: TraceId = ID.parse().unwrap();
    let by_id = logs(col("trace_id").eq(lit(ID)));
    assert_eq!(
        (by_id.lookup, by_id.traces),
        (Lookup::Trace(id), Some(vec![id]))
    );
    let several = in_list(col("trace_id"), vec![lit(ID), lit("1".repeat(32))], false);
    assert_eq!(logs(several).traces.unwrap().len(), 2);
    assert_eq!(
        logs(matches(col("body"), "a \"b c\"")).words_lookup,
        Lookup::And(vec![
            word("a"),
            Lookup::Words(vec![Word::Exact("b".into()), Word::Exact("c".into())])
        ])
    );
    let elsewhere = logs(matches(col("event_name"), "a"));
    assert!(elsewhere.words.is_empty());
    assert_eq!(elsewhere.lookup, Lookup::All);
    assert_eq!(
        logs(attribute_value(col("attributes"), "k").eq(lit("v"))).lookup,
        attribute("k", "v")
    );
}

#[test]
fn what_cannot_be_narrowed_is_not() {
    let has_a = || matches(col("body"), "a");
    let not_known = logs(!has_a().is_true());
    assert!(not_known.words.is_empty());
    assert_eq!(not_known.lookup, Lookup::All);
    assert_eq!(
        logs(has_a().or(col("flags").gt(lit(1)))).lookup,
        Lookup::All
    );
    assert_eq!(logs(has_a().and(col("flags").gt(lit(1)))).lookup, word("a"));
    assert_eq!(logs(col("trace_id").not_eq(lit(ID))).lookup, Lookup::All);
    assert_eq!(logs(col("trace_id").eq(lit("xyz"))).lookup, Lookup::All);
    assert_eq!(
        logs(attribute_value(col("attributes"), "k").not_eq(lit("v"))).lookup,
        Lookup::All
    );
}

#[test]
fn filters_for_words_alone_are_the_scans() {
    let has = |query: &str| matches(col("body"), query);
    let not = Lookup::Not(Box::new(word("b")));
    assert_eq!(logs(has("-b")).words_lookup, not);
    assert_eq!(logs(!has("b")).words_lookup, not);
    assert_eq!(
        logs(has("a").or(!has("b"))).words_lookup,
        Lookup::Or(vec![word("a"), not])
    );
    assert_eq!(
        logs(has("a").is_not_true()).words_lookup,
        Lookup::Without(Box::new(word("a")))
    );
    let both = Pruning::of(Table::Logs, &[], &[has("a"), col("trace_id").eq(lit(ID))]);
    assert_eq!(both.words, [has("a")]);
    assert_eq!(both.lookup, Lookup::Trace(ID.parse().unwrap()));
    assert!(logs(has("a").or(col("flags").gt(lit(1)))).words.is_empty());
    let name = Pruning::of(Table::Spans, &[], &[matches(col("name"), "a")]);
    assert_eq!(name.words_lookup, word("a"));
}

#[test]
fn services_are_known_only_where_they_must_be() {
    let service = |name: &str| col("service_name").eq(lit(name));
    let names = |filter: Expr| {
        logs(filter)
            .services
            .map(|names| names.into_iter().collect::<Vec<_>>())
    };
    assert_eq!(
        names(service("a").or(service("b"))),
        Some(vec!["a".into(), "b".into()])
    );
    assert_eq!(names(service("a").and(service("b"))), Some(vec![]));
    assert_eq!(names(service("a").or(col("flags").eq(lit(1)))), None);
    assert_eq!(names(service("a").is_not_true()), None);
}

#[test]
fn typed_columns_look_up_canonical_text_only() {
    let mut statistics = FieldStatistics::default();
    let field = statistics.fields.entry("attributes.n".into()).or_default();
    field.types.insert('i', 3);
    let n = DynamicColumn::qualified("attributes.n", Table::Logs, Place::Record, "n", &statistics);
    let plain = Expr::Column(datafusion::common::Column::new_unqualified("attributes.n"));
    let pruning = Pruning::of(Table::Logs, &[n], &[plain.eq(lit(200_i64))]);
    assert_eq!(pruning.lookup, attribute("n", "200"));
    let cast = datafusion::logical_expr::try_cast(
        attribute_value(col("attributes"), "n"),
        arrow::datatypes::DataType::Int64,
    );
    assert_eq!(
        logs(cast.eq(lit(200_i64))).lookup,
        Lookup::All,
        "`0200` is 200 as well"
    );
}

#[test]
fn the_search_language_reaches_the_index() {
    let lookup = |text: &str| {
        let query = language::parse(text).unwrap();
        logs(language::to_expr(&query, Table::Logs).unwrap()).lookup
    };
    assert_eq!(lookup("user.name:7"), attribute("user.name", "7"));
    let words = |text: &str| {
        let query = language::parse(text).unwrap();
        logs(language::to_expr(&query, Table::Logs).unwrap()).words_lookup
    };
    assert_eq!(
        words("timeo*"),
        Lookup::Words(vec![Word::Prefix("timeo".into())])
    );
    assert_eq!(
        words("timeuot~2"),
        Lookup::Words(vec![Word::Near {
            word: "timeuot".into(),
            distance: 2
        }])
    );
    assert_eq!(
        words("NOT timeout"),
        Lookup::Without(Box::new(word("timeout")))
    );
    assert_eq!(lookup("user.name:7*"), Lookup::All);
    let id: TraceId = ID.parse().unwrap();
    assert_eq!(
        lookup(&format!("trace_id:{}", ID.to_uppercase())),
        Lookup::Trace(id)
    );
    assert_eq!(lookup(ID), Lookup::Or(vec![Lookup::Trace(id), word(ID)]));
}

use super::*;
use crate::test_rows::{LogRow, logs};

fn rows(count: i64, attributes: impl Fn(i64) -> Vec<(String, String)>) -> FieldStatistics {
    let rows: Vec<LogRow> = (0..count)
        .map(|n| LogRow {
            attributes: attributes(n),
            ..LogRow::at(n)
        })
        .collect();
    let mut counter = FieldCounter::new(Table::Logs);
    for chunk in rows.chunks(1000) {
        counter.add(&logs(chunk));
    }
    counter.finish()
}

fn sum(files: &[FieldStatistics]) -> FieldStatistics {
    let mut sum = StatisticsSum::default();
    for file in files {
        sum.add_file(file);
    }
    sum.finish()
}

#[test]
fn few_values_are_counted_exactly_and_many_about() {
    let file = rows(10_000, |n| {
        vec![
            ("level".into(), format!("{}", n % 3)),
            ("user".into(), format!("user-{}", n % 5000)),
            ("some".into(), format!("value-{}", n % 200)),
        ]
    });
    let level = &file.fields["attributes.level"];
    assert_eq!((level.distinct, level.exact, level.position), (3, true, 0));
    assert_eq!(level.top_values[0], ("0".to_owned(), 3334));
    let user = &file.fields["attributes.user"];
    assert!(
        !user.exact && user.distinct.abs_diff(5000) < 300,
        "{user:?}"
    );
    assert_eq!(user.position, 1);
    let some = &file.fields["attributes.some"];
    assert!(!some.exact, "only a hundred values are kept");
    assert_eq!((some.distinct, some.top_values.len()), (200, 100));
}

#[test]
fn rows_that_repeat_are_counted_as_row_by_row() {
    let rows: Vec<LogRow> = (0..2000)
        .map(|n| LogRow {
            attributes: vec![
                ("pod".into(), format!("pod-{}", n / 300)),
                ("user".into(), format!("user-{}", n / 4 % 400)),
            ],
            ..LogRow::at(n)
        })
        .collect();
    let batch = logs(&rows);
    let (mut together, mut each) = (
        FieldCounter::new(Table::Logs),
        FieldCounter::new(Table::Logs),
    );
    let keys_of = |runs: &BatchRuns| -> [Vec<Vec<u32>>; MAPS.len()] {
        runs.each_ref().map(|runs| {
            let rows = runs
                .iter()
                .map(|run| vec![run.keys.to_vec(); run.rows.len()]);
            rows.flatten().collect()
        })
    };
    let keys = keys_of(&together.add(&batch));
    let mut keys_of_each = keys_of(&BatchRuns::default());
    for row in 0..batch.num_rows() {
        let keys = keys_of(&each.add(&batch.slice(row, 1)));
        for (all, keys) in keys_of_each.iter_mut().zip(keys) {
            all.extend(keys);
        }
    }
    assert_eq!(keys, keys_of_each);
    assert_eq!(together.finish(), each.finish());
}

#[test]
fn files_are_counted_together_without_counting_values_twice() {
    let of = |from: i64| {
        rows(4000, move |n| {
            vec![
                ("user".into(), format!("user-{}", from + n)),
                ("level".into(), format!("{}", n % 3)),
            ]
        })
    };
    let both = sum(&[of(0), of(2000)]);
    let user = &both.fields["attributes.user"];
    assert!(user.distinct.abs_diff(6000) < 400, "{user:?}");
    let level = &both.fields["attributes.level"];
    assert_eq!((level.distinct, level.exact, level.count), (3, true, 8000));
}

/// Rows in whose fields few and many values are, long ones, other types, and keys that are rare.
fn varied(numbers: std::ops::Range<i64>) -> RecordBatch {
    let rows: Vec<LogRow> = numbers
        .map(|n| LogRow {
            attributes: [
                Some(("level".to_owned(), format!("{}", n % 3))),
                (n % 7 == 0).then(|| ("user".to_owned(), format!("user-{n}"))),
                Some(("some".to_owned(), format!("value-{}", n / 30 % 180))),
                Some(("path".to_owned(), format!("{}{n}", "/long".repeat(60)))),
                (n % 500 == 0).then(|| (format!("key-{n}"), "once".to_owned())),
            ]
            .into_iter()
            .flatten()
            .collect(),
            ..LogRow::at(n)
        })
        .collect();
    logs(&rows)
}

fn counted(batches: &[RecordBatch], known: FieldStatistics) -> FieldStatistics {
    let mut counter = FieldCounter::new(Table::Logs);
    counter.knows(known);
    for batch in batches {
        counter.add(batch);
    }
    counter.finish()
}

#[test]
fn what_follows_from_files_is_what_their_rows_would_give() {
    let batches = [varied(0..2_400), varied(2_400..4_100), varied(4_100..9_000)];
    let files = batches
        .each_ref()
        .map(|batch| counted(std::slice::from_ref(batch), FieldStatistics::default()));
    let from_rows = counted(&batches, FieldStatistics::default());
    let mut following = StatisticsSum::that_follow(&files);
    assert_eq!(
        following.fields.len(),
        from_rows.fields.len(),
        "all of it follows"
    );
    let from_files = counted(&batches, following.clone());
    assert_eq!(from_files.fields.len(), from_rows.fields.len());
    for (name, field) in &from_rows.fields {
        let other = &from_files.fields[name];
        // Everything but frequencies of values that are cut off somewhere.
        let facts = |field: &FieldStatistic| {
            let values = field.exact.then(|| field.top_values.clone());
            let distinct = (!field.exact).then(|| field.sketch.clone());
            (
                field.count,
                field.types.clone(),
                field.exact,
                values,
                distinct,
            )
        };
        assert_eq!(facts(other), facts(field), "{name}");
        assert!(
            other.distinct.abs_diff(field.distinct) <= field.distinct / 30,
            "{name}"
        );
        assert!(other.top_values.len() <= 100, "{name}");
        assert!(other.position.abs_diff(field.position) <= 1, "{name}");
    }
    let some = &from_files.fields["attributes.some"];
    assert!(!some.exact && some.sketch.is_some(), "{some:?}");

    // What is not known is counted, and only that.
    following.fields.remove("attributes.level");
    following.fields.insert(
        "service_name".to_owned(),
        FieldStatistic {
            count: 7,
            ..FieldStatistic::default()
        },
    );
    let partly = counted(&batches, following);
    assert_eq!(
        partly.fields["attributes.level"],
        from_rows.fields["attributes.level"]
    );
    assert_eq!(partly.fields["service_name"].count, 7);
}

#[test]
fn what_a_file_has_lost_does_not_follow() {
    let whole = counted(&[varied(0..3_000)], FieldStatistics::default());
    let mut cut = whole.clone();
    for name in ["attributes.user", "attributes.level"] {
        let field = cut.fields.get_mut(name).unwrap();
        field.exact = false;
        field.sketch = None;
    }
    cut.fields.get_mut("service_name").unwrap().distinct = 0;
    let following = StatisticsSum::that_follow([&whole, &cut]);
    for name in ["attributes.user", "attributes.level", "service_name"] {
        assert!(!following.fields.contains_key(name), "{name}");
    }
    assert_eq!(following.fields["attributes.some"].count, 6_000);
    let none = FieldStatistics::default();
    assert_eq!(StatisticsSum::that_follow([&whole, &none]), none);
    let full = rows(5_000, |n| vec![(format!("key-{n}"), "x".into())]);
    assert_eq!(StatisticsSum::that_follow([&whole, &full]), none);
}

#[test]
fn keys_that_carry_ids_stay_in_their_bounds() {
    let file = rows(20_000, |n| {
        vec![
            ("common".into(), "x".repeat(200)),
            (format!("key-{n}"), "y".repeat(250)),
            (format!("other-{n}"), format!("{n}")),
        ]
    });
    assert!(file.fields.len() <= MAX_FIELDS);
    assert_eq!(file.fields["attributes.common"].count, 20_000);
    let bytes: usize = file
        .fields
        .values()
        .flat_map(|field| &field.top_values)
        .map(|(value, _)| value.len())
        .sum();
    assert!(bytes <= KEPT_VALUE_BYTES, "{bytes}");
}

#[test]
fn statistics_of_the_first_version_still_read() {
    let json = r#"{"fields":{"attributes.k":{"count":5,"types":{"s":5},"top_values":[["a",3]],"exact":false}}}"#;
    let file: FieldStatistics = serde_json::from_str(json).unwrap();
    let both = sum(&[file.clone(), file]);
    let field = &both.fields["attributes.k"];
    assert_eq!((field.count, field.distinct, field.exact), (10, 1, false));
}

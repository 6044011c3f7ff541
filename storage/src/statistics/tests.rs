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
    let keys = together.add(&batch);
    let mut keys_of_each = EntryKeys::default();
    for row in 0..batch.num_rows() {
        let keys = each.add(&batch.slice(row, 1));
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

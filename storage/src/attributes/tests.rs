use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, MapBuilder, MapFieldNames, StringArray, StringBuilder};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::*;
use crate::model::{Table, schema_of};
use crate::statistics::FieldCounter;
use crate::test_rows::{LogRow, logs};

/// Key, type letter and text of an attribute.
type Entry = (String, char, Option<String>);

/// Rows whose `attributes` and `resource_attributes` are these.
fn batch_of(rows: &[(Vec<Entry>, Vec<Entry>)]) -> RecordBatch {
    let plain: Vec<LogRow> = (0..).take(rows.len()).map(LogRow::at).collect();
    let batch = logs(&plain);
    let mut columns = batch.columns().to_vec();
    let schema = schema_of(Table::Logs);
    let mut set = |map: &str, types: &str, of: &dyn Fn(usize) -> Vec<Entry>| {
        let (map_column, type_column) = columns_of(rows.len(), of);
        columns[schema.index_of(map).unwrap()] = map_column;
        columns[schema.index_of(types).unwrap()] = type_column;
    };
    set("attributes", "attribute_types", &|row| rows[row].0.clone());
    set("resource_attributes", "resource_attribute_types", &|row| {
        rows[row].1.clone()
    });
    RecordBatch::try_new(schema, columns).unwrap()
}

fn columns_of(rows: usize, of: &dyn Fn(usize) -> Vec<Entry>) -> (ArrayRef, ArrayRef) {
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "keys".into(),
        value: "values".into(),
    };
    let mut map = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    let mut types = StringBuilder::new();
    for row in 0..rows {
        let mut letters = String::new();
        for (key, letter, value) in of(row) {
            map.keys().append_value(key);
            map.values().append_option(value);
            letters.push(letter);
        }
        map.append(true).unwrap();
        types.append_value(letters);
    }
    (Arc::new(map.finish()), Arc::new(types.finish()))
}

/// The batches in a file's columns, with its schema as a reader sees it.
fn split(batches: &[RecordBatch], promotion: &Promotion) -> (Schema, Vec<RecordBatch>) {
    let mut counter = FieldCounter::for_file(Table::Logs, promotion);
    let mut splitter = Splitter::new(Table::Logs, promotion);
    let columns = batches
        .iter()
        .map(|batch| {
            let runs = counter.add(batch);
            splitter.split(batch, counter.keys(), &runs).unwrap()
        })
        .collect();
    let mut schema = splitter.schema().as_ref().clone();
    let metadata = splitter.metadata(counter.keys()).unwrap();
    schema.metadata.insert(METADATA_KEY.to_owned(), metadata);
    (schema, columns)
}

fn restored(schema: &Schema, columns: &[RecordBatch]) -> Vec<RecordBatch> {
    let attributes = FileAttributes::of(schema).unwrap();
    columns
        .iter()
        .map(|batch| restore(Table::Logs, &attributes, batch).unwrap())
        .collect()
}

fn column(key: &str, kind: ColumnKind) -> promotion::Column {
    promotion::Column {
        key: key.to_owned(),
        kind,
        unique: false,
    }
}

/// Every kind of column, whatever the rows are like.
fn of_all_kinds() -> Promotion {
    let mut promotion = Promotion::default();
    promotion.scopes[0] = vec![
        column("text", ColumnKind::Text),
        column("number", ColumnKind::Int),
        column("ratio", ColumnKind::Double),
        column("flag", ColumnKind::Bool),
    ];
    promotion.scopes[1] = vec![column("text", ColumnKind::Text)];
    promotion
}

fn entry(key: &str, letter: char, value: &str) -> Entry {
    (key.to_owned(), letter, Some(value.to_owned()))
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let key = prop_oneof![
        Just("text".to_owned()),
        Just("number".to_owned()),
        Just("ratio".to_owned()),
        Just("flag".to_owned()),
        Just(String::new()),
        "[a-c]",
    ];
    let value = prop_oneof![
        "\\PC{0,8}".prop_map(|text| ('s', Some(text))),
        any::<i64>().prop_map(|number| ('i', Some(number.to_string()))),
        prop_oneof!["-?[0-9]{1,3}", "0[0-9]", "\\+1"].prop_map(|text| ('i', Some(text))),
        any::<u64>().prop_map(|bits| {
            let mut text = Vec::new();
            crate::model::write_double(&mut text, f64::from_bits(bits));
            ('d', Some(String::from_utf8(text).unwrap()))
        }),
        prop_oneof!["0\\.50?", "NaN", "-?Infinity", "-?0", "1e5", "nan"]
            .prop_map(|text| ('d', Some(text))),
        any::<bool>().prop_map(|value| ('b', Some(value.to_string()))),
        Just(('b', Some("TRUE".to_owned()))),
        Just(('x', Some("AAE=".to_owned()))),
        Just(('a', Some(r#"{"values":[]}"#.to_owned()))),
        Just(('n', None)),
        Just(('s', None)),
    ];
    (key, value).prop_map(|(key, (letter, text))| (key, letter, text))
}

fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(any_entry(), 0..12)
}

/// So many rows with the same texts, with other types from the third on if `changes`.
fn repeated(
    (attributes, resource, times, changes): (Vec<Entry>, Vec<Entry>, usize, bool),
) -> impl Iterator<Item = (Vec<Entry>, Vec<Entry>)> {
    (0..times).map(move |row| {
        let mut attributes = attributes.clone();
        if changes && row >= 2 {
            for (_, letter, _) in &mut attributes {
                *letter = if *letter == 's' { 'i' } else { 's' };
            }
        }
        (attributes, resource.clone())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_attributes_come_back_the_same(
        rows in proptest::collection::vec((any_entries(), any_entries(), 1_usize..5, any::<bool>()), 1..40),
        at in 0_usize..40,
    ) {
        let rows: Vec<_> = rows.into_iter().flat_map(repeated).collect();
        let batch = batch_of(&rows);
        let at = at.min(rows.len());
        let batches = [batch.slice(0, at), batch.slice(at, rows.len() - at)];
        let (schema, columns) = split(&batches, &of_all_kinds());
        prop_assert_eq!(restored(&schema, &columns), batches);
    }
}

#[test]
fn values_of_the_columns_type_are_in_the_column_and_others_in_the_map() {
    let rows = [
        vec![entry("number", 'i', "7"), entry("other", 's', "x")],
        vec![entry("number", 's', "seven")],
        vec![entry("number", 'i', "007")],
        vec![entry("number", 'i', "1"), entry("number", 'i', "2")],
        vec![("number".to_owned(), 'n', None)],
    ];
    let batch = batch_of(&rows.map(|row| (row, Vec::new())));
    let (schema, columns) = split(std::slice::from_ref(&batch), &of_all_kinds());
    let numbers = columns[0].column_by_name("attributes.number").unwrap();
    let numbers = numbers.as_primitive::<arrow::datatypes::Int64Type>();
    assert_eq!(
        numbers.iter().collect::<Vec<_>>(),
        [Some(7), None, None, None, None]
    );
    let types: &StringArray = columns[0]
        .column_by_name("attribute_types")
        .unwrap()
        .as_string();
    assert_eq!(
        types.iter().flatten().collect::<Vec<_>>(),
        ["s", "s", "i", "ii", "n"]
    );
    let attributes = FileAttributes::of(&schema).unwrap();
    let scope = attributes.scope("attributes").unwrap();
    assert!(scope.promoted("number").unwrap().in_map);
    assert!(!scope.promoted("text").unwrap().in_map);
    assert!(scope.may_be_in_map("other") && !scope.may_be_in_map("nowhere"));
}

#[test]
fn rows_in_the_usual_order_have_no_shape() {
    let rows = [
        vec![
            entry("text", 's', "a"),
            entry("flag", 'b', "true"),
            entry("z", 's', ""),
        ],
        vec![entry("z", 's', ""), entry("text", 's', "a")],
        vec![entry("flag", 'b', "true"), entry("text", 's', "a")],
        vec![],
    ];
    let batch = batch_of(&rows.map(|row| (row, Vec::new())));
    let (_, columns) = split(std::slice::from_ref(&batch), &of_all_kinds());
    let shapes: &StringArray = columns[0]
        .column_by_name("attribute_shape")
        .unwrap()
        .as_string();
    assert_eq!(
        shapes.iter().collect::<Vec<_>>(),
        [None, Some("*,0"), Some("3,0"), None]
    );
}

#[test]
fn large_maps_and_values_stay_whole() {
    let many: Vec<Entry> = (0..65_536)
        .map(|n| entry(&format!("key-{n}"), 'i', "1"))
        .collect();
    let rows = [
        (many, Vec::new()),
        (
            vec![
                entry("text", 's', &"x".repeat(1 << 20)),
                entry("flag", 'b', "true"),
            ],
            Vec::new(),
        ),
    ];
    let batch = batch_of(&rows);
    let (schema, columns) = split(std::slice::from_ref(&batch), &of_all_kinds());
    assert_eq!(
        schema.fields().len(),
        schema_of(Table::Logs).fields().len() + 7
    );
    assert_eq!(restored(&schema, &columns), [batch]);
    let attributes = FileAttributes::of(&schema).unwrap();
    let scope = attributes.scope("attributes").unwrap();
    assert!(scope.may_be_in_map("key-1") && scope.may_be_in_map("never seen"));
}

#[test]
fn types_that_are_not_one_an_entry_come_back_as_they_are() {
    let rows = [(
        vec![entry("text", 's', "a"), entry("flag", 'b', "true")],
        Vec::new(),
    )];
    let batch = batch_of(&rows);
    let mut columns = batch.columns().to_vec();
    let at = batch.schema().index_of("attribute_types").unwrap();
    columns[at] = Arc::new(StringArray::from(vec!["s"]));
    let batch = RecordBatch::try_new(batch.schema(), columns).unwrap();
    let (schema, columns) = split(std::slice::from_ref(&batch), &of_all_kinds());
    assert_eq!(restored(&schema, &columns), [batch]);
}

#[test]
fn columns_that_do_not_fit_together_are_corrupt() {
    let rows = [(
        vec![entry("flag", 'b', "true"), entry("text", 's', "a")],
        Vec::new(),
    )];
    let (schema, columns) = split(&[batch_of(&rows)], &of_all_kinds());
    let attributes = FileAttributes::of(&schema).unwrap();
    for shape in ["0", "0,3,*", "3,3", "9", "x", "3,0,0", "*4294967296"] {
        let mut changed = columns[0].columns().to_vec();
        let at = schema.index_of("attribute_shape").unwrap();
        changed[at] = Arc::new(StringArray::from(vec![shape]));
        let batch = RecordBatch::try_new(columns[0].schema(), changed).unwrap();
        let error = restore(Table::Logs, &attributes, &batch).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{shape}");
    }
    for metadata in ["", "{}}", r#"{"attributes":{"columns":[{"key":"gone"}]}}"#] {
        let mut schema = schema.clone();
        schema
            .metadata
            .insert(METADATA_KEY.to_owned(), metadata.to_owned());
        assert!(FileAttributes::of(&schema).is_err(), "{metadata}");
    }
}

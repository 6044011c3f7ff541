use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType, UInt64Type};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use spoor_storage::ErrorKind;

use super::*;
use crate::Signal;
use crate::{otlp_json, sample_data};

const RECEIVED: i64 = 1_700_000_000_000_000_000;

fn decode(table: Table, payload: &[u8]) -> Decoded {
    OtlpDecoder::default()
        .decode_metered(table, RECEIVED, payload, &mut |_| Ok(()))
        .unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "as the messages want it")]
fn value_of(value: Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

fn key_value(key: &str, value: Option<AnyValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
}

fn request_of_spans(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }
}

fn request_of_logs(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs {
        log_records,
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        scope_logs,
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }
}

fn valid_span() -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "work".to_owned(),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 1_500,
        ..Span::default()
    }
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

fn times(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let column = batch.column_by_name(column).unwrap();
    column
        .as_primitive::<TimestampNanosecondType>()
        .iter()
        .collect()
}

/// The entries of a map column's row, as (key, type, value).
fn entries(
    batch: &RecordBatch,
    name: &str,
    types: &str,
    row: usize,
) -> Vec<(String, char, String)> {
    let map = batch.column_by_name(name).unwrap().as_map().value(row);
    let keys = map.column(0).as_string::<i32>().clone();
    let values = map.column(1).as_string::<i32>().clone();
    let types = texts(batch, types)[row].clone().unwrap();
    assert_eq!(types.len(), keys.len());
    (0..keys.len())
        .zip(types.chars())
        .map(|(i, letter)| {
            let value = if values.is_null(i) {
                "<null>"
            } else {
                values.value(i)
            };
            (keys.value(i).to_owned(), letter, value.to_owned())
        })
        .collect()
}

// === the walker agrees with prost ===

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,8}".prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|value| Some(Value::BoolValue(value))),
        any::<i64>().prop_map(|value| Some(Value::IntValue(value))),
        any::<f64>().prop_map(|value| Some(Value::DoubleValue(value))),
        vec(any::<u8>(), 0..8).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 16, 4, |inner| {
        let entry = (".{0,4}", option::of(inner.clone())).prop_map(|(key, value)| KeyValue {
            key,
            value,
            ..KeyValue::default()
        });
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec(entry, 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![Just("service.name".to_owned()), "[a-c]{0,2}"];
    let entry = (key, option::of(any_value())).prop_map(|(key, value)| KeyValue {
        key,
        value,
        ..KeyValue::default()
    });
    vec(entry, 0..4)
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    option::of(
        (attributes(), any::<u32>()).prop_map(|(attributes, dropped)| Resource {
            attributes,
            dropped_attributes_count: dropped,
            ..Resource::default()
        }),
    )
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    let fields = (".{0,4}", "[0-9]{0,2}", attributes(), any::<u32>());
    option::of(fields.prop_map(
        |(name, version, attributes, dropped)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count: dropped,
        },
    ))
}

fn bytes_of(length: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1..=u8::MAX, length)
}

prop_compose! {
    fn event()(
        time_unix_nano in any::<u64>(),
        name in ".{0,4}",
        attributes in attributes(),
        dropped_attributes_count in any::<u32>(),
    ) -> Event {
        Event { time_unix_nano, name, attributes, dropped_attributes_count }
    }
}

prop_compose! {
    fn link()(
        trace_id in prop_oneof![bytes_of(16), bytes_of(3)],
        span_id in bytes_of(8),
        trace_state in ".{0,4}",
        attributes in attributes(),
        dropped_attributes_count in any::<u32>(),
        flags in any::<u32>(),
    ) -> Link {
        Link { trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags }
    }
}

prop_compose! {
    fn span()(
        ids in (bytes_of(16), bytes_of(8)),
        parent_span_id in prop_oneof![Just(Vec::new()), Just(vec![0; 8]), bytes_of(8), bytes_of(5)],
        texts in (".{0,4}", ".{0,8}"),
        numbers in (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>()),
        kind in -1..8,
        times in (0..i64::MAX.cast_unsigned(), 0..i64::MAX.cast_unsigned()),
        attributes in attributes(),
        events in vec(event(), 0..3),
        links in vec(link(), 0..3),
        status in option::of((".{0,4}", -1..4)),
    ) -> Span {
        Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id,
            trace_state: texts.0,
            name: texts.1,
            flags: numbers.0,
            kind,
            start_time_unix_nano: times.0,
            end_time_unix_nano: times.1,
            attributes,
            dropped_attributes_count: numbers.1,
            events,
            dropped_events_count: numbers.2,
            links,
            dropped_links_count: numbers.3,
            status: status.map(|(message, code)| Status { message, code }),
        }
    }
}

prop_compose! {
    fn log_record()(
        times in (any::<u64>(), any::<u64>()),
        zero_times in (any::<bool>(), any::<bool>()),
        severity in (any::<i32>(), ".{0,4}"),
        body in option::of(any_value()),
        attributes in attributes(),
        numbers in (any::<u32>(), any::<u32>()),
        trace_id in prop_oneof![Just(Vec::new()), Just(vec![0; 16]), bytes_of(16), bytes_of(5)],
        span_id in prop_oneof![Just(Vec::new()), Just(vec![0; 8]), bytes_of(8), bytes_of(5)],
        event_name in ".{0,4}",
    ) -> LogRecord {
        LogRecord {
            time_unix_nano: if zero_times.0 { 0 } else { times.0 },
            observed_time_unix_nano: if zero_times.1 { 0 } else { times.1 },
            severity_number: severity.0,
            severity_text: severity.1,
            body,
            attributes,
            dropped_attributes_count: numbers.0,
            flags: numbers.1,
            trace_id,
            span_id,
            event_name,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn spans_are_decoded_as_by_prost(
        groups in vec((resource(), ".{0,4}", vec((scope(), ".{0,4}", vec(span(), 0..4)), 0..3)), 0..3)
    ) {
        let scope_spans = |scopes: Vec<_>| {
            let one = |(scope, schema_url, spans)| ScopeSpans { scope, spans, schema_url };
            scopes.into_iter().map(one).collect()
        };
        let resource_spans = groups.into_iter().map(|(resource, schema_url, scopes)| {
            ResourceSpans { resource, scope_spans: scope_spans(scopes), schema_url }
        });
        let request = ExportTraceServiceRequest { resource_spans: resource_spans.collect() };
        let decoded = decode(Table::Spans, &request.encode_to_vec());
        prop_assert_eq!(decoded.rejected.total(), 0);
        prop_assert_eq!(decoded.batch, reference::spans(&request, RECEIVED));
    }

    #[test]
    fn logs_are_decoded_as_by_prost(
        groups in vec((resource(), ".{0,4}", vec((scope(), ".{0,4}", vec(log_record(), 0..4)), 0..3)), 0..3)
    ) {
        let scope_logs = |scopes: Vec<_>| {
            let one = |(scope, schema_url, log_records)| ScopeLogs { scope, log_records, schema_url };
            scopes.into_iter().map(one).collect()
        };
        let resource_logs = groups.into_iter().map(|(resource, schema_url, scopes)| {
            ResourceLogs { resource, scope_logs: scope_logs(scopes), schema_url }
        });
        let request = ExportLogsServiceRequest { resource_logs: resource_logs.collect() };
        let decoder = OtlpDecoder::new(false);
        let batch = decoder.decode(Table::Logs, RECEIVED, &request.encode_to_vec()).unwrap();
        prop_assert_eq!(batch, reference::logs(&request, RECEIVED));
    }

    #[test]
    fn arbitrary_bytes_are_decoded_or_refused(payload in vec(any::<u8>(), 0..256)) {
        for table in Table::ALL {
            if let Err(error) = OtlpDecoder::default().decode(table, RECEIVED, &payload) {
                prop_assert_eq!(error.kind(), ErrorKind::Invalid);
            }
        }
    }

    #[test]
    fn damaged_requests_are_decoded_or_refused(
        spans in vec(span(), 1..3),
        cut in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
        bits in 1..=u8::MAX,
    ) {
        let mut payload = request_of_spans(spans).encode_to_vec();
        let flip = flip.index(payload.len());
        payload[flip] ^= bits;
        payload.truncate(cut.index(payload.len()) + 1);
        if let Err(error) = OtlpDecoder::default().decode(Table::Spans, RECEIVED, &payload) {
            prop_assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }
}

#[test]
fn real_requests_are_decoded_as_by_prost() {
    for set in ["zipkin", "jaegerui", "opbeans-node", "nezha-ob"] {
        for json in sample_data::requests(set, Signal::Traces) {
            let payload = otlp_json::to_protobuf(Signal::Traces, &json).unwrap();
            let request = ExportTraceServiceRequest::decode(payload.as_slice()).unwrap();
            let batch = decode(Table::Spans, &payload).batch;
            assert!(batch == reference::spans(&request, RECEIVED), "{set}");
        }
    }
    let decoder = OtlpDecoder::new(false);
    for json in sample_data::requests("nezha-ob", Signal::Logs) {
        let payload = otlp_json::to_protobuf(Signal::Logs, &json).unwrap();
        let request = ExportLogsServiceRequest::decode(payload.as_slice()).unwrap();
        let batch = decoder.decode(Table::Logs, RECEIVED, &payload).unwrap();
        assert!(batch == reference::logs(&request, RECEIVED));
    }
}

#[test]
fn real_data_gives_the_expected_figures() {
    let expected = sample_data::expected();
    for set in ["nezha-tt", "nezha-ob", "zipkin", "opbeans-node"] {
        let mut per_service: BTreeMap<String, u64> = BTreeMap::new();
        for json in sample_data::requests(set, Signal::Traces) {
            let payload = otlp_json::to_protobuf(Signal::Traces, &json).unwrap();
            let decoded = decode(Table::Spans, &payload);
            assert_eq!(decoded.rejected.total(), 0, "{set}");
            for service in texts(&decoded.batch, "service_name") {
                *per_service.entry(service.unwrap()).or_default() += 1;
            }
        }
        let figures = expected[set]["traces"]["spans_per_service"]
            .as_object()
            .unwrap();
        let figures: BTreeMap<String, u64> = figures
            .iter()
            .map(|(name, count)| {
                let name = if name.is_empty() {
                    "unknown_service"
                } else {
                    name
                };
                (name.to_owned(), count.as_u64().unwrap())
            })
            .collect();
        assert_eq!(per_service, figures, "{set}");
    }
    for (set, logs) in [
        ("nezha-tt", 20_700),
        ("nezha-ob", 12_058),
        ("apache-access", 10_000),
    ] {
        let mut rows = 0;
        for json in sample_data::requests(set, Signal::Logs) {
            let payload = otlp_json::to_protobuf(Signal::Logs, &json).unwrap();
            rows += decode(Table::Logs, &payload).batch.num_rows();
        }
        assert_eq!(rows, logs, "{set}");
    }
}

// === rules for records ===

#[test]
fn spans_with_bad_ids_or_times_are_rejected_one_by_one() {
    let bad = |change: fn(&mut Span)| {
        let mut span = valid_span();
        change(&mut span);
        span
    };
    let spans = vec![
        valid_span(),
        bad(|span| span.trace_id = vec![0; 16]),
        bad(|span| span.trace_id = vec![1; 8]),
        bad(|span| span.trace_id.clear()),
        bad(|span| span.span_id = vec![0; 8]),
        bad(|span| span.span_id = vec![1; 16]),
        bad(|span| span.start_time_unix_nano = 1 << 63),
        bad(|span| span.end_time_unix_nano = u64::MAX),
        bad(|span| span.name = "kept: start 0".to_owned()),
    ];
    let mut spans = spans;
    spans[8].start_time_unix_nano = 0;
    let decoded = decode(Table::Spans, &request_of_spans(spans).encode_to_vec());
    assert_eq!(
        decoded.rejected.into_vec(),
        [
            ("invalid_trace_id", 3),
            ("invalid_span_id", 2),
            ("time_out_of_range", 2)
        ]
    );
    let names = texts(&decoded.batch, "name");
    assert_eq!(
        names,
        [Some("work".to_owned()), Some("kept: start 0".to_owned())]
    );
}

#[test]
fn a_span_that_ends_before_it_starts_is_kept_as_it_is() {
    let span = Span {
        start_time_unix_nano: 50,
        end_time_unix_nano: 20,
        ..valid_span()
    };
    let batch = decode(Table::Spans, &request_of_spans(vec![span]).encode_to_vec()).batch;
    let durations = batch.column_by_name("duration_ns").unwrap();
    assert_eq!(durations.as_primitive::<Int64Type>().value(0), -30);
}

#[test]
fn logs_are_filed_under_a_time_that_fits_and_keep_the_one_sent() {
    let log = |time, observed| LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: observed,
        ..LogRecord::default()
    };
    let too_late = 1 << 63;
    let logs = vec![
        log(5, 6),
        log(0, 6),
        log(too_late, 6),
        log(0, 0),
        log(0, too_late),
    ];
    let decoded = decode(Table::Logs, &request_of_logs(logs).encode_to_vec());
    let batch = &decoded.batch;
    let received = Some(RECEIVED);
    assert_eq!(
        times(batch, "time"),
        [Some(5), Some(6), Some(6), received, received]
    );
    assert_eq!(
        times(batch, "observed_time"),
        [Some(6), Some(6), Some(6), None, None]
    );
    let original = batch.column_by_name("original_time_unix_nano").unwrap();
    let original: Vec<_> = original.as_primitive::<UInt64Type>().iter().collect();
    assert_eq!(original, [None, Some(0), Some(too_late), Some(0), Some(0)]);
    assert_eq!(
        decoded.adjusted.into_vec(),
        [("time_out_of_range", 1), ("observed_time_out_of_range", 1)]
    );
}

#[test]
fn poisoned_logs_are_filed_under_their_observed_time() {
    let mut rows = 0;
    for json in sample_data::poison() {
        let payload = otlp_json::to_protobuf(Signal::Logs, &json).unwrap();
        let decoded = decode(Table::Logs, &payload);
        assert_eq!(decoded.rejected.total(), 0);
        let (time, observed) = (
            times(&decoded.batch, "time"),
            times(&decoded.batch, "observed_time"),
        );
        assert_eq!(time, observed);
        rows += decoded.batch.num_rows();
    }
    assert_eq!(rows, 45);
}

#[test]
fn ids_of_the_wrong_length_cost_a_log_its_ids_only() {
    let log = |trace_id: &[u8], span_id: &[u8]| LogRecord {
        trace_id: trace_id.to_vec(),
        span_id: span_id.to_vec(),
        ..LogRecord::default()
    };
    let logs = vec![
        log(&[1; 16], &[2; 8]),
        log(&[0; 16], &[0; 8]),
        log(&[1; 5], &[2; 5]),
    ];
    let decoded = decode(Table::Logs, &request_of_logs(logs).encode_to_vec());
    let ids = decoded.batch.column_by_name("trace_id").unwrap();
    assert_eq!(
        (ids.is_valid(0), ids.is_valid(1), ids.is_valid(2)),
        (true, false, false)
    );
    let adjusted = decoded.adjusted.into_vec();
    assert_eq!(adjusted, [("invalid_trace_id", 1), ("invalid_span_id", 1)]);
}

#[test]
fn text_that_is_not_utf8_is_repaired_and_counted() {
    let mut payload = request_of_spans(vec![valid_span(), valid_span()]).encode_to_vec();
    let place = payload
        .windows(4)
        .position(|bytes| bytes == b"work")
        .unwrap();
    payload[place] = 0xff;
    let decoded = decode(Table::Spans, &payload);
    let names = texts(&decoded.batch, "name");
    assert_eq!(
        names,
        [Some("\u{fffd}ork".to_owned()), Some("work".to_owned())]
    );
    assert_eq!(decoded.adjusted.into_vec(), [("invalid_utf8", 1)]);
}

fn nested(levels: usize) -> AnyValue {
    (0..levels).fold(
        AnyValue {
            value: Some(Value::IntValue(1)),
        },
        |inner, _| AnyValue {
            value: Some(Value::ArrayValue(ArrayValue {
                values: vec![inner],
            })),
        },
    )
}

#[test]
fn a_value_that_lies_too_deep_costs_its_record() {
    let deepest = usize::try_from(MAX_VALUE_DEPTH).unwrap() - 1;
    let spans = [1, deepest, deepest + 1, 500].map(|levels| Span {
        name: levels.to_string(),
        attributes: vec![key_value("deep", Some(nested(levels)))],
        ..valid_span()
    });
    let decoded = decode(
        Table::Spans,
        &request_of_spans(spans.into()).encode_to_vec(),
    );
    assert_eq!(decoded.rejected.into_vec(), [("value_too_deep", 2)]);
    assert_eq!(
        texts(&decoded.batch, "name"),
        [Some("1".to_owned()), Some(deepest.to_string())]
    );
    let text = &entries(&decoded.batch, "attributes", "attribute_types", 1)[0].2;
    serde_json::from_str::<serde_json::Value>(text).unwrap();
}

#[test]
fn a_resource_too_deep_costs_its_records_and_no_others() {
    let mut request = request_of_logs(vec![LogRecord::default()]);
    let mut deep = request.resource_logs[0].clone();
    let attributes = vec![key_value("deep", Some(nested(10_000 / 4)))];
    deep.resource = Some(Resource {
        attributes,
        ..Resource::default()
    });
    request.resource_logs.insert(0, deep);
    let decoded = decode(Table::Logs, &request.encode_to_vec());
    assert_eq!(decoded.rejected.into_vec(), [("value_too_deep", 1)]);
    assert_eq!(decoded.batch.num_rows(), 1);
}

#[test]
fn a_request_that_would_grow_without_bound_is_cut_off() {
    // 256 KiB of resource on 10,000 empty logs: 2.5 GB of rows from 280 KB.
    let mut request = request_of_logs(vec![LogRecord::default(); 10_000]);
    let text = value_of(Value::StringValue("x".repeat(256 << 10)));
    let resource = Resource {
        attributes: vec![key_value("big", text)],
        ..Resource::default()
    };
    request.resource_logs[0].resource = Some(resource);
    let decoded = decode(Table::Logs, &request.encode_to_vec());
    let rows = decoded.batch.num_rows() as u64;
    assert!((1_000..2_048).contains(&rows), "{rows}");
    assert_eq!(
        decoded.rejected.into_vec(),
        [("request_expands_too_much", 10_000 - rows)]
    );
}

#[test]
fn malformed_requests_are_named_with_their_place() {
    let payload = request_of_spans(vec![valid_span(), valid_span()]).encode_to_vec();
    let error = OtlpDecoder::default()
        .decode(Table::Spans, RECEIVED, &payload[..payload.len() - 3])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("at byte"), "{error}");
    // A field of another type than OTLP's: a log's time where a span has its trace id.
    let logs = request_of_logs(vec![LogRecord {
        time_unix_nano: 7,
        ..LogRecord::default()
    }]);
    let error = OtlpDecoder::default()
        .decode(Table::Spans, RECEIVED, &logs.encode_to_vec())
        .unwrap_err();
    assert!(
        error
            .message()
            .contains("`resource_spans[0].scope_spans[0].spans[0]`"),
        "{error}"
    );
    assert!(error.message().contains("another wire type"), "{error}");
}

#[test]
fn an_empty_request_has_no_rows() {
    for table in Table::ALL {
        let decoded = decode(table, &[]);
        assert_eq!(decoded.batch.num_rows(), 0);
        assert_eq!(decoded.batch.schema(), decoded_schema_of(table));
    }
}

// === log bodies ===

fn bodies(values: Vec<Option<AnyValue>>) -> RecordBatch {
    let log = |body| LogRecord {
        body,
        ..LogRecord::default()
    };
    let logs = values.into_iter().map(log).collect();
    decode(Table::Logs, &request_of_logs(logs).encode_to_vec()).batch
}

#[test]
fn bodies_of_every_type_are_readable_text() {
    let list = KeyValueList {
        values: vec![
            key_value("a", value_of(Value::IntValue(1))),
            key_value("b", value_of(Value::DoubleValue(2.0))),
            key_value("a", value_of(Value::BytesValue(vec![0xff]))),
            key_value("n", None),
        ],
    };
    let array = ArrayValue {
        values: vec![nested(0), AnyValue { value: None }],
    };
    let batch = bodies(vec![
        None,
        Some(AnyValue { value: None }),
        value_of(Value::StringValue(String::new())),
        value_of(Value::StringValue("plain".to_owned())),
        value_of(Value::BoolValue(true)),
        value_of(Value::IntValue(-7)),
        value_of(Value::DoubleValue(0.5)),
        value_of(Value::BytesValue(vec![1, 2, 3])),
        value_of(Value::ArrayValue(array)),
        value_of(Value::KvlistValue(list)),
    ]);
    let body: Vec<_> = texts(&batch, "body");
    let body: Vec<_> = body.iter().map(Option::as_deref).collect();
    let structured = r#"{"a":1,"b":2.0,"a":"/w==","n":null}"#;
    assert_eq!(
        body,
        [
            None,
            None,
            Some(""),
            Some("plain"),
            Some("true"),
            Some("-7"),
            Some("0.5"),
            Some("AQID"),
            Some("[1,null]"),
            Some(structured),
        ]
    );
    let types: String = texts(&batch, "body_type")
        .into_iter()
        .map(Option::unwrap)
        .collect();
    assert_eq!(types, "nssbidxam", "and nothing for no body");
    let fields = entries(&batch, "body_fields", "body_field_types", 9);
    let fields: Vec<_> = fields
        .iter()
        .map(|(key, letter, text)| (key.as_str(), *letter, text.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("a", 'i', "1"),
            ("b", 'd', "2"),
            ("a", 'x', "/w=="),
            ("n", 'n', "<null>")
        ]
    );
}

#[test]
fn json_bodies_are_opened_unless_told_otherwise() {
    let text = r#"{"http":{"status":500,"path":"/cart"},"tags":["a"]}"#;
    let batch = bodies(vec![value_of(Value::StringValue(text.to_owned()))]);
    assert_eq!(texts(&batch, "body"), [Some(text.to_owned())]);
    let fields = entries(&batch, "body_fields", "body_field_types", 0);
    let field = |key: &str, letter, text: &str| (key.to_owned(), letter, text.to_owned());
    assert_eq!(
        fields,
        [
            field("http.status", 'i', "500"),
            field("http.path", 's', "/cart"),
            field("tags", 'a', r#"{"values":[{"stringValue":"a"}]}"#),
        ]
    );
    let log = LogRecord {
        body: value_of(Value::StringValue(text.to_owned())),
        ..LogRecord::default()
    };
    let payload = request_of_logs(vec![log]).encode_to_vec();
    let closed = OtlpDecoder::new(false)
        .decode(Table::Logs, RECEIVED, &payload)
        .unwrap();
    assert!(entries(&closed, "body_fields", "body_field_types", 0).is_empty());
}

#[test]
fn structured_bodies_are_opened_with_dots() {
    let inner = KeyValueList {
        values: vec![key_value("b", value_of(Value::BoolValue(true)))],
    };
    let list = KeyValueList {
        values: vec![
            key_value("a", value_of(Value::KvlistValue(inner))),
            key_value("e", value_of(Value::KvlistValue(KeyValueList::default()))),
        ],
    };
    let batch = bodies(vec![value_of(Value::KvlistValue(list))]);
    let fields = entries(&batch, "body_fields", "body_field_types", 0);
    assert_eq!(fields[0], ("a.b".to_owned(), 'b', "true".to_owned()));
    assert_eq!(
        fields[1],
        ("e".to_owned(), 'm', r#"{"values":[]}"#.to_owned())
    );
}

#[test]
fn ten_thousand_attributes_and_a_large_value_are_kept() {
    let mut attributes: Vec<_> = (0..10_000)
        .map(|i| key_value(&format!("key.{i}"), value_of(Value::IntValue(i))))
        .collect();
    attributes.push(key_value(
        "large",
        value_of(Value::StringValue("y".repeat(1 << 20))),
    ));
    let span = Span {
        attributes,
        ..valid_span()
    };
    let batch = decode(Table::Spans, &request_of_spans(vec![span]).encode_to_vec()).batch;
    let found = entries(&batch, "attributes", "attribute_types", 0);
    assert_eq!(found.len(), 10_001);
    assert_eq!(found[9_999].0, "key.9999");
    assert_eq!(found[10_000].2.len(), 1 << 20);
}

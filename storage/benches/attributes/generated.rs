//! Spans of a made-up shop: 20 services with three shapes of spans, ids and sizes among the values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, Int64Array, MapBuilder, MapFieldNames, StringArray,
    StringBuilder, TimestampNanosecondArray, UInt32Array, new_empty_array, new_null_array,
};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use spoor_storage::Table;
use spoor_storage::model::schema_of;

type Entry = (&'static str, char, String);

struct Span {
    service: usize,
    attributes: Vec<Entry>,
    resource: Vec<Entry>,
}

const BATCH_ROWS: usize = 16_384;

pub(crate) fn spans(rows: usize) -> Vec<RecordBatch> {
    let mut random = StdRng::seed_from_u64(7);
    let mut batches = Vec::new();
    let mut done = 0;
    while done < rows {
        let count = BATCH_ROWS.min(rows - done);
        let spans: Vec<Span> = (0..count).map(|_| span(&mut random)).collect();
        batches.push(batch(&spans, done, &mut random));
        done += count;
    }
    batches
}

fn span(random: &mut StdRng) -> Span {
    let service = random.random_range(0..20);
    Span {
        service,
        attributes: match random.random_range(0..10) {
            0..5 => request(service, random),
            5..8 => query(service, random),
            _ => message(random),
        },
        resource: resource(service, random),
    }
}

fn number(number: i64) -> String {
    number.to_string()
}

fn request(service: usize, random: &mut StdRng) -> Vec<Entry> {
    vec![
        (
            "http.request.method",
            's',
            ["GET", "POST", "PUT"][random.random_range(0..3)].into(),
        ),
        (
            "url.path",
            's',
            format!("/api/products/{}", random.random_range(0..50_000)),
        ),
        (
            "http.route",
            's',
            format!(
                "/api/{}/{{id}}",
                ["products", "cart", "users"][random.random_range(0..3)]
            ),
        ),
        (
            "http.response.status_code",
            'i',
            ["200", "200", "200", "404", "500"][random.random_range(0..5)].into(),
        ),
        ("server.address", 's', format!("shop-{service}.internal")),
        ("server.port", 'i', "8080".into()),
        (
            "client.address",
            's',
            format!(
                "10.0.{}.{}",
                random.random_range(0..8),
                random.random_range(0..256)
            ),
        ),
        (
            "user_agent.original",
            's',
            format!(
                "Mozilla/5.0 (X11; Linux x86_64) {}",
                random.random_range(0..40)
            ),
        ),
        (
            "http.response.body.size",
            'i',
            number(random.random_range(100..90_000)),
        ),
        (
            "session.id",
            's',
            format!("{:032x}", random.random::<u128>()),
        ),
    ]
}

fn query(service: usize, random: &mut StdRng) -> Vec<Entry> {
    vec![
        ("db.system.name", 's', "postgresql".into()),
        ("db.namespace", 's', format!("shop{}", service % 4)),
        (
            "db.operation.name",
            's',
            ["SELECT", "INSERT", "UPDATE"][random.random_range(0..3)].into(),
        ),
        (
            "db.query.text",
            's',
            format!(
                "SELECT * FROM orders WHERE tenant = ? AND kind = {}",
                random.random_range(0..30)
            ),
        ),
        ("server.address", 's', "db.internal".into()),
        ("server.port", 'i', "5432".into()),
        (
            "db.response.returned_rows",
            'i',
            number(random.random_range(0..1000)),
        ),
    ]
}

fn message(random: &mut StdRng) -> Vec<Entry> {
    vec![
        ("messaging.system", 's', "kafka".into()),
        (
            "messaging.destination.name",
            's',
            format!("topic-{}", random.random_range(0..12)),
        ),
        (
            "messaging.message.body.size",
            'i',
            number(random.random_range(0..4000)),
        ),
        (
            "messaging.kafka.offset",
            'i',
            number(random.random_range(0..10_000_000)),
        ),
        (
            "retry.ratio",
            'd',
            format!("{}", f64::from(random.random_range(0..1000)) / 1000.0),
        ),
        ("sampled", 'b', "true".into()),
    ]
}

fn resource(service: usize, random: &mut StdRng) -> Vec<Entry> {
    vec![
        ("service.name", 's', format!("service-{service}")),
        ("service.version", 's', format!("1.{service}.0")),
        (
            "service.instance.id",
            's',
            format!(
                "00000000-0000-4000-8000-{:012}",
                service * 3 + random.random_range(0..3)
            ),
        ),
        ("host.name", 's', format!("node-{}", service % 7)),
        (
            "k8s.pod.name",
            's',
            format!("service-{service}-7f9c-{}", random.random_range(0..3)),
        ),
        ("k8s.namespace.name", 's', "shop".into()),
        (
            "telemetry.sdk.language",
            's',
            ["java", "go", "python"][service % 3].into(),
        ),
        ("telemetry.sdk.version", 's', "1.40.0".into()),
        (
            "process.pid",
            'i',
            number(1000 + i64::try_from(service).unwrap_or(0)),
        ),
    ]
}

fn batch(spans: &[Span], first: usize, random: &mut StdRng) -> RecordBatch {
    let schema = schema_of(Table::Spans);
    let columns = schema
        .fields()
        .iter()
        .map(|field| column(field.name(), field.data_type(), spans, first, random))
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

fn column(
    name: &str,
    kind: &DataType,
    spans: &[Span],
    first: usize,
    random: &mut StdRng,
) -> ArrayRef {
    let count = spans.len();
    let texts = |of: &dyn Fn(&Span) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(spans.iter().map(of)))
    };
    match (name, kind) {
        ("attributes", _) => map(spans, |span| &span.attributes),
        ("resource_attributes", _) => map(spans, |span| &span.resource),
        ("attribute_types", _) => {
            texts(&|span| span.attributes.iter().map(|entry| entry.1).collect())
        }
        ("resource_attribute_types", _) => {
            texts(&|span| span.resource.iter().map(|entry| entry.1).collect())
        }
        ("service_name", _) => texts(&|span| format!("service-{}", span.service)),
        ("name", _) => texts(&|span| span.attributes[0].2.clone()),
        ("kind", _) => texts(&|_| "SERVER".to_owned()),
        ("status_code", _) => texts(&|_| "UNSET".to_owned()),
        ("scope_attribute_types", _) => texts(&|_| String::new()),
        ("scope_attributes", _) => map(spans, |_| &[]),
        (_, DataType::FixedSizeBinary(size)) => {
            let mut ids = FixedSizeBinaryBuilder::new(*size);
            for _ in 0..count {
                let id: [u8; 16] = random.random();
                ids.append_value(&id[..usize::try_from(*size).unwrap()])
                    .unwrap();
            }
            Arc::new(ids.finish())
        }
        (_, DataType::Timestamp(..)) => {
            let times = (first..first + count).map(|row| i64::try_from(row).unwrap() * 1_000_000);
            Arc::new(TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC"))
        }
        ("duration_ns", _) => Arc::new(Int64Array::from_iter_values(
            (0..count).map(|_| random.random_range(1000..2_000_000_000)),
        )),
        (_, DataType::Int64) => Arc::new(Int64Array::from_iter_values(
            (first..first + count).map(|row| i64::try_from(row).unwrap()),
        )),
        (_, DataType::UInt32) => Arc::new(UInt32Array::from(vec![0; count])),
        (_, DataType::List(_)) => empty_lists(kind, count),
        (_, kind) => new_null_array(kind, count),
    }
}

/// Lists without elements that are not null.
fn empty_lists(kind: &DataType, count: usize) -> ArrayRef {
    let DataType::List(field) = kind else {
        return new_null_array(kind, count);
    };
    let offsets = arrow::buffer::OffsetBuffer::new_zeroed(count);
    let values = concat(&[new_empty_array(field.data_type()).as_ref()]).unwrap();
    Arc::new(arrow::array::ListArray::new(
        Arc::clone(field),
        offsets,
        values,
        None,
    ))
}

fn map<'a>(spans: &'a [Span], of: impl Fn(&'a Span) -> &'a [Entry]) -> ArrayRef {
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "keys".into(),
        value: "values".into(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for span in spans {
        for (key, _, value) in of(span) {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).unwrap();
    }
    Arc::new(builder.finish())
}

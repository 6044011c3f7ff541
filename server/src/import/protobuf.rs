//! OTLP protobuf in files: which signal it is, and where one request ends.
//!
//! ```text
//!  one request:      0a …                       (field 1, length-delimited)
//!  several requests: 00 00 1f 40 │ 8,000 bytes │ 00 00 …   (lengths big-endian, as the
//!                                                OpenTelemetry Collector's file exporter writes)
//! ```
//! A request of under 16 MiB has a length that begins with 00, which no protobuf message does.

use spoor_collector::Signal;

/// Whether a file that begins so is requests with their lengths.
pub(super) fn is_framed(head: &[u8]) -> bool {
    head.first() == Some(&0)
}

/// What an OTLP protobuf request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// Spans or log records.
    Signal(Signal),
    /// Metrics, which are not taken.
    Metrics,
    /// No record at all.
    Nothing,
}

/// Looks at the first record of a request. Traces, logs and metrics are nested alike: a request
/// holds resources (1), these hold scopes (2), and these records (2). `None` if it is none of them.
pub(super) fn carried(request: &[u8]) -> Option<Carried> {
    for resource in submessages(request, 1) {
        for scope in submessages(resource?, 2) {
            if let Some(record) = submessages(scope?, 2).next() {
                return Some(Shape::of(record?)?.carried());
            }
        }
    }
    Some(Carried::Nothing)
}

/// Which fields a record has, by wire type: that is where spans, log records and metrics differ.
#[derive(Default)]
struct Shape {
    varint: u64,
    fixed64: u64,
    bytes: u64,
    /// Field 1 of 16 bytes and field 2 of 8.
    has_span_ids: [bool; 2],
}

impl Shape {
    fn of(mut record: &[u8]) -> Option<Self> {
        let mut shape = Self::default();
        while !record.is_empty() {
            let field = Field::read(&mut record)?;
            let bit = 1_u64
                .checked_shl(u32::try_from(field.number).unwrap_or(u32::MAX))
                .unwrap_or(0);
            match field.value {
                Value::Varint => shape.varint |= bit,
                Value::Fixed64 => shape.fixed64 |= bit,
                Value::Fixed32 => {}
                Value::Bytes(bytes) => {
                    shape.bytes |= bit;
                    shape.has_span_ids[0] |= field.number == 1 && bytes.len() == 16;
                    shape.has_span_ids[1] |= field.number == 2 && bytes.len() == 8;
                }
            }
        }
        Some(shape)
    }

    fn carried(&self) -> Carried {
        let any = |set: u64, numbers: &[u32]| numbers.iter().any(|number| set & (1 << number) != 0);
        // Start and end of a span; time, observed time and severity of a log record.
        if any(self.fixed64, &[7, 8]) || self.has_span_ids == [true, true] {
            Carried::Signal(Signal::Traces)
        } else if any(self.fixed64, &[1, 11]) || any(self.varint, &[2]) {
            Carried::Signal(Signal::Logs)
        } else if any(self.bytes, &[1]) {
            // A name, and then a gauge, sum, histogram, exponential histogram or summary.
            if any(self.bytes, &[5, 7, 9, 10, 11]) {
                Carried::Metrics
            } else {
                Carried::Signal(Signal::Traces)
            }
        } else if any(self.bytes, &[5, 6]) {
            // Body and attributes of a log record without any time.
            Carried::Signal(Signal::Logs)
        } else {
            Carried::Nothing
        }
    }
}

enum Value<'a> {
    Varint,
    Fixed64,
    Fixed32,
    Bytes(&'a [u8]),
}

struct Field<'a> {
    number: u64,
    value: Value<'a>,
}

impl<'a> Field<'a> {
    /// The next field; `None` if the bytes are no protobuf.
    fn read(rest: &mut &'a [u8]) -> Option<Self> {
        let key = varint(rest)?;
        let value = match key & 7 {
            0 => {
                varint(rest)?;
                Value::Varint
            }
            1 => {
                *rest = rest.get(8..)?;
                Value::Fixed64
            }
            2 => {
                let length = usize::try_from(varint(rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                *rest = after;
                Value::Bytes(bytes)
            }
            5 => {
                *rest = rest.get(4..)?;
                Value::Fixed32
            }
            _ => return None,
        };
        let number = key >> 3;
        (number > 0).then_some(Self { number, value })
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The bytes of every field `number`; `None` once the message turns out broken.
fn submessages(message: &[u8], number: u64) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            match Field::read(&mut rest) {
                Some(Field {
                    number: found,
                    value: Value::Bytes(bytes),
                }) if found == number => {
                    return Some(Some(bytes));
                }
                Some(_) => {}
                None => {
                    rest = &[];
                    return Some(None);
                }
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message;

    use super::*;

    fn traces(span: Span) -> Vec<u8> {
        let scope = ScopeSpans {
            spans: vec![span],
            ..Default::default()
        };
        let resource = ResourceSpans {
            scope_spans: vec![ScopeSpans::default(), scope],
            ..Default::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![resource],
        }
        .encode_to_vec()
    }

    fn logs(record: LogRecord) -> Vec<u8> {
        let scope = ScopeLogs {
            log_records: vec![record],
            ..Default::default()
        };
        let resource = ResourceLogs {
            scope_logs: vec![scope],
            ..Default::default()
        };
        ExportLogsServiceRequest {
            resource_logs: vec![resource],
        }
        .encode_to_vec()
    }

    #[test]
    fn spans_and_logs_are_told_apart() {
        let span = Span {
            trace_id: vec![0xab; 16],
            span_id: vec![1; 8],
            name: "GET /".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            carried(&traces(span)),
            Some(Carried::Signal(Signal::Traces))
        );
        let ascii = Span {
            trace_id: vec![b'a'; 16],
            start_time_unix_nano: 5,
            name: "x".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            carried(&traces(ascii)),
            Some(Carried::Signal(Signal::Traces))
        );
        for record in [
            LogRecord {
                time_unix_nano: 1,
                ..Default::default()
            },
            LogRecord {
                observed_time_unix_nano: 1,
                ..Default::default()
            },
            LogRecord {
                severity_number: 9,
                trace_id: vec![1; 16],
                ..Default::default()
            },
        ] {
            assert_eq!(carried(&logs(record)), Some(Carried::Signal(Signal::Logs)));
        }
    }

    #[test]
    fn metrics_nothing_and_nonsense() {
        // name "m", gauge of 0 bytes; inside a scope (2), a resource (2), a request (1).
        let metric = [0x0a, 1, b'm', 0x2a, 0];
        let scope = [&[0x12, 5][..], &metric].concat();
        let resource = [&[0x12, 7][..], &scope].concat();
        let request = [&[0x0a, 9][..], &resource].concat();
        assert_eq!(carried(&request), Some(Carried::Metrics));
        assert_eq!(carried(b""), Some(Carried::Nothing));
        assert_eq!(carried(&[0x0a, 0]), Some(Carried::Nothing));
        assert_eq!(carried(b"\n\xff\xff\xff"), None);
        assert_eq!(carried(b"plain text"), None);
    }
}

//! Tempo's API gives a trace as protobuf, field by field what was sent.

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use prost::Message;

use crate::data;
use crate::harness::Home;

const PROTOBUF: &str = "application/protobuf";

/// Every span with its surroundings, in an order that does not depend on how they are grouped.
fn spans_of(resource_spans: &[ResourceSpans], trace_id: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for resource in resource_spans {
        for scope in &resource.scope_spans {
            for span in scope.spans.iter().filter(|span| span.trace_id == trace_id) {
                let around = (&resource.resource, &resource.schema_url, &scope.scope);
                found.push(format!("{around:?} {span:?}"));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_trace_as_protobuf_is_what_was_sent() {
    let home = Home::new();
    let server = home.serve().await;
    let file = data::path("otlp/zipkin-traces.jsonl.gz");
    let (_, lines) = data::lines(&file);
    let mut sent = Vec::new();
    for line in lines {
        let request = data::convert::traces(&line);
        server.otlp().export_spans(&request).await;
        sent.extend(request.resource_spans);
    }
    let mut ids: Vec<Vec<u8>> = sent
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| scope.spans.iter().map(|span| span.trace_id.clone()))
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 9);
    for id in ids {
        let digits = format!(
            "{:032x}",
            u128::from_be_bytes(id.as_slice().try_into().unwrap())
        );
        let path = format!("/tempo/api/traces/{digits}");
        let first = server.api().get_as(&path, PROTOBUF).await;
        let first = TracesData::decode(first.as_slice()).unwrap();
        assert_eq!(spans_of(&first.resource_spans, &id), spans_of(&sent, &id));
        // The second version has the trace in field 1 of an envelope.
        let path = format!("/tempo/api/v2/traces/{digits}");
        let second = server.api().get_as(&path, PROTOBUF).await;
        let mut rest = second.as_slice();
        let (field, wire_type) = prost::encoding::decode_key(&mut rest).unwrap();
        assert_eq!(
            (field, wire_type),
            (1, prost::encoding::WireType::LengthDelimited)
        );
        let second = TracesData::decode_length_delimited(rest).unwrap();
        assert_eq!(second, first);
    }
}

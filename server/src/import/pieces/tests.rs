use std::path::Path;

use super::super::source::find;
use super::*;

fn read_file(path: &Path, format: FileFormat, max_request_bytes: usize) -> Vec<(u64, Content)> {
    let sources = find(&[path.to_path_buf()]).unwrap();
    let progress = Progress::new(&sources);
    let mut found = Vec::new();
    let limits = Limits {
        format,
        max_request_bytes,
    };
    for source in sources {
        let more = read(&source, limits, &progress, &mut |piece| {
            found.push((piece.place.line, piece.content));
            true
        });
        assert!(more);
    }
    found
}

fn read_as(name: &str, bytes: impl AsRef<[u8]>, format: FileFormat) -> Vec<(u64, Content)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read_file(&path, format, 4096)
}

fn request(signal: Signal, format: Format, body: &str) -> Content {
    Content::Request {
        signal,
        format,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

#[test]
fn a_request_a_line_with_log_lines_between() {
    let text = "\u{feff}\n{\"resourceSpans\":[]}\n{\"msg\":1}\nplain\n\n{\"resourceLogs\":[]}\n{\"resourceMetrics\":[]}\nlast";
    let found = read_as("a.jsonl", text, FileFormat::Auto);
    assert_eq!(
        found,
        [
            (
                2,
                request(Signal::Traces, Format::Json, "{\"resourceSpans\":[]}\n")
            ),
            (
                3,
                request(Signal::Logs, Format::JsonLines, "{\"msg\":1}\nplain\n")
            ),
            (
                6,
                request(Signal::Logs, Format::Json, "{\"resourceLogs\":[]}\n")
            ),
            (7, Content::NotTaken("metrics")),
            (8, request(Signal::Logs, Format::JsonLines, "last\n")),
        ]
    );
}

#[test]
fn documents_over_several_lines() {
    let spans = "{\n  \"resourceSpans\": []\n}";
    let logs = "{\"resourceLogs\":\n []}";
    let found = read_as(
        "a.json",
        format!("{spans}\n{logs}\n\n{{\n \"msg\": 1}}\n"),
        FileFormat::Auto,
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], (1, request(Signal::Traces, Format::Json, spans)));
    assert_eq!(found[1].1, request(Signal::Logs, Format::Json, logs));
    assert_eq!(
        found[2].1,
        request(Signal::Logs, Format::JsonLines, "{\n \"msg\": 1}")
    );
    let cut = read_as("a.json", "{\n  \"resourceSpans\": [", FileFormat::Auto);
    assert!(
        matches!(cut.as_slice(), [(1, Content::Unreadable(_))]),
        "{cut:?}"
    );
}

#[test]
fn too_long_lines_and_documents_are_refused_and_not_read_into_memory() {
    let long = "x".repeat(10_000);
    let found = read_as("a.log", format!("short\n{long}\nnext\n"), FileFormat::Auto);
    assert!(
        matches!(&found[0], (2, Content::Refused(why)) if why.contains("--max-request-bytes")),
        "{found:?}"
    );
    assert_eq!(
        found[1],
        (1, request(Signal::Logs, Format::JsonLines, "short\nnext\n"))
    );
    let document = format!("{{\n\"resourceSpans\": \"{long}\"}}");
    let found = read_as("a.json", document, FileFormat::Auto);
    assert!(
        matches!(&found[..], [(1, Content::Unreadable(why))] if why.contains("--max-request-bytes")),
        "{found:?}"
    );
}

#[test]
fn protobuf_alone_and_with_lengths() {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use prost::Message;

    let record = LogRecord {
        time_unix_nano: 1,
        ..Default::default()
    };
    let scope = ScopeLogs {
        log_records: vec![record],
        ..Default::default()
    };
    let resource = ResourceLogs {
        scope_logs: vec![scope],
        ..Default::default()
    };
    let body = ExportLogsServiceRequest {
        resource_logs: vec![resource],
    }
    .encode_to_vec();
    let expected = Content::Request {
        signal: Signal::Logs,
        format: Format::Protobuf,
        body: Bytes::from(body.clone()),
    };
    assert_eq!(
        read_as("a.pb", &body, FileFormat::Auto),
        [(1, expected.clone())]
    );
    assert_eq!(
        read_as("a", &body, FileFormat::OtlpProtobuf),
        [(1, expected.clone())]
    );

    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let framed = [&length[..], &body, &length, &body].concat();
    assert_eq!(
        read_as("a.pb", &framed, FileFormat::Auto),
        [(1, expected.clone()), (2, expected)]
    );
    let cut = read_as("a.pb", &framed[..framed.len() - 1], FileFormat::Auto);
    assert!(matches!(&cut[1], (2, Content::Unreadable(_))), "{cut:?}");
}

#[test]
fn what_is_no_text_is_not_taken_for_log_lines() {
    let found = read_as("a.parquet", b"PAR1\0\0\0", FileFormat::Auto);
    assert!(
        matches!(&found[..], [(_, Content::Unreadable(_))]),
        "{found:?}"
    );
    let found = read_as("a.json", "{\"msg\": 1}", FileFormat::OtlpJson);
    assert!(
        matches!(&found[..], [(1, Content::Refused(_))]),
        "{found:?}"
    );
    let found = read_as("a.json", "{\"resourceSpans\": []}", FileFormat::Lines);
    assert!(matches!(
        &found[..],
        [(
            1,
            Content::Request {
                format: Format::JsonLines,
                ..
            }
        )]
    ));
    assert_eq!(read_as("empty", "\n \n", FileFormat::Auto), []);
}

#[test]
fn reading_stops_when_nothing_more_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "{\"resourceSpans\":[]}\n".repeat(10)).unwrap();
    let sources = find(&[path]).unwrap();
    let progress = Progress::new(&sources);
    let limits = Limits {
        format: FileFormat::Auto,
        max_request_bytes: 4096,
    };
    let mut count = 0;
    let more = read(&sources[0], limits, &progress, &mut |_| {
        count += 1;
        count < 3
    });
    assert!(!more);
    assert_eq!(count, 3);
}

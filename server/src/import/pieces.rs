//! From the bytes of a file to pieces that can be sent: never more than one request in memory.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use spoor_collector::{Format, Signal};

use super::FileFormat;
use super::class::{Class, classify, goes_on};
use super::progress::Progress;
use super::protobuf::{Carried, carried, is_framed};
use super::source::Source;

/// Log lines go together in batches of about this size.
const BATCH_BYTES: usize = 1 << 20;

/// How much of a file is looked at to see whether it is text.
const HEAD_BYTES: usize = 8 << 10;

/// Where a piece stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The file's name.
    pub(super) file: Arc<str>,
    /// Its first line, from 1; for protobuf the number of the request.
    pub(super) line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) place: Place,
    pub(super) content: Content,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A request to export.
    Request {
        signal: Signal,
        format: Format,
        body: Bytes,
    },
    /// A request with a signal that Spoor does not take.
    NotTaken(&'static str),
    /// A request that cannot be read, and why.
    Refused(String),
    /// The rest of the file cannot be read, and why.
    Unreadable(String),
}

impl Piece {
    /// Bytes it holds.
    pub(super) fn memory_bytes(&self) -> usize {
        match &self.content {
            Content::Request { body, .. } => body.len(),
            _ => 0,
        }
    }
}

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) format: FileFormat,
    /// Largest request, unpacked.
    pub(super) max_request_bytes: usize,
}

/// Reads `source` to its end and hands over what is in it. `false` if `hand_over` wants no more.
pub(super) fn read(
    source: &Source,
    limits: Limits,
    progress: &Progress,
    hand_over: &mut dyn FnMut(Piece) -> bool,
) -> bool {
    let mut reader = Reader {
        file: source.name().into(),
        line: 0,
        limits,
        batch: Vec::new(),
        batch_line: 0,
        hand_over,
        is_wanted: true,
    };
    let format = match limits.format {
        FileFormat::Auto if source.is_protobuf_by_name() => FileFormat::OtlpProtobuf,
        format => format,
    };
    let end = source.open(progress).and_then(|mut bytes| match format {
        FileFormat::OtlpProtobuf => reader.protobuf(&mut bytes),
        FileFormat::Lines => reader.lines(&mut bytes, Vec::new(), |_| Class::Log),
        FileFormat::Auto | FileFormat::OtlpJson => reader.text(&mut bytes),
    });
    reader.hand_over_batch();
    if let Err(error) = end {
        reader.give(Content::Unreadable(error.to_string()));
    }
    reader.is_wanted
}

struct Reader<'a> {
    file: Arc<str>,
    /// The line or request last read, from 1.
    line: u64,
    limits: Limits,
    /// Log lines that wait for others.
    batch: Vec<u8>,
    batch_line: u64,
    hand_over: &'a mut dyn FnMut(Piece) -> bool,
    is_wanted: bool,
}

impl Reader<'_> {
    fn give_at(&mut self, line: u64, content: Content) {
        let place = Place {
            file: Arc::clone(&self.file),
            line,
        };
        self.is_wanted = self.is_wanted && (self.hand_over)(Piece { place, content });
    }

    fn give(&mut self, content: Content) {
        self.give_at(self.line, content);
    }

    fn hand_over_batch(&mut self) {
        if !self.batch.is_empty() {
            let body = Bytes::from(std::mem::take(&mut self.batch));
            let content = Content::Request {
                signal: Signal::Logs,
                format: Format::JsonLines,
                body,
            };
            self.give_at(self.batch_line, content);
        }
    }

    /// JSON, a request a line or documents over several lines, or log lines: the first line tells.
    fn text(&mut self, bytes: &mut dyn BufRead) -> io::Result<()> {
        if bytes.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            bytes.consume(3);
        }
        if !is_text(bytes.fill_buf()?) {
            let what = "this is neither text nor anything else that can be imported; name OTLP protobuf files `.pb` or say --format otlp-protobuf";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let mut first = Vec::new();
        loop {
            first.clear();
            if bytes
                .take(self.limits.max_request_bytes as u64)
                .read_until(b'\n', &mut first)?
                == 0
            {
                return Ok(());
            }
            if !first.trim_ascii().is_empty() {
                break;
            }
            self.line += 1;
        }
        if goes_on(first.trim_ascii()) {
            return self.documents(&mut io::Cursor::new(first).chain(bytes));
        }
        let only_otlp = self.limits.format == FileFormat::OtlpJson;
        self.lines(bytes, first, |line| match classify(line) {
            Class::Log if only_otlp => Class::Otlp {
                signals: Vec::new(),
                not_taken: None,
            },
            class => class,
        })
    }

    /// `first` has been read already.
    fn lines(
        &mut self,
        bytes: &mut dyn BufRead,
        first: Vec<u8>,
        class: impl Fn(&[u8]) -> Class,
    ) -> io::Result<()> {
        let limit = self.limits.max_request_bytes;
        let mut line = first;
        while self.is_wanted {
            let room = (limit + 1).saturating_sub(line.len()) as u64;
            if !line.ends_with(b"\n") {
                bytes.take(room).read_until(b'\n', &mut line)?;
            }
            if line.is_empty() {
                break;
            }
            self.line += 1;
            if line.len() > limit {
                self.give(Content::Refused(format!(
                    "the line is longer than {limit} bytes; raise --max-request-bytes"
                )));
                skip_line(bytes)?;
            } else if !line.trim_ascii().is_empty() {
                match class(line.trim_ascii()) {
                    Class::Log => self.add_to_batch(&line),
                    Class::Otlp { signals, not_taken } => {
                        self.otlp_json(
                            &signals,
                            not_taken,
                            &Bytes::from(std::mem::take(&mut line)),
                        );
                    }
                }
            }
            line.clear();
        }
        Ok(())
    }

    fn add_to_batch(&mut self, line: &[u8]) {
        if self.batch.len() + line.len() > BATCH_BYTES {
            self.hand_over_batch();
        }
        if self.batch.is_empty() {
            self.batch_line = self.line;
        }
        self.batch.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            self.batch.push(b'\n');
        }
    }

    fn otlp_json(&mut self, signals: &[Signal], not_taken: Option<&'static str>, body: &Bytes) {
        self.hand_over_batch();
        if let Some(what) = not_taken {
            self.give(Content::NotTaken(what));
        } else if signals.is_empty() {
            let what = "there is neither `resourceSpans` nor `resourceLogs` in it";
            self.give(Content::Refused(what.to_owned()));
        }
        for &signal in signals {
            self.give(Content::Request {
                signal,
                format: Format::Json,
                body: body.clone(),
            });
        }
    }

    /// Documents one after the other, each over as many lines as it likes.
    fn documents(&mut self, bytes: &mut dyn BufRead) -> io::Result<()> {
        let limit = self.limits.max_request_bytes;
        let mut first_line = self.line + 1;
        let mut rest = bytes;
        loop {
            let mut document = Bounded {
                bytes: rest,
                left: limit as u64 + 1,
                lines: 0,
            };
            let next = serde_json::Deserializer::from_reader(&mut document)
                .into_iter::<Box<RawValue>>()
                .next();
            let (is_too_long, lines) = (document.left == 0, document.lines);
            rest = document.bytes;
            self.line = first_line;
            match next {
                None => return Ok(()),
                Some(Ok(text)) => {
                    let text: Box<str> = text.into();
                    self.document(Bytes::from(String::from(text)));
                }
                Some(Err(_)) if is_too_long => {
                    let what = format!(
                        "the document is longer than {limit} bytes; raise --max-request-bytes"
                    );
                    return Err(io::Error::other(what));
                }
                Some(Err(error)) => return Err(error.into()),
            }
            if !self.is_wanted {
                return Ok(());
            }
            first_line += lines;
        }
    }

    fn document(&mut self, text: Bytes) {
        match classify(&text) {
            Class::Otlp { signals, not_taken } => self.otlp_json(&signals, not_taken, &text),
            Class::Log if self.limits.format == FileFormat::OtlpJson => {
                self.otlp_json(&[], None, &text);
            }
            Class::Log => self.give(Content::Request {
                signal: Signal::Logs,
                format: Format::JsonLines,
                body: text,
            }),
        }
    }

    fn protobuf(&mut self, bytes: &mut dyn BufRead) -> io::Result<()> {
        let limit = self.limits.max_request_bytes;
        let framed = is_framed(bytes.fill_buf()?);
        while self.is_wanted && !bytes.fill_buf()?.is_empty() {
            self.line += 1;
            let length = if framed {
                let mut length = [0; 4];
                bytes.read_exact(&mut length)?;
                u64::from(u32::from_be_bytes(length))
            } else {
                limit as u64 + 1
            };
            if framed && length > limit as u64 {
                let what = format!(
                    "request {} has {length} bytes; raise --max-request-bytes above its {limit}",
                    self.line
                );
                return Err(io::Error::other(what));
            }
            let mut body = Vec::new();
            let read = bytes.take(length).read_to_end(&mut body)?;
            if framed && (read as u64) < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if read > limit {
                let what =
                    format!("the request is longer than {limit} bytes; raise --max-request-bytes");
                return Err(io::Error::other(what));
            }
            self.give_protobuf(Bytes::from(body));
        }
        Ok(())
    }

    fn give_protobuf(&mut self, body: Bytes) {
        let content = match carried(&body) {
            Some(Carried::Signal(signal)) => Content::Request {
                signal,
                format: Format::Protobuf,
                body,
            },
            Some(Carried::Metrics) => Content::NotTaken("metrics"),
            Some(Carried::Nothing) => return,
            None => Content::Refused("this is not an OTLP export request in protobuf".to_owned()),
        };
        self.give(content);
    }
}

/// Whether bytes may be text: no zero byte, and hardly any control characters. Log files may hold
/// colours and bytes that are no UTF-8.
fn is_text(head: &[u8]) -> bool {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    let odd = |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b);
    !head.contains(&0) && head.iter().filter(odd).count() * 50 <= head.len()
}

fn skip_line(bytes: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = bytes.fill_buf()?;
        let (used, done) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(place) => (place + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        bytes.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Ends after `left` bytes, and counts lines. serde_json reads byte by byte, so nothing behind a
/// document is taken.
struct Bounded<'a> {
    bytes: &'a mut dyn BufRead,
    left: u64,
    lines: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.bytes).take(self.left).read(buffer)?;
        self.left -= read as u64;
        self.lines += buffer
            .iter()
            .take(read)
            .filter(|&&byte| byte == b'\n')
            .count() as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;

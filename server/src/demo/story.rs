//! One trace under construction: spans open and close, time moves, loggers write.
//!
//! Times are nanoseconds from the start of the trace until [`Telemetry::shift`] moves them to
//! where they belong, so a trace is the same story wherever it is placed.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::failures::{Failure, Outcome};
use super::random::{Dice, Latency};
use super::shop::{Layer, Service};
use super::values::{Value, any, attribute};
use super::weather::Weather;

/// Which part of which instance of which service made a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) service: Service,
    pub(super) pod: u8,
    pub(super) layer: Layer,
}

/// Severity of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    fn number(self) -> i32 {
        [5, 9, 13, 17][self as usize]
    }
}

/// Finished records with their origins.
#[derive(Debug, Default)]
pub(super) struct Telemetry {
    pub(super) spans: Vec<(Origin, Span)>,
    pub(super) logs: Vec<(Origin, LogRecord)>,
}

impl Telemetry {
    /// Moves everything `base_ns` later.
    pub(super) fn shift(&mut self, base_ns: u64) {
        for (_, span) in &mut self.spans {
            span.start_time_unix_nano += base_ns;
            span.end_time_unix_nano += base_ns;
            for event in &mut span.events {
                event.time_unix_nano += base_ns;
            }
        }
        for (_, log) in &mut self.logs {
            log.time_unix_nano += base_ns;
            log.observed_time_unix_nano += base_ns;
        }
    }

    /// Adds the records of `other`.
    pub(super) fn append(&mut self, mut other: Self) {
        self.spans.append(&mut other.spans);
        self.logs.append(&mut other.logs);
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.spans.len() + self.logs.len()
    }
}

/// A message on its way to a consumer.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: Vec<u8>,
    /// When it was published, nanoseconds from the start of its trace.
    pub(super) at_ns: u64,
    pub(super) topic: &'static str,
    pub(super) key: String,
    pub(super) offset: i64,
}

/// What a new span is.
#[derive(Debug)]
pub(super) struct SpanSpec {
    pub(super) origin: Origin,
    pub(super) kind: SpanKind,
    pub(super) name: String,
}

/// A trace under construction.
#[derive(Debug)]
pub(super) struct Story<'d> {
    pub(super) dice: &'d mut Dice,
    pub(super) weather: Weather,
    /// Messages that are taken up in traces of their own.
    pub(super) mail: Vec<Message>,
    trace_id: [u8; 16],
    telemetry: Telemetry,
}

impl<'d> Story<'d> {
    /// An empty trace with a new id.
    pub(super) fn new(dice: &'d mut Dice, weather: Weather) -> Self {
        let trace_id = dice.id();
        Self {
            dice,
            weather,
            mail: Vec::new(),
            trace_id,
            telemetry: Telemetry::default(),
        }
    }

    /// Tells the story from a root span. That the root failed is part of the story.
    pub(super) fn root(
        &mut self,
        spec: SpanSpec,
        at_ns: u64,
        links: Vec<Link>,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        self.span(spec, Vec::new(), at_ns, links, tell).1
    }

    /// The records, and the messages that wait for a trace of their own.
    pub(super) fn finish(self) -> (Telemetry, Vec<Message>) {
        (self.telemetry, self.mail)
    }

    fn span(
        &mut self,
        spec: SpanSpec,
        parent_span_id: Vec<u8>,
        at_ns: u64,
        links: Vec<Link>,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> (u64, Outcome) {
        let index = self.telemetry.spans.len();
        let origin = spec.origin;
        self.telemetry.spans.push((
            origin,
            Span {
                trace_id: self.trace_id.to_vec(),
                span_id: self.dice.id::<8>().to_vec(),
                parent_span_id,
                flags: 0x101,
                name: spec.name,
                kind: spec.kind.into(),
                start_time_unix_nano: at_ns,
                links,
                ..Span::default()
            },
        ));
        let mut call = Call {
            story: self,
            origin,
            span: index,
            now_ns: at_ns,
            joined_ns: at_ns,
        };
        let outcome = tell(&mut call);
        let end_ns = call.now_ns.max(call.joined_ns);
        self.telemetry.spans[index].1.end_time_unix_nano = end_ns;
        (end_ns, outcome)
    }
}

/// An open span and the time inside it.
#[derive(Debug)]
pub(super) struct Call<'s, 'd> {
    pub(super) story: &'s mut Story<'d>,
    pub(super) origin: Origin,
    span: usize,
    now_ns: u64,
    joined_ns: u64,
}

impl<'d> Call<'_, 'd> {
    /// Chance.
    pub(super) fn dice(&mut self) -> &mut Dice {
        self.story.dice
    }

    /// The incidents of the hour.
    pub(super) fn weather(&self) -> Weather {
        self.story.weather
    }

    /// Milliseconds since the span began.
    pub(super) fn elapsed_ms(&mut self) -> u64 {
        let start_ns = self.open_span().start_time_unix_nano;
        (self.now_ns - start_ns) / 1_000_000
    }

    /// Lets time pass.
    pub(super) fn work(&mut self, latency: Latency) {
        self.now_ns += self.story.dice.latency_ns(latency);
    }

    /// Lets exactly this much time pass.
    pub(super) fn wait_ns(&mut self, duration_ns: u64) {
        self.now_ns += duration_ns;
    }

    /// Does something beside what comes next; [`Call::join`] waits for it.
    pub(super) fn fork(&mut self, branch: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let start_ns = self.now_ns;
        let outcome = branch(self);
        self.joined_ns = self.joined_ns.max(self.now_ns);
        self.now_ns = start_ns;
        outcome
    }

    /// Waits for everything that was forked.
    pub(super) fn join(&mut self) {
        self.now_ns = self.now_ns.max(self.joined_ns);
    }

    /// Sets an attribute of the span.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.open_span().attributes.push(attribute(key, value));
    }

    /// Marks the span as failed.
    pub(super) fn fail(&mut self, message: &str) {
        self.open_span().status = Some(Status {
            message: message.to_owned(),
            code: StatusCode::Error.into(),
        });
    }

    /// Adds an event to the span.
    pub(super) fn event(&mut self, name: &str, attributes: Vec<KeyValue>) {
        let time_unix_nano = self.now_ns;
        self.open_span().events.push(Event {
            time_unix_nano,
            name: name.to_owned(),
            attributes,
            ..Event::default()
        });
    }

    /// Records `failure` as an exception of this span and gives it back to be returned.
    pub(super) fn raise(&mut self, failure: Failure) -> Outcome {
        let attributes = vec![
            attribute("exception.type", failure.fault.exception),
            attribute("exception.message", failure.message.as_str()),
            attribute("exception.stacktrace", failure.stacktrace()),
        ];
        self.event("exception", attributes);
        Err(failure)
    }

    /// Writes a log record in the context of the span.
    pub(super) fn log(&mut self, level: Level, body: impl Into<Value>, attributes: Vec<KeyValue>) {
        let span = &self.story.telemetry.spans[self.span].1;
        let mut record = log_record(self.origin.service, level, self.now_ns, body, attributes);
        record.trace_id.clone_from(&span.trace_id);
        record.span_id.clone_from(&span.span_id);
        record.flags = 1;
        let origin = Origin {
            layer: Layer::App,
            ..self.origin
        };
        self.story.telemetry.logs.push((origin, record));
    }

    /// Writes a log record that carries `failure` as its exception.
    pub(super) fn log_failure(&mut self, body: impl Into<Value>, failure: &Failure) {
        let attributes = vec![
            attribute("exception.type", failure.fault.exception),
            attribute("exception.message", failure.message.as_str()),
            attribute("exception.stacktrace", failure.stacktrace()),
        ];
        self.log(Level::Error, body, attributes);
    }

    /// Opens a child span, tells what happens in it, and goes on when it has ended.
    pub(super) fn child(
        &mut self,
        spec: SpanSpec,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let parent = self.open_span().span_id.clone();
        let (end_ns, outcome) = self.story.span(spec, parent, self.now_ns, Vec::new(), tell);
        self.now_ns = end_ns;
        outcome
    }

    /// A span inside this service.
    pub(super) fn internal(
        &mut self,
        name: &str,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let spec = SpanSpec {
            origin: Origin {
                layer: Layer::App,
                ..self.origin
            },
            kind: SpanKind::Internal,
            name: name.to_owned(),
        };
        self.child(spec, tell)
    }

    /// The message that this span publishes.
    pub(super) fn message(&mut self, topic: &'static str, key: &str, offset: i64) -> Message {
        Message {
            trace_id: self.story.trace_id,
            span_id: self.open_span().span_id.clone(),
            at_ns: self.now_ns,
            topic,
            key: key.to_owned(),
            offset,
        }
    }

    /// A consumer takes up `message` in this same trace, later and on its own time.
    pub(super) fn deliver(
        &mut self,
        message: &Message,
        after_ns: u64,
        spec: SpanSpec,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let at_ns = message.at_ns + after_ns;
        let parent = message.span_id.clone();
        self.story
            .span(spec, parent, at_ns, vec![message.link()], tell)
            .1
    }

    fn open_span(&mut self) -> &mut Span {
        &mut self.story.telemetry.spans[self.span].1
    }
}

impl Message {
    /// A link to the span that published it.
    pub(super) fn link(&self) -> Link {
        Link {
            trace_id: self.trace_id.to_vec(),
            span_id: self.span_id.clone(),
            attributes: vec![attribute("messaging.destination.name", self.topic)],
            flags: 0x101,
            ..Link::default()
        }
    }
}

/// A log record outside any trace.
pub(super) fn log_record(
    service: Service,
    level: Level,
    time_ns: u64,
    body: impl Into<Value>,
    attributes: Vec<KeyValue>,
) -> LogRecord {
    /// From a logger's call to the collector's clock.
    const OBSERVED_AFTER_NS: u64 = 180_000;
    LogRecord {
        time_unix_nano: time_ns,
        observed_time_unix_nano: time_ns + OBSERVED_AFTER_NS,
        severity_number: level.number(),
        severity_text: service.facts().language.level(level).to_owned(),
        body: Some(any(body.into())),
        attributes,
        ..LogRecord::default()
    }
}

//! Counters of the collector, for `/metrics`.
//!
//! `received_records = accepted_records + rejected_records{reason}` holds whenever no request is
//! on its way. Records of a request that is refused as a whole after it was decoded (storage is
//! busy, say) are rejected with the error's kind as the reason; the sender may send them again.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use spoor_storage::{Error, Result};

use crate::decode::Counts;
use crate::{ExportOutcome, Signal};

/// The way a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Grpc,
    Http,
    Import,
}

impl Transport {
    fn label(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Import => "import",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySignal {
    signal: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    signal: &'static str,
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    signal: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    signal: &'static str,
    transport: &'static str,
    outcome: &'static str,
}

/// All metrics of a collector.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<ByOutcome, Counter>,
    received_bytes: Family<BySource, Counter>,
    request_size_bytes: Histogram,
    received_records: Family<BySource, Counter>,
    accepted_records: Family<BySignal, Counter>,
    rejected_records: Family<ByReason, Counter>,
    adjusted_records: Family<ByReason, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            received_bytes: Family::default(),
            // 1 KiB to 64 MiB.
            request_size_bytes: Histogram::new(exponential_buckets(1024.0, 4.0, 9)),
            received_records: Family::default(),
            accepted_records: Family::default(),
            rejected_records: Family::default(),
            adjusted_records: Family::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let collector = registry.sub_registry_with_prefix("spoor_collector");
        collector.register(
            "requests",
            "Export requests answered, by outcome: ok, partial or the kind of the error",
            self.requests.clone(),
        );
        collector.register(
            "received_bytes",
            "Bytes of export requests as they came over the wire",
            self.received_bytes.clone(),
        );
        collector.register(
            "request_size_bytes",
            "Size of decoded export requests as protobuf, uncompressed",
            self.request_size_bytes.clone(),
        );
        collector.register(
            "received_records",
            "Spans and log records in requests that could be decoded",
            self.received_records.clone(),
        );
        collector.register(
            "accepted_records",
            "Spans and log records that are durable and visible",
            self.accepted_records.clone(),
        );
        collector.register(
            "rejected_records",
            "Spans and log records that were not stored, by reason",
            self.rejected_records.clone(),
        );
        collector.register(
            "adjusted_records",
            "Spans and log records that were stored with a change, by reason",
            self.adjusted_records.clone(),
        );
    }

    /// A request's bytes are here.
    pub(crate) fn received_request(&self, signal: Signal, transport: Transport, bytes: usize) {
        let labels = BySource {
            signal: signal.name(),
            transport: transport.label(),
        };
        self.received_bytes
            .get_or_create(&labels)
            .inc_by(bytes as u64);
    }

    /// A request could be read.
    pub(crate) fn decoded(
        &self,
        signal: Signal,
        transport: Transport,
        rows: u64,
        rejected: &Counts,
        adjusted: &Counts,
    ) {
        let labels = BySource {
            signal: signal.name(),
            transport: transport.label(),
        };
        self.received_records
            .get_or_create(&labels)
            .inc_by(rows + rejected.total());
        for (reason, count) in rejected.as_slice() {
            self.reject(signal, reason, *count);
        }
        for (reason, count) in adjusted.as_slice() {
            let labels = ByReason {
                signal: signal.name(),
                reason,
            };
            self.adjusted_records.get_or_create(&labels).inc_by(*count);
        }
    }

    /// The size of a request that could be read.
    #[expect(clippy::cast_precision_loss, reason = "a size for a histogram")]
    pub(crate) fn observe_size(&self, bytes: usize) {
        self.request_size_bytes.observe(bytes as f64);
    }

    /// Storage has answered.
    pub(crate) fn appended(&self, signal: Signal, rows: u64, appended: &Result<()>) {
        match appended {
            Ok(()) => {
                let labels = BySignal {
                    signal: signal.name(),
                };
                self.accepted_records.get_or_create(&labels).inc_by(rows);
            }
            Err(error) => self.reject(signal, error.kind().label(), rows),
        }
    }

    /// A request gets its answer.
    pub(crate) fn answered(
        &self,
        signal: Signal,
        transport: Transport,
        outcome: &Result<ExportOutcome>,
    ) {
        let word = match outcome {
            Ok(outcome) if outcome.rejected == 0 => "ok",
            Ok(_) => "partial",
            Err(error) => error.kind().label(),
        };
        self.count_request(signal, transport, word);
    }

    /// A request is refused before its bytes are here.
    pub(crate) fn refused(&self, signal: Signal, transport: Transport, error: &Error) {
        self.count_request(signal, transport, error.kind().label());
    }

    fn count_request(&self, signal: Signal, transport: Transport, outcome: &'static str) {
        let labels = ByOutcome {
            signal: signal.name(),
            transport: transport.label(),
            outcome,
        };
        self.requests.get_or_create(&labels).inc();
    }

    fn reject(&self, signal: Signal, reason: &'static str, count: u64) {
        let labels = ByReason {
            signal: signal.name(),
            reason,
        };
        self.rejected_records.get_or_create(&labels).inc_by(count);
    }
}

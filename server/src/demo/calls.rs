//! Calls between services, to databases, partners and queues, with the attributes that the
//! semantic conventions give them.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::failures::Outcome;
use super::random::Latency;
use super::shop::{Layer, Service};
use super::story::{Call, Message, Origin, SpanSpec};

/// The network inside the cluster, one way.
const NETWORK: Latency = Latency::us(220);

/// A request over HTTP.
#[derive(Debug)]
pub(super) struct Http<'a> {
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    pub(super) path: &'a str,
}

/// A query of a database.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) system: &'static str,
    pub(super) host: &'static str,
    pub(super) port: i64,
    pub(super) namespace: &'static str,
    pub(super) operation: &'static str,
    /// Table, index or key space; empty if it has none.
    pub(super) collection: &'static str,
    pub(super) text: &'a str,
}

impl<'d> Call<'_, 'd> {
    fn spec(&self, layer: Layer, kind: SpanKind, name: impl Into<String>) -> SpanSpec {
        SpanSpec {
            origin: Origin {
                layer,
                ..self.origin
            },
            kind,
            name: name.into(),
        }
    }

    /// An HTTP call to another service: a client span here, a server span there.
    pub(super) fn http(
        &mut self,
        service: Service,
        request: &Http<'_>,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let spec = self.spec(Layer::Client, SpanKind::Client, request.method);
        let facts = service.facts();
        self.child(spec, |client| {
            client.set("http.request.method", request.method);
            client.set("server.address", facts.name);
            client.set("server.port", facts.port);
            client.set(
                "url.full",
                format!("http://{}:{}{}", facts.name, facts.port, request.path),
            );
            client.work(NETWORK);
            let server = server_spec(
                client,
                service,
                format!("{} {}", request.method, request.route),
            );
            let outcome = client.child(server, |server| {
                server.set("http.request.method", request.method);
                server.set("http.route", request.route);
                server.set("url.path", request.path);
                server.set("url.scheme", "http");
                server.set("network.protocol.version", "1.1");
                let outcome = tell(server);
                http_status(server, &outcome, false);
                outcome
            });
            client.work(NETWORK);
            http_status(client, &outcome, true);
            outcome
        })
    }

    /// A gRPC call to another service.
    pub(super) fn grpc(
        &mut self,
        service: Service,
        of: &str,
        method: &str,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let name = format!("{of}/{method}");
        let spec = self.spec(Layer::Client, SpanKind::Client, name.as_str());
        let facts = service.facts();
        self.child(spec, |client| {
            rpc_attributes(client, of, method);
            client.set("server.address", facts.name);
            client.set("server.port", facts.port);
            client.work(NETWORK);
            let server = server_spec(client, service, name);
            let outcome = client.child(server, |server| {
                rpc_attributes(server, of, method);
                let outcome = tell(server);
                grpc_status(server, &outcome, false);
                outcome
            });
            client.work(NETWORK);
            grpc_status(client, &outcome, true);
            outcome
        })
    }

    /// A query: a client span only, databases do not trace themselves.
    pub(super) fn query(&mut self, query: &Query<'_>, latency: Latency) -> Outcome {
        self.query_then(query, latency, |_| Ok(()))
    }

    /// A query that may fail after it took its time.
    pub(super) fn query_then(
        &mut self,
        query: &Query<'_>,
        latency: Latency,
        then: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let name = if query.collection.is_empty() {
            query.operation.to_owned()
        } else {
            format!("{} {}", query.operation, query.collection)
        };
        let spec = self.spec(Layer::Database, SpanKind::Client, name);
        self.child(spec, |span| {
            span.set("db.system.name", query.system);
            if !query.namespace.is_empty() {
                span.set("db.namespace", query.namespace);
            }
            span.set("db.operation.name", query.operation);
            if !query.collection.is_empty() {
                span.set("db.collection.name", query.collection);
            }
            span.set("db.query.text", query.text);
            span.set("server.address", query.host);
            span.set("server.port", query.port);
            span.work(latency);
            let outcome = then(span);
            if let Err(failure) = &outcome {
                span.set("error.type", failure.fault.exception);
                span.fail(&failure.message);
            }
            outcome
        })
    }

    /// A call to somebody else's HTTP API: a client span only.
    pub(super) fn partner(
        &mut self,
        method: &'static str,
        host: &str,
        path: &str,
        tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
    ) -> Outcome {
        let spec = self.spec(Layer::Client, SpanKind::Client, method);
        self.child(spec, |client| {
            client.set("http.request.method", method);
            client.set("server.address", host);
            client.set("server.port", 443_i64);
            client.set("url.full", format!("https://{host}{path}"));
            client.set("network.protocol.version", "2");
            let outcome = tell(client);
            match &outcome {
                // No answer came, so there is no status to report.
                Err(failure) if failure.fault.http_status == 504 => {
                    client.set("error.type", "timeout");
                    client.fail(&failure.message);
                }
                _ => http_status(client, &outcome, true),
            }
            outcome
        })
    }

    /// Publishes a message to Kafka.
    pub(super) fn publish(&mut self, topic: &'static str, key: &str) -> Message {
        let spec = self.spec(
            Layer::Messaging,
            SpanKind::Producer,
            format!("publish {topic}"),
        );
        let offset = self.dice().between(1_000_000, 9_000_000);
        let mut message = None;
        let published = self.child(spec, |producer| {
            producer.set("messaging.system", "kafka");
            producer.set("messaging.operation.type", "send");
            producer.set("messaging.operation.name", "publish");
            producer.set("messaging.destination.name", topic);
            producer.set("messaging.kafka.message.key", key);
            producer.set("messaging.kafka.offset", offset);
            producer.set("server.address", "kafka");
            producer.set("server.port", 9092_i64);
            producer.work(Latency::us(1600));
            message = Some(producer.message(topic, key, offset));
            Ok(())
        });
        debug_assert!(published.is_ok(), "publishing has no way to fail");
        message.unwrap_or_else(|| self.message(topic, key, offset))
    }
}

/// The server span of a call to `service`, on one of its instances.
pub(super) fn server_spec(call: &mut Call<'_, '_>, service: Service, name: String) -> SpanSpec {
    spec_on_any_pod(call, service, Layer::Server, SpanKind::Server, name)
}

/// A span on one instance of `service`.
pub(super) fn spec_on_any_pod(
    call: &mut Call<'_, '_>,
    service: Service,
    layer: Layer,
    kind: SpanKind,
    name: String,
) -> SpanSpec {
    let pods = i64::from(service.facts().pods);
    let pod = u8::try_from(call.dice().between(0, pods)).unwrap_or(0);
    SpanSpec {
        origin: Origin {
            service,
            pod,
            layer,
        },
        kind,
        name,
    }
}

/// The attributes of a consumer span.
pub(super) fn consumer_attributes(call: &mut Call<'_, '_>, message: &Message, group: &str) {
    call.set("messaging.system", "kafka");
    call.set("messaging.operation.type", "process");
    call.set("messaging.operation.name", "process");
    call.set("messaging.destination.name", message.topic);
    call.set("messaging.consumer.group.name", group);
    call.set("messaging.kafka.message.key", message.key.as_str());
    call.set("messaging.kafka.offset", message.offset);
}

/// Sets the HTTP status of an outcome. A 4xx is the client's error, not the server's.
pub(super) fn http_status(call: &mut Call<'_, '_>, outcome: &Outcome, is_client: bool) {
    let Err(failure) = outcome else {
        call.set("http.response.status_code", 200_i64);
        return;
    };
    let status = failure.fault.http_status;
    call.set("http.response.status_code", status);
    if is_client || failure.is_server_fault() {
        call.set("error.type", status.to_string());
        call.fail(if is_client { "" } else { &failure.message });
    }
}

fn rpc_attributes(call: &mut Call<'_, '_>, of: &str, method: &str) {
    call.set("rpc.system", "grpc");
    call.set("rpc.service", of);
    call.set("rpc.method", method);
}

fn grpc_status(call: &mut Call<'_, '_>, outcome: &Outcome, is_client: bool) {
    let status = outcome
        .as_ref()
        .map_or_else(|failure| failure.fault.grpc_status, |()| 0);
    call.set("rpc.grpc.status_code", status);
    if let Err(failure) = outcome
        && (is_client || failure.is_server_fault())
    {
        call.fail(&failure.message);
    }
}

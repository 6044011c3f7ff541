// The Node OpenTelemetry SDK exports to Spoor unchanged, and the very next query finds it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { SpanKind, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as GrpcLogs } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as GrpcTraces } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

import { Server } from "./server.js";

let server;
before(async () => {
  server = await Server.start();
});
after(() => server.stop());

const overHttp = (Exporter, path) => (options) =>
  new Exporter({ url: server.otlpHttp + path, ...options });
const overGrpc = (Exporter) => () => new Exporter({ url: server.otlpGrpc });

const transports = {
  grpc: { spans: overGrpc(GrpcTraces), logs: overGrpc(GrpcLogs) },
  "http/protobuf": {
    spans: overHttp(ProtobufTraces, "/v1/traces"),
    logs: overHttp(ProtobufLogs, "/v1/logs"),
  },
  "http/json": { spans: overHttp(JsonTraces, "/v1/traces"), logs: overHttp(JsonLogs, "/v1/logs") },
};

for (const [name, exporters] of Object.entries(transports)) {
  describe(name, () => {
    const service = `node-${name.replace("/", "-")}`;
    const resource = resourceFromAttributes({ "service.name": service });

    test("spans are found after forceFlush", async () => {
      const provider = new BasicTracerProvider({
        resource,
        spanProcessors: [new BatchSpanProcessor(exporters.spans())],
      });
      const tracer = provider.getTracer("shop.cart", "0.9.0");
      const root = tracer.startSpan("GET /cart", {
        kind: SpanKind.SERVER,
        attributes: { "http.response.status_code": 200, ratio: 0.25, tags: ["a", "b"], cached: false },
      });
      const child = tracer.startSpan(
        "SELECT carts",
        { kind: SpanKind.CLIENT, links: [{ context: root.spanContext(), attributes: { why: "test" } }] },
        trace.setSpan(context.active(), root),
      );
      child.addEvent("row", { number: 1 });
      child.recordException(new Error("deadlock"));
      child.setStatus({ code: SpanStatusCode.ERROR, message: "deadlock" });
      child.end();
      root.end();
      await provider.forceFlush();

      const { traceId, spanId } = root.spanContext();
      const timeline = await server.get(`/api/v1/traces/${traceId}`, { view: "timeline" });
      assert.deepEqual(timeline.spans.map((span) => span.name), ["GET /cart", "SELECT carts"]);
      const [first, second] = timeline.spans;
      assert.deepEqual(first.attributes, {
        "http.response.status_code": 200,
        ratio: 0.25,
        tags: ["a", "b"],
        cached: false,
      });
      assert.equal(first.kind, "SERVER");
      assert.equal(first.service_name, service);
      assert.deepEqual([first.scope.name, first.scope.version], ["shop.cart", "0.9.0"]);
      assert.equal(second.parent_span_id, spanId);
      assert.equal(second.status_code, "ERROR");
      assert.deepEqual(second.events.map((event) => event.name), ["row", "exception"]);
      assert.equal(second.events[1].attributes["exception.message"], "deadlock");
      assert.equal(second.links[0].trace_id, traceId);
      const found = await server.get("/api/v1/traces", { query: `service:${service} status:error` });
      assert.deepEqual(found.traces.map((entry) => entry.trace_id), [traceId]);
      await provider.shutdown();
    });

    test("logs are found after forceFlush", async () => {
      const provider = new LoggerProvider({
        resource,
        processors: [new BatchLogRecordProcessor({ exporter: exporters.logs() })],
      });
      const logger = provider.getLogger("shop");
      const spans = new BasicTracerProvider({ resource });
      const span = spans.getTracer("t").startSpan("work");
      logger.emit({
        severityNumber: SeverityNumber.ERROR,
        severityText: "ERROR",
        body: `card declined for order 4711 ${service}`,
        attributes: { "order.id": 4711, nested: { a: [1, "two"] } },
        context: trace.setSpan(context.active(), span),
      });
      logger.emit({ severityNumber: SeverityNumber.INFO, body: { step: "pack", parcels: 2 } });
      await provider.forceFlush();

      const found = await server.get("/api/v1/logs", { query: `"order 4711" service:${service}` });
      assert.equal(found.logs.length, 1);
      const [log] = found.logs;
      assert.equal(log.level, "error");
      assert.equal(log.service_name, service);
      assert.deepEqual(log.attributes, { "order.id": 4711, nested: { a: [1, "two"] } });
      assert.equal(log.trace_id, span.spanContext().traceId);
      assert.equal(log.span_id, span.spanContext().spanId);
      const structured = await server.get("/api/v1/logs", { query: `parcels:2 service:${service}` });
      assert.equal(structured.logs.length, 1);
      assert.deepEqual(structured.logs[0].body_fields, { step: "pack", parcels: 2 });
      await provider.shutdown();
    });
  });
}

test("compressed requests are taken", async () => {
  const exporter = transports["http/protobuf"].spans({ compression: "gzip" });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "node-gzip" }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("many");
  for (let number = 0; number < 500; number += 1) tracer.startSpan("step").end();
  await provider.forceFlush();
  const { services } = await server.get("/api/v1/services");
  const entry = services.find((candidate) => candidate.service_name === "node-gzip");
  assert.equal(entry.span_count, 500);
  await provider.shutdown();
});

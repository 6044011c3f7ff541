// Reads the OTLP files of tests/data into rows of the API's shape.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS = ["UNSET", "OK", "ERROR"];

function value(any) {
  if (!any) return null;
  if ("stringValue" in any) return any.stringValue;
  if ("intValue" in any) return Number.isSafeInteger(Number(any.intValue)) ? Number(any.intValue) : String(any.intValue);
  if ("doubleValue" in any) return Number(any.doubleValue);
  if ("boolValue" in any) return any.boolValue;
  if ("bytesValue" in any) return any.bytesValue;
  if ("arrayValue" in any) return (any.arrayValue.values ?? []).map(value);
  if ("kvlistValue" in any) return attributes(any.kvlistValue.values);
  return null;
}

const attributes = (list) => Object.fromEntries((list ?? []).map((entry) => [entry.key, value(entry.value)]));

function level(number, text) {
  if (number > 0) return ["trace", "debug", "info", "warn", "error", "fatal"][Math.floor((number - 1) / 4)] ?? "unset";
  const word = (text ?? "").toLowerCase();
  return ["trace", "debug", "info", "warn", "error", "fatal"].find((name) => word.startsWith(name)) ?? "unset";
}

function addLogs(request, logs) {
  for (const group of request.resourceLogs ?? []) {
    const resource = attributes(group.resource?.attributes);
    for (const part of group.scopeLogs ?? []) {
      const scope = { name: part.scope?.name ?? null, version: part.scope?.version ?? null, attributes: attributes(part.scope?.attributes) };
      for (const record of part.logRecords ?? []) {
        const nanos = BigInt(record.timeUnixNano ?? record.observedTimeUnixNano ?? 0);
        const raw = value(record.body);
        const body = raw === null ? null : typeof raw === "string" ? raw : JSON.stringify(raw);
        logs.push({
          id: String(logs.length), nanos, time: new Date(Number(nanos / 1_000_000n)).toISOString(), time_unix_nano: String(nanos),
          observed_time_unix_nano: record.observedTimeUnixNano ?? null, severity_number: record.severityNumber ?? 0,
          severity_text: record.severityText ?? null, level: level(record.severityNumber ?? 0, record.severityText),
          service_name: resource["service.name"] ?? "unknown_service", body, body_type: typeof raw === "string" ? "string" : "kvlist",
          event_name: record.eventName ?? null, trace_id: record.traceId || null, span_id: record.spanId || null,
          attributes: attributes(record.attributes), body_fields: {}, resource, scope, text: body ?? "",
        });
      }
    }
  }
}

function addSpans(request, spans) {
  for (const group of request.resourceSpans ?? []) {
    const resource = attributes(group.resource?.attributes);
    for (const part of group.scopeSpans ?? []) {
      const scope = { name: part.scope?.name ?? null, version: part.scope?.version ?? null, attributes: attributes(part.scope?.attributes) };
      for (const span of part.spans ?? []) {
        const start = BigInt(span.startTimeUnixNano);
        spans.push({
          trace_id: span.traceId, span_id: span.spanId, parent_span_id: span.parentSpanId || null, start,
          duration_ns: Number(BigInt(span.endTimeUnixNano) - start), service_name: resource["service.name"] ?? "unknown_service",
          name: span.name, kind: KINDS[span.kind ?? 0], status_code: STATUS[span.status?.code ?? 0], status_message: span.status?.message || null,
          attributes: attributes(span.attributes), resource, scope, text: span.name,
          events: (span.events ?? []).map((event) => ({ time_unix_nano: String(event.timeUnixNano), offset_ns: Number(BigInt(event.timeUnixNano) - start), name: event.name, attributes: attributes(event.attributes) })),
          links: (span.links ?? []).map((link) => ({ trace_id: link.traceId, span_id: link.spanId, attributes: attributes(link.attributes) })),
        });
      }
    }
  }
}

/** One trace of `count` spans, to see that the timeline stays quick. */
function addGiant(spans, count) {
  const services = ["storefront", "checkout", "payment", "inventory", "shipping", "pricing", "search", "ledger"];
  const base = 1_700_000_000_000_000_000n;
  let made = 0;
  let seed = 7;
  const random = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648);
  const grow = (parent, start, length, depth) => {
    const id = (made++).toString(16).padStart(16, "0");
    const error = random() < 0.004;
    spans.push({
      trace_id: "feed".repeat(8), span_id: id, parent_span_id: parent, start: base + BigInt(Math.round(start)), duration_ns: Math.round(length),
      service_name: services[(depth * 3 + (made % 3)) % services.length], name: `step ${depth}.${made % 17}`, kind: "INTERNAL",
      status_code: error ? "ERROR" : "UNSET", status_message: error ? "deadline exceeded" : null, attributes: { "loop.index": made }, resource: {},
      scope: { name: "mock", version: null, attributes: {} }, text: "step", events: [], links: [],
    });
    if (depth > 4) return;
    let at = start + length * 0.02;
    for (let child = 0; child < (depth === 0 ? 160 : 4) && made < count; child += 1) {
      const part = depth === 0 ? length / 165 : (length / 4.4) * (0.5 + random() * 0.5);
      grow(id, at, part, depth + 1);
      at += part * 1.02;
    }
  };
  grow(null, 0, 9e9, 0);
}

export function loadData(folder) {
  const spans = [];
  const logs = [];
  if (folder && existsSync(folder)) {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".jsonl.gz"))) {
      for (const line of gunzipSync(readFileSync(join(folder, name))).toString("utf8").split("\n")) {
        if (!line) continue;
        const request = JSON.parse(line);
        addLogs(request, logs);
        addSpans(request, spans);
      }
    }
    addGiant(spans, 50_000);
  }
  logs.sort((a, b) => (a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : Number(a.id) - Number(b.id)));
  const traces = new Map();
  for (const span of spans) {
    if (!traces.has(span.trace_id)) traces.set(span.trace_id, []);
    traces.get(span.trace_id).push(span);
  }
  return { spans, logs, traces };
}

// The answers of docs/api.md, made from rows in memory.

import { compile, QueryError, read } from "./query.mjs";

const UNIT_MS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const min = (list) => list.reduce((least, n) => (n < least ? n : least));
const max = (list) => list.reduce((most, n) => (n > most ? n : most));

function nanos(text) {
  if (!text) return null;
  const relative = /^(?:now)?(?:-(\d+)([smhdw]))?$/.exec(text);
  if (relative) return BigInt(Math.round(Date.now() - (relative[1] ? Number(relative[1]) * UNIT_MS[relative[2]] : 0))) * 1_000_000n;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new QueryError(`\`${text}\` is not a time`, null, "write it as 2023-01-29T08:48:16Z or now-1h");
  return BigInt(ms) * 1_000_000n;
}

function inRange(params) {
  const start = nanos(params.get("start"));
  const end = nanos(params.get("end"));
  return (at) => (start === null || at >= start) && (end === null || at < end);
}

const answer = (extra, started) => ({ ...extra, complete: true, incomplete_reasons: [], elapsed_ms: Math.max(1, Math.round(performance.now() - started)), snapshot: 17 });

export function logs(data, params) {
  const started = performance.now();
  const matches = compile(params.get("query"));
  const within = inRange(params);
  const limit = Number(params.get("limit") ?? 100);
  const ascending = params.get("order") === "asc";
  const from = Number(params.get("cursor") ?? 0);
  const found = [];
  let at = from;
  for (; at < data.logs.length && found.length < limit; at += 1) {
    const row = data.logs[ascending ? at : data.logs.length - 1 - at];
    if (within(row.nanos) && matches(row)) found.push(row);
  }
  const rows = found.map(({ nanos: _nanos, text: _text, ...row }) => row);
  return answer({ logs: rows, next_cursor: at < data.logs.length ? String(at) : null }, started);
}

const NICE = [1, 2, 5, 10, 15, 30];
const WIDTHS = [1e6, 1e7, 1e8, 1e9, 6e10, 36e11, 864e11, 864e12, 864e13].flatMap((unit) => NICE.map((n) => n * unit)).sort((a, b) => a - b);

export function histogram(data, params) {
  const started = performance.now();
  const matches = compile(params.get("query"));
  const within = inRange(params);
  const rows = data.logs.filter((row) => within(row.nanos) && matches(row));
  if (rows.length === 0) return answer({ start_unix_nano: "0", end_unix_nano: "0", bucket_ns: 1e9, series: [], total: 0 }, started);
  const start = nanos(params.get("start")) ?? rows[0].nanos;
  const end = nanos(params.get("end")) ?? rows.at(-1).nanos + 1n;
  const width = WIDTHS.find((n) => Number(end - start) / n <= Number(params.get("buckets") ?? 60)) ?? 864e14;
  const first = (start / BigInt(width)) * BigInt(width);
  const buckets = Math.floor(Number(end - 1n - first) / width) + 1;
  const series = new Map();
  for (const row of rows) {
    const name = params.get("by") === "service_name" ? row.service_name : row.level;
    if (!series.has(name)) series.set(name, new Array(buckets).fill(0));
    series.get(name)[Math.floor(Number(row.nanos - first) / width)] += 1;
  }
  const list = [...series].map(([name, counts]) => ({ name, counts }));
  return answer({ start_unix_nano: String(first), end_unix_nano: String(first + BigInt(width * buckets)), bucket_ns: width, series: list, total: rows.length }, started);
}

function countServices(spans) {
  const services = new Map();
  for (const span of spans) {
    const entry = services.get(span.service_name) ?? { service_name: span.service_name, span_count: 0, error_count: 0 };
    entry.span_count += 1;
    if (span.status_code === "ERROR") entry.error_count += 1;
    services.set(span.service_name, entry);
  }
  return [...services.values()];
}

export function traces(data, params) {
  const started = performance.now();
  const matches = compile(params.get("query"));
  const within = inRange(params);
  const found = [];
  for (const [trace_id, spans] of data.traces) {
    const matched = spans.filter((span) => within(span.start) && matches(span));
    if (matched.length === 0) continue;
    found.push({ trace_id, spans, matched_spans: matched.length, newest: max(matched.map((span) => span.start)) });
  }
  found.sort((a, b) => (a.newest > b.newest ? -1 : 1));
  const from = Number(params.get("cursor") ?? 0);
  const limit = Number(params.get("limit") ?? 20);
  const page = found.slice(from, from + limit).map(({ trace_id, spans, matched_spans }) => {
    const start = min(spans.map((span) => span.start));
    const end = max(spans.map((span) => span.start + BigInt(span.duration_ns)));
    const root = spans.find((span) => span.parent_span_id === null);
    return {
      trace_id, start_time_unix_nano: String(start), duration_ns: Number(end - start), span_count: spans.length,
      root: root ? { service_name: root.service_name, name: root.name, kind: root.kind, status_code: root.status_code } : null,
      error_count: spans.filter((span) => span.status_code === "ERROR").length, matched_spans, services: countServices(spans),
    };
  });
  return answer({ traces: page, next_cursor: from + limit < found.length ? String(from + limit) : null }, started);
}

/** The tree, depth first; recursion replaced by a stack, since traces may be deep. */
function order(spans) {
  const known = new Set(spans.map((span) => span.span_id));
  const children = new Map();
  const roots = [];
  for (const span of [...spans].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    // Both halves of a shared span id would be their own parent.
    if (span.parent_span_id === null || !known.has(span.parent_span_id) || span.parent_span_id === span.span_id) roots.push(span);
    else children.set(span.parent_span_id, [...(children.get(span.parent_span_id) ?? []), span]);
  }
  const rows = [];
  const stack = roots.reverse().map((span) => ({ span, depth: 0, parent: null }));
  while (stack.length > 0) {
    const { span, depth, parent } = stack.pop();
    const index = rows.length;
    const own = children.get(span.span_id) ?? [];
    children.delete(span.span_id);
    rows.push({ span, depth, parent, children: own, below: 0, errorBelow: false });
    for (const child of [...own].reverse()) stack.push({ span: child, depth: depth + 1, parent: index });
  }
  for (let index = rows.length - 1; index > 0; index -= 1) {
    const row = rows[index];
    if (row.parent === null) continue;
    rows[row.parent].below += 1 + row.below;
    rows[row.parent].errorBelow ||= row.errorBelow || row.span.status_code === "ERROR";
  }
  return { rows, known };
}

function selfTime(span, children) {
  let cursor = span.start;
  let covered = 0n;
  const end = span.start + BigInt(span.duration_ns);
  for (const child of children) {
    const from = child.start > cursor ? child.start : cursor;
    const to = child.start + BigInt(child.duration_ns) < end ? child.start + BigInt(child.duration_ns) : end;
    if (to > from) {
      covered += to - from;
      cursor = to;
    }
  }
  return span.duration_ns - Number(covered);
}

export function timeline(data, id) {
  const started = performance.now();
  const spans = data.traces.get(id);
  if (!spans) return null;
  const start = min(spans.map((span) => span.start));
  const end = max(spans.map((span) => span.start + BigInt(span.duration_ns)));
  const { rows, known } = order(spans);
  const logCounts = new Map();
  const logRows = data.logs.filter((row) => row.trace_id === id);
  for (const row of logRows) logCounts.set(row.span_id, (logCounts.get(row.span_id) ?? 0) + 1);
  const self = new Map();
  const list = rows.map(({ span, depth, parent, children, below, errorBelow }) => {
    const { start: at, trace_id: _trace, text: _text, ...rest } = span;
    const self_time_ns = selfTime(span, children);
    self.set(span.service_name, (self.get(span.service_name) ?? 0) + self_time_ns);
    return {
      ...rest, parent_index: parent, depth, child_count: children.length, descendant_count: below,
      missing_parent: span.parent_span_id !== null && !known.has(span.parent_span_id), start_offset_ns: Number(at - start),
      self_time_ns, error_below: errorBelow, log_count: logCounts.get(span.span_id) ?? 0,
    };
  });
  const orphans = list.filter((span) => span.missing_parent).length;
  const message = orphans === 1 ? "1 span names a parent that is not here" : `${orphans} spans name a parent that is not here`;
  return answer({
    trace_id: id, start_time_unix_nano: String(start), duration_ns: Number(end - start), span_count: list.length,
    error_count: list.filter((span) => span.status_code === "ERROR").length, depth: list.reduce((most, span) => Math.max(most, span.depth + 1), 0),
    log_count: logRows.length, services: countServices(spans).map((service) => ({ ...service, self_time_ns: self.get(service.service_name) ?? 0 })),
    warnings: orphans > 0 ? [{ kind: "missing_parent", message }] : [], spans: list,
  }, started);
}

export function services(data, params) {
  const started = performance.now();
  const within = inRange(params);
  const spans = data.spans.filter((span) => within(span.start));
  const found = new Map(countServices(spans).map((service) => [service.service_name, { ...service, log_count: 0, operations: new Map() }]));
  for (const row of data.logs) {
    if (!within(row.nanos)) continue;
    if (!found.has(row.service_name)) found.set(row.service_name, { service_name: row.service_name, span_count: 0, error_count: 0, log_count: 0, operations: new Map() });
    found.get(row.service_name).log_count += 1;
  }
  for (const span of spans) {
    const { operations } = found.get(span.service_name);
    const key = `${span.kind} ${span.name}`;
    if (!operations.has(key)) operations.set(key, { name: span.name, kind: span.kind, span_count: 0, error_count: 0, durations: [] });
    const operation = operations.get(key);
    operation.span_count += 1;
    if (span.status_code === "ERROR") operation.error_count += 1;
    operation.durations.push(span.duration_ns);
  }
  const list = [...found.values()].map((service) => ({
    ...service,
    operations: [...service.operations.values()].map(({ durations, ...operation }) => {
      durations.sort((a, b) => a - b);
      return { ...operation, p50_ns: durations[Math.floor(durations.length * 0.5)], p95_ns: durations[Math.floor(durations.length * 0.95)] };
    }),
  }));
  return answer({ services: list }, started);
}

const BUILT_IN = { logs: ["service", "level", "body", "trace_id", "span_id"], spans: ["service", "name", "kind", "status", "duration", "trace_id", "span_id"] };

export function fields(data, params) {
  const started = performance.now();
  const table = params.get("table") === "spans" ? "spans" : "logs";
  const prefix = (params.get("prefix") ?? "").toLowerCase();
  const found = new Map(BUILT_IN[table].map((name) => [name, { name, query_name: name, types: ["string"], count: data[table].length }]));
  for (const row of data[table]) {
    for (const scope of ["attributes", "resource"]) {
      for (const [key, held] of Object.entries(row[scope])) {
        const entry = found.get(key) ?? { name: `${scope}.${key}`, query_name: key, types: [typeof held], count: 0 };
        entry.count += 1;
        found.set(key, entry);
      }
    }
  }
  const list = [...found.values()].filter((field) => field.query_name.toLowerCase().startsWith(prefix)).sort((a, b) => b.count - a.count);
  return answer({ fields: list }, started);
}

export function values(data, name, params) {
  const started = performance.now();
  const table = params.get("table") === "spans" ? "spans" : "logs";
  const prefix = (params.get("prefix") ?? "").toLowerCase();
  const counts = new Map();
  for (const row of data[table]) {
    const held = read(row, name);
    if (held !== undefined && held !== null && typeof held !== "object") counts.set(held, (counts.get(held) ?? 0) + 1);
  }
  const list = [...counts].map(([value, count]) => ({ value, count })).filter((entry) => String(entry.value).toLowerCase().startsWith(prefix));
  list.sort((a, b) => b.count - a.count);
  return answer({ field: name, values: list.slice(0, Number(params.get("limit") ?? 50)), exact: true }, started);
}

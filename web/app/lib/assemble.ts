import type { Timeline, TimelineSpan } from "../api/types";
import type { FileSpan } from "./otlp";
import { strangers } from "./sameid";
import { selfSegments } from "./tree";

/** As many as the server shows of a trace. */
const MAX_SPANS = 200_000;

/** The traces of a file, the one with the most spans first. */
export function assemble(spans: readonly FileSpan[]): Timeline[] {
  const byTrace = new Map<string, FileSpan[]>();
  for (const span of spans) {
    const list = byTrace.get(span.trace_id);
    if (list) list.push(span);
    else byTrace.set(span.trace_id, [span]);
  }
  return [...byTrace].map(([id, own]) => timeline(id, own)).sort((a, b) => b.span_count - a.span_count);
}

/** The tree of a trace's spans, depth first, as the server's timeline has it. */
function timeline(traceId: string, all: readonly FileSpan[]): Timeline {
  const unique = withoutRetries(all);
  const sent = unique.slice(0, MAX_SPANS);
  const start = sent.reduce((first, span) => (span.start < first ? span.start : first), sent[0]?.start ?? 0n);
  const { order, parents, missing, cycles } = depthFirst(sent);
  const place = new Map(order.map((at, index) => [at, index] as const));
  const spans = order.flatMap((at) => {
    const span = sent[at];
    const parent = place.get(parents[at] ?? -1);
    return span ? [placed(span, start, parent ?? null, missing.has(at))] : [];
  });
  spans.forEach((span) => (span.depth = span.parent_index === null ? 0 : (spans[span.parent_index]?.depth ?? 0) + 1));
  for (let index = spans.length - 1; index >= 0; index -= 1) {
    const span = spans[index];
    const parent = spans[span?.parent_index ?? -1];
    if (!span || !parent) continue;
    parent.child_count += 1;
    parent.descendant_count += span.descendant_count + 1;
    parent.error_below ||= span.error_below || span.status_code === "ERROR";
  }
  spans.forEach((span, index) => (span.self_time_ns = selfSegments(spans, index).reduce((sum, part) => sum + part.end - part.start, 0)));
  return {
    trace_id: traceId,
    start_time_unix_nano: String(start),
    duration_ns: spans.reduce((most, span) => Math.max(most, span.start_offset_ns + span.duration_ns), 0),
    span_count: spans.length,
    error_count: spans.filter((span) => span.status_code === "ERROR").length,
    depth: spans.reduce((most, span) => Math.max(most, span.depth + 1), 0),
    log_count: 0,
    services: servicesOf(spans),
    warnings: warningsOf(missing.size, cycles, sent.filter((span) => span.end < span.start).length, strangers(spans)),
    spans,
    complete: sent.length === unique.length,
    incomplete_reasons: sent.length === unique.length ? [] : [`of its ${unique.length} spans the first ${MAX_SPANS} are shown`],
  };
}

/** A span on its place; what depends on the spans below it is not known yet. */
function placed(span: FileSpan, traceStart: bigint, parent_index: number | null, missing_parent: boolean): TimelineSpan {
  const { span_id, parent_span_id, service_name, name, kind, status_code, status_message, attributes, resource, scope, events, links, bytes_in_attributes, bytes_in_resource } = span;
  return {
    span_id, parent_span_id, parent_index, missing_parent, service_name, name, kind, status_code, status_message, attributes, resource, scope, events, links,
    ...(bytes_in_attributes ? { bytes_in_attributes } : {}),
    ...(bytes_in_resource ? { bytes_in_resource } : {}),
    depth: 0, child_count: 0, descendant_count: 0, self_time_ns: 0, error_below: false, log_count: 0,
    start_offset_ns: Number(span.start - traceStart), duration_ns: Math.max(0, Number(span.end - span.start)),
  };
}

/** A span that was sent twice is one span. Two that share an id and differ are both kept. */
function withoutRetries(spans: readonly FileSpan[]): FileSpan[] {
  const seen = new Set<string>();
  return spans.filter((span) => {
    const key = `${span.span_id} ${span.kind} ${span.service_name} ${span.start} ${span.end} ${span.name}`;
    return !seen.has(key) && seen.add(key);
  });
}

const order = (a: FileSpan | undefined, b: FileSpan | undefined): number => (a && b ? Number(a.start - b.start) || (a.span_id < b.span_id ? -1 : 1) : 0);

interface Tree {
  order: number[];
  parents: number[];
  missing: Set<number>;
  cycles: number;
}

/** Siblings by start, of those with the same by id. Of two halves that share an id (Zipkin), the server's is the child of the client's and takes the children. */
function depthFirst(spans: readonly FileSpan[]): Tree {
  const byId = new Map<string, number>();
  spans.forEach((span, at) => {
    const other = byId.get(span.span_id);
    if (other === undefined || span.kind === "SERVER") byId.set(span.span_id, at);
  });
  const callers = new Map(spans.flatMap((span, at) => (span.kind === "CLIENT" ? [[span.span_id, at] as const] : [])));
  const missing = new Set<number>();
  const parents = spans.map((span, at) => {
    const half = span.kind === "SERVER" && byId.get(span.span_id) === at ? callers.get(span.span_id) : undefined;
    if (half !== undefined) return half;
    if (span.parent_span_id === null) return -1;
    const parent = byId.get(span.parent_span_id);
    if (parent === undefined || parent === at) missing.add(at);
    return parent === undefined || parent === at ? -1 : parent;
  });
  const children = new Map<number, number[]>();
  const byStart = spans.map((_, at) => at).sort((a, b) => order(spans[a], spans[b]));
  for (const at of byStart) {
    const list = children.get(parents[at] ?? -1);
    if (list) list.push(at);
    else children.set(parents[at] ?? -1, [at]);
  }
  const rows: number[] = [];
  const visited = new Set<number>();
  const walk = (from: number): void => {
    const stack = [from];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (visited.has(at)) continue;
      visited.add(at);
      rows.push(at);
      for (const child of [...(children.get(at) ?? [])].reverse()) stack.push(child);
    }
  };
  for (const root of children.get(-1) ?? []) walk(root);
  // What is left calls itself in a circle: one of it is made a root.
  let cycles = 0;
  for (const at of byStart) {
    if (visited.has(at)) continue;
    cycles += 1;
    parents[at] = -1;
    walk(at);
  }
  return { order: rows, parents, missing, cycles };
}

function servicesOf(spans: readonly TimelineSpan[]): Timeline["services"] {
  const services = new Map<string, Timeline["services"][number]>();
  for (const span of spans) {
    const own = services.get(span.service_name) ?? { service_name: span.service_name, span_count: 0, error_count: 0, self_time_ns: 0 };
    own.span_count += 1;
    own.error_count += span.status_code === "ERROR" ? 1 : 0;
    own.self_time_ns += span.self_time_ns;
    services.set(span.service_name, own);
  }
  return [...services.values()].sort((a, b) => b.self_time_ns - a.self_time_ns);
}

function warningsOf(missing: number, cycles: number, negative: number, sharing: number): Timeline["warnings"] {
  const say = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
  const all: [string, number, string][] = [
    ["missing_parent", missing, say(missing, "span names a parent that is not here", "spans name a parent that is not here")],
    ["parent_cycle", cycles, say(cycles, "span is its own ancestor", "spans are their own ancestors")],
    ["negative_duration", negative, say(negative, "span ends before it starts", "spans end before they start")],
    ["shared_span_id", sharing, `${sharing} spans share an id, though they are not the two halves of one call`],
  ];
  return all.flatMap(([kind, n, message]) => (n > 0 ? [{ kind, message }] : []));
}

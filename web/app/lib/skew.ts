import type { Timeline, TimelineSpan } from "../api/types";
import { selfSegments } from "./tree";

/** What was moved, and by how much. The trace as it came in is not touched. */
export interface Skew {
  trace: Timeline;
  /** Machines whose clocks differ from that of their caller, the largest difference first. */
  machines: { name: string; delta_ns: number; spans: number }[];
  largest_ns: number;
}

/** A span that starts too early by less, or by less of the trace, cannot be seen to. */
const MIN_OUTSIDE_NS = 1000;
const MIN_SHARE = 0.0005;
const HOST = ["host.id", "host.name", "k8s.pod.uid", "k8s.pod.name", "container.id", "service.instance.id"];

/** Spans of one service on one machine go by one clock. */
function clockOf(span: TimelineSpan): string {
  const host = HOST.map((key) => span.resource[key]).find((value) => typeof value === "string" && value !== "");
  if (typeof host !== "string") return span.service_name;
  return host.startsWith(span.service_name) ? host : `${span.service_name} on ${host}`;
}

/**
 * How far the clock of a callee must be moved so that its span lies within its caller's, as Jaeger does it: the time
 * that is left is taken to be the way there and the way back, half each. Unlike there, a callee that begins within its
 * caller and ends after it is left alone: it may go on after its answer, and clocks that agree would be moved. So are
 * consumers, that may start whenever they like after their producer, and callees that outlast their caller, which may
 * have given up: those only must not start early.
 */
function delta(parent: TimelineSpan, child: TimelineSpan, parentStart: number, tolerated: number): number {
  const early = parentStart - child.start_offset_ns;
  const after = child.start_offset_ns - parentStart - parent.duration_ns;
  if (parent.kind === "PRODUCER" || child.kind === "CONSUMER" || child.duration_ns > parent.duration_ns) return early < tolerated ? 0 : early;
  return Math.max(early, after) < tolerated ? 0 : Math.round(early + (parent.duration_ns - child.duration_ns) / 2);
}

const isPair = (parent: TimelineSpan, child: TimelineSpan): boolean =>
  parent.kind === "CLIENT" || parent.kind === "PRODUCER" || child.kind === "SERVER" || child.kind === "CONSUMER";

/** The trace with clocks that disagree put right, or null when all agree. */
export function withoutSkew(trace: Timeline): Skew | null {
  const { spans } = trace;
  const tolerated = Math.max(MIN_OUTSIDE_NS, trace.duration_ns * MIN_SHARE);
  const clocks = spans.map(clockOf);
  const deltas = new Float64Array(spans.length);
  const machines = new Map<string, { name: string; delta_ns: number; spans: number }>();
  let largest = 0;
  spans.forEach((span, index) => {
    const at = span.parent_index;
    const parent = at === null ? undefined : spans[at];
    if (!parent || at === null) return;
    const parentDelta = deltas[at] ?? 0;
    if (clocks[at] === clocks[index]) deltas[index] = parentDelta;
    else if (isPair(parent, span)) deltas[index] = delta(parent, span, parent.start_offset_ns + parentDelta, tolerated);
    const own = deltas[index] ?? 0;
    if (own === 0) return;
    const name = clocks[index] ?? "";
    const machine = machines.get(name) ?? { name, delta_ns: 0, spans: 0 };
    machine.spans += 1;
    if (Math.abs(own) > Math.abs(machine.delta_ns)) machine.delta_ns = own;
    machines.set(name, machine);
    largest = Math.max(largest, Math.abs(own));
  });
  if (largest === 0) return null;
  return { trace: moved(trace, deltas), machines: [...machines.values()].sort((a, b) => Math.abs(b.delta_ns) - Math.abs(a.delta_ns)), largest_ns: largest };
}

/** The trace with its spans moved. It starts with its first span again, and own times are those of the new places. */
function moved(trace: Timeline, deltas: Float64Array): Timeline {
  const start = trace.spans.reduce((first, span, index) => Math.min(first, span.start_offset_ns + (deltas[index] ?? 0)), Number.POSITIVE_INFINITY);
  const spans = trace.spans.map((span, index) => ({ ...span, start_offset_ns: span.start_offset_ns + (deltas[index] ?? 0) - start, clock_delta_ns: deltas[index] ?? 0 }));
  const self = new Map<string, number>();
  spans.forEach((span, index) => {
    if (span.child_count > 0) span.self_time_ns = selfSegments(spans, index).reduce((sum, part) => sum + part.end - part.start, 0);
    self.set(span.service_name, (self.get(span.service_name) ?? 0) + span.self_time_ns);
  });
  return {
    ...trace,
    spans,
    start_time_unix_nano: String(BigInt(trace.start_time_unix_nano) + BigInt(Math.round(start))),
    duration_ns: spans.reduce((most, span) => Math.max(most, span.start_offset_ns + span.duration_ns), 0),
    services: trace.services.map((service) => ({ ...service, self_time_ns: self.get(service.service_name) ?? 0 })),
  };
}

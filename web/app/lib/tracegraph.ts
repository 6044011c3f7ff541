import type { TimelineSpan } from "../api/types";

/** A service of a trace, or what one asked that sends no spans. */
export interface TraceNode {
  name: string;
  /** `database` or `messaging` and so on; null for a service. */
  kind: string | null;
  system: string | null;
  spans: number;
  errors: number;
  self_ns: number;
}

export interface TraceCall {
  from: string;
  to: string;
  calls: number;
  errors: number;
  /** Of all calls together. */
  total_ns: number;
  longest_ns: number;
  /** The index of the longest. */
  example: number;
}

export interface TraceGraph {
  nodes: TraceNode[];
  calls: TraceCall[];
}

type Seen = Pick<TimelineSpan, "service_name" | "parent_index" | "kind" | "attributes" | "status_code" | "duration_ns" | "self_time_ns" | "child_count">;

const SYSTEMS: [string, string[]][] = [
  ["database", ["db.system.name", "db.system"]],
  ["messaging", ["messaging.system"]],
];

/** What a span asked that is no service: nothing below it answers. */
function asked(span: Seen): { name: string; kind: string; system: string } | null {
  if (span.child_count > 0 || (span.kind !== "CLIENT" && span.kind !== "PRODUCER")) return null;
  const text = (name: string): string | null => (typeof span.attributes[name] === "string" && span.attributes[name] !== "" ? String(span.attributes[name]) : null);
  for (const [kind, names] of SYSTEMS) {
    const system = names.map(text).find((each) => each !== null);
    if (!system) continue;
    // Redis counts its databases: a number by itself is no name.
    const named = text("db.namespace") ?? text("db.name");
    const name = (named !== null && /^\d+$/.test(named) ? null : named) ?? text("messaging.destination.name") ?? text("server.address") ?? system;
    // A database may be named like a service.
    return { name: `${name} (${kind})`, kind, system };
  }
  return null;
}

/** Which service calls which in a trace, how often, and how long that took. */
export function traceGraph(spans: readonly Seen[]): TraceGraph {
  const nodes = new Map<string, TraceNode>();
  const calls = new Map<string, TraceCall>();
  const nodeOf = (name: string, kind: string | null, system: string | null): TraceNode => {
    const node = nodes.get(name) ?? { name, kind, system, spans: 0, errors: 0, self_ns: 0 };
    nodes.set(name, node);
    return node;
  };
  const call = (from: string, to: string, span: Seen, example: number): void => {
    const key = `${from}\n${to}`;
    const own = calls.get(key) ?? { from, to, calls: 0, errors: 0, total_ns: 0, longest_ns: -1, example };
    calls.set(key, own);
    own.calls += 1;
    own.errors += span.status_code === "ERROR" ? 1 : 0;
    own.total_ns += span.duration_ns;
    if (span.duration_ns > own.longest_ns) Object.assign(own, { longest_ns: span.duration_ns, example });
  };
  spans.forEach((span, index) => {
    const own = nodeOf(span.service_name, null, null);
    own.spans += 1;
    own.errors += span.status_code === "ERROR" ? 1 : 0;
    own.self_ns += Math.max(0, span.self_time_ns);
    const caller = spans[span.parent_index ?? -1];
    if (caller && caller.service_name !== span.service_name) call(caller.service_name, span.service_name, span, index);
    const other = asked(span);
    if (!other) return;
    const node = nodeOf(other.name, other.kind, other.system);
    node.spans += 1;
    node.errors += span.status_code === "ERROR" ? 1 : 0;
    call(span.service_name, other.name, span, index);
  });
  return { nodes: [...nodes.values()], calls: [...calls.values()].sort((a, b) => b.total_ns - a.total_ns) };
}

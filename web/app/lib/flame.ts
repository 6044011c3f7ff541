import type { TimelineSpan } from "../api/types";
import { ancestors } from "./tree";

export interface FlameNode {
  service: string;
  name: string;
  /** All that a service does by itself, whatever its spans are called. */
  isService: boolean;
  depth: number;
  count: number;
  errors: number;
  /** Own time of these spans and of all below: widths add up, also where children ran side by side. */
  value_ns: number;
  self_ns: number;
  /** Where the node begins, in the same unit as `value_ns`. */
  start_ns: number;
  parent: FlameNode | null;
  children: FlameNode[];
  /** One of its spans, to jump to. */
  example: number;
}

/**
 * The spans of a trace with the same path of service and operation laid together, the widest to the left.
 * The node at the top stands for the trace. By service, what a service does by itself is one node, which counts how
 * often the service was called.
 */
export function flameGraph(spans: readonly TimelineSpan[], by: "operation" | "service" = "operation"): FlameNode {
  const top = node("", "all", 0, null, -1);
  const nodes: FlameNode[] = [];
  const byKey = new Map<FlameNode, Map<string, FlameNode>>();
  const childOf = (parent: FlameNode, span: TimelineSpan, index: number): FlameNode => {
    const siblings = byKey.get(parent) ?? new Map<string, FlameNode>();
    byKey.set(parent, siblings);
    const name = by === "service" ? "" : span.name;
    const key = `${span.service_name}\n${name}`;
    const known = siblings.get(key);
    if (known) return known;
    const made = { ...node(span.service_name, name, parent.depth + 1, parent, index), isService: by === "service" };
    siblings.set(key, made);
    parent.children.push(made);
    return made;
  };
  spans.forEach((span, index) => {
    const parent = (span.parent_index === null ? null : nodes[span.parent_index]) ?? top;
    const goesOn = by === "service" && parent.service === span.service_name && parent !== top;
    const own = goesOn ? parent : childOf(parent, span, index);
    if (!goesOn) own.count += 1;
    own.self_ns += Math.max(0, span.self_time_ns);
    if (span.status_code === "ERROR") own.errors += 1;
    nodes[index] = own;
  });
  const all = inOrder(top);
  for (const each of [...all].reverse()) each.value_ns = each.self_ns + each.children.reduce((sum, child) => sum + child.value_ns, 0);
  for (const each of all) {
    each.children.sort((a, b) => b.value_ns - a.value_ns);
    let start = each.start_ns;
    for (const child of each.children) {
      child.start_ns = start;
      start += child.value_ns;
    }
  }
  return top;
}

/** The node that a span was laid into; null for none. */
export function nodeOf(top: FlameNode, spans: readonly Pick<TimelineSpan, "parent_index" | "service_name" | "name">[], index: number, by: "operation" | "service"): FlameNode | null {
  const path = spans[index] ? [...ancestors(spans, index).reverse(), index] : [];
  let found: FlameNode | null = null;
  for (const at of path) {
    const span = spans[at];
    if (by === "service" && found && found.service === span?.service_name) continue;
    found = (found ?? top).children.find((child) => child.service === span?.service_name && (by === "service" || child.name === span.name)) ?? null;
    if (!found) return null;
  }
  return found;
}

const node = (service: string, name: string, depth: number, parent: FlameNode | null, example: number): FlameNode => ({
  service, name, isService: false, depth, count: 0, errors: 0, value_ns: 0, self_ns: 0, start_ns: 0, parent, children: [], example,
});

/** Parents before children, without recursion. */
export function inOrder(top: FlameNode): FlameNode[] {
  const found = [top];
  for (let at = 0; at < found.length; at += 1) found.push(...(found[at]?.children ?? []));
  return found;
}

/** Parents before children and these before the next, the widest first, without the top and what is below those in `closed`. */
export function openNodes(top: FlameNode, closed: ReadonlySet<FlameNode>): FlameNode[] {
  const found: FlameNode[] = [];
  const waiting = [...top.children].reverse();
  for (let each = waiting.pop(); each; each = waiting.pop()) {
    found.push(each);
    if (!closed.has(each)) waiting.push(...[...each.children].reverse());
  }
  return found;
}

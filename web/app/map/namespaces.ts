import type { ServiceGraph } from "../api/groups";
import { plural } from "../lib/format";
import type { Edge } from "../lib/graph";
import { nodeName, type Call, type Graph } from "./graph";

/** The services of one namespace. */
export interface Group {
  /** As the address names it. */
  name: string;
  /** Services first, then what only they call; each by name. */
  members: string[];
  services: number;
  /** Its services stand on the map one by one, in a frame; else it is one node. */
  open: boolean;
  /** Calls among its own of which some go in a circle. */
  cyclic: boolean;
}

/** Stands for the namespace of services that say none. */
const NONE = "(none)";

/** Its name on the map, where a service may be called the same. */
const idOf = (name: string): string => (name === NONE ? "no namespace" : `${name} (namespace)`);

export const labelOf = (name: string): string => (name === NONE ? "no namespace" : name);

/**
 * The namespace of each node that is in one. What sends no spans has none of its own: where the services of one
 * namespace alone call it, it is theirs; what several share, and whoever calls from outside, stands by itself. `null` where there
 * are not two of them: nothing can be grouped.
 */
export function namespaces(answer: Pick<ServiceGraph, "nodes">, whole: Graph): Map<string, string> | null {
  const found = new Map(answer.nodes.flatMap((node) => (node.kind === "service" ? [[nodeName(node), node.namespace ?? NONE] as const] : [])));
  if (new Set(found.values()).size < 2) return null;
  const around = new Map<string, Set<string | undefined>>();
  for (const { from, to } of whole.edges) {
    for (const [node, other] of [[from, to], [to, from]] as const) {
      const kind = whole.others.get(node)?.kind;
      if (kind !== undefined && kind !== "client") (around.get(node) ?? around.set(node, new Set()).get(node))?.add(found.get(other));
    }
  }
  for (const [node, all] of around) {
    const [only] = all;
    if (all.size === 1 && only !== undefined) found.set(node, only);
  }
  return found;
}

/**
 * The map with each namespace as one node, but for the open ones. Calls between the same two nodes are added up. Of
 * their durations no percentile follows from those of the parts, but that it is not above the largest.
 */
export function grouped(part: Graph, namespaceOf: ReadonlyMap<string, string>, open: ReadonlySet<string>): Graph {
  const groups = new Map<string, Group>();
  for (const node of part.nodes) {
    const name = namespaceOf.get(node);
    if (name === undefined) continue;
    const id = idOf(name);
    const group = groups.get(id) ?? { name, members: [], services: 0, open: open.has(name), cyclic: false };
    group.members.push(node);
    if (!part.others.has(node)) group.services += 1;
    groups.set(id, group);
  }
  for (const group of groups.values()) group.members.sort((a, b) => Number(part.others.has(a)) - Number(part.others.has(b)) || a.localeCompare(b));

  const standsFor = (node: string): string => {
    const name = namespaceOf.get(node);
    return name === undefined || open.has(name) ? node : idOf(name);
  };
  const edges = new Map<Call | string, Call>();
  const cyclic = new Set<Edge>();
  for (const call of part.edges) {
    const [from, to] = [standsFor(call.from), standsFor(call.to)];
    const isCyclic = part.cyclic.has(call);
    const inside = from === to ? groups.get(from) : undefined;
    if (inside) {
      inside.cyclic ||= isCyclic;
      continue;
    }
    const key = from === call.from && to === call.to ? call : `${from}\0${to}`;
    const before = edges.get(key);
    const merged = key === call ? call : before ? added(before, call) : { ...call, from, to, parts: [call] };
    edges.set(key, merged);
    if (before && cyclic.delete(before)) cyclic.add(merged);
    if (isCyclic) cyclic.add(merged);
  }
  const nodes = [...new Set(part.nodes.map(standsFor))].sort();
  return { ...part, nodes, edges: [...edges.values()], cyclic, groups };
}

const MOST_SAMPLES = 3;

function added(sum: Call, call: Call): Call {
  return {
    ...sum,
    calls: sum.calls + call.calls,
    errors: sum.errors + call.errors,
    p50_ns: Math.max(sum.p50_ns, call.p50_ns),
    p95_ns: Math.max(sum.p95_ns, call.p95_ns),
    samples: [...new Set([...sum.samples, ...call.samples])].slice(0, MOST_SAMPLES),
    parts: [...(sum.parts ?? []), call],
  };
}

/** What is said of a namespace when it is pointed at. */
export const groupTitle = (group: Group): string => `${labelOf(group.name)}: ${plural(group.services, "service")}\nClick to ${group.open ? "close" : "open"} it`;

/** Open namespaces in the address. Names may have commas. */
export const readOpen = (text: string | null): Set<string> => new Set((text ?? "").split(",").filter((part) => part !== "").map(decoded));

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const openText = (open: Iterable<string>): string | null => [...open].sort().map(encodeURIComponent).join(",") || null;

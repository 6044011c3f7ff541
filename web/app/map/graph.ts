import type { GraphEdge, GraphNode, ServiceGraph } from "../api/groups";
import { duration, percent, plural } from "../lib/format";
import { components, cyclicEdges, neighbourhood, type Edge } from "../lib/graph";
import type { Group } from "./namespaces";

/** A call path with its figures. */
export interface Call extends Edge {
  errors: number;
  p95_ns: number;
  p50_ns: number;
  /** Traces with such a call. */
  samples: string[];
  /** What was added up, where an end is a whole namespace: then percentiles are at most what they say. */
  parts?: Call[];
}

/** What is said of a call path in one line. */
export const callTitle = (call: Call): string => `${call.from} → ${call.to}\n${plural(call.calls, "call")}, ${percent(call.errors, call.calls)} failed, p95 ${call.parts ? "at most " : ""}${duration(call.p95_ns)}`;

export interface Graph {
  nodes: string[];
  edges: Call[];
  cyclic: Set<Edge>;
  /** What is no service, by name. */
  others: Map<string, GraphNode>;
  /** Namespaces, by their names on the map; those that are not open are nodes. */
  groups?: Map<string, Group>;
}

/** The nodes that a name on the map stands for. */
export const nodesOf = (graph: Graph, name: string): readonly string[] => graph.groups?.get(name)?.members ?? [name];

/** A database may be named like a service: it says what it is. Other hosts have names of their own. */
export const nodeName = (node: Pick<GraphNode, "name" | "kind">): string => (["service", "external", node.name].includes(node.kind) ? node.name : `${node.name} (${node.kind})`);

/** The whole graph, with or without what sends no spans. */
export function graphOf(answer: Pick<ServiceGraph, "nodes" | "edges">, withOthers: boolean): Graph {
  const edges = answer.edges.filter((edge) => withOthers || (edge.from_kind === "service" && edge.to_kind === "service")).map(callOf);
  const nodes = [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))].sort();
  const others = new Map(answer.nodes.flatMap((node) => (node.kind === "service" ? [] : [[nodeName(node), node] as const])));
  return { nodes, edges, cyclic: cyclicEdges(edges, components(nodes, edges)), others };
}

export const callOf = (edge: GraphEdge): Call => ({
  from: nodeName({ name: edge.from, kind: edge.from_kind }),
  to: nodeName({ name: edge.to, kind: edge.to_kind }),
  calls: edge.calls,
  errors: edge.error_count,
  p95_ns: edge.p95_ns,
  p50_ns: edge.p50_ns,
  samples: edge.sample_trace_ids,
});

export interface Part {
  chosen: string | null;
  hops: number;
  onlyCycles: boolean;
  /** Only calls of which some failed. */
  onlyFailing: boolean;
  needle: string;
}

/** A needle alone keeps what it matches and its neighbours; in a small graph it only marks. */
const SMALL = 60;

export function partOf(whole: Graph, { chosen, hops, onlyCycles, onlyFailing, needle }: Part): Graph {
  let { edges } = whole;
  if (onlyCycles) edges = edges.filter((edge) => whole.cyclic.has(edge));
  if (onlyFailing) edges = edges.filter((edge) => edge.errors > 0);
  if (chosen && hops > 0) {
    const near = neighbourhood(chosen, edges, hops);
    edges = edges.filter((edge) => near.has(edge.from) && near.has(edge.to));
  } else if (needle !== "" && whole.nodes.length > SMALL) {
    edges = edges.filter((edge) => edge.from.toLowerCase().includes(needle) || edge.to.toLowerCase().includes(needle));
  }
  if (edges === whole.edges) return whole;
  return { ...whole, nodes: [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))].sort(), edges };
}

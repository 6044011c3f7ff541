import type { GraphEdge, GraphNode, ServiceGraph } from "../api/groups";
import { components, cyclicEdges, neighbourhood, type Edge } from "../lib/graph";

/** A call path with its figures. */
export interface Call extends Edge {
  errors: number;
  p95_ns: number;
  sample: string | null;
}

export interface Graph {
  nodes: string[];
  edges: Call[];
  cyclic: Set<Edge>;
  /** What is no service, by name. */
  others: Map<string, GraphNode>;
}

/** A database may be named like a service: it says what it is. Other hosts have names of their own. */
export const nodeName = (node: Pick<GraphNode, "name" | "kind">): string => (["service", "external", node.name].includes(node.kind) ? node.name : `${node.name} (${node.kind})`);

/** The whole graph, with or without what sends no spans. */
export function graphOf(answer: ServiceGraph, withOthers: boolean): Graph {
  const edges = answer.edges.filter((edge) => withOthers || (edge.from_kind === "service" && edge.to_kind === "service")).map(callOf);
  const nodes = [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))].sort();
  const others = new Map(answer.nodes.flatMap((node) => (node.kind === "service" ? [] : [[nodeName(node), node] as const])));
  return { nodes, edges, cyclic: cyclicEdges(edges, components(nodes, edges)), others };
}

const callOf = (edge: GraphEdge): Call => ({
  from: nodeName({ name: edge.from, kind: edge.from_kind }),
  to: nodeName({ name: edge.to, kind: edge.to_kind }),
  calls: edge.calls,
  errors: edge.error_count,
  p95_ns: edge.p95_ns,
  sample: edge.sample_trace_ids[0] ?? null,
});

export interface Part {
  chosen: string | null;
  hops: number;
  onlyCycles: boolean;
  needle: string;
}

/** A needle alone keeps what it matches and its neighbours; in a small graph it only marks. */
const SMALL = 60;

export function partOf(whole: Graph, { chosen, hops, onlyCycles, needle }: Part): Graph {
  let { edges } = whole;
  if (onlyCycles) edges = edges.filter((edge) => whole.cyclic.has(edge));
  if (chosen && hops > 0) {
    const near = neighbourhood(chosen, edges, hops);
    edges = edges.filter((edge) => near.has(edge.from) && near.has(edge.to));
  } else if (needle !== "" && whole.nodes.length > SMALL) {
    edges = edges.filter((edge) => edge.from.toLowerCase().includes(needle) || edge.to.toLowerCase().includes(needle));
  }
  if (edges === whole.edges) return whole;
  return { ...whole, nodes: [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))].sort(), edges };
}

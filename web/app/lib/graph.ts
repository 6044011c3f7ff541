/** Who calls whom as a graph: cycles, distances, and places in layers. All of it in linear or almost linear time. */

export interface Edge {
  from: string;
  to: string;
  calls: number;
}

/**
 * The strongly connected component of each node (Tarjan, without recursion). Two nodes with the same number call
 * each other, directly or not.
 */
export function components(nodes: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const next = adjacency(nodes, edges);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const found = new Map<string, number>();
  const open: string[] = [];
  let component = 0;
  for (const root of nodes) {
    if (order.has(root)) continue;
    const work: { node: string; child: number }[] = [{ node: root, child: 0 }];
    for (let frame = work.at(-1); frame; frame = work.at(-1)) {
      const { node } = frame;
      if (frame.child === 0) {
        order.set(node, order.size);
        low.set(node, order.get(node) ?? 0);
        open.push(node);
      }
      const child = next.get(node)?.[frame.child];
      if (child !== undefined) {
        frame.child += 1;
        if (!order.has(child)) work.push({ node: child, child: 0 });
        else if (!found.has(child)) low.set(node, Math.min(low.get(node) ?? 0, order.get(child) ?? 0));
        continue;
      }
      work.pop();
      const parent = work.at(-1)?.node;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(node) ?? 0));
      if (low.get(node) !== order.get(node)) continue;
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        found.set(member, component);
        if (member === node) break;
      }
      component += 1;
    }
  }
  return found;
}

/** Edges that are part of a cycle: within one component. */
export function cyclicEdges(edges: readonly Edge[], component: ReadonlyMap<string, number>): Set<Edge> {
  return new Set(edges.filter((edge) => component.get(edge.from) === component.get(edge.to)));
}

function adjacency(nodes: readonly string[], edges: readonly Edge[]): Map<string, string[]> {
  const next = new Map<string, string[]>(nodes.map((node) => [node, []]));
  for (const edge of edges) next.get(edge.from)?.push(edge.to);
  return next;
}

/** The nodes at most `hops` calls away, in either direction. */
export function neighbourhood(node: string, edges: readonly Edge[], hops: number): Set<string> {
  const near = new Map<string, string[]>();
  const link = (a: string, b: string): void => {
    const list = near.get(a);
    if (list) list.push(b);
    else near.set(a, [b]);
  };
  for (const edge of edges) {
    link(edge.from, edge.to);
    link(edge.to, edge.from);
  }
  const found = new Set([node]);
  let rim = [node];
  for (let hop = 0; hop < hops; hop += 1) {
    rim = rim.flatMap((each) => near.get(each) ?? []).filter((each) => !found.has(each) && found.add(each));
  }
  return found;
}

export interface Placed {
  name: string;
  x: number;
  y: number;
}

export interface Layout {
  nodes: Placed[];
  width: number;
  height: number;
}

export interface Sizes {
  columnWidth: number;
  rowHeight: number;
  /** Nodes in one column; a longer layer is broken into several. */
  most: number;
}

const SWEEPS = 6;

/** So many in a circle stand in one layer; more in several, or they would be a column without an order. */
const MOST_ROUND = 8;
/** Columns for a wide screen: of 40 there are 4. */
const layersOf = (round: number): number => (round <= MOST_ROUND ? 1 : Math.round(Math.sqrt(round * 0.4)));

/**
 * Callers to the left of what they call: a layer is the longest way there, with each cycle counted as one node, or if
 * it is large as some layers in which those stand first that call more than they are called;
 * within a layer nodes stand near the mean of their neighbours. Dagre draws fewer crossings and needs minutes
 * for what this does in milliseconds (docs/decisions/0011).
 */
export function layers(nodes: readonly string[], edges: readonly Edge[], sizes: Sizes): Layout {
  return place(columnsOf(nodes, edges, sizes.most), sizes);
}

/** The nodes of each column, from left to right and from top to bottom. */
export function columnsOf(nodes: readonly string[], edges: readonly Edge[], most: number): string[][] {
  const layerOf = longestWays(nodes, edges);
  const rows: string[][] = [];
  for (const node of nodes) (rows[layerOf.get(node) ?? 0] ??= []).push(node);
  const full = Array.from(rows, (row) => row ?? []);
  orderWithin(full, edges);
  return full.flatMap((row) => {
    const pieces = Math.max(1, Math.ceil(row.length / most));
    const each = Math.ceil(row.length / pieces);
    return Array.from({ length: pieces }, (_, piece) => row.slice(piece * each, (piece + 1) * each));
  });
}

function longestWays(nodes: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const component = components(nodes, edges);
  // Tarjan numbers a component after all that it calls: from the highest number down, callers come first.
  const depth = new Map<number, number>();
  const out = new Map<number, Set<number>>();
  for (const edge of edges) {
    const from = component.get(edge.from);
    const to = component.get(edge.to);
    if (from === undefined || to === undefined || from === to) continue;
    (out.get(from) ?? out.set(from, new Set()).get(from))?.add(to);
  }
  const members = new Map<number, string[]>();
  for (const node of nodes) {
    const number = component.get(node) ?? -1;
    (members.get(number) ?? members.set(number, []).get(number))?.push(node);
  }
  for (let from = Math.max(-1, ...members.keys()); from >= 0; from -= 1) {
    const end = (depth.get(from) ?? 0) + layersOf(members.get(from)?.length ?? 0);
    for (const to of out.get(from) ?? []) depth.set(to, Math.max(depth.get(to) ?? 0, end));
  }
  const found = new Map<string, number>();
  for (const [number, round] of members) {
    const first = depth.get(number) ?? 0;
    const parts = layersOf(round.length);
    const sorted = parts === 1 ? round : byFlow(round, edges);
    for (const [at, node] of sorted.entries()) found.set(node, first + Math.floor((at * parts) / round.length));
  }
  return found;
}

/** Those first that call the others more than they are called by them. */
function byFlow(round: readonly string[], edges: readonly Edge[]): string[] {
  const flow = new Map(round.map((node) => [node, { out: 0, in: 0 }]));
  for (const { from, to } of edges) {
    const [caller, called] = [flow.get(from), flow.get(to)];
    if (!caller || !called || from === to) continue;
    caller.out += 1;
    called.in += 1;
  }
  const score = (node: string): number => {
    const { out, in: into } = flow.get(node) ?? { out: 0, in: 0 };
    return (out - into) / Math.max(1, out + into);
  };
  return [...round].sort((a, b) => score(b) - score(a) || a.localeCompare(b));
}

function orderWithin(rows: string[][], edges: readonly Edge[]): void {
  const near = new Map<string, string[]>();
  for (const edge of edges) {
    if (edge.from === edge.to) continue;
    (near.get(edge.from) ?? near.set(edge.from, []).get(edge.from))?.push(edge.to);
    (near.get(edge.to) ?? near.set(edge.to, []).get(edge.to))?.push(edge.from);
  }
  const at = new Map<string, number>();
  const number = (row: string[]): void => row.forEach((node, index) => at.set(node, (index + 0.5) / row.length));
  for (const row of rows) {
    row.sort((a, b) => (near.get(b)?.length ?? 0) - (near.get(a)?.length ?? 0) || a.localeCompare(b));
    number(row);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const row of sweep % 2 === 0 ? rows : [...rows].reverse()) {
      const mean = new Map(row.map((node) => {
        const others = near.get(node) ?? [];
        return [node, others.length === 0 ? 2 : others.reduce((sum, other) => sum + (at.get(other) ?? 0), 0) / others.length];
      }));
      row.sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0));
      number(row);
    }
  }
}

function place(columns: readonly string[][], { columnWidth, rowHeight }: Sizes): Layout {
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const nodes = columns.flatMap((column, x) => column.map((name, y) => ({ name, x: x * columnWidth, y: (y + (tallest - column.length) / 2) * rowHeight })));
  return { nodes, width: columns.length * columnWidth, height: tallest * rowHeight };
}

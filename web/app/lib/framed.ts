import { columnsOf, layers, type Edge, type Layout, type Placed, type Sizes } from "./graph";

/** What is drawn around the nodes of one group. */
export interface Frame extends Placed {
  width: number;
  height: number;
}

export interface FramedLayout extends Layout {
  frames: Frame[];
}

export interface FramedSizes extends Omit<Sizes, "most"> {
  /** Of a node itself. */
  width: number;
  height: number;
  /** Between a frame and what is in it; above that it has a line for its name. */
  pad: number;
  head: number;
  /** Nodes in one column where there are so many. */
  mostOf: (nodes: number) => number;
}

/**
 * Layers as in `layers`, in which a frame stands like one node, as large as the layers within it are: so frames never
 * lie over each other or over what is not in them. `frameOf` names the frame of each node that is in one.
 */
export function framed(nodes: readonly string[], edges: readonly Edge[], frameOf: ReadonlyMap<string, string>, sizes: FramedSizes): FramedLayout {
  const { columnWidth, rowHeight, width, height, pad, head, mostOf } = sizes;
  const within = new Map<string, string[]>();
  for (const node of nodes) {
    const frame = frameOf.get(node);
    if (frame !== undefined) (within.get(frame) ?? within.set(frame, []).get(frame))?.push(node);
  }
  if (within.size === 0) return { ...layers(nodes, edges, { columnWidth, rowHeight, most: mostOf(nodes.length) }), frames: [] };

  const inner = new Map([...within].map(([frame, members]) => {
    const own = edges.filter((edge) => frameOf.get(edge.from) === frame && frameOf.get(edge.to) === frame);
    return [frame, layers(members, own, { columnWidth, rowHeight, most: mostOf(members.length) })];
  }));
  const standsFor = (node: string): string => frameOf.get(node) ?? node;
  const outer = [...new Set(nodes.map(standsFor))];
  const between = edges.map((edge) => ({ ...edge, from: standsFor(edge.from), to: standsFor(edge.to) })).filter((edge) => edge.from !== edge.to);
  const columns = columnsOf(outer, between, mostOf(outer.length));

  // Each takes its own size and the usual distance to the next.
  const sizeOf = (name: string): { width: number; height: number } => {
    const layout = inner.get(name);
    return layout ? { width: layout.width + 2 * pad, height: layout.height + head + pad } : { width: columnWidth, height: rowHeight };
  };
  const heights = columns.map((column) => column.reduce((sum, name) => sum + sizeOf(name).height, 0));
  const tallest = Math.max(rowHeight, ...heights);
  const found: FramedLayout = { nodes: [], frames: [], width: 0, height: tallest };
  columns.forEach((column, at) => {
    let y = (tallest - (heights[at] ?? 0)) / 2;
    for (const name of column) {
      const layout = inner.get(name);
      const size = sizeOf(name);
      if (layout) {
        found.frames.push({ name, x: found.width, y, width: size.width - (columnWidth - width), height: size.height - (rowHeight - height) });
        for (const node of layout.nodes) found.nodes.push({ ...node, x: node.x + found.width + pad, y: node.y + y + head });
      } else {
        found.nodes.push({ name, x: found.width, y });
      }
      y += size.height;
    }
    found.width += Math.max(...column.map((name) => sizeOf(name).width));
  });
  return found;
}

import { describe, expect, it } from "vitest";
import { framed, type FramedSizes } from "./framed";
import { layers, type Edge } from "./graph";

const SIZES: FramedSizes = { width: 8, height: 4, columnWidth: 12, rowHeight: 6, pad: 2, head: 3, mostOf: () => 40 };
const edge = (text: string): Edge => ({ from: text[0] ?? "", to: text[1] ?? "", calls: 1 });
const NODES = [..."abcdefg"];
const EDGES = ["ab", "bc", "bd", "ce", "de", "ef", "ag"].map(edge);

describe("layers with frames", () => {
  it("are the plain ones where nothing is framed", () => {
    expect(framed(NODES, EDGES, new Map(), SIZES)).toEqual({ ...layers(NODES, EDGES, { columnWidth: 12, rowHeight: 6, most: 40 }), frames: [] });
  });

  it("have each node in its frame and nothing else, and no two things at one place", () => {
    const frameOf = new Map([..."bcd"].map((node) => [node, "X"]).concat([..."ef"].map((node) => [node, "Y"])) as [string, string][]);
    const { nodes, frames, width, height } = framed(NODES, EDGES, frameOf, SIZES);
    expect(nodes.map(({ name }) => name).sort()).toEqual(NODES);
    expect(frames.map(({ name }) => name)).toEqual(["X", "Y"]);
    for (const frame of frames) {
      const inside = nodes.filter((node) => node.x >= frame.x + 2 && node.y >= frame.y + 3 && node.x + 8 <= frame.x + frame.width - 2 && node.y + 4 <= frame.y + frame.height - 2);
      const touched = nodes.filter((node) => node.x < frame.x + frame.width && frame.x < node.x + 8 && node.y < frame.y + frame.height && frame.y < node.y + 4);
      expect(inside.map(({ name }) => name).sort()).toEqual([...frameOf].flatMap(([node, of]) => (of === frame.name ? [node] : [])));
      expect(touched).toEqual(inside);
      expect(frame.x + frame.width).toBeLessThanOrEqual(width);
      expect(frame.y + frame.height).toBeLessThanOrEqual(height);
    }
    const [x, y] = frames;
    expect((x?.x ?? 0) + (x?.width ?? 0)).toBeLessThan(y?.x ?? 0);
    // Callers stand before what they call, within frames and between them.
    const at = new Map(nodes.map((node) => [node.name, node.x]));
    for (const { from, to } of EDGES) expect(at.get(from)).toBeLessThan(at.get(to) ?? 0);
  });
});

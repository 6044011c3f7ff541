import { describe, expect, it } from "vitest";
import { components, cyclicEdges, layers, neighbourhood, type Edge } from "./graph";

const edge = (text: string): Edge => ({ from: text[0] ?? "", to: text[1] ?? "", calls: 1 });
const EDGES = ["ab", "bc", "cb", "cd", "ae", "ff"].map(edge);
const NODES = ["a", "b", "c", "d", "e", "f"];
const SIZES = { columnWidth: 10, rowHeight: 1, most: 60 };

describe("the service graph", () => {
  it("knows its cycles, also a service that calls itself", () => {
    const cyclic = cyclicEdges(EDGES, components(NODES, EDGES));
    expect([...cyclic].map((each) => each.from + each.to)).toEqual(["bc", "cb", "ff"]);
  });

  it("stands in layers, callers first, a cycle in one layer", () => {
    const at = new Map(layers(NODES, EDGES, SIZES).nodes.map((node) => [node.name, node.x / 10]));
    expect(at).toEqual(new Map([["a", 0], ["f", 0], ["b", 1], ["c", 1], ["e", 1], ["d", 2]]));
  });

  it("spreads a large circle over some layers, those first that call the most", () => {
    const ring = Array.from({ length: 20 }, (_, index) => `r${String(index).padStart(2, "0")}`);
    const edges = [...ring.map((from, at) => ({ from, to: ring[(at + 1) % 20] ?? "", calls: 1 })), ...ring.slice(1).map((to) => ({ from: "r00", to, calls: 1 })), { from: "in", to: "r05", calls: 1 }, { from: "r07", to: "out", calls: 1 }];
    const layout = layers(["in", ...ring, "out"], edges, SIZES);
    const at = new Map(layout.nodes.map((node) => [node.name, node.x / 10]));
    expect(at.get("in")).toBe(0);
    expect(at.get("r00")).toBe(1);
    expect(new Set(ring.map((name) => at.get(name)))).toEqual(new Set([1, 2, 3]));
    expect(at.get("out")).toBe(4);
  });

  it("breaks long layers into columns", () => {
    const many = Array.from({ length: 130 }, (_, index) => `n${index}`);
    const layout = layers(many, [], SIZES);
    expect(layout.width).toBe(30);
    expect(new Set(layout.nodes.map((node) => `${node.x} ${node.y}`)).size).toBe(130);
  });

  it("has neighbourhoods in both directions", () => {
    expect([...neighbourhood("c", EDGES, 1)].sort()).toEqual(["b", "c", "d"]);
    expect([...neighbourhood("d", EDGES, 9)].sort()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("places 1 238 services and 4 271 calls without recursion, each at a place of its own", () => {
    let seed = 3;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    const nodes = Array.from({ length: 1238 }, (_, index) => `s${index}`);
    const edges = Array.from({ length: 4271 }, () => ({ from: `s${random(1238)}`, to: `s${random(1238)}`, calls: 1 }));
    const layout = layers(nodes, edges, SIZES);
    expect(new Set(layout.nodes.map((node) => `${node.x} ${node.y}`)).size).toBe(1238);
    const chain = Array.from({ length: 20_000 }, (_, index) => ({ from: `s${index}`, to: `s${index + 1}`, calls: 1 }));
    expect(components(chain.map((each) => each.from), chain).size).toBeGreaterThanOrEqual(20_000);
  });
});

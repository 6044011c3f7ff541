import { describe, expect, it } from "vitest";
import type { GraphEdge, ServiceGraph } from "../api/groups";
import { graphOf } from "./graph";
import { grouped, namespaces, openText, readOpen } from "./namespaces";

const SERVICES: Record<string, string | null> = { cart: "shop", web: "shop", pay: "money", bank: "money", mail: null };
const OTHERS: Record<string, string> = { carts: "database", all: "database", client: "client" };
const kindOf = (name: string): string => OTHERS[name] ?? "service";

function edge(from: string, to: string, calls: number, errors = 0): GraphEdge {
  return { from, from_kind: kindOf(from), to, to_kind: kindOf(to), inferred: false, calls, error_count: errors, p50_ns: calls, p95_ns: calls * 10, sample_trace_ids: [`${from}${to}`] };
}

const ANSWER: Pick<ServiceGraph, "nodes" | "edges"> = {
  nodes: [
    ...Object.entries(SERVICES).map(([name, namespace]) => ({ name, kind: "service", system: null, namespace })),
    ...Object.entries(OTHERS).map(([name, kind]) => ({ name, kind, system: null, namespace: null })),
  ],
  edges: [edge("client", "web", 9), edge("web", "cart", 8), edge("cart", "pay", 3, 1), edge("web", "pay", 4), edge("pay", "bank", 2), edge("bank", "pay", 1), edge("cart", "carts", 5), edge("cart", "all", 1), edge("bank", "all", 1), edge("pay", "mail", 1)],
};
const whole = graphOf(ANSWER, true);
const found = namespaces(ANSWER, whole) ?? new Map<string, string>();
const lines = (open: string[]): string[] => grouped(whole, found, new Set(open)).edges.map(({ from, to, calls, errors }) => `${from} → ${to} ${calls}/${errors}`);

describe("namespaces on the map", () => {
  it("have their services and what only those call", () => {
    const ofOne = { nodes: ANSWER.nodes.map((node) => ({ ...node, namespace: node.kind === "service" ? "shop" : null })) };
    expect(namespaces(ofOne, whole)).toBeNull();
    expect(found.get("carts (database)")).toBe("shop");
    expect(found.has("all (database)")).toBe(false);
    expect(found.has("client")).toBe(false);
    expect(found.get("mail")).toBe("(none)");
  });

  it("are one node each, whose calls are added up; cycles stay marked", () => {
    const graph = grouped(whole, found, new Set());
    expect(graph.nodes).toEqual(["all (database)", "client", "money (namespace)", "no namespace", "shop (namespace)"]);
    expect(lines([])).toEqual(["client → shop (namespace) 9/0", "shop (namespace) → money (namespace) 7/1", "shop (namespace) → all (database) 1/0", "money (namespace) → all (database) 1/0", "money (namespace) → no namespace 1/0"]);
    const between = graph.edges[1];
    expect(between?.parts?.map((call) => call.from)).toEqual(["cart", "web"]);
    // At most as slow as the slower of the two.
    expect(between?.p95_ns).toBe(40);
    expect(between?.samples).toEqual(["cartpay", "webpay"]);
    expect(graph.groups?.get("money (namespace)")).toMatchObject({ members: ["bank", "pay"], services: 2, cyclic: true, open: false });
    expect(graph.groups?.get("shop (namespace)")).toMatchObject({ members: ["cart", "web", "carts (database)"], services: 2, cyclic: false });
    expect(graph.cyclic.size).toBe(0);
  });

  it("open one by one, all others stay closed", () => {
    const graph = grouped(whole, found, new Set(["money"]));
    expect(graph.nodes).toContain("bank");
    expect(graph.nodes).not.toContain("money (namespace)");
    expect([...graph.cyclic].map(({ from, to }) => `${from}${to}`)).toEqual(["paybank", "bankpay"]);
    expect(lines(["money"])).toContain("shop (namespace) → pay 7/1");
  });

  it("keep a cycle marked that goes through several of them", () => {
    const round = graphOf({ ...ANSWER, edges: [...ANSWER.edges, edge("bank", "cart", 1)] }, true);
    const graph = grouped(round, found, new Set());
    expect([...graph.cyclic].map(({ from, to }) => `${from} → ${to}`)).toEqual(["shop (namespace) → money (namespace)", "money (namespace) → shop (namespace)"]);
  });

  it("stand in the address, whatever they are called", () => {
    const open = new Set(["shop", "a,b", "50 %"]);
    expect(readOpen(openText(open))).toEqual(open);
    expect(openText([])).toBeNull();
    expect(readOpen(null).size).toBe(0);
    expect(readOpen("%,x")).toEqual(new Set(["%", "x"]));
  });
});

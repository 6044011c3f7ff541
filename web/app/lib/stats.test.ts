import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { flameGraph, inOrder } from "./flame";
import { attributeNames, statistics } from "./stats";

const SPANS = [
  spanOf({ name: "GET", duration_ns: 100, self_time_ns: 10, child_count: 3, descendant_count: 3, attributes: { region: "eu" } }),
  spanOf({ service_name: "db", name: "SELECT", parent_index: 0, depth: 1, duration_ns: 30, self_time_ns: 30, status_code: "ERROR" }),
  spanOf({ service_name: "db", name: "SELECT", parent_index: 0, depth: 1, duration_ns: 50, self_time_ns: 50, attributes: { region: "us" } }),
  spanOf({ service_name: "cache", name: "get", parent_index: 0, depth: 1, duration_ns: 10, self_time_ns: 10 }),
];

describe("statistics of a trace", () => {
  it("group by service with counts, errors, times and percentiles", () => {
    const rows = statistics(SPANS, "service", new Map([[2, 40]]));
    expect(rows.find((row) => row.name === "db")).toEqual({ name: "db", service: "db", count: 2, errors: 1, total_ns: 80, self_ns: 80, critical_ns: 40, p50_ns: 30, p95_ns: 50, max_ns: 50 });
    expect(rows.map((row) => row.name)).toEqual(["web", "db", "cache"]);
  });

  it("group by any attribute, those without it too", () => {
    expect(statistics(SPANS, "region", new Map()).map((row) => [row.name, row.count])).toEqual([["eu", 1], ["(none)", 2], ["us", 1]]);
    expect(attributeNames(SPANS, 5)).toEqual(["region"]);
  });
});

describe("a flame graph", () => {
  it("lays equal paths together, the widest to the left, and its widths add up", () => {
    const top = flameGraph(SPANS);
    const [root] = top.children;
    expect(top.value_ns).toBe(100);
    expect(root?.children.map((child) => [child.name, child.count, child.value_ns, child.start_ns])).toEqual([["SELECT", 2, 80, 0], ["get", 1, 10, 80]]);
    for (const node of inOrder(top)) expect(node.value_ns).toBe(node.self_ns + node.children.reduce((sum, child) => sum + child.value_ns, 0));
  });
});

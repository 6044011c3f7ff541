import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { traceGraph } from "./tracegraph";

describe("who calls whom in a trace", () => {
  const spans = [
    spanOf({ service_name: "web", child_count: 3, self_time_ns: 10 }),
    spanOf({ service_name: "cart", parent_index: 0, duration_ns: 5, child_count: 1, status_code: "ERROR" }),
    spanOf({ service_name: "cart", parent_index: 1, kind: "CLIENT", duration_ns: 3, attributes: { "db.system": "mysql", "db.name": "cart" } }),
    spanOf({ service_name: "cart", parent_index: 0, duration_ns: 9 }),
    spanOf({ service_name: "web", parent_index: 0, kind: "CLIENT", child_count: 1, attributes: { "db.system": "proxied" } }),
  ];

  it("counts calls between services, with their time and the longest of them", () => {
    expect(traceGraph(spans).calls).toEqual([
      { from: "web", to: "cart", calls: 2, errors: 1, total_ns: 14, longest_ns: 9, example: 3 },
      { from: "cart", to: "cart (database)", calls: 1, errors: 0, total_ns: 3, longest_ns: 3, example: 2 },
    ]);
  });

  it("has services, and what sends no spans beside them", () => {
    expect(traceGraph(spans).nodes.map(({ name, kind, spans: count, errors }) => [name, kind, count, errors])).toEqual([["web", null, 2, 0], ["cart", null, 3, 1], ["cart (database)", "database", 1, 0]]);
    expect(traceGraph([])).toEqual({ nodes: [], calls: [] });
  });
});

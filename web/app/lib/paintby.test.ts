import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { colouring } from "./paintby";

const spans = [
  spanOf({ attributes: { "db.system": "redis" }, self_time_ns: 100 }),
  spanOf({ attributes: { "db.system": "redis" }, self_time_ns: 25, status_code: "OK" }),
  spanOf({ resource: { "db.system": "mysql" } }),
  spanOf({ status_code: "ERROR" }),
];
const tokens = (by: string): string[] => spans.map((span) => colouring(spans, by).of(span).token);

describe("the colour of spans", () => {
  it("is that of their service, and red for errors", () => {
    const found = tokens("service");
    expect(found[0]).toMatch(/^--service-\d+$/);
    expect(found[3]).toBe("--error");
    expect(colouring(spans, "service").legend).toEqual([]);
  });

  it("tells the values of an attribute of span or resource apart, the most frequent first", () => {
    expect(tokens("db.system")).toEqual(["--service-0", "--service-0", "--service-1", "--error"]);
    expect(colouring(spans, "db.system").legend).toEqual([
      { label: "redis", token: "--service-0", count: 2, find: 'db.system:"redis"' },
      { label: "mysql", token: "--service-1", count: 1, find: 'db.system:"mysql"' },
      { label: "none", token: "--level-info", count: 1, find: null },
    ]);
  });

  it("says which failed, and which were said to be right", () => {
    expect(tokens("status")).toEqual(["--level-info", "--ok", "--level-info", "--error"]);
    expect(colouring(spans, "status").legend.map((entry) => [entry.label, entry.count])).toEqual([["unset", 2], ["error", 1], ["ok", 1]]);
  });

  it("is darker the more time a span took itself", () => {
    const strengths = spans.map((span) => colouring(spans, "self").of(span).strength);
    expect(strengths[0]).toBe(1);
    expect(strengths[1]).toBeCloseTo(0.58);
    expect(strengths[2]).toBeCloseTo(0.16);
  });
});

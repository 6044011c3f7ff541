import { describe, expect, it } from "vitest";
import type { ComparedGroup, ComparedSpans, ComparedTrace, Comparison } from "../api/types";
import { byDifference, compareRows, onlyDifferences, sideNames, verdictText } from "./compare";
import { signed } from "./format";

const spans = (duration_ns: number, self_time_ns: number, error_count = 0, span_count = 1): ComparedSpans => ({
  span_count,
  error_count,
  duration_ns,
  self_time_ns,
  start_offset_ns: 0,
  longest: { span_id: "1", duration_ns },
});

const group = (parent_index: number | null, name: string, left: ComparedSpans | null, right: ComparedSpans | null): ComparedGroup => ({
  parent_index,
  depth: parent_index === null ? 0 : 1,
  service_name: "web",
  name,
  kind: "SERVER",
  left,
  right,
  attributes: [],
});

const trace = (duration_ns: number): ComparedTrace => ({ trace_id: "1", start_time_unix_nano: "0", duration_ns, span_count: 1, error_count: 0, root: null, median: null });

const found: Comparison = {
  complete: true,
  left: trace(1000),
  right: trace(2000),
  services: [],
  groups: [
    group(null, "GET /", spans(1000, 100), spans(1015, 115)),
    group(0, "same", spans(500, 500), spans(510, 510)),
    group(0, "slow", spans(100, 100), spans(900, 900)),
    group(0, "gone", spans(10, 10), null),
    group(0, "new", null, spans(5, 5)),
    group(0, "broken", spans(5, 5), spans(5, 5, 1)),
    group(0, "often", spans(5, 5), spans(6, 6, 0, 40)),
    group(0, "quick", spans(300, 300), spans(100, 100)),
  ],
};

describe("a comparison", () => {
  it("says of each group what became of it", () => {
    expect(compareRows(found).map((row) => row.verdict)).toEqual(["same", "same", "slower", "removed", "added", "failed", "same", "faster"]);
    expect(compareRows(found)[3]?.delta_ns).toBe(-10);
  });

  it("shows only differences, with the way to them", () => {
    const names = onlyDifferences(compareRows(found)).map((row) => row.group.name);
    expect(names).toEqual(["GET /", "slow", "gone", "new", "broken", "often", "quick"]);
    const alike = { ...found, groups: found.groups.slice(0, 2) };
    expect(onlyDifferences(compareRows(alike))).toEqual([]);
  });

  it("lists the largest differences in own time first", () => {
    expect(byDifference(compareRows(found)).map((row) => row.group.name)).toEqual(["slow", "quick", "gone", "new", "often", "broken"]);
  });

  it("is put into words", () => {
    expect([signed(2_000_000), signed(-2_000_000), signed(0)]).toEqual(["+2.00 ms", "−2.00 ms", "0"]);
    expect(verdictText(100, 300)).toBe("3.0× as long as");
    expect(verdictText(100, 50)).toBe("50 % shorter than");
    expect(verdictText(100, 101)).toBe("about as long as");
    expect(verdictText(0, 10)).toBe("");
    expect(sideNames(found).heads).toEqual(["A", "B"]);
    expect(sideNames({ left: found.left, right: { ...trace(1), median: { trace_count: 3, root_duration_ns: 1 } } }).words).toEqual(["the trace", "the median"]);
  });
});

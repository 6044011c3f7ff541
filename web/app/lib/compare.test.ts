import { describe, expect, it } from "vitest";
import type { ComparedGroup, ComparedSpans, ComparedTrace, Comparison } from "../api/types";
import { axisOf, barsOf, byDifference, compareRows, onlyDifferences, sideNames, verdictText } from "./compare";
import { signed } from "./format";

const spans = (duration_ns: number, self_time_ns: number, error_count = 0, span_count = 1): ComparedSpans => ({
  span_count,
  error_count,
  duration_ns,
  self_time_ns,
  start_offset_ns: 0,
  parts: [{ from_offset_ns: 0, to_offset_ns: duration_ns }],
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

describe("the common time of two traces", () => {
  const at = (from: number, to: number, later: [number, number][] = []): ComparedSpans => ({ ...spans(to - from, 1), start_offset_ns: from, parts: [[from, to], ...later].map(([start = 0, end = 0]) => ({ from_offset_ns: start, to_offset_ns: end })) });
  // The root of the left began 100 after another span of its trace.
  const groups = [group(null, "GET /", at(100, 300), at(0, 400)), group(0, "load", at(150, 200), at(50, 100, [[300, 350]])), group(0, "gone", at(0, 40), null)];

  it("goes from the first start to the last end, with the roots above each other", () => {
    expect(axisOf({ groups })).toEqual({ from: -100, to: 400, zeros: [100, 0] });
    expect(axisOf({ groups: [] })).toEqual({ from: 0, to: 1, zeros: [0, 0] });
  });

  it("has bars where spans ran", () => {
    const axis = axisOf({ groups });
    expect(barsOf(groups[0]?.left ?? null, axis, 0)).toEqual([{ left: 20, width: 40 }]);
    expect(barsOf(groups[0]?.right ?? null, axis, 1)).toEqual([{ left: 20, width: 80 }]);
    expect(barsOf(groups[1]?.left ?? null, axis, 0)).toEqual([{ left: 30, width: 10 }]);
    expect(barsOf(groups[1]?.right ?? null, axis, 1)).toEqual([{ left: 30, width: 10 }, { left: 80, width: 10 }]);
    expect(barsOf(groups[2]?.left ?? null, axis, 0)).toEqual([{ left: 0, width: 8 }]);
    expect(barsOf(null, axis, 1)).toEqual([]);
  });

  it("keeps what is short in sight, and within the axis", () => {
    const axis = { from: 0, to: 100_000, zeros: [0, 0] as [number, number] };
    expect(barsOf(at(100_000, 100_000), axis, 0)).toEqual([{ left: 99.4, width: 0.6 }]);
  });
});

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

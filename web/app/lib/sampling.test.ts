import { describe, expect, it } from "vitest";
import { represented, standFor, thresholdWeight, weightOf } from "./sampling";

describe("how many spans one stands for", () => {
  it("stands in the threshold of its tracestate", () => {
    expect(thresholdWeight("ot=th:0")).toBe(1);
    expect(thresholdWeight("ot=th:8")).toBe(2);
    expect(thresholdWeight("vendor=x, ot=rv:abcdef01234567;th:c")).toBe(4);
    expect(thresholdWeight("ot=th:e66666666666")).toBeCloseTo(10, 6);
  });

  it("is not known from anything else", () => {
    for (const state of [null, undefined, "", "ot=rv:1", "ot=th:", "ot=th:xyz", "ot=th:123456789012345", "other=th:8"]) expect(thresholdWeight(state)).toBeNull();
  });

  it("may stand in an attribute", () => {
    expect(weightOf({ attributes: { "sampling.probability": 0.25 } })).toBe(4);
    expect(weightOf({ attributes: { SampleRate: 20 } })).toBe(20);
    expect(weightOf({ attributes: { "sampling.probability": 0 } })).toBeNull();
    expect(weightOf({ attributes: { "sampling.weight": 7 }, trace_state: "ot=th:8" })).toBe(2);
  });

  it("is added up, and said only if some span has one", () => {
    expect(standFor([{ attributes: {} }, { attributes: {}, trace_state: "ot=th:8" }])).toBe(3);
    expect(standFor([{ attributes: {} }])).toBeNull();
  });
});

describe("how many spans those that match stand for", () => {
  const series = (name: string, ...span_count: number[]): { name: string; span_count: number[]; error_count: []; p50_ns: []; p95_ns: []; p99_ns: [] } => ({ name, span_count, error_count: [], p50_ns: [], p95_ns: [], p99_ns: [] });

  it("is added up by their tracestate, those without one for themselves", () => {
    expect(represented({ series: [series("ot=th:8", 3, 2), series("(none)", 4)], total: 9 })).toEqual({ spans: 9, all: 14, atLeast: false });
    expect(represented({ series: [series("ot=th:8", 3), series("(other)", 7)], total: 10 })).toEqual({ spans: 10, all: 13, atLeast: true });
  });

  it("is not said where nothing was sampled", () => {
    expect(represented({ series: [series("(none)", 4), series("vendor=1", 2)], total: 6 })).toBeNull();
    expect(represented({ series: [series("ot=th:0", 4)], total: 4 })).toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import type { Timeline, TimelineSpan } from "../api/types";
import { spanOf } from "../testing/spans";
import { withoutSkew } from "./skew";

const MS = 1e6;
const traceOf = (spans: TimelineSpan[]): Timeline => ({
  trace_id: "a", start_time_unix_nano: "1000000000000", duration_ns: 100 * MS, span_count: spans.length, error_count: 0, depth: 3, log_count: 0, warnings: [], complete: true, spans,
  services: [...new Set(spans.map((span) => span.service_name))].map((service_name) => ({ service_name, span_count: 1, error_count: 0, self_time_ns: 0 })),
});
const caller = (more: Partial<TimelineSpan> = {}) => spanOf({ service_name: "web", kind: "CLIENT", duration_ns: 100 * MS, child_count: 1, descendant_count: 1, ...more });
const callee = (start: number, length: number, more: Partial<TimelineSpan> = {}) =>
  spanOf({ service_name: "cart", kind: "SERVER", parent_index: 0, depth: 1, start_offset_ns: start * MS, duration_ns: length * MS, ...more });

describe("clock skew", () => {
  it("is none when callees lie within their callers", () => {
    expect(withoutSkew(traceOf([caller(), callee(10, 60)]))).toBeNull();
  });

  it("puts a callee into the middle of its caller, and what it did with it", () => {
    const inner = spanOf({ service_name: "cart", kind: "INTERNAL", parent_index: 1, depth: 2, start_offset_ns: 510 * MS, duration_ns: 20 * MS });
    const skew = withoutSkew(traceOf([caller({ descendant_count: 2 }), callee(500, 60, { child_count: 1, descendant_count: 1 }), inner]));
    expect(skew?.trace.spans.map((span) => span.start_offset_ns / MS)).toEqual([0, 20, 30]);
    expect(skew?.trace.spans.map((span) => span.clock_delta_ns)).toEqual([0, -480 * MS, -480 * MS]);
    expect(skew?.trace.spans.map((span) => span.self_time_ns / MS)).toEqual([40, 40, 0]);
    expect(skew).toMatchObject({ largest_ns: 480 * MS, machines: [{ name: "cart", delta_ns: -480 * MS, spans: 2 }] });
    expect(skew?.trace.duration_ns).toBe(100 * MS);
  });

  it("starts the trace with the caller again when a callee came before it", () => {
    const raw = [caller({ start_offset_ns: 300 * MS }), callee(0, 60)];
    const skew = withoutSkew(traceOf(raw));
    expect(skew?.trace.spans.map((span) => span.start_offset_ns / MS)).toEqual([0, 20]);
    expect(skew?.trace.start_time_unix_nano).toBe(String(1000000000000 + 300 * MS));
    expect(raw[1]?.start_offset_ns).toBe(0);
  });

  it("leaves a consumer where it is, however late, but not before its producer", () => {
    const producer = caller({ kind: "PRODUCER", duration_ns: 5 * MS });
    expect(withoutSkew(traceOf([producer, callee(900, 2, { kind: "CONSUMER" })]))).toBeNull();
    expect(withoutSkew(traceOf([producer, callee(-50, 2, { kind: "CONSUMER" })]))?.largest_ns).toBe(50 * MS);
  });

  it("leaves spans of one machine and differences that nobody sees", () => {
    expect(withoutSkew(traceOf([caller(), callee(90, 50, { service_name: "web", kind: "INTERNAL" })]))).toBeNull();
    expect(withoutSkew(traceOf([caller(), callee(-0.01, 60)]))).toBeNull();
    expect(withoutSkew(traceOf([caller(), callee(60, 60)]))).toBeNull();
  });
});

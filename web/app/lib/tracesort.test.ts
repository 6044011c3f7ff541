import { describe, expect, it } from "vitest";
import type { TraceSummary } from "../api/types";
import { clickedSort, readTraceSort, sortedTraces, TRACE_COLUMNS, writeTraceSort } from "./tracesort";

const trace = (trace_id: string, more: Partial<TraceSummary>): TraceSummary => ({ trace_id, start_time_unix_nano: "0", duration_ns: 1, root: { service_name: "a", name: "x", kind: "SERVER", status_code: "UNSET" }, span_count: 1, error_count: 0, matched_spans: 1, services: [], ...more });
const TRACES = [
  trace("1", { duration_ns: 5, root: null }),
  trace("2", { duration_ns: 9, error_count: 2, root: { service_name: "b", name: "x", kind: "SERVER", status_code: "UNSET" } }),
  trace("3", { duration_ns: 5, span_count: 7, services: [{ service_name: "a", span_count: 1, error_count: 0 }] }),
];
const order = (sort: string | null): string => sortedTraces(TRACES, readTraceSort(sort)).map(({ trace_id }) => trace_id).join("");

describe("the order of traces", () => {
  it("is the newest first, and by each column", () => {
    expect(order(null)).toBe("123");
    expect(order("time-up")).toBe("321");
    expect(order("duration")).toBe("213");
    expect(order("duration-up")).toBe("132");
    expect(order("root")).toBe("321");
    expect(order("spans")).toBe("312");
    expect(order("errors")).toBe("213");
    expect(order("services")).toBe("312");
    expect(order("nonsense-up")).toBe("123");
  });

  it("stands in the address as it is read from there", () => {
    for (const column of TRACE_COLUMNS) for (const up of [false, true]) expect(readTraceSort(writeTraceSort({ column, up }))).toEqual({ column, up });
  });

  it("turns round with the second click", () => {
    const first = clickedSort(readTraceSort(null), "spans");
    expect([first.up, clickedSort(first, "spans").up, clickedSort(first, "errors").up]).toEqual([false, true, false]);
  });
});

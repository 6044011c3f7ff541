import { describe, expect, it } from "vitest";
import { perSecond, redSeries } from "./red";

describe("rate, errors and duration", () => {
  it("are told by bucket and over all", () => {
    const red = redSeries({
      complete: true,
      start_unix_nano: "0",
      end_unix_nano: "30000000000",
      bucket_ns: 10e9,
      total: 30,
      series: [{ name: null, span_count: [20, 0, 10], error_count: [5, 0, 0], p50_ns: [1, null, 2], p95_ns: [9, null, 4], p99_ns: [9, null, 5] }],
    });
    expect([red.total, red.errors, red.rate, red.worstP95]).toEqual([30, 5, 1, 9]);
    expect(red.failed).toEqual([0.5, 0, 0]);
    expect(red.good).toEqual([1.5, 0, 1]);
    expect(red.errorShare).toEqual([0.25, null, 0]);
  });

  it("of nothing are nothing", () => {
    const red = redSeries({ complete: true, start_unix_nano: "0", end_unix_nano: "0", bucket_ns: 0, total: 0, series: [] });
    expect([red.total, red.rate, red.worstP95]).toEqual([0, 0, 0]);
  });

  it("are written by the second or by the minute", () => {
    expect([0, 0.05, 0.5, 12.34, 1234].map((rate) => perSecond(rate))).toEqual(["0/s", "3.00/min", "0.50/s", "12.3/s", "1234/s"]);
    expect([0, 0.05, 3].map((rate) => perSecond(rate, 0.05))).toEqual(["0/min", "3.00/min", "180/min"]);
  });
});

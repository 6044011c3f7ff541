import { describe, expect, it } from "vitest";
import type { SpanHistogram, SpanSeries } from "../api/types";
import { versionsOf } from "./versions";

const series = (name: string | null, span_count: number[], failed = 0): SpanSeries => ({ name, span_count, error_count: span_count.map((count) => Math.min(count, failed)), p50_ns: span_count.map(() => 1), p95_ns: span_count.map((count) => count * 10), p99_ns: span_count.map(() => 1) });
const histogram = (all: SpanSeries[]): SpanHistogram => ({ start_unix_nano: "1000000000", end_unix_nano: "5000000000", bucket_ns: 1e9, series: all, total: 0, complete: true });

describe("versions of a service", () => {
  it("are told the newest first, with when they came and how they fare", () => {
    expect(versionsOf(histogram([series("1.0", [5, 5, 1, 0]), series("1.1", [0, 0, 4, 6], 1), series("(none)", [1, 1, 1, 1])]))).toEqual([
      { name: "1.1", spans: 10, errors: 2, worstP95: 60, firstMs: 3000, lastMs: 4000, isNew: true },
      { name: "1.0", spans: 11, errors: 0, worstP95: 50, firstMs: 1000, lastMs: 3000, isNew: false },
    ]);
  });

  it("are none where nobody says one, and one alone is not new", () => {
    expect(versionsOf(histogram([series("(none)", [1]), series(null, [1])]))).toEqual([]);
    expect(versionsOf(histogram([series("2", [0, 0, 3])])).map(({ isNew }) => isNew)).toEqual([false]);
  });
});

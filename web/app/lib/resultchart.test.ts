import { describe, expect, it } from "vitest";
import { barsOf, formatOf, linesOf, wishOf, writePlace, type ResultColumn } from "./resultchart";

const COLUMNS: ResultColumn[] = [
  { name: "bucket", type: 'Timestamp(ns, "UTC")' },
  { name: "trace_id", type: "Utf8" },
  { name: "service_name", type: "Utf8" },
  { name: "spans", type: "Int64" },
  { name: "p95_ms", type: "Float64" },
];
const MINUTE = 60_000;
const at = (minute: number): string => new Date(minute * MINUTE).toISOString();
const ROWS = Array.from({ length: 60 }, (_, n) => [at(Math.floor(n / 2)), `t${n}`, n % 2 === 0 ? "cart" : "pay", n, n % 10 === 0 ? null : n / 2]);
const params = (text = ""): URLSearchParams => new URLSearchParams(text);

describe("what a chart shows", () => {
  it("is what is likely meant, where the address does not say", () => {
    expect(wishOf(params(), COLUMNS, ROWS)).toEqual({ value: 3, how: "sum", by: 2, time: 0 });
    expect(wishOf(params("value=p95_ms&by=trace_id&over=-"), COLUMNS, ROWS)).toEqual({ value: 4, how: "mean", by: 1, time: null });
    expect(wishOf(params("value=-&by=-&how=max"), COLUMNS, ROWS)).toEqual({ value: null, how: "max", by: null, time: 0 });
    expect(wishOf(params("value=trace_id&over=spans&by=gone&how=much"), COLUMNS, ROWS)).toEqual({ value: 3, how: "sum", by: 2, time: 0 });
    expect(wishOf(params(), COLUMNS.slice(1, 2), ROWS.map((row) => row.slice(1, 2)))).toEqual({ value: null, how: "sum", by: 0, time: null });
    expect([null, 2].map((place) => writePlace(COLUMNS, place))).toEqual(["-", "service_name"]);
  });
});

describe("bars", () => {
  it("are the values of each name added up, the largest first", () => {
    const wish = { value: 3, how: "sum", by: 2, time: null } as const;
    expect(barsOf(ROWS, wish)).toEqual([{ name: "pay", value: 900, rows: 30 }, { name: "cart", value: 870, rows: 30 }]);
    expect(barsOf(ROWS, { ...wish, value: null })).toEqual([{ name: "cart", value: 30, rows: 30 }, { name: "pay", value: 30, rows: 30 }]);
    expect(barsOf(ROWS, { ...wish, how: "max", by: null })).toEqual([{ name: "all rows", value: 59, rows: 60 }]);
    expect(barsOf(ROWS, { ...wish, how: "min" }).map((bar) => bar.value)).toEqual([1, 0]);
  });

  it("have no value of what has no number, and take large numbers that came as texts", () => {
    expect(barsOf([["a", null], ["a", "9007199254740993"], ["b", null], [null, 1]], { value: 1, how: "mean", by: 0, time: null })).toEqual([
      { name: "a", value: 9007199254740992, rows: 2 },
      { name: "(none)", value: 1, rows: 1 },
      { name: "b", value: null, rows: 1 },
    ]);
  });
});

describe("lines", () => {
  const wish = { value: 3, how: "sum", by: 2, time: 0 } as const;

  it("keep buckets that the statement made", () => {
    const lines = linesOf(ROWS, wish, null);
    expect(lines).toMatchObject({ startMs: 0, bucketMs: MINUTE, left: 0 });
    expect(lines?.series.map((line) => line.name)).toEqual(["pay", "cart"]);
    expect(lines?.series[1]?.values.slice(0, 3)).toEqual([0, 2, 4]);
    expect(lines?.series.every((line) => line.values.length === 30)).toBe(true);
  });

  it("are laid into buckets of a usual length where times are any", () => {
    const rows = Array.from({ length: 500 }, (_, n) => [new Date(n * 7_777).toISOString(), n]);
    const lines = linesOf(rows, { value: null, how: "sum", by: null, time: 0 }, null);
    expect(lines?.bucketMs).toBe(120_000);
    expect(lines?.series[0]?.values.reduce((sum: number, value) => sum + (value ?? 0), 0)).toBe(500);
  });

  it("show a part of the time, gaps where there is nothing, and no more names than can be told apart", () => {
    expect(linesOf(ROWS, wish, { from: 5 * MINUTE, to: 8 * MINUTE })?.series[0]?.values).toEqual([11, 13, 15]);
    expect(linesOf(ROWS, wish, { from: -2, to: -1 })).toBeNull();
    expect(linesOf(ROWS, { ...wish, by: 1 }, null)).toMatchObject({ left: 48 });
    const gap = linesOf([[at(0), 1], [at(1), 2], [at(3), 3]], { value: 1, how: "max", by: null, time: 0 }, null);
    expect(gap?.series[0]?.values).toEqual([1, 2, null, 3]);
    expect(linesOf([[at(0), 1], [at(1), 2], [at(3), 3]], { value: null, how: "max", by: null, time: 0 }, null)?.series[0]?.values).toEqual([1, 1, 0, 1]);
    expect(linesOf([[at(0), 1]], { value: 1, how: "max", by: null, time: 0 }, null)?.series[0]?.values).toEqual([1]);
  });
});

it("numbers are read as the name of their column says", () => {
  expect(formatOf("p95_ns")(1_500_000)).toBe("1.50 ms");
  expect(formatOf("scanned_bytes")(1_500_000)).toBe("1.5 MB");
  expect(formatOf("spans")(1500)).toBe("1\u2009500");
  expect(formatOf(null)(1.23456)).toBe("1.235");
});

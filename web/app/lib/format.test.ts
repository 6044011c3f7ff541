import { describe, expect, it } from "vitest";
import { ago, axisTime, bytes, compact, count, duration, fullTime, leavesThisYear, percent, rowTime } from "./format";

describe("numbers", () => {
  it("show durations in the unit that fits", () => {
    const cases: [number, string][] = [
      [0, "0"], [812, "812 ns"], [999.7, "1.00 µs"], [45_300, "45.3 µs"], [1_250_000, "1.25 ms"], [482_400_000, "482 ms"], [999_600_000, "1.00 s"],
      [3_400_000_000, "3.40 s"], [125e9, "2 m 05 s"], [3_725e9, "1 h 02 m"], [90_000e9, "1 d 01 h"], [-5e6, "−5.00 ms"],
    ];
    for (const [ns, text] of cases) expect(duration(ns)).toBe(text);
  });

  it("group thousands with a space that is no decimal point", () => {
    expect(count(1_234_567)).toBe("1\u2009234\u2009567");
    expect(count(999)).toBe("999");
    expect(compact(20_700)).toBe("20.7k");
    expect(compact(3_210_000)).toBe("3.21M");
  });

  it("show bytes as disks do", () => {
    expect([0, 999, 1_500, 8_974_901, 2.4e12].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "9.0 MB", "2.4 TB"]);
  });

  it("do not round a small share to nothing", () => {
    expect(percent(1, 100_000)).toBe("<0.1 %");
    expect(percent(0, 10)).toBe("0 %");
    expect(percent(3, 0)).toBe("0 %");
    expect(percent(1, 2)).toBe("50 %");
  });
});

describe("times", () => {
  const nanos = "1674982096546346267";

  it("keep all nine digits", () => {
    expect(fullTime(nanos, "utc")).toBe("2023-01-29 08:48:16.546346267 UTC");
    expect(fullTime("999999999", "utc")).toBe("1970-01-01 00:00:00.999999999 UTC");
  });

  it("say the year where rows leave this one", () => {
    expect(rowTime(1_674_982_096_546, "utc")).toBe("Jan 29 08:48:16.546");
    expect(rowTime(1_674_982_096_546, "utc", true)).toBe("2023-01-29 08:48:16.546");
    expect(leavesThisYear([1_674_982_096_546, undefined], Date.parse("2023-06-01"))).toBe(false);
    expect(leavesThisYear([1_674_982_096_546], Date.parse("2024-06-01"))).toBe(true);
  });

  it("are as coarse on an axis as its steps", () => {
    const ms = Date.parse("2023-01-29T08:48:16.500Z");
    expect(axisTime(ms, 365 * 864e5, "utc")).toBe("2023");
    expect(axisTime(ms, 864e5, "utc")).toBe("Jan 29");
    expect(axisTime(ms, 6e4, "utc")).toBe("08:48");
    expect(axisTime(ms, 100, "utc")).toBe("48:16.500");
  });

  it("are told as distances", () => {
    expect(ago(0, 3 * 6e4)).toBe("3 min ago");
    expect(ago(1000, 0)).toBe("1 s from now");
    expect(ago(0, 500)).toBe("just now");
  });
});
